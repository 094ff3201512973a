"""Artifacts that are green and judged alike, counted by the database, and one of each kind to judge otherwise than they were.

Nothing is written, and no answer that is merely assumed ever reaches what is stored.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched

from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, When

from registries.models import Fault, Listing, Repository, Served
from registries.oci.digest import Digest
from trust import questions, revisions
from trust.evidence import evidence_of, readable
from trust.holdings import Stay, Subject
from trust.judging import verdict_on
from trust.models import GREEN, ArtifactStatus, Signature, TrustRevision
from trust.notary.evidence import EVIDENCE_VERSION, Evidence
from trust.notary.outcome import Outcome, SignatureFault
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers
from trust.notary.trust_store import TrustStores
from trust.revocation_rows import answers_of
from trust.rulings import Rulings
from trust.statuses import ArtifactVerdict

BATCH = 500
MOST = 4000  # kinds that are judged for one answer; of more, those with the most artifacts

NOT_YET = "certificate_not_yet_valid"  # the one reason that the clock alone mends
LOOKED_AT = Q(word__in=GREEN) | Q(reason=NOT_YET)

type Place = tuple[int, Digest]
"A repository and a digest in it."


@dataclass(frozen=True, slots=True)
class Alike:
    """Artifacts of one course under one statement: whatever befalls one of them befalls all."""

    statement: str
    course: str
    numbers: Mapping[int, int] = field(hash=False)  # by repository
    sample: int  # key of the status of one of them

    @property
    def number(self) -> int:
        return sum(self.numbers.values())

    def within(self, repositories: frozenset[int]) -> "Alike":
        return replace(self, numbers={pk: n for pk, n in self.numbers.items() if pk in repositories})


def looked_at(rows: QuerySet[ArtifactStatus], active: int | None) -> QuerySet[ArtifactStatus]:
    """Those of the rows that may turn by themselves, with their course as `runs`: that of their question at the least."""
    current = Q(revision__isnull=False, revision=active) & ~Q(course="")
    runs = Case(When(current, then=F("course")), default=F("question"), output_field=CharField())
    return rows.filter(LOOKED_AT).annotate(runs=runs)


def rows_of(some: Iterable[Alike]) -> Q:
    """The statuses of these artifacts, among those that are `looked_at`."""
    places: dict[str, set[int]] = defaultdict(set)
    for alike in some:
        places[alike.course] |= alike.numbers.keys()
    courses: dict[frozenset[int], list[str]] = defaultdict(list)
    for course, repositories in places.items():
        courses[frozenset(repositories)].append(course)
    found = Q(pk__in=[])
    for where, some_courses in courses.items():
        found |= Q(("runs__in", some_courses), repository__in=where)
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """What a sample reads, and what was found out about each of its signatures."""

    verdict: ArtifactVerdict
    findings: tuple[Outcome | SignatureFault, ...]

    @property
    def deciding(self) -> Outcome | None:
        """The outcome of the signature that decides, if one does."""
        index = self.verdict.deciding
        found = self.findings[index] if index is not None and index < len(self.findings) else None
        return found if isinstance(found, Outcome) else None


@dataclass(frozen=True, slots=True)
class Sample:
    """One of several artifacts that are alike, with all that judging it takes."""

    alike: Alike
    subject: Subject
    results: tuple[Evidence | SignatureFault, ...]  # of its signatures, in the order listed
    rulings: Rulings

    def judged(self, at: datetime, answers: RevocationAnswers, stores: TrustStores | None = None) -> Judged:
        """What it would read at that instant with these answers, and with these stores instead of the revision's."""
        material = self.rulings.material
        if stores is not None:
            material = replace(material, stores=stores)
        rulings = replace(self.rulings, at=at, answers=answers, material=material)
        findings = tuple(
            result if isinstance(result, SignatureFault) else rulings.outcome(self.subject.target, result)
            for result in self.results
        )
        return Judged(verdict_on(self.subject, rulings, findings), findings)

    @property
    def evidence(self) -> Iterator[tuple[int, Evidence]]:
        """The signatures that could be read, each with its place among all."""
        return ((i, result) for i, result in enumerate(self.results) if isinstance(result, Evidence) and result.chain)


@dataclass(frozen=True, slots=True)
class Samples:
    """One artifact of every kind, and how many artifacts are of none."""

    samples: tuple[Sample, ...] = ()
    answers: RevocationAnswers = NO_ANSWERS  # as they are stored
    revision: TrustRevision | None = None
    rarer: int = 0  # artifacts of kinds beyond MOST
    waiting: int = 0  # artifacts of which more has changed than was judged


def take(repositories: QuerySet[Repository], at: datetime) -> Samples:
    """A sample of each kind of artifacts of these repositories; the queries grow with the kinds only."""
    revision = revisions.readable()
    if revision is None:
        return Samples()
    found = _alike(repositories, revision)
    kept, others = found[:MOST], found[MOST:]
    samples: list[Sample] = []
    for some in batched(kept, BATCH):
        samples += _load(some, revision, at)
    green = [each for each in samples if each.rulings.choice.statement]
    chains = {chain for each in green for chain in each.rulings.chains(each.results)}
    return Samples(
        samples=tuple(green),
        answers=answers_of(chains),
        revision=revision,
        rarer=sum(alike.number for alike in others),
        waiting=sum(alike.number for alike in kept) - sum(each.alike.number for each in samples),
    )


