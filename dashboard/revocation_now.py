"""Asking about revocation while somebody waits for `manage.py verify`: bounded, and through the guarded transport."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.conf import settings

from registries.transport import Transport
from trust.asking import BoundedSend, Chain, answers_for
from trust.notary.certificates import Certificate
from trust.notary.outcome import Outcome
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers


def ask_now(chains: Iterable[Chain], at: datetime, known: RevocationAnswers = NO_ANSWERS) -> RevocationAnswers:
    """What is known and what more is to be had now, for judging these chains at `at`."""
    with Transport(allowed=settings.REVOCATION_NETWORKS) as transport:
        return answers_for(chains, BoundedSend(transport), at, datetime.now(UTC), known)


def lacking(chain: Chain, outcome: Outcome) -> Iterator[tuple[Certificate, ...]]:
    """The chains that are open only for want of answers that could be asked for: the signature's, the timestamp's."""
    codes = {result.code for result in outcome.results}
    if codes & {"revocation_not_evaluated", "revocation_unknown"}:
        yield tuple(chain)
    if codes & {"tsa_revocation_not_evaluated", "tsa_revocation_unknown"}:
        yield outcome.authentic_time.chain
