"""Preview: a draft judged against all that is stored, without a word of it being written down as a verdict.

Rows of the same course are judged once (`questions`), so what is kept is one group for each course whose word changes.
Repositories are done some at a time, in a few queries whatever their number; the first alone, for figures at once.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from registries import leases
from registries.leases import Lease
from registries.models import Repository
from trust import drafts, revisions, verification
from trust.draft_answers import Answers, Known, known_of
from trust.draft_rows import Draft, Preview, PreviewGroup, PreviewPart
from trust.models import Judgement
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.preview_groups import Asked, Group, asked, groups_of
from trust.rewriting import add_rows

SOON = timedelta(seconds=1)
MOST_PARTS = 100  # repositories done at a time
LARGE = 30_000  # artifacts; of repositories that have as many, no more are done at a time
WRITTEN = 1000  # rows in one statement

type Parts = Sequence[Lease[PreviewPart]]


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
    found = asked(_judged([lease.row.repository_id for lease in parts], preview.against), preview)
    repositories = Repository.objects.select_related("registry").in_bulk(found)
    groups: dict[int, list[Group]] = {}
    for lease in parts:
        part = lease.row
        if part.repository_id not in found:
            continue
        repository = repositories[part.repository_id]
        answers = known.under(known.rulings(repository))
        rows = _answered(repository, found.pop(part.repository_id), preview, known, lease, answers)
        if rows is not None:
            groups[part.pk] = [group for row in rows for group in groups_of(part, row, answers[row.course], preview)]
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
            rows = asked([repository.pk], preview, F("question"))[repository.pk]
        samples = {row.course: row.sample for row in rows if row.course not in answers}
        if not samples:
            return rows
        if "" in samples or not known.judge(repository, samples, lease, answers):
            return None


def _write(parts: Parts, groups: Mapping[int, list[Group]]) -> int:
    with transaction.atomic():
        mine = [lease.row for lease in leases.finish_some(parts)]
        add_rows(PreviewGroup, Group._fields, (group for part in mine for group in groups[part.pk]))
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
