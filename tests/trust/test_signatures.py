"""Finding the signatures of an artifact: what is listed, what cannot be read, and what that says about the list."""

import json

import pytest

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.layout import Layout
from trust.notary.evidence import MAX_ENVELOPE
from trust.notary.outcome import Word
from trust.signatures import list_signatures

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.cncf.notary.signature"
SBOM = "application/spdx+json"
JWS = "application/jose+json"
REPOSITORY = "registry.acme.example/a"


class Folder:
    """An image layout being written."""

    def __init__(self, root):
        self.root = root
        self.entries = []
        (root / "blobs" / "sha256").mkdir(parents=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.subject = self.add({"config": self.blob(b"{}"), "layers": []}, "v1")

    def blob(self, content, media_type=JWS):
        digest = Digest.of(content)
        (self.root / "blobs" / "sha256" / digest.encoded).write_bytes(content)
        return {"mediaType": media_type, "digest": str(digest), "size": len(content)}

    def manifest(self, fields, media_type=MANIFEST):
        content = json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}).encode()
        return self.blob(content, media_type)

    def add(self, fields, tag="", media_type=MANIFEST):
        entry = self.manifest(fields, media_type)
        annotations = {"annotations": {"org.opencontainers.image.ref.name": tag}} if tag else {}
        self.entries.append(entry | annotations)
        return entry

    def signature(self, *layers, **fields):
        """The fields of a new-form signature manifest."""
        config = self.blob(b"{}", "application/vnd.oci.empty.v1+json")
        return {"artifactType": SIGNATURE, "config": config, "layers": list(layers), "subject": self.subject} | fields

    def fallback(self, *descriptors):
        tag = Digest.parse(self.subject["digest"]).fallback_tag
        self.add({"manifests": list(descriptors)}, tag, INDEX)

    def list(self):
        (self.root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.entries}))
        return list_signatures(Layout(self.root, REPOSITORY), REPOSITORY, Descriptor.from_json(self.subject).digest)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "layout")


def test_both_forms_of_signature_manifest_are_found_and_nothing_else(folder):
    envelope = folder.blob(b"envelope")
    new = folder.add(folder.signature(envelope))
    legacy = folder.signature(envelope, config=folder.blob(b"{}", SIGNATURE))
    del legacy["artifactType"]
    legacy = folder.add(legacy)
    folder.add(folder.signature(envelope, artifactType=SBOM))
    found = folder.list()
    assert found.complete
    assert {str(one.manifest) for one in found.signatures} == {new["digest"], legacy["digest"]}
    assert {(one.envelope, one.media_type, one.fault) for one in found.signatures} == {(b"envelope", JWS, None)}


def test_the_artifact_manifest_of_release_candidate_1_is_found(folder):
    envelope = folder.blob(b"envelope")
    fields = {"artifactType": SIGNATURE, "blobs": [envelope], "subject": folder.subject}
    candidate = folder.add(fields, media_type="application/vnd.oci.artifact.manifest.v1+json")
    (one,) = folder.list().signatures
    assert (str(one.manifest), one.envelope, one.media_type, one.fault) == (candidate["digest"], b"envelope", JWS, None)


@pytest.mark.parametrize("blobs", [0, 2])
def test_an_artifact_manifest_has_exactly_one_blob(folder, blobs):
    fields = {"artifactType": SIGNATURE, "blobs": [folder.blob(b"envelope")] * blobs, "subject": folder.subject}
    folder.add(fields, media_type="application/vnd.oci.artifact.manifest.v1+json")
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.reason) == (Word.failed, "layer_count")


ORAS = "application/vnd.cncf.oras.artifact.manifest.v1+json"


def test_an_oras_artifact_manifest_holds_no_signature_for_notation(folder):
    fields = {"artifactType": SIGNATURE, "blobs": [folder.blob(b"envelope")], "subject": folder.subject}
    folder.add(fields, media_type=ORAS)
    (one,) = folder.list().signatures
    assert (one.envelope, one.fault.word, one.fault.reason, one.fault.ends_notation) == (
        b"", Word.failed, "manifest_form", True,
    )  # fmt: skip


def test_a_signature_of_an_alpha_release_is_none_of_notations(folder):
    alpha = "application/vnd.cncf.notary.v2.signature"
    fields = {"artifactType": alpha, "blobs": [folder.blob(b"envelope")], "subject": folder.subject}
    folder.add(fields, media_type=ORAS)
    assert (folder.list().signatures, folder.list().complete) == ((), True)


