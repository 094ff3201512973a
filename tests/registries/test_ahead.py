"""What a new tag names comes with its manifest: one request where two were, and never more than was asked before."""

from datetime import timedelta

import pytest

from demo.registry import DemoRegistry
from registries import capabilities
from registries.indexing import ahead
from registries.models import Content, HostBudget, Manifest, Presence, Served, Tag
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.transport import Transport
from tests.simulators.images import Author, digest_of
from tests.simulators.registry_quirks import Quirks, reply, too_many_requests, with_header


def images(bench, number):
    return [bench.author.image(f"{n}", tags=f"v{n}") for n in range(number)]


def test_a_new_tag_costs_one_request_and_a_known_one_no_body(bench):
    pushed = images(bench, 9)
    assert bench.index() == {"tags": 1, "manifest": 9, "referrers": 9}
    assert bench.artifacts() == {Digest.of(image) for image in pushed}
    new = bench.author.image("new", tags="v9")
    assert bench.index() == {"tags": 1, "manifest_head": 9, "manifest": 1, "referrers": 10}
    assert Digest.of(new) in bench.artifacts()


def test_two_tags_of_one_manifest_are_one_row_of_all_but_tags(bench):
    image = bench.author.image(tags=["1.0", "latest"])
    bench.index()
    assert {tag.name: tag.digest for tag in Tag.objects.all()} == dict.fromkeys(["1.0", "latest"], Digest.of(image))
    for rows in (Manifest.objects, Content.objects, Served.objects):
        assert [row.digest for row in rows.all()] == [Digest.of(image)]
    assert Presence.objects.count() == 1


def test_a_new_referrers_tag_costs_one_request(old):
    image = old.author.image(tags="1.0")
    sbom = old.author.referrer(image)
    old.author.fallback(image, [sbom])
    requests = old.index()
    assert old.referrers(image) == [digest_of(sbom)]
    assert "manifest_head" not in requests
    assert requests["manifest"] == 3  # the image and its list, each by its tag, and the SBOM


def test_a_registry_that_counts_what_is_fetched_is_asked_what_its_tags_name_first(bench):
    bench.author.image(tags=["1.0", "1", "latest"])
    capabilities.record(bench.registry, {"rate_limit": "76;w=21600"}, bench.at)
    assert bench.index() == {"tags": 1, "manifest_head": 3, "manifest": 1, "referrers": 1}


def test_that_a_registry_counts_is_heeded_as_soon_as_it_says_so(bench):
    bench.author.image(tags=["1.0", "1", "latest"])
    bench.quirks.break_("manifests/", with_header("ratelimit-remaining", "76;w=21600"))
    assert bench.index(workers=1) == {"tags": 1, "manifest_head": 2, "manifest": 1, "referrers": 1}


def test_beyond_so_many_bytes_the_manifests_are_fetched_when_their_turn_comes(bench):
    size = 3_500_000
    most = ahead.MOST_BYTES // size + 1
    for number in range(most + 2):
        bench.author.image(f"{number}", tags=f"v{number}", annotations={"long": "x" * size})
    requests = bench.index(workers=1)
    assert (requests["manifest"], requests["manifest_head"]) == (most + 2, 2)
    assert len(bench.quirks.asked("GET .*/manifests/v")) == most
    assert len(bench.artifacts()) == most + 2


def test_a_registry_that_gives_nothing_by_tag_is_soon_asked_by_digest_alone(bench):
    pushed = images(bench, 12)
    bench.quirks.break_("GET .*/manifests/v", reply("403 Forbidden"))
    bench.index(workers=1)
    assert len(bench.quirks.asked("GET .*/manifests/v")) == ahead.MOST_FAILURES
    assert bench.artifacts() == {Digest.of(image) for image in pushed}
    assert bench.faults() == []


@pytest.mark.parametrize("quirk", [too_many_requests(60), reply("503 Service Unavailable", Retry_After="60")])
def test_whoever_asks_for_patience_is_asked_nothing_more_for_the_tag(bench, quirk):
    images(bench, 3)
    bench.quirks.break_("manifests/v1$", quirk)
    bench.index(workers=1)
    assert bench.repository.last_error
    assert bench.quirks.asked("manifests/v1$") == ["GET /v2/team/app/manifests/v1"]


def test_what_came_with_the_tags_before_the_registry_asked_for_patience_is_kept(bench):
    pushed = images(bench, 6)
    bench.quirks.break_("/referrers/", too_many_requests(60))
    bench.index(workers=1, slice=1)
    assert Content.objects.count() == Served.objects.filter(repository=bench.repository).count() == len(pushed)
    bench.quirks.mend()
    HostBudget.objects.all().delete()
    assert "manifest" not in bench.index(everything=False, after=timedelta(minutes=2))
    assert bench.artifacts() == {Digest.of(image) for image in pushed}


@pytest.mark.parametrize("tags", [2000, 2001])
def test_whoever_gave_links_gives_none_at_the_end(tmp_path, tags):
    app = DemoRegistry(tmp_path, page_size=1000)
    names = [f"v{number:04}" for number in range(tags)]
    Author(app).image(tags=names)
    quirks = Quirks(app)
    found = Client(Transport(app=quirks.wire()), "http://registry.test").tags("team/app")
    assert (found.tags, found.complete) == (tuple(names), True)
    assert len(quirks.asked("tags/list")) == -(-tags // 1000)
    app.close()
