"""The certificates that somebody may see, what each is, and how many artifacts rest on it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from registries.models import Repository
from trust import revisions
from trust.models import BUILD, GREEN, ArtifactStatus, Certificate, Chain, TrustRevision, Verdict


class Role(StrEnum):
    """What a certificate is for, as far as one saw it used."""

    leaf = "leaf"
    intermediate = "intermediate"
    root = "root"
    tsa = "tsa"


SIGNS = Exists(Chain.objects.filter(leaf=OuterRef("pk"), of_authority=False))
ROLE = Case(
    When(SIGNS, then=Value(Role.leaf.value)),
    When(is_ca=False, self_signed=False, then=Value(Role.tsa.value)),  # it came with a timestamp, or it would sign
    When(self_signed=True, then=Value(Role.root.value)),
    default=Value(Role.intermediate.value),
    output_field=CharField(),
)


@dataclass(frozen=True, slots=True)
class Resting:
    """How many artifacts a certificate decides about, and how many of them are green."""

    number: int = 0
    green: int = 0


def total(some: Iterable[Resting]) -> Resting:
    each = list(some)
    return Resting(sum(one.number for one in each), sum(one.green for one in each))


@dataclass(frozen=True, slots=True)
class Sight:
    """The certificates within somebody's sight: of what they may see of the artifacts, and of the trust stores."""

    repositories: QuerySet[Repository]
    certificates: QuerySet[Certificate]  # with their role
    chains: Mapping[str, tuple[str, ...]]  # by fingerprint: thumbprints, leaf first
    stores: Mapping[str, tuple[str, ...]]  # by thumbprint: those of the active revision that hold it

    def chains_of(self, thumbprint: str) -> list[str]:
        return self.chains_through([thumbprint])[thumbprint]

    def chains_through(self, thumbprints: Iterable[str]) -> Mapping[str, list[str]]:
        """The chains of several certificates."""
        found: dict[str, list[str]] = {thumbprint: [] for thumbprint in thumbprints}
        for fingerprint, chain in self.chains.items():
            for thumbprint in chain:
                if thumbprint in found:
                    found[thumbprint].append(fingerprint)
        return found

    def is_claimed(self, thumbprint: str, chains: Iterable[str]) -> bool:
        """Whether its names are only claims: none of its chains has a certificate that a trust store holds.

        Of one that came with a timestamp and stands in no chain nobody here says so, or the contrary.
        """
        through = list(chains)
        held = any(one in self.stores for name in through for one in self.chains[name])
        return bool(through) and not held and thumbprint not in self.stores

    def resting_on(self, thumbprints: Iterable[str]) -> Mapping[str, Resting]:
        """How many artifacts rest on each of these certificates, by the signature that decides; two queries."""
        through = self.chains_through(thumbprints)
        below = self.below({name for chains in through.values() for name in chains})
        return {one: total(below[name] for name in chains) for one, chains in through.items()}

    def below(self, chains: Iterable[str]) -> Mapping[str, Resting]:
        """How many artifacts rest on each of these chains; two queries."""
        found = dict.fromkeys(chains, Resting())
        for name, number, green in self._counted(list(found)):
            found[name] = total([found[name], Resting(number, green)])
        return found

    def _counted(self, some: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        rows = ArtifactStatus.objects.within(self.repositories).artifacts().order_by()
        green = Count("pk", filter=Q(word__in=GREEN))
        for name in ("chain_id", "tsa_chain_id"):
            found = rows.filter(**{f"{name}__in": some}).values_list(name)
            yield from found.annotate(number=Count("pk"), green=green)


def within(repositories: QuerySet[Repository], *, everything: bool) -> Sight:
    """What is seen with these repositories; `everything`: also what was seen in none that is left."""
    revision = revisions.readable()
    stores = _stores(revision)
    rows = Chain.objects.all()
    if not everything:
        verdicts = Verdict.objects.filter(repository__in=repositories, purpose=BUILD)
        signs = Exists(verdicts.filter(signature__chain=OuterRef("pk")))  # found at the first, where one is
        rows = rows.filter(signs | Exists(verdicts.filter(tsa_chain=OuterRef("pk"))))
    chains = {name: tuple(chain) for name, chain in rows.values_list("fingerprint", "thumbprints")}
    certificates = Certificate.objects.annotate(role=ROLE)
    if not everything:
        seen = {thumbprint for chain in chains.values() for thumbprint in chain}
        certificates = certificates.filter(pk__in=seen.union(stores))
    return Sight(repositories, certificates.defer("der"), chains, stores)


def resting_on(thumbprint: str) -> Q:
    """The statuses that a certificate decides about: it is of the chain of the deciding signature, or of its authority's."""
    some = [name for name, chain in Chain.objects.values_list("fingerprint", "thumbprints") if thumbprint in chain]
    return Q(chain__in=some) | Q(tsa_chain__in=some)


def _stores(revision: TrustRevision | None) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for store in revisions.material(revision).stores if revision else ():
        for certificate in store.certificates:
            found[certificate.thumbprint].append(str(store))
    return {thumbprint: tuple(names) for thumbprint, names in found.items()}
