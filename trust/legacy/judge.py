"""What is to be said of a legacy signature. It is never green: no trust policy can ask for one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from registries.oci.descriptor import Descriptor
from trust.legacy.evidence import Claims, Format, LegacyEvidence
from trust.notary.certificates import Certificate
from trust.notary.checks import as_sentence, as_text, validity_of
from trust.notary.errors import quote
from trust.notary.issuance import is_issued
from trust.notary.outcome import CheckStatus, SignatureFault, Word
from trust.notary.trust_store import TrustStores

NEVER = "No trust policy can rest on it."


@dataclass(frozen=True, slots=True)
class LegacyCheck:
    """One thing that was looked at."""

    name: str
    status: CheckStatus
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LegacyOutcome:
    """The word is `failed`, `unknown`, or `not_checked` where nothing is wrong with the bytes; never green."""

    word: Word
    reason: str
    message: str
    checks: tuple[LegacyCheck, ...] = ()


def configured_in(stores: TrustStores) -> tuple[Certificate, ...]:
    """The certificates under which a legacy signature may hold: those of all stores of signers."""
    return tuple(one for store in stores if store.type != "tsa" and not store.fault for one in store.certificates)


def outcome_of_fault(fault: SignatureFault) -> LegacyOutcome:
    return LegacyOutcome(fault.word, fault.reason, f"A legacy signature. {fault.message} {NEVER}")


def judge_legacy(
    evidence: LegacyEvidence, target: Descriptor, configured: Sequence[Certificate], at: datetime
) -> LegacyOutcome:
    """Every check whose inputs exist, and a word that no check can make green."""
    checks = tuple(_checks(evidence, target, configured, at))
    wrong = next((check for check in checks if check.status is not CheckStatus.passed), None)
    if evidence.fault:
        word = Word.failed if evidence.fault.kind == "failed" else Word.unknown
        reason = evidence.fault.code
    elif wrong and wrong.name == "target":
        word, reason = Word.failed, wrong.code
    else:
        word, reason = Word.not_checked, "legacy"
    said = wrong.message if wrong else "It holds under a configured certificate."
    return LegacyOutcome(word, reason, f"A legacy signature ({evidence.format}). {said} {NEVER}", checks)


def _checks(
    evidence: LegacyEvidence, target: Descriptor, configured: Sequence[Certificate], at: datetime
) -> Iterator[LegacyCheck]:
    if evidence.fault:
        status = CheckStatus.failed if evidence.fault.kind == "failed" else CheckStatus.not_evaluated
        yield LegacyCheck("signature", status, evidence.fault.code, as_sentence(evidence.fault.message))
        return
    claims, chain = evidence.unverified_claims, evidence.unverified_chain
    assert claims and chain, "a legacy signature without fault has claims and a signer"
    yield _passed("signature", "signature_holds", f"The signature fits the certificate of {_name(chain[0])}.")
    yield _target(claims, target)
    yield _certificate(chain, configured, at)
    if evidence.format is Format.nv2:
        yield _names(claims, chain[0])
    yield _times(claims, at)


def _target(claims: Claims, target: Descriptor) -> LegacyCheck:
    named = claims.target
    if named is None:
        return _failed("target", "target_unreadable", "What is signed cannot be read.")
    same = (named.digest, named.size) == (target.digest, target.size)
    if not same or named.media_type not in ("", target.media_type):
        return _failed("target", "target_mismatch", "The signature was made for another artifact.")
    return _passed("target", "target_matches", "The signature names this very artifact.")


def _certificate(chain: Sequence[Certificate], configured: Sequence[Certificate], at: datetime) -> LegacyCheck:
    """Whether the chain leads to a configured certificate, valid all the way at that time; for whatever purpose."""
    anchors = {one.thumbprint for one in configured}
    for place, certificate in enumerate(chain):
        if not certificate.not_before <= at <= certificate.not_after:
            message = f"The certificate of {_name(certificate)} is valid {validity_of(certificate)} only."
            return _failed("certificate", "certificate_expired", message)
        if certificate.thumbprint in anchors or any(_issued_now(certificate, one, at) for one in configured):
            return _passed("certificate", "configured", "A configured certificate vouches for the signer.")
        if place + 1 < len(chain) and not is_issued(certificate, chain[place + 1]):
            break
    return _failed("certificate", "unknown_root", f"No configured certificate vouches for {_name(chain[0])}.")


def _issued_now(certificate: Certificate, issuer: Certificate, at: datetime) -> bool:
    return issuer.not_before <= at <= issuer.not_after and is_issued(certificate, issuer)


def _names(claims: Claims, leaf: Certificate) -> LegacyCheck:
    """nv2: each reference lies on the host that the certificate is for (its common name, as was usual then)."""
    if not claims.references:
        return _passed("names", "no_references", "The token names no references.")
    for reference in claims.references:
        host = reference.partition("/")[0]
        if not leaf.common_name or host.lower() != leaf.common_name.lower():
            message = f"The certificate is for {quote(leaf.common_name)}, the reference is {quote(reference)}."
            return _failed("names", "name_mismatch", message)
    return _passed("names", "legacy_common_name", f"All references lie on {leaf.common_name} (legacy CN match).")


def _times(claims: Claims, at: datetime) -> LegacyCheck:
    limits: tuple[tuple[str, datetime | None, Callable[[datetime], bool], str], ...] = (
        ("expired", claims.expiry, lambda expiry: at >= expiry, "It expired at"),
        ("not_yet_valid", claims.not_before, lambda begin: at < begin, "It is not valid before"),
        ("issued_in_future", claims.issued_at, lambda issued: at < issued, "It was issued later, at"),
    )
    for code, moment, is_wrong, said in limits:
        if moment and is_wrong(moment):
            return _failed("time", code, f"{said} {as_text(moment)}.")
    return _passed("time", "in_time", "It has not expired, and its time has come.")


def _name(certificate: Certificate) -> str:
    return quote(certificate.common_name or certificate.subject)


def _passed(name: str, code: str, message: str) -> LegacyCheck:
    return LegacyCheck(name, CheckStatus.passed, code, message)


def _failed(name: str, code: str, message: str) -> LegacyCheck:
    return LegacyCheck(name, CheckStatus.failed, code, message)
