"""The forecast as pages, calendar and API show it: what one may ask, and each deadline in words."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from dashboard.timeline import Mark, Timeline, timeline
from dashboard.words import LOOKS
from registries.models import Repository
from trust import samples
from trust.forecast import Deadline, Forecast, Kind, Why, forecast
from trust.models import Certificate
from trust.notary.outcome import Word

HORIZONS = {30: "30 days", 90: "3 months", 182: "6 months", 365: "1 year", 730: "2 years", 3650: "10 years"}
USUAL = 182
NAMED = 3  # repositories in a row
PARAMETERS = {  # of the forecast's address, and what each may say
    "days": f"one of {', '.join(map(str, HORIZONS))}",
    "q": "at most 255 characters, no NUL among them",
    "repository": "the number of a repository",
    "certificate": "the SHA-256 thumbprint of a certificate",
}
KINDS = {
    Kind.leaf: "Leaf",
    Kind.intermediate: "Intermediate",
    Kind.root: "Root",
    Kind.tsa: "TSA",
    Kind.tsa_authority: "TSA authority",
    Kind.signature: "Signature expiry",
    Kind.beginning: "Becomes valid",
}
REASONS = {  # why artifacts stay as they are, after the number of one, and of more
    Why.timestamp: ("is timestamped and stays", "are timestamped and stay"),
    Why.authority: (
        "stays: a signing authority vouches for its time",
        "stay: a signing authority vouches for their time",
    ),
    Why.keeps: (
        "stays: its token outlives the certificate that made it",
        "stay: tokens outlive the certificate that made them",
    ),
    Why.other_signature: ("stays by another signature", "stay by another signature"),
    Why.tolerated: (
        "stays: its statement only logs it, or does not ask",
        "stay: their statements only log it, or do not ask",
    ),
    Why.before: ("is not green by then anyway", "are not green by then anyway"),
    Why.together: ("turns then by another deadline", "turn then by another deadline"),
}
NOTHING = {  # a deadline that turns nothing, where all have one reason
    Why.timestamp: "Nothing turns: every signature is timestamped",
    Why.authority: "Nothing turns: a signing authority vouches for the time",
    Why.keeps: "Nothing turns: tokens stay good",
    Why.other_signature: "Nothing turns: each has another good signature",
    Why.tolerated: "Nothing turns: no statement enforces it",
    Why.before: "Nothing more turns",
    Why.together: "Nothing more turns",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the forecast is narrowed to. Something that is not understood matches nothing."""

    days: int = USUAL
    text: str = ""
    repository: int | None = None
    certificate: str = ""
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
        number = query.get("repository", "")
        days = query.get("days", "")
        return cls(
            days=int(days) if _is_understood("days", days) and days else USUAL,
            text=query.get("q", "").replace("\0", "").strip()[:255],
            repository=int(number) if number and _is_understood("repository", number) else None,
            certificate=query.get("certificate", "")[:64],
            unknown=unknown,
        )

    def query(self, **changes: Any) -> str:
        """The same, with changes, as the query of a URL."""
        changed = replace(self, **{"unknown": (), **changes})
        query = QueryDict(mutable=True)
        values = {
            "days": changed.days if changed.days != USUAL else "",
            "q": changed.text,
            "repository": changed.repository,
            "certificate": changed.certificate,
        }
        query.update({name: str(value) for name, value in values.items() if value})
        for name, value in changed.unknown:
            query.appendlist(name, value)
        return query.urlencode()

    @property
    def horizon(self) -> str:
        return HORIZONS[self.days]


def _is_understood(name: str, value: str) -> bool:
    if name not in PARAMETERS:
        return False
    if not value:
        return True
    digits = value.isascii() and value.isdigit() and len(value) < 16
    if name == "days":
        return digits and int(value) in HORIZONS
    if name == "repository":
        return digits
    if name == "certificate":
        return len(value) == 64 and not set(value) - set("0123456789abcdef")
    return len(value) <= 255 and "\0" not in value


@dataclass(frozen=True, slots=True)
class Share:
    """How many turn in one repository."""

    pk: int
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Row:
    """One deadline in words."""

    deadline: Deadline
    url: str
    kind: str
    turns: tuple[tuple[Word, int], ...]  # what they read then, the most first
    nothing: str  # why nothing turns
    stays: tuple[str, ...]
    shares: tuple[Share, ...]
    others: int  # repositories that are not named

    @property
    def title(self) -> str:
        certificate = self.deadline.certificate
        name = certificate.common_name or certificate.subject
        if self.deadline.kind is Kind.signature:
            number = sum(step.alike.number for step in self.deadline.steps)
            return f"{number:,} {'artifact' if number == 1 else 'artifacts'} signed by {name}"
        return name

    @property
    def word(self) -> Word:
        """What most of what turns reads then; a deadline that turns nothing reads well."""
        return self.turns[0][0] if self.turns else Word.verified

    @property
    def summary(self) -> str:
        """The deadline in one line of text."""
        ends = {Kind.signature: "signatures expire", Kind.beginning: "becomes valid"}
        what = f"{KINDS[self.deadline.kind]} {self.title}" if self.deadline.kind not in ends else self.title
        said = ends.get(self.deadline.kind, "expires")
        turned = ", ".join(f"{n:,} turn {LOOKS[after].label.lower()}" for after, n in self.turns)
        return f"{what}: {said}, {turned or 'nothing turns'}"


