"""The one evaluator: evidence, a policy, trust stores, revocation answers and an instant give an outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from registries.oci.descriptor import Descriptor
from trust.notary import checks
from trust.notary.authentic_time import authentic_time, authentic_timestamp
from trust.notary.blob import Blob
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.checks import Finding, Inputs
from trust.notary.evidence import Evidence, Scheme
from trust.notary.identity import identity
from trust.notary.levels import LEVELS, Action, Level, Validation
from trust.notary.outcome import (
    AuthenticTime,
    CheckResult,
    CheckStatus,
    NotationVerdict,
    Note,
    Outcome,
    SignatureFault,
    Word,
)
from trust.notary.revocation import RevocationAnswers
from trust.notary.revocation_check import revocation
from trust.notary.timestamp_check import HOLDS
from trust.notary.trust_policy import Choice, Statement, TrustPolicy
from trust.notary.trust_store import TrustStores

JUDGE_VERSION = 3
MAX_SIGNATURES = 100

CHECKS: Mapping[Validation, Callable[[Inputs], Finding]] = MappingProxyType(  # in notation's order, after integrity
    {
        Validation.authenticity: checks.authenticity,
        Validation.identity: identity,
        Validation.expiry: checks.expiry,
        Validation.authentic_timestamp: authentic_timestamp,
        Validation.revocation: revocation,
        Validation.target: checks.target,
        Validation.user_metadata: checks.user_metadata,
    }
)
OF_CHAIN = frozenset(
    {Validation.authenticity, Validation.identity, Validation.authentic_timestamp, Validation.revocation}
)
"The checks that see of a signature only its chain, where no one vouches for the time of signing."
MOST_REMEMBERED = 1024
GREEN_NEEDS = (Validation.integrity, Validation.authenticity, Validation.identity)  # whatever the level says of them
PLUGIN_DECIDES = (Validation.identity, Validation.revocation)  # a verification plugin may answer these differently
_NO_STATEMENT = Statement(
    name="",
    scopes=(),
    level=Level("", {**LEVELS["skip"].actions, Validation.integrity: Action.enforce}),
    verify_timestamp="always",
    trust_stores=(),
    trusted_identities=(),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a signature: does it vouch for this artifact of this repository, with this user metadata?

    Of a blob, `reference` is the name of the statement that shall apply; empty for the global one.
    """

    reference: str
    target: Descriptor | Blob
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    purpose: str = "build"


def judge(
    question: Question,
    evidence: Evidence,
    policy: TrustPolicy | BlobTrustPolicy,
    stores: TrustStores,
    answers: RevocationAnswers,
    at: datetime,
) -> Outcome:
    """Run the validations in the specification's order; no I/O, no clock, no public-key operation."""
    return Bench(policy, stores, answers, at).judge(question, evidence)


