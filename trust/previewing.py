"""Preview: a draft judged against all that is stored, without a word of it being written down as a verdict.

Rows of the same course are judged once (`questions`), so what is kept is one group for each course whose word changes.
Repositories are done some at a time, in a few queries whatever their number; the first alone, for figures at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, When
from django.utils import timezone

from registries import leases
from registries.leases import Lease
from registries.models import Repository
from registries.polling import Tier, interval
from trust import drafts, revisions, verification
from trust.draft_answers import After, Answers, Known, known_of
from trust.draft_rows import Draft, Preview, PreviewGroup, PreviewPart
from trust.models import GREEN, ArtifactStatus, Judgement, word_at
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.notary.outcome import Word

SOON = timedelta(seconds=1)
MOST_PARTS = 100  # repositories done at a time
LARGE = 30_000  # artifacts; of repositories that have as many, no more are done at a time
WRITTEN = 1000  # rows in one statement

COURSE = Case(When(Q(question="") | Q(course=""), then=F("question")), default=F("course"), output_field=CharField())

type Parts = Sequence[Lease[PreviewPart]]


class Asked(NamedTuple):
    """The artifacts of one repository that are of the same course and have the same word now."""

    course: str
    "Or their question, where the draft tells them apart; empty where they would have to be judged first."
    before: str
    artifacts: int
    sample: int
    "Key of the status of one of them."
    old: Sequence[int]
    "How many have a listing that is too old to be green with, by the tier that they would have to be of."


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
        repositories = Repository.objects.order_by("pk").values_list("pk", flat=True)
        PreviewPart.objects.bulk_create(
            (PreviewPart(preview=preview, repository_id=pk, due_at=at) for pk in repositories), batch_size=WRITTEN
        )
    return preview


def due_parts(at: datetime) -> QuerySet[PreviewPart]:
    return PreviewPart.objects.filter(leases.due(at), done_at=None)


def work(preview_id: int) -> None:
    """Preview what is due of it until nothing is left that nobody else has in hand: more at a time while that is little."""
    most = 1
    while True:
        artifacts = 0
        with _claim(preview_id, most) as parts:
            if not parts:
                return
            artifacts = run(parts)
        most = min(2 * most, MOST_PARTS) if artifacts < LARGE else max(most // 2, 1)


def _claim(preview_id: int, most: int) -> AbstractContextManager[Parts]:
    due = due_parts(timezone.now()).filter(preview=preview_id)
    fresh = due.filter(failed_at=None)
    # What failed is tried alone: it takes no other with it.
    return leases.claim_some(fresh, most) if fresh.exists() else leases.claim_some(due, 1)


def run(parts: Parts) -> int:
    """Preview these repositories, and say how many artifacts they have.

    One is judged as it is first, where what is stored is not what holds.
    """
    if not parts:
        return 0
    preview = Preview.objects.select_related("draft").get(pk=parts[0].row.preview_id)
    if preview.against != revisions.active_number() or preview.version != preview.draft.version:
        leases.finish_some(parts)  # it speaks of what is no more: nobody waits for it
        return 0
    known = known_of(preview)
    done = _preview(parts, preview, known)
    if judged := [lease for lease in parts if not lease.finished and _judge(lease)]:
        done += _preview(judged, preview, known)
    for lease in parts:
        if not lease.finished:
            lease.give_back("The repository is being judged as it is.", retry_after=SOON)
    return done


def artifacts(preview: Preview) -> QuerySet[ArtifactStatus]:
    """All artifacts, with the word (`word_now`) of which the preview says that it would be another one."""
    rows = ArtifactStatus.objects.filter(repository__in=preview.parts.values("repository"))
    return _with_word(rows, preview)


def _with_word(rows: QuerySet[ArtifactStatus], preview: Preview) -> QuerySet[ArtifactStatus]:
    return rows.artifacts().annotate(word_now=word_at(preview.against, preview.at))


def _judge(part: Lease[PreviewPart]) -> bool:
    """Judge a repository by what is active now, if nobody else is at it."""
    part.renew()
    row, _ = Judgement.objects.get_or_create(repository_id=part.row.repository_id)
    with leases.claim(Judgement.objects.filter(pk=row.pk), row.pk) as lease:
        if lease is None:
            return False
        verification.judge_repository(lease)
    return True


def _preview(parts: Parts, preview: Preview, known: Known) -> int:
    """Preview and finish those whose stored verdicts hold, and say how many artifacts those have."""
    asked = _asked(_judged([lease.row.repository_id for lease in parts], preview.against), preview)
    repositories = Repository.objects.select_related("registry").in_bulk(asked)
    groups: dict[int, list[PreviewGroup]] = {}
    for lease in parts:
        part = lease.row
        if part.repository_id not in asked:
            continue
        repository = repositories[part.repository_id]
        answers = known.under(known.rulings(repository))
        rows = _answered(repository, asked.pop(part.repository_id), preview, known, lease, answers)
        if rows is not None:
            groups[part.pk] = [group for row in rows for group in _groups(part, row, answers[row.course], preview)]
            part.done_at = timezone.now()
            part.artifacts = sum(row.artifacts for row in rows)
            part.changed = sum(group.artifacts for group in groups[part.pk] if group.before != group.after)
    return _write([lease for lease in parts if lease.row.pk in groups], groups)


def _answered(
    repository: Repository,
    rows: list[Asked],
    preview: Preview,
    known: Known,
    lease: Lease[PreviewPart],
    answers: Answers,
) -> list[Asked] | None:
    """The rows, every course answered; None where what is stored is not what was judged."""
    while True:
        if not known.told_apart.isdisjoint(row.course for row in rows):
            rows = _asked([repository.pk], preview, F("question"))[repository.pk]
        samples = {row.course: row.sample for row in rows if row.course not in answers}
        if not samples:
            return rows
        if "" in samples or not known.judge(repository, samples, lease, answers):
            return None


def _write(parts: Parts, groups: Mapping[int, list[PreviewGroup]]) -> int:
    with transaction.atomic():
        mine = [lease.row for lease in leases.finish_some(parts)]
        PreviewGroup.objects.bulk_create((group for part in mine for group in groups[part.pk]), batch_size=WRITTEN)
        PreviewPart.objects.bulk_update(mine, ["done_at", "artifacts", "changed"])
    return sum(part.artifacts for part in mine)


def _judged(repositories: Collection[int], active: int | None) -> set[int]:
    """Those of which what is stored is what holds under the active revision, as far as what has come since was announced."""
    current = Judgement.objects.filter(
        repository__in=repositories,
        revision=active,
        generation=F("repository__generation"),
        evidence_version=EVIDENCE_VERSION,
        judge_version=JUDGE_VERSION,
    )
    return set(current.values_list("repository_id", flat=True))


def _asked(repositories: Iterable[int], preview: Preview, by: F | Case = COURSE) -> dict[int, list[Asked]]:
    """By repository; of one that holds no artifact, nothing."""
    found: dict[int, list[Asked]] = {pk: [] for pk in repositories}
    rows = _with_word(ArtifactStatus.objects.filter(repository__in=found.keys()), preview).order_by()
    old = {f"old_{tier}": Count("pk", filter=Q(listed_at__lte=_recent_since(tier, preview))) for tier in Tier}
    named = rows.annotate(runs=by).values_list("runs", "word_now", "repository_id")
    for course, before, repository, artifacts, sample, *ages in named.annotate(Count("pk"), Min("pk"), **old):
        found[repository].append(Asked(course, before, artifacts, sample, ages))
    return found


def _recent_since(tier: Tier, preview: Preview) -> datetime:
    """A listing that was made later is recent (`Listing.recent_until`)."""
    return preview.at - 2 * interval(tier)


def _groups(part: PreviewPart, row: Asked, after: After, preview: Preview) -> Iterable[PreviewGroup]:
    """The groups of one course: those with a recent listing and those without, as far as they are worth keeping."""
    ages = after.tier is not None and after.word in GREEN  # an old listing keeps a green word from holding
    old = row.old[after.tier] if ages else 0
    for artifacts, is_old in ((row.artifacts - old, False), (old, True)):
        word = Word.stale.value if is_old else after.word
        if artifacts and (word != row.before or after.hinges_on):
            yield PreviewGroup(
                part=part,
                question=row.course,
                before=row.before,
                after=word,
                recent_since=_recent_since(after.tier, preview) if ages else None,
                old_listing=is_old,
                reason="listing_old" if is_old else after.reason,
                message=after.message,
                signer=after.signer,
                statement=after.statement,
                hinges_on=list(after.hinges_on),
                artifacts=artifacts,
            )
