"""Whatever a registry answers: what is wrong is said clearly, and the rest of the index goes on."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.models import Content, Fault, Listing, ListingHistory, Manifest, Presence, Repository, Tag
from registries.oci.digest import Digest
from tests.dashboard.rows import make_person
from tests.simulators.images import INDEX, MANIFEST, SIGNATURE, SPDX, descriptor, digest_of
from tests.simulators.registry_quirks import (
    html_page,
    reply,
    silent,
    too_many_requests,
    truncated,
    unreachable,
    wrong_bytes,
)

BRACKETS = b"[" * 100_000


def of(*contents):
    return {Digest.of(content) for content in contents}


def manifest_of(content, tag="bad"):
    """Every request that gives its bytes: by its tag, and by its digest."""
    return f"GET .*/manifests/({tag}|{digest_of(content)})$"


@pytest.fixture
def pair(bench):
    """A good artifact with a signature, and another whose manifest the tests break."""
    good = bench.author.image("good", tags="good")
    bench.author.signature(good, b"good envelope")
    return bench, good, bench.author.image("bad", tags="bad")


def assert_good_is_indexed(bench, good):
    assert bench.listing(good).complete
    assert len(bench.referrers(good)) == 1
    assert Content.objects.filter(digest=Digest.of(b"good envelope")).exists()


@pytest.mark.parametrize(
    ("quirk", "code", "words"),
    [
        (wrong_bytes, "digest_mismatch", "has other bytes than its digest says"),
        (truncated, "digest_mismatch", "has other bytes than its digest says"),
        (reply("200 OK", b" " * (5 * 1024 * 1024), MANIFEST), "too_large", "larger than 4194304 bytes"),
        (html_page(), "not_a_registry", "a web page"),
        (
            reply("404 Not Found", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', "application/json"),
            "not_found",
            "has no manifest",
        ),
        (reply("403 Forbidden"), "denied", "Give them the right to pull"),
        (reply("503 Service Unavailable"), "server_error", "status 503"),
        (silent, "timeout", "within 10 seconds"),
        (unreachable, "unreachable", "cannot be reached"),
    ],
)
def test_a_manifest_that_is_not_to_be_had_is_said_and_its_artifact_is_unknown(pair, quirk, code, words):
    bench, good, bad = pair
    bench.quirks.break_(manifest_of(bad), quirk)
    bench.index()
    fault = bench.fault(bad)
    assert fault.code == code
    assert words in fault.message
    listing = bench.listing(bad)
    assert (listing.complete, listing.error_code, listing.digests) == (False, code, [])
    assert Digest.of(bad) in bench.artifacts()
    assert Tag.objects.get(name="bad").digest == Digest.of(bad)
    assert not Content.objects.filter(digest=Digest.of(bad)).exists()
    assert_good_is_indexed(bench, good)
    assert bench.repository.last_error == ""


@pytest.mark.parametrize(
    "quirk", [wrong_bytes, html_page(), reply("404 Not Found"), reply("500 Oops"), silent, unreachable]
)
def test_a_manifest_that_only_its_digest_is_given_for_is_read_by_it(pair, quirk):
    bench, good, bad = pair
    bench.quirks.break_("GET .*/manifests/bad$", quirk)
    bench.index()
    assert bench.listing(bad).complete
    assert bench.artifacts() == of(good, bad)
    assert bench.faults() == []


@pytest.mark.parametrize(
    ("quirk", "words"),
    [(reply("500 Oops"), "status 500"), (silent, "within 10 seconds"), (reply("401 Unauthorized"), "credentials")],
)
def test_a_new_tag_of_which_nothing_is_to_be_had_is_told_and_the_repository_is_read_in_part(pair, quirk, words, client):
    bench, good, bad = pair
    bench.quirks.break_("/manifests/bad$", quirk)
    bench.index()
    assert words in bench.fault("bad").message
    assert bench.artifacts() == of(good)
    assert_good_is_indexed(bench, good)
    Repository.objects.update(due_at=timezone.now() + timedelta(hours=1))
    client.force_login(make_person(role=Role.ADMIN))
    page = client.get(reverse("repository", args=[bench.repository.pk])).content.decode()
    assert "In part" in page
    assert words in page
    bench.quirks.mend()
    bench.index()
    assert bench.artifacts() == of(good, bad)
    assert bench.faults() == []


def test_a_manifest_that_was_not_to_be_had_is_a_real_one_once_it_is(pair):
    bench, _, bad = pair
    bench.quirks.break_(manifest_of(bad), wrong_bytes)
    bench.index()
    assert Manifest.objects.get(digest=Digest.of(bad)).media_type == ""
    bench.quirks.mend()
    bench.index()
    assert Manifest.objects.get(digest=Digest.of(bad)).media_type == MANIFEST
    assert bench.listing(bad).complete
    assert bench.faults() == []
    assert Presence.objects.filter(manifest=Digest.of(bad)).count() == 1


def test_a_hundred_thousand_brackets_are_no_manifest(bench):
    good = bench.author.image("good", tags="good")
    bench.author.signature(good, b"good envelope")
    bench.demo.put_blob("team/app", BRACKETS)
    entry = {"mediaType": MANIFEST, "digest": digest_of(BRACKETS), "size": len(BRACKETS)}
    bench.author.fallback(good, [entry])
    bench.quirks.break_(f"GET .*/manifests/{digest_of(BRACKETS)}", reply("200 OK", BRACKETS, MANIFEST))
    bench.index()
    assert "is not JSON that we accept" in bench.fault(BRACKETS).message
    listing = bench.listing(good)
    assert len(listing.digests) == 1
    assert not listing.complete  # what cannot be read may have been a signature
    assert digest_of(BRACKETS) in listing.error


def test_a_hundred_thousand_brackets_are_no_list_of_tags(bench):
    bench.author.image(tags="1.0")
    bench.quirks.break_("tags/list", reply("200 OK", BRACKETS, "application/json"))
    bench.index()
    assert "is not JSON that we accept" in bench.repository.last_error


def test_a_hundred_thousand_brackets_are_no_list_of_referrers(bench):
    image, other = bench.author.image(tags="1.0"), bench.author.image("other", tags="2.0")
    bench.quirks.break_(f"/referrers/{digest_of(image)}", reply("200 OK", BRACKETS, INDEX))
    bench.index()
    assert not bench.listing(image).complete
    assert "not JSON that we accept" in bench.listing(image).error
    assert bench.listing(other).complete


def test_html_instead_of_tags_ends_the_run_and_keeps_what_is_known(pair):
    bench, good, bad = pair
    bench.index()
    before = bench.repository
    bench.quirks.break_("tags/list", html_page())
    bench.index()
    assert "a web page" in bench.repository.last_error
    assert bench.repository.indexed_at == before.indexed_at
    assert bench.repository.due_at - bench.repository.failed_at < timedelta(minutes=1)
    assert bench.present() >= of(good, bad)
    assert_good_is_indexed(bench, good)


def test_html_instead_of_referrers_means_that_there_is_no_such_api(bench):
    image = bench.author.image(tags="1.0")
    sbom = bench.author.referrer(image)
    bench.author.fallback(image, [sbom])
    bench.quirks.break_("/referrers/", html_page())
    bench.index()
    assert (bench.referrers(image), bench.listing(image).source) == ([digest_of(sbom)], "fallback")


def test_an_api_that_vanishes_leaves_listings_incomplete_and_is_asked_anew_next_time(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    checked = bench.at
    bench.demo.referrers_api = False
    bench.index()
    listing = bench.listing(image)
    assert (listing.complete, listing.error_code) == (False, "referrers_api_gone")
    assert (listing.digests, listing.checked_at) == ([digest_of(signature)], checked)
    bench.index()
    assert (bench.listing(image).complete, bench.referrers(image)) == (True, [])


def test_a_list_that_names_foreign_manifests_attaches_none_of_them(bench):
    author = bench.author
    image, other = author.image("image", tags="1.0"), author.image("other", tags="2.0")
    signature_of_other = author.signature(other)
    own = author.signature(image, b"own envelope")
    author.fallback(image, [signature_of_other, other])
    bench.index()
    listing = bench.listing(image)
    assert (listing.digests, listing.complete) == ([digest_of(own)], True)
    fault = bench.fault(signature_of_other)
    assert (fault.code, fault.subject) == ("foreign_referrer", Digest.of(image))
    assert f"itself refers to {digest_of(other)}" in fault.message
    assert "itself refers to nothing" in bench.fault(other).message
    assert bench.referrers(other) == [digest_of(signature_of_other)]


def test_a_list_that_names_the_subject_itself_ends(bench):
    image = bench.author.image(tags="1.0")
    bench.author.fallback(image, [image])
    bench.index()
    assert bench.referrers(image) == []
    assert bench.faults() == ["foreign_referrer"]


def test_an_entry_that_lies_about_its_size_is_not_attached(old):
    image = old.author.image(tags="1.0")
    sbom = old.author.referrer(image)
    old.author.fallback(image, [descriptor(sbom) | {"size": len(sbom) + 1}])
    old.index()
    assert (old.referrers(image), old.listing(image).complete) == ([], False)
    assert old.fault(sbom).code == "size_mismatch"


def test_the_same_lie_elsewhere_takes_nothing_from_an_honest_entry(old):
    image, other = old.author.image(tags="1.0"), old.author.image("other", tags="2.0")
    signature = old.author.signature(image, b"an envelope")
    liar = old.author.signature(other, layers=[descriptor(b"an envelope", "application/jose+json") | {"size": 3}])
    old.author.fallback(image, [signature])
    old.author.fallback(other, [descriptor(signature) | {"size": 3}, liar])
    old.index()
    assert (old.referrers(image), old.listing(image).complete) == ([digest_of(signature)], True)
    assert Content.objects.filter(digest=Digest.of(b"an envelope")).exists()


def test_a_dangling_entry_is_noted_and_leaves_the_list_complete_unless_it_claims_to_be_a_signature(old):
    image, other = old.author.image(tags="1.0"), old.author.image("other", tags="2.0")
    gone, gone_signature = b'{"a":"gone document"}', b'{"a":"gone signature"}'
    old.author.fallback(image, [descriptor(gone, artifactType=SPDX)])
    old.author.fallback(other, [descriptor(gone_signature, artifactType=SIGNATURE)])
    old.index()
    assert old.listing(image).complete
    assert old.fault(gone).code == "not_found"
    assert not old.listing(other).complete
    assert old.fault(gone_signature).subject == Digest.of(other)


def test_an_empty_envelope_is_kept_as_what_it_is(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image, b"")
    bench.index()
    assert bench.referrers(image) == [digest_of(signature)]
    assert bytes(Content.objects.get(digest=Digest.of(b"")).content) == b""
    assert bench.faults() == []


@pytest.mark.parametrize(
    ("quirk", "code"), [(wrong_bytes, "too_large"), (truncated, "size_mismatch"), (reply("404 Not Found"), "not_found")]
)
def test_an_envelope_that_is_not_to_be_had_is_said(pair, quirk, code):
    bench, good, bad = pair
    signature = bench.author.signature(bad, b"e" * 64 * 1024)
    bench.quirks.break_(f"/blobs/{digest_of(b'e' * 64 * 1024)}", quirk)
    bench.index()
    fault = bench.fault(signature)
    assert (fault.code, fault.subject) == (code, Digest.of(bad))
    assert bench.referrers(bad) == [digest_of(signature)]
    assert_good_is_indexed(bench, good)
    bench.quirks.mend()
    bench.index()
    assert bench.faults() == []
    assert Content.objects.filter(digest=Digest.of(b"e" * 64 * 1024)).exists()


def test_an_envelope_that_claims_to_be_huge_is_not_fetched(bench):
    image = bench.author.image(tags="1.0")
    huge = {"mediaType": "application/jose+json", "digest": digest_of(b"huge"), "size": 5 * 1024 * 1024}
    signature = bench.author.signature(image, layers=[huge])
    assert "blob" not in bench.index()
    assert bench.fault(signature).code == "too_large"


@pytest.mark.parametrize(
    ("quirk", "words"),
    [
        (unreachable, "cannot be reached"),
        (silent, "within 10 seconds"),
        (reply("401 Unauthorized"), "credentials"),
        (reply("500 Oops"), "status 500"),
        (too_many_requests(90), "asks to wait 90 seconds"),
    ],
)
def test_a_registry_that_cannot_be_asked_leaves_everything_as_it_was(pair, quirk, words):
    bench, good, _ = pair
    bench.index()
    before = bench.repository
    bench.quirks.break_(".", quirk)
    bench.index()
    row = bench.repository
    assert words in row.last_error
    assert (row.attempts, row.indexed_at, row.generation) == (1, before.indexed_at, before.generation)
    assert row.failed_at is not None
    assert row.leased_until is None
    assert Presence.objects.exclude(until=None).count() == 0
    assert ListingHistory.objects.count() == 0
    assert_good_is_indexed(bench, good)


def test_what_a_registry_refuses_is_told_in_sentences(pair):
    bench, _, bad = pair
    bench.quirks.break_(manifest_of(bad), reply("404 Not Found"))
    bench.index()
    assert bench.fault(bad).message.startswith("The registry has no manifest ")
    bench.quirks.break_("/tags/list", reply("404 Not Found"))
    bench.index()
    assert bench.repository.last_error.startswith("The registry has no tags of ")
    assert bench.repository.last_error.endswith("with these credentials.")


def test_the_wait_that_a_registry_asks_for_is_kept(pair):
    bench, _, _ = pair
    bench.quirks.break_("/referrers/", too_many_requests(1800))
    bench.index()
    row = bench.repository
    assert 1790 <= (row.due_at - row.failed_at).total_seconds() <= 1800


def test_a_registry_that_goes_away_in_the_middle_is_not_asked_to_the_end(bench):
    for number in range(40):
        bench.author.image(f"image {number}", tags=f"v{number}")
    middle = 1 + 40 + 4  # the tags, what each names, and the first lists of referrers, of which there are 40
    bench.quirks.break_(".", unreachable, after=middle)
    bench.index(slice=1)  # what is at hand already is no answer of the registry between two failures
    assert "cannot be reached" in bench.repository.last_error
    assert len(bench.quirks.asked(".")) < middle + 20


def test_a_registry_that_names_all_its_manifests_and_gives_none_is_not_asked_to_the_end(bench):
    for number in range(40):
        bench.author.image(f"image {number}", tags=f"v{number}")
    bench.quirks.break_("GET .*/manifests/", silent)
    bench.index(slice=5)
    assert "within 10 seconds" in bench.repository.last_error
    assert Tag.objects.count() == 40
    assert len(bench.quirks.asked("GET .*/manifests/v")) < 15  # then they are asked for what they name alone
    assert len(bench.quirks.asked("GET .*/manifests/sha256:")) < 15


def test_a_tag_that_cannot_be_asked_keeps_what_it_named(pair):
    bench, good, bad = pair
    bench.index()
    bench.quirks.break_("HEAD .*/manifests/good", reply("500 Oops"))
    bench.index()
    assert Tag.objects.get(name="good").digest == Digest.of(good)
    assert bench.fault("good").code == "server_error"
    assert bench.present() >= of(good, bad)
    assert bench.listing(good).checked_at == bench.at


def test_entries_of_a_tag_list_that_are_no_tags_are_counted(bench):
    image = bench.author.image(tags="1.0")
    body = json.dumps({"name": "team/app", "tags": ["1.0", None, "sha256:" + "a" * 64, "../../etc"]}).encode()
    bench.quirks.break_("tags/list", reply("200 OK", body, "application/json"))
    bench.index()
    assert bench.artifacts() == of(image)
    assert "3 entries in the list of tags are no tags" in bench.fault("team/app").message


def test_an_index_may_name_what_nobody_pushed(bench):
    image = bench.author.image()
    index = bench.author.index([(image, {}), (b'{"mediaType":"%s"}' % MANIFEST.encode(), {})], tags="1.0")
    bench.index()
    assert bench.present() == of(index, image)
    assert bench.faults() == ["not_found"]
    assert bench.listing(index).complete


def test_faults_that_are_mended_vanish(pair):
    bench, _, bad = pair
    bench.quirks.break_(manifest_of(bad), html_page())
    bench.index()
    assert Fault.objects.count() == 1
    bench.quirks.mend()
    bench.index()
    assert Fault.objects.count() == 0


def test_what_a_list_told_of_is_mended_with_that_list_whenever_the_referrers_own_list_is_due(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image, b"envelope")
    bench.quirks.break_("/blobs/", reply("200 OK", b"another one"))
    bench.index()
    assert bench.fault(signature).subject == Digest.of(image)
    bench.quirks.mend()
    rested = bench.at + timedelta(days=30)
    Listing.objects.filter(subject=Digest.of(signature)).update(due_at=rested)
    bench.index(everything=False, after=timedelta(days=8))
    assert bench.listing(signature).checked_at < bench.at
    assert bench.faults() == []
