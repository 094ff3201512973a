"""Certificates and chains in the database: facts that are read back without any key operation."""

import hashlib
from collections.abc import Iterable, Sequence

from trust import models
from trust.models import Chain
from trust.notary.certificates import Certificate

SERIAL_LENGTH = 80
FACTS = (
    "any_purpose",
    "subject",
    "issuer",
    "common_name",
    "not_before",
    "not_after",
    "is_ca",
    "self_signed",
    "key",
)  # alike on both sides
URLS = ("ocsp_urls", "crl_urls")


def fingerprint(chain: Sequence[Certificate]) -> str:
    """The name of a chain: SHA-256 over the thumbprints of its certificates, leaf first."""
    return hashlib.sha256("".join(certificate.thumbprint for certificate in chain).encode()).hexdigest()


def standing_of(chain: Sequence[Certificate]) -> Chain.Standing:
    """What is known of a chain before anybody was asked about revocation."""
    sourced = any(certificate.ocsp_urls or certificate.crl_urls for certificate in chain[:-1])
    return Chain.Standing.NOT_EVALUATED if sourced else Chain.Standing.NO_SOURCE


def store(chains: Iterable[tuple[Certificate, ...]], others: Iterable[Certificate] = ()) -> None:
    """Write chains and their certificates, and others beside them; a standing that is already there stays."""
    named = {fingerprint(chain): chain for chain in chains}
    unique = {certificate.thumbprint: certificate for one in (*named.values(), others) for certificate in one}
    models.Certificate.objects.bulk_create(
        [
            _row(unique[thumbprint]) for thumbprint in sorted(unique)
        ],  # in order, so that no two workers block each other
        update_conflicts=True,
        unique_fields=["thumbprint"],
        update_fields=["der", "serial", *FACTS, *URLS],
    )
    Chain.objects.bulk_create(
        [
            Chain(
                fingerprint=name,
                thumbprints=[certificate.thumbprint for certificate in named[name]],
                leaf_id=named[name][0].thumbprint,
                standing=standing_of(named[name]),
            )
            for name in sorted(named)
        ],
        ignore_conflicts=True,
    )


def has_nul(certificate: Certificate) -> bool:
    """Whether a text of it holds NUL, which PostgreSQL does not."""
    texts = (certificate.subject, certificate.issuer, *certificate.ocsp_urls, *certificate.crl_urls)
    return any("\0" in text for text in texts)


def store_authorities(chains: Iterable[tuple[Certificate, ...]]) -> None:
    """Write the chains of timestamp authorities that can be revoked; those that are there already cost one query."""
    named = {fingerprint(chain): chain for chain in chains if chain}
    if not named:
        return
    known = Chain.objects.filter(of_authority=True, pk__in=named).values_list("pk", flat=True)
    if new := sorted(named.keys() - set(known)):
        store([named[name] for name in new])
        Chain.objects.filter(pk__in=new).update(of_authority=True, asked_under=None)


def certificates_of(thumbprints: Iterable[str]) -> dict[str, Certificate]:
    """Certificates by thumbprint; one query, whatever their number."""
    wanted = set(thumbprints)
    rows = models.Certificate.objects.filter(thumbprint__in=wanted) if wanted else ()
    return {row.thumbprint: _certificate(row) for row in rows}


def _row(certificate: Certificate) -> models.Certificate:
    return models.Certificate(
        thumbprint=certificate.thumbprint,
        der=certificate.der,
        serial=certificate.serial[:SERIAL_LENGTH],
        **{fact: getattr(certificate, fact) for fact in FACTS},
        **{urls: list(getattr(certificate, urls)) for urls in URLS},
    )


def _certificate(row: models.Certificate) -> Certificate:
    return Certificate(
        der=bytes(row.der),
        thumbprint=row.thumbprint,
        subject=row.subject,
        issuer=row.issuer,
        serial=row.serial,
        not_before=row.not_before,
        not_after=row.not_after,
        is_ca=row.is_ca,
        self_signed=row.self_signed,
        key=row.key,
        ocsp_urls=tuple(row.ocsp_urls),
        crl_urls=tuple(row.crl_urls),
        common_name=row.common_name,
        any_purpose=row.any_purpose,
    )
