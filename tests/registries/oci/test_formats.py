"""Every format of the field is named and told what it is for; what nobody named is shown as it is."""

import base64
import json

import pytest

from registries.oci import formats
from registries.oci.formats import Format, name_of, name_of_manifest, sniff
from registries.oci.manifest import parse_manifest
from registries.oci.media_types import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, ORAS_ARTIFACT, Kind
from tests.simulators.images import descriptor

IMAGE = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INTOTO = "application/vnd.in-toto+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
NOTARY = "application/vnd.cncf.notary.signature"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUILDKIT = {"vnd.docker.reference.type": "attestation-manifest"}


def manifest(
    artifact_type="", config=OCI_EMPTY, layers=("application/x",), annotations=None, layer_annotations=None, **more
):
    fields = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(b"{}", config),
        "layers": [descriptor(b"x", layer, annotations=layer_annotations or {}) for layer in layers],
        "annotations": annotations or {},
    }
    if artifact_type:
        fields["artifactType"] = artifact_type
    return parse_manifest(json.dumps(fields | more).encode())


def told(found):
    return found.kind, name_of_manifest(
        found.media_type,
        artifact_type=found.artifact_type,
        layers=[layer.media_type for layer in found.layers],
        annotations=found.annotations,
        layer_annotations=[layer.annotations for layer in found.layers],
    )


def predicate(name):
    return {"predicateType": name}


