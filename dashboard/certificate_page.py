"""The page of one certificate: what it says, where it stands, what rests on it, and what follows if it is trusted no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.http import QueryDict

from dashboard.access import Person, repositories_of, sees_everything
from dashboard.certificate_graph import certificate_graph
from dashboard.forecast_page import Row, Share, names_of, row_of, turned_to
from dashboard.renewals import Renewal, renewals
from dashboard.signature_graph import SignatureGraph
from dashboard.trust_pages import Reading
from trust import revisions, samples, seen, what_if
from trust.forecast import forecast
from trust.models import Certificate
from trust.notary.outcome import Word
from trust.samples import Samples
from trust.seen import Resting, Role, Sight, total
from trust.what_if import Supposed

MOST_CHAINS = 20  # shown one by one
NAMED = 5  # repositories
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Supposal:
    """What somebody asks: what if it were removed from its stores, or revoked on a day?"""

    kind: str = ""  # removed, revoked, or nothing is asked
    on: datetime | None = None
    fault: str = ""

    @classmethod
    def parse(cls, query: QueryDict, at: datetime) -> Self:
        kind = query.get("if", "")
        if kind not in ("", "removed", "revoked"):
            return cls(fault="It may be removed or revoked.")
        try:
            on = datetime.strptime(query.get("on") or f"{at:%Y-%m-%d}", "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            return cls(fault="A day is written as 2027-01-31.")
        if not at - timedelta(days=1) <= on <= at + timedelta(days=MOST_DAYS):
            return cls(fault="The day must be today or later, within a hundred years.")
        return cls(kind, max(at, on) if kind else None)

    def answered(self, taken: Samples, thumbprint: str, at: datetime) -> Supposed | None:
        """What would follow, in what the samples stand for."""
        if self.kind == "removed":
            return what_if.removed(taken, thumbprint, at)
        if self.kind == "revoked" and self.on:
            return what_if.revoked(taken, thumbprint, at, self.on)
        return None


@dataclass(frozen=True, slots=True)
class ShownChain:
    """A chain that leads through the certificate, leaf first, and how many artifacts it decides about."""

    certificates: tuple[Certificate, ...]
    number: int

    @property
    def ends(self) -> datetime:
        return min(one.not_after for one in self.certificates)


@dataclass(frozen=True, slots=True)
class CertificatePage:
    """All that is shown of a certificate."""

    certificate: Certificate
    role: Role
    stores: tuple[str, ...]
    resting: Resting
    claimed: bool  # nobody who is trusted vouches for its names
    counted: bool  # whether the artifacts that rest on it are known by the rows of lists
    chains: tuple[ShownChain, ...]  # those with the most artifacts
    more_chains: int
    graph: SignatureGraph
    ends: Row | None  # what becomes of artifacts when it expires
    renewals: tuple[Renewal, ...]
    supposal: Supposal
    supposed: Supposed | None
    shares: tuple[Share, ...]  # of what would turn
    others: int

    @property
    def turns(self) -> tuple[tuple[Word, int], ...]:
        return turned_to(self.supposed.turns) if self.supposed else ()


def sight_of(person: Person) -> Sight:
    """The certificates that the person may see."""
    return seen.within(repositories_of(person), everything=sees_everything(person))


def certificate_page(
    person: Person, sight: Sight, row: Certificate, supposal: Supposal, at: datetime
) -> CertificatePage:
    """The page of a certificate within the person's sight."""
    revision = revisions.active()
    statements = Reading.of(revision, person).statements if revision else ()
    fingerprints = sight.chains_of(row.pk)
    chains = [sight.chains[name] for name in fingerprints]
    known = _rows({row.pk, *(thumbprint for chain in chains for thumbprint in chain)})
    below = sight.below(fingerprints)
    fingerprints.sort(key=lambda name: (-below[name].number, name))
    shown = tuple(
        ShownChain(tuple(known[one] for one in sight.chains[name]), below[name].number)
        for name in fingerprints[:MOST_CHAINS]
    )
    taken = samples.take(repositories_of(person), at)
    supposed = supposal.answered(taken, row.pk, at)
    names = names_of(repositories_of(person))
    places = list(supposed.repositories.items()) if supposed else []
    return CertificatePage(
        certificate=row,
        role=Role(vars(row)["role"]),
        stores=sight.stores.get(row.pk, ()),
        resting=total(below.values()),
        claimed=sight.is_claimed(row.pk, fingerprints),
        counted=bool(fingerprints) or not any(name.startswith("tsa:") for name in sight.stores.get(row.pk, ("tsa:",))),
        chains=shown,
        more_chains=max(0, len(chains) - MOST_CHAINS),
        graph=certificate_graph(
            sight, row.pk, {sight.chains[name]: below[name] for name in fingerprints}, known, statements
        ),
        ends=_ends(taken, row, names, at),
        renewals=tuple(renewals(sight, row.pk)) if fingerprints else (),
        supposal=supposal,
        supposed=supposed,
        shares=tuple(Share(pk, names.get(pk, ""), number) for pk, number in places[:NAMED]),
        others=max(0, len(places) - NAMED),
    )


def _rows(thumbprints: set[str]) -> Mapping[str, Certificate]:
    return Certificate.objects.defer("der").in_bulk(thumbprints)


def _ends(taken: Samples, row: Certificate, names: Mapping[int, str], at: datetime) -> Row | None:
    """What becomes of artifacts on its last day; nothing where that is over."""
    ending = forecast(taken, at, row.not_after).find(f"certificate-{row.pk}")
    return row_of(ending, names) if ending else None
