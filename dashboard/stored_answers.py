"""What `manage.py verify` takes from the database: the active revision, and artifacts of connected registries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from dashboard.judged_report import report_of
from dashboard.revocation_now import ask_now, lacking
from dashboard.verify_report import Report
from registries.models import Manifest, Repository, Tag
from registries.oci.digest import Digest
from registries.oci.reference import Reference
from trust import revisions, revocation
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.notation_verdict import notation_verdict
from trust.notary.revocation import RevocationAnswers
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.on_the_spot import JudgedArtifact
from trust.rulings import NO_POLICY_MESSAGE
from trust.verification import judge_artifact

NO_BLOB_POLICY_MESSAGE = "There is no blob trust policy."


class NotStoredError(Exception):
    """The database does not hold what was asked for; the text says what to do."""


def active_material() -> tuple[TrustPolicy, TrustStores]:
    """The policy and the stores of the active revision."""
    revision = revisions.active()
    if revision is None:
        raise NotStoredError(f"{NO_POLICY_MESSAGE} Upload one, or give --policy and --trust-store.")
    material = revisions.material(revision)
    return material.policy, material.stores


def active_blob_material() -> tuple[BlobTrustPolicy, TrustStores]:
    """The blob policy and the stores of the active revision."""
    revision = revisions.active()
    blob_policy = revisions.material(revision).blob_policy if revision else None
    if revision is None or blob_policy is None:
        raise NotStoredError(f"{NO_BLOB_POLICY_MESSAGE} Upload one, or give --policy and --trust-store.")
    return blob_policy, revisions.material(revision).stores


def stored_report(
    reference: Reference, at: datetime, metadata: Mapping[str, str], max_signatures: int, *, offline: bool
) -> Report:
    """The report on an artifact as it was last indexed, by the active revision."""
    repository, digest = find_stored(reference)
    try:
        judged = judge_artifact(repository, digest, at, metadata)
        if not offline and (answers := _asked_now(judged)):
            judged = judge_artifact(repository, digest, at, metadata, answers)
        report = report_of(judged)
    except Manifest.DoesNotExist as error:
        raise NotStoredError(f"{reference.name} has no {digest}, as far as it was indexed.") from error
    outcomes = [signature.outcome for signature in report.signatures]
    notation = notation_verdict(outcomes, max_signatures, choice=report.choice)
    return replace(report, reference=str(reference), notation=notation)


def _asked_now(judged: JudgedArtifact) -> RevocationAnswers | None:
    """The stored answers that hold, with those that were missing; None where none was. Chains that nobody trusts miss none."""
    examined = [(one.evidence.chain, one.outcome) for one in judged.signatures if one.evidence]
    missing = {lacks: None for chain, outcome in examined for lacks in lacking(chain, outcome)}
    if not missing:
        return None
    chains = {one for chain, outcome in examined for one in (chain, outcome.authentic_time.chain)}
    return ask_now(missing, judged.at, revocation.answers_of(chains).holding(judged.at))


def _repository(reference: Reference) -> Repository:
    repositories = Repository.objects.select_related("registry")
    found = repositories.filter(registry__reference_name=reference.registry, name=reference.repository).first()
    if found is None:
        raise NotStoredError(f"No connected registry has {reference.name}; a layout is named by its path.")
    return found


def _tagged(repository: Repository, reference: Reference) -> Digest:
    if reference.tag is None:
        raise NotStoredError(f"Say which artifact of {reference.name} is meant: {reference.name}:TAG or @DIGEST.")
    tag = Tag.objects.filter(repository=repository, name=reference.tag, gone_at=None).first()
    if tag is None:
        raise NotStoredError(f"{reference.name} has no tag {reference.tag}, as far as it was indexed.")
    return tag.digest


def find_stored(reference: Reference) -> tuple[Repository, Digest]:
    """The artifact that a reference of a connected registry means, as far as it was indexed."""
    repository = _repository(reference)
    return repository, reference.digest or _tagged(repository, reference)
