"""The one evaluator: evidence, a policy, trust stores, revocation answers and an instant give an outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType

from registries.oci.descriptor import Descriptor
from trust.notary import checks
from trust.notary.authentic_time import authentic_timestamp
from trust.notary.checks import Finding, Inputs
from trust.notary.evidence import Evidence, Signed
from trust.notary.identity import identity
from trust.notary.levels import LEVELS, Action, Level, Validation
from trust.notary.outcome import CheckResult, CheckStatus, NotationVerdict, Outcome, SignatureFault
from trust.notary.revocation import RevocationAnswers
from trust.notary.trust_policy import Choice, Statement, TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.notary.words import Ruling, rule

JUDGE_VERSION = 1
MAX_SIGNATURES = 100
PLUGIN_ATTRIBUTE = "io.cncf.notary.verificationPlugin"

CHECKS: Mapping[Validation, Callable[[Inputs], Finding]] = MappingProxyType(  # in notation's order, after integrity
    {
        Validation.authenticity: checks.authenticity,
        Validation.identity: identity,
        Validation.expiry: checks.expiry,
        Validation.authentic_timestamp: authentic_timestamp,
        Validation.revocation: checks.revocation,
        Validation.target: checks.target,
        Validation.user_metadata: checks.user_metadata,
    }
)
ALWAYS_ENFORCED = (Validation.integrity, Validation.target, Validation.user_metadata)  # they need no statement
_NO_LEVEL = Level("", {**LEVELS["skip"].actions, Validation.integrity: Action.enforce})
_NO_STATEMENT = Statement("", (), _NO_LEVEL, "always", (), ())


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a signature: does it vouch for this artifact of this repository, with this user metadata?"""

    reference: str
    target: Descriptor
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    purpose: str = "build"


def judge(
    question: Question,
    evidence: Evidence,
    policy: TrustPolicy,
    stores: TrustStores,
    answers: RevocationAnswers,
    at: datetime,
) -> Outcome:
    """Run the validations in the specification's order; no I/O, no clock, no public-key operation."""
    choice = policy.choose(question.reference)
    statement = choice.statement or _NO_STATEMENT
    results = _results(question, evidence, statement, stores, answers, at)
    ruling = rule(choice, results, evidence, at)
    return Outcome(
        word=ruling.word,
        reason=ruling.reason,
        message=ruling.message,
        statement=statement.name,
        level=statement.level.name,
        results=results,
        verified=choice.statement is not None and not statement.level.skips_everything and not ruling.error,
        skipped=statement.level.skips_everything,
        error=ruling.error,
        signer=ruling.signer,
        green_until=ruling.green_until,
        notes=ruling.notes,
    )
