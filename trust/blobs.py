"""Blobs: a detached signature, judged by the blob trust policy. Nothing of it is stored."""

from dataclasses import dataclass
from datetime import datetime

from trust.notary.blob import Blob
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.evidence import Evidence
from trust.notary.judge import Question, judge
from trust.notary.outcome import NotationVerdict, Outcome
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers
from trust.notary.trust_policy import Choice
from trust.notary.trust_store import TrustStores


@dataclass(frozen=True, slots=True)
class JudgedBlob:
    """The answer about one signature of one blob."""

    blob: Blob
    evidence: Evidence
    choice: Choice
    outcome: Outcome
    at: datetime

    @property
    def notation(self) -> NotationVerdict:
        """What notation would answer: there is one signature, so what holds for it alone holds altogether."""
        return NotationVerdict(self.outcome.verified, self.outcome.skipped, self.outcome.error)


def judge_blob(
    question: Question,
    evidence: Evidence,
    policy: BlobTrustPolicy,
    stores: TrustStores,
    at: datetime,
    answers: RevocationAnswers = NO_ANSWERS,
) -> JudgedBlob:
    """Judge one signature of a blob."""
    assert isinstance(question.target, Blob)
    outcome = judge(question, evidence.with_roots(stores), policy, stores, answers, at)
    return JudgedBlob(question.target, evidence, policy.choose(question.reference), outcome, at)
