"""Stored verdicts judged again, where only the revision, the clock or the answers about revocation are other ones than before.

Then all artifacts of one question still are of one question: one of them is judged, and the rows of all are written at once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import batched

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from registries.leases import Lease
from registries.models import Child, Repository
from registries.oci.digest import Digest
from trust import holdings
from trust.chains import store_authorities
from trust.evidence import unexamined
from trust.judging import judge_subjects
from trust.models import BUILD, GREEN, ArtifactStatus, Judgement, StatusChange, Verdict
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.records import SYSTEM, JudgedRow, JudgedSubject, outcomes_of, resting_of
from trust.remembering import Answer, Known
from trust.rewriting import Rewriting, among, as_answer, later, moment
from trust.rulings import Rulings
from trust.statuses import SEVERITY

BATCH = 1000  # rows written in one transaction; SQLite compares each with every answer
FEW = 500  # digests in one query
Cause = StatusChange.Cause
NO_REST = {"rests": "", "tsa_chain_id": None, "tsa_rests": False}
RESTING = tuple(NO_REST)
VERDICT = ("word", "reason", "signer", "statement", *RESTING, "green_until", "revision_id")
STATUS = (
    *("word", "severity", "reason", "course", "message", "signer", "statement"),
    *("chain_id", *RESTING, "green_until", "revision"),
)

type Asked = Sequence[tuple[int, str]]
"Rows by key, each with its question."


def judge_again(repository: Repository, rulings: Rulings, lease: Lease[Judgement], known: Known) -> bool:
    """Judge every question of the repository that is not `known`, and write what came of all. False: more has changed."""
    if not holds_as_judged(repository, lease.row):
        return False
    statuses = _asked(ArtifactStatus.objects.filter(repository=repository))
    verdicts = _asked(Verdict.objects.filter(repository=repository, purpose=BUILD, system=SYSTEM))
    if not _judge_samples(repository, statuses, rulings, lease, known):
        return False
    if not all(question in known.verdicts for _, question in verdicts):
        return False
    for some in batched(verdicts, BATCH):
        with transaction.atomic():
            lease.renew()
            _write_verdicts(some, known.verdicts, rulings)
    for some in batched(statuses, BATCH):
        with transaction.atomic():
            lease.renew()
            _write_statuses(some, known.statuses, rulings)
    with transaction.atomic():
        lease.renew()
        _cover(repository, rulings)
    return True


def holds_as_judged(repository: Repository, row: Judgement) -> bool:
    """Whether nothing is known of the repository but what was judged, by these versions."""
    judged = row.generation, row.evidence_version, row.judge_version
    current = repository.generation, EVIDENCE_VERSION, JUDGE_VERSION
    return judged == current and not unexamined(repository).exists()


def _asked(rows: QuerySet[ArtifactStatus] | QuerySet[Verdict]) -> Asked:
    """Every row with its question, in the order of their keys; equal questions are one text."""
    known: dict[str, str] = {}
    found = rows.order_by("pk").values_list("pk", "question").iterator(BATCH)
    return [(pk, known.setdefault(question, question)) for pk, question in found]


def _judge_samples(
    repository: Repository, asked: Asked, rulings: Rulings, lease: Lease[Judgement], known: Known
) -> bool:
    """Judge the first artifact of each question that is not known. False: one of them is not of its question any more."""
    samples: dict[str, int] = {}
    for pk, question in asked:
        if question not in known.statuses:
            samples.setdefault(question, pk)
    wanted: dict[Digest, str] = {}
    for some in batched(samples.values(), BATCH):
        wanted |= dict(ArtifactStatus.objects.filter(pk__in=some).values_list("manifest_id", "question"))
    judged = judge_subjects(repository, holdings.samples(repository, wanted.keys()), rulings, lease)
    if {each.subject.digest: each.question for each in judged} != wanted:
        return False
    store_authorities({outcome.authentic_time.chain for outcome in outcomes_of(judged)})
    for each in judged:
        known.verdicts |= {row.question: _verdict_answer(row, rulings) for row in each.signatures}
        known.statuses[each.question] = _status_answer(each, rulings)
    return True


def _verdict_answer(row: JudgedRow, rulings: Rulings) -> Answer:
    outcome = row.outcome
    return as_answer(
        {
            "question": row.question,
            "word": outcome.word,
            "reason": outcome.reason,
            "signer": outcome.signer,
            "statement": outcome.statement,
            **resting_of(outcome),
            "green_until": outcome.green_until,
            "revision_id": rulings.revision.pk if rulings.revision else None,
        }
    )


def _status_answer(judged: JudgedSubject, rulings: Rulings) -> Answer:
    verdict, listing = judged.verdict, judged.subject.listing
    recency = listing.recent_until - listing.checked_at if listing else timedelta()
    return as_answer(
        {
            "question": judged.question,
            "word": verdict.word,
            "severity": SEVERITY[verdict.word],
            "reason": verdict.reason,
            "course": judged.course,
            "message": verdict.message,
            "signer": verdict.signer,
            "statement": rulings.statement,
            "chain_id": judged.chain,
            **(judged.resting or NO_REST),
            "green_until": judged.own_until,
            "recency": recency // timedelta(microseconds=1),
            "revision": rulings.revision.number if rulings.revision else None,
        }
    )


def _write_verdicts(rows: Asked, answers: Mapping[str, Answer], rulings: Rulings) -> None:
    where, keys = among("old.id", [pk for pk, _ in rows])
    judged_at = f"'{moment(rulings.at)}'"
    Rewriting(Verdict, VERDICT).rewrite(_for(rows, answers), where, [keys], judged_at=judged_at)


def _write_statuses(rows: Asked, answers: Mapping[str, Answer], rulings: Rulings) -> None:
    """The rows, and before them the history of the words that change."""
    where, keys = among("old.id", [pk for pk, _ in rows])
    at, some = f"'{moment(rulings.at)}'", _for(rows, answers)
    rewriting = Rewriting(ArtifactStatus, STATUS, ["recency"], green_until=_green_until())
    # Of what may change a word, only the revision and the clock are left.
    same_revision = "old.revision IS NOT DISTINCT FROM new.revision"
    change = {
        "status_id": "old.id",
        "before": "old.word",
        "after": "new.word",
        "reason": "new.reason",
        "cause": f"CASE WHEN {same_revision} THEN '{Cause.CLOCK}' ELSE '{Cause.REVISION}' END",
        "revision": "new.revision",
        "at": at,
    }
    rewriting.insert(StatusChange, change, some, f"{where} AND old.word <> new.word", [keys])
    changed_at = f"CASE WHEN old.word = new.word THEN old.changed_at ELSE {at} END"
    rewriting.rewrite(some, where, [keys], judged_at=at, changed_at=changed_at)


def _for(rows: Asked, answers: Mapping[str, Answer]) -> list[Answer]:
    return [answers[question] for question in {question for _, question in rows}]


def _green_until() -> str:
    """Nothing is green longer than its listing is recent (`Rulings.artifact`)."""
    recent_until = later("old.listed_at", "new.recency")
    green = ", ".join(f"'{word}'" for word in GREEN)
    first = f"CASE WHEN new.green_until < {recent_until} THEN new.green_until ELSE {recent_until} END"
    return f"CASE WHEN new.word IN ({green}) THEN {first} END"


def _cover(repository: Repository, rulings: Rulings) -> None:
    """Name the index that covers it in every row, where that is another one now."""
    rows = ArtifactStatus.objects.filter(repository=repository)
    parents = Child.objects.filter(parent=OuterRef("manifest"))
    indexes = rows.filter(Exists(parents), present=True, word__in=GREEN).values_list("manifest_id", flat=True)
    now = holdings.covered(indexes, repository)
    before = dict(rows.filter(covered_by__isnull=False).values_list("manifest_id", "covered_by"))
    changed: dict[Digest | None, list[Digest]] = defaultdict(list)
    for child in now.keys() | before.keys():
        if now.get(child) != before.get(child):
            changed[now.get(child)].append(child)
    for cover, children in changed.items():
        for some in batched(children, FEW):
            rows.filter(manifest__in=some).update(covered_by=cover, judged_at=rulings.at)
