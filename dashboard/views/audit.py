"""Audit: what people did, newest first, with the chain of hashes checked as far as the page reaches."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard import audit as record
from dashboard.models import AuditEntry
from dashboard.requests import Request

ACTIONS = {
    "registry.connected": "Connected a registry",
    "registry.changed": "Changed a connection",
    "registry.disconnected": "Disconnected a registry",
    "registry.index_asked": "Asked for indexing",
    "repository.index_asked": "Asked for indexing",
    "repository.referrers_put_back": "Put back dropped referrers",
    "artifact.pushed": "Pushed an artifact",
    "artifact.push_failed": "Broke off pushing an artifact",
    "endpoint.created": "Made an endpoint",
    "endpoint.revoked": "Revoked an endpoint",
    "trust_revision.policy_uploaded": "Uploaded a trust policy",
    "trust_revision.blob_policy_uploaded": "Uploaded a blob trust policy",
    "trust_revision.blob_policy_removed": "Removed the blob trust policy",
    "trust_revision.certificates_added": "Added certificates",
    "trust_revision.certificates_removed": "Removed certificates",
    "trust_revision.applied": "Applied a draft",
    "trust_draft.begun": "Began a draft",
    "trust_draft.policy_uploaded": "Uploaded a trust policy into a draft",
    "trust_draft.policy_edited": "Edited a policy of a draft",
    "trust_draft.blob_policy_uploaded": "Uploaded a blob trust policy into a draft",
    "trust_draft.blob_policy_removed": "Removed the blob trust policy from a draft",
    "trust_draft.certificates_added": "Added certificates to a draft",
    "trust_draft.certificates_moved": "Moved certificates in a draft",
    "trust_draft.certificates_removed": "Removed certificates from a draft",
    "trust_draft.imported": "Imported a configuration into a draft",
    "trust_draft.rebased": "Rested a draft on the active revision",
    "trust_draft.review_asked": "Asked for review of a draft",
    "trust_draft.approved": "Approved a draft",
    "trust_draft.discarded": "Discarded a draft",
    "trust_draft.revocation_asked": "Asked for revocation ahead of a draft",
    "person.joined": "Joined",
    "person.signed_in": "Signed in",
}


def _details(entry: AuditEntry) -> list[tuple[str, str]]:
    return [(name, _as_text(value)) for name, value in entry.details.items()]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"


@require_safe
@access.admin_required
def audit(request: Request) -> HttpResponse:
    before = record.entry_number(request.GET.get("before", ""))
    page = record.page_before(before)
    context = {
        "at": timezone.now(),
        "entries": [(entry, ACTIONS.get(entry.action, entry.action), _details(entry)) for entry in page.entries],
        "broken": page.broken,
        "older": page.older,
        "paged": before is not None,
        "json_url": reverse("api_audit"),
    }
    return render(request, "dashboard/audit.html", context)
