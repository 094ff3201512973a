"""A CRL from a file, for sites that cannot reach the places where certificates say that it lies."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509 as library
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from registries import leases
from trust import asking, revisions
from trust.models import Chain, RevocationSource
from trust.notary import x509
from trust.notary.certificates import Certificate
from trust.notary.crl import RevocationList
from trust.notary.errors import RevocationError, quote
from trust.notary.revocation import Answer, Source, SourceKind
from trust.revocation import Roots, restand
from trust.revocation_rows import answer_of, chains_of, keep, key_of, new_source

type ChainOf = tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file counts for from now on."""

    url: str
    issuer: str
    certificates: int
    until: datetime


def import_crl(content: bytes, *, at: datetime, delta: bytes | None = None, url: str = "") -> list[Imported]:
    """Let a CRL (and its delta) stand for the place that certificates name; raises RevocationError.

    Of several places `url` says which one; without it the CRL itself must, or there is only one.
    """
    base, delta = _der(content), None if delta is None else _der(delta)
    chains = _followed()
    named = _places(chains.values())
    signed = [issuer for issuer in named if _is_signed_by(base, issuer)]
    if not signed:
        raise RevocationError(
            "none of the authorities signed this CRL whose certificates are in use here and name one", code="crl_issuer"
        )
    url = url or _place(base, {place for issuer in signed for place in named[issuer]})
    issuers = [issuer for issuer in signed if url in named[issuer]]
    if not issuers:
        raise RevocationError(f"no certificate of this CRL's issuer names {quote(url)}", code="crl_place")
    return [_import(base, delta, url, issuer, chains, at) for issuer in issuers]


def _followed() -> dict[str, ChainOf]:
    """The chains that lead to a configured root and can be asked about."""
    revision = revisions.active()
    if revision is None:
        return {}
    roots = Roots.of(revisions.material(revision))
    rows = Chain.objects.exclude(standing=Chain.Standing.NO_SOURCE)
    return chains_of(row for row in rows if roots.hold(row))


def _places(chains: Iterable[ChainOf]) -> dict[Certificate, set[str]]:
    """Who issues certificates that name a CRL, and where those say that it lies."""
    found: dict[Certificate, set[str]] = defaultdict(set)
    for chain in chains:
        for certificate, issuer in pairwise(chain):
            if certificate.crl_urls:
                found[issuer].update(certificate.crl_urls)
    return found


def _is_signed_by(base: bytes, issuer: Certificate) -> bool:
    try:
        RevocationList.read(base).check(x509.parse(issuer.der))
    except RevocationError as error:
        if error.code != "answer_not_signed":
            raise
        return False
    return True


def _place(base: bytes, places: set[str]) -> str:
    scope = RevocationList.read(base).scope
    names = [name.value for name in scope.full_name or () if hasattr(name, "value")] if scope else []
    fitting = [place for place in sorted(places) if place in names] or sorted(places)
    if len(fitting) != 1:
        text = ", ".join(map(quote, fitting))
        raise RevocationError(f"say for which of these places the CRL stands: {text}", code="crl_place")
    return fitting[0]


def _import(
    base: bytes, delta: bytes | None, url: str, issuer: Certificate, chains: dict[str, ChainOf], at: datetime
) -> Imported:
    source = Source(SourceKind.crl, url, issuer.thumbprint)
    concerned = {name: chain for name, chain in chains.items() if _names(chain, source)}
    concern = asking.concern_of(source, concerned.values())
    collected = asking.read(source, concern, base, delta, at)
    RevocationSource.objects.bulk_create([new_source(source, at)], ignore_conflicts=True)
    row = RevocationSource.objects.select_related("answer").get(key=key_of(source))
    until = _check(collected.answer, answer_of(row.answer) if row.answer else None, at)
    with leases.claim(RevocationSource.objects.all(), row.pk) as lease:
        if lease is None:
            raise RevocationError("that place is being asked just now: try again in a minute", code="busy")
        with transaction.atomic():
            lease.renew()
            keep(row, collected, imported=True)
            restand(concerned, at)
            lease.finish(at)  # and it is asked, should it be in reach after all
    return Imported(url, issuer.subject, len(concern.certificates), until)


def _names(chain: Sequence[Certificate], source: Source) -> bool:
    return any(
        issuer.thumbprint == source.issuer and source.url in certificate.crl_urls
        for certificate, issuer in pairwise(chain)
    )


def _check(answer: Answer, known: Answer | None, at: datetime) -> datetime:
    """Until when the CRL holds; raises for one that says nothing any more."""
    if answer.next_update is None or answer.next_update < at:
        raise RevocationError("the CRL does not hold any more: its next update has passed", code="crl_expired")
    if known and not answer.is_newer_than(known):
        raise RevocationError("a newer CRL of that place is here already", code="answer_older")
    return answer.next_update


def _der(content: bytes) -> bytes:
    """The CRL of a file, which may be PEM."""
    if not content.lstrip().startswith(b"-----BEGIN"):
        return content
    try:
        return library.load_pem_x509_crl(content).public_bytes(Encoding.DER)
    except ValueError as error:
        raise RevocationError(f"the file holds no CRL that can be read: {error}") from error
