"""Every page and endpoint, one line each."""

from django.urls import include, path, register_converter

from dashboard.views import (
    activity,
    artifacts,
    audit,
    blob_policy,
    blobs,
    coverage,
    endpoints,
    health,
    login,
    overview,
    past,
    registries,
    repositories,
    signatures,
    trust_policy,
    trust_stores,
)
from registries.converters import DigestConverter

register_converter(DigestConverter, "digest")

artifact_pages = [
    path("", artifacts.artifact, name="artifact"),
    path("check/", artifacts.check, name="artifact_check"),
    path("export.tar", artifacts.export, name="artifact_export"),
    path("tree/", artifacts.tree, name="artifact_tree"),
    path("manifest/", artifacts.manifest, name="artifact_manifest"),
    path("history/", past.history, name="artifact_history"),
    path("manifest/raw/", artifacts.manifest_raw, name="artifact_manifest_raw"),
    path("signatures/<digest:signature>/", signatures.signature, name="signature"),
]

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("artifacts/", artifacts.artifacts, name="artifacts"),
    path("repositories/<int:repository_id>/", repositories.repository, name="repository"),
    path("repositories/<int:repository_id>/index/", repositories.index_now, name="repository_index"),
    path("repositories/<int:repository_id>/put-back/", repositories.put_back, name="repository_put_back"),
    path("repositories/<int:repository_id>/<digest:digest>/", include(artifact_pages)),
    path("registries/", registries.registries, name="registries"),
    path("registries/add/", registries.add, name="registry_add"),
    path("registries/<int:registry_id>/", registries.registry, name="registry"),
    path("registries/<int:registry_id>/edit/", registries.edit, name="registry_edit"),
    path("registries/<int:registry_id>/disconnect/", registries.disconnect, name="registry_disconnect"),
    path("registries/<int:registry_id>/test/", registries.test, name="registry_test"),
    path("registries/<int:registry_id>/index/", registries.index_now, name="registry_index"),
    path("registries/<int:registry_id>/endpoints/add/", endpoints.create, name="endpoint_add"),
    path("registries/<int:registry_id>/endpoints/<int:endpoint_id>/revoke/", endpoints.revoke, name="endpoint_revoke"),
    path("hooks/<uuid:public_id>/", endpoints.hook, name="hook"),
    path("hooks/<uuid:public_id>/<str:secret>/", endpoints.hook, name="hook_with_secret"),
    path("trust-policy/", trust_policy.trust_policy, name="trust_policy"),
    path("trust-policy/coverage/", coverage.coverage, name="trust_coverage"),
    path("trust-policy/upload/", trust_policy.upload, name="trust_policy_upload"),
    path("trust-policy/<int:number>/", trust_policy.revision, name="trust_revision"),
    path("trust-policy/<int:number>/trustpolicy.oci.json", trust_policy.document, name="trust_policy_document"),
    path("trust-policy/blobs/upload/", blob_policy.upload, name="blob_policy_upload"),
    path("trust-policy/<int:number>/trustpolicy.blob.json", blob_policy.document, name="blob_policy_document"),
    path("verify-blob/", blobs.verify_blob, name="verify_blob"),
    path("trust-stores/", trust_stores.trust_stores, name="trust_stores"),
    path("trust-stores/upload/", trust_stores.upload, name="trust_stores_upload"),
    path("trust-stores/remove/", trust_stores.remove, name="trust_stores_remove"),
    path("activity/", activity.activity, name="activity"),
    path("audit/", audit.audit, name="audit"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("welcome/<str:token>/", login.welcome, name="welcome"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include("dashboard.api.urls")),
]
