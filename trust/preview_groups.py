"""What a preview asks the database and what it leaves there: the artifacts of a repository, counted by course and by word."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, When

from registries.polling import Tier, interval
from trust.draft_answers import After
from trust.draft_rows import Preview, PreviewPart
from trust.models import GREEN, ArtifactStatus, ArtifactStatusQuerySet, word_at
from trust.notary.outcome import Word
from trust.rewriting import moment

COURSE = Case(When(Q(question="") | Q(course=""), then=F("question")), default=F("course"), output_field=CharField())


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


def artifacts(preview: Preview) -> QuerySet[ArtifactStatus]:
    """All artifacts, with the word (`word_now`) of which the preview says that it would be another one."""
    rows = ArtifactStatus.objects.filter(repository__in=preview.parts.values("repository"))
    return _with_word(rows, preview)


def _with_word(rows: ArtifactStatusQuerySet, preview: Preview) -> QuerySet[ArtifactStatus]:
    return rows.artifacts().annotate(word_now=word_at(preview.against, preview.at))


def asked(repositories: Iterable[int], preview: Preview, by: F | Case = COURSE) -> dict[int, list[Asked]]:
    """By repository; of one that holds no artifact, nothing."""
    found: dict[int, list[Asked]] = {pk: [] for pk in repositories}
    rows = _with_word(ArtifactStatus.objects.filter(repository__in=found.keys()), preview).order_by()
    old = {f"old_{tier}": Count("pk", filter=Q(listed_at__lte=_recent_since(tier, preview))) for tier in Tier}
    named = rows.annotate(runs=by).values_list("runs", "word_now", "repository_id")
    for course, before, repository, artifacts, sample, *ages in named.annotate(Count("pk"), Min("pk"), **old):
        found[repository].append(Asked(course, before, artifacts, sample, ages))
    return found


class Group(NamedTuple):
    """A row of PreviewGroup as its columns have it: there may be as many as artifacts."""

    part_id: int
    question: str
    before: str
    after: str
    recent_since: str | None
    old_listing: bool
    reason: str
    message: str
    signer: str
    statement: str
    hinges_on: str
    artifacts: int


def groups_of(part: PreviewPart, row: Asked, after: After, preview: Preview) -> Iterable[Group]:
    """The groups of one course: those with a recent listing and those without, as far as they are worth keeping."""
    tier = after.tier if after.word in GREEN else None  # an old listing keeps a green word from holding, and no other
    old = 0 if tier is None else row.old[tier]
    for artifacts, is_old in ((row.artifacts - old, False), (old, True)):
        word = Word.stale.value if is_old else after.word
        if artifacts and (word != row.before or after.hinges_on):
            yield Group(
                part_id=part.pk,
                question=row.course,
                before=row.before,
                after=word,
                recent_since=None if tier is None else moment(_recent_since(tier, preview)),
                old_listing=is_old,
                reason="listing_old" if is_old else after.reason,
                message=after.message,
                signer=after.signer,
                statement=after.statement,
                hinges_on=json.dumps(after.hinges_on),
                artifacts=artifacts,
            )


def _recent_since(tier: Tier, preview: Preview) -> datetime:
    """A listing that was made later is recent (`Listing.recent_until`)."""
    return preview.at - 2 * interval(tier)
