"""The endpoints of the API, one line each; all of them only read."""

from django.urls import path

from dashboard.api import certificates, coverage, drafts, past, records, views

urlpatterns = [
    path("overview", records.overview, name="api_overview"),
    path("artifacts", views.artifacts, name="api_artifacts"),
    path("repositories/<int:repository_id>/<digest:digest>/trust", views.trust, name="api_artifact_trust"),
    path(
        "repositories/<int:repository_id>/<digest:digest>/signatures", views.signatures, name="api_artifact_signatures"
    ),
    path("repositories/<int:repository_id>/<digest:digest>/history", past.history, name="api_artifact_history"),
    path("registries", views.registries, name="api_registries"),
    path("trust-revisions/active", views.trust_revision, name="api_trust_revision"),
    path("trust-revisions/<int:number>", views.trust_revision, name="api_numbered_trust_revision"),
    path("trust-drafts/<int:draft_id>/changes", drafts.changes, name="api_draft_changes"),
    path("trust-drafts/<int:draft_id>/coverage", coverage.of_draft, name="api_draft_coverage"),
    path("certificates", certificates.certificates, name="api_certificates"),
    path("certificates/<thumbprint:thumbprint>", certificates.certificate, name="api_certificate"),
    path(
        "certificates/<thumbprint:thumbprint>/turning",
        certificates.certificate_turning,
        name="api_certificate_turning",
    ),
    path("forecast", certificates.forecast, name="api_forecast"),
    path("forecast/<slug:key>", certificates.deadline, name="api_deadline"),
    path("trust-revisions/active/coverage", coverage.coverage, name="api_trust_coverage"),
    path("activity", records.activity, name="api_activity"),
    path("audit", records.audit_record, name="api_audit"),
]
