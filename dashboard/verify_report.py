"""What `manage.py verify` prints: one JSON object with a stable schema, or the ladder for people."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from registries.oci.digest import Digest
from trust.notary.checks import as_text
from trust.notary.errors import TrustPolicyError
from trust.notary.levels import Action, Level, Validation
from trust.notary.notation_verdict import MAX_SIGNATURES, notation_verdict
from trust.notary.outcome import (
    AuthenticTime,
    CheckResult,
    CheckStatus,
    NotationVerdict,
    Outcome,
    SignatureFault,
    Word,
)
from trust.notary.trust_policy import Choice
from trust.statuses import ArtifactVerdict, artifact_status

WORDS = {
    Word.verified: "Verified",
    Word.verified_with_exceptions: "Verified with exceptions",
    Word.untrusted: "Untrusted",
    Word.failed: "Failed",
    Word.unsigned: "Unsigned",
    Word.not_checked: "Not checked",
    Word.unknown: "Unknown",
    Word.stale: "Stale",
}
RUNGS = {
    Validation.integrity: "Integrity",
    Validation.authenticity: "Authenticity",
    Validation.identity: "Identity",
    Validation.expiry: "Expiry",
    Validation.authentic_timestamp: "Timestamp",
    Validation.revocation: "Revocation",
    Validation.target: "Target",
    Validation.user_metadata: "User metadata",
}
ACTIONS = {Action.enforce: "enforced", Action.log: "logged", Action.skip: "skipped"}
INDENT = " " * 29


@dataclass(frozen=True, slots=True)
class JudgedSignature:
    """One signature of the report."""

    manifest: Digest
    media_type: str
    scheme: str
    outcome: Outcome | SignatureFault

    @property
    def verified(self) -> bool:
        return isinstance(self.outcome, Outcome) and self.outcome.verified


@dataclass(frozen=True, slots=True)
class Report:
    """The answer about one artifact."""

    reference: str
    digest: Digest
    choice: Choice
    verdict: ArtifactVerdict
    notation: NotationVerdict
    signatures: tuple[JudgedSignature, ...]
    incomplete: bool = False
    "Something unread may be one more signature."
    refusal: TrustPolicyError | None = None

    @classmethod
    def of(
        cls,
        reference: str,
        digest: Digest,
        choice: Choice,
        signatures: Sequence[JudgedSignature],
        *,
        listing_complete: bool,
        max_signatures: int = MAX_SIGNATURES,
    ) -> Self:
        """The report on an artifact whose signatures were judged."""
        outcomes = [signature.outcome for signature in signatures]
        return cls(
            reference=reference,
            digest=digest,
            choice=choice,
            verdict=artifact_status(outcomes, listing_complete, choice),
            notation=notation_verdict(outcomes, max_signatures, choice=choice),
            signatures=tuple(signatures),
            incomplete=not listing_complete,
        )

    @classmethod
    def refused(
        cls,
        reference: str,
        digest: Digest,
        refusal: TrustPolicyError,
        signatures: Sequence[JudgedSignature],
        *,
        listing_complete: bool = True,
    ) -> Self:
        """The report where the trust policy was refused: nothing was judged."""
        error = str(refusal)
        return cls(
            reference=reference,
            digest=digest,
            choice=Choice(None, "none", error),
            verdict=ArtifactVerdict(Word.not_checked, "policy_refused", error),
            notation=NotationVerdict(verified=False, error=error),
            signatures=tuple(signatures),
            incomplete=not listing_complete,
            refusal=refusal,
        )

    @property
    def level(self) -> Level | None:
        """That of the statement that applies."""
        return self.choice.statement.level if self.choice.statement else None

    @property
    def exit_code(self) -> int:
        """notation's: 0 where it verified, or was told not to look."""
        return 0 if self.notation.verified or self.notation.skipped else 1


def as_json(report: Report) -> dict[str, object]:
    """The report in the schema of docs/verify.md."""
    statement = report.choice.statement
    refusal = report.refusal
    fields: dict[str, object] = {"error": str(refusal), "rule": refusal.rule} if refusal else {}
    return fields | {
        "reference": report.reference,
        "digest": str(report.digest),
        "statement": statement.name if statement else None,
        "level": statement.level.name if statement else None,
        "status": report.verdict.word,
        "reason": report.verdict.reason,
        "message": report.verdict.message,
        "green_until": _rfc3339(report.verdict.holds_until),
        "notation": {
            "verified": report.notation.verified,
            "skipped": report.notation.skipped,
            "error": report.notation.error,
        },
        "incomplete": report.incomplete,
        "signatures": [_signature_as_json(signature, report.level) for signature in report.signatures],
    }


