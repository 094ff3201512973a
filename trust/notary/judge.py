"""The one evaluator: evidence, a policy, trust stores, revocation answers and an instant give an outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from registries.oci.descriptor import Descriptor
from registries.oci.values import quickly_made
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
    Note,
    Outcome,
)
from trust.notary.revocation import RevocationAnswers
from trust.notary.revocation_check import revocation
from trust.notary.timestamp_check import HOLDS
from trust.notary.trust_policy import Choice, Statement, TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.notary.words import obstacle, signer, word_of

JUDGE_VERSION = 3

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
OF_LITTLE = {  # the same, and those that see nothing at all: of a signature without expiry, of a question without metadata
    (True, True): OF_CHAIN | {Validation.expiry, Validation.user_metadata},
    (True, False): OF_CHAIN | {Validation.expiry},
    (False, True): OF_CHAIN | {Validation.user_metadata},
    (False, False): OF_CHAIN,
}
MOST_REMEMBERED = 1024
_NO_STATEMENT = Statement(
    name="",
    scopes=(),
    level=Level("", {**LEVELS["skip"].actions, Validation.integrity: Action.enforce}),
    verify_timestamp="always",
    trust_stores=(),
    trusted_identities=(),
)


@quickly_made
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
        word, reason, message = word_of(choice, evidence, results, notable)
        error = obstacle(choice, evidence, notable)
        return Outcome(
            word=word,
            reason=reason,
            message=message,
            statement=statement.name,
            level=statement.level.name,
            results=results,
            verified=not error and not statement.level.skips_everything,
            skipped=statement.level.skips_everything,
            error=error,
            signer=signer(evidence),
            green_until=_green_until(evidence, results, vouched, self._at) if word.is_green else None,
            stands_until=_stands_until(results) if word.is_green else None,
            notes=tuple(_notes(evidence, results, vouched, self._at)),
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
        shared = OF_LITTLE[inputs.signed.expiry is None, not inputs.user_metadata]
        for validation, check in CHECKS.items():
            if level[validation] is Action.skip:
                finding = _NO_STATEMENT_ASKS if statement is _NO_STATEMENT else _NOT_ASKED
                yield _result(validation, finding, level, reached=False)
                continue
            result = known.get(validation) if validation in shared else None
            if result is None or result.reached_by_notation is not reached:
                result = _result(validation, check(inputs), level, reached=reached)
                if validation in shared:
                    known[validation] = result
            reached = reached and not result.is_critical  # notation stops here; we show the rest, marked
            yield result

    def _known_of_chain(self, inputs: Inputs) -> dict[Validation, CheckResult]:
        """What was found of the same chain under the same statement, where nobody vouches for the time of signing."""
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


def _notes(evidence: Evidence, results: Sequence[CheckResult], vouched: AuthenticTime, at: datetime) -> Iterator[Note]:
    """What weakens a verdict without changing it."""
    if evidence.signed and evidence.chain[0].any_purpose:
        yield Note("any_purpose", "The signer's certificate is for any purpose; code signing should have its own.")
    if vouched.low and vouched.low > at:
        yield Note("signed_in_future", "The time of signing that is vouched for has not come yet.")
    for result in results:
        if result.code == "no_source":
            yield Note("no_revocation_source", "No certificate below the root can be revoked: none says where.")
        if result.code == "any_identity":
            yield Note("any_identity", "The statement accepts every name below its trusted roots.")
        yield from result.doubts
