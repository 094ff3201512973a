"""What people call the formats of artifacts, told from media types, annotations and, where these are vague, the content."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from registries.oci import media_types, strict_json
from registries.oci.media_types import Kind

# Beginnings of media types of artifacts, configs and layers; the first that fits decides.
NAMES: tuple[tuple[str, str], ...] = (
    (media_types.NOTARY_SIGNATURE + ".dm-verity", "dm-verity signature"),
    (media_types.NOTARY_SIGNATURE, "notation"),
    (media_types.NOTARY_ALPHA, "notation before 1.0"),
    (media_types.NV2_SIGNATURE, "Notary v2 prototype"),
    ("application/vnd.cncf.notary.payload", "notation payload"),
    ("application/vnd.dev.cosign.", "cosign"),
    ("application/vnd.dev.sigstore.bundle", "Sigstore bundle"),
    ("application/vnd.dsse.envelope", "DSSE envelope"),
    ("application/vnd.in-toto", "in-toto statement"),
    ("application/vnd.docker.attestation.manifest", "BuildKit attestation"),
    ("application/vnd.slsa.provenance", "SLSA provenance"),
    ("application/slsa.provenance", "SLSA provenance"),
    ("application/spdx", "SPDX"),
    ("text/spdx", "SPDX"),
    ("application/vnd.cyclonedx", "CycloneDX"),
    ("application/vnd.syft", "Syft"),
    ("application/vnd.goharbor.harbor.sbom", "Harbor SBOM"),
    ("application/vnd.aquasecurity.trivy.report.sarif", "SARIF by Trivy"),
    ("application/sarif", "SARIF"),
    ("application/vnd.aquasecurity.trivy", "Trivy"),
    ("application/vnd.security.vulnerability.report", "Harbor vulnerability report"),
    ("application/vnd.scanner.adapter.vuln.report", "Harbor vulnerability report"),
    ("application/vnd.snyk", "Snyk"),
    ("application/vnd.anchore.grype", "Grype"),
    ("application/vnd.grype", "Grype"),
    ("application/vnd.openvex", "OpenVEX"),
    ("application/vnd.cncf.helm", "Helm"),
    ("application/vnd.wasm", "WebAssembly"),
    ("application/wasm", "WebAssembly"),
    ("application/vnd.cnab", "CNAB"),
    ("application/vnd.buildkit.cacheconfig", "BuildKit cache"),
    ("application/vnd.cncf.openpolicyagent", "Open Policy Agent"),
    ("application/vnd.opcr.policy", "Open Policy Agent"),
    ("application/vnd.cncf.kyverno", "Kyverno"),
    ("application/vnd.docker.distribution.manifest.v1+", "Docker schema 1: legacy, not verifiable"),
)
PREDICATES: tuple[tuple[str, str], ...] = (
    ("https://slsa.dev/provenance/v0.2", "SLSA provenance 0.2"),
    ("https://slsa.dev/provenance/v1", "SLSA provenance 1"),
    ("https://slsa.dev/provenance", "SLSA provenance"),
    ("https://slsa.dev/verification_summary", "SLSA verification summary"),
    ("https://spdx.dev/Document", "SPDX in in-toto"),
    ("https://cyclonedx.org/bom", "CycloneDX in in-toto"),
    ("https://openvex.dev/ns", "OpenVEX in in-toto"),
    ("https://cosign.sigstore.dev/attestation/vuln", "cosign vulnerability report"),
    ("https://cosign.sigstore.dev/attestation", "cosign attestation"),
    ("https://in-toto.io/attestation/vulns", "in-toto vulnerability report"),
    ("https://sigstore.dev/cosign/sign", "cosign"),
)
# Types that many formats share: only the content tells.
_VAGUE = (
    "application/json",
    "application/octet-stream",
    "text/plain",
    "application/vnd.in-toto",
    "application/vnd.dsse.envelope",
    "application/vnd.dev.sigstore.bundle",
)
_ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
_FOREIGN_LAYERS = (".foreign.", ".nondistributable.")


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its content."""

    name: str
    kind: Kind


def name_of(media_type: str) -> str:
    """What people call a media type; empty if nobody gave it a name."""
    lowered = media_type.lower()
    return next((name for prefix, name in NAMES if lowered.startswith(prefix)), "")


