"""A layout directory read as one repository: bounded, without links, and never by its own names."""

import json
import os
from pathlib import Path

import pytest

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LayoutError, LimitError, ManifestError, OciError, RegistryError
from registries.oci.layout import Layout
from registries.oci.media_types import NOTARY_SIGNATURE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST


class Written:
    """A layout being written."""

    def __init__(self, root):
        self.root = root
        self.entries = []
        (root / "blobs" / "sha256").mkdir(parents=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, content):
        digest = Digest.of(content)
        self.path(digest).write_bytes(content)
        return digest

    def path(self, digest):
        return self.root / "blobs" / digest.algorithm / digest.encoded

    def manifest(self, document, name=None, listed=True):
        content = json.dumps(document).encode()
        digest = self.blob(content)
        entry = {"mediaType": document["mediaType"], "digest": str(digest), "size": len(content)}
        if name:
            entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        if listed:
            self.entries.append(entry)
        return digest

    def image(self, text="x", name=None, listed=True, **more):
        empty = {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2}
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": empty, "layers": []}
        return self.manifest(document | {"annotations": {"text": text}} | more, name, listed)

    def index(self, digests, name=None, listed=True, **more):
        children = [self.entry(digest) for digest in digests]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
        return self.manifest(document | more, name, listed)

    def entry(self, digest):
        path = self.path(digest)
        size = path.stat().st_size if path.exists() else 10
        return {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": size}

    def signature_of(self, subject, text="sig", **more):
        return self.image(text, subject=self.entry(subject), artifactType=NOTARY_SIGNATURE, **more)

    def open(self):
        (self.root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.entries}))
        return Layout(self.root, "app")


@pytest.fixture
def written(tmp_path):
    return Written(tmp_path)


def test_tags_are_the_reference_names_that_are_tags(written):
    v1 = written.image("1", "v1")
    written.image("2", "host/repo:v2")
    written.image("3")
    opened = written.open()
    tags = opened.tags("app")
    assert (tags.tags, tags.complete, tags.rejected) == (("v1",), True, 1)
    assert opened.resolve("app", "v1", None) == v1


def test_a_layout_never_says_which_repository_it_is(written):
    written.image("1", "registry.example.com/other:v1")
    with pytest.raises(LayoutError, match="the layout stands for app, not for other"):
        written.open().tags("other")


def test_a_tag_given_twice_is_not_resolved(written):
    written.image("1", "v1")
    written.image("2", "v1")
    with pytest.raises(LayoutError, match="gives the tag 'v1' to 2 manifests"):
        written.open().resolve("app", "v1", None)


def test_a_manifest_is_given_with_its_exact_bytes(written):
    digest = written.image("1", "v1")
    for reference in (digest, "v1"):
        fetched = written.open().manifest("app", reference)
        assert (fetched.digest, fetched.media_type) == (digest, OCI_MANIFEST)
        assert fetched.content == written.path(digest).read_bytes()


def test_referrers_are_found_by_their_subject_wherever_they_hang(written):
    image = written.image("1", "v1")
    direct = written.signature_of(image)
    nested = written.signature_of(image, "nested", listed=False)
    written.index([nested])
    of_signature = written.signature_of(direct, "deeper")
    referrers = written.open().referrers("app", image, limit=10)
    assert [entry.digest for entry in referrers.descriptors] == [direct, nested]
    assert referrers.descriptors[0].artifact_type == NOTARY_SIGNATURE
    assert (referrers.complete, referrers.supported) == (True, True)
    assert [d.digest for d in written.open().referrers("app", direct, limit=10).descriptors] == [of_signature]


def test_a_subject_that_index_json_does_not_list_is_walked_to(written):
    image = written.image("1", listed=False)
    index = written.image("2", listed=False, subject=written.entry(image))
    written.signature_of(index)
    assert [d.digest for d in written.open().referrers("app", image, limit=10).descriptors] == [index]


