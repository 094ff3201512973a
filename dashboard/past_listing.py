"""The list of artifacts as of an instant: the words on record then, worst first, by keyset, a few queries whatever there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from dashboard import listing
from dashboard.listing import PAGE_SIZE, Cursor, Filters
from dashboard.past_page import cause_text
from registries.models import Presence, Repository
from registries.oci.digest import Digest
from trust import revisions
from trust.history import tags_at
from trust.models import ArtifactStatus, StatusChange
from trust.notary.outcome import Word
from trust.statuses import SEVERITY

COUNTED = 1000  # of a word; nothing is counted beyond
WORST_FIRST = tuple(
    word for word in sorted(Word, key=SEVERITY.__getitem__) if word is not Word.stale
)  # never on record
GAPS = (
    "The words are those on record. A green word whose deadline or listing had run out read stale then; that is not recorded.",
    "Artifacts that were first judged later are left out, and so are those of registries that were disconnected since.",
    "What was on record as the reason is that of the day when the word turned.",
)
ONE_AT_A_TIME = "What is known now of then is judged one artifact at a time: open one, and ask there."


@dataclass(frozen=True, slots=True)
class Row:
    """One artifact as it stood then."""

    change: StatusChange
    tags: Sequence[str]
    word_now: str

    @property
    def repository(self) -> Repository:
        return self.change.status.repository

    @property
    def digest(self) -> Digest:
        return self.change.status.manifest_id

    @property
    def word(self) -> str:
        return self.change.after

    @property
    def cause(self) -> str:
        return cause_text(self.change.cause, self.change.revision)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, and the place after it ("" where it ends)."""

    rows: tuple[Row, ...]
    next: str


def rows_at(repositories: QuerySet[Repository], filters: Filters, at: datetime) -> QuerySet[StatusChange]:
    """The change by which each artifact had its word at `at`, of those that the registry had then."""
    later = StatusChange.objects.filter(
        Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")), status=OuterRef("status"), at__lte=at
    )
    here = Presence.objects.filter(
        Q(until=None) | Q(until__gt=at),
        repository=OuterRef("status__repository"),
        manifest=OuterRef("status__manifest"),
        since__lte=at,
    )
    artifacts = ArtifactStatus.objects.within(repositories).filter(is_artifact=True)
    found = listing.found_in(artifacts, filters).filter(pk=OuterRef("status"))
    rows = StatusChange.objects.filter(~Exists(later), Exists(found), Exists(here), at__lte=at)
    if filters.unknown:
        return rows.none()
    return rows.filter(reason=filters.reason) if filters.reason else rows


def page_at(rows: QuerySet[StatusChange], filters: Filters, at: datetime, after: str, size: int = PAGE_SIZE) -> Page:
    """The page after a place. A query a word at most: each walks an index from the newest of its word."""
    place = Cursor.parse(after)
    if after and place is None:
        return Page((), "")
    found: list[StatusChange] = []
    for word in WORST_FIRST:
        if (filters.words and word not in filters.words) or (place and SEVERITY[word] < place.severity):
            continue
        of_word = rows.filter(after=word)
        if place and SEVERITY[word] == place.severity:
            beyond = Q(at__lt=place.changed_at) | Q(at=place.changed_at, pk__lt=place.pk)
            of_word = of_word.filter(beyond)
        ordered = of_word.order_by("-at", "-pk").select_related("status__repository__registry")
        found += ordered[: size + 1 - len(found)]
        if len(found) > size:
            break
    shown = found[:size]
    following = str(_cursor(shown[-1])) if len(found) > size else ""
    return Page(tuple(_rows(shown, at)), following)


def _cursor(change: StatusChange) -> Cursor:
    return Cursor(SEVERITY[Word(change.after)], change.at, change.pk)


def _rows(changes: Sequence[StatusChange], at: datetime) -> list[Row]:
    tags = tags_at([(change.status.repository_id, change.status.manifest_id) for change in changes], at)
    statuses = ArtifactStatus.objects.with_word_at(revisions.active_number(), timezone.now())
    now = {row.pk: vars(row)["word_now"] for row in statuses.filter(pk__in=[change.status_id for change in changes])}
    return [
        Row(change, tags[change.status.repository_id, change.status.manifest_id], now[change.status_id])
        for change in changes
    ]


def tally_at(rows: QuerySet[StatusChange]) -> Mapping[str, int]:
    """How many had which word, counted up to a bound."""
    return {word.value: rows.filter(after=word)[:COUNTED].count() for word in WORST_FIRST}


def row_as_json(row: Row) -> dict[str, Any]:
    repository = row.repository
    return {
        "registry": repository.registry.reference_name,
        "repository": repository.name,
        "repository_id": repository.pk,
        "reference": repository.reference,
        "tags": list(row.tags),
        "digest": str(row.digest),
        "status": row.word,
        "reason": row.change.reason,
        "since": row.change.at,
        "cause": row.change.cause,
        "revision": row.change.revision,
        "status_now": row.word_now,
    }