TABLE = [
    # signatures and attestations
    (Kind.signature, "notation", {"artifact_type": NOTARY, "layers": ["application/jose+json"]}),
    (Kind.signature, "notation", {"config": NOTARY, "layers": ["application/cose"]}),
    (Kind.other, "dm-verity signature", {"artifact_type": NOTARY + ".dm-verity"}),
    (Kind.signature, "notation before 1.0", {"config": "application/vnd.cncf.notary.v2.signature"}),
    (Kind.signature, "Notary v2 prototype", {"config": "application/vnd.cncf.notary.config.v2+jwt"}),
    (Kind.signature, "cosign", {"config": "application/vnd.dev.cosign.artifact.sig.v1+json", "layers": [SIMPLE]}),
    (
        Kind.signature,
        "Sigstore bundle",
        {"artifact_type": BUNDLE, "annotations": {"dev.sigstore.bundle.content": "message-signature"}},
    ),
    (Kind.attestation, "Sigstore bundle", {"artifact_type": BUNDLE}),
    (Kind.attestation, "Sigstore bundle", {"artifact_type": "application/vnd.dev.sigstore.bundle+json;version=0.2"}),
    (
        Kind.provenance,
        "SLSA provenance 1",
        {
            "artifact_type": BUNDLE,
            "annotations": {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"},
        },
    ),
    (Kind.attestation, "in-toto statement", {"artifact_type": INTOTO, "layers": [INTOTO]}),
    (Kind.attestation, "DSSE envelope", {"artifact_type": INTOTO, "layers": [DSSE]}),
    (
        Kind.provenance,
        "SLSA provenance 0.2",
        {"layers": [DSSE], "layer_annotations": predicate("https://slsa.dev/provenance/v0.2")},
    ),
    (Kind.sbom, "SPDX in in-toto", {"layers": [DSSE], "layer_annotations": predicate("https://spdx.dev/Document")}),
    (
        Kind.sbom,
        "CycloneDX in in-toto",
        {"layers": [DSSE], "layer_annotations": predicate("https://cyclonedx.org/bom/v1.5")},
    ),
    (
        Kind.scan,
        "OpenVEX in in-toto",
        {"layers": [DSSE], "layer_annotations": predicate("https://openvex.dev/ns/v0.2.0")},
    ),
    (
        Kind.scan,
        "cosign vulnerability report",
        {"layers": [DSSE], "layer_annotations": predicate("https://cosign.sigstore.dev/attestation/vuln/v1")},
    ),
    (
        Kind.attestation,
        "cosign attestation",
        {"layers": [DSSE], "layer_annotations": predicate("https://cosign.sigstore.dev/attestation/v1")},
    ),
    (
        Kind.scan,
        "in-toto vulnerability report",
        {"layers": [INTOTO], "layer_annotations": predicate("https://in-toto.io/attestation/vulns/v0.2")},
    ),
    (Kind.attestation, "in-toto statement", {"config": IMAGE, "layers": [INTOTO]}),
    (
        Kind.attestation,
        "BuildKit attestation",
        {"artifact_type": "application/vnd.docker.attestation.manifest.v1+json"},
    ),
    (Kind.attestation, "BuildKit attestation", {"annotations": BUILDKIT, "config": IMAGE, "layers": [INTOTO]}),
    (
        Kind.provenance,
        "BuildKit attestation, SLSA provenance 1",
        {
            "annotations": BUILDKIT,
            "layers": [INTOTO],
            "layer_annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"},
        },
    ),
    # evidence
    (Kind.sbom, "SPDX", {"artifact_type": "application/spdx+json"}),
    (Kind.sbom, "SPDX", {"layers": ["text/spdx+json"]}),
    (Kind.sbom, "SPDX", {"layers": ["text/spdx"]}),
    (Kind.sbom, "CycloneDX", {"artifact_type": "application/vnd.cyclonedx+json;version=1.6"}),
    (Kind.sbom, "CycloneDX", {"artifact_type": "application/vnd.cyclonedx+xml"}),
    (Kind.sbom, "CycloneDX", {"layers": ["application/vnd.cyclonedx"]}),
    (Kind.sbom, "Syft", {"artifact_type": "application/vnd.syft+json"}),
    (Kind.sbom, "Harbor SBOM", {"artifact_type": "application/vnd.goharbor.harbor.sbom.v1"}),
    (Kind.scan, "SARIF", {"artifact_type": "application/sarif+json"}),
    (Kind.scan, "SARIF by Trivy", {"artifact_type": "application/vnd.aquasecurity.trivy.report.sarif.v1"}),
    (
        Kind.scan,
        "Harbor vulnerability report",
        {"artifact_type": "application/vnd.security.vulnerability.report; version=1.1"},
    ),
    (
        Kind.scan,
        "Harbor vulnerability report",
        {"artifact_type": "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"},
    ),
    (Kind.scan, "OpenVEX", {"artifact_type": "application/vnd.openvex+json"}),
    (Kind.scan, "Snyk", {"artifact_type": "application/vnd.snyk.report+json"}),
    (Kind.provenance, "SLSA provenance", {"artifact_type": "application/vnd.slsa.provenance+json"}),
    # other content
    (Kind.image, "", {"config": IMAGE, "layers": [LAYER]}),
    (Kind.image, "", {"config": "application/vnd.docker.container.image.v1+json", "layers": [LAYER]}),
    (
        Kind.image,
        "eStargz",
        {
            "config": IMAGE,
            "layers": [LAYER],
            "layer_annotations": {"containerd.io/snapshot/stargz/toc.digest": "sha256:x"},
        },
    ),
    (
        Kind.image,
        "with layers that lie elsewhere",
        {"config": IMAGE, "layers": ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"]},
    ),
    (
        Kind.image,
        "with layers that lie elsewhere",
        {"config": IMAGE, "layers": ["application/vnd.oci.image.layer.nondistributable.v1.tar"]},
    ),
    (
        Kind.chart,
        "Helm",
        {
            "config": "application/vnd.cncf.helm.config.v1+json",
            "layers": [
                "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "application/vnd.cncf.helm.chart.provenance.v1.prov",
            ],
        },
    ),
    (Kind.module, "WebAssembly", {"config": "application/vnd.wasm.config.v0+json", "layers": ["application/wasm"]}),
    (
        Kind.module,
        "WebAssembly",
        {"config": "application/vnd.wasm.config.v1+json", "layers": ["application/vnd.wasm.content.layer.v1+wasm"]},
    ),
    (Kind.bundle, "CNAB", {"config": "application/vnd.cnab.config.v1+json"}),
    (Kind.cache, "BuildKit cache", {"config": "application/vnd.buildkit.cacheconfig.v0"}),
    (Kind.policy, "Open Policy Agent", {"config": "application/vnd.cncf.openpolicyagent.config.v1+json"}),
    (Kind.policy, "Kyverno", {"config": "application/vnd.cncf.kyverno.config.v1+json"}),
    # nobody's
    (Kind.other, "", {"artifact_type": "application/vnd.acme.thing"}),
]


@pytest.mark.parametrize(("kind", "name", "facts"), TABLE)
def test_every_format_of_the_field_has_its_kind_and_its_name(kind, name, facts):
    assert told(manifest(**facts)) == (kind, name)


def test_an_index_may_be_a_bundle_and_older_manifest_types_are_told_too():
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    cnab = parse_manifest(json.dumps(index | {"artifactType": "application/vnd.cnab.manifest.v1"}).encode())
    assert told(cnab) == (Kind.bundle, "CNAB")
    assert told(parse_manifest(json.dumps(index).encode())) == (Kind.index, "")
    older = {"mediaType": ORAS_ARTIFACT, "artifactType": NOTARY, "blobs": [descriptor(b"x", "application/jose+json")]}
    assert told(parse_manifest(json.dumps(older).encode())) == (Kind.signature, "notation")
    legacy = json.dumps({"schemaVersion": 1, "name": "a", "fsLayers": []}).encode()
    schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    assert told(parse_manifest(legacy, schema1)) == (Kind.image, "Docker schema 1: legacy, not verifiable")


@pytest.mark.parametrize("name", ["", "application/x", "application/vnd.acme.thing+json", "\u202e", "x" * 10_000])
def test_what_nobody_named_has_no_name(name):
    assert name_of(name) == ""


# content


def dsse(statement):
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": INTOTO, "payload": payload, "signatures": [{"sig": ""}]}


def statement(kind):
    return {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": {}, "subject": []}


CONTENT = [
    ({"spdxVersion": "SPDX-2.3"}, "SPDX", Kind.sbom),
    ({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}, "SPDX 3", Kind.sbom),
    ({"bomFormat": "CycloneDX", "specVersion": "1.5"}, "CycloneDX", Kind.sbom),
    ({"bomFormat": "CycloneDX", "vulnerabilities": [{"analysis": {}}]}, "CycloneDX VEX", Kind.scan),
    ({"schema": {"url": "https://raw.githubusercontent.com/anchore/syft/main/schema.json"}}, "Syft", Kind.sbom),
    ({"version": "2.1.0", "runs": []}, "SARIF", Kind.scan),
    ({"SchemaVersion": 2, "ArtifactName": "a", "Results": []}, "Trivy", Kind.scan),
    ({"matches": [], "descriptor": {"name": "grype"}}, "Grype", Kind.scan),
    ({"vulnerabilities": [], "packageManager": "npm"}, "Snyk", Kind.scan),
    ({"@context": "https://openvex.dev/ns/v0.2.0"}, "OpenVEX", Kind.scan),
    ({"document": {"category": "csaf_vex", "tracking": {"id": "x"}}}, "CSAF VEX", Kind.scan),
    (statement("https://slsa.dev/provenance/v1"), "SLSA provenance 1", Kind.provenance),
    (dsse(statement("https://slsa.dev/provenance/v0.2")), "SLSA provenance 0.2", Kind.provenance),
    (dsse(statement("https://acme.example/own")), "in-toto statement", Kind.attestation),
    (
        {"verificationMaterial": {}, "dsseEnvelope": dsse(statement("https://spdx.dev/Document"))},
        "SPDX in in-toto",
        Kind.sbom,
    ),
    ({"verificationMaterial": {}, "messageSignature": {}}, "Sigstore bundle", Kind.signature),
    (dsse({"other": 1}), "DSSE envelope", Kind.attestation),
    (dsse(statement("https://sigstore.dev/cosign/sign/v1")), "cosign", Kind.attestation),
]


@pytest.mark.parametrize(("document", "name", "kind"), CONTENT)
def test_where_the_type_is_vague_the_content_tells(document, name, kind):
    assert sniff(json.dumps(document).encode()) == Format(name, kind)


def test_a_tag_value_document_is_told_by_its_first_line():
    assert sniff(b"SPDXVersion: SPDX-2.2\nDataLicense: CC0-1.0") == Format("SPDX", Kind.sbom)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"5",
        b"\x00",
        b"[" * 100_000,
        b'{"a":1,"a":2}',
        b'{"payload":5,"payloadType":"x"}',
        b'{"_type":[]}',
        b'{"schema":5,"descriptor":[],"document":null,"@context":{"a":[]},"vulnerabilities":{}}',
        b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><bom/>",
        b'{"bomFormat":"CycloneDX"' + b" " * 1000,
    ],
)
def test_content_that_is_no_format_we_know_is_none(content):
    assert sniff(content) is None


def test_a_payload_that_cannot_be_read_is_an_envelope_and_no_more():
    for payload in ("!", "AAAA", base64.b64encode(b"[" * 10_000).decode()):
        content = json.dumps({"payloadType": INTOTO, "payload": payload}).encode()
        assert sniff(content) == Format("DSSE envelope", Kind.attestation)


@pytest.mark.parametrize(
    ("media_type", "vague"),
    [
        ("application/json", True),
        (INTOTO, True),
        (DSSE, True),
        (BUNDLE, True),
        ("application/spdx+json", False),
        ("application/x", False),
    ],
)
def test_only_types_that_many_formats_share_are_looked_into(media_type, vague):
    assert formats.is_vague(media_type) == vague
