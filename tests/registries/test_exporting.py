"""An export is a layout: the very bytes, every edge, and the names of what it lacks."""

import io
import json
import tarfile

import pytest

from registries import exporting
from registries.models import Content, Listing, Manifest
from registries.oci.archive import TarLayout
from registries.oci.digest import Digest
from tests.simulators.images import descriptor, digest_of
from tests.simulators.registry_quirks import reply


def export(bench, content, *, fetch=True):
    """The files of the export, by name in their order."""
    planned = exporting.plan(bench.repository, Digest.of(content))
    chunks = exporting.write(planned, bench.at, fetch=fetch, wire=bench.quirks.wire())
    bench.tar = b"".join(chunks)
    with tarfile.open(fileobj=io.BytesIO(bench.tar)) as archive:
        assert all(member.isreg() and member.mtime == 0 for member in archive)
        return {member.name: archive.extractfile(member).read() for member in archive}


def path_of(content):
    return f"blobs/sha256/{Digest.of(content).encoded}"


def report(files):
    return json.loads(files["signboard-export.json"])


@pytest.fixture
def signed(bench):
    """An index of two images; a signature, and an SBOM that is signed itself."""
    author = bench.author
    amd, arm = author.image("amd"), author.image("arm")
    index = author.index([(amd, {"os": "linux"}), (arm, {"os": "linux"})], tags=["1.0", "latest"])
    signature, sbom = author.signature(index), author.referrer(amd, b'{"spdxVersion":"SPDX-2.3"}')
    on_sbom = author.signature(sbom, b"another envelope")
    author.image("elsewhere", tags="2.0")
    bench.index()
    bench.tree = [index, amd, arm, signature, sbom, on_sbom]
    return index


def test_every_manifest_and_every_blob_is_there_byte_by_byte(bench, signed):
    files = export(bench, signed)
    for content in [*bench.tree, b"another envelope", b"layer of amd", b'{"spdxVersion":"SPDX-2.3"}', b"{}"]:
        assert files[path_of(content)] == content
    assert (report(files)["manifests"], report(files)["missing"]) == (6, [])
    assert not any(b"elsewhere" in content for content in files.values())
    assert list(files)[:2] == ["oci-layout", "index.json"]


def test_it_reads_back_with_the_same_edges(bench, signed, tmp_path):
    export(bench, signed)
    path = tmp_path / "export.tar"
    path.write_bytes(bench.tar)
    layout = TarLayout(path, "team/app")
    subjects = {Digest.of(content): json.loads(content).get("subject", {}).get("digest") for content in bench.tree}
    for content in bench.tree:
        listed = layout.referrers("team/app", Digest.of(content), limit=100)
        assert listed.complete
        wanted = {digest for digest, subject in subjects.items() if subject == digest_of(content)}
        assert {row.digest for row in listed.descriptors} == wanted
    assert {"1.0", "latest"} <= set(layout.tags("team/app").tags)
    assert layout.resolve("team/app", "1.0") == Digest.of(signed)
    by_tag = layout.referrers_by_tag("team/app", Digest.of(signed))
    assert [row.digest for row in by_tag.descriptors] == [Digest.of(bench.tree[3])]


def test_equal_content_is_equal_bytes(bench, signed):
    export(bench, signed)
    first = bench.tar
    export(bench, signed)
    assert bench.tar == first


def test_what_is_not_kept_is_fetched_or_named(bench, signed):
    files = export(bench, signed, fetch=False)
    assert path_of(b"layer of amd") not in files
    named = {row["digest"]: row["reason"] for row in report(files)["missing"]}
    assert named[digest_of(b"layer of amd")] == "it is not kept, and was not fetched"
    assert path_of(b"another envelope") in files
    assert not bench.quirks.asked("GET /v2/team/app/blobs/" + digest_of(b"layer of amd"))


def test_what_the_registry_does_not_give_is_named_and_the_rest_is_there(bench, signed):
    bench.quirks.break_(f"/blobs/{digest_of(b'layer of amd')}", reply("404 Not Found"))
    bench.quirks.break_(f"/blobs/{digest_of(b'layer of arm')}", reply("200 OK", b"other bytes!"))
    files = export(bench, signed)
    assert {row["digest"] for row in report(files)["missing"]} == {
        digest_of(b"layer of amd"),
        digest_of(b"layer of arm"),
    }
    assert b"other bytes!" not in files.values()


def test_a_blob_that_is_larger_than_what_is_fetched_is_named_and_not_asked_for(bench):
    layer = descriptor(b"layer", "application/vnd.oci.image.layer.v1.tar") | {"size": exporting.LARGEST_BLOB + 1}
    image = bench.author.image(tags="1.0", layers=[layer])
    bench.index()
    files = export(bench, image)
    assert [row["digest"] for row in report(files)["missing"]] == [digest_of(b"layer")]
    assert not bench.quirks.asked("GET .*/blobs/" + digest_of(b"layer"))


def test_what_may_not_be_distributed_is_named_and_not_asked_for(bench):
    bench.author.blob(b"windows")
    layer = descriptor(b"windows", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    image = bench.author.image(tags="1.0", layers=[layer])
    bench.index()
    assert report(export(bench, image))["missing"][0]["reason"] == "it may not be distributed"


def test_an_incomplete_listing_is_named(bench, signed):
    Listing.objects.filter(subject=Digest.of(signed)).update(complete=False, error="it broke off")
    missing = report(export(bench, signed))["missing"]
    assert [row["digest"] for row in missing] == [digest_of(signed)]


def test_a_listing_that_there_never_was_is_named(bench, signed):
    Listing.objects.filter(subject=Digest.of(bench.tree[1])).delete()
    missing = report(export(bench, signed))["missing"]
    assert [row["digest"] for row in missing] == [digest_of(bench.tree[1])]


def test_bytes_that_only_another_repository_gave_are_not_exported(bench, signed):
    other = bench.registry.repositories.create(name="team/other")
    bench.repository = other
    with pytest.raises(Manifest.DoesNotExist):
        export(bench, signed)
    assert Content.objects.filter(digest=Digest.of(signed)).exists()


def test_a_large_layer_goes_into_the_export_by_pieces(bench, monkeypatch):
    monkeypatch.setattr(exporting, "PIECE", 1000)
    layer = bench.author.blob(b"".join(b"%d" % number for number in range(5000)))
    image = bench.author.image(tags="1.0", layers=[descriptor(layer, "application/vnd.oci.image.layer.v1.tar")])
    bench.index()
    planned = exporting.plan(bench.repository, Digest.of(image))
    chunks = list(exporting.write(planned, bench.at, fetch=True, wire=bench.quirks.wire()))
    assert max(map(len, chunks)) < 3000
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        assert archive.extractfile(path_of(layer)).read() == layer
