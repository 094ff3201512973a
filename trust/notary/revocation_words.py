"""What answers about revocation say, in words for people: source, time, and until when."""

from trust.notary.certificates import Certificate
from trust.notary.checks import as_text
from trust.notary.errors import quote
from trust.notary.revocation import CertificateStanding, ChainStanding, SourceKind


def describe_answers(found: ChainStanding) -> str:
    """What stands behind a good standing, certificate by certificate."""
    return "; ".join(map(describe_answer, found.certificates))


def describe_answer(one: CertificateStanding) -> str:
    if one.source is None or one.answer is None:
        return f"{one.certificate.subject} names no place to ask, so it cannot be revoked"
    kind = "an OCSP answer" if one.source.kind is SourceKind.ocsp else "a CRL"
    until = f", which holds until {as_text(one.answer.next_update)}" if one.answer.next_update else ""
    return f"{one.certificate.subject}: {kind} of {as_text(one.answer.this_update)} from {quote(one.source.url)}{until}"


def describe_revocation(one: CertificateStanding) -> str:
    """That a certificate was revoked, when and why."""
    entry = one.entry
    when = f" at {as_text(entry.revoked_at)}" if entry else ""
    reason = f" ({entry.reason})" if entry and entry.reason else ""
    return f"{one.certificate.subject} was revoked{when}{reason}"


def asking_again(certificate: Certificate) -> str:
    """What would bring an answer about the certificate."""
    by_file = ", or import its CRL with manage.py import_crl" if certificate.crl_urls else ""
    return f"Let Signboard reach the addresses that {certificate.subject} names{by_file}."
