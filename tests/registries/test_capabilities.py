"""What a registry was seen to do, when it was seen, and what follows from it."""

import json
from datetime import timedelta

import httpx
import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from demo.registry import Basic, Bearer, DemoRegistry
from registries import capabilities, connections
from registries.models import Registry
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.transport import Transport
from tests.dashboard.rows import make_person
from tests.registries.oci.scripted import Scripted, answer
from tests.simulators.images import MANIFEST, SARIF, Author, descriptor, digest_of
from tests.simulators.registry_quirks import Quirks, changed_body, html_page, reply, without_header
from tests.simulators.wsgi import WSGIWire

DAY = timedelta(days=1)
NOW = timezone.now()


def value(registry, name):
    registry.refresh_from_db()
    entry = registry.capabilities.get(name)
    return entry and entry["value"]


# what is remembered


@pytest.fixture
def registry(db):
    return Registry.objects.create(address="registry.test", reference_name="registry.test", plain_http=True)


@pytest.mark.parametrize(
    ("auth", "expected"), [(None, None), (Basic({"a": "b"}), "basic"), (Bearer({"a": "b"}), "bearer")]
)
def test_testing_a_connection_remembers_how_it_authenticates_and_whether_it_lists(registry, tmp_path, auth, expected):
    app = DemoRegistry(tmp_path, auth=auth)
    report = connections.test(registry, wire=WSGIWire(app))
    assert report.ok == (auth is None)
    assert value(registry, "auth") == expected
    assert value(registry, "catalog") == ("yes" if auth is None else None)


def test_an_index_remembers_what_it_met_with_the_time(bench):
    bench.author.image(tags="1.0")
    before = timezone.now()
    bench.index()
    assert {name: value(bench.registry, name) for name in ("page_size", "digest_header", "referrers", "conditional")} == {
        "page_size": "1000", "digest_header": "yes", "referrers": "yes", "conditional": None,
    }  # fmt: skip
    assert bench.repository.referrers_api_seen_at == bench.at
    assert {name.seen_at >= before for name in capabilities.known(bench.registry)} == {True}
    bench.index()
    assert value(bench.registry, "conditional") == "yes"


def test_a_registry_that_ignores_what_we_know_and_names_no_digest_is_seen_to(bench):
    bench.quirks.break_("manifests/", without_header("docker-content-digest"))
    for state in ("new", "moved"):  # one is asked for by GET, the other by HEAD
        bench.author.image(state, tags="1.0")
        bench.registry.capabilities = {}
        bench.registry.save()
        bench.index()
        assert value(bench.registry, "digest_header") == "no"


def test_how_long_a_page_may_be_is_said_as_such(bench):
    bench.author.image(tags="1.0")
    bench.index()
    assert [known.value for known in capabilities.known(bench.registry) if known.label == "Longest page of a list"] == [
        "1,000 names"
    ]


def test_warnings_and_what_is_left_of_a_limit_are_shown_inert():
    warned = answer(200, {"tags": []}, Warning='299 - "moving \x1b[1m soon"', RateLimit_Remaining="7;w=21600")
    client = Client(Scripted({"/v2/app/tags/list": warned}), "https://registry.test")
    client.tags("app")
    assert client.observed["rate_limit"] == "7;w=21600"
    assert client.observed["warning"] == '299 - "moving  [1m soon"'


def test_an_unchanged_trait_is_written_once_a_day_and_a_changed_one_at_once(registry, django_assert_num_queries):
    with django_assert_num_queries(1):
        capabilities.record(registry, {"referrers": "no"}, NOW)
    with django_assert_num_queries(0):
        capabilities.record(registry, {"referrers": "no", "nonsense": "x"}, NOW + DAY / 2)
    with django_assert_num_queries(1):
        capabilities.record(registry, {"referrers": "yes"}, NOW + DAY / 2)
    with django_assert_num_queries(1):
        capabilities.record(registry, {"referrers": "yes"}, NOW + 2 * DAY)
    assert capabilities.seen(registry, "referrers", DAY, NOW + 2 * DAY) == "yes"
    assert capabilities.seen(registry, "referrers", DAY, NOW + 4 * DAY) == ""


def test_the_registry_page_tells_an_admin(registry, client):
    capabilities.record(registry, {"referrers": "no", "warning": "<script>"}, NOW)
    client.force_login(make_person("adam", Role.ADMIN))
    page = client.get(reverse("registry", args=[registry.pk])).content.decode()
    assert "What it was seen to do" in page
    assert "Referrers API" in page
    assert "<script>" not in page


# pages without links


def test_a_list_without_links_is_read_on_after_the_last_name(tmp_path):
    app = DemoRegistry(tmp_path, page_size=1000)
    tags = [f"v{number:04}" for number in range(2500)]
    Author(app).image(tags=tags)
    quirks = Quirks(app)
    quirks.break_("tags/list", without_header("link"))
    found = Client(Transport(app=quirks.wire()), "http://registry.test").tags("team/app")
    assert (found.tags, found.complete) == (tuple(tags), True)
    assert quirks.asked("last=v0999") and quirks.asked("last=v1999")
    app.close()


@pytest.mark.parametrize("number", [999, 1000, 1001])
def test_a_registry_that_gives_all_at_once_whatever_was_asked_has_a_complete_list(number):
    everything = answer(200, {"tags": [f"v{place}" for place in range(number)]})
    registry = Scripted({"/v2/app/tags/list": everything})
    found = Client(registry, "https://registry.test").tags("app")
    assert (len(found.tags), found.complete) == (number, True)
    assert len(registry.asked) == (2 if number == 1000 else 1)