def test_referrers_of_the_tag_inside_are_merged_once(written):
    image = written.image("1", "v1")
    both = written.signature_of(image)
    only_tag = written.signature_of(image, "only", listed=False)
    written.index([both, only_tag], image.fallback_tag)
    merged = written.open().referrers("app", image, limit=10)
    assert [entry.digest for entry in merged.descriptors] == [both, only_tag]
    by_tag = written.open().referrers_by_tag("app", image)
    assert [entry.digest for entry in by_tag.descriptors] == [both, only_tag]
    assert by_tag.source == "tag"


def test_a_referrers_tag_that_is_an_image_lists_nothing_and_says_so(written):
    image = written.image("1", "v1")
    written.image("2", image.fallback_tag)
    referrers = written.open().referrers_by_tag("app", image)
    assert (referrers.descriptors, referrers.complete) == ((), True)
    assert "names no index" in referrers.note


def test_a_limit_makes_the_listing_incomplete(written):
    image = written.image("1", "v1")
    for number in range(3):
        written.signature_of(image, str(number))
    referrers = written.open().referrers("app", image, limit=2)
    assert (len(referrers.descriptors), referrers.complete) == (2, False)
    assert isinstance(referrers.error, LimitError)


def test_too_many_manifests_make_every_listing_incomplete(written):
    image = written.image("1", "v1")
    for number in range(3):
        written.image(str(number))
    written.open()
    referrers = Layout(written.root, "app", max_manifests=2).referrers("app", image, limit=10)
    assert isinstance(referrers.error, LimitError)
    assert not referrers.complete


def test_walking_ends_where_subject_and_children_point_at_each_other(written):
    image = written.image("1", listed=False)
    index = written.index([image], "v1", subject=written.entry(image))
    referrers = written.open().referrers("app", image, limit=10)
    assert [entry.digest for entry in referrers.descriptors] == [index]


def test_an_entry_that_cannot_be_read_makes_the_listing_incomplete_and_hides_nothing(written):
    image = written.image("1", "v1")
    signature = written.signature_of(image)
    broken = written.signature_of(image, "broken")
    written.path(broken).write_bytes(b"other bytes")
    referrers = written.open().referrers("app", image, limit=10)
    assert [entry.digest for entry in referrers.descriptors] == [signature]
    assert not referrers.complete
    assert referrers.error.code == "digest_mismatch"


def test_a_platform_that_was_left_out_is_no_fault_of_the_listing(written):
    image = written.image("1", "v1")
    written.index([Digest.of(b"left out")], "multi")
    assert written.open().referrers("app", image, limit=10).complete


@pytest.mark.parametrize("wrong", [{"size": 1}, {"mediaType": OCI_INDEX}])
def test_a_manifest_refers_to_a_subject_by_its_whole_descriptor(written, wrong):
    """As notation compares them in a layout. A registry lists by the digest alone."""
    subject = written.image("subject", "v1")
    right = written.signature_of(subject)
    written.image("other", subject=written.entry(subject) | wrong, artifactType=NOTARY_SIGNATURE)
    listed = written.open().referrers("app", subject, limit=9)
    assert [one.digest for one in listed.descriptors] == [right]
    assert (listed.complete, listed.note) == (
        True,
        f"1 manifests refer to {subject} by a size or media type that it does not have",
    )


def test_changed_bytes_are_refused(written):
    digest = written.image("1", "v1")
    opened = written.open()
    written.path(digest).write_bytes(b"{}")
    with pytest.raises(RegistryError) as caught:
        opened.manifest("app", digest)
    assert caught.value.code == "digest_mismatch"


def test_blobs_are_checked_against_digest_and_size(written):
    digest = written.blob(b"content")
    opened = written.open()
    good = Descriptor("application/x", digest, 7)
    assert opened.blob("app", good, max_size=7) == b"content"
    with pytest.raises(LimitError):
        opened.blob("app", good, max_size=6)
    with pytest.raises(RegistryError) as caught:
        opened.blob("app", Descriptor("application/x", digest, 6), max_size=10)
    assert caught.value.code == "size_mismatch"
    with pytest.raises(LayoutError) as caught:
        opened.blob("app", Descriptor("application/x", Digest.of(b"absent"), 6), max_size=10)
    assert caught.value.code == "not_found"


