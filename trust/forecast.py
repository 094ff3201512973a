"""Every date on which a verdict turns by itself: certificates and signatures that expire, and the artifacts that turn then.

Each is really judged at that instant by the one evaluator, with answers about revocation assumed renewed unchanged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from trust import revisions
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence, Scheme
from trust.notary.levels import Validation
from trust.notary.outcome import CheckStatus, Outcome, Word
from trust.notary.revocation import RevocationAnswers
from trust.notary.timestamp_check import HOLDS, authority_of
from trust.samples import NOT_YET, Alike, Judged, Sample, Samples
from trust.verification import MOMENT

SHORT_LIVED = timedelta(days=10)  # as the CA/Browser Forum has it (Baseline Requirements, 1.6.1)


class Kind(StrEnum):
    """What ends at a deadline."""

    leaf = "leaf"
    intermediate = "intermediate"
    root = "root"
    tsa = "tsa"
    tsa_authority = "tsa_authority"
    signature = "signature"
    beginning = "beginning"  # of a certificate's time


class Why(StrEnum):
    """Why artifacts do not turn at a deadline that concerns them."""

    timestamp = "timestamp"  # an authority vouches that the signature was there in time
    authority = "authority"  # a signing authority does
    keeps = "keeps"  # a timestamp outlives the certificate that made it
    other_signature = "other_signature"
    tolerated = "tolerated"  # the statement only logs it, or does not ask
    before = "before"  # they were not good any more, or not yet
    together = "together"  # they turn, but by another deadline at the same instant


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes at one deadline of artifacts that are alike."""

    alike: Alike
    before: Word
    after: Word
    reason: str
    why: Why | None = None  # none: they turn

    @property
    def turns(self) -> bool:
        return self.why is None


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant until which something holds, and what becomes of the artifacts that it concerns."""

    kind: Kind
    at: datetime  # the last instant of a certificate; the first that is too late for a signature, or early enough
    certificate: Certificate  # of a signature that expires: its signer's
    steps: tuple[Step, ...] = ()
    stores: tuple[str, ...] = ()  # of the active revision, which hold it

    @property
    def key(self) -> str:
        """Its name, which stays whoever asks whenever."""
        if self.kind is Kind.signature:
            return f"expiry-{self.at.astimezone(UTC):%Y-%m-%d}-{self.certificate.thumbprint}"
        what = "beginning" if self.kind is Kind.beginning else "certificate"
        return f"{what}-{self.certificate.thumbprint}"

    @property
    def instant(self) -> datetime:
        """When what turns has turned."""
        return self.at if self.kind in (Kind.signature, Kind.beginning) else self.at + MOMENT

    @property
    def turning(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.turns)

    @property
    def number(self) -> int:
        """How many artifacts turn."""
        return sum(step.alike.number for step in self.turning)

    @property
    def turns(self) -> Mapping[tuple[Word, Word], int]:
        """How many turn from which word to which, the most first."""
        found: Counter[tuple[Word, Word]] = Counter()
        for step in self.turning:
            found[step.before, step.after] += step.alike.number
        return dict(found.most_common())

    @property
    def stays(self) -> Mapping[Why, int]:
        """How many do not turn, and why."""
        found: Counter[Why] = Counter()
        for step in self.steps:
            if step.why:
                found[step.why] += step.alike.number
        return dict(found.most_common())

    @property
    def repositories(self) -> Mapping[int, int]:
        """How many turn in which repository, the most first."""
        found: Counter[int] = Counter()
        for step in self.turning:
            found.update(step.alike.numbers)
        return dict(found.most_common())

    @property
    def is_short_lived(self) -> bool:
        """Whether it is renewed all the time and harms nobody when it ends."""
        lifetime = self.certificate.not_after - self.certificate.not_before
        return self.kind is Kind.leaf and lifetime <= SHORT_LIVED and not self.number

    def within(self, repositories: frozenset[int]) -> "Deadline":
        """The same, as far as it concerns these repositories."""
        some = (replace(step, alike=step.alike.within(repositories)) for step in self.steps)
        return replace(self, steps=tuple(step for step in some if step.alike.numbers))


@dataclass(frozen=True, slots=True)
class Forecast:
    """The deadlines ahead, soonest first."""

    at: datetime
    until: datetime
    deadlines: tuple[Deadline, ...] = ()
    short_lived: tuple[Deadline, ...] = ()  # of leaves that are renewed all the time; they harm nobody
    samples: Samples = field(default_factory=Samples)

    def find(self, key: str) -> Deadline | None:
        return next((deadline for deadline in (*self.deadlines, *self.short_lived) if deadline.key == key), None)


def forecast(taken: Samples, at: datetime, until: datetime) -> Forecast:
    """Every deadline of what the samples stand for, and of the active trust stores, from `at` through `until`."""
    answers = taken.answers.assumed_renewed(at, until + MOMENT)
    found: dict[str, Deadline] = {}
    steps: dict[str, list[Step]] = defaultdict(list)
    for deadline in _of_stores(taken, at, until):
        found[deadline.key] = deadline
    for sample in taken.samples:
        for deadline, step in _course(sample, answers, at, until):
            known = found.setdefault(deadline.key, deadline)
            if deadline.at < known.at:
                found[deadline.key] = replace(known, at=deadline.at)
            steps[deadline.key].append(step)
    unordered = (replace(deadline, steps=tuple(steps[key])) for key, deadline in found.items())
    deadlines = sorted(unordered, key=lambda deadline: (deadline.at, -deadline.number, deadline.key))
    return Forecast(
        at=at,
        until=until,
        deadlines=tuple(deadline for deadline in deadlines if not deadline.is_short_lived),
        short_lived=tuple(deadline for deadline in deadlines if deadline.is_short_lived),
        samples=taken,
    )


def _of_stores(taken: Samples, at: datetime, until: datetime) -> Iterator[Deadline]:
    """The certificates that the active revision trusts, whether or not anything rests on them."""
    if taken.revision is None:
        return
    holders: dict[str, list[str]] = defaultdict(list)
    kinds: dict[str, tuple[Kind, Certificate]] = {}
    for store in revisions.material(taken.revision).stores:
        for certificate in store.certificates:
            holders[certificate.thumbprint].append(str(store))
            own = Kind.root if certificate.self_signed else Kind.intermediate
            kinds.setdefault(certificate.thumbprint, (Kind.tsa_authority if store.type == "tsa" else own, certificate))
    for thumbprint, (kind, certificate) in kinds.items():
        deadline = Deadline(kind, certificate.not_after, certificate, stores=tuple(holders[thumbprint]))
        if at < deadline.instant and deadline.at <= until:
            yield deadline


@dataclass(frozen=True, slots=True)
class _Turning:
    """A deadline at which a sample may turn."""

    deadline: Deadline
    signature: int  # its place among the sample's


def _course(
    sample: Sample, answers: RevocationAnswers, at: datetime, until: datetime
) -> Iterator[tuple[Deadline, Step]]:
    """What becomes of a sample at each of its deadlines."""
    now = sample.judged(at, answers)
    if not now.verdict.word.is_green and now.verdict.reason != NOT_YET:
        return  # under a policy or by answers that came after the last judging: the rows will say so soon
    ahead = sorted(_ahead(sample, now, at, until), key=lambda one: one.deadline.instant)
    instants = dict.fromkeys(one.deadline.instant for one in ahead)
    before = now
    for instant in instants:
        after = sample.judged(instant, answers)
        here = [one for one in ahead if one.deadline.instant == instant]
        yield from _steps(sample, here, before, after)
        before = after


def _ahead(sample: Sample, now: Judged, at: datetime, until: datetime) -> Iterator[_Turning]:
    """The deadlines of the signatures that are good now, or will be; what else is wrong with one no clock mends."""
    seen: set[str] = set()
    for place, evidence in sample.evidence:
        finding = now.findings[place]
        if not finding.word.is_green and finding.reason != NOT_YET:
            continue
        for deadline in _deadlines(sample, evidence):
            if at < deadline.instant and deadline.at <= until and deadline.key not in seen:
                seen.add(deadline.key)
                yield _Turning(deadline, place)


def _deadlines(sample: Sample, evidence: Evidence) -> Iterator[Deadline]:
    """Whatever ends of a signature: itself, its certificates, those of its timestamp's authority."""
    chain = evidence.chain
    for certificate in chain:
        yield Deadline(kind_of(certificate, chain), certificate.not_after, certificate)
        yield Deadline(Kind.beginning, certificate.not_before, certificate)
    if evidence.signed and evidence.signed.expiry:
        yield Deadline(Kind.signature, evidence.signed.expiry, chain[0])
    for certificate in authority(sample, evidence):
        kind = Kind.tsa if not certificate.is_ca else Kind.tsa_authority
        yield Deadline(kind, certificate.not_after, certificate)


