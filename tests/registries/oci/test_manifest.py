"""Manifests: what they mean, and which are refused."""

import contextlib
import json

import pytest

from registries.oci import media_types
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError
from registries.oci.manifest import MAX_MANIFEST, parse_manifest
from registries.oci.media_types import DOCKER_LIST, OCI_ARTIFACT, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, Kind, kind_of

NOTARY = media_types.NOTARY_SIGNATURE


def descriptor(media_type="application/vnd.oci.image.layer.v1.tar", content=b"x", **more):
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)} | more


def image(**changes):
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [descriptor()],
    } | changes
    return {name: value for name, value in document.items() if value is not ...}


def index(**changes):
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []} | changes


def encoded(document):
    return json.dumps(document).encode()


def test_an_image_manifest_is_what_its_bytes_say():
    subject = descriptor(OCI_MANIFEST, b"subject")
    content = encoded(image(subject=subject, annotations={"a": "b"}))
    manifest = parse_manifest(content, OCI_MANIFEST + "; charset=utf-8")
    assert (manifest.digest, manifest.size, manifest.media_type) == (Digest.of(content), len(content), OCI_MANIFEST)
    assert manifest.subject.to_json() == subject
    assert manifest.kind is Kind.image
    assert manifest.artifact_type == "application/vnd.oci.image.config.v1+json"
    assert dict(manifest.annotations) == {"a": "b"}
    assert len(manifest.layers) == 1


def test_an_index_lists_its_children_with_their_platforms():
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    manifest = parse_manifest(encoded(index(manifests=[descriptor(OCI_MANIFEST, platform=platform)])))
    assert manifest.is_index
    assert [child.platform for child in manifest.manifests] == ["linux/arm64/v8"]
    assert (manifest.kind, manifest.artifact_type) == (Kind.index, "")


def test_a_manifest_may_be_named_by_sha512():
    content = encoded(image())
    assert parse_manifest(content, algorithm="sha512").digest == Digest.of(content, "sha512")


@pytest.mark.parametrize(
    ("changes", "is_signature"),
    [
        ({"artifactType": NOTARY, "config": descriptor(OCI_EMPTY, b"{}")}, True),
        ({"config": descriptor(NOTARY, b"{}")}, True),
        # Listed under the foreign type, so notation does not find it.
        ({"artifactType": "application/x", "config": descriptor(NOTARY, b"{}")}, False),
        ({"artifactType": NOTARY + ".dm-verity", "config": descriptor(OCI_EMPTY, b"{}")}, False),
        ({"layers": [descriptor("application/jose+json")]}, False),
        ({"mediaType": media_types.DOCKER_MANIFEST, "config": descriptor(NOTARY, b"{}")}, False),
    ],
)
def test_a_signature_is_what_notation_finds_as_one(changes, is_signature):
    manifest = parse_manifest(encoded(image(**changes)))
    assert manifest.is_signature is is_signature


def test_the_artifact_manifest_of_the_release_candidate_can_be_a_signature():
    document = {"mediaType": OCI_ARTIFACT, "artifactType": NOTARY, "blobs": [descriptor("application/jose+json")]}
    manifest = parse_manifest(encoded(document), OCI_ARTIFACT)
    assert manifest.is_signature
    assert manifest.kind is Kind.signature
    assert len(manifest.layers) == 1


@pytest.mark.parametrize(
    ("document", "media_type", "code"),
    [
        (image(manifests=[]), None, "manifest"),
        (index(layers=[]), None, "manifest"),
        (index(config=descriptor()), None, "manifest"),
        (image(blobs=[]), None, "manifest"),
        (image(), OCI_INDEX, "media_type_mismatch"),
        (image(), media_types.DOCKER_MANIFEST, "media_type_mismatch"),
        (image(), "text/html", "media_type_mismatch"),
        (image(mediaType=...), "application/json", "unsupported_media_type"),
        (image(mediaType="application/x"), None, "unsupported_media_type"),
        (image(mediaType=5), None, "manifest"),
        (image(schemaVersion=1), None, "manifest"),
        (image(schemaVersion=True), None, "manifest"),
        (image(config=None), None, "manifest"),
        (image(layers={}), None, "manifest"),
        (image(layers=[5]), None, "manifest"),
        (image(subject=[]), None, "manifest"),
        (image(subject=descriptor(content=b"s") | {"digest": "md5:1"}), None, "unsupported_algorithm"),
        (image(Layers=[]), None, "manifest"),
        (image(SUBJECT=descriptor()), None, "manifest"),
        (image(annotations={"a": None}), None, "manifest"),
        ([], None, "manifest"),
        ("text", None, "manifest"),
    ],
)
def test_a_manifest_that_could_be_misread_is_refused(document, media_type, code):
    with pytest.raises(ManifestError) as caught:
        parse_manifest(encoded(document), media_type)
    assert caught.value.code == code


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"a":1,"a":1}', b"<html>", b"\x00", b'{"size":NaN}'])
def test_bytes_that_are_no_strict_json_are_refused_with_the_reason(content):
    with pytest.raises(ManifestError, match="the manifest is not JSON that we accept: ") as caught:
        parse_manifest(content, OCI_MANIFEST)
    assert caught.value.code == "not_json"