class Bench:
    """Judges many signatures by one policy at one instant, and looks only once at a chain that several of them share."""

    def __init__(
        self,
        policy: TrustPolicy | BlobTrustPolicy,
        stores: TrustStores,
        answers: RevocationAnswers,
        at: datetime,
    ) -> None:
        self._policy, self._stores, self._answers, self._at = policy, stores, answers, at
        self._choices: dict[str, Choice] = {}
        self._of_chains: dict[tuple[str, ...], dict[Validation, CheckResult]] = {}

    def judge(self, question: Question, evidence: Evidence) -> Outcome:
        """The verdict on one signature."""
        choice = self._choose(question.reference)
        statement = choice.statement or _NO_STATEMENT
        inputs = self._inputs(question, evidence, statement)
        results = tuple(self._results(evidence, inputs, statement))
        vouched = authentic_time(inputs) if inputs else AuthenticTime()
        notable = [result for result in results if not result.is_plain]
        word, reason, message = _word(choice, evidence, results, notable)
        obstacle = _obstacle(choice, evidence, notable)
        return Outcome(
            word=word,
            reason=reason,
            message=message,
            statement=statement.name,
            level=statement.level.name,
            results=results,
            verified=not obstacle and not statement.level.skips_everything,
            skipped=statement.level.skips_everything,
            error=obstacle,
            signer=_signer(evidence),
            green_until=_green_until(evidence, results, vouched, self._at) if word.is_green else None,
            stands_until=_stands_until(results) if word.is_green else None,
            notes=tuple(_notes(results, vouched, self._at)),
            authentic_time=vouched,
        )

    def _choose(self, reference: str) -> Choice:
        if len(self._choices) >= MOST_REMEMBERED:
            self._choices.clear()
        if reference not in self._choices:
            self._choices[reference] = self._policy.choose(reference)
        return self._choices[reference]

    def _inputs(self, question: Question, evidence: Evidence, statement: Statement) -> Inputs | None:
        """What the checks look at; None where the integrity of the envelope does not hold."""
        if evidence.signed is None:
            return None
        return Inputs(
            target=question.target,
            user_metadata=question.user_metadata,
            signed=evidence.signed,
            chain=evidence.chain,
            unverified_timestamp_token=evidence.unverified_timestamp_token,
            timestamp=evidence.timestamp,
            statement=statement,
            stores=self._stores,
            answers=self._answers,
            at=self._at,
        )

    def _results(self, evidence: Evidence, inputs: Inputs | None, statement: Statement) -> Iterator[CheckResult]:
        """Every check whose inputs exist, also after the failure at which notation stops; those are marked."""
        level = statement.level
        if level.skips_everything:
            yield from (_result(validation, _NOT_ASKED, level, reached=False) for validation in Validation)
            return
        reached = statement is not _NO_STATEMENT
        integrity = _result(Validation.integrity, checks.integrity(evidence), level, reached=reached)
        yield integrity
        if inputs is None:
            yield from (_result(validation, _NO_ENVELOPE, level, reached=False) for validation in CHECKS)
            return
        reached = reached and not inputs.signed.verification_plugin  # notation asks the plugin, or gives up without one
        known = self._known_of_chain(inputs)
        for validation, check in CHECKS.items():
            if level[validation] is Action.skip:
                finding = _NO_STATEMENT_ASKS if statement is _NO_STATEMENT else _NOT_ASKED
                yield _result(validation, finding, level, reached=False)
                continue
            result = known.get(validation)
            if result is None or result.reached_by_notation is not reached:
                result = _result(validation, check(inputs), level, reached=reached)
                if validation in OF_CHAIN:
                    known[validation] = result
            reached = reached and not result.is_critical  # notation stops here; we show the rest, marked
            yield result

    def _known_of_chain(self, inputs: Inputs) -> dict[Validation, CheckResult]:
        """What was found of the same chain under the same statement, if nothing else of the signature counts for that."""
        if inputs.signed.scheme is not Scheme.x509 or inputs.unverified_timestamp_token or inputs.timestamp:
            return {}
        if len(self._of_chains) >= MOST_REMEMBERED:
            self._of_chains.clear()
        key = (inputs.statement.name, *(certificate.thumbprint for certificate in inputs.chain))
        return self._of_chains.setdefault(key, {})


_NO_ENVELOPE = Finding(
    CheckStatus.not_run, "no_intact_envelope", "The envelope does not hold, so nothing in it can be relied upon."
)
_NOT_ASKED = Finding(CheckStatus.skipped, "skipped", "The statement does not ask for this.")
_NO_STATEMENT_ASKS = Finding(CheckStatus.not_run, "no_statement", "No statement applies, so nothing is asked for.")


def _result(validation: Validation, finding: Finding, level: Level, *, reached: bool) -> CheckResult:
    return CheckResult(
        validation,
        level[validation],
        finding.status,
        finding.code,
        finding.message,
        finding.seen,
        finding.wanted,
        finding.nearest_fix,
        reached,
        finding.certificate,
        finding.store,
        finding.until,
        finding.doubts,
        finding.answers,
    )


