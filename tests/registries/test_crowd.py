"""An artifact to which very much is attached, by whoever may push: a good signature is found, at a bounded price."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.leases import take
from registries.models import Repository
from registries.oci.digest import Digest
from tests.dashboard.rows import make_person
from tests.simulators.crowd import crowd, pki
from tests.simulators.images import digest_of
from trust import revisions, verification
from trust.models import ArtifactStatus, Judgement

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = b"""{"version": "1.0", "trustPolicies": [{"name": "all", "registryScopes": ["*"],
  "signatureVerification": {"level": "strict"}, "trustStores": ["ca:acme"], "trustedIdentities": ["*"]}]}"""


def judged(bench, image):
    revisions.publish(
        POLICY, {("ca", "acme", "root.pem"): pki(AT).root.pem}, author=None, reason="test", based_on=None, at=AT
    )
    verification.ensure_judgements()
    row = Judgement.objects.get(repository=bench.repository)
    verification.judge_repository(take(Judgement.objects.all(), row.pk), bench.at)
    return ArtifactStatus.objects.get(repository=bench.repository, manifest=Digest.of(image))


def queries_of_a_page(client, bench, image):
    url = reverse("artifact", args=[bench.repository.pk, Digest.of(image)])
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def check(bench, *, junk, signatures, api):
    bench.at = AT
    image, good = crowd(bench.author, junk=junk, signatures=signatures, at=AT, api=api)
    bench.index()
    assert bench.listing(image).complete
    assert len(bench.referrers(image)) == junk + signatures
    assert digest_of(good) in bench.referrers(image)
    status = judged(bench, image)
    assert (status.word, status.counts["signature"]) == ("verified", signatures)
    return image


@pytest.mark.parametrize("api", [True, False], ids=["api", "tags"])
def test_the_good_signature_behind_junk_and_bad_ones_is_found_for_few_queries(make_bench, client, api):
    bench = make_bench(referrers_api=api, referrers_page_size=100)
    image = check(bench, junk=400, signatures=20, api=api)
    few = make_bench()
    alone = few.author.image("alone", tags="1.0")
    few.at = AT
    few.index()
    client.force_login(make_person(role=Role.ADMIN))
    assert queries_of_a_page(client, bench, image) <= queries_of_a_page(client, few, alone) + 25


@pytest.mark.soak
@pytest.mark.parametrize("api", [True, False], ids=["api", "tags"])
def test_ten_thousand_junk_referrers_and_a_hundred_signatures(make_bench, client, api):
    bench = make_bench(referrers_api=api)
    tracemalloc.start()
    image = check(bench, junk=10_000 - 100, signatures=100, api=api)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    client.force_login(make_person(role=Role.ADMIN))
    print(f"crowd, {'API' if api else 'tags'}: {sum(bench.requests.values())} requests, peak {peak / 2**20:.0f} MiB,"
          f" {queries_of_a_page(client, bench, image)} queries a page")  # fmt: skip
    assert peak < 200 * 2**20


def test_a_chain_of_fifty_referrers_is_cut_and_says_so(bench, client):
    link = bench.author.image(tags="1.0")
    for number in range(50):
        link = bench.author.referrer(link, b'{"link": %d}' % number)
    bench.index()
    assert sum(bench.requests.values()) < 60
    assert bench.faults() == ["depth_limit"]
    Repository.objects.update(due_at=timezone.now() + timedelta(hours=1))
    client.force_login(make_person(role=Role.ADMIN))
    page = client.get(reverse("repository", args=[bench.repository.pk])).content.decode()
    assert "more than 8 deep; what refers to it is not read" in page
    assert "In part" in page


def test_circles_of_children_and_referrers_end_and_every_list_is_read_once(bench, client):
    author = bench.author
    image = author.image("one")
    platform = {"os": "linux", "architecture": "amd64"}
    index = author.index([(image, platform)], tags="1.0")
    # an honest index that both refers to the image and names it, and one that refers to the first and names that
    back = author.index([(image, platform), (index, platform)], subject=descriptor_of(image), tags="2.0")
    author.index([(back, platform), (index, platform)], subject=descriptor_of(back))
    bench.index()
    assert bench.requests["referrers"] == len(bench.present()) == 4
    assert bench.faults() == []
    client.force_login(make_person(role=Role.ADMIN))
    for content in (image, index, back):
        tree = reverse("artifact_tree", args=[bench.repository.pk, Digest.of(content)])
        assert client.get(tree).status_code == 200


def descriptor_of(content):
    return {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest_of(content),
        "size": len(content),
    }
