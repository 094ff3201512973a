"""What would become of artifacts if a certificate were trusted no more: removed from its stores, or revoked on a day.

The one evaluator is asked twice of whatever is green: as things are, and with other stores or an answer that nobody gave.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from registries.oci.digest import Digest
from trust import revisions
from trust.forecast import Step, authority
from trust.notary.certificates import Certificate
from trust.notary.outcome import Word
from trust.notary.revocation import Answer, Asked, Entry, RevocationAnswers, Statement
from trust.notary.trust_store import TrustStore, TrustStores
from trust.revocation_rows import sources_named
from trust.samples import Judged, Sample, Samples

LASTS = timedelta(days=1)  # what a supposed answer holds for; longer than the question takes


@dataclass(frozen=True, slots=True)
class Supposed:
    """What would follow: the artifacts that would turn, those alike together."""

    at: datetime
    steps: tuple[Step, ...]
    samples: Samples
    stores: tuple[str, ...] = ()  # that hold the certificate
    emptied: tuple[str, ...] = ()  # that hold nothing else
    sources: tuple[str, ...] = ()  # where its revocation would be announced

    @property
    def number(self) -> int:
        return sum(step.alike.number for step in self.steps)

    @property
    def turns(self) -> Mapping[tuple[Word, Word], int]:
        """How many would turn from which word to which, the most first."""
        found: Counter[tuple[Word, Word]] = Counter()
        for step in self.steps:
            found[step.before, step.after] += step.alike.number
        return dict(found.most_common())

    @property
    def repositories(self) -> Mapping[int, int]:
        """How many would turn in which repository, the most first."""
        found: Counter[int] = Counter()
        for step in self.steps:
            found.update(step.alike.numbers)
        return dict(found.most_common())


def removed(taken: Samples, thumbprint: str, at: datetime) -> Supposed:
    """If no trust store held the certificate any more."""
    stores = revisions.material(taken.revision).stores if taken.revision else TrustStores.of()
    holders = [store for store in stores if any(one.thumbprint == thumbprint for one in store.certificates)]
    others = TrustStores.of(*filter(None, (_without(store, thumbprint) for store in stores)))

    def judged(sample: Sample) -> tuple[Judged, Judged]:
        return sample.judged(at, taken.answers), sample.judged(at, taken.answers, others)

    return Supposed(
        at=at,
        steps=tuple(_steps(taken.samples, judged)) if holders else (),
        samples=taken,
        stores=tuple(map(str, holders)),
        emptied=tuple(str(store) for store in holders if (store.type, store.name) not in others.of_name),
    )


def _without(store: TrustStore, thumbprint: str) -> TrustStore | None:
    """The store without the certificate; None for one that held nothing else, which then does not exist."""
    kept = tuple(one for one in store.certificates if one.thumbprint != thumbprint)
    return replace(store, certificates=kept) if kept or not store.certificates else None


def revoked(taken: Samples, thumbprint: str, at: datetime, on: datetime) -> Supposed:
    """If its authority announced on that day that it is revoked, and gave no earlier or later date of invalidity."""
    on = max(at, on)
    answers = taken.answers.assumed_renewed(at, on + LASTS)
    supposed = answers
    sources: dict[str, None] = {}
    for certificate, issuer in set(_issued(taken.samples, thumbprint)):
        supposed = _with_revocation(supposed, certificate, issuer, on)
        sources |= dict.fromkeys((*certificate.ocsp_urls, *certificate.crl_urls))

    def judged(sample: Sample) -> tuple[Judged, Judged]:
        return sample.judged(on, answers), sample.judged(on, supposed)

    return Supposed(
        at=on, steps=tuple(_steps(taken.samples, judged)) if sources else (), samples=taken, sources=tuple(sources)
    )


def _issued(some: Iterable[Sample], thumbprint: str) -> Iterator[tuple[Certificate, Certificate]]:
    """The certificate and who issued it, wherever it stands in a chain below the root."""
    for sample in some:
        for _, evidence in sample.evidence:
            for chain in (evidence.chain, authority(sample, evidence)):
                yield from (pair for pair in pairwise(chain) if pair[0].thumbprint == thumbprint)


def _with_revocation(
    answers: RevocationAnswers, certificate: Certificate, issuer: Certificate, on: datetime
) -> RevocationAnswers:
    """The answers, and that all who can be asked about the certificate say that it is revoked."""
    said = {certificate.thumbprint: Statement(entries=(Entry(on),))}
    for source in sources_named((certificate, issuer)):
        before = answers.asked.get(source, Asked()).answer
        if before is None:
            answer = Answer(Digest.of(b""), None, on, on, on + LASTS, 0, "", said)
        else:
            until = max(before.next_update or on, on + LASTS)
            answer = replace(before, next_update=until, says={**before.says, **said})
        answers = answers.with_(source, Asked(answer))
    return answers


def _steps(some: Iterable[Sample], judged: Callable[[Sample], tuple[Judged, Judged]]) -> Iterator[Step]:
    for sample in some:
        before, after = (each.verdict for each in judged(sample))
        if before.word is not after.word:
            yield Step(sample.alike, before.word, after.word, after.reason)
