"""What judging leaves in the database: verdicts, one status an artifact, and the history of its word."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import transaction

from registries.leases import Lease
from registries.models import Repository
from registries.oci.digest import Digest
from trust.chains import fingerprint
from trust.holdings import Subject
from trust.models import BUILD, ArtifactStatus, Chain, Judgement, Signature, StatusChange, Verdict
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.notary.outcome import Outcome, SignatureFault
from trust.rulings import Rulings, rests_of, rests_on_authority
from trust.statuses import SEVERITY, ArtifactVerdict

BATCH = 1000
SYSTEM = "notation"
Cause = StatusChange.Cause


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """The verdict on one signature, as far as it is kept."""

    signature: Signature  # without its evidence
    outcome: Outcome
    question: str  # questions.of_signature


@dataclass(frozen=True, slots=True)
class JudgedSubject:
    """A subject with its verdict and those on its signatures."""

    subject: Subject
    verdict: ArtifactVerdict
    signatures: tuple[JudgedRow, ...]
    question: str  # questions.of_artifact
    chain: str | None  # of the signature that decided
    resting: Mapping[str, Any] = field(default_factory=dict)  # resting_of it
    covered_by: Digest | None = None

    @property
    def green_until(self) -> datetime | None:
        """The deadlines that no renewed answer moves; all of them, where the standing of the chain does not keep watch."""
        return min(self._deadlines(self.verdict.green_until), default=None)

    @property
    def own_until(self) -> datetime | None:
        """The same but for the age of the listing."""
        return min(self._deadlines(self.verdict.own_until), default=None)

    def _deadlines(self, first: datetime | None) -> Iterator[datetime]:
        revoked = self.resting.get("rests") == Chain.Standing.REVOKED
        return (moment for moment in (first, revoked and self.verdict.stands_until) if moment)


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of some subjects of a repository as the last run left them, and the writer of what this run changes."""

    repository: Repository
    rulings: Rulings
    statuses: Mapping[Digest, ArtifactStatus]
    verdicts: Mapping[Digest, dict[Digest, Verdict]]  # subject → signature → verdict

    @classmethod
    def load(cls, repository: Repository, rulings: Rulings, subjects: Collection[Digest]) -> "Records":
        """The rows of these subjects."""
        kept = ArtifactStatus.objects.filter(repository=repository, manifest__in=subjects)
        statuses = {row.manifest_id: row for row in kept}
        verdicts: dict[Digest, dict[Digest, Verdict]] = defaultdict(dict)
        mine = Verdict.objects.filter(repository=repository, purpose=BUILD, system=SYSTEM)
        rows = mine.filter(signature__subject__in=subjects)
        for verdict in rows.select_related("signature").defer("signature__evidence"):
            verdicts[verdict.signature.subject][verdict.signature_id] = verdict
        return cls(repository, rulings, statuses, verdicts)

    def write(self, judged: Iterable[JudgedSubject], lease: Lease[Judgement]) -> None:
        """Write what changed, a batch a transaction; each renews the lease, so that only its holder writes."""
        for batch in batched(judged, BATCH):
            with transaction.atomic():
                lease.renew()
                self._write_batch(batch)

    def _write_batch(self, batch: Sequence[JudgedSubject]) -> None:
        self._write_verdicts(batch)
        statuses = [(each, self._status(each)) for each in batch]
        changed = [(each, row) for each, row in statuses if not _alike(row, self.statuses.get(each.subject.digest))]
        rows = ArtifactStatus.objects.bulk_create(
            [row for _, row in changed],
            update_conflicts=True,
            unique_fields=["repository", "manifest"],
            update_fields=[*STATUS_FACTS, "judged_at"],
        )
        changes = [self._change(each, row) for (each, _), row in zip(changed, rows, strict=True)]
        StatusChange.objects.bulk_create(change for change in changes if change)

    def _write_verdicts(self, batch: Sequence[JudgedSubject]) -> None:
        rows, obsolete = [], []
        for each in batch:
            before = self.verdicts.get(each.subject.digest, {})
            now = {signed.signature.pk: self._verdict(each.subject, signed) for signed in each.signatures}
            obsolete += [verdict.pk for name, verdict in before.items() if name not in now]
            rows += [row for name, row in now.items() if not _alike_verdict(row, before.get(name))]
        if obsolete:
            Verdict.objects.filter(pk__in=obsolete).delete()
        Verdict.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["repository", "signature", "purpose", "system"],
            update_fields=[*VERDICT_FACTS, "judged_at"],
        )

    def _verdict(self, subject: Subject, signed: JudgedRow) -> Verdict:
        outcome, rulings = signed.outcome, self.rulings
        return Verdict(
            repository=self.repository,
            signature_id=signed.signature.pk,
            word=outcome.word,
            reason=outcome.reason,
            signer=outcome.signer,
            statement=outcome.statement,
            **resting_of(outcome),
            green_until=outcome.green_until,
            question=signed.question,
            inputs=_inputs(rulings, subject, signed.signature),
            revision=rulings.revision,
            judge_version=JUDGE_VERSION,
            judged_at=rulings.at,
        )

    def _status(self, judged: JudgedSubject) -> ArtifactStatus:
        subject, verdict, at = judged.subject, judged.verdict, self.rulings.at
        before = self.statuses.get(subject.digest)
        return ArtifactStatus(
            repository=self.repository,
            manifest=subject.manifest,
            is_artifact=subject.stay.is_artifact,
            present=subject.stay.present,
            word=verdict.word,
            severity=SEVERITY[verdict.word],
            reason=verdict.reason,
            question=judged.question,
            message=verdict.message,
            signer=verdict.signer,
            statement=self.rulings.statement,
            chain_id=judged.chain,
            **judged.resting,
            green_until=judged.green_until,
            revision=self._number,
            evidence_version=EVIDENCE_VERSION,
            judge_version=JUDGE_VERSION,
            judged_at=at,
            listed_at=subject.listing.checked_at if subject.listing else None,
            tags=list(subject.tags),
            counts=dict(subject.counts),
            covered_by=judged.covered_by,
            signature_withdrawn=subject.signature_withdrawn,
            tag_moved_back=subject.tag_moved_back,
            cosign=subject.cosign,
            changed_at=before.changed_at if before and before.word == verdict.word else at,
            since=subject.stay.since,
        )

    @property
    def _number(self) -> int | None:
        return self.rulings.revision.number if self.rulings.revision else None

    def _change(self, judged: JudgedSubject, row: ArtifactStatus) -> StatusChange | None:
        before = self.statuses.get(judged.subject.digest)
        if before and before.word == row.word:
            return None
        return StatusChange(
            status=row,
            before=before.word if before else "",
            after=row.word,
            reason=row.reason,
            cause=self._cause(judged, before),
            revision=self._number,
            at=self.rulings.at,
        )

    def _cause(self, judged: JudgedSubject, before: ArtifactStatus | None) -> Cause:
        """Why a word changed. Of several causes at once, the first that would do alone."""
        if before is None:
            return Cause.FIRST
        old = self.verdicts.get(judged.subject.digest, {})
        new = {signed.signature.pk: signed for signed in judged.signatures}
        if old.keys() != new.keys():
            return Cause.EVIDENCE
        if (before.evidence_version, before.judge_version) != (EVIDENCE_VERSION, JUDGE_VERSION):
            return Cause.VERSION
        if before.revision != self._number:
            return Cause.REVISION
        turned = [name for name, signed in new.items() if signed.outcome.word != old[name].word]
        same = all(_inputs(self.rulings, judged.subject, new[name].signature) == old[name].inputs for name in turned)
        return Cause.CLOCK if turned and same else Cause.EVIDENCE


