"""The list of certificates: what one may filter by, and paging by keyset. The page and the API share it; state lives in the URL."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict

from dashboard.listing import PAGE_SIZE
from dashboard.trust_pages import EXPIRES_SOON
from trust.models import Certificate
from trust.seen import Resting, Role, Sight

STATES = ("valid", "soon", "expired", "all")
PARAMETERS = {  # of the list's address, and what each may say
    "q": "at most 255 characters, no NUL among them",
    "state": f"one of {', '.join(STATES)}",
    "role": f"one of {', '.join(Role)}",
    "store": "the name of a trust store with its type, or any, or none",
    "after": "what an answer's next page has there",
    "before": "what an answer's previous page has there",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to. One that is not understood matches nothing."""

    text: str = ""
    state: str = "valid"
    role: str = ""
    store: str = ""
    unknown: tuple[tuple[str, str], ...] = ()  # parameters that are not understood, with their values

    @classmethod
    def parse(cls, query: QueryDict, *, also: Collection[str] = ()) -> Self:
        """What the query asks for; `also` are names that mean something to the caller."""
        unknown = tuple(
            (name, value)
            for name, values in query.lists()
            if name not in also
            for value in values
            if not _is_understood(name, value)
        )
        return cls(
            text=(query.get("q") or "").replace("\0", "").strip()[:255],
            state=next((name for name in STATES if name == query.get("state")), "valid"),
            role=query.get("role") or "",
            store=(query.get("store") or "").replace("\0", "")[:300],
            unknown=unknown,
        )

    def query(self, **changes: Any) -> str:
        """The same filters, with changes, as the query of a URL; a page of the list is not among them."""
        changed = replace(self, **{"unknown": (), **changes})
        query = QueryDict(mutable=True)
        values = {
            "q": changed.text,
            "state": changed.state if changed.state != "valid" else "",
            "role": changed.role,
            "store": changed.store,
        }
        query.update({name: value for name, value in values.items() if value})
        for name, value in changed.unknown:
            query.appendlist(name, value)
        return query.urlencode(safe=":")

    def __bool__(self) -> bool:
        return self != type(self)()

    def place(self, stores: Mapping[str, Collection[str]]) -> Q:
        """All but the state, whose figures stand in the views."""
        if self.unknown:
            return Q(pk__in=[])
        found = Q(role=self.role) if self.role else Q()
        if self.store:
            held = [pk for pk, names in stores.items() if self.store in ("any", "none") or self.store in names]
            found &= ~Q(pk__in=held) if self.store == "none" else Q(pk__in=held)
        for word in self.text.split():
            found &= (
                Q(subject__icontains=word)
                | Q(issuer__icontains=word)
                | Q(pk__startswith=word.lower().removeprefix("sha256:"))
                | Q(serial__iexact=word)
            )
        return found

    def when(self, at: datetime) -> Q:
        return _state(self.state, at)

    @property
    def backwards(self) -> bool:
        """Whether the latest deadline comes first: of what has expired, the newest matters most."""
        return self.state == "expired"


def _state(name: str, at: datetime) -> Q:
    valid = Q(not_after__gte=at)
    return {
        "valid": valid,
        "soon": valid & Q(not_after__lt=at + EXPIRES_SOON),
        "expired": ~valid,
        "all": Q(),
    }[name]


def figures(rows: QuerySet[Certificate], at: datetime) -> Mapping[str, int]:
    """How many are in which state, in one query."""
    numbers = {name: Count("pk", filter=_state(name, at)) if name != "all" else Count("pk") for name in STATES}
    return rows.aggregate(**numbers)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one certificate in the order of the list."""

    not_after: datetime
    thumbprint: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no cursor."""
        moment, _, thumbprint = text.partition(".")
        hexadecimal = len(thumbprint) == 64 and not set(thumbprint) - set("0123456789abcdef")
        if not (moment.isascii() and moment.isdigit() and len(moment) < 13 and hexadecimal):
            return None
        seconds = int(moment)
        return cls(_EPOCH + timedelta(seconds=seconds), thumbprint) if seconds < 253_402_300_800 else None

    def __str__(self) -> str:
        return f"{(self.not_after - _EPOCH) // timedelta(seconds=1)}.{self.thumbprint}"

    def beyond(self, *, backwards: bool) -> Q:
        """The certificates after this place."""
        side = "lt" if backwards else "gt"
        same = Q(("not_after", self.not_after), (f"pk__{side}", self.thumbprint))
        return Q((f"not_after__{side}", self.not_after)) | same


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate of the list."""

    certificate: Certificate
    role: Role
    stores: tuple[str, ...]
    chains: int
    resting: Resting
    claimed: bool  # nobody who is trusted vouches for its names


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursors of its neighbours ("" where there is none)."""

    rows: list[Row]
    previous: str = ""
    next: str = ""


def page(
    sight: Sight,
    rows: QuerySet[Certificate],
    filters: Filters,
    *,
    after: str = "",
    before: str = "",
    size: int = PAGE_SIZE,
) -> Page:
    """The page after or before a place, the soonest deadline first."""
    place = Cursor.parse(before) if before else Cursor.parse(after)
    if place is None and (after or before):
        return Page([])  # a place that is none: from the beginning, whoever follows pages would never end
    backwards = filters.backwards is not bool(before)
    order = ("-not_after", "-pk") if backwards else ("not_after", "pk")
    found = rows.filter(place.beyond(backwards=backwards)) if place else rows
    some = list(found.order_by(*order)[: size + 1])
    shown, more = some[:size], len(some) > size
    if before:
        shown.reverse()
        return _page(sight, shown, has_previous=more, has_next=bool(shown))
    return _page(sight, shown, has_previous=bool(place and shown), has_next=more)


def rows_of(sight: Sight, shown: list[Certificate]) -> list[Row]:
    """These certificates with what rests on them."""
    resting = sight.resting_on(row.pk for row in shown)
    chains = sight.chains_through(row.pk for row in shown)
    return [
        Row(
            row,
            Role(vars(row)["role"]),
            sight.stores.get(row.pk, ()),
            len(chains[row.pk]),
            resting[row.pk],
            sight.is_claimed(row.pk, chains[row.pk]),
        )
        for row in shown
    ]


def _page(sight: Sight, shown: list[Certificate], *, has_previous: bool, has_next: bool) -> Page:
    return Page(
        rows_of(sight, shown),
        previous=str(Cursor(shown[0].not_after, shown[0].pk)) if has_previous else "",
        next=str(Cursor(shown[-1].not_after, shown[-1].pk)) if has_next else "",
    )


def _is_understood(name: str, value: str) -> bool:
    if name not in PARAMETERS:
        return False
    if not value:
        return True
    if name == "state":
        return value in STATES
    if name == "role":
        return value in list(Role)
    if name in ("after", "before"):
        return Cursor.parse(value) is not None
    return len(value) <= 300 and "\0" not in value
