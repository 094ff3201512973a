"""Copying a layout into a registry: exact bytes, every edge, the tag last, and nothing of what cannot be had whole."""

import json
import re

import pytest

from demo.registry import DemoRegistry
from registries import copying, exporting, publishing
from registries.copying import IncompleteError
from registries.models import ReferrersTag, Registry, Repository
from registries.oci.archive import layout_at
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.publishing import Put
from tests.registries.conftest import Bench
from tests.registries.oci.test_layout import Written
from tests.simulators.images import INDEX, descriptor, digest_of
from tests.simulators.registry_profiles import PROFILES, imitating
from tests.simulators.registry_quirks import Quirks, reply


class Copy:
    """A tree in one registry, exported, and another registry that it is copied to."""

    def __init__(self, folder, **options):
        self.source = Bench(DemoRegistry(folder / "source"))
        author = self.source.author
        self.layer = author.blob(b"layer " * 100_000)
        layers = [descriptor(self.layer, "application/vnd.oci.image.layer.v1.tar")]
        self.amd, self.arm = author.image("amd", layers=layers), author.image("arm")
        self.index = author.index([(self.amd, {"os": "linux"}), (self.arm, {"os": "linux"})], tags="1.0")
        self.signature, self.sbom = (
            author.signature(self.index),
            author.referrer(self.amd, b'{"spdxVersion":"SPDX-2.3"}'),
        )
        self.on_sbom = author.signature(self.sbom, b"another envelope")
        self.tree = [self.index, self.amd, self.arm, self.signature, self.sbom, self.on_sbom]
        self.source.index()
        planned = exporting.plan(self.source.repository, Digest.of(self.index))
        chunks = exporting.write(planned, self.source.at, fetch=True, wire=self.source.quirks.wire())
        self.tar = folder / "layout.tar"
        self.tar.write_bytes(b"".join(chunks))
        self.target = Bench(DemoRegistry(folder / "target", **options))
        self.told = []

    @property
    def layout(self):
        return layout_at(self.tar, "team/copy")

    def push(self, tag="1.0", root=None):
        planned = copying.plan(self.layout, root or Digest.of(self.index))
        self.target.quirks.log.clear()
        with self.destination() as destination:
            copying.execute(planned, self.layout, destination, tag, self.told.append)
        return planned

    def destination(self):
        return publishing.open_destination(self.target.registry, "team/copy", wire=self.target.quirks.wire())

    def there(self, content):
        stored = self.target.demo.store.manifest("team/copy", digest_of(content))
        return self.target.demo.store.read(stored.digest) if stored else None

    def listed(self, content):
        with self.destination() as destination:
            return {str(digest) for digest in publishing.listed(destination, Digest.of(content))}


@pytest.fixture(params=[True, False], ids=["api", "tag"])
def copy(request, db, tmp_path):
    return Copy(tmp_path, referrers_api=request.param)


def test_every_byte_and_every_edge_is_there_as_it_was(copy):
    copy.push()
    for content in copy.tree:
        assert copy.there(content) == content
        subject = {
            digest_of(one)
            for one in copy.tree
            if json.loads(one).get("subject", {}).get("digest") == digest_of(content)
        }
        assert copy.listed(content) == subject
    assert copy.target.demo.store.content_path(digest_of(copy.layer)).read_bytes() == copy.layer
    assert copy.target.demo.store.manifest("team/copy", "1.0").digest == digest_of(copy.index)


def test_subjects_and_children_come_first_and_the_tag_last(copy):
    copy.push()
    puts = [re.search(r"/manifests/(\S+)", line)[1] for line in copy.target.quirks.asked(r"^PUT .*/manifests/")]
    assert puts[-1] == "1.0"
    place = {name: number for number, name in enumerate(puts)}
    for content in copy.tree:
        fields = json.loads(content)
        before = [*fields.get("manifests", []), *([fields["subject"]] if "subject" in fields else [])]
        assert all(place[one["digest"]] < place[digest_of(content)] for one in before)
    tags = [number for name, number in place.items() if name.startswith("sha256-")]
    assert not tags or max(place[digest_of(content)] for content in copy.tree) < min(tags)


def test_what_is_there_is_not_pushed_again(copy):
    copy.push()
    copy.told.clear()
    copy.push()
    assert all(done.was_there for done in copy.told if isinstance(done, Put))
    assert copy.target.quirks.asked("^(PUT|POST)") == ["PUT /v2/team/copy/manifests/1.0"]


def test_a_copy_that_broke_off_is_ended_by_the_next_and_had_no_tag_until_then(copy):
    copy.target.quirks.break_("PUT .*/manifests/sha256:", reply("503 Service Unavailable"), after=3, times=1)
    with pytest.raises(RegistryError, match="503"):
        copy.push()
    assert copy.target.demo.store.manifest("team/copy", "1.0") is None
    copy.push()
    assert all(copy.there(content) == content for content in copy.tree)


def test_blobs_of_a_known_repository_of_the_registry_are_mounted(copy):
    copy.push()
    neighbour = Repository.objects.create(registry=copy.target.registry, name="team/copy")
    copy.target.repository = neighbour
    copy.target.index()
    with publishing.open_destination(copy.target.registry, "other", wire=copy.target.quirks.wire()) as destination:
        copy.target.quirks.log.clear()
        planned = copying.plan(copy.layout, Digest.of(copy.index))
        copying.execute(planned, copy.layout, destination, "1.0", copy.told.append)
    posts = copy.target.quirks.asked("^POST")
    assert posts
    assert all("mount=sha256%3A" in line and "from=team%2Fcopy" in line for line in posts)
    assert not copy.target.quirks.asked("^PUT .*/blobs/")