@pytest.mark.parametrize(
    "given", [answer(404, {}), answer(400, {}), answer(500, {}), answer(200, b"<html>", "text/html")]
)
def test_a_page_after_the_last_name_that_fails_leaves_the_list_incomplete(given):
    full = answer(200, {"tags": [f"v{place}" for place in range(1000)]})
    registry = Scripted({"/v2/app/tags/list": lambda request: given if "last=" in request.url else full})
    found = Client(registry, "https://registry.test").tags("app")
    assert (len(found.tags), found.complete) == (1000, False)
    assert found.error


# the referrers call of the ORAS artifact specification


@pytest.fixture
def older(make_bench):
    return make_bench(referrers_api=False, oras_api=True, referrers_page_size=1)


def test_referrers_that_only_the_older_call_lists_are_found(older):
    image = older.author.image(tags="1.0")
    signature, sbom = older.author.signature(image), older.author.referrer(image)
    requests = older.index()
    assert sorted(older.referrers(image)) == sorted(map(digest_of, (signature, sbom)))
    assert (older.listing(image).complete, older.repository.referrers_api) == (True, False)
    assert requests["referrers_oras"] == 4  # two pages of the image's, one of each referrer's
    assert value(older.registry, "referrers_oras") == "yes"


def test_the_older_call_and_the_tag_are_merged(older):
    image = older.author.image(tags="1.0")
    by_call = older.author.referrer(image)
    by_tag = older.author.referrer(image, b"[]", artifact_type=SARIF)
    older.author.fallback(image, [by_tag])
    only_one = json.dumps({"referrers": [descriptor(by_call)]}).encode()
    older.quirks.break_("_oras", reply("200 OK", only_one, "application/json"))
    older.index()
    assert sorted(older.referrers(image)) == sorted(map(digest_of, (by_call, by_tag)))


def test_a_registry_without_the_older_call_is_asked_for_it_once_and_not_at_the_next_index(old):
    for name in ("a", "b", "c"):
        old.author.image(name, tags=name)
    assert old.index()["referrers_oras"] == 1
    assert "referrers_oras" not in old.index()
    assert value(old.registry, "referrers_oras") == "no"


def test_a_registry_with_the_api_is_never_asked_in_the_older_way(bench):
    bench.author.image(tags="1.0")
    assert "referrers_oras" not in bench.index()


@pytest.mark.parametrize(
    "quirk", [reply("500 Oops"), reply("403 Forbidden"), changed_body(lambda body: body[:-5]), reply("404 Not Found")]
)
def test_a_fault_of_the_older_call_is_never_read_as_no_referrers(older, quirk):
    image = older.author.image(tags="1.0")
    signature = older.author.signature(image)
    older.index()
    assert older.referrers(image) == [digest_of(signature)]
    older.quirks.break_(f"_oras.*{digest_of(image)}", quirk)
    older.index()
    assert not older.listing(image).complete
    assert older.referrers(image) == [digest_of(signature)]


@pytest.mark.parametrize("quirk", [reply("404 Not Found"), html_page(), reply("405 No", b"{}", "application/json")])
def test_whatever_lacks_the_older_call_still_has_its_tags_read(old, quirk):
    image = old.author.image(tags="1.0")
    sbom = old.author.referrer(image)
    old.author.fallback(image, [sbom])
    old.quirks.break_("_oras", quirk)
    old.index()
    assert (old.referrers(image), old.listing(image).complete) == ([digest_of(sbom)], True)


# sha512, ranges, deletion


def test_a_repository_of_sha512_digests_is_indexed_like_any_other(old):
    image = json.loads(old.author.image("inner"))
    content = json.dumps(image, indent=1).encode()
    digest = digest_of(content, "sha512")
    old.demo.store.put_manifest("team/app", content, MANIFEST, tags=[], digest=digest)
    entry = {"mediaType": MANIFEST, "digest": digest, "size": len(content)}
    old.author.push(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}, tags="1"
    )
    fields = json.loads(old.author.referrer(None)) | {"subject": entry}
    sbom = old.author.push(fields)
    old.author.fallback(content, [sbom], tag=Digest.parse(digest).fallback_tag)
    old.index()
    listing = old.repository.listings.get(subject=digest)
    assert (listing.digests, listing.complete) == ([digest_of(sbom)], True)
    assert old.faults() == []


def test_the_sample_registry_serves_ranges_of_blobs(tmp_path):
    app = DemoRegistry(tmp_path)
    path = f"/v2/a/blobs/{app.put_blob('a', b'0123456789')}"
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://registry.test") as client:
        for wanted, status, body in (
            ("bytes=2-4", 206, b"234"), ("bytes=7-", 206, b"789"), ("bytes=0-99", 206, b"0123456789"), ("bytes=x", 200, b"0123456789"),
        ):  # fmt: skip
            given = client.get(path, headers={"Range": wanted})
            assert (given.status_code, given.content) == (status, body)
        assert client.get(path, headers={"Range": "bytes=10-"}).status_code == 416
        assert client.get(path, headers={"Range": "bytes=2-4"}).headers["Content-Range"] == "bytes 2-4/10"


def test_what_a_registry_deleted_is_present_no_more(bench):
    image = bench.author.image(tags="1.0")
    sbom = bench.author.referrer(image)
    bench.index()
    assert bench.referrers(image) == [digest_of(sbom)]
    with httpx.Client(transport=httpx.WSGITransport(app=bench.demo), base_url="http://registry.test") as client:
        assert client.delete(f"/v2/team/app/manifests/{digest_of(sbom)}").status_code == 202
    bench.index()
    assert (bench.referrers(image), bench.listing(image).complete) == ([], True)
