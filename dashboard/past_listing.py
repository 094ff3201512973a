"""The list of artifacts as of an instant: the words on record then, worst first, by keyset, a few queries whatever there is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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

COUNTED = 500  # of a word; nothing is counted beyond
FEW = 10_000  # artifacts of which all is read at once
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


@dataclass(frozen=True, slots=True)
class Found:
    """The change by which each artifact had its word then: as a query, and where those are few, all of them at hand."""

    rows: QuerySet[StatusChange]
    few: tuple[tuple[Word, datetime, int], ...] | None = None
    counted: bool = True
    "Whether it can be counted soon: not where many artifacts are still few among all."

    def of_word(self, word: Word, place: Cursor | None, most: int) -> list[int]:
        """The first of a word after a place, newest first."""
        if self.few is not None:
            beyond = (datetime.max.replace(tzinfo=UTC), 0) if place is None else (place.changed_at, place.pk)
            return [pk for each, at, pk in self.few if each is word and (at, pk) < beyond][:most]
        rows = self.rows.filter(after=word)
        if place:
            rows = rows.filter(Q(at__lt=place.changed_at) | Q(at=place.changed_at, pk__lt=place.pk))
        return list(rows.order_by("-at", "-pk").values_list("pk", flat=True)[:most])

    def tally(self) -> Mapping[str, int]:
        """How many had which word, counted up to a bound; empty where that would take long."""
        if not self.counted:
            return {}
        if self.few is not None:
            number = Counter(word for word, _, _ in self.few)
            return {word.value: min(number[word], COUNTED) for word in WORST_FIRST}
        return {word.value: self.rows.filter(after=word)[:COUNTED].count() for word in WORST_FIRST}


def found_at(repositories: QuerySet[Repository], filters: Filters, at: datetime) -> Found:
    """What was on record at `at`, of the artifacts that the registry had then."""
    later = StatusChange.objects.filter(
        Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")), status=OuterRef("status"), at__lte=at
    )
    here = Presence.objects.filter(
        Q(until=None) | Q(until__gt=at),
        repository=OuterRef("status__repository"),
        manifest=OuterRef("status__manifest"),
        since__lte=at,
    )
    rows = StatusChange.objects.filter(~Exists(later), Exists(here), at__lte=at)
    if filters.reason:
        rows = rows.filter(reason=filters.reason)
    if filters.unknown:
        return Found(rows.none(), ())
    artifacts = listing.found_in(ArtifactStatus.objects.within(repositories).filter(is_artifact=True), filters)
    # Of a few artifacts all is read: on the way along a word's whole index they would be far between.
    few = list(artifacts.values_list("pk", flat=True)[: FEW + 1])
    if len(few) > FEW:
        narrowed = bool(filters.text or filters.place() or filters.reason)
        return Found(rows.filter(Exists(artifacts.filter(pk=OuterRef("status")))), counted=not narrowed)
    found = rows.filter(status__in=few).order_by("-at", "-pk").values_list("after", "at", "pk")
    return Found(rows, tuple((Word(word), moment, pk) for word, moment, pk in found))


def page_at(found: Found, filters: Filters, at: datetime, after: str, size: int = PAGE_SIZE) -> Page:
    """The page after a place. A query a word at most: each walks an index from the newest of its word."""
    place = Cursor.parse(after)
    if after and place is None:
        return Page((), "")
    shown: list[int] = []
    for word in WORST_FIRST:
        if (filters.words and word not in filters.words) or (place and SEVERITY[word] < place.severity):
            continue
        here = place if place and SEVERITY[word] == place.severity else None
        shown += found.of_word(word, here, size + 1 - len(shown))
        if len(shown) > size:
            break
    changes = StatusChange.objects.select_related("status__repository__registry").in_bulk(shown[:size])
    rows = _rows([changes[pk] for pk in shown[:size]], at)
    return Page(tuple(rows), str(_cursor(rows[-1].change)) if len(shown) > size else "")


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
