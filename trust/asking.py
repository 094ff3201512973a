"""Asking about revocation through the guarded door to the network: one source, or all that certain chains need now.

The addresses come out of certificates: only chains that lead to a configured root may be asked about.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from registries.oci.errors import RegistryError
from registries.oci.exchange import Answer as HttpAnswer
from registries.oci.exchange import Send
from trust import apart
from trust.notary import crl, ocsp
from trust.notary.certificates import Certificate
from trust.notary.errors import RevocationError
from trust.notary.revocation import (
    NO_ANSWERS,
    Answer,
    Asked,
    ChainStanding,
    RevocationAnswers,
    Source,
    SourceKind,
    standing_of,
)

OCSP_SECONDS, CRL_SECONDS = 2.0, 5.0
FETCHES, SECONDS = 20, 30.0  # of one verification
MAX_DELTA_PLACES = 5

type Chain = Sequence[Certificate]


@dataclass(frozen=True, slots=True)
class Concern:
    """What a source is asked about: certificates, all of one issuer."""

    issuer: Certificate
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer with the bytes it was read from."""

    answer: Answer
    content: bytes
    delta: bytes | None = None


def ask(source: Source, concern: Concern, send: Send, collected_at: datetime) -> Collected:
    """Ask a source now; raises RevocationError, whose text says why there is no answer."""
    if source.kind is SourceKind.ocsp:
        return _ask_responder(source, concern, send, collected_at)
    base = _get(source.url, send, crl.MAX_CRL, CRL_SECONDS)
    return read(source, concern, base, _delta(base, send), collected_at)


def read(source: Source, concern: Concern, content: bytes, delta: bytes | None, collected_at: datetime) -> Collected:
    """What the bytes of an answer say; raises RevocationError."""
    if source.kind is SourceKind.ocsp:
        answer = ocsp.examine(content, concern.certificates[0], concern.issuer, collected_at)
    else:
        answer = apart.examine_crl(content, delta, source.url, concern.issuer, concern.certificates, collected_at)
    return Collected(answer, content, delta)


def _ask_responder(source: Source, concern: Concern, send: Send, collected_at: datetime) -> Collected:
    question = ocsp.request(concern.certificates[0], concern.issuer)
    if url := ocsp.get_url(source.url, question):
        content = _get(url, send, ocsp.MAX_ANSWER, OCSP_SECONDS)
    else:
        content = _fetch("POST", source.url, send, ocsp.MAX_ANSWER, OCSP_SECONDS, question)
    return read(source, concern, content, None, collected_at)


def _delta(base: bytes, send: Send) -> bytes | None:
    """The delta that the CRL names, from the first place that has one; it must be had where one is named."""
    refusal: RevocationError | None = None
    for url in apart.delta_urls(base)[:MAX_DELTA_PLACES]:
        try:
            if not Source(SourceKind.crl, url, "").is_supported:
                raise RevocationError("only http addresses are asked", code="scheme")
            content = _get(url, send, crl.MAX_CRL, CRL_SECONDS)
            apart.delta_urls(content)  # it can be read
        except RevocationError as error:
            refusal = error
        else:
            return content
    if refusal:
        raise RevocationError(f"its delta CRL: {refusal}", code=refusal.code)
    return None


def _get(url: str, send: Send, max_bytes: int, deadline: float) -> bytes:
    return _fetch("GET", url, send, max_bytes, deadline)


def _fetch(method: str, url: str, send: Send, max_bytes: int, deadline: float, body: bytes | None = None) -> bytes:
    headers = {"Content-Type": "application/ocsp-request"} if body else {}
    try:
        answer = send(method, url, headers=headers, body=body, max_bytes=max_bytes, deadline=deadline)
    except RegistryError as error:
        text = str(error).replace("on this connection", "in SIGNBOARD_REVOCATION_NETWORKS").rstrip(".")
        raise RevocationError(text, code=error.code) from error
    if answer.status != 200:
        raise RevocationError(f"it answered with status {answer.status}", code="status")
    return answer.body


class BoundedSend:
    """A door through which only so many requests go, and for so long: what one verification may cost."""

    def __init__(
        self, send: Send, *, fetches: int = FETCHES, seconds: float = SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._left = fetches
        self._now = now
        self._end = now() + seconds

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
        seconds = min(deadline, self._end - self._now())
        if not self._left or seconds <= 0:
            raise RegistryError("not asked: this verification has asked often or long enough", code="limit")
        self._left -= 1
        return self._send(method, url, headers=headers, body=body, max_bytes=max_bytes, deadline=seconds)


def answers_for(
    chains: Iterable[Chain], send: Send, at: datetime, collected_at: datetime, answers: RevocationAnswers = NO_ANSWERS
) -> RevocationAnswers:
    """The answers and whatever more these chains need for being judged at `at`, as far as it is to be had."""
    chains = list(chains)
    while wanted := {source: None for chain in chains for one in walks(chain, answers, at) for source in one.missing}:
        for source in wanted:
            try:
                asked = Asked(ask(source, concern_of(source, chains), send, collected_at).answer)
            except RevocationError as error:
                asked = Asked(fault=str(error))
            answers = answers.with_(source, asked)
    return answers


def walks(chain: Chain, answers: RevocationAnswers, at: datetime) -> tuple[ChainStanding, ChainStanding]:
    """Both ways through the sources: with a signature for whose time nobody vouches, and with the oldest there could be."""
    oldest = datetime.min.replace(tzinfo=at.tzinfo)
    return standing_of(chain, answers, at), standing_of(chain, answers, at, oldest)


def concern_of(source: Source, chains: Iterable[Chain]) -> Concern:
    """The certificates of these chains about which a source can be asked."""
    found: dict[str, Certificate] = {}
    issuer: Certificate | None = None
    for chain in chains:
        for certificate, parent in pairwise(chain):
            if parent.thumbprint == source.issuer and _is_asked(source, certificate):
                issuer, found[certificate.thumbprint] = parent, certificate
    assert issuer, "only a source that one of the chains names is asked"
    return Concern(issuer, tuple(found.values()))


def _is_asked(source: Source, certificate: Certificate) -> bool:
    if source.kind is SourceKind.ocsp:
        return source.certificate == certificate.thumbprint
    return source.url in certificate.crl_urls