def test_the_annotations_of_the_manifest_come_along(folder):
    folder.add(folder.signature(folder.blob(b"envelope"), annotations={"hint": "of nobody"}))
    assert [dict(one.annotations) for one in folder.list().signatures] == [{"hint": "of nobody"}]


def test_an_artifact_without_signatures_has_a_complete_empty_list(folder):
    folder.add(folder.signature(folder.blob(b"sbom"), artifactType=SBOM))
    assert (folder.list().signatures, folder.list().complete) == ((), True)


def test_a_signature_that_only_the_tag_schema_lists_is_found_once(folder):
    signature = folder.manifest(folder.signature(folder.blob(b"envelope")))
    folder.fallback(signature | {"artifactType": SIGNATURE}, signature)
    assert [str(one.manifest) for one in folder.list().signatures] == [signature["digest"]]


def test_an_entry_that_does_not_say_what_it_is_is_looked_at(folder):
    fields = folder.signature(folder.blob(b"envelope"))
    del fields["subject"]
    folder.fallback(folder.manifest(fields))
    assert len(folder.list().signatures) == 1


@pytest.mark.parametrize("layers", [0, 2])
def test_a_signature_manifest_has_exactly_one_layer(folder, layers):
    folder.add(folder.signature(*[folder.blob(b"envelope")] * layers))
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.reason, one.fault.ends_notation) == (Word.failed, "layer_count", True)


def test_a_listed_signature_whose_manifest_is_no_manifest_failed(folder):
    junk = folder.blob(b"[" * 1000, MANIFEST)
    folder.fallback(junk | {"artifactType": SIGNATURE})
    (one,) = folder.list().signatures
    assert (str(one.manifest), one.fault.word, one.fault.reason) == (junk["digest"], Word.failed, "not_json")


def test_an_index_that_is_listed_as_a_signature_failed(folder):
    index = folder.manifest({"manifests": []}, INDEX)
    folder.fallback(index | {"artifactType": SIGNATURE})
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.reason) == (Word.failed, "layer_count")


def test_a_listed_signature_that_is_not_to_be_had_is_unknown(folder):
    gone = {"mediaType": MANIFEST, "digest": str(Digest.of(b"gone")), "size": 4, "artifactType": SIGNATURE}
    folder.fallback(gone)
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.reason, one.fault.ends_notation) == (Word.unknown, "not_found", True)


def test_an_entry_that_cannot_be_read_may_have_been_a_signature(folder):
    folder.fallback({"mediaType": MANIFEST, "digest": str(Digest.of(b"gone")), "size": 4})
    found = folder.list()
    assert (found.signatures, found.complete) == ((), False)


def test_an_envelope_that_is_not_to_be_had_is_unknown(folder):
    folder.add(folder.signature({"mediaType": JWS, "digest": str(Digest.of(b"gone")), "size": 4}))
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.ends_notation, one.media_type) == (Word.unknown, True, JWS)


def test_an_envelope_larger_than_we_read_is_unknown_to_us_and_no_trouble_for_notation(folder):
    folder.add(folder.signature(folder.blob(b" " * (MAX_ENVELOPE + 1))))
    (one,) = folder.list().signatures
    assert (one.fault.word, one.fault.reason, one.fault.ends_notation) == (Word.unknown, "limit", False)


def test_an_envelope_beyond_what_notation_reads_ends_its_verification_and_one_beyond_ours_does_not(folder):
    for size in (33 << 20, 2 << 20):
        envelope = folder.blob(b"x") | {"size": size}
        folder.add(folder.signature(envelope, annotations={"n": str(size)}))
    faults = {found.fault.reason: found.fault for found in folder.list().signatures}
    assert {reason: fault.ends_notation for reason, fault in faults.items()} == {
        "envelope_too_large": True,
        "limit": False,
    }
    assert {fault.word for fault in faults.values()} == {Word.unknown}


def test_a_file_larger_than_its_descriptor_says_is_not_read_and_ends_notation(folder):
    envelope = folder.blob(b"x" * (MAX_ENVELOPE + 5)) | {"size": 100}
    folder.add(folder.signature(envelope))
    fault = folder.list().signatures[0].fault
    assert (fault.reason, fault.ends_notation) == ("size_mismatch", True)
