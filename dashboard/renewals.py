"""Answers about revocation that must be had anew, and when: a list of its own, for no verdict turns if they are."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from trust.models import RevocationSource
from trust.seen import Sight

MOST = 100


@dataclass(frozen=True, slots=True)
class Renewal:
    """A source whose newest answer runs out, and how many artifacts rest on what it says."""

    source: RevocationSource
    number: int

    @property
    def holds_until(self) -> datetime | None:
        return self.source.answer.next_update if self.source.answer else None

    @property
    def about(self) -> str:
        """The certificate that it is asked about, or the authority whose list it has."""
        named = self.source.certificate or self.source.issuer
        return named.common_name or named.subject


def renewals(sight: Sight, certificate: str = "") -> list[Renewal]:
    """The answers within sight, the first to run out first; of one certificate's chains alone, if it is named."""
    chains = set(sight.chains_of(certificate)) if certificate else set(sight.chains)
    rows = list(
        RevocationSource.objects.filter(answer__next_update__isnull=False, chains__in=chains)
        .select_related("answer", "issuer", "certificate")
        .defer("issuer__der", "certificate__der", "answer__says")
        .order_by(F("answer__next_update").asc(), "pk")
        .distinct()[:MOST]
    )
    numbers = _numbers(sight, rows, chains)
    return [Renewal(row, numbers[row.pk]) for row in rows]


def _numbers(sight: Sight, rows: Collection[RevocationSource], chains: Collection[str]) -> Counter[int]:
    """How many artifacts rest on the chains about which each source is asked."""
    through = RevocationSource.chains.through.objects.filter(revocationsource__in=rows, chain__in=chains)
    pairs = list(through.values_list("revocationsource_id", "chain_id"))
    by_chain = sight.below({chain for _, chain in pairs})
    numbers = Counter[int]()
    for source, chain in pairs:
        numbers[source] += by_chain[chain].number
    return numbers