STATUS_FACTS = [
    column.attname
    for column in ArtifactStatus._meta.concrete_fields
    if column.name not in ("id", "repository", "manifest", "judged_at")
]
VERDICT_FACTS = [
    *("word", "reason", "signer", "statement", "rests", "tsa_chain_id", "tsa_rests"),
    *("green_until", "question", "inputs", "revision_id", "judge_version"),
]


def outcomes_of(judged: Iterable[JudgedSubject]) -> Iterator[Outcome]:
    return (row.outcome for each in judged for row in each.signatures)


def resting_of(finding: Outcome | SignatureFault) -> dict[str, Any]:
    """The columns of `Resting`."""
    authority = () if isinstance(finding, SignatureFault) else finding.authentic_time.chain
    return {
        "rests": rests_of(finding),
        "tsa_chain_id": fingerprint(authority) if authority else None,
        "tsa_rests": rests_on_authority(finding),
    }


def _alike(row: ArtifactStatus, before: ArtifactStatus | None) -> bool:
    return before is not None and all(getattr(row, name) == getattr(before, name) for name in STATUS_FACTS)


def _alike_verdict(row: Verdict, before: Verdict | None) -> bool:
    return before is not None and all(getattr(row, name) == getattr(before, name) for name in VERDICT_FACTS)


def _inputs(rulings: Rulings, subject: Subject, signature: Signature) -> str:
    """A hash of all that was judged but for the clock, the revision and the judge, which have columns of their own."""
    parts = (
        rulings.reference,
        f"{subject.manifest.media_type} {subject.digest} {subject.manifest.size}",
        str(signature.pk),
        str(signature.envelope),
        signature.fault_code,
        str(signature.evidence_version),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
