"""Collecting answers about revocation: whom to ask, asking those who are due, and what follows for the chains.

Only chains that lead to a configured root of the active revision are asked about: the addresses come out of certificates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Self

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from registries.leases import LONGEST_RETRY, Lease, due
from registries.oci.exchange import Answer as HttpAnswer
from registries.oci.exchange import Send
from trust import asking, revisions
from trust.asking import Collected, Concern, walks
from trust.models import Chain, Judgement, RevocationSource
from trust.notary.certificates import Certificate
from trust.notary.errors import RevocationError
from trust.notary.revocation import Answer, RevocationAnswers, Source, standing_of
from trust.revocation_rows import (
    answers_of,
    chains_of,
    content_of,
    keep,
    key_of,
    new_source,
    source_of,
)

__all__ = ["answers_of", "collect", "due_sources", "follow_chains"]

BATCH = 500
SIGNERS, AUTHORITIES = ("ca", "signingAuthority"), ("tsa",)  # store types: of which chains their certificates are roots
SOONEST, LATEST = timedelta(minutes=10), timedelta(hours=12)
Standing = Chain.Standing


def follow_chains(at: datetime) -> int:
    """Decide for chains that are new, or were decided under another revision, whom to ask; how many those were."""
    revision = revisions.active()
    if revision is None:
        return 0
    roots = Roots.of(revisions.material(revision))
    undecided = Chain.objects.filter(Q(asked_under=None) | Q(asked_under__lt=revision.number))
    rows = list(undecided.exclude(standing=Standing.NO_SOURCE).order_by("pk")[:BATCH])
    followed = [row.pk for row in rows if roots.hold(row)]
    left = [row.pk for row in rows if row.pk not in followed]
    with transaction.atomic():
        RevocationSource.chains.through.objects.filter(chain__in=left).delete()
        Chain.objects.filter(pk__in=left).update(standing=Standing.NOT_EVALUATED, standing_until=None)
        restand(followed, at)
        Chain.objects.filter(pk__in=[*followed, *left]).update(asked_under=revision.number)
    return len(rows)


def follow_ahead(fingerprints: Iterable[str], material: revisions.Material, at: datetime) -> int:
    """Have those of the chains asked about that lead to a root of policy and stores to come; how many those are."""
    roots = Roots.of(material)
    rows = Chain.objects.filter(pk__in=list(fingerprints)).exclude(standing=Standing.NO_SOURCE)
    followed = [row.pk for row in rows if roots.hold(row)]
    with transaction.atomic():
        restand(followed, at)
    return len(followed)


@dataclass(frozen=True, slots=True)
class Roots:
    """The certificates that chains must lead to, to be asked about."""

    of_signers: frozenset[str]
    of_authorities: frozenset[str]

    @classmethod
    def of(cls, material: revisions.Material) -> Self:
        stores = [store for store in material.stores if not store.fault]
        signers, authorities = (
            frozenset(one.thumbprint for store in stores if store.type in types for one in store.certificates)
            for types in (SIGNERS, AUTHORITIES)
        )
        return cls(signers, authorities)

    def hold(self, chain: Chain) -> bool:
        of_authority = chain.of_authority and chain.thumbprints[-1] in self.of_authorities
        return of_authority or not self.of_signers.isdisjoint(chain.thumbprints)


def due_sources(at: datetime) -> QuerySet[RevocationSource]:
    return RevocationSource.objects.filter(due(at))


def collect(lease: Lease[RevocationSource], send: Send, at: datetime | None = None) -> None:
    """Ask a source that is due, and let its chains stand as follows from the answer, or from there being none."""
    at = at or timezone.now()
    row = RevocationSource.objects.select_related("answer").get(pk=lease.row.pk)
    source = source_of(row)
    chains = chains_of(Chain.objects.filter(sources=row).order_by("pk"))
    if not _is_needed(source, list(chains.values()), at):
        lease.finish(None)
        return
    concern = asking.concern_of(source, chains.values())
    if read := _read_again(row, concern):
        with transaction.atomic():
            lease.renew()
            keep(row, read)
            restand(chains, at)
    if row.ask_again_at and row.ask_again_at > at:
        lease.finish(row.ask_again_at)
        return
    try:
        collected = asking.ask(source, concern, _Renewing(lease, send), at)
    except RevocationError as error:
        _failed(lease, row, str(error), chains, at)
    else:
        _answered(lease, row, collected, chains, at)


@dataclass(frozen=True, slots=True)
class _Renewing:
    """The door to the network; every request through it renews the lease."""

    lease: Lease[RevocationSource]
    send: Send

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        max_bytes: int,
        deadline: float,
    ) -> HttpAnswer:
        self.lease.renew()
        return self.send(method, url, headers=headers, body=body, max_bytes=max_bytes, deadline=deadline)


def _answered(
    lease: Lease[RevocationSource], row: RevocationSource, collected: Collected, chains: Iterable[str], at: datetime
) -> None:
    again = _ask_again_at(collected.answer, at)
    with transaction.atomic():
        lease.renew()
        keep(row, collected)
        fields = {"asked_at": at, "ask_again_at": again, "failed_at": None, "last_error": ""}
        RevocationSource.objects.filter(pk=row.pk).update(**fields)
        restand(chains, at)
        lease.finish(again)


def _failed(
    lease: Lease[RevocationSource], row: RevocationSource, error: str, chains: Iterable[str], at: datetime
) -> None:
    with transaction.atomic():
        lease.renew()
        RevocationSource.objects.filter(pk=row.pk).update(asked_at=at, failed_at=at, last_error=error)
        restand(chains, at)
    lease.give_back(error)


def _read_again(row: RevocationSource, concern: Concern) -> Collected | None:
    """What the CRL at hand says also of certificates that came after it; None where it says all, or is not to be had."""
    answer = row.answer
    if answer is None or all(certificate.thumbprint in answer.says for certificate in concern.certificates):
        return None
    if (content := content_of(answer)) is None:
        return None
    try:
        return asking.read(source_of(row), concern, *content, answer.collected_at)
    except RevocationError:
        return None


def _ask_again_at(answer: Answer, at: datetime) -> datetime:
    """A tenth of its time before an answer runs out, within bounds: a revocation may not wait for weeks."""
    if answer.next_update is None or answer.next_update <= at:
        return at + LONGEST_RETRY
    return at + min(max((answer.next_update - at) * 0.9, SOONEST), LATEST)


def _is_needed(source: Source, chains: Sequence[Sequence[Certificate]], at: datetime) -> bool:
    """Whether the way through some chain's sources comes by this one: a CRL is not, while the responder answers."""
    for few in batched(chains, BATCH):
        answers = answers_of(few)
        if any(source in needed_by(chain, answers, at) for chain in few):
            return True
    return False


