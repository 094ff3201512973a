"""From what is stored of subjects to verdicts: nothing is written here."""

from collections.abc import Iterable, Sequence
from itertools import batched

from registries.leases import DueRow, Lease
from registries.models import Repository
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust import questions
from trust.evidence import evidence_of, readable, served_envelopes
from trust.holdings import Subject
from trust.models import Signature
from trust.notary.evidence import EVIDENCE_VERSION, Evidence
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.records import JudgedRow, JudgedSubject, resting_of
from trust.revocation_rows import answers_of
from trust.rulings import Rulings, not_to_be_had, unread
from trust.statuses import ArtifactVerdict

BATCH = 500
NOT_EXAMINED = SignatureFault(
    Word.unknown, "not_examined", "The signature has not been examined yet.", ends_notation=False
)

type Found = tuple[Signature, Outcome | SignatureFault, str, str]
"A signature's row, what was found out about it, and the keys of its question and of its course."


def judge_subjects[Row: DueRow](
    repository: Repository, subjects: Iterable[Subject], rulings: Rulings, lease: Lease[Row]
) -> list[JudgedSubject]:
    """The verdicts on these subjects of the repository; the lease is renewed meanwhile."""
    subjects = list(subjects)
    found = _judge_signatures(repository, subjects, rulings, lease)
    return [_judge(subject, rulings, found) for subject in subjects]


def _judge_signatures[Row: DueRow](
    repository: Repository, subjects: Iterable[Subject], rulings: Rulings, lease: Lease[Row]
) -> dict[Digest, Found]:
    """Every listed signature that was examined, with the verdict on it; the evidence itself is let go batch by batch."""
    targets = {signature.digest: subject.target for subject in subjects for signature in subject.signatures}
    judged = {}
    for digests in batched(targets, BATCH):
        rows = list(Signature.objects.filter(pk__in=digests, evidence_version=EVIDENCE_VERSION))
        served = served_envelopes(repository, rows)
        results = [readable(row, result, served) for row, result in zip(rows, evidence_of(rows), strict=True)]
        informed = rulings.with_answers(answers_of(rulings.chains(results)))
        for row, result in zip(rows, results, strict=True):
            target = targets[row.pk]
            question = questions.of_signature(target, result, row.evidence)
            finding = _finding(informed, question, target, result)
            course = questions.course_of(target, result, row.evidence, rulings.material.stores, question)
            judged[row.pk] = row, finding, question, course
            row.evidence = None
        lease.renew()
    return judged


def _finding(
    rulings: Rulings, question: str, target: Descriptor, result: Evidence | SignatureFault
) -> Outcome | SignatureFault:
    return result if isinstance(result, SignatureFault) else rulings.like(question, target, result)


def _judge(subject: Subject, rulings: Rulings, rows: dict[Digest, Found]) -> JudgedSubject:
    signed = [rows.get(signature.digest) for signature in subject.signatures]
    findings: list[Outcome | SignatureFault] = [found[1] if found else NOT_EXAMINED for found in signed]
    verdict = verdict_on(subject, rulings, findings)
    deciding = signed[verdict.deciding] if verdict.deciding is not None and verdict.deciding < len(signed) else None
    return JudgedSubject(
        subject=subject,
        verdict=verdict,
        signatures=tuple(
            JudgedRow(row, _outcome(rulings, finding), question) for row, finding, question, _ in filter(None, signed)
        ),
        question=questions.of_artifact(subject, [found and (found[2], found[0].chain_id) for found in signed]),
        course=questions.of_artifact(subject, [found and (found[3], found[0].chain_id) for found in signed]),
        chain=deciding[0].chain_id if deciding else None,
        resting=resting_of(deciding[1]) if deciding else {},
    )


def verdict_on(subject: Subject, rulings: Rulings, findings: Sequence[Outcome | SignatureFault]) -> ArtifactVerdict:
    """The word of a subject whose listed signatures were found to be these."""
    verdict = rulings.artifact(subject.listing, findings)
    if verdict.word.is_green:
        return verdict
    all_findings = [*findings, *unread(subject.faults, subject.digest, subject.listing)]
    return not_to_be_had(subject.manifest, subject.faults) or rulings.artifact(subject.listing, all_findings)


def _outcome(rulings: Rulings, finding: Outcome | SignatureFault) -> Outcome:
    return rulings.of_fault(finding) if isinstance(finding, SignatureFault) else finding