def test_entries_of_others_in_the_referrers_tag_stay(db, tmp_path):
    copy = Copy(tmp_path, referrers_api=False)
    copy.push(tag="")
    author = copy.target.author
    author.repository = "team/copy"
    theirs = author.referrer(copy.index, b"theirs")
    author.fallback(copy.index, [theirs])
    copy.push()
    assert copy.listed(copy.index) == {digest_of(theirs), digest_of(copy.signature)}


def test_a_list_that_lost_what_was_copied_is_no_success(db, tmp_path):
    """A slow writer replaces the list of one subject while the tag is set."""
    copy = Copy(tmp_path, referrers_api=False)
    author = copy.target.author
    author.repository = "team/copy"

    def race(app, environ, start_response):
        author.fallback(copy.index, [])
        return app(environ, start_response)

    copy.target.quirks.break_("PUT .*/manifests/1.0", race)
    with pytest.raises(RegistryError, match=r"1 of 1 referrers .* Push again"):
        copy.push()
    assert ReferrersTag.objects.filter(due_at__isnull=False).exists()


def test_what_a_tag_names_is_known_of_a_registry_that_says_no_digests(db, tmp_path):
    copy = Copy(tmp_path)
    copy.target.quirks = Quirks(imitating(PROFILES["nexus"], copy.target.demo))
    planned = copy.push()
    with copy.destination() as destination:
        assert copying.moved(planned, destination, "1.0") == {}
        assert copying.moved(copying.plan(copy.layout, Digest.of(copy.amd)), destination, "1.0") == {
            "1.0": Digest.of(copy.index)
        }


def test_tags_of_cosign_go_along(db, tmp_path):
    copy = Copy(tmp_path)
    written = Written(tmp_path / "cosign")
    image = written.image("subject", name="1.0")
    written.blob(b"{}")
    cosign = written.image("signature", name=f"{image.fallback_tag}.sig")
    layout = written.open()
    layout.repository = "team/copy"
    with copy.destination() as destination:
        copying.execute(copying.plan(layout, image), layout, destination, "1.0", copy.told.append)
    assert copy.target.demo.store.manifest("team/copy", f"{image.fallback_tag}.sig").digest == str(cosign)


# what a layout may lack


@pytest.fixture
def written(tmp_path):
    made = Written(tmp_path)
    made.blob(b"{}")
    return made


def test_a_layout_that_lacks_something_is_named_with_it_before_anything_is_pushed(written):
    absent = descriptor(b"absent", "application/vnd.oci.image.layer.v1.tar")
    child = written.image("child", listed=False, layers=[absent])
    root = written.index([child, Digest.of(b"not there")], name="1.0")
    with pytest.raises(IncompleteError) as caught:
        copying.plan(written.open(), root)
    for digest in (Digest.of(b"absent"), Digest.of(b"not there")):
        assert f"{digest}" in str(caught.value) or digest.encoded in str(caught.value)


def test_what_an_index_names_and_is_no_manifest_is_named_and_not_left_behind(written):
    other = {"mediaType": "application/x", "digest": str(written.blob(b"other")), "size": 5}
    root = written.index([], name="1.0", manifests=[other])
    with pytest.raises(IncompleteError, match=f"{other['digest']}, .*application/x"):
        copying.plan(written.open(), root)


def test_a_tag_of_cosign_that_the_layout_gives_to_two_is_named_and_not_left_behind(written):
    root = written.image("subject", name="1.0")
    for text in ("one", "other"):
        written.image(text, name=f"{root.fallback_tag}.sig")
    with pytest.raises(IncompleteError, match=f"{root.fallback_tag}.sig"):
        copying.plan(written.open(), root)


def test_a_blob_of_another_size_than_said_is_named_before_anything_is_pushed(written):
    written.blob(b"a layer")
    root = written.image("root", layers=[descriptor(b"a layer", "application/x") | {"size": 3}])
    with pytest.raises(IncompleteError, match="descriptor says 3"):
        copying.plan(written.open(), root)


def test_a_layer_that_may_not_be_distributed_is_left_out_and_named(db, tmp_path):
    written = Written(tmp_path / "layout")
    written.blob(b"{}")
    foreign = descriptor(b"windows", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    planned = copying.plan(written.open(), written.image("root", layers=[foreign]))
    assert [str(digest) for digest in planned.left_out] == [foreign["digest"]]


def test_a_large_tree_is_refused_and_not_copied_in_part(written, monkeypatch):
    monkeypatch.setattr(copying, "MOST", 3)
    root = written.index([written.image(str(number), listed=False) for number in range(4)], name="1.0")
    with pytest.raises(Exception, match="more than 3 manifests"):
        copying.plan(written.open(), root)


def test_honest_circles_of_subjects_and_children_have_an_order(written):
    """R refers to M and holds it; A is a child of I and refers to M, another child."""
    image = written.image("m", listed=False)
    attestation = written.image("a", listed=False, subject=written.entry(image))
    index = written.index([image, attestation], name="1.0", subject=written.entry(image))
    order = list(copying.plan(written.open(), index).manifests)
    assert order == [image, attestation, index]


def test_a_layout_is_not_a_place_to_push_to(db, written):
    layout = Registry.objects.create(source=Registry.Source.LAYOUT, address="shop")
    with pytest.raises(Exception, match="only read"), publishing.open_destination(layout, "team/app"):
        pass


def test_a_registry_without_the_children_of_an_index_never_gets_the_index(db, tmp_path):
    copy = Copy(tmp_path)
    copy.target.quirks.break_(f"PUT .*/manifests/{digest_of(copy.arm)}", reply("500 Internal Server Error"))
    with pytest.raises(RegistryError):
        copy.push()
    assert copy.there(copy.index) is None
    assert json.loads(copy.index)["mediaType"] == INDEX
