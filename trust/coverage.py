"""Which statement of a policy every repository falls under, and what of the policy nothing falls under.

Of any policy, the active one or a draft: `cover` is pure. Only `satisfied` asks the database, which knows the active one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from typing import Self

from django.db.models import Exists, OuterRef, QuerySet

from registries.models import Repository
from trust.models import GREEN, ArtifactStatus, StatusChange
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.certificates import Certificate
from trust.notary.trust_policy import WILDCARD, Statement, TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores

MANY = 1000  # repositories in one query


class How(StrEnum):
    """How a repository falls under a statement, or why under none; what wants a look first."""

    folding_veto = "folding_veto"  # another spelling of its name reaches another statement
    none = "none"
    wildcard = "wildcard"
    exact = "exact"


class Satisfied(StrEnum):
    """Whether a signature satisfies a statement: an artifact is green by it, one of its repositories once was, none ever."""

    now = "now"
    before = "before"
    never = "never"


@dataclass(frozen=True, slots=True)
class Named:
    """A repository as policies name it; an empty reference for one that stands for nothing."""

    pk: int
    reference: str
    name: str

    @classmethod
    def all_of(cls, repositories: QuerySet[Repository]) -> list[Self]:
        """One query."""
        rows = repositories.values_list("pk", "registry__reference_name", "name").order_by()
        return [cls(pk, f"{registry}/{name}" if registry else "", name) for pk, registry, name in rows]


@dataclass(frozen=True, slots=True)
class Covered:
    """One repository, and the statement that it falls under."""

    repository: Named
    how: How
    statement: Statement | None
    message: str


@dataclass(frozen=True, slots=True)
class Reached:
    """One statement: how many repositories fall under it, and which of its scopes name none that is known."""

    statement: Statement
    repositories: int
    unused_scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The whole map of a policy."""

    rows: tuple[Covered, ...]
    "What wants a look first, then by name."
    statements: tuple[Reached, ...]
    unnamed_stores: tuple[TrustStore, ...]
    "Those that no statement names."

    @property
    def counts(self) -> Mapping[How, int]:
        found = Counter(row.how for row in self.rows)
        return {how: found[how] for how in How}

    @property
    def unused_statements(self) -> tuple[Reached, ...]:
        return tuple(reached for reached in self.statements if not reached.repositories)


def cover(
    policy: TrustPolicy,
    stores: TrustStores,
    repositories: Iterable[Named],
    blob_policy: BlobTrustPolicy | None = None,
) -> Coverage:
    """The map of this policy over these repositories."""
    rows = sorted((_covered(policy, one) for one in repositories), key=_order)
    fallen = Counter(row.statement.name for row in rows if row.statement)
    known = {row.repository.reference for row in rows}
    statements = tuple(
        Reached(
            statement,
            fallen[statement.name],
            tuple(scope for scope in statement.scopes if scope != WILDCARD and scope not in known),
        )
        for statement in policy.statements
    )
    return Coverage(tuple(rows), statements, tuple(_unnamed(policy, blob_policy, stores)))


def _covered(policy: TrustPolicy, repository: Named) -> Covered:
    choice = policy.choose(repository.reference)
    return Covered(repository, How(choice.code), choice.statement, choice.message)


def _order(row: Covered) -> tuple[int, str, int]:
    return list(How).index(row.how), row.repository.reference or row.repository.name, row.repository.pk


def _unnamed(policy: TrustPolicy, blob_policy: BlobTrustPolicy | None, stores: TrustStores) -> Iterator[TrustStore]:
    statements = (*policy.statements, *(blob_policy.statements if blob_policy else ()))
    named = {(store.type, store.name) for statement in statements for store in statement.trust_stores}
    return (store for store in stores if (store.type, store.name) not in named)


def resting_on(
    policy: TrustPolicy, stores: TrustStores, certificate: Certificate, references: Iterable[str]
) -> tuple[int, int]:
    """How many of these repositories a certificate could make green, by how many statements: who holds its key signs for all.

    Repositories whose own spelling is vetoed are counted too: the veto goes with the spelling, the power stays.
    """
    names = set(references)
    named = {scope for one in policy.statements for scope in one.scopes} & names
    reached = [
        names - named if WILDCARD in one.scopes else names.intersection(one.scopes)
        for one in policy.statements
        if _trusts(one, stores, certificate)
    ]
    return sum(map(len, reached)), sum(map(bool, reached))


def _trusts(statement: Statement, stores: TrustStores, certificate: Certificate) -> bool:
    named = (stores.get(store.type, store.name) for store in statement.trust_stores if store.type != "tsa")
    return any(store.holds(certificate) for store in named)


def satisfied(coverage: Coverage, repositories: QuerySet[Repository]) -> Mapping[str, Satisfied]:
    """Of every statement of the active policy, whether a signature in these repositories satisfies it.

    Which statement a word was green by in the past is not kept: `before` says that a repository that falls under this
    one had a green artifact, under this statement or one before it.
    """
    green = ArtifactStatus.objects.within(repositories).filter(word__in=GREEN)
    now = set(green.order_by().values_list("statement", flat=True).distinct())
    waiting = {reached.statement.name for reached in coverage.statements} - now
    under = {row.repository.pk: row.statement.name for row in coverage.rows if row.statement}
    asked = [pk for pk, name in under.items() if name in waiting]
    before = {under[pk] for pk in _once_green(repositories, asked)}
    return {reached.statement.name: _word(reached.statement.name, now, before) for reached in coverage.statements}


def _word(name: str, now: set[str], before: set[str]) -> Satisfied:
    if name in now:
        return Satisfied.now
    return Satisfied.before if name in before else Satisfied.never


def _once_green(repositories: QuerySet[Repository], asked: Iterable[int]) -> Iterator[int]:
    """Those of the asked repositories in which any artifact ever was green."""
    turned = Exists(StatusChange.objects.filter(status__repository=OuterRef("pk"), after__in=GREEN))
    for some in batched(asked, MANY):
        yield from repositories.filter(turned, pk__in=some).values_list("pk", flat=True)