def authority(sample: Sample, evidence: Evidence) -> Sequence[Certificate]:
    """The chain of a timestamp's authority, if the statement trusts one."""
    statement, stores = sample.rulings.choice.statement, sample.rulings.material.stores
    if evidence.timestamp is None or statement is None or not statement.stores_of("tsa"):
        return ()
    return authority_of(evidence.with_roots(stores).timestamp, statement, stores)


def kind_of(certificate: Certificate, chain: Sequence[Certificate]) -> Kind:
    """What a certificate is in a signer's chain."""
    if certificate is chain[0]:
        return Kind.leaf
    return Kind.root if certificate is chain[-1] and certificate.self_signed else Kind.intermediate


def _steps(sample: Sample, here: Sequence[_Turning], before: Judged, after: Judged) -> Iterator[tuple[Deadline, Step]]:
    """What becomes of the sample at one instant: of several deadlines at once, one is what it turns by."""
    turned = before.verdict.word is not after.verdict.word
    by = _turned_by(here, before, after) if turned else None
    for one in here:
        why = None if one is by else _why(sample, one, before, after, turned=turned)
        words = before.verdict.word, after.verdict.word
        yield one.deadline, Step(sample.alike, *words, after.verdict.reason, why)


def _turned_by(here: Sequence[_Turning], before: Judged, after: Judged) -> _Turning:
    """The deadline that the evaluator names: the certificate that expired, or the signature itself."""
    place = before.verdict.deciding
    outcome = after.findings[place] if place is not None else None
    named: Iterable[_Turning] = ()
    if isinstance(outcome, Outcome):
        expired = {
            result.certificate if result.validation is Validation.authentic_timestamp else ""
            for result in outcome.results
            if result.status is CheckStatus.failed
            and result.validation in (Validation.authentic_timestamp, Validation.expiry)
        }
        named = (
            one
            for one in here
            if ("" if one.deadline.kind is Kind.signature else one.deadline.certificate.thumbprint) in expired
        )
    return next(iter(named), here[0])


def _why(sample: Sample, one: _Turning, before: Judged, after: Judged, *, turned: bool) -> Why:
    if not before.verdict.word.is_green:
        return Why.before
    if turned:
        return Why.together
    if one.deadline.kind in (Kind.tsa, Kind.tsa_authority):
        return Why.keeps
    if one.signature != after.verdict.deciding:
        return Why.other_signature
    decided = after.deciding
    if decided and one.deadline.kind is not Kind.signature:
        if decided.result(Validation.authentic_timestamp).code == HOLDS:
            return Why.timestamp
        result = sample.results[one.signature]
        if isinstance(result, Evidence) and result.signed and result.signed.scheme is Scheme.signing_authority:
            return Why.authority
    return Why.tolerated