def _alike(repositories: QuerySet[Repository], revision: TrustRevision) -> list[Alike]:
    """All artifacts that are green, or will be, by statement and course; the most numerous first."""
    rows = looked_at(ArtifactStatus.objects.within(repositories).artifacts(), revision.number)
    groups = rows.order_by().values_list("repository_id", F("runs")).annotate(Count("pk"), Min("pk"))
    statements = _statements(revision)
    numbers: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    firsts: dict[tuple[str, str], int] = {}
    for repository, course, number, first in groups:
        key = statements[repository], course
        numbers[key][repository] = number
        firsts[key] = min(first, firsts.get(key, first))
    found = [Alike(*key, some, firsts[key]) for key, some in numbers.items()]
    return sorted(found, key=lambda alike: (-alike.number, alike.sample))


def _statements(revision: TrustRevision) -> Mapping[int, str]:
    """The name of the statement that applies to each repository, or why none does."""
    material = revisions.material(revision)
    names: dict[int, str] = {}
    rows = Repository.objects.values_list("pk", "registry__reference_name", "name")
    for pk, registry, name in rows.iterator():
        choice = material.policy.choose(f"{registry}/{name}" if registry else "")  # Repository.reference
        names[pk] = choice.statement.name if choice.statement else f"\0{choice.code}"
    return names


def _load(some: Sequence[Alike], revision: TrustRevision, at: datetime) -> Iterator[Sample]:
    """The samples, but for those of which more has changed than was judged: their question is another one now."""
    rows = ArtifactStatus.objects.filter(pk__in=[alike.sample for alike in some])
    statuses = rows.select_related("manifest", "repository__registry").defer("message", "tags", "counts").in_bulk()
    facts = _Facts.read(statuses.values())
    for alike in some:
        status = statuses.get(alike.sample)
        if status is None:
            continue
        rulings = Rulings.of(status.repository.reference, revision, at)
        sample = facts.sample(alike, status, rulings)
        if sample is not None:
            yield sample


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is stored of some artifacts of several repositories."""

    listings: Mapping[Place, Listing]
    signatures: Mapping[Digest, tuple[Signature, Evidence | SignatureFault]]
    served: frozenset[Place]
    faults: Mapping[tuple[int, str], list[Fault]]

    @classmethod
    def read(cls, statuses: Iterable[ArtifactStatus]) -> "_Facts":
        places = {(status.repository_id, status.manifest_id) for status in statuses}
        repositories, digests = {pk for pk, _ in places}, {digest for _, digest in places}
        listings = Listing.objects.filter(repository__in=repositories, subject__in=digests)
        rows = list(Signature.objects.filter(subject__in=digests, evidence_version=EVIDENCE_VERSION))
        wanted = digests | {row.pk for row in rows} | {row.envelope for row in rows if row.envelope}
        served = Served.objects.filter(repository__in=repositories, digest__in=wanted)
        faults: dict[tuple[int, str], list[Fault]] = defaultdict(list)
        names = {str(digest) for digest in digests}
        concerned = Q(subject__in=digests) | Q(digest__in=names)
        for fault in Fault.objects.filter(concerned, repository__in=repositories).order_by("digest", "code"):
            for name in {fault.digest, str(fault.subject)} & names:
                faults[fault.repository_id, name].append(fault)
        return cls(
            {(row.repository_id, row.subject): row for row in listings},
            {row.pk: (row, result) for row, result in zip(rows, evidence_of(rows), strict=True)},
            frozenset(served.values_list("repository_id", "digest")),
            faults,
        )

    def sample(self, alike: Alike, status: ArtifactStatus, rulings: Rulings) -> Sample | None:
        """The artifact of that status; None where its question is not the one that was judged."""
        repository, digest = status.repository_id, status.manifest_id
        subject = Subject(
            status.manifest,
            Stay(status.since, status.present, status.is_artifact),
            self.listings.get((repository, digest)),
            (),
            tuple(self.faults.get((repository, str(digest)), ())),
        )
        keys, results = [], []
        for row, evidence in self._signatures(subject, repository):
            envelope = {row.envelope} if row.envelope and (repository, row.envelope) in self.served else set()
            result = readable(row, evidence, envelope)
            keys.append((questions.of_signature(subject.target, result, row.evidence), row.chain_id))
            results.append(result)
        if questions.of_artifact(subject, keys) != status.question or (repository, digest) not in self.served:
            return None
        return Sample(alike, subject, tuple(results), rulings)

    def _signatures(self, subject: Subject, repository: int) -> Iterator[tuple[Signature, Evidence | SignatureFault]]:
        for name in subject.listing.digests if subject.listing else ():
            found = self.signatures.get(Digest.parse(name))
            if found and found[0].subject == subject.digest and (repository, found[0].pk) in self.served:
                yield found