def _word(
    choice: Choice, evidence: Evidence, results: Sequence[CheckResult], notable: Sequence[CheckResult]
) -> tuple[Word, str, str]:
    """Signboard's word, its reason code, and the sentence for people. First match decides."""
    statement = choice.statement
    if statement is None:
        code = "no_statement" if choice.code == "none" else choice.code
        return Word.not_checked, code, choice.message
    if statement.level.skips_everything:
        return Word.not_checked, "level_skip", f"Statement {statement.name} skips verification."
    by = {result.validation: result for result in results}
    integrity, target = by[Validation.integrity], by[Validation.target]
    if evidence.integrity is not None:
        word = Word.failed if evidence.integrity.kind == "failed" else Word.unknown
        return word, integrity.code, f"The signature cannot be relied upon. {integrity.message}"
    if target.status is CheckStatus.failed:
        return Word.failed, target.code, target.message
    who = _signer(evidence)
    if decisive := [result for result in notable if _is_decisive(result, evidence)]:
        result = next((result for result in decisive if result.code == "revoked"), decisive[0])  # it is an alarm
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


def _obstacle(choice: Choice, evidence: Evidence, notable: Sequence[CheckResult]) -> str:
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


def _signer(evidence: Evidence) -> str:
    """Who the chain says it is. Empty where the envelope does not hold: then nobody is."""
    if evidence.integrity is not None or not evidence.chain:
        return ""
    return evidence.chain[0].common_name or evidence.chain[0].subject


def _green_until(
    evidence: Evidence, results: Sequence[CheckResult], vouched: AuthenticTime, at: datetime
) -> datetime | None:
    """The earliest instant at which one of the checks would turn by itself, or begin to rest on other answers."""
    signed = evidence.signed
    assert signed is not None, "nothing is green whose envelope does not hold"
    deadlines = [signed.expiry] if signed.expiry else []
    rests = any(result.code == HOLDS for result in results)
    # Whoever vouches for the time of signing vouches for one that does not move, unless he may be revoked meanwhile.
    if vouched.source == "none" or (vouched.chain and not rests):
        deadlines += [certificate.not_after for certificate in evidence.chain]
    return min((deadline for deadline in deadlines if deadline >= at), default=None)


def _stands_until(results: Sequence[CheckResult]) -> datetime | None:
    """When the first of the answers runs out on which an enforced check rests."""
    ends = (result.until for result in results if result.until and result.action is Action.enforce)
    return min(ends, default=None)


def _notes(results: Sequence[CheckResult], vouched: AuthenticTime, at: datetime) -> Iterator[Note]:
    """What weakens a verdict without changing it."""
    if vouched.low and vouched.low > at:
        yield Note("signed_in_future", "The time of signing that is vouched for has not come yet.")
    for result in results:
        if result.code == "no_source":
            yield Note("no_revocation_source", "No certificate below the root can be revoked: none says where.")
        if result.code == "any_identity":
            yield Note("any_identity", "The statement accepts every name below its trusted roots.")
        yield from result.doubts


def notation_verdict(
    outcomes: Sequence[Outcome | SignatureFault],
    max_signatures: int = MAX_SIGNATURES,
    *,
    choice: Choice | None = None,
) -> NotationVerdict:
    """What notation would say of the artifact: it takes signatures in this order, and stops at the first good one."""
    if choice and choice.statement is None:
        return NotationVerdict(verified=False, error=choice.message)
    skips = bool(choice and choice.statement and choice.statement.level.skips_everything)
    if skips or any(isinstance(outcome, Outcome) and outcome.skipped for outcome in outcomes):
        return NotationVerdict(verified=False, skipped=True)
    if not outcomes:
        return NotationVerdict(verified=False, error="No signature is associated with the artifact.")
    for outcome in outcomes[:max_signatures]:
        if isinstance(outcome, Outcome) and outcome.verified:
            return NotationVerdict(verified=True)
        if isinstance(outcome, SignatureFault) and outcome.ends_notation:
            return NotationVerdict(verified=False, error=outcome.message)
    if len(outcomes) >= max_signatures:  # reaching the limit counts, even where nothing is left
        return NotationVerdict(verified=False, error=f"None of the first {max_signatures} signatures is good.")
    return NotationVerdict(verified=False, error="None of the artifact's signatures is good.")
