"""The check of a timestamp that a statement asks for: an authority that it trusts says that the signature is old enough."""

from contextlib import suppress
from dataclasses import replace

from trust.notary.certificates import Certificate
from trust.notary.checks import Finding, Inputs, as_sentence, as_text, either, validity_of
from trust.notary.errors import NotaryError
from trust.notary.fault import Fault
from trust.notary.outcome import CheckStatus
from trust.notary.timestamp_chain import Chain, find_chain
from trust.notary.timestamp_info import TimestampInfo

HOLDS = "timestamp_inside_validity"
SIGN_AGAIN = "Sign the artifact again with a timestamp."


def timestamp(inputs: Inputs) -> Finding:
    """Whether an authority of the statement's tsa stores made the token when every signing certificate was valid."""
    names = inputs.statement.stores_of("tsa")
    wanted = f"a timestamp from an authority in {either(names)}"
    if not inputs.unverified_timestamp_token:
        message = "The statement asks for a timestamp, and the signature has none."
        return Finding(CheckStatus.failed, "timestamp_missing", message, "none", wanted, SIGN_AGAIN)
    seen = "a timestamp"
    stores = [inputs.stores.get(name.type, name.name) for name in names]
    for store in stores:
        if store.fault:
            fix = f"Repair {store}: while it cannot be read, no timestamp is trusted."
            return Finding(CheckStatus.failed, "tsa_store_unusable", store.fault, seen, wanted, fix, store=str(store))
    if inputs.timestamp is None:
        message = "The signature has a timestamp that was not examined."
        return Finding(CheckStatus.not_evaluated, "timestamp_not_evaluated", message, seen, wanted)
    if inputs.timestamp.fault:
        return _unsound(inputs.timestamp.fault, inputs.timestamp.unverified_info, wanted)
    info = inputs.timestamp.info
    assert info, "a token without fault says when"
    try:
        chain = find_chain(inputs.timestamp, [certificate for store in stores for certificate in store.certificates])
    except NotaryError as error:
        return _untrusted(inputs, Fault.of(error), info, wanted)
    seen = f"{describe_time(info)}, by {_name(chain[0])}"
    finding = _bounds(inputs, info, seen, wanted) or _revocation(chain, seen, wanted)
    return replace(finding, store=str(next(store for store in stores if store.holds(chain[-1]))))


def _unsound(fault: Fault, claim: TimestampInfo | None, wanted: str) -> Finding:
    """The token proves nothing, whoever issued it."""
    seen = f"a token that claims {describe_time(claim)}" if claim else "a token"
    fix = SIGN_AGAIN if fault.kind == "failed" else ""
    return _of_fault(fault, seen, wanted, fix)


def _untrusted(inputs: Inputs, fault: Fault, info: TimestampInfo, wanted: str) -> Finding:
    """The token is sound, but no chain leads from who issued it to a root of the statement's tsa stores."""
    fix = _other_store(inputs) if fault.code == "tsa_unknown_root" else ""
    return _of_fault(fault, f"a timestamp of {describe_time(info)}", wanted, fix)


def _of_fault(fault: Fault, seen: str, wanted: str, fix: str) -> Finding:
    status = CheckStatus.failed if fault.kind == "failed" else CheckStatus.not_evaluated
    return Finding(status, fault.code, as_sentence(fault.message), seen, wanted, fix, fault.certificate)


def _other_store(inputs: Inputs) -> str:
    """What would make the timestamp's authority a trusted one."""
    for store in inputs.stores:
        if inputs.timestamp and store.type == "tsa" and not store.fault:
            with suppress(NotaryError):
                find_chain(inputs.timestamp, store.certificates)
                return f"{store} holds its root: name it in statement {inputs.statement.name}, if that is meant."
    return f"If you trust that authority, add its root to {inputs.statement.stores_of('tsa')[0]}."


def _bounds(inputs: Inputs, info: TimestampInfo, seen: str, wanted: str) -> Finding | None:
    """What is wrong where a certificate may not have been valid yet, or any more, when the timestamp was made."""
    for certificate in inputs.chain:
        if info.low < certificate.not_before:
            message = f"The timestamp may be from before {certificate.subject} was valid."
        elif info.high > certificate.not_after:
            message = f"The timestamp may be from after {certificate.subject} expired."
        else:
            continue
        return Finding(
            CheckStatus.failed,
            "timestamp_outside_validity",
            message,
            seen,
            f"{wanted}, {validity_of(certificate)}",
            "Sign the artifact again with a certificate that is valid, and with a timestamp.",
            certificate.thumbprint,
        )
    return None


def _revocation(chain: Chain, seen: str, wanted: str) -> Finding:
    """Whether a certificate of the authority may be revoked: one that names no place to ask cannot be."""
    sourced = next((certificate for certificate in chain[:-1] if certificate.ocsp_urls or certificate.crl_urls), None)
    if sourced is None:
        message = f"{_name(chain[0])} says that the signature was there while every certificate was valid."
        return Finding(CheckStatus.passed, HOLDS, message, seen, wanted)
    message = f"The timestamp is sound, but nobody asked whether {sourced.subject}, which vouches for it, is revoked."
    return Finding(
        CheckStatus.not_evaluated,
        "tsa_revocation_not_evaluated",
        message,
        seen,
        wanted,
        certificate=sourced.thumbprint,
    )


def describe_time(info: TimestampInfo) -> str:
    """The time with its accuracy."""
    return f"{as_text(info.gen_time)} ± {info.accuracy.total_seconds():g} s"


def _name(certificate: Certificate) -> str:
    return certificate.common_name or certificate.subject
