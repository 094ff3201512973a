"""Signboard's word for one signature, its reason and its sentence, and whether notation would accept that signature alone."""

from collections.abc import Iterator, Sequence

from trust.notary.evidence import Evidence
from trust.notary.levels import Action, Validation
from trust.notary.outcome import CheckResult, CheckStatus, Note, Word
from trust.notary.trust_policy import Choice

GREEN_NEEDS = (Validation.integrity, Validation.authenticity, Validation.identity)  # whatever the level says of them
PLUGIN_DECIDES = (Validation.identity, Validation.revocation)  # a verification plugin may answer these differently


def word_of(
    choice: Choice, evidence: Evidence, results: Sequence[CheckResult], notable: Sequence[CheckResult]
) -> tuple[Word, str, str]:
    """Signboard's word, its reason code, and the sentence for people. First match decides."""
    statement = choice.statement
    if statement is None:
        code = "no_statement" if choice.code == "none" else choice.code
        return Word.not_checked, code, choice.message
    if statement.level.skips_everything:
        return Word.not_checked, "level_skip", f"Statement {statement.name} skips verification."
    if evidence.integrity is not None:
        integrity = next(result for result in results if result.validation is Validation.integrity)
        word = Word.failed if evidence.integrity.kind == "failed" else Word.unknown
        return word, integrity.code, f"The signature cannot be relied upon. {integrity.message}"
    failures = {result.validation: result for result in notable if result.status is CheckStatus.failed}
    if target := failures.get(Validation.target):
        return Word.failed, target.code, target.message
    who = signer(evidence)
    if decisive := [result for result in notable if _is_decisive(result, evidence)]:
        result = next((result for result in decisive if result.code == "revoked"), decisive[0])  # it is an alarm
        if Validation.authenticity in failures:  # then anybody can have written that name
            who = f"somebody who claims to be {who}"
        message = f"Signed by {who}, but not as statement {statement.name} asks. {result.message}"
        return Word.untrusted, result.code, message
    if doubt := _doubt(evidence, notable):
        return (
            Word.unknown,
            doubt.code,
            f"Signed by {who}, and nobody here can say whether that is enough. {doubt.message}",
        )
    accepted = f"Signed by {who}, accepted by statement {statement.name}"
    if exception := next(_exceptions(notable), None):
        return Word.verified_with_exceptions, exception.code, f"{accepted}. {exception.message}"
    return Word.verified, "verified", f"{accepted}."


def _is_decisive(result: CheckResult, evidence: Evidence) -> bool:
    """Whether this failure alone keeps the signature from satisfying the statement, whatever else comes to light."""
    if evidence.signed and evidence.signed.verification_plugin and result.validation in PLUGIN_DECIDES:
        return False
    matters = result.action is Action.enforce or result.validation in GREEN_NEEDS
    return matters and result.status is CheckStatus.failed and not result.is_undecided


def _doubt(evidence: Evidence, notable: Sequence[CheckResult]) -> Note | None:
    """What would have to be known before the signature could be called good."""
    signed = evidence.signed
    if signed and signed.verification_plugin:
        message = f"It asks for the verification plugin {signed.verification_plugin}, which Signboard does not run."
        return Note("plugin_needed", message)
    if signed and (critical := next((attribute for attribute in signed.attributes if attribute.critical), None)):
        message = f"It has the critical attribute {critical.name}, which Signboard does not know."
        return Note("critical_attribute_unknown", message)
    undecided = next((result for result in notable if result.is_open), None)
    return Note(undecided.code, undecided.message) if undecided else None


def _exceptions(notable: Sequence[CheckResult]) -> Iterator[Note]:
    """Why a good signature is good with exceptions only; what is only logged comes before what was skipped."""
    for result in notable:
        if result.action is Action.log and result.status is not CheckStatus.passed:
            yield Note(f"{result.validation.name}_logged", f"{result.message} The statement only logs that.")
    actions = [result.action for result in notable if result.validation is Validation.revocation]
    if Action.log in actions:
        yield Note("revocation_logged", "The statement only logs whether a certificate is revoked.")
    if Action.skip in actions:
        yield Note("revocation_skipped", "The statement does not ask whether a certificate is revoked.")
    yield from (Note("answer_doubtful", doubt.message) for result in notable for doubt in result.doubts)


def obstacle(choice: Choice, evidence: Evidence, notable: Sequence[CheckResult]) -> str:
    """Why notation would not accept the signature alone, or why we may not say that it would; empty if it would."""
    if choice.statement is None:
        return choice.message
    if choice.statement.level.skips_everything:
        return ""
    stop = next((result for result in notable if result.is_critical and result.reached_by_notation), None)
    if stop:
        return stop.message
    doubt = _doubt(evidence, notable)
    return doubt.message if doubt else ""


def signer(evidence: Evidence) -> str:
    """Who the chain says it is. Empty where the envelope does not hold: then nobody is."""
    if evidence.integrity is not None or not evidence.chain:
        return ""
    return evidence.chain[0].common_name or evidence.chain[0].subject