def _signature_as_json(signature: JudgedSignature, level: Level | None) -> dict[str, object]:
    outcome = signature.outcome
    notes = outcome.notes if isinstance(outcome, Outcome) else ()
    return {
        "manifest": str(signature.manifest),
        "media_type": signature.media_type,
        "scheme": signature.scheme,
        "status": outcome.word,
        "reason": outcome.reason,
        "message": outcome.message,
        "verified": signature.verified,
        "signer": outcome.signer if isinstance(outcome, Outcome) else "",
        "authentic_time": _authentic_time(outcome.authentic_time if isinstance(outcome, Outcome) else AuthenticTime()),
        "checks": {result.validation.value: _check_as_json(result) for result in _results(outcome, level)},
        "notes": [{"code": note.code, "message": note.message} for note in notes],
    }


def _authentic_time(time: AuthenticTime) -> Mapping[str, str | None]:
    return {"source": time.source, "low": _rfc3339(time.low), "high": _rfc3339(time.high)}


def _check_as_json(result: CheckResult) -> Mapping[str, object]:
    return {
        "action": result.action,
        "status": result.status,
        "code": result.code,
        "message": result.message,
        "seen": result.seen,
        "wanted": result.wanted,
        "nearest_fix": result.nearest_fix,
        "certificate": result.certificate,
        "store": result.store,
        "reached_by_notation": result.reached_by_notation,
    }


def _results(outcome: Outcome | SignatureFault, level: Level | None) -> Sequence[CheckResult]:
    """The checks of a signature; one without an envelope has run none."""
    if isinstance(outcome, Outcome):
        return outcome.results
    return [
        CheckResult(
            validation=validation,
            action=level[validation] if level else Action.enforce,
            status=CheckStatus.not_run,
            code=outcome.reason,
            message=outcome.message,
            reached_by_notation=False,
        )
        for validation in Validation
    ]


def as_lines(report: Report) -> Iterator[str]:
    """The report for people."""
    verdict = report.verdict
    yield report.reference or str(report.digest)
    yield _headline(verdict)
    yield f"  policy         {report.choice.message}"
    if verdict.holds_until:
        yield f"  good until     {as_text(verdict.holds_until)}"
    yield f"  notation says  {_notation_says(report.notation)}"
    if report.incomplete:
        yield "  incomplete     not everything that may be a signature could be read"
    for signature in report.signatures:
        yield ""
        yield from _signature_lines(signature, report.level)


def _headline(verdict: ArtifactVerdict | Outcome | SignatureFault) -> str:
    reason = f" ({verdict.reason})" if verdict.reason != verdict.word else ""
    return f"{WORDS[verdict.word]}{reason}. {verdict.message}"


def _notation_says(notation: NotationVerdict) -> str:
    if notation.skipped:
        return "nothing: verification is skipped"
    return "verified" if notation.verified else f"refused. {notation.error}"


def _signature_lines(signature: JudgedSignature, level: Level | None) -> Iterator[str]:
    outcome = signature.outcome
    kind = ", ".join(filter(None, (signature.media_type, signature.scheme)))
    yield f"Signature {signature.manifest}" + (f" ({kind})" if kind else "")
    yield _headline(outcome)
    if isinstance(outcome, SignatureFault):
        return
    results = _results(outcome, level)
    reached = results[0].reached_by_notation
    silent = (CheckStatus.skipped, CheckStatus.not_run)
    for result in results:
        if reached and not result.reached_by_notation and result.status not in silent:
            reached = False
            yield "  -- notation stops here; the rest is evaluated all the same --"
        yield f"  {RUNGS[result.validation]:14}{result.status:14}{ACTIONS[result.action]:9} {result.message}"
        for label, value in (("seen", result.seen), ("wanted", result.wanted), ("nearest fix", result.nearest_fix)):
            if value and (label != "nearest fix" or result.status is not CheckStatus.passed):
                yield f"{INDENT}{label:12} {value}"
    for note in outcome.notes:
        yield f"  note: {note.message}"


def printable(line: str) -> str:
    """The line without characters that could rearrange a terminal; names in it are other people's."""
    return "".join(c if unicodedata.category(c)[0] != "C" else ascii(c)[1:-1] for c in line)


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