def test_a_manifest_of_five_mebibytes_is_a_limit_and_no_fault_of_the_manifest():
    content = encoded(image(annotations={"a": "x" * (5 * 1024 * 1024)}))
    with pytest.raises(LimitError, match="at most 4194304") as caught:
        parse_manifest(content)
    assert caught.value.code == "too_large"
    padded = encoded(image()).ljust(MAX_MANIFEST)
    assert parse_manifest(padded).size == MAX_MANIFEST


def test_every_byte_changed_gives_another_digest_or_our_error():
    content = encoded(image(subject=descriptor(OCI_MANIFEST)))
    for position in range(len(content)):
        changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        with contextlib.suppress(ManifestError):
            assert parse_manifest(changed).digest != Digest.of(content)


def test_media_type_may_be_left_out_of_the_body():
    document = image()
    del document["mediaType"]
    assert parse_manifest(encoded(document), OCI_MANIFEST).media_type == OCI_MANIFEST
    assert parse_manifest(encoded(document)).media_type == OCI_MANIFEST
    assert parse_manifest(encoded({"schemaVersion": 2, "manifests": None})).is_index


@pytest.mark.parametrize(
    "served_as", [media_types.DOCKER_MANIFEST, OCI_ARTIFACT, OCI_INDEX, media_types.DOCKER_SCHEMA1]
)
def test_no_registry_makes_something_else_of_bytes_that_name_no_type(served_as):
    document = image()
    del document["mediaType"]
    with pytest.raises(ManifestError) as refused:
        parse_manifest(encoded(document), served_as)
    assert refused.value.code == "media_type_mismatch"


def test_a_legacy_schema_1_image_is_shown_without_its_parts():
    content = encoded({"schemaVersion": 1, "name": "a", "fsLayers": []})
    manifest = parse_manifest(content, media_types.DOCKER_SCHEMA1_SIGNED)
    assert (manifest.kind, manifest.layers) == (Kind.image, ())


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (Kind.signature, {"artifact_type": NOTARY, "config": OCI_EMPTY}),
        (Kind.signature, {"config": NOTARY}),
        (Kind.other, {"artifact_type": NOTARY + ".dm-verity"}),
        (Kind.sbom, {"artifact_type": "application/spdx+json"}),
        (Kind.sbom, {"artifact_type": "application/vnd.cyclonedx+json;version=1.5"}),
        (Kind.sbom, {"config": OCI_EMPTY, "layers": ["text/spdx+json"]}),
        (Kind.sbom, {"artifact_type": "application/vnd.example.sbom.v1"}),
        (Kind.scan, {"artifact_type": "application/sarif+json"}),
        (Kind.scan, {"artifact_type": "application/vnd.security.vulnerability.report; version=1.1"}),
        (Kind.provenance, {"artifact_type": "application/vnd.slsa.provenance+json"}),
        (
            Kind.provenance,
            {
                "artifact_type": "application/vnd.in-toto+json",
                "layer_annotations": [{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}],
            },
        ),
        (Kind.attestation, {"artifact_type": "application/vnd.in-toto+json"}),
        (Kind.attestation, {"artifact_type": "application/vnd.dev.sigstore.bundle.v0.3+json"}),
        (
            Kind.signature,
            {
                "artifact_type": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "annotations": {"dev.sigstore.bundle.content": "message-signature"},
            },
        ),
        (
            Kind.attestation,
            {"config": "application/vnd.oci.image.config.v1+json", "layers": ["application/vnd.in-toto+json"]},
        ),
        (
            Kind.attestation,
            {
                "artifact_type": "application/vnd.docker.attestation.manifest.v1+json",
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            },
        ),
        (Kind.chart, {"config": "application/vnd.cncf.helm.config.v1+json"}),
        (Kind.policy, {"config": "application/vnd.cncf.openpolicyagent.config.v1+json"}),
        (Kind.image, {"config": "application/vnd.docker.container.image.v1+json"}),
        (Kind.other, {"artifact_type": "application/vnd.acme.thing"}),
        (Kind.index, {"media_type": OCI_INDEX}),
        (Kind.index, {"media_type": DOCKER_LIST}),
        (Kind.sbom, {"media_type": OCI_INDEX, "artifact_type": "application/spdx+json"}),
    ],
)
def test_kinds_are_recognised_by_type_then_config_then_layers_then_annotations(kind, facts):
    assert kind_of(**({"media_type": OCI_MANIFEST} | facts)) is kind
