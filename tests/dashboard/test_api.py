"""The REST API: what it answers, to whom, and in which form."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.api.serializers import trust_as_json
from dashboard.judged_report import report_of
from dashboard.verify_report import as_json
from registries.models import Listing, Repository
from registries.oci.digest import Digest
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision
from tests.trust.seeding import NOW, Place, publish
from trust import verification

pytestmark = pytest.mark.django_db
ARTIFACTS = reverse("api_artifacts")


@pytest.fixture
def reviewer(client):
    client.force_login(make_person("mara"))
    return client


def told(answer):
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_nobody_is_told_anything_without_signing_in(client):
    answer = client.get(ARTIFACTS)
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_only_reads(reviewer, method):
    assert getattr(reviewer, method)(ARTIFACTS).status_code == 405


class TestArtifacts:
    def test_a_row_says_what_the_list_says(self, reviewer):
        make_revision()
        row = make_artifact(make_repository(), "verified")
        [artifact] = told(reviewer.get(ARTIFACTS))["results"]
        assert artifact["reference"] == "registry.acme.example/web/cart"
        assert artifact["digest"] == str(row.manifest_id)
        assert (artifact["status"], artifact["last_status"], artifact["signer"]) == (
            "verified",
            "verified",
            "Acme Release 01",
        )
        assert artifact["tags"] == ["1.0"]
        assert artifact["trust"].endswith(reverse("api_artifact_trust", args=[row.repository_id, row.manifest_id]))

    def test_under_a_newer_revision_no_row_is_green(self, reviewer):
        make_revision(1)
        make_artifact(make_repository(), "verified")
        make_revision(2)
        [artifact] = told(reviewer.get(ARTIFACTS))["results"]
        assert (artifact["status"], artifact["last_status"]) == ("stale", "verified")
        assert told(reviewer.get(ARTIFACTS, {"status": "verified"}))["results"] == []

    def test_it_takes_the_filters_of_the_page(self, reviewer):
        make_artifact(make_repository("web/cart"), "failed")
        make_artifact(make_repository("web/shop"), "unsigned")
        for query, names in (
            ({"status": "failed"}, ["web/cart"]),
            ({"q": "shop"}, ["web/shop"]),
            ({"repository": make_repository("web/shop").pk}, ["web/shop"]),
            ({}, ["web/cart", "web/shop"]),
        ):
            assert [row["repository"] for row in told(reviewer.get(ARTIFACTS, query))["results"]] == names

    def test_following_next_meets_every_row_once(self, reviewer):
        for number in range(7):
            make_artifact(make_repository(f"r{number}"), "unsigned" if number % 2 else "failed")
        seen, url = [], f"{ARTIFACTS}?limit=3&status=unsigned,failed"
        while url:
            page = told(reviewer.get(url))
            assert len(page["results"]) <= 3
            seen += [row["repository"] for row in page["results"]]
            url = page["next"]
        assert sorted(seen) == [f"r{number}" for number in range(7)]

    def test_more_rows_cost_no_more_queries(self, reviewer):
        def queries():
            with CaptureQueriesContext(connection) as captured:
                told(reviewer.get(ARTIFACTS))
            return len(captured)

        make_artifact(make_repository("one"))
        few = queries()
        for number in range(40):
            make_artifact(make_repository(f"r{number}"))
        assert queries() == few <= 8

    def test_as_csv_no_cell_is_a_formula(self, reviewer):
        make_artifact(make_repository(), "untrusted", signer="=HYPERLINK(1)", tag="-1")
        answer = reviewer.get(ARTIFACTS, {"format": "csv"})
        assert answer["Content-Type"].startswith("text/csv")
        [row] = csv.DictReader(io.StringIO(answer.content.decode()))
        assert row["signer"] == "'=HYPERLINK(1)"
        assert row["tags"] == "'-1"
        assert row["status"] == "untrusted"

    @pytest.mark.parametrize(
        "query",
        [
            "status=nope", "status=Verified", "status=verified,nope", "registry=abc", "repository=-1", "repository=٣",
            "kind=sbom", "after=zzz", "before=1.2", "limit=-1", "limit=many", "q=%00", "statuss=failed",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("form", ["json", "csv"])
    def test_what_it_does_not_understand_it_refuses_by_name(self, reviewer, query, form):
        make_artifact(make_repository(), "unsigned")
        answer = reviewer.get(f"{ARTIFACTS}?{query}&format={form}")
        assert answer.status_code == 400
        assert query.partition("=")[0] in answer.content.decode()
        assert "web/cart" not in answer.content.decode()

    def test_an_empty_value_is_no_filter_and_a_page_has_its_longest(self, reviewer):
        make_artifact(make_repository(), "unsigned")
        assert len(told(reviewer.get(f"{ARTIFACTS}?status=&registry=&q=&limit=999999999"))["results"]) == 1


class TestTrust:
    @pytest.fixture
    def signed(self):
        publish()
        place = Place()
        image = place.signed("release", "stranger", tag="1.0")
        place.judge()
        return place, image

    def urls(self, place, image, name="api_artifact_trust"):
        return reverse(name, args=[place.repository.pk, image.digest])

    def test_it_is_the_schema_of_verify_and_the_age_of_what_it_rests_on(self, reviewer, signed):
        answer = told(reviewer.get(self.urls(*signed)))
        assert answer["reference"] == f"registry.acme.example/shop/api@{signed[1].digest}"
        assert answer["statement"] == "release"
        assert [signature["verified"] for signature in answer["signatures"]] == [True, False]
        assert set(answer["signatures"][0]["checks"]) >= {"integrity", "authenticity", "expiry", "revocation"}
        assert answer["revision"] == 1
        assert answer["listing"]["complete"] is True
        # The listing of this world is older than it may be by now, so nothing is green.
        assert answer["status"] == "stale"

    def test_it_says_what_the_report_says_member_by_member(self, signed):
        place, image = signed
        repository = Repository.objects.select_related("registry").get(pk=place.repository.pk)
        judged = verification.judge_artifact(repository, image.digest, NOW)
        answer = trust_as_json(judged)
        assert answer["status"] == "verified"
        assert as_json(report_of(judged)).items() <= answer.items()

    def test_signatures_say_who_signed_and_what_is_vouched_for(self, reviewer, signed):
        Listing.objects.update(checked_at=timezone.now())
        first, second = told(reviewer.get(self.urls(*signed, name="api_artifact_signatures")))["results"]
        assert first["status"] == "verified"
        assert first["integrity"] is True
        assert first["target"] == str(signed[1].digest)
        assert first["certificates"][0]["subject"].startswith("CN=")
        assert second["status"] == "untrusted"

    def test_no_signature_is_green_where_its_listing_is_old(self, reviewer, signed):
        first, second = told(reviewer.get(self.urls(*signed, name="api_artifact_signatures")))["results"]
        assert (first["status"], first["reason"]) == ("stale", "listing_old")
        assert second["status"] == "untrusted"

    def test_an_artifact_out_of_sight_or_elsewhere_does_not_exist(self, client, signed):
        place, image = signed
        own = make_repository("own/one")
        client.force_login(make_person("eve", everything=False, repositories=[own]))
        for name in ("api_artifact_trust", "api_artifact_signatures"):
            assert client.get(self.urls(place, image, name)).status_code == 404
            assert client.get(reverse(name, args=[own.pk, image.digest])).status_code == 404
            assert client.get(reverse(name, args=[own.pk, Digest.of(b"nothing")])).status_code == 404


class TestRegistries:
    def test_it_tells_how_indexing_goes(self, reviewer):
        repository = make_repository()
        make_artifact(repository)
        Repository.objects.update(last_error="denied")
        [registry] = told(reviewer.get(reverse("api_registries")))["results"]
        assert registry["condition"] == "waits"
        assert (registry["repositories"], registry["failing"], registry["artifacts"]) == (1, 1, 1)
        assert "password" not in registry

    def test_it_tells_only_of_what_one_sees(self, client):
        cart = make_repository("web/cart")
        make_repository("web/secret")
        make_repository("a", "hidden.example")
        client.force_login(make_person("eve", everything=False, repositories=[cart]))
        [registry] = told(client.get(reverse("api_registries")))["results"]
        assert (registry["reference_name"], registry["repositories"]) == ("registry.acme.example", 1)
