"""The check of a timestamp that a statement asks for: an authority that it trusts says that the signature is old enough."""

from contextlib import suppress
from dataclasses import replace

from trust.notary.certificates import Certificate
from trust.notary.checks import Finding, Inputs, as_sentence, as_text, either, validity_of
from trust.notary.errors import NotaryError
from trust.notary.fault import Fault
from trust.notary.outcome import CheckStatus
from trust.notary.revocation import CertificateStanding, Standing, standing_of
from trust.notary.revocation_words import asking_again, describe_answer, describe_answers, describe_revocation
from trust.notary.timestamp import TimestampEvidence
from trust.notary.timestamp_chain import Chain, find_chain
from trust.notary.timestamp_info import TimestampInfo
from trust.notary.trust_policy import Statement
from trust.notary.trust_store import TrustStores

HOLDS = "timestamp_inside_validity"
SIGN_AGAIN = "Sign the artifact again with a timestamp."
OTHER_AUTHORITY = "Sign the artifact again with a timestamp from an authority whose certificates keep the rules."
READABLE = "Sign the artifact again with a timestamp of a kind and size that is read."
EXAMINE = "Examine the signature anew."


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
        return Finding(CheckStatus.not_evaluated, "timestamp_not_evaluated", message, seen, wanted, EXAMINE)
    if inputs.timestamp.fault:
        return _unsound(inputs.timestamp.fault, inputs.timestamp.unverified_info, wanted)
    info = inputs.timestamp.info
    assert info, "a token without fault says when"
    try:
        chain = find_chain(inputs.timestamp, [certificate for store in stores for certificate in store.certificates])
    except NotaryError as error:
        return _untrusted(inputs, Fault.of(error), info, wanted)
    seen = f"{describe_time(info)}, by {_name(chain[0])}"
    finding = _bounds(inputs, info, seen, wanted) or _revocation(inputs, chain, seen, wanted)
    return replace(finding, store=str(next(store for store in stores if store.holds(chain[-1]))))


def _unsound(fault: Fault, claim: TimestampInfo | None, wanted: str) -> Finding:
    """The token proves nothing, whoever issued it."""
    seen = f"a token that claims {describe_time(claim)}" if claim else "a token"
    fix = SIGN_AGAIN if fault.kind == "failed" else READABLE
    return _of_fault(fault, seen, wanted, fix)


def _untrusted(inputs: Inputs, fault: Fault, info: TimestampInfo, wanted: str) -> Finding:
    """The token is sound, but no chain leads from who issued it to a root of the statement's tsa stores."""
    fix = _other_store(inputs) if fault.code == "tsa_unknown_root" else OTHER_AUTHORITY
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


def _revocation(inputs: Inputs, chain: Chain, seen: str, wanted: str) -> Finding:
    """Whether a certificate of the authority is revoked now, whenever it made the timestamp: notation asks so too."""
    found = standing_of(chain, inputs.answers, inputs.at)
    if found.standing is Standing.no_source:
        return _holds(chain, seen, wanted)
    if found.deciding is None:
        holds = _holds(chain, f"{seen}; {describe_answers(found)}", wanted)
        return replace(holds, until=found.until, doubts=found.doubts, answers=found.answers, authority=chain)
    return replace(_NOT_GOOD[found.standing](found.deciding, seen, wanted, chain), answers=found.answers)


def _holds(chain: Chain, seen: str, wanted: str) -> Finding:
    message = f"{_name(chain[0])} says that the signature was there while every certificate was valid."
    return Finding(CheckStatus.passed, HOLDS, message, seen, wanted)


def _revoked(deciding: CertificateStanding, seen: str, wanted: str, chain: Chain) -> Finding:
    message = (
        f"The timestamp is sound, but {describe_revocation(deciding)}: nothing that it vouches for can be believed."
    )
    return Finding(
        CheckStatus.failed,
        "tsa_revoked",
        message,
        f"{seen}; {describe_answer(deciding)}",
        wanted,
        "Sign the artifact again with a timestamp of an authority that is not revoked.",
        deciding.certificate.thumbprint,
        authority=chain,
    )


def _unknown(deciding: CertificateStanding, seen: str, wanted: str, chain: Chain) -> Finding:
    """A failure in notation's eyes, whatever the statement says of revocation."""
    name = deciding.certificate.subject
    message = (
        f"The timestamp is sound, but nobody says whether {name}, which vouches for it, is revoked. {deciding.cause}"
    )
    return Finding(
        CheckStatus.failed,
        "tsa_revocation_unknown",
        message,
        seen,
        wanted,
        asking_again(deciding.certificate),
        deciding.certificate.thumbprint,
        authority=chain,
    )


def _not_asked(deciding: CertificateStanding, seen: str, wanted: str, chain: Chain) -> Finding:
    name = deciding.certificate.subject
    message = f"The timestamp is sound, but nobody asked whether {name}, which vouches for it, is revoked."
    return Finding(
        CheckStatus.not_evaluated,
        "tsa_revocation_not_evaluated",
        message,
        seen,
        wanted,
        asking_again(deciding.certificate),
        deciding.certificate.thumbprint,
        authority=chain,
    )


_NOT_GOOD = {Standing.revoked: _revoked, Standing.unknown: _unknown, Standing.not_evaluated: _not_asked}


def authority_of(timestamp: TimestampEvidence | None, statement: Statement, stores: TrustStores) -> Chain:
    """The chain from a timestamp's signer to a root of the statement's tsa stores; empty where there is none."""
    named = [stores.get(name.type, name.name) for name in statement.stores_of("tsa")]
    if timestamp is None or timestamp.fault or any(store.fault for store in named):
        return ()
    try:
        return find_chain(timestamp, [certificate for store in named for certificate in store.certificates])
    except NotaryError:
        return ()


def describe_time(info: TimestampInfo) -> str:
    """The time with its accuracy."""
    return f"{as_text(info.gen_time)} ± {info.accuracy.total_seconds():g} s"


def _name(certificate: Certificate) -> str:
    return certificate.common_name or certificate.subject
