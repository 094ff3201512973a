"""Preview: a draft judged against all that is stored, without a word of it being written down as a verdict.

Rows of which the same is asked are judged once (`again`), so what is kept is one group for each question whose word changes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from registries import leases
from registries.leases import Lease
from registries.models import Repository
from trust import drafts, holdings, revisions, verification
from trust.again import holds_as_judged
from trust.draft_rows import Draft, Preview, PreviewGroup, PreviewPart
from trust.judging import judge_subjects
from trust.models import GREEN, ArtifactStatus, Judgement, word_at
from trust.notary.levels import Validation
from trust.notary.outcome import Word
from trust.records import JudgedRow, JudgedSubject
from trust.rulings import Rulings

SOON = timedelta(seconds=1)
NOT_ASKED = "revocation_not_evaluated"  # the check's code where nobody was asked yet
MOST_KNOWN = 200_000  # answers that a process keeps


@dataclass(frozen=True, slots=True)
class After:
    """What the draft makes of every artifact of one question."""

    word: str
    reason: str
    message: str
    signer: str
    statement: str
    recency: timedelta
    "How long after it was made the listing of such an artifact is recent."
    hinges_on: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    """Answers of one preview, by what applies to a repository and by question: they are the same everywhere."""

    preview: tuple[int, str]
    "Its key and the fingerprint of its content: a restored database may use a key again."
    at: datetime
    material: revisions.Material
    answers: dict[tuple[object, ...], dict[str, After]] = field(default_factory=dict)

    def under(self, rulings: Rulings) -> dict[str, After]:
        if sum(map(len, self.answers.values())) > MOST_KNOWN:
            self.answers.clear()
        return self.answers.setdefault((rulings.choice.code, rulings.choice.message, rulings.statement), {})


_newest: deque[_Known] = deque(maxlen=2)  # of this process


def begin(draft: Draft, at: datetime) -> Preview:
    """A preview of this version of the draft, every repository due; it takes the place of the draft's earlier ones.

    Raises TrustPolicyError or TrustStoreError for a draft that could not be applied.
    """
    content = drafts.content_of(draft)
    drafts.material_of(content)
    with transaction.atomic():
        Preview.objects.filter(draft=draft).delete()
        preview = Preview.objects.create(
            draft=draft,
            version=draft.version,
            fingerprint=revisions.fingerprint(content.policy, content.files, content.blob_policy),
            at=at,
            against=revisions.active_number(),
        )
        repositories = Repository.objects.values_list("pk", flat=True)
        PreviewPart.objects.bulk_create(
            (PreviewPart(preview=preview, repository_id=pk, due_at=at) for pk in repositories), batch_size=1000
        )
    return preview


def due_parts(at: datetime) -> QuerySet[PreviewPart]:
    return PreviewPart.objects.filter(leases.due(at), done_at=None)


def next_due(part_id: int, at: datetime) -> int | None:
    """Another part of the same preview that is due."""
    mine = PreviewPart.objects.filter(pk=part_id).values("preview")
    return due_parts(at).filter(preview__in=mine).order_by("pk").values_list("pk", flat=True).first()


def run(lease: Lease[PreviewPart]) -> None:
    """Preview one repository; it is judged as it is first, where what is stored is not what holds."""
    part = PreviewPart.objects.select_related("preview__draft", "repository__registry").get(pk=lease.row.pk)
    preview, repository = part.preview, part.repository
    if preview.against != revisions.active_number() or preview.version != preview.draft.version:
        lease.finish(None)  # it speaks of what is no more: nobody waits for it
        return
    if not _is_judged(repository, preview.against):
        lease.give_back("The repository is being judged as it is.", retry_after=SOON)
        return
    known = _known_of(preview)
    rulings = Rulings.by(repository.reference, known.material, preview.at)
    rows = _asked(repository, preview)
    answers = known.under(rulings)
    if not _judge_missing(repository, rows, rulings, lease, answers):
        lease.give_back("What the repository holds has just changed.", retry_after=SOON)
        return
    groups = [group for row in rows for group in _groups(part, row, answers[row["question"]], preview)]
    with transaction.atomic():
        lease.renew()
        PreviewGroup.objects.filter(part=part).delete()
        PreviewGroup.objects.bulk_create(groups, batch_size=1000)
        PreviewPart.objects.filter(pk=part.pk).update(
            done_at=timezone.now(),
            artifacts=sum(row["artifacts"] for row in rows),
            changed=sum(group.artifacts for group in groups if group.before != group.after),
        )
        lease.finish(None)


def artifacts(preview: Preview) -> QuerySet[ArtifactStatus]:
    """All artifacts, with the word (`word_now`) of which the preview says that it would be another one."""
    rows = ArtifactStatus.objects.filter(repository__in=preview.parts.values("repository")).artifacts()
    return rows.annotate(word_now=word_at(preview.against, preview.at))


def _is_judged(repository: Repository, active: int | None) -> bool:
    """Whether what is stored is what holds under the active revision; judges it, if nobody else is at it."""
    for _ in range(2):
        row, _ = Judgement.objects.get_or_create(repository=repository)
        unasked = ArtifactStatus.objects.filter(repository=repository, question="")
        if row.revision == active and holds_as_judged(repository, row) and not unasked.exists():
            return True
        due = Judgement.objects.filter(pk=row.pk)
        with leases.claim(due, row.pk) as lease:
            if lease is None:
                return False
            verification.judge_repository(lease)
        repository.refresh_from_db(fields=["generation"])
    return False


def _known_of(preview: Preview) -> _Known:
    for known in list(_newest):
        if known.preview == (preview.pk, preview.fingerprint) and known.at == preview.at:
            return known
    known = _Known((preview.pk, preview.fingerprint), preview.at, drafts.material_of(drafts.content_of(preview.draft)))
    _newest.append(known)
    return known


def _asked(repository: Repository, preview: Preview) -> list[dict[str, Any]]:
    """The artifacts of the repository by question and by the word that they have now."""
    found = artifacts(preview).filter(repository=repository).order_by()
    counts = {"artifacts": Count("pk"), "sample": Min("pk"), "oldest": Min("listed_at"), "newest": Max("listed_at")}
    return [dict(row) for row in found.values("question", word_before=F("word_now")).annotate(**counts)]


def _judge_missing(
    repository: Repository,
    rows: Sequence[dict[str, Any]],
    rulings: Rulings,
    lease: Lease[PreviewPart],
    answers: dict[str, After],
) -> bool:
    """Judge one artifact of each question that has no answer yet. False: one of them is not of its question any more."""
    samples = {row["question"]: row["sample"] for row in rows if row["question"] not in answers}
    wanted = dict(ArtifactStatus.objects.filter(pk__in=samples.values()).values_list("manifest_id", "question"))
    judged = judge_subjects(repository, holdings.samples(repository, wanted.keys()), rulings, lease)
    if {each.subject.digest: each.question for each in judged} != wanted:
        return False
    answers |= {each.question: _after(each, rulings) for each in judged}
    return True


def _after(judged: JudgedSubject, rulings: Rulings) -> After:
    verdict, listing = judged.verdict, judged.subject.listing
    hinging = [] if verdict.word is Word.verified else [row for row in judged.signatures if _hinges(row)]
    return After(
        word=verdict.word,
        reason=verdict.reason,
        message=verdict.message,
        signer=verdict.signer,
        statement=rulings.statement,
        recency=listing.recent_until - listing.checked_at if listing else timedelta(),
        hinges_on=tuple(sorted({row.signature.chain_id for row in hinging if row.signature.chain_id})),
    )


def _hinges(row: JudgedRow) -> bool:
    """Whether revocation would have a say, and nobody was asked yet."""
    found = [result for result in row.outcome.results if result.validation is Validation.revocation]
    return any(result.code == NOT_ASKED for result in found)


def _groups(part: PreviewPart, row: dict[str, Any], after: After, preview: Preview) -> Iterable[PreviewGroup]:
    """The groups of one question: those with a recent listing and those without, as far as they are worth keeping."""
    recent, old = _by_age(part, row, after, preview)
    for artifacts, is_old in ((recent, False), (old, True)):
        word = Word.stale.value if is_old else after.word
        if artifacts and (word != row["word_before"] or after.hinges_on):
            yield PreviewGroup(
                part=part,
                question=row["question"],
                before=row["word_before"],
                after=word,
                recent_since=preview.at - after.recency if after.word in GREEN else None,
                old_listing=is_old,
                reason="listing_old" if is_old else after.reason,
                message=after.message,
                signer=after.signer,
                statement=after.statement,
                hinges_on=list(after.hinges_on),
                artifacts=artifacts,
            )


def _by_age(part: PreviewPart, row: dict[str, Any], after: After, preview: Preview) -> tuple[int, int]:
    """How many of a row's artifacts have a recent listing and how many an old one, which keeps a green word from holding."""
    limit = preview.at - after.recency
    if after.word not in GREEN or row["oldest"] is None or row["oldest"] > limit:
        return row["artifacts"], 0
    if row["newest"] <= limit:
        return 0, row["artifacts"]
    alike = artifacts(preview).filter(repository=part.repository_id, question=row["question"])
    old = alike.filter(Q(("word_now", row["word_before"])), listed_at__lte=limit).count()
    return row["artifacts"] - old, old