def needed_by(chain: Sequence[Certificate], answers: RevocationAnswers, at: datetime) -> frozenset[Source]:
    """The sources on which the standing of a chain rests now, or would if they were asked."""
    found = frozenset[Source]().union(*(walk.consulted for walk in walks(chain, answers, at)))
    return frozenset(source for source in found if source.is_supported)


def restand(fingerprints: Iterable[str], at: datetime) -> None:
    """Let chains stand as follows from the answers at hand, have asked whom they need, and wake who judged otherwise.

    A renewed answer changes the chain's row alone. Called within a transaction.
    """
    for few in batched(sorted(fingerprints), BATCH):
        rows = list(Chain.objects.select_for_update().filter(pk__in=few).order_by("pk"))
        certificates = chains_of(rows)
        answers = answers_of(certificates.values())
        needed = {row.pk: needed_by(certificates[row.pk], answers, at) for row in rows}
        missing = {
            source for row in rows for walk in walks(certificates[row.pk], answers, at) for source in walk.missing
        }
        _follow(needed, missing, at)
        changed, renewed = [], []
        for row in rows:
            found = standing_of(certificates[row.pk], answers, at)
            standing = Standing(found.standing.value)
            if row.standing != standing or standing is Standing.REVOKED:  # since when, too, decides about signatures
                changed.append(row.pk)
            if (row.standing, row.standing_until) != (standing, found.until):
                row.standing, row.standing_until = standing, found.until
                renewed.append(row)
        Chain.objects.bulk_update(renewed, ["standing", "standing_until"])
        _wake(changed, at)


def _follow(needed: Mapping[str, frozenset[Source]], missing: Iterable[Source], at: datetime) -> None:
    """Give every source a row that is needed, know for which chains, and make it due if it slept."""
    sources = sorted(frozenset[Source]().union(*needed.values()), key=key_of)
    RevocationSource.objects.bulk_create((new_source(source, at) for source in sources), ignore_conflicts=True)
    ids = dict(RevocationSource.objects.filter(key__in=map(key_of, sources)).values_list("key", "pk"))
    through = RevocationSource.chains.through
    through.objects.bulk_create(
        (
            through(chain_id=chain, revocationsource_id=ids[key_of(source)])
            for chain, some in needed.items()
            for source in sorted(some, key=key_of)
        ),
        ignore_conflicts=True,
    )
    asleep = Q(key__in=ids, due_at=None)
    too_late = Q(key__in=[key_of(source) for source in missing if source.is_supported], due_at__gt=at)
    readable = Q(failed_at=None) | Q(answer__isnull=False)
    RevocationSource.objects.filter(asleep | (too_late & readable)).update(due_at=at)


def _wake(chains: Sequence[str], at: datetime) -> None:
    """Have those repositories judged again that hold a signature of these chains, or one that they timestamped."""
    if chains:
        signed = Judgement.objects.filter(repository__presences__manifest__signature__chain__in=chains)
        stamped = Judgement.objects.filter(repository__verdicts__tsa_chain__in=chains)
        concerned = Q(pk__in=signed.values("pk")) | Q(pk__in=stamped.values("pk"))
        Judgement.objects.filter(concerned).update(due_at=at)
