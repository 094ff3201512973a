"""What an index of a repository leaves in the rows."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registries.models import (
    Child,
    Content,
    Listing,
    ListingHistory,
    Manifest,
    Presence,
    SchemaTag,
    Served,
    Tag,
    TagMove,
)
from registries.oci.digest import Digest
from registries.oci.media_types import NOTARY_ALPHA, NV2_SIGNATURE, ORAS_ARTIFACT, Kind
from tests.simulators.images import INDEX, MANIFEST, SARIF, SPDX, Author, descriptor, digest_of
from tests.simulators.registry_quirks import reply


def of(*contents):
    return {Digest.of(content) for content in contents}


def test_everything_that_a_tag_leads_to_is_kept(bench):
    author = bench.author
    amd, arm = author.image("amd"), author.image("arm")
    index = author.index(
        [
            (amd, {"os": "linux", "architecture": "amd64"}),
            (arm, {"os": "linux", "architecture": "arm64", "variant": "v8"}),
        ],
        tags="1.0",
    )
    signature = author.signature(index, b"an envelope")
    sbom = author.referrer(amd, b'{"spdxVersion":"SPDX-2.3"}')
    signed_sbom = author.signature(sbom, b"another envelope")
    bench.index()
    assert bench.present() == of(index, amd, arm, signature, sbom, signed_sbom)
    assert bench.referrers(index) == [digest_of(signature)]
    assert bench.referrers(amd) == [digest_of(sbom)]
    assert bench.referrers(sbom) == [digest_of(signed_sbom)]
    assert bench.referrers(arm) == []
    assert list(Child.objects.order_by("position").values_list("platform", flat=True)) == [
        "linux/amd64",
        "linux/arm64/v8",
    ]
    for kept in (index, amd, signature, b"an envelope", b"another envelope", b'{"spdxVersion":"SPDX-2.3"}'):
        assert bytes(Content.objects.get(digest=Digest.of(kept)).content) == kept
    assert bench.faults() == []


def test_facts_of_manifests_come_from_their_own_bytes(bench):
    image = bench.author.image(tags="1.0", annotations={"org.opencontainers.image.title": "<b>shop</b>"})
    sbom = bench.author.referrer(image, b"{}")
    bench.index()
    row = Manifest.objects.get(digest=Digest.of(image))
    assert (row.kind, row.size, row.annotations) == (
        Kind.image,
        len(image),
        {"org.opencontainers.image.title": "<b>shop</b>"},
    )
    assert row.summary["layer_count"] == 1
    assert row.summary["layers"][0]["size"] == len(b"layer of image")
    row = Manifest.objects.get(digest=Digest.of(sbom))
    assert (row.kind, row.subject, row.artifact_type) == (Kind.sbom, Digest.of(image), SPDX)


def test_layers_of_images_are_not_fetched(bench):
    bench.author.image(tags="1.0")
    assert "blob" not in bench.index()


def test_signatures_from_before_notation_1_are_kept_too(bench):
    author = bench.author
    image = author.image(tags="1.0")
    token, envelope = author.blob(b"a.b.c"), author.blob(b"an old envelope")
    fields = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "subject": descriptor(image)}
    nv2 = author.push(fields | {"config": descriptor(token, NV2_SIGNATURE)})
    fields = {"mediaType": ORAS_ARTIFACT, "artifactType": NOTARY_ALPHA, "subject": descriptor(image)}
    alpha = author.push(fields | {"blobs": [descriptor(envelope, "application/jose+json")]})
    bench.index()
    assert set(bench.referrers(image)) == {digest_of(nv2), digest_of(alpha)}
    for kept in (nv2, alpha, token, envelope):
        assert bytes(Content.objects.get(digest=Digest.of(kept)).content) == kept
    kinds = Manifest.objects.filter(digest__in=of(nv2, alpha)).values_list("kind", flat=True)
    assert list(kinds) == ["signature", "signature"]


def test_an_artifact_has_a_tag_or_neither_parent_nor_subject(bench):
    author = bench.author
    child, tagged_child = author.image("a"), author.image("b", tags="b")
    index = author.index([(child, {}), (tagged_child, {})], tags="1.0")
    sbom = author.referrer(index)
    tagged_sbom = author.referrer(index, b"[]", tags="sbom")
    bench.index()
    assert bench.artifacts() == of(index, tagged_child, tagged_sbom)
    assert bench.present() == of(index, child, tagged_child, sbom, tagged_sbom)


def test_a_child_that_loses_its_own_tag_is_an_artifact_no_more(bench):
    child = bench.author.image("a", tags="a")
    index = bench.author.index([(child, {})], tags="1.0")
    bench.index()
    assert bench.artifacts() == of(index, child)
    bench.demo.store.delete_tag("team/app", "a")
    bench.index()
    assert bench.artifacts() == of(index)
    assert bench.present() == of(index, child)


def test_a_second_index_of_an_unchanged_registry_fetches_no_body(bench):
    image = bench.author.image(tags=["1.0", "latest"])
    for number in range(3):
        bench.author.referrer(image, b"%d" % number)
        bench.author.signature(image, b"envelope %d" % number)
    first = bench.index()
    assert first == {"tags": 1, "manifest": 2 + 6, "referrers": 7, "blob": 6}  # the image by either of its tags
    second = bench.index()
    assert second == {"tags": 1, "manifest_head": 2, "referrers": 7}
    assert bench.repository.requests == second
    assert ListingHistory.objects.count() == 0


def test_a_second_index_without_the_api_fetches_no_body_and_asks_only_for_tags(old):
    image = old.author.image(tags="1.0")
    sbom = old.author.referrer(image)
    old.author.fallback(image, [sbom])
    old.index()
    assert old.referrers(image) == [digest_of(sbom)]
    # one question whether the API is there by now
    assert old.index() == {"tags": 1, "manifest_head": 2, "referrers": 1}


def copied(bench):
    """The same image and signature in another repository, which is indexed next."""
    other = Author(bench.demo, "team/copy")
    image = other.image(tags="1.0")
    signature = other.signature(image)
    bench.repository = bench.registry.repositories.create(name="team/copy")
    return image, signature


def test_each_repository_must_give_what_is_read_there_once(bench):
    bench.author.signature(bench.author.image(tags="1.0"))
    bench.index()
    image, signature = copied(bench)
    requests = bench.index()
    assert (requests["manifest"], requests["blob"]) == (2, 1)
    assert bench.present() == of(image, signature)
    assert not {"manifest", "blob"} & bench.index().keys()


def test_a_registry_that_only_names_a_digest_known_from_elsewhere_gets_nothing_of_it(bench):
    bench.author.signature(bench.author.image(tags="1.0"), b"secret envelope")
    bench.index()
    image, _ = copied(bench)
    bench.quirks.break_(r"GET /v2/team/copy/(manifests|blobs)/", reply("404 Not Found"))
    bench.index()
    assert not Served.objects.filter(repository=bench.repository).exists()
    assert bench.present() == of(image)
    assert bench.fault(image).code == "not_found"


def test_an_index_gives_nobody_what_its_registry_does_not_give(bench):
    child = bench.author.image("child", tags="1.0")
    bench.index()
    other = Author(bench.demo, "team/copy")
    other.image("child")
    index = other.index([(child, {})], tags="1.0")
    bench.repository = bench.registry.repositories.create(name="team/copy")
    bench.quirks.break_(f"GET /v2/team/copy/manifests/{digest_of(child)}", reply("404 Not Found"))
    bench.index()
    assert bench.present() == of(index)


def test_a_signature_of_ones_own_gives_nobody_an_envelope_from_elsewhere(bench):
    bench.author.signature(bench.author.image(tags="1.0"), b"secret envelope")
    bench.index()
    copied(bench)
    bench.quirks.break_("GET /v2/team/copy/blobs/", reply("404 Not Found"))
    bench.index()
    served = Served.objects.filter(repository=bench.repository)
    assert not served.filter(digest=Digest.of(b"secret envelope")).exists()


# tags


def test_a_tag_that_moves_keeps_its_history(bench):
    first = bench.author.image("one", tags="latest")
    bench.index()
    began = bench.at
    second = bench.author.image("two", tags="latest")
    bench.index()
    tag = Tag.objects.get(name="latest")
    assert (tag.digest, tag.since, tag.gone_at) == (Digest.of(second), bench.at, None)
    moves = [(move.before, move.after, move.at) for move in tag.moves.order_by("at")]
    assert moves == [(None, Digest.of(first), began), (Digest.of(first), Digest.of(second), bench.at)]


def test_a_tag_that_vanishes_and_returns_is_told(bench):
    image = bench.author.image("one", tags=["latest", "1.0"])
    bench.index()
    bench.demo.store.delete_tag("team/app", "latest")
    bench.index()
    tag = Tag.objects.get(name="latest")
    assert tag.gone_at == bench.at
    bench.author.image("one", tags="latest")
    bench.index()
    digest = Digest.of(image)
    assert list(tag.moves.order_by("at").values_list("before", "after")) == [
        (None, digest),
        (digest, None),
        (None, digest),
    ]
    assert Tag.objects.get(name="latest").gone_at is None


def test_tags_of_referrers_and_of_cosign_are_listings_and_no_tags(old):
    image = old.author.image(tags="1.0")
    sbom = old.author.referrer(image)
    old.author.fallback(image, [sbom])
    old.author.image("cosign", tags=Digest.of(image).fallback_tag + ".sig")
    old.index()
    assert list(Tag.objects.values_list("name", flat=True)) == ["1.0"]
    assert set(SchemaTag.objects.values_list("scheme", "subject")) == {
        ("referrers", Digest.of(image)),
        ("cosign", Digest.of(image)),
    }
    assert old.artifacts() == of(image)
    old.demo.store.delete_tag("team/app", Digest.of(image).fallback_tag)
    old.index()
    assert SchemaTag.objects.get(scheme="referrers").gone_at == old.at
    assert old.referrers(image) == []


# presence


def test_presence_is_an_interval_and_a_manifest_may_return(bench):
    image = bench.author.image(tags="1.0")
    bench.author.image("other", tags="2.0")
    bench.index()
    came = bench.at
    bench.demo.store.delete_tag("team/app", "1.0")
    bench.index()
    left = bench.at
    bench.author.image(tags="1.0")
    bench.index()
    intervals = Presence.objects.filter(manifest=Digest.of(image)).order_by("since").values_list("since", "until")
    assert list(intervals) == [(came, left), (bench.at, None)]
    assert Content.objects.filter(digest=Digest.of(image)).exists()


def test_a_withdrawn_signature_is_no_longer_listed_and_its_history_says_so(bench):
    image = bench.author.image(tags="1.0")
    signature, sbom = bench.author.signature(image), bench.author.referrer(image)
    bench.index()
    told = bench.at
    generation = bench.repository.generation
    bench.demo.store.delete_manifest("team/app", digest_of(signature))
    bench.index()
    assert bench.referrers(image) == [digest_of(sbom)]
    history = ListingHistory.objects.get()
    assert set(history.digests) == {digest_of(signature), digest_of(sbom)}
    assert (history.since, history.until) == (told, bench.at)
    assert bench.present() == of(image, sbom)
    assert bench.repository.generation > generation
    assert Manifest.objects.filter(digest=Digest.of(signature)).exists()


# listings


def test_a_referrers_tag_is_merged_with_the_api(bench):
    author = bench.author
    image = author.image(tags="1.0")
    by_api = author.referrer(image)
    by_tag = author.referrer(image, b"[]", artifact_type=SARIF)
    author.fallback(image, [by_tag])
    bench.quirks.break_(f"GET .*/referrers/{digest_of(image)}", only_api(by_api))
    bench.index()
    listing = bench.listing(image)
    assert listing.digests == [digest_of(by_api), digest_of(by_tag)]
    assert (listing.source, listing.complete) == ("both", True)
    assert bench.repository.referrers_api is True


def only_api(*contents):
    entries = [descriptor(content, artifactType=json.loads(content)["artifactType"]) for content in contents]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    return reply("200 OK", body, INDEX)


def test_without_the_api_the_tag_is_asked_and_a_subject_without_one_has_no_referrers(old):
    signed, plain = old.author.image("signed", tags="1.0"), old.author.image("plain", tags="2.0")
    signature = old.author.signature(signed)
    old.author.fallback(signed, [signature])
    old.index()
    assert old.referrers(signed) == [digest_of(signature)]
    assert (old.listing(plain).digests, old.listing(plain).complete, old.listing(plain).source) == (
        [],
        True,
        "fallback",
    )
    assert old.repository.referrers_api is False


@pytest.mark.parametrize("times", [1, 2])
def test_one_404_without_the_words_of_the_registry_does_not_mean_that_there_is_no_api(bench, times):
    image = bench.author.image(tags="1.0")
    sbom = bench.author.referrer(image)
    bench.quirks.break_("/referrers/", reply("404 Not Found", b"404 page not found", "text/plain"), times=times)
    bench.index()
    if times == 1:  # of a proxy: asked again, the registry has the API
        assert bench.referrers(image) == [digest_of(sbom)]
    else:  # what any registry without the API answers
        assert bench.repository.referrers_api is False


def gone_without_words(old, image):
    tag = Digest.of(image).fallback_tag
    old.quirks.break_(f"manifests/{tag}$", reply("404 Not Found", b"<h1>Not Found</h1>", "text/html"))


def gone_in_words(old, image):
    body = json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}).encode()
    old.quirks.break_(f"manifests/{Digest.of(image).fallback_tag}$", reply("404 Not Found", body))


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize("gone", [gone_in_words, gone_without_words])
def test_a_listed_referrers_tag_is_empty_only_if_the_registry_itself_says_that_it_is_gone(old, gone, read_before):
    image = old.author.image(tags="1.0")
    old.author.fallback(image, [old.author.referrer(image)])
    if read_before:
        old.index()
    gone(old, image)
    old.index()
    listing = old.listing(image)
    assert (listing.complete, listing.error_code) == ((True, "") if gone is gone_in_words else (False, "not_found"))
    if gone is gone_in_words:
        assert listing.digests == []
        assert "is listed, but the registry does not have it" in old.fault(image).message


def test_a_referrers_tag_that_names_an_image_lists_nothing_and_is_noted(old):
    image = old.author.image(tags="1.0")
    old.author.image("not an index", tags=Digest.of(image).fallback_tag)
    old.index()
    assert (old.referrers(image), old.listing(image).complete) == ([], True)
    assert "names no OCI index" in old.fault(image).message


def test_a_tag_made_of_half_a_sha512_digest_is_no_artifact(old):
    image = old.author.image(tags="1.0")
    old.author.fallback(image, [], tag="sha512-" + "a" * 64)
    old.index()
    assert (SchemaTag.objects.get().scheme, SchemaTag.objects.get().subject) == ("referrers", None)
    assert old.artifacts() == of(image)


def test_every_subject_has_a_listing_with_its_age(bench):
    image = bench.author.image(tags="1.0")
    sbom = bench.author.referrer(image)
    bench.index()
    bench.index()
    assert {row.subject: row.checked_at for row in Listing.objects.all()} == dict.fromkeys(of(image, sbom), bench.at)


def test_progress_and_what_the_pages_show_are_in_the_row(bench):
    image = bench.author.image(tags="1.0")
    bench.author.referrer(image)
    bench.index()
    row = bench.repository
    assert (row.progress_done, row.progress_total) == (2, 2)
    assert (row.indexed_at, row.tags_complete, row.attempts, row.last_error) == (bench.at, True, 0, "")
    assert row.due_at > bench.at
    assert row.leased_until is None


def test_each_run_raises_the_generation_so_that_green_is_renewed(bench):
    bench.author.image(tags="1.0")
    bench.index()
    generation = bench.repository.generation
    bench.index()
    assert bench.repository.generation > generation


def test_honest_circles_end(bench):
    image = bench.author.image()
    index = bench.author.index([(image, {})], tags="1.0")
    both = bench.author.index([(image, {})], subject=descriptor(image))
    bench.author.index([(both, {}), (index, {})], tags="2.0")
    bench.index()
    assert len(bench.present()) == 4
    assert bench.referrers(image) == [digest_of(both)]


def test_sixty_tags_of_one_repository_are_read_over_pages(make_bench):
    bench = make_bench(page_size=25, referrers_page_size=2)
    image = bench.author.image(tags=[f"v{number}" for number in range(60)])
    sboms = [bench.author.referrer(image, b"%d" % number) for number in range(5)]
    bench.index()
    assert Tag.objects.count() == TagMove.objects.count() == 60
    assert set(bench.referrers(image)) == {digest_of(sbom) for sbom in sboms}


def test_queries_grow_with_slices_and_not_with_manifests(make_bench):
    def queries(images, slices):
        bench = make_bench()
        for number in range(images):
            image = bench.author.image(f"{images}/{number}", tags=f"v{number}")
            bench.author.signature(image, b"%d/%d" % (images, number))
        with CaptureQueriesContext(connection) as captured:
            bench.index(slice=images // slices * 2)
        return len(captured)

    assert queries(40, slices=1) <= queries(10, slices=1) + 1  # a hundred good answers are told to the budget
    assert queries(80, slices=1) < 100


def test_a_document_of_a_vague_type_is_told_by_its_content(bench):
    image = bench.author.image(tags="1.0")
    trivy = bench.author.referrer(image, b'{"SchemaVersion":2,"Results":[]}', artifact_type="application/json")
    unknown = bench.author.referrer(image, b'{"x":1}', artifact_type="application/vnd.acme.thing")
    spdx = bench.author.referrer(image, b'{"bomFormat":"CycloneDX"}', artifact_type=SPDX)
    bench.index()
    found = {row.digest: (row.kind, row.summary["format"]) for row in Manifest.objects.all()}
    assert found[Digest.of(trivy)] == ("scan", "Trivy")
    assert found[Digest.of(unknown)] == ("other", "")
    assert found[Digest.of(spdx)] == ("sbom", "SPDX")  # it says so itself; what it holds is its own affair
    assert set(bench.index()) == {"tags", "manifest_head", "referrers"}
    assert Manifest.objects.get(digest=Digest.of(trivy)).kind == "scan"
