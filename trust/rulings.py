"""Rulings: the one evaluator, asked for one repository under one revision at one instant, once per distinct question."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from registries.models import Fault, Listing, Manifest
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust import revisions
from trust.models import RESTS_NOT, Chain, TrustRevision
from trust.notary.certificates import Certificate
from trust.notary.checks import as_sentence
from trust.notary.evidence import Evidence
from trust.notary.judge import Question, judge
from trust.notary.levels import Action, Validation
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers
from trust.notary.revocation_check import REVOKED_LATER
from trust.notary.timestamp_check import HOLDS, authority_of
from trust.notary.trust_policy import Choice, TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.statuses import ArtifactVerdict, artifact_status

FOREIGN = "foreign_referrer"  # Fault.code of what names another subject: nothing of this artifact
LIMIT = "limit"  # Listing.error_code
BLOCKED = "blocked_by_policy"  # another one: the registry's rules keep the artifact from being read
NO_POLICY_REASON = "no_policy"
NO_POLICY_MESSAGE = "No trust policy has been uploaded yet."
NOTHING = revisions.Material(TrustPolicy("", (), b""), TrustStores.of())


@dataclass(frozen=True, slots=True)
class Rulings:
    """What the active revision makes of the signatures of one repository."""

    reference: str
    revision: TrustRevision | None
    at: datetime
    material: revisions.Material
    choice: Choice
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    answers: RevocationAnswers = NO_ANSWERS
    _known: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        reference: str,
        revision: TrustRevision | None,
        at: datetime,
        user_metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> "Rulings":
        if revision is None:
            return cls(reference, None, at, NOTHING, Choice(None, "none", NO_POLICY_MESSAGE))
        material = revisions.material(revision)
        return cls(reference, revision, at, material, material.policy.choose(reference), user_metadata)

    def with_answers(self, answers: RevocationAnswers) -> "Rulings":
        """The same, knowing these answers; verdicts that were found already stay."""
        return replace(self, answers=answers)

    def chains(self, results: Iterable[Evidence | SignatureFault]) -> set[tuple[Certificate, ...]]:
        """The chains about which answers matter: of signatures that are intact, and of their timestamps' authorities."""
        found = set()
        for evidence in results:
            if isinstance(evidence, Evidence) and evidence.chain:
                found.add(evidence.chain)
                if self.choice.statement and self.choice.statement.stores_of("tsa"):
                    stores = self.material.stores
                    found.add(authority_of(evidence.with_roots(stores).timestamp, self.choice.statement, stores))
        return found

    @property
    def level(self) -> str:
        return self.choice.statement.level.name if self.choice.statement else ""

    @property
    def statement(self) -> str:
        return self.choice.statement.name if self.choice.statement else ""

    def outcome(self, target: Descriptor, evidence: Evidence) -> Outcome:
        """The verdict on one signature of `target`, with all that was seen."""
        question = Question(self.reference, target, self.user_metadata)
        stores = self.material.stores
        outcome = judge(question, evidence.with_roots(stores), self.material.policy, stores, self.answers, self.at)
        return outcome if self.revision else replace(outcome, reason=NO_POLICY_REASON, message=NO_POLICY_MESSAGE)

    def like(self, question: str, target: Descriptor, evidence: Evidence) -> Outcome:
        """The same verdict, but what was seen may be that of another signature to which the same question is put.

        `question`: its key (`questions.of_signature`). Only where no user metadata is asked for, which may differ between
        signatures that are alike in all else.
        """
        assert not self.user_metadata
        if question not in self._known:
            self._known[question] = self.outcome(target, evidence)
        return self._known[question]

    def of_fault(self, fault: SignatureFault) -> Outcome:
        """The verdict on a signature of which there is no evidence."""
        alone = self._verdict([fault], complete=True, limit_reached=False)
        return Outcome(alone.word, alone.reason, alone.message, self.statement, self.level, (), error=fault.message)

    def artifact(self, listing: Listing | None, findings: Sequence[Outcome | SignatureFault]) -> ArtifactVerdict:
        """The word of an artifact with these signatures. Nothing is green longer than its listing is recent."""
        if listing is None:
            return ArtifactVerdict(Word.unknown, "not_listed", "Nobody has asked the registry for its signatures yet.")
        verdict = self._verdict(
            findings, complete=listing.complete, limit_reached=not listing.complete and listing.error_code == LIMIT
        )
        if verdict.word.is_green:
            deadlines = [moment for moment in (verdict.green_until, listing.recent_until) if moment]
            return replace(verdict, green_until=min(deadlines), own_until=verdict.green_until)
        if verdict.reason == "listing_incomplete" and listing.error:
            reason = BLOCKED if listing.error_code == BLOCKED else verdict.reason
            return replace(verdict, reason=reason, message=f"{verdict.message} {as_sentence(listing.error)}")
        return verdict

    def _verdict(
        self, findings: Sequence[Outcome | SignatureFault], *, complete: bool, limit_reached: bool
    ) -> ArtifactVerdict:
        verdict = artifact_status(findings, complete, self.choice, limit_reached)
        if self.revision is None and verdict.word is Word.not_checked:
            return replace(verdict, reason=NO_POLICY_REASON, message=NO_POLICY_MESSAGE)
        return verdict


def rests_of(finding: Outcome | SignatureFault) -> str:
    """How a green word rests on the standing of its chain (`ArtifactStatus.rests`)."""
    if isinstance(finding, SignatureFault) or not finding.word.is_green:
        return ""
    result = finding.result(Validation.revocation)
    if result.action is not Action.enforce:
        return RESTS_NOT
    return Chain.Standing.REVOKED if result.code == REVOKED_LATER else ""


def rests_on_authority(finding: Outcome | SignatureFault) -> bool:
    """Whether a green word would turn if the authority of its timestamp no longer stood."""
    if isinstance(finding, SignatureFault) or not finding.word.is_green or not finding.authentic_time.chain:
        return False
    result = finding.result(Validation.authentic_timestamp)
    return result.action is Action.enforce and result.code == HOLDS


def unread(faults: Iterable[Fault], subject: Digest, listing: Listing | None) -> list[SignatureFault]:
    """What the registry lists for a subject and could not be read: any of it may be a signature."""
    read = set(listing.digests) if listing else set()
    return [
        SignatureFault(Word.unknown, fault.code, as_sentence(fault.message), ends_notation=False)
        for fault in faults
        if fault.subject == subject and fault.digest not in read and fault.code != FOREIGN
    ]


def not_to_be_had(manifest: Manifest, faults: Iterable[Fault]) -> ArtifactVerdict | None:
    """The verdict on an artifact that a registry names and does not give; None for any other."""
    if manifest.media_type:
        return None
    causes = [as_sentence(fault.message) for fault in faults if fault.digest == str(manifest.digest)]
    message = " ".join(["The registry names this manifest and does not give it.", *causes[:1]])
    return ArtifactVerdict(Word.unknown, "manifest_missing", message)
