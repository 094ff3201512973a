"""What the API says of each kind of thing; names that a registry gave are text, never markup."""

from django.urls import reverse
from rest_framework import serializers

from dashboard.judged_report import report_of
from dashboard.trust_pages import Reading, StatementRow, Store
from dashboard.verify_report import as_json
from dashboard.work import RegistryRow
from trust.models import ArtifactStatus
from trust.notary.certificates import Certificate
from trust.on_the_spot import JudgedArtifact, JudgedSignature


class ArtifactSerializer(serializers.ModelSerializer[ArtifactStatus]):
    """One row of the list of artifacts; `status` is the word at the time of reading."""

    repository = serializers.CharField(source="repository.name")
    repository_id = serializers.IntegerField()
    registry = serializers.CharField(source="repository.registry.reference_name")
    registry_id = serializers.IntegerField(source="repository.registry_id")
    reference = serializers.CharField(source="repository.reference")
    digest = serializers.CharField(source="manifest_id")
    status = serializers.CharField(source="word_now")
    last_status = serializers.CharField(source="word")
    green_until = serializers.DateTimeField(source="holds_until", allow_null=True)
    referrers = serializers.JSONField(source="counts")
    covered_by = serializers.SerializerMethodField()
    trust = serializers.SerializerMethodField()

    class Meta:
        model = ArtifactStatus
        fields = (
            "registry", "registry_id", "repository", "repository_id", "reference", "tags", "digest", "status",
            "last_status", "reason", "message", "signer", "statement", "revision", "green_until", "judged_at",
            "listed_at", "changed_at", "since", "referrers", "covered_by", "signature_withdrawn", "tag_moved_back",
            "cosign", "trust",
        )  # fmt: skip

    def get_covered_by(self, row: ArtifactStatus) -> str | None:
        """The index that covers it and is green now."""
        return str(row.covered_by) if row.covered_by and vars(row)["covered_now"] else None

    def get_trust(self, row: ArtifactStatus) -> str:
        path = reverse("api_artifact_trust", args=[row.repository_id, row.manifest_id])
        return self.context["request"].build_absolute_uri(path)  # type: ignore[no-any-return]


def registry_as_json(row: RegistryRow) -> dict[str, object]:
    """A registry, and how indexing goes."""
    return {
        "id": row.registry.pk,
        "reference_name": row.registry.reference_name,
        "address": row.registry.address,
        "source": row.registry.source,
        "product": row.registry.vendor,
        "condition": row.condition.word.lower(),
        "error": row.error,
        "repositories": row.progress.repositories,
        "waiting": row.progress.waiting,
        "running": row.progress.running,
        "failing": row.progress.failing,
        "artifacts": row.artifacts,
        "indexed_at": row.progress.last_indexed,
    }


def trust_as_json(judged: JudgedArtifact) -> dict[str, object]:
    """The schema of docs/verify.md, and what a database knows beyond a layout: when it was listed, under what."""
    listing = judged.listing
    return as_json(report_of(judged)) | {
        "at": judged.at,
        "revision": judged.revision.number if judged.revision else None,
        "listing": {
            "checked_at": listing.checked_at,
            "recent_until": listing.recent_until,
            "complete": listing.complete,
            "source": listing.source,
            "error": listing.error,
        }
        if listing
        else None,
    }


def signature_as_json(judged: JudgedSignature) -> dict[str, object]:
    """What one signature says and who made it; nothing is vouched for unless `integrity` is true."""
    evidence = judged.evidence
    signed = evidence.signed if evidence else None
    chain = (evidence.chain or evidence.unverified_chain) if evidence else ()
    return {
        "manifest": str(judged.manifest.digest),
        "envelope": str(judged.row.envelope) if judged.row.envelope else None,
        "media_type": judged.row.media_type,
        "status": judged.finding.word,
        "reason": judged.finding.reason,
        "message": judged.finding.message,
        "integrity": signed is not None,
        "scheme": signed.scheme if signed else None,
        "algorithm": signed.algorithm if signed else None,
        "signing_time": (signed.authentic_signing_time or signed.signing_time) if signed else None,
        "signing_time_is_authentic": bool(signed and signed.authentic_signing_time),
        "expiry": signed.expiry if signed else None,
        "target": str(signed.target.target.digest) if signed and signed.target else None,
        "user_metadata": dict(signed.target.annotations) if signed and signed.target else {},
        "certificates": [certificate_as_json(certificate) for certificate in chain],
    }


def certificate_as_json(certificate: Certificate) -> dict[str, object]:
    return {
        "thumbprint": certificate.thumbprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key": certificate.key,
    }


def revision_as_json(reading: Reading, stores: list[Store]) -> dict[str, object]:
    """A revision as its reader may see it."""
    revision = reading.revision
    return {
        "number": revision.number,
        "fingerprint": revision.fingerprint,
        "author": revision.author_name,
        "reason": revision.reason,
        "created_at": revision.created_at,
        "statements": [_statement_as_json(row) for row in reading.statements],
        "hidden_statements": reading.hidden_statements,
        "blob_statements": [
            _statement_as_json(row) | {"global": row.statement.is_global} for row in reading.blob_statements
        ],
        "stores": [
            {
                "type": store.type,
                "name": store.name,
                "used_by": store.used_by,
                "files": [
                    {"name": file.name, "certificates": [certificate_as_json(one) for one in file.certificates]}
                    for file in store.files
                ],
            }
            for store in stores
        ],
        "warnings": reading.warnings,
    }


def _statement_as_json(row: StatementRow) -> dict[str, object]:
    statement = row.statement
    return {
        "name": statement.name,
        "scopes": row.scopes,
        "hidden_scopes": row.hidden_scopes,
        "level": statement.level.name,
        "actions": {validation.value: action.value for validation, action in statement.level.actions.items()},
        "verify_timestamp": statement.verify_timestamp,
        "trust_stores": [str(store) for store in statement.trust_stores],
        "trusted_identities": statement.trusted_identities,
    }
