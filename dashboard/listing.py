"""The list of artifacts: what one may filter by, and paging by keyset. The page and the API share it; state lives in the URL."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db.models import Count, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.http import QueryDict

from registries.models import Repository
from registries.oci.digest import ENCODED
from trust.models import GREEN, ArtifactStatus
from trust.notary.outcome import Word
from trust.seen import resting_on

PAGE_SIZE = 50
COUNTED = 10_000  # nothing is counted beyond: the list says "10,000+"
ORDER = ("severity", "-changed_at", "-pk")
NEEDS_A_LOOK = (Word.failed, Word.untrusted, Word.unknown, Word.stale)

PARAMETERS = {  # of the list's address, and what each may say
    "q": "at most 255 characters, no NUL among them",
    "registry": "the number of a registry",
    "repository": "the number of a repository",
    "name": "the name of a repository, or its beginning and *",
    "status": f"one of {', '.join(Word)}, or several with commas between",
    "reason": "the code of a reason",
    "certificate": "the SHA-256 thumbprint of a certificate that decides about it",
    "after": "what an answer's next page has there",
    "before": "what an answer's previous page has there",
}

_HEX = re.compile(r"(?:(sha256|sha384|sha512):)?([0-9a-f]{4,128})")
_THUMBPRINT = re.compile(r"[0-9a-f]{64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to. An empty value is no filter; one that is not understood matches nothing."""

    text: str = ""
    registry: int | None = None
    repository: int | None = None
    name: str = ""  # of repositories: exact, or a beginning and `*`
    words: tuple[Word, ...] = ()
    reason: str = ""
    certificate: str = ""  # thumbprint
    unknown: tuple[tuple[str, str], ...] = ()  # parameters that are not understood, with their values

    @classmethod
    def parse(cls, query: QueryDict, *, also: Collection[str] = ()) -> Self:
        """What the query asks for; `also` are names that mean something to the caller."""
        words = [part for value in query.getlist("status") for part in value.split(",") if part]
        return cls(
            text=_clean(query.get("q")),
            registry=_number(query.get("registry")),
            repository=_number(query.get("repository")),
            name=_clean(query.get("name")),
            words=tuple(word for word in Word if word.value in words),
            reason=_clean(query.get("reason")),
            certificate=_clean(query.get("certificate")),
            unknown=tuple(
                (name, value)
                for name, values in query.lists()
                if name not in also
                for value in values
                if not _is_understood(name, value)
            ),
        )

    def query(self, **changes: Any) -> str:
        """The same filters, with changes, as the query of a URL; a page of the list is not among them.

        What was not understood goes, unless the changes bring it.
        """
        changed = replace(self, **{"unknown": (), **changes})
        query = QueryDict(mutable=True)
        values = {
            "q": changed.text,
            "registry": changed.registry,
            "repository": changed.repository,
            "name": changed.name,
            "status": ",".join(changed.words),
            "reason": changed.reason,
            "certificate": changed.certificate,
        }
        query.update({name: str(value) for name, value in values.items() if value})
        for name, value in changed.unknown:
            query.appendlist(name, value)
        return query.urlencode(safe=",/:*")

    def __bool__(self) -> bool:
        return self != type(self)()

    def place(self) -> Q:
        """Where: registry, repository and text. The words and reasons within are counted for the menus."""
        found = Q()
        if self.registry is not None:
            found &= Q(repository__registry=self.registry)
        if self.repository is not None:
            found &= Q(repository=self.repository)
        if self.name:
            exact = Q(repository__name=self.name)
            found &= Q(repository__name__startswith=self.name[:-1]) if self.name.endswith("*") else exact
        if self.certificate:
            found &= resting_on(self.certificate)
        return found

    def verdict(self) -> Q:
        """What: the words at the time of reading, and the reason. Nothing at all where a filter was not understood."""
        if self.unknown:
            return Q(pk__in=[])
        found = Q(reason=self.reason) if self.reason else Q()
        if self.words:
            # Stale is a green word that no longer holds, so the stored words narrow by index what the test decides.
            stored = {green for word in self.words for green in (GREEN if word is Word.stale else [word.value])}
            found &= Q(word__in=sorted(stored)) & Q(("word_now__in", [word.value for word in self.words]))
        return found


def artifacts(repositories: QuerySet[Repository], active: int | None, at: datetime) -> QuerySet[ArtifactStatus]:
    """All artifacts that are present in these repositories, with their word at `at`."""
    return ArtifactStatus.objects.within(repositories).artifacts().with_word_at(active, at)


def found_in(rows: QuerySet[ArtifactStatus], filters: Filters) -> QuerySet[ArtifactStatus]:
    """Those of the rows that stand where the filters say, whatever their verdict."""
    rows = rows.filter(filters.place())
    return _matching(rows, filters.text) if filters.text else rows