def row_of(deadline: Deadline, names: Mapping[int, str]) -> Row:
    places = list(deadline.repositories.items())
    return Row(
        deadline=deadline,
        url=reverse("deadline", args=[deadline.key]),
        kind=KINDS[deadline.kind],
        turns=turned_to(deadline.turns),
        nothing="" if deadline.number else _nothing(deadline),
        stays=tuple(f"{number:,} {REASONS[why][number != 1]}" for why, number in deadline.stays.items()),
        shares=tuple(Share(pk, names.get(pk, ""), number) for pk, number in places[:NAMED]),
        others=max(0, len(places) - NAMED),
    )


def turned_to(turns: Mapping[tuple[Word, Word], int]) -> tuple[tuple[Word, int], ...]:
    """How many read which word then, whatever they read before."""
    found: Counter[Word] = Counter()
    for (_, after), number in turns.items():
        found[after] += number
    return tuple(found.most_common())


def _nothing(deadline: Deadline) -> str:
    stays: list[Why] = [why for why in deadline.stays if why not in (Why.before, Why.together)] or list(deadline.stays)
    if not stays:
        return "Nothing rests on it"
    return NOTHING[stays[0]] if len(stays) == 1 else "Nothing turns"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A forecast as somebody asked for it."""

    forecast: Forecast
    deadlines: tuple[Deadline, ...]
    names: Mapping[int, str]  # of repositories


def narrowed(repositories: QuerySet[Repository], asked: Asked, at: datetime) -> Narrowed:
    """The forecast for these repositories, as far as it is asked for."""
    if asked.repository is not None:
        repositories = repositories.filter(pk=asked.repository)
    until = at + timedelta(days=asked.days)
    if asked.unknown:
        return Narrowed(Forecast(at, until), (), {})
    found = forecast(samples.take(repositories, at), at, until)
    deadlines = found.deadlines
    if asked.certificate:
        deadlines = tuple(each for each in deadlines if each.certificate.thumbprint == asked.certificate)
    elif asked.repository is not None:
        deadlines = tuple(each for each in deadlines if each.steps)
    names = names_of(repositories)
    if asked.text:
        deadlines = tuple(_with_text(deadlines, names, asked.text.casefold()))
    return Narrowed(found, deadlines, names)


def names_of(repositories: QuerySet[Repository]) -> Mapping[int, str]:
    rows = repositories.values_list("pk", "registry__reference_name", "name")
    return {pk: f"{registry}/{name}" if registry else name for pk, registry, name in rows}


def _with_text(deadlines: Sequence[Deadline], names: Mapping[int, str], text: str) -> list[Deadline]:
    """Those of a certificate or signer with that text; of others, what concerns repositories of such a name."""
    places = frozenset(pk for pk, name in names.items() if text in name.casefold())
    found = []
    for deadline in deadlines:
        certificate = deadline.certificate
        if text in certificate.subject.casefold() or certificate.thumbprint.startswith(text):
            found.append(deadline)
        elif (part := deadline.within(places)).steps:
            found.append(part)
    return found


def picture(rows: Sequence[Row], at: datetime, until: datetime) -> Timeline:
    """The deadlines on a line of time."""
    marks = [
        Mark(row.deadline.at, row.deadline.number, row.word, row.url, f"{row.deadline.at:%-d %b %Y}, {row.summary}")
        for row in rows
    ]
    return timeline(marks, at, until)


def deadline_of(repositories: QuerySet[Repository], key: str, at: datetime) -> Deadline | None:
    """The deadline of that name, if it lies ahead of what these repositories hold."""
    until = _until(key)
    if until is None or until < at:
        return None
    return forecast(samples.take(repositories, at), at, until).find(key)


def _until(key: str) -> datetime | None:
    """How far one has to look for the deadline of that name."""
    kind, _, rest = key.partition("-")
    if kind == "expiry":
        try:
            return datetime.strptime(rest[:10], "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
        except ValueError:
            return None
    row = Certificate.objects.filter(pk=rest).values_list("not_before", "not_after").first()
    if row is None or kind not in ("certificate", "beginning"):
        return None
    return row[0] if kind == "beginning" else row[1]
