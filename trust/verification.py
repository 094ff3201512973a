"""Judging repositories: which are due, and what a run over one of them does. `judge_artifact` judges one artifact on the spot."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from registries.leases import Lease
from registries.models import Repository
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust import holdings, revisions
from trust.chains import store_authorities
from trust.evidence import evidence_of, examine_missing, readable, served_envelopes
from trust.holdings import Subject
from trust.models import Judgement, Signature
from trust.notary.evidence import EVIDENCE_VERSION, Evidence
from trust.notary.judge import JUDGE_VERSION
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.on_the_spot import JudgedArtifact, JudgedSignature, judge_artifact
from trust.records import JudgedRow, JudgedSubject, Records, resting_of
from trust.revocation_rows import answers_of
from trust.rulings import Rulings, not_to_be_had, unread

__all__ = [
    "JudgedArtifact",
    "JudgedSignature",
    "due_judgements",
    "ensure_judgements",
    "judge_artifact",
    "judge_repository",
]

BATCH = 500
MOMENT = timedelta(seconds=1)  # certificates count seconds, and hold through their last one
NOT_EXAMINED = SignatureFault(
    Word.unknown, "not_examined", "The signature has not been examined yet.", ends_notation=False
)


def ensure_judgements() -> None:
    """Give every repository the row of its judging."""
    new = Repository.objects.filter(judgement=None)
    Judgement.objects.bulk_create((Judgement(repository=repository) for repository in new), ignore_conflicts=True)


def due_judgements(at: datetime) -> QuerySet[Judgement]:
    """Rows whose repository, revision or verifier is not the one that was judged, or whose first deadline passed."""
    active = revisions.active_number()
    same_revision = Q(revision=None) if active is None else Q(revision=active, revision__isnull=False)
    current = same_revision & Q(
        generation__isnull=False,
        generation=F("repository__generation"),
        evidence_version=EVIDENCE_VERSION,
        judge_version=JUDGE_VERSION,
    )
    backing_off = Q(failed_at__isnull=False, due_at__isnull=False, due_at__gt=at)
    found = Judgement.objects.filter(Q(due_at__isnull=False, due_at__lte=at) | (~current & ~backing_off))
    # One table only, so that two workers that claim the same row see each other's claim.
    return Judgement.objects.filter(pk__in=found.values("pk"))


def judge_repository(lease: Lease[Judgement], at: datetime | None = None) -> None:
    """Examine and judge every subject of a repository; whatever it was stopped at before, the rows are right afterwards."""
    at = at or timezone.now()
    # What changes after this line raises the generation again, or makes another revision active: then it is due again.
    repository = Repository.objects.select_related("registry").get(pk=lease.row.repository_id)
    rulings = Rulings.of(repository.reference, revisions.active(), at)
    examine_missing(repository, at=at, lease=lease)
    subjects = holdings.load(repository)
    rows = _judge_signatures(repository, subjects, rulings, lease)
    judged = [_judge(subject, rulings, rows) for subject in subjects]
    covers = holdings.covered(_green_indexes(judged), repository)
    judged = [replace(each, covered_by=covers.get(each.subject.digest)) for each in judged]
    store_authorities({outcome.authentic_time.chain for outcome in _outcomes(judged)})
    Records.load(repository, rulings).write(judged, lease)
    _finish(lease, repository, rulings, judged)


def _judge_signatures(
    repository: Repository, subjects: Iterable[Subject], rulings: Rulings, lease: Lease[Judgement]
) -> dict[Digest, tuple[Signature, Outcome | SignatureFault]]:
    """Every listed signature that was examined, with the verdict on it; the evidence itself is let go batch by batch."""
    targets = {signature.digest: subject.target for subject in subjects for signature in subject.signatures}
    judged = {}
    for digests in batched(targets, BATCH):
        rows = list(Signature.objects.filter(pk__in=digests, evidence_version=EVIDENCE_VERSION))
        served = served_envelopes(repository, rows)
        results = [readable(row, result, served) for row, result in zip(rows, evidence_of(rows), strict=True)]
        informed = rulings.with_answers(answers_of(rulings.chains(results)))
        for row, result in zip(rows, results, strict=True):
            judged[row.pk] = row, _finding(informed, targets[row.pk], result)
            row.evidence = None
        lease.renew()
    return judged


def _finding(rulings: Rulings, target: Descriptor, result: Evidence | SignatureFault) -> Outcome | SignatureFault:
    return result if isinstance(result, SignatureFault) else rulings.like(target, result)


def _judge(
    subject: Subject, rulings: Rulings, rows: dict[Digest, tuple[Signature, Outcome | SignatureFault]]
) -> JudgedSubject:
    signed = [rows.get(signature.digest) for signature in subject.signatures]
    findings: list[Outcome | SignatureFault] = [found[1] if found else NOT_EXAMINED for found in signed]
    verdict = rulings.artifact(subject.listing, findings)
    if not verdict.word.is_green:
        findings += unread(subject.faults, subject.digest, subject.listing)
        verdict = not_to_be_had(subject.manifest, subject.faults) or rulings.artifact(subject.listing, findings)
    deciding = signed[verdict.deciding] if verdict.deciding is not None and verdict.deciding < len(signed) else None
    return JudgedSubject(
        subject=subject,
        verdict=verdict,
        signatures=tuple(JudgedRow(row, _outcome(rulings, found)) for row, found in filter(None, signed)),
        chain=deciding[0].chain_id if deciding else None,
        resting=resting_of(deciding[1]) if deciding else {},
    )


def _outcome(rulings: Rulings, finding: Outcome | SignatureFault) -> Outcome:
    return rulings.of_fault(finding) if isinstance(finding, SignatureFault) else finding


def _outcomes(judged: Iterable[JudgedSubject]) -> Iterator[Outcome]:
    return (row.outcome for each in judged for row in each.signatures)


def _green_indexes(judged: Iterable[JudgedSubject]) -> Iterator[Digest]:
    for each in judged:
        if each.subject.stay.present and each.verdict.word.is_green:
            yield each.subject.digest


def _finish(lease: Lease[Judgement], repository: Repository, rulings: Rulings, judged: Iterable[JudgedSubject]) -> None:
    deadlines = [deadline for each in judged if (deadline := each.green_until)]
    ahead = min((deadline for deadline in deadlines if deadline >= rulings.at), default=None)
    with transaction.atomic():
        lease.renew()
        Judgement.objects.filter(pk=lease.row.pk).update(
            generation=repository.generation,
            revision=rulings.revision.number if rulings.revision else None,
            evidence_version=EVIDENCE_VERSION,
            judge_version=JUDGE_VERSION,
            judged_at=rulings.at,
        )
        lease.finish(ahead + MOMENT if ahead else None)