def name_of_manifest(
    media_type: str,
    *,
    artifact_type: str = "",
    layers: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
    layer_annotations: Sequence[Mapping[str, str]] = (),
) -> str:
    """What people call a manifest by what it says of itself; empty where that is nothing particular."""
    claims = {name: text for source in (*layer_annotations, annotations or {}) for name, text in source.items()}
    predicate = media_types.predicate_of(claims)
    by_predicate = next((name for prefix, name in PREDICATES if predicate.startswith(prefix)), "")
    if claims.get("vnd.docker.reference.type") == "attestation-manifest":
        return ", ".join(filter(None, ("BuildKit attestation", by_predicate)))
    if by_predicate:
        return by_predicate
    own = name_of(media_type) or name_of(artifact_type)
    if own and own not in ("DSSE envelope", "in-toto statement"):
        return own
    found = {name_of(layer) for layer in layers}
    if len(found) == 1 and (name := found.pop()):
        return name
    if any(_ESTARGZ in described for described in layer_annotations):
        return "eStargz"
    if any(mark in layer for layer in layers for mark in _FOREIGN_LAYERS):
        return "with layers that lie elsewhere"
    return own


def is_vague(media_type: str) -> bool:
    """Whether only the content says what a blob of this type is."""
    return media_type.lower().startswith(_VAGUE)


def sniff(content: bytes) -> Format | None:
    """The format of a document by its content; None where it is none that we know. Says nothing about its truth."""
    if content[:64].lstrip().startswith(b"SPDXVersion:"):
        return Format("SPDX", Kind.sbom)
    try:
        document = strict_json.loads(content)
    except strict_json.StrictJsonError:
        return None
    if not isinstance(document, dict):
        return None
    return _wrapped(document) or next((found for fits, found in _SHAPES if fits(document)), None)


def _wrapped(document: Mapping[str, object]) -> Format | None:
    """What an in-toto statement attests, bare or inside a DSSE envelope or a Sigstore bundle."""
    if "messageSignature" in document and "verificationMaterial" in document:
        return Format("Sigstore bundle", Kind.signature)
    envelope = document.get("dsseEnvelope")
    if isinstance(envelope, dict):
        return _wrapped(envelope) or Format("Sigstore bundle", Kind.attestation)
    payload = document.get("payload")
    if isinstance(payload, str) and "payloadType" in document:
        try:
            statement = strict_json.loads(base64.b64decode(payload, validate=True))
        except (binascii.Error, ValueError):
            statement = None
        inner = _statement(statement) if isinstance(statement, dict) else None
        return inner or Format("DSSE envelope", Kind.attestation)
    return _statement(document)


def _statement(document: Mapping[str, object]) -> Format | None:
    if not _text(document, "_type").startswith("https://in-toto.io/Statement/"):
        return None
    predicate = _text(document, "predicateType")
    name = next((name for prefix, name in PREDICATES if predicate.startswith(prefix)), "in-toto statement")
    kind = media_types.kind_of_predicate(predicate) or Kind.attestation
    return Format(name, Kind.attestation if kind is Kind.signature else kind)


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _inner(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


_SHAPES: tuple[tuple[Callable[[Mapping[str, object]], bool], Format], ...] = (
    (lambda found: _text(found, "spdxVersion").startswith("SPDX-"), Format("SPDX", Kind.sbom)),
    (lambda found: "spdx.org/rdf/3" in str(found.get("@context"))[:1000], Format("SPDX 3", Kind.sbom)),
    (lambda found: _text(found, "bomFormat") == "CycloneDX" and _has_analysis(found), Format("CycloneDX VEX", Kind.scan)),
    (lambda found: _text(found, "bomFormat") == "CycloneDX", Format("CycloneDX", Kind.sbom)),
    (lambda found: "anchore/syft" in _text(_inner(found, "schema"), "url"), Format("Syft", Kind.sbom)),
    (lambda found: _text(found, "version").startswith("2.1.") and "runs" in found, Format("SARIF", Kind.scan)),
    (lambda found: "SchemaVersion" in found and ("Results" in found or "ArtifactName" in found), Format("Trivy", Kind.scan)),
    (lambda found: "matches" in found and _text(_inner(found, "descriptor"), "name") == "grype", Format("Grype", Kind.scan)),
    (lambda found: "vulnerabilities" in found and "packageManager" in found, Format("Snyk", Kind.scan)),
    (lambda found: "openvex.dev/ns" in _text(found, "@context"), Format("OpenVEX", Kind.scan)),
    (lambda found: _text(_inner(found, "document"), "category") == "csaf_vex", Format("CSAF VEX", Kind.scan)),
)  # fmt: skip


def _has_analysis(document: Mapping[str, object]) -> bool:
    """Whether a CycloneDX document says which vulnerabilities matter: then it is a VEX."""
    entries = document.get("vulnerabilities")
    return isinstance(entries, list) and any(isinstance(entry, dict) and "analysis" in entry for entry in entries[:100])