def test_a_large_blob_is_read_by_pieces_and_checked(written, monkeypatch):
    monkeypatch.setattr("registries.oci.layout.PIECE", 1000)
    content = b"".join(b"%d" % number for number in range(2000))
    blob = Descriptor("application/x", written.blob(content), len(content))
    pieces = []
    written.open().copy_blob("app", blob, pieces.append, max_size=len(content))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) == 1000
    outgoing = written.open().outgoing("app", blob)
    assert [b"".join(outgoing), b"".join(outgoing)] == [content, content]
    with pytest.raises(LimitError):
        written.open().copy_blob("app", blob, pieces.append, max_size=len(content) - 1)
    with pytest.raises(LayoutError, match="descriptor says 5"):
        written.open().outgoing("app", Descriptor("application/x", blob.digest, 5))
    written.path(blob.digest).chmod(0o644)
    written.path(blob.digest).write_bytes(content[:-1] + b"!")
    with pytest.raises(RegistryError, match="other bytes"):
        written.open().copy_blob("app", blob, pieces.append, max_size=len(content))


def test_no_link_is_followed(written, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    image = written.image("1", "v1")
    content = written.path(image).read_bytes()
    (outside / "blob").write_bytes(content)
    written.path(image).unlink()
    written.path(image).symlink_to(outside / "blob")
    with pytest.raises(LayoutError, match="without following a link"):
        written.open().manifest("app", image)


@pytest.mark.parametrize("name", ["index.json", "oci-layout", "blobs", "blobs/sha256"])
def test_no_part_of_a_layout_may_be_a_link(written, tmp_path_factory, name):
    written.image("1", "v1")
    written.open()
    elsewhere = tmp_path_factory.mktemp("outside") / "moved"
    (written.root / name).rename(elsewhere)
    (written.root / name).symlink_to(elsewhere)
    with pytest.raises(OciError):
        opened = Layout(written.root, "app")
        opened.manifest("app", opened.resolve("app", "v1", None))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_read(written, make):
    digest = Digest.of(b"x")
    make(written.path(digest))
    with pytest.raises(LayoutError):
        written.open().blob("app", Descriptor("application/x", digest, 1), max_size=10)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("oci-layout", '{"imageLayoutVersion":"2.0.0"}'),
        ("oci-layout", "[]"),
        ("oci-layout", "{"),
        ("oci-layout", " " * 100_000),
        ("index.json", "[" * 100_000),
        ("index.json", '{"schemaVersion":2,"mediaType":"' + OCI_MANIFEST + '","config":{}}'),
        ("index.json", '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../../etc/passwd"}]}'),
        ("index.json", " " * (4 * 1024 * 1024 + 1)),
    ],
)
def test_a_directory_that_is_no_layout_is_refused_in_words(written, name, content):
    written.image("1", "v1")
    written.open()
    (written.root / name).write_text(content)
    tags = Layout(written.root, "app").tags("app")
    assert not tags.complete
    assert isinstance(tags.error, LayoutError | LimitError)
    assert name in str(tags.error)


def test_a_directory_that_does_not_exist_is_named_as_such(tmp_path):
    error = Layout(tmp_path / "nothing", "app").tags("app").error
    assert "the layout has no oci-layout" in str(error)


def test_a_manifest_with_two_meanings_is_not_read(written):
    digest = written.image("1", "v1", manifests=[])
    with pytest.raises(ManifestError, match="could be read in two ways"):
        written.open().manifest("app", digest)


VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.mark.parametrize(
    "case",
    [case for case in json.loads((VECTORS / "cases.json").read_text()) if case.get("tree")],
    ids=lambda case: case["name"],
)
def test_the_tree_of_a_layout_is_what_the_registry_listed(case):
    repository = case["reference"]["repository"]
    opened = Layout(VECTORS / case["layout"], repository)

    def tree(subject):
        found = opened.referrers(repository, subject, limit=100)
        assert found.complete
        return {str(d.digest): (d.artifact_type, d.media_type, d.size, tree(d.digest)) for d in found.descriptors}

    def wanted(nodes):
        return {n["digest"]: (n["artifactType"], n["mediaType"], n["size"], wanted(n["referrers"])) for n in nodes}

    assert tree(Digest.parse(case["reference"]["digest"])) == wanted(case["tree"])
