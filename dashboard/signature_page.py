"""The page of one signature: what holds, what is only claimed, and the equal commands of notation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.artifact_pages import Place, rungs_of, steps_of
from dashboard.ladder import Rung, nearest_fix
from dashboard.sentences import Sentence, sentence
from dashboard.trust_path import Step, format_of, role_of
from dashboard.vouched import called, vouched
from trust.notary.certificates import Certificate
from trust.notary.checks import as_sentence, as_text
from trust.notary.errors import quote
from trust.notary.evidence import Evidence, Signed
from trust.notary.levels import Validation
from trust.notary.outcome import CheckResult, CheckStatus, Outcome
from trust.notary.timestamp_check import describe_time
from trust.on_the_spot import JudgedArtifact, JudgedSignature

NOT_GOOD = {"revoked": "Revoked", "unknown": "Not known whether revoked", "revoked_later": "Revoked later"}


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain, and how it stands."""

    certificate: Certificate
    role: str
    standing: str
    kind: str  # good, warn, or plain


@dataclass(frozen=True, slots=True)
class Attribute:
    """A signed attribute, in the specification's words."""

    name: str
    value: str
    when: datetime | None
    marked: str


@dataclass(frozen=True, slots=True)
class SignaturePage:
    """All that is shown of a signature."""

    signature: JudgedSignature
    title: str
    said: Sentence
    fix: str
    rungs: tuple[Rung, ...]
    steps: tuple[Step, ...]
    chain: tuple[Link, ...]
    signed: Signed | None
    proven: bool  # a valid signature vouches for `signed` and `chain`
    vouched: bool  # a trusted root vouches for the names in `chain`
    attributes: tuple[Attribute, ...]
    metadata: tuple[tuple[str, str], ...]
    format: str
    timestamp: str
    commands: tuple[tuple[str, str], ...]

    @property
    def evidence(self) -> Evidence | None:
        return self.signature.evidence


def signature_page(place: Place, judged: JudgedArtifact, signature: JudgedSignature) -> SignaturePage:
    outcome, evidence = signature.outcome, signature.evidence
    statement = judged.choice.statement.name if judged.choice.statement else ""
    signed = (evidence.signed or evidence.unverified_signed) if evidence else None
    proven = evidence is not None and evidence.integrity is None
    target = signed.target if signed else None
    return SignaturePage(
        signature=signature,
        title=f"Signature by {called(outcome.signer, vouched=vouched(outcome))}"
        if outcome.signer
        else "Signature, signer not proven",
        said=sentence(outcome.word, outcome.reason, signer=outcome.signer, statement=statement),
        fix=nearest_fix(outcome, judged.choice, outcome.word, outcome.reason, judged.repository.reference),
        rungs=rungs_of(judged, signature),
        steps=steps_of(judged, signature),
        chain=tuple(links(evidence, outcome)) if evidence else (),
        signed=signed,
        proven=proven,
        vouched=vouched(outcome),
        attributes=tuple(attributes_of(signed)) if signed else (),
        metadata=tuple(target.annotations.items()) if target else (),
        format=format_of(evidence),
        timestamp=timestamp_of(evidence, outcome) if evidence else "",
        commands=tuple(_commands(place)),
    )


def links(evidence: Evidence, outcome: Outcome) -> Iterator[Link]:
    if evidence.integrity is not None:
        for certificate in evidence.unverified_chain:
            yield Link(certificate, "claimed", "Not proven", "")
        return
    results = {result.validation: result for result in outcome.results}
    for index, certificate in enumerate(evidence.chain):
        yield Link(certificate, role_of(index, evidence.chain), *_standing(certificate, results))


def _standing(certificate: Certificate, results: Mapping[Validation, CheckResult]) -> tuple[str, str]:
    revocation = results.get(Validation.revocation)
    answers = {one.certificate: one for one in revocation.answers} if revocation else {}
    answer = answers.get(certificate.thumbprint)
    if answer and answer.standing in NOT_GOOD:
        return NOT_GOOD[answer.standing], "warn"
    result = results.get(Validation.authentic_timestamp)
    if result and result.status is CheckStatus.failed and result.certificate == certificate.thumbprint:
        return "Outside its validity", "warn"
    anchor = results.get(Validation.authenticity)
    if anchor and anchor.status is CheckStatus.passed and anchor.certificate == certificate.thumbprint:
        return f"In store {anchor.store}", "good"
    if answer and answer.as_of and answer.until:
        return (
            f"Not revoked, says {quote(answer.source)} as of {as_text(answer.as_of)}, until {as_text(answer.until)}",
            "good",
        )
    if certificate.ocsp_urls or certificate.crl_urls:
        return "Revocation not asked yet", ""
    return ("Self-signed", "") if certificate.self_signed else ("Names no revocation source", "")


def attributes_of(signed: Signed) -> Iterator[Attribute]:
    yield Attribute("Signing scheme", signed.scheme.value, None, "critical")
    for name, when, marked in (
        ("Signing time", signed.signing_time, "claimed by the signer"),
        ("Authentic signing time", signed.authentic_signing_time, "critical"),
        ("Expiry", signed.expiry, "critical"),
    ):
        if when:
            yield Attribute(name, "", when, marked)
    if signed.verification_plugin:
        yield Attribute("Verification plugin", signed.verification_plugin, None, "critical")
    if signed.verification_plugin_min_version:
        yield Attribute("Verification plugin, least version", signed.verification_plugin_min_version, None, "critical")
    for attribute in signed.attributes:
        yield Attribute(attribute.name, attribute.value, None, "critical" if attribute.critical else "extended")


def timestamp_of(evidence: Evidence, outcome: Outcome) -> str:
    """What the token says, or why it says nothing."""
    timestamp = evidence.timestamp
    if not evidence.unverified_timestamp_token:
        return "none"
    if timestamp is None:
        return "a token that nobody looks at"
    if timestamp.fault:
        return as_sentence(timestamp.fault.message)
    assert timestamp.info, "a token without fault says when"
    signer = timestamp.signers[0].certificate
    said = f"{describe_time(timestamp.info)}, by {signer.common_name or signer.subject}"
    return said if outcome.authentic_time.source == "tsa" else f"{said}; the statement does not rest on it"


def _commands(place: Place) -> Iterator[tuple[str, str]]:
    if place.reference:
        yield "notation", f"notation verify {place.reference}"
        yield "notation, what it says", f"notation inspect {place.reference}"
