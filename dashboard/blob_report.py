"""The answer about a blob in the form in which `manage.py verify` reports an artifact."""

from dashboard.verify_report import JudgedSignature, Report
from registries.oci.digest import Digest
from trust.blobs import JudgedBlob
from trust.notary.blob import Blob, hash_of
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import Evidence
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.statuses import artifact_status


def blob_report(reference: str, judged: JudgedBlob) -> Report:
    """The report; `reference` is how the blob was named."""
    return Report(
        reference=reference,
        digest=_digest(judged.blob, judged.evidence),
        choice=judged.choice,
        verdict=artifact_status([judged.outcome], True, judged.choice),
        notation=judged.notation,
        signatures=(_signature(judged.evidence, judged.outcome),),
    )


def refused_report(reference: str, blob: Blob, evidence: Evidence, refusal: TrustPolicyError) -> Report:
    """The report where the blob trust policy was refused: nothing was judged."""
    fault = SignatureFault(Word.not_checked, "policy_refused", str(refusal))
    return Report.refused(reference, _digest(blob, evidence), refusal, [_signature(evidence, fault)])


def _digest(blob: Blob, evidence: Evidence) -> Digest:
    """The digest by which the signature names its blob; another that is known where that is not."""
    return blob.digest_by(hash_of(evidence)) or blob.digests[0]


def _signature(evidence: Evidence, outcome: Outcome | SignatureFault) -> JudgedSignature:
    scheme = evidence.signed.scheme if evidence.signed else ""
    return JudgedSignature(evidence.envelope, evidence.media_type, scheme, outcome)
