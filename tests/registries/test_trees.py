"""The tree below a manifest, from rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registries.models import Repository
from registries.oci.digest import Digest
from registries.trees import load_tree
from tests.simulators.images import Author, descriptor, digest_of


def tree(bench, content, **options):
    return load_tree(bench.repository, Digest.of(content), **options)


def shape(node):
    """Digest, relation and what is below, for comparing."""
    return str(node.digest), node.relation, [shape(child) for child in node.children]


def test_children_and_referrers_hang_where_they_belong(bench):
    author = bench.author
    amd, arm = author.image("amd"), author.image("arm")
    index = author.index([(amd, {"os": "linux", "architecture": "amd64"}), (arm, {})], tags="1.0")
    sbom = author.referrer(index)
    signature = author.signature(index)
    signed_sbom = author.signature(sbom, b"of the SBOM")
    bench.index()
    root = tree(bench, index)
    assert shape(root) == (
        digest_of(index),
        "root",
        [
            (digest_of(amd), "child", []),
            (digest_of(arm), "child", []),
            (digest_of(signature), "referrer", []),
            (digest_of(sbom), "referrer", [(digest_of(signed_sbom), "referrer", [])]),
        ],
    )
    assert root.children[0].platform == "linux/amd64"
    assert root.children[2].manifest.kind == "signature"
    assert all(child.present for child in root.children)


@pytest.mark.parametrize("size", [1, 60])
def test_two_queries_whatever_the_size(bench, size):
    image = bench.author.image(tags="1.0")
    for number in range(size):
        bench.author.referrer(image, b"%d" % number)
    bench.index()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        root = tree(bench, image)
        assert [child.manifest.kind for child in root.children] == ["sbom"] * size
    assert len(queries) == 2


def test_what_vanished_is_in_the_tree_and_marked(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    bench.demo.store.delete_manifest("team/app", digest_of(signature))
    bench.index()
    (gone,) = tree(bench, image).children
    assert (str(gone.digest), gone.present) == (digest_of(signature), False)
    assert gone.manifest is not None


def test_a_child_that_nobody_pushed_is_in_the_tree_without_a_manifest(bench):
    missing = b'{"mediaType":"application/vnd.oci.image.manifest.v1+json"}'
    index = bench.author.index([(missing, {})], tags="1.0")
    bench.index()
    (child,) = tree(bench, index).children
    assert (str(child.digest), child.manifest, child.present) == (digest_of(missing), None, False)


def test_nothing_of_another_repository_is_in_the_tree(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    mine = bench.repository
    other = Author(bench.demo, "team/secret")
    same = other.image(tags="1.0")
    assert same == image
    other.referrer(same, b"secret")
    bench.repository = Repository.objects.create(registry=bench.registry, name="team/secret")
    bench.index()
    assert len(tree(bench, image).children) == 1
    bench.repository = mine
    assert tree(bench, image).children == ()


def test_circles_end_and_what_hangs_twice_is_drawn_once(bench):
    image = bench.author.image()
    both = bench.author.index([(image, {})], subject=descriptor(image))
    top = bench.author.index([(both, {}), (image, {})], tags="1.0")
    bench.index()
    root = tree(bench, top)
    assert shape(root) == (
        digest_of(top),
        "root",
        [
            (digest_of(both), "child", [(digest_of(image), "child", [])]),
            (digest_of(image), "child", [(digest_of(both), "referrer", [])]),
        ],
    )
    assert [child.repeated for child in root.children] == [False, False]
    assert [child.children[0].repeated for child in root.children] == [True, True]


def test_an_attestation_that_is_child_and_referrer_hangs_once(bench):
    image = bench.author.image()
    attestation = bench.author.referrer(image, artifact_type="application/vnd.docker.attestation.manifest.v1+json")
    index = bench.author.index([(image, {}), (attestation, {})], tags="1.0")
    bench.index()
    root = tree(bench, index)
    assert [str(child.digest) for child in root.children] == [digest_of(image), digest_of(attestation)]


def test_a_tree_larger_than_the_limit_says_so(bench):
    image = bench.author.image(tags="1.0")
    for number in range(10):
        bench.author.referrer(image, b"%d" % number)
    bench.index()
    root = tree(bench, image, limit=5)
    assert root.cut
    assert len(root.children) == 4
    assert not tree(bench, image, limit=11).cut


def test_a_manifest_that_is_not_there_is_a_bare_root(bench):
    root = tree(bench, b"nothing")
    assert (root.manifest, root.present, root.children) == (None, False, ())
