"""Media types that we recognise, and the kinds of artifact that they stand for."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"  # of release candidate 1 of OCI 1.1, then withdrawn
ORAS_ARTIFACT = "application/vnd.cncf.oras.artifact.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
NOTARY_SIGNATURE = "application/vnd.cncf.notary.signature"
NOTARY_ALPHA = "application/vnd.cncf.notary.v2.signature"  # of notation 0.7 to 0.12
NV2_SIGNATURE = "application/vnd.cncf.notary.config.v2+jwt"  # of the prototype before it; the type of a config
LEGACY_SIGNATURES = frozenset({NOTARY_ALPHA, NV2_SIGNATURE})

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ARTIFACTS = frozenset({OCI_ARTIFACT, ORAS_ARTIFACT})
SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})
MANIFESTS = INDEXES | IMAGES | ARTIFACTS | SCHEMA1

# Docker's registry answers "not found" for an OCI manifest unless the OCI types are named.
MANIFEST_ACCEPT = ", ".join((
    OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, OCI_ARTIFACT, ORAS_ARTIFACT,
    DOCKER_SCHEMA1_SIGNED + ";q=0.2", DOCKER_SCHEMA1 + ";q=0.1",
))  # fmt: skip


class Kind(StrEnum):
    """What an artifact is for, in a word that pages and filters use."""

    image = "image"
    index = "index"  # type: ignore[assignment]  # hides str.index, which nobody asks of a kind
    signature = "signature"
    sbom = "sbom"
    scan = "scan"
    provenance = "provenance"
    attestation = "attestation"
    chart = "chart"
    policy = "policy"
    module = "module"
    bundle = "bundle"
    cache = "cache"
    other = "other"


# Beginnings of artifact, config and layer media types; the first that fits decides.
_TYPES: tuple[tuple[str, Kind], ...] = (
    (NOTARY_SIGNATURE + ".", Kind.other),  # dm-verity signatures: shown, not a signature of the artifact
    (NOTARY_SIGNATURE, Kind.signature),
    (NOTARY_ALPHA, Kind.signature),
    (NV2_SIGNATURE, Kind.signature),
    ("application/vnd.dev.cosign.artifact.sig.", Kind.signature),
    ("application/vnd.dev.cosign.simplesigning.", Kind.signature),
    ("application/vnd.dev.cosign.artifact.sbom.", Kind.sbom),
    ("application/spdx", Kind.sbom),
    ("text/spdx", Kind.sbom),
    ("application/vnd.cyclonedx", Kind.sbom),
    ("application/vnd.syft", Kind.sbom),
    ("application/vnd.goharbor.harbor.sbom", Kind.sbom),
    ("application/sarif", Kind.scan),
    ("application/vnd.aquasecurity.trivy", Kind.scan),
    ("application/vnd.security.vulnerability.report", Kind.scan),
    ("application/vnd.scanner.adapter.vuln.report", Kind.scan),
    ("application/vnd.openvex", Kind.scan),
    ("application/vnd.snyk", Kind.scan),
    ("application/vnd.anchore.grype", Kind.scan),
    ("application/vnd.grype", Kind.scan),
    ("application/vnd.slsa.provenance", Kind.provenance),
    ("application/slsa.provenance", Kind.provenance),
    ("application/vnd.in-toto", Kind.attestation),
    ("application/vnd.dsse.envelope", Kind.attestation),
    ("application/vnd.dev.sigstore.bundle", Kind.attestation),
    ("application/vnd.docker.attestation.manifest", Kind.attestation),
    ("application/vnd.cncf.helm.config", Kind.chart),
    ("application/vnd.cncf.helm.chart.content", Kind.chart),
    ("application/vnd.cncf.openpolicyagent", Kind.policy),
    ("application/vnd.cncf.kyverno", Kind.policy),
    ("application/vnd.opcr.policy", Kind.policy),
    ("application/vnd.wasm", Kind.module),
    ("application/wasm", Kind.module),
    ("application/vnd.cnab", Kind.bundle),
    ("application/vnd.buildkit.cacheconfig", Kind.cache),
    (OCI_CONFIG, Kind.image),
    (DOCKER_CONFIG, Kind.image),
)

_PREDICATES: tuple[tuple[str, Kind], ...] = (
    ("https://slsa.dev/provenance", Kind.provenance),
    ("https://spdx.dev/Document", Kind.sbom),
    ("https://cyclonedx.org/bom", Kind.sbom),
    ("https://cosign.sigstore.dev/attestation/vuln", Kind.scan),
    ("https://in-toto.io/attestation/vulns", Kind.scan),
    ("https://openvex.dev/ns", Kind.scan),
    ("https://sigstore.dev/cosign/sign", Kind.signature),
)
_PREDICATE_ANNOTATIONS = ("dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type", "predicateType")
_WORDS = (
    ("sbom", Kind.sbom),
    ("vulnerab", Kind.scan),
    ("scan", Kind.scan),
    ("provenance", Kind.provenance),
    ("attestation", Kind.attestation),
)


def essence(media_type: str) -> str:
    """A media type without parameters and in lower case, for comparing with a Content-Type header."""
    return media_type.partition(";")[0].strip().lower()


def kind_of(
    media_type: str,
    *,
    artifact_type: str = "",
    config: str = "",
    layers: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
    layer_annotations: Sequence[Mapping[str, str]] = (),
) -> Kind:
    """The kind of a manifest by what it says of itself: its type, its config's, its layers', its annotations."""
    claims = {name: text for source in (*layer_annotations, annotations or {}) for name, text in source.items()}
    if media_type in INDEXES and not artifact_type:
        return Kind.index
    if media_type in SCHEMA1:
        return Kind.image
    if claims.get("vnd.docker.reference.type") == "attestation-manifest":
        return _refined(Kind.attestation, claims)
    kinds = set(map(_kind_of_type, layers))
    for name in (artifact_type, config):
        kind = _kind_of_type(name) if name and name != OCI_EMPTY else None
        if kind is Kind.image and kinds == {Kind.attestation}:  # BuildKit's older attestation manifests
            kind = Kind.attestation
        if kind:
            return _refined(kind, claims)
    found = next(iter(kinds)) if len(kinds) == 1 else None
    if found and found is not Kind.image:
        return _refined(found, claims)
    return _kind_by_word(artifact_type) or (Kind.index if media_type in INDEXES else Kind.other)


def _kind_of_type(name: str) -> Kind | None:
    lowered = name.lower()
    return next((kind for prefix, kind in _TYPES if lowered.startswith(prefix)), None)


def _kind_by_word(name: str) -> Kind | None:
    lowered = name.lower()
    return next((kind for word, kind in _WORDS if word in lowered), None)


def _refined(kind: Kind, claims: Mapping[str, str]) -> Kind:
    """An attestation by what it attests, as far as its annotations say."""
    if kind is not Kind.attestation:
        return kind
    if claims.get("dev.sigstore.bundle.content") == "message-signature":
        return Kind.signature
    return kind_of_predicate(predicate_of(claims)) or kind


def predicate_of(claims: Mapping[str, str]) -> str:
    """The predicate type that annotations name; empty if they name none."""
    return next((claims[name] for name in _PREDICATE_ANNOTATIONS if claims.get(name)), "")


def kind_of_predicate(predicate: str) -> Kind | None:
    """What an in-toto statement of this predicate type is for."""
    return next((found for prefix, found in _PREDICATES if predicate.startswith(prefix)), None)
