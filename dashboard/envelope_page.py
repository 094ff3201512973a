"""What the pages of a signature and of a blob show of an envelope: its chain, its attributes, its timestamp."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dashboard.trust_path import format_of, role_of
from dashboard.vouched import vouched
from trust.notary.certificates import Certificate
from trust.notary.checks import as_sentence, as_text
from trust.notary.errors import quote
from trust.notary.evidence import Evidence, Signed
from trust.notary.levels import Validation
from trust.notary.outcome import CheckResult, CheckStatus, Outcome
from trust.notary.timestamp_check import describe_time

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


class EnvelopePage(ABC):
    """What is shown of one envelope and of the verdict on it."""

    @property
    @abstractmethod
    def evidence(self) -> Evidence | None:
        """None where there is no envelope to read."""

    @property
    @abstractmethod
    def outcome(self) -> Outcome: ...

    @cached_property
    def signed(self) -> Signed | None:
        return (self.evidence.signed or self.evidence.unverified_signed) if self.evidence else None

    @property
    def proven(self) -> bool:
        """Whether a valid signature vouches for `signed` and `chain`."""
        return self.evidence is not None and self.evidence.integrity is None

    @property
    def vouched(self) -> bool:
        """Whether a trusted root vouches for the names in `chain`."""
        return vouched(self.outcome)

    @cached_property
    def chain(self) -> tuple[Link, ...]:
        return tuple(_links(self.evidence, self.outcome)) if self.evidence else ()

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return tuple(_attributes_of(self.signed)) if self.signed else ()

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        target = self.signed.target if self.signed else None
        return tuple(target.annotations.items()) if target else ()

    @property
    def format(self) -> str:
        return format_of(self.evidence)

    @property
    def timestamp(self) -> str:
        return _timestamp_of(self.evidence, self.outcome) if self.evidence else ""


def _links(evidence: Evidence, outcome: Outcome) -> Iterator[Link]:
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


def _attributes_of(signed: Signed) -> Iterator[Attribute]:
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


def _timestamp_of(evidence: Evidence, outcome: Outcome) -> str:
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