def _matching(rows: QuerySet[ArtifactStatus], text: str) -> QuerySet[ArtifactStatus]:
    """Text is looked for in references, tags, digests and signers: `web/cart`, `host/web/cart:1.0`, `sha256:ab12…`."""
    reference, _, digest = text.rpartition("@")
    if hexadecimal := _HEX.fullmatch(digest.lower()):
        algorithm, encoded = hexadecimal.groups()
        of_digest = Q()
        for name in (algorithm,) if algorithm else ENCODED:
            of_digest |= Q(manifest__digest__startswith=f"{name}:{encoded}")
        if reference or algorithm:
            return rows.filter(of_digest)
    else:
        of_digest = Q(pk=None)
    rows = rows.annotate(
        reference=Concat("repository__registry__reference_name", Value("/"), "repository__name"),
        tag_text=Cast("tags", TextField()),  # a JSON list; tags hold nothing that JSON escapes
    )
    name, colon, tag = text.rpartition(":")
    with_tag = Q(reference__iendswith=name, tag_text__contains=f'"{tag}') if colon and name else Q(pk=None)
    return rows.filter(
        of_digest | with_tag | Q(reference__icontains=text) | Q(signer__icontains=text) | Q(tag_text__icontains=text)
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the found rows have which word and which reason; counted among the worst 10,000 only."""

    words: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)  # of rows that pass the other filters
    total: int = 0
    selected: int = 0

    @property
    def capped(self) -> bool:
        return self.total >= COUNTED

    def of(self, words: Iterable[Word]) -> int:
        return sum(self.words.get(word.value, 0) for word in words)


def tally(rows: QuerySet[ArtifactStatus], filters: Filters, active: int | None, at: datetime) -> Tally:
    """The figures of tabs and menus, in one query."""
    worst = ArtifactStatus.objects.filter(pk__in=rows.order_by(*ORDER).values("pk")[:COUNTED])
    groups = worst.with_word_at(active, at).order_by().values_list(F("word_now"), "reason").annotate(n=Count("pk"))
    words, reasons, selected = Counter[str](), Counter[str](), 0
    asked = {word.value for word in filters.words}
    for word, reason, number in groups:
        words[word] += number
        if not asked or word in asked:
            reasons[reason] += number
            selected += number if filters.reason in ("", reason) else 0
    return Tally(words, dict(reasons.most_common()), words.total(), selected)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one row in the order of the list. It stays a place when the row itself is gone."""

    severity: int
    changed_at: datetime
    pk: int

    @classmethod
    def of(cls, row: ArtifactStatus) -> Self:
        return cls(row.severity, row.changed_at, row.pk)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no cursor."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            return None
        severity, moment, pk = map(int, parts)
        return cls(severity, _EPOCH + timedelta(microseconds=moment), pk) if moment < 253_402_300_800_000_000 else None

    def __str__(self) -> str:
        moment = (self.changed_at - _EPOCH) // timedelta(microseconds=1)
        return f"{self.severity}.{moment}.{self.pk}"

    def beyond(self) -> Q:
        """The rows after this place."""
        later = Q(changed_at__lt=self.changed_at) | Q(changed_at=self.changed_at, pk__lt=self.pk)
        return Q(severity__gte=self.severity) & (Q(severity__gt=self.severity) | later)

    def ahead(self) -> Q:
        """The rows before this place."""
        earlier = Q(changed_at__gt=self.changed_at) | Q(changed_at=self.changed_at, pk__gt=self.pk)
        return Q(severity__lte=self.severity) & (Q(severity__lt=self.severity) | earlier)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursors of its neighbours ("" where there is none)."""

    rows: list[ArtifactStatus]
    previous: str = ""  # value of `before`
    next: str = ""  # value of `after`


def page(rows: QuerySet[ArtifactStatus], *, after: str = "", before: str = "", size: int = PAGE_SIZE) -> Page:
    """The page after or before a place, worst first; one query, however far down the list it is."""
    rows = rows.select_related("repository__registry")
    if not all(_is_understood(name, value) for name, value in (("after", after), ("before", before))):
        return Page([])  # a place that is none: from the beginning, whoever follows pages would never end
    if forward := Cursor.parse(after):
        found = list(rows.filter(forward.beyond()).order_by(*ORDER)[: size + 1])
        return _page(found[:size], has_previous=bool(found), has_next=len(found) > size)
    if backward := Cursor.parse(before):
        found = list(rows.filter(backward.ahead()).order_by(*_reversed(ORDER))[: size + 1])
        return _page(found[:size][::-1], has_previous=len(found) > size, has_next=bool(found))
    found = list(rows.order_by(*ORDER)[: size + 1])
    return _page(found[:size], has_previous=False, has_next=len(found) > size)


def _page(rows: list[ArtifactStatus], *, has_previous: bool, has_next: bool) -> Page:
    return Page(
        rows,
        previous=str(Cursor.of(rows[0])) if has_previous else "",
        next=str(Cursor.of(rows[-1])) if has_next else "",
    )


def _reversed(order: Iterable[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _clean(text: str | None) -> str:
    """Text as people type it, without the NUL that PostgreSQL refuses."""
    return (text or "").replace("\0", "").strip()[:255]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 and int(text) else None


def _is_understood(name: str, value: str) -> bool:
    """Whether the value of a parameter says something that the list can go by; nothing is said by an empty one."""
    if name not in PARAMETERS:
        return False
    if name == "status":
        return {*value.split(",")} <= {"", *(word.value for word in Word)}
    if not value:
        return True
    if name in ("registry", "repository"):
        return _number(value) is not None
    if name in ("after", "before"):
        return Cursor.parse(value) is not None
    if name == "certificate":
        return _THUMBPRINT.fullmatch(value) is not None
    return len(value) <= 255 and "\0" not in value
