"""How work stands: the condition of a repository, a registry's survey or a judgement, in one word and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from django.db.models import Case, Count, Exists, IntegerField, Max, Min, OuterRef, Q, QuerySet, Sum, Value, When

from registries.leases import DueRow, due
from registries.models import Fault, Presence, Registry, Repository, Survey

LATE = timedelta(seconds=60)  # due for so long and taken by nobody: no worker seems to run


@dataclass(frozen=True, slots=True)
class Condition:
    """One word for how the work on a row stands."""

    word: str
    icon: str
    kind: str = ""  # good, warn, or plain


WAITS = Condition("Waits", "pause", "warn")
PARTLY = Condition("In part", "warning", "warn")
RUNNING = Condition("Running", "refresh")
QUEUED = Condition("Queued", "clock")
CURRENT = Condition("Current", "check", "good")
IDLE = Condition("Idle", "pause")


def condition(row: DueRow, at: datetime, *, in_part: bool = False) -> Condition:
    """How the work on this row stands at `at`."""
    if row.leased_until and row.leased_until > at:
        return RUNNING
    if row.due_at and row.due_at <= at:
        return QUEUED  # even after a failure: it is tried again now
    if row.last_error:
        return WAITS
    if in_part:
        return PARTLY
    return CURRENT if row.due_at else IDLE


def survey_condition(survey: Survey | None, at: datetime) -> Condition:
    """How looking up the repositories of a registry stands; in part where its catalog was not read to its end."""
    return condition(survey, at, in_part=found_in_part(survey)) if survey else IDLE


def found_in_part(survey: Survey | None) -> bool:
    """Whether the registry may hold repositories that nobody has found."""
    return bool(survey and survey.finished_at and not survey.complete)


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository in a list."""

    repository: Repository
    condition: Condition
    artifacts: int
    faults: int

    @property
    def requests(self) -> int:
        return sum_of(self.repository.requests)


