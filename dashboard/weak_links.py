"""Weak links: what on a path of trust holds less well than one would wish. They change no verdict. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trust.notary.certificates import Certificate
from trust.notary.checks import as_text
from trust.notary.evidence import Evidence
from trust.notary.levels import Action, Level, Validation
from trust.notary.outcome import CheckStatus, Note, Outcome
from trust.notary.trust_policy import Choice, Statement

SOON = timedelta(days=30)
LENIENT = {
    Validation.authenticity: "Whether the signer is trusted",
    Validation.expiry: "The expiry of a signature",
    Validation.authentic_timestamp: "The time of signing",
    Validation.revocation: "Revocation of certificates",
}
OF_LEAF = ("any_purpose",)
ELSEWHERE = ("no_revocation_source", "any_identity")  # said of the certificate and of the statement themselves


@dataclass(frozen=True, slots=True)
class Shared:
    """How far a trusted certificate reaches, among the repositories that the reader may see."""

    repositories: int
    statements: int
    whole: bool = True  # the reader sees all of them


def of_signature(evidence: Evidence | None, outcome: Outcome, at: datetime) -> Iterator[Note]:
    signed = evidence.signed if evidence else None
    if signed and signed.expiry and at < signed.expiry < at + SOON:
        yield Note("signature_expires_soon", f"The signature itself expires at {as_text(signed.expiry)}.")
    for result in outcome.results:
        logged = result.action is Action.log and result.status is CheckStatus.failed and not result.certificate
        if logged and result.validation in LENIENT:
            yield Note("failure_only_logged", f"{result.message} The statement only logs that.")
    yield from (note for note in outcome.notes if note.code not in (*OF_LEAF, *ELSEWHERE))


def of_certificate(
    certificate: Certificate, chain: Sequence[Certificate], outcome: Outcome, at: datetime
) -> Iterator[Note]:
    """Of one that is in an intact chain; nobody can revoke the last of a chain."""
    timed = outcome.authentic_time.source != "none"
    if at < certificate.not_after < at + SOON and not timed:
        yield Note("expires_soon", "It expires soon, and nobody vouches for the time of signing.")
    if certificate is not chain[-1] and not (certificate.ocsp_urls or certificate.crl_urls):
        yield Note("no_revocation_source", "It names no place where one could ask whether it is revoked.")
    for result in outcome.results:
        logged = result.action is Action.log and result.status is CheckStatus.failed
        if logged and result.certificate == certificate.thumbprint:
            yield Note("failure_only_logged", f"{result.message} The statement only logs that.")
    if certificate is chain[0]:
        yield from (note for note in outcome.notes if note.code in OF_LEAF)


def of_anchor(shared: Shared) -> Iterator[Note]:
    if shared.repositories > 1:
        by = "one statement trusts" if shared.statements == 1 else f"{shared.statements:,} statements trust"
        seen = "" if shared.whole else " that you see"
        yield Note("root_shared", f"Shared: {by} it for {shared.repositories:,} repositories{seen}.")


def of_statement(statement: Statement) -> Iterator[Note]:
    if statement.trusts_any_identity:
        yield Note("any_identity", "It accepts every name that its trust stores vouch for.")
    yield from _of_level(statement.level)


def _of_level(level: Level) -> Iterator[Note]:
    overridden = " by an override" if level.name == "custom" else f" by level {level.name}"
    for validation, what in LENIENT.items():
        if level[validation] is Action.log:
            yield Note(f"{validation.value}_only_logged", f"{what} is only logged{overridden}.")
        elif level[validation] is Action.skip:
            yield Note(f"{validation.value}_skipped", f"{what} is not asked for{overridden}.")


def of_scope(choice: Choice) -> Iterator[Note]:
    if choice.code == "wildcard":
        yield Note("wildcard_scope", "The scope * also takes in repositories that nobody has thought of yet.")
