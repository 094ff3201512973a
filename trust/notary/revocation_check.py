"""The check of revocation: whether the authorities say that no certificate below the root is revoked."""

from dataclasses import replace

from trust.notary.checks import Finding, Inputs, is_anchored
from trust.notary.evidence import Scheme
from trust.notary.outcome import CheckStatus
from trust.notary.revocation import CertificateStanding, ChainStanding, Standing, standing_of
from trust.notary.revocation_words import asking_again, describe_answer, describe_answers, describe_revocation

REVOKED_LATER = "revoked_after_signing"
WANTED = "no certificate below the root is revoked"


def revocation(inputs: Inputs) -> Finding:
    """What the answers say at the time of checking; nobody is asked here."""
    if not any(one.ocsp_urls or one.crl_urls for one in inputs.chain[:-1]):
        message = "No certificate below the root names a place to ask, so none can be revoked."
        return Finding(CheckStatus.passed, "no_source", message, "no OCSP or CRL address", WANTED)
    signed_at = inputs.signed.authentic_signing_time if inputs.signed.scheme is Scheme.signing_authority else None
    found = standing_of(inputs.chain, inputs.answers, inputs.at, signed_at)
    if not is_anchored(inputs):
        urls = (url for one in inputs.chain[:-1] for url in (*one.ocsp_urls, *one.crl_urls))
        message = (
            "The chain leads to no certificate that the statement trusts, so the addresses in it are not followed."
        )
        return Finding(
            CheckStatus.not_run,
            "chain_not_trusted",
            message,
            ", ".join(urls),
            WANTED,
            "What makes the chain trusted makes this evaluated too.",
            certificate=_first_sourced(found),
        )
    if found.deciding is None:
        return _good(found)
    return replace(_FINDINGS[found.standing](found.deciding), answers=found.answers)


def _good(found: ChainStanding) -> Finding:
    code, message = "not_revoked", "No certificate below the root is revoked, its authorities say."
    if later := next((one for one in found.certificates if one.entry), None):
        code = REVOKED_LATER
        message = f"{later.certificate.subject} is revoked, but was not yet invalid when the signature was made."
    seen = describe_answers(found)
    return Finding(
        CheckStatus.passed, code, message, seen, WANTED, until=found.until, doubts=found.doubts, answers=found.answers
    )


def _revoked(deciding: CertificateStanding) -> Finding:
    message = f"{describe_revocation(deciding)}."
    fix = "Sign the artifact again with a certificate that is not revoked."
    return Finding(
        CheckStatus.failed, "revoked", message, describe_answer(deciding), WANTED, fix, deciding.certificate.thumbprint
    )


def _unknown(deciding: CertificateStanding) -> Finding:
    """Nobody says, and a statement that enforces revocation takes that for a failure, as notation does."""
    message = f"Whether {deciding.certificate.subject} is revoked is not known. {deciding.cause}"
    seen = ", ".join((*deciding.certificate.ocsp_urls, *deciding.certificate.crl_urls))
    thumbprint = deciding.certificate.thumbprint
    fix = f"{asking_again(deciding.certificate)} A statement may also only log it."
    return Finding(CheckStatus.failed, "revocation_unknown", message, seen, WANTED, fix, thumbprint)


def _not_asked(deciding: CertificateStanding) -> Finding:
    message = "The certificates say where revocation is announced, and no answer from there is at hand."
    seen = ", ".join((*deciding.certificate.ocsp_urls, *deciding.certificate.crl_urls))
    thumbprint = deciding.certificate.thumbprint
    fix = f"{asking_again(deciding.certificate)} A statement may also only log it."
    return Finding(CheckStatus.not_evaluated, "revocation_not_evaluated", message, seen, WANTED, fix, thumbprint)


_FINDINGS = {Standing.revoked: _revoked, Standing.unknown: _unknown, Standing.not_evaluated: _not_asked}


def _first_sourced(found: ChainStanding) -> str:
    return next(one.certificate.thumbprint for one in found.certificates if one.standing is not Standing.no_source)
