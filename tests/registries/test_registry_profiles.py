"""Registries of the field, one by one: whatever their ways, the index of the same content is the same."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries import budgets, capabilities, connections, credentials, indexing, leases, publishing, survey
from registries.budgets import HostBudget
from registries.models import Content, Listing, Repository, Survey, Tag
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.exchange import Headers
from registries.oci.media_types import DOCKER_SCHEMA1_SIGNED as SCHEMA1
from registries.oci.rate_limit import nearly_spent
from registries.oci.schema1 import without_signatures
from registries.transport import Transport
from tests.registries.conftest import HOUR
from tests.registries.test_publishing import signature_of
from tests.simulators.images import MANIFEST, SPDX
from tests.simulators.index_rows import rows_of
from tests.simulators.registry_profiles import (
    PROFILES,
    PUSHER,
    TAGS,
    Profile,
    blocked_unless_a_signature,
    changed_list,
    compressed,
    error,
)
from tests.simulators.registry_quirks import reply, with_header, without_header

AMD64 = {"os": "linux", "architecture": "amd64"}
IDEAL = Profile()


def fill(bench, by_tag=False):
    """17 tags, an index of two, signatures, SBOMs, and a signature of an SBOM."""
    author = bench.author
    first = author.image("first", tags=[f"1.{number}" for number in range(14)])
    second = author.image("second", tags="latest")
    index = author.index([(author.image("amd64"), AMD64), (second, AMD64)], tags="2.0")
    signed = {first: [], index: []}
    for subject, listed in signed.items():
        listed += [author.signature(subject, b'{"payload":"%d"}' % number) for number in range(2)]
        listed.append(author.referrer(subject, b'{"spdxVersion":"SPDX-2.3"}', artifact_type=SPDX))
    sbom = signed[first][2]
    signed[sbom] = [author.signature(sbom)]
    author.image("third", tags="v3")
    for subject, listed in signed.items() if by_tag else ():
        author.fallback(subject, listed)
    return signed


def rows(bench):
    return rows_of(bench.repository)


@pytest.fixture
def make(make_bench):
    def make(name, **more):
        return make_bench(PROFILES[name], **more)

    return make


@pytest.mark.parametrize("name", PROFILES)
def test_the_same_content_gives_the_same_rows_whatever_the_ways_of_its_registry(make_bench, name):
    ideal, other = make_bench(IDEAL), make_bench(PROFILES[name])
    fill(ideal)
    fill(other, PROFILES[name].by_tag)
    ideal.index()
    other.index()
    assert rows(other) == rows(ideal)
    assert len(rows(other)["tags"]) == 17
    assert other.faults() == sorted(PROFILES[name].faults)
    assert other.repository.referrers_api is not PROFILES[name].by_tag


@pytest.mark.parametrize("name", PROFILES)
def test_an_unchanged_repository_gives_no_body_again_and_changes_nothing(make, name):
    bench = make(name)
    fill(bench, PROFILES[name].by_tag)
    bench.index()
    before = rows(bench)
    bench.at += timedelta(days=2)
    second = bench.index()
    assert rows(bench) == before
    assert second.get("blob", 0) == 0
    nameless = name == "nexus"  # no header names the digest: only the bytes tell
    assert second.get("manifest", 0) == (17 + 3 if nameless else 0)


@pytest.mark.parametrize("name", PROFILES)
def test_its_repositories_are_found_or_it_is_said_that_they_must_be_named(make, name):
    bench = make(name)
    for number in range(17):
        bench.demo.put_blob(f"team/app-{number:02}", b"x")
    row = Survey.objects.create(registry=bench.registry)
    with connections.open_source(bench.registry, wire=bench.quirks.wire()) as source:
        survey.survey(bench.registry, source, leases.take(Survey.objects.all(), row.pk))
    row.refresh_from_db()
    found = Repository.objects.filter(registry=bench.registry, name__startswith="team/app-").count()
    if PROFILES[name].catalog:
        assert PROFILES[name].catalog in row.note + row.last_error
    else:
        assert (found, row.note, row.complete) == (17, "", True)


@pytest.mark.parametrize("name", PROFILES)
def test_a_signature_of_ours_is_listed_and_indexed_whatever_the_ways_of_its_registry(make, name):
    bench = make(name)
    image = bench.author.image(tags="1.0")
    theirs, ours = bench.author.signature(image, b"theirs"), signature_of(image, b"ours")
    if PROFILES[name].by_tag:
        bench.author.fallback(image, [theirs])
    bench.registry.push_username, password = next(iter(PUSHER.items()))
    bench.registry.sealed_push_password = credentials.seal(credentials.PUSHING, bench.registry, password)
    with publishing.open_destination(bench.registry, "team/app", wire=bench.quirks.wire()) as place:
        place.now = lambda: bench.at
        place.sleep = lambda seconds: None
        [listed] = publishing.publish(place, [ours])
    assert listed.by_tag is PROFILES[name].by_tag
    bench.index()
    assert set(bench.referrers(image)) == {str(Digest.of(theirs)), str(ours.manifest.digest)}


# what an equal index does not show


@pytest.mark.parametrize("name", ["zot", "harbor"])
def test_a_tag_that_vanishes_between_two_pages_has_the_list_started_anew_once(make, name):
    bench = make(name)
    bench.author.image(tags=[f"1.{number:02}" for number in range(17)])
    bench.index()
    bench.quirks.break_("tags/list.*last=", deleting(bench, "1.06"), times=1)
    bench.quirks.log.clear()
    bench.index()
    assert bench.repository.tags_complete
    assert Tag.objects.filter(gone_at=None).count() == 16
    assert len(bench.quirks.asked(r"tags/list\?n=1000$")) == 1 + 2  # a challenge, and twice from the beginning


@pytest.mark.parametrize("name", ["zot", "harbor"])
def test_tags_that_keep_vanishing_leave_the_list_incomplete_and_end_nothing(make, name):
    bench = make(name)
    bench.author.image(tags=[f"1.{number:02}" for number in range(17)])
    bench.index()
    bench.quirks.break_("tags/list.*last=", deleting(bench, "1.06", "1.07"), times=2)
    bench.index()
    assert not bench.repository.tags_complete
    assert "tags_incomplete" in bench.faults()
    assert not Tag.objects.exclude(gone_at=None).exists()


def deleting(bench, *tags):
    """Each time it is asked, one more tag is gone."""
    left = list(tags)

    def quirk(app, environ, start_response):
        bench.demo.store.delete_tag("team/app", left.pop(0))
        return app(environ, start_response)

    return quirk


def test_a_list_of_tags_that_is_null_has_none_and_is_complete(make):
    bench = make("nexus")
    bench.author.image(tags="1.0")
    bench.index()
    bench.demo.store.delete_tag("team/app", "1.0")
    bench.index()
    assert bench.repository.tags_complete
    assert Tag.objects.exclude(gone_at=None).count() == 1


def test_digests_among_tags_are_counted_and_left_out(make):
    bench = make("artifactory")
    bench.author.image(tags="1.0")
    bench.index()
    assert list(Tag.objects.values_list("name", flat=True)) == ["1.0"]
    assert "3 entries" in bench.fault("team/app").message


def test_harbors_policy_leaves_what_it_blocks_unknown_and_takes_nothing_away(make):
    bench = make("harbor")
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    before = rows(bench)
    other = bench.author.image("new", tags="2.0")
    bench.quirks.break_("manifests/", blocked_unless_a_signature)
    bench.index()
    after = rows(bench)
    assert after["present"] == before["present"]
    assert after["tags"] == before["tags"]
    assert (bench.fault("1.0").code, bench.fault("2.0").code) == ("blocked_by_policy", "blocked_by_policy")
    assert "is not signed by notation" in bench.fault("2.0").message
    assert Digest.of(signature) in after["present"]
    assert not Listing.objects.filter(subject=Digest.of(other)).exists()


def test_a_manifest_that_comes_compressed_is_unknown_and_says_so(make):
    bench = make("harbor")
    image = bench.author.image(tags="1.0")
    bench.quirks.break_("GET .*/manifests/", compressed)
    bench.index()
    assert not bench.listing(image).complete
    assert "compressed its answer" in bench.fault(image).message


def test_quay_without_the_subject_is_no_registry_without_the_call(make):
    bench = make("quay")
    image, other = bench.author.image(tags="1.0"), bench.author.image("other", tags="2.0")
    signature = bench.author.signature(other)
    bench.index()
    bench.demo.store.delete_manifest("team/app", str(Digest.of(image)))
    Repository.objects.update(referrers_api=None)
    bench.quirks.break_("tags/list", changed_list(lambda names: [*names, "1.0"]))  # its list is behind
    bench.quirks.break_("HEAD .*/manifests/1.0$", with_digest(image))
    bench.index()
    assert bench.repository.referrers_api is True
    assert not bench.listing(image).complete
    assert bench.listing(other).digests == [str(Digest.of(signature))]


def with_digest(content):
    return reply("200 OK", b"", MANIFEST, Docker_Content_Digest=str(Digest.of(content)))


def test_a_repository_that_is_gone_from_zot_keeps_what_was_known(make):
    bench = make("zot")
    fill(bench)
    bench.index()
    before = rows(bench)
    bench.demo.store._database.execute("UPDATE repository SET name = 'team/moved'")
    bench.index()
    assert rows(bench) == before
    assert "has no tags of team/app" in bench.repository.last_error


def test_ghcr_is_asked_for_its_blobs_and_their_store_without_any_token(make):
    bench = make("ghcr")
    fill(bench, by_tag=True)
    bench.index()
    elsewhere = [line for line in bench.quirks.log if line.startswith("GET /blobs/")]
    assert len(elsewhere) == len(set(elsewhere)) == 4  # two envelopes, one SBOM, another envelope
    assert bench.requests["redirect"] == 4


def test_docker_hubs_last_tenth_is_left_to_people(make):
    bench = make("docker hub")
    image = bench.author.image(tags="1.0")
    bench.index()
    bench.quirks.break_("manifests/", with_header("ratelimit-remaining", "9;w=21600"))
    bench.author.image("new", tags="2.0")
    bench.index()
    assert "kept for people who wait" in bench.repository.last_error
    at = bench.at
    assert HostBudget.objects.get().spared_until == at + timedelta(hours=1)
    assert budgets.paused_hosts(at) == {bench.registry.address}
    signature = bench.author.signature(image)
    Repository.objects.update(due_at=at)
    lease = bench.take()
    with connections.open_source(bench.registry, wire=bench.quirks.wire()) as source:
        indexing.index_repository(lease.row, source, lease, only=[Digest.of(image)], now=lambda: at)
    assert bench.listing(image).digests == [str(Digest.of(signature))]
    bench.quirks.mend()
    bench.index(after=2 * HOUR)
    assert Tag.objects.filter(name="2.0").exists()


@pytest.mark.parametrize(
    ("limit", "left", "seconds"),
    [
        ("100;w=21600", "10;w=21600", 0),
        ("100;w=21600", "9;w=21600", 21600),
        ("100 ; w=60", "0", 60),
        ("60", "5", 60),
        ("60", "6", 0),
        ("0", "0", 0),
        ("", "0", 0),
        ("100", "", 0),
        ("100;w=x", "1", 0),
        ("many", "1", 0),
        ("9" * 5000, "1", 0),
        ("-5", "-9", 0),
    ],
)
def test_less_than_a_tenth_left_of_a_limit_is_little(limit, left, seconds):
    fields = [("RateLimit-Limit", limit), ("RateLimit-Remaining", left)]
    assert nearly_spent(Headers(field for field in fields if field[1])) == seconds


def test_a_signed_image_of_schema_1_is_known_by_the_digest_of_what_was_signed(make):
    bench = make("docker hub")
    content, signed = schema1()
    bench.author.image(tags="1.0")
    served = reply("200 OK", signed, SCHEMA1, Docker_Content_Digest=str(Digest.of(content)))
    bench.quirks.break_("manifests/(old|" + str(Digest.of(content)) + ")$", served)
    bench.quirks.break_("tags/list", changed_list(lambda names: [*names, "old"]))
    bench.index()
    assert bench.faults() == []
    assert Tag.objects.get(name="old").digest == Digest.of(content)
    assert Content.objects.get(digest=Digest.of(content)).content == content
    bench.quirks.mend()
    altered = signed.replace(b"amd64", b"arm64")
    lie = reply("200 OK", altered, SCHEMA1, Docker_Content_Digest=str(Digest.of(content)))
    bench.quirks.break_("manifests/old$", lie)
    client = Client(Transport(app=bench.quirks.wire()), f"http://{bench.registry.address}")
    with pytest.raises(RegistryError) as caught:
        client.manifest("team/app", "old")
    assert caught.value.code == "digest_mismatch"


def schema1():
    """A manifest, and the same with a signature inside, as libtrust writes it."""
    content = json.dumps({"schemaVersion": 1, "name": "a", "architecture": "amd64", "fsLayers": []}, indent=3).encode()
    cut = content.rindex(b"\n}")
    form = {"formatLength": cut, "formatTail": encoded(content[cut:]), "time": "2016-01-01T00:00:00Z"}
    signature = {"header": {"alg": "ES256"}, "signature": "AA", "protected": encoded(json.dumps(form).encode())}
    tail = b',\n   "signatures": ' + json.dumps([signature], indent=3).encode() + b"\n}"
    return content, content[:cut] + tail


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@given(
    st.one_of(
        st.binary(), st.builds(lambda text: json.dumps({"signatures": [{"protected": text}]}).encode(), st.text())
    )
)
def test_no_bytes_make_the_reader_of_schema_1_fail(content):
    assert without_signatures(content) == content


@pytest.mark.parametrize("form", [{}, {"formatLength": -1, "formatTail": ""}, {"formatLength": True, "formatTail": ""},
                                  {"formatLength": 10**9, "formatTail": ""}, {"formatLength": 1, "formatTail": 5}, [], 1])  # fmt: skip
def test_a_form_that_fits_nothing_leaves_the_bytes_as_they_are(form):
    content = json.dumps({"signatures": [{"protected": encoded(json.dumps(form).encode())}]}).encode()
    assert without_signatures(content) == content


@pytest.mark.parametrize("own", [50, 100])
def test_a_registry_that_ends_a_page_by_itself_and_links_no_other_has_all_its_tags_read(make_bench, own):
    profile = Profile({"page_size": own}, lambda: [(TAGS, without_header("link"))])
    bench = make_bench(profile)
    bench.author.image(tags=[f"1.{number:03}" for number in range(own + 5)])
    bench.index()
    assert Tag.objects.count() == own + 5
    assert len(bench.quirks.asked("tags/list")) == 2


def test_a_registry_that_takes_no_page_size_at_all_has_its_pages_read_on(make_bench):
    refusal = error("400 Bad Request", "UNSUPPORTED")
    profile = Profile({"page_size": 100}, lambda: [(TAGS, without_header("link")), (r"tags/list\?n=", refusal)])
    bench = make_bench(profile)
    bench.author.image(tags=[f"1.{number:03}" for number in range(105)])
    bench.index()
    assert Tag.objects.count() == 105
    assert len(bench.quirks.asked("tags/list")) == 4  # n=1000, n=100, no n, after the last


def test_a_wait_until_a_time_of_day_is_kept(make):
    bench = make("acr")
    bench.author.image(tags="1.0")
    headers = {"Retry_After": "Thu, 01 Jan 2026 00:05:00 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    bench.quirks.break_("manifests/", error("429 Too Many Requests", "TOOMANYREQUESTS", **headers))
    bench.index()
    assert HostBudget.objects.get().paused_until == bench.at + timedelta(minutes=5)
    assert "asks to wait 300 seconds" in bench.repository.last_error


def test_a_warning_is_remembered_with_the_registry(make):
    bench = make("olareg")
    fill(bench)
    bench.index()
    warnings = [known.value for known in capabilities.known(bench.registry) if known.label == "Warns"]
    assert warnings == ['299 - "this registry is for tests"']