def faults_first(repositories: QuerySet[Repository], at: datetime) -> QuerySet[Repository]:
    """What failed, then what is known in part, then what runs; by name within."""
    rank = Case(
        When(~Q(last_error=""), then=Value(0)),
        When(known_in_part(), then=Value(1)),
        When(leased_until__gt=at, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return repositories.annotate(rank=rank).order_by("rank", "name", "pk")


def repository_rows(repositories: Iterable[Repository], at: datetime) -> list[RepositoryRow]:
    """The rows of one page, with two queries however many they are."""
    listed = list(repositories)
    ids = [repository.pk for repository in listed]
    artifacts = _counted(Presence.objects.current().filter(repository__in=ids, is_artifact=True))
    faults = _counted(Fault.objects.filter(repository__in=ids))
    return [
        RepositoryRow(
            repository,
            condition(repository, at, in_part=in_part(repository, faults.get(repository.pk, 0))),
            artifacts.get(repository.pk, 0),
            faults.get(repository.pk, 0),
        )
        for repository in listed
    ]


def in_part(repository: Repository, faults: int) -> bool:
    """Whether the last index left something out."""
    return bool(repository.indexed_at and (faults or not repository.tags_complete))


def known_in_part() -> Q:
    """The same of the repositories of a query."""
    faults = Fault.objects.filter(repository=OuterRef("pk"))
    return Q(indexed_at__isnull=False) & (Q(tags_complete=False) | Q(Exists(faults)))


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("repository").annotate(number=Count("pk")))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the indexing of several repositories is."""

    repositories: int = 0
    waiting: int = 0  # due or being indexed
    running: int = 0
    failing: int = 0
    partly: int = 0  # the last index left something out
    never: int = 0  # not indexed to the end yet, not even once
    subjects: int = 0
    subjects_done: int = 0
    oldest_due: datetime | None = None
    last_indexed: datetime | None = None
    next_due: datetime | None = None

    @classmethod
    def of(cls, repositories: QuerySet[Repository], at: datetime) -> Self:
        return cls(**repositories.order_by().aggregate(**_figures(at)))

    @classmethod
    def by_registry(cls, repositories: QuerySet[Repository], at: datetime) -> dict[int, Self]:
        rows = repositories.order_by().values("registry").annotate(**_figures(at))
        figures: list[dict[str, Any]] = [dict(row) for row in rows]
        return {row.pop("registry"): cls(**row) for row in figures}

    @property
    def failing_text(self) -> str:
        return f"{self.failing:,} of {self._of_all} {'waits' if self.failing == 1 else 'wait'}"

    @property
    def partly_text(self) -> str:
        return f"{self.partly:,} of {self._of_all} {'is' if self.partly == 1 else 'are'} known in part"

    @property
    def _of_all(self) -> str:
        return f"{self.repositories:,} {'repository' if self.repositories == 1 else 'repositories'}"

    @property
    def done(self) -> int:
        return self.repositories - self.waiting

    @property
    def percent(self) -> int:
        return 100 * self.done // self.repositories if self.repositories else 0


def _figures(at: datetime) -> dict[str, Any]:
    running = Q(leased_until__gt=at)
    waiting = running | Q(due_at__lte=at)
    return {
        "repositories": Count("pk"),
        "waiting": Count("pk", filter=waiting),
        "running": Count("pk", filter=running),
        "failing": Count("pk", filter=~Q(last_error="")),
        "partly": Count("pk", filter=known_in_part()),
        "never": Count("pk", filter=Q(indexed_at=None)),
        "subjects": Sum("progress_total", filter=running, default=0),
        "subjects_done": Sum("progress_done", filter=running, default=0),
        "oldest_due": Min("due_at", filter=due(at)),
        "last_indexed": Max("indexed_at"),
        "next_due": Min("due_at", filter=Q(due_at__gt=at)),
    }


def nobody_works(progress: Progress, at: datetime) -> bool:
    """Something is due for a while and nobody took it."""
    return progress.running == 0 and progress.oldest_due is not None and at - progress.oldest_due > LATE


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A registry in a list, with what the reader may see of it."""

    registry: Registry
    survey: Survey | None
    condition: Condition
    progress: Progress
    artifacts: int
    error: str = ""

    @property
    def note(self) -> str:
        """What keeps it from being known whole."""
        if self.error or self.progress.partly:
            return self.error or self.progress.partly_text
        return "Its catalog was not read to its end" if found_in_part(self.survey) else ""


def going_with(registry: Registry) -> dict[str, int]:
    """How much goes when the registry is disconnected."""
    artifacts = Presence.objects.within(registry.repositories.all()).current().filter(is_artifact=True)
    return {"repositories": registry.repositories.count(), "artifacts": artifacts.count()}


def registry_rows(
    registries: QuerySet[Registry], repositories: QuerySet[Repository], at: datetime
) -> list[RegistryRow]:
    """All registries with their figures, in a fixed number of queries; the ones in trouble first."""
    progress = Progress.by_registry(repositories, at)
    artifacts = dict(
        Presence.objects.within(repositories)
        .current()
        .filter(is_artifact=True)
        .order_by()
        .values_list("repository__registry")
        .annotate(number=Count("pk"))
    )
    rows = [
        _registry_row(registry, progress.get(registry.pk, Progress()), artifacts.get(registry.pk, 0), at)
        for registry in registries.select_related("survey").order_by("reference_name", "address", "pk")
    ]
    return sorted(rows, key=lambda row: row.condition.kind != "warn")


def _registry_row(registry: Registry, progress: Progress, artifacts: int, at: datetime) -> RegistryRow:
    survey = getattr(registry, "survey", None)
    error = survey.last_error if survey else ""
    if not error and progress.failing:
        error = f"{progress.failing_text} for the next attempt"
    stands = survey_condition(survey, at)
    if progress.running or (survey and survey.leased_until and survey.leased_until > at):
        stands = RUNNING
    elif error:
        stands = WAITS
    elif progress.waiting:
        stands = QUEUED
    elif progress.partly and stands is not QUEUED:
        stands = PARTLY
    return RegistryRow(registry, survey, stands, progress, artifacts, error)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many things of each kind wait for the next attempt after a failure."""

    registries: int = 0  # whose repositories could not be looked up
    repositories: int = 0
    judgements: int = 0

    @property
    def total(self) -> int:
        return self.registries + self.repositories + self.judgements

    @property
    def text(self) -> str:
        """ "10 registries, 1 repository": empty if nothing waits."""
        kinds = (
            (self.registries, "registry", "registries"),
            (self.repositories, "repository", "repositories"),
            (self.judgements, "judgement", "judgements"),
        )
        return ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in kinds if number)


def sum_of(counts: Mapping[str, int]) -> int:
    return sum(number for number in counts.values() if isinstance(number, int))


REQUEST_KINDS = {
    "ping": "Asking whether it is a registry",
    "challenge": "Refused until authenticated",
    "token": "Tokens",
    "catalog": "Catalog",
    "tags": "Tags",
    "manifest_head": "Manifests, whether changed",
    "manifest": "Manifests",
    "referrers": "Referrers",
    "referrers_oras": "Referrers, asked in ORAS's way",
    "blob": "Blobs",
    "vendor": "The product's own API",
}


@dataclass
class Requests:
    """How many requests the last indexes made, by kind."""

    by_kind: dict[str, int] = field(default_factory=dict)

    def add(self, counts: Mapping[str, int]) -> None:
        for kind, number in counts.items():
            if isinstance(number, int):
                self.by_kind[kind] = self.by_kind.get(kind, 0) + number

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())

    @property
    def rows(self) -> list[tuple[str, int]]:
        """Kinds in words, the known ones in their own order."""
        order = {kind: place for place, kind in enumerate(REQUEST_KINDS)}
        kinds = sorted(self.by_kind, key=lambda kind: (order.get(kind, len(order)), kind))
        return [(REQUEST_KINDS.get(kind, kind.replace("_", " ")), self.by_kind[kind]) for kind in kinds]
