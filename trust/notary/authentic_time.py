"""The authentic timestamp: whether the chain was valid when somebody trusted says that it signed, or is valid now."""

from trust.notary.certificates import Certificate
from trust.notary.checks import Finding, Inputs, as_text
from trust.notary.evidence import Scheme
from trust.notary.outcome import CheckStatus


def authentic_timestamp(inputs: Inputs) -> Finding:
    """Which of three clocks counts is decided by the scheme and the statement."""
    if inputs.signed.scheme is Scheme.signing_authority:
        return _valid_when_signed(inputs)
    if _wants_timestamp(inputs):
        return _timestamped(inputs)
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
                _validity(certificate),
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
            CheckStatus.failed, code, message, seen, _validity(certificate), _fix(inputs, code), certificate.thumbprint
        )
    message = "Every certificate is valid now, and the statement asks for no timestamp."
    return Finding(CheckStatus.passed, "inside_validity", message, seen, _shared_validity(inputs))


def _timestamped(inputs: Inputs) -> Finding:
    """A timestamp is asked for. Without a token or a usable store it fails; the token itself is not read yet."""
    stores = inputs.statement.stores_of("tsa")
    wanted = f"a timestamp from an authority in {' or '.join(map(str, stores))}"
    if not inputs.unverified_timestamp_token:
        message = "The statement asks for a timestamp, and the signature has none."
        fix = "Sign the artifact again with a timestamp."
        return Finding(CheckStatus.failed, "timestamp_missing", message, "none", wanted, fix)
    seen = "a timestamp"
    for name in stores:
        store = inputs.stores.get(name.type, name.name)
        if store.fault:
            fix = f"Repair {store}: while it cannot be read, no timestamp is trusted."
            return Finding(CheckStatus.failed, "tsa_store_unusable", store.fault, seen, wanted, fix, store=str(store))
    message = "The signature has a timestamp, which Signboard does not evaluate yet."
    return Finding(CheckStatus.not_evaluated, "timestamp_not_evaluated", message, seen, wanted)


def _fix(inputs: Inputs, code: str) -> str:
    if code == "certificate_expired" and inputs.unverified_timestamp_token and not inputs.statement.stores_of("tsa"):
        return "The signature has a timestamp: name the tsa store of its authority in the statement."
    if code == "certificate_expired":
        return "Sign the artifact again with a certificate that is valid."
    return "Wait, or sign the artifact again with a certificate that is valid."


def _validity(certificate: Certificate) -> str:
    return f"between {as_text(certificate.not_before)} and {as_text(certificate.not_after)}"


def _shared_validity(inputs: Inputs) -> str:
    begin = max(certificate.not_before for certificate in inputs.chain)
    end = min(certificate.not_after for certificate in inputs.chain)
    return f"between {as_text(begin)} and {as_text(end)}"
