"""The authentic timestamp: whether the chain was valid when somebody trusted says that it signed, or is valid now."""

from trust.notary.checks import Finding, Inputs, as_text, is_anchored, validity_of
from trust.notary.evidence import Scheme
from trust.notary.outcome import AuthenticTime, CheckStatus
from trust.notary.timestamp_check import HOLDS, timestamp


def authentic_timestamp(inputs: Inputs) -> Finding:
    """Which of three clocks counts is decided by the scheme and the statement."""
    if inputs.signed.scheme is Scheme.signing_authority:
        return _valid_when_signed(inputs)
    if _wants_timestamp(inputs):
        return timestamp(inputs)
    return _valid_now(inputs)


def _wants_timestamp(inputs: Inputs) -> bool:
    """Whether a timestamp is asked for. A certificate that is not yet valid has not expired."""
    if not inputs.statement.stores_of("tsa"):
        return False
    expired = any(inputs.at > certificate.not_after for certificate in inputs.chain)
    return expired or inputs.statement.verify_timestamp == "always"


def _valid_when_signed(inputs: Inputs) -> Finding:
    """The signing authority vouches for the time of signing: every certificate must have been valid then."""
    moment = inputs.signed.authentic_signing_time
    if moment is None:  # integrity refuses such an envelope
        return Finding(CheckStatus.failed, "no_signing_time", "The signing authority names no time of signing.")
    seen = f"signed {as_text(moment)}"
    for certificate in inputs.chain:
        if not certificate.not_before <= moment <= certificate.not_after:
            message = f"{certificate.subject} was not valid when the signature was made."
            fix = "Sign the artifact again with a certificate that is valid."
            return Finding(
                CheckStatus.failed,
                "signed_outside_validity",
                message,
                seen,
                validity_of(certificate),
                fix,
                certificate.thumbprint,
            )
    message = "Every certificate was valid at the time of signing that the signing authority vouches for."
    return Finding(CheckStatus.passed, "signed_inside_validity", message, seen, _shared_validity(inputs))


def _valid_now(inputs: Inputs) -> Finding:
    """No timestamp counts: every certificate must be valid at the time of checking. The claimed time never counts."""
    seen = f"checked {as_text(inputs.at)}"
    for certificate in inputs.chain:
        if inputs.at < certificate.not_before:
            code, message = "certificate_not_yet_valid", f"{certificate.subject} is not valid yet."
        elif inputs.at > certificate.not_after:
            code, message = "certificate_expired", f"{certificate.subject} expired at {as_text(certificate.not_after)}."
        else:
            continue
        return Finding(
            CheckStatus.failed,
            code,
            message,
            seen,
            validity_of(certificate),
            _fix(inputs, code),
            certificate.thumbprint,
        )
    message = "Every certificate is valid now, and the statement asks for no timestamp."
    return Finding(CheckStatus.passed, "inside_validity", message, seen, _shared_validity(inputs))


def authentic_time(inputs: Inputs) -> AuthenticTime:
    """When the signature was made, if the statement trusts somebody who says so. The claimed time never counts."""
    moment = inputs.signed.authentic_signing_time
    if inputs.signed.scheme is Scheme.signing_authority and moment:
        return AuthenticTime("authority", moment, moment) if is_anchored(inputs) else AuthenticTime()
    info = inputs.timestamp.info if inputs.timestamp else None
    if info is None or not inputs.statement.stores_of("tsa"):
        return AuthenticTime()
    finding = timestamp(inputs)
    if finding.code != HOLDS:
        return AuthenticTime(chain=finding.authority)
    return AuthenticTime("tsa", info.low, info.high, finding.authority)


def _fix(inputs: Inputs, code: str) -> str:
    if code == "certificate_expired" and inputs.unverified_timestamp_token and not inputs.statement.stores_of("tsa"):
        return "The signature has a timestamp: name the tsa store of its authority in the statement."
    if code == "certificate_expired":
        return "Sign the artifact again with a certificate that is valid."
    return "Wait, or sign the artifact again with a certificate that is valid."


def _shared_validity(inputs: Inputs) -> str:
    begin = max(certificate.not_before for certificate in inputs.chain)
    end = min(certificate.not_after for certificate in inputs.chain)
    return f"between {as_text(begin)} and {as_text(end)}"
