"""The forecast as page, calendar, CSV and JSON, and one deadline with its artifacts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from demo.pki import make_signer
from registries.models import Listing
from tests.dashboard.rows import make_person
from tests.dashboard.test_certificates import Shop, show
from tests.dashboard.test_icalendar import read
from tests.trust.seeding import Place, publish, statement
from trust.models import Chain, RevocationAnswer, RevocationSource

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client


def told(client, name="api_forecast", *args, **query):
    answer = client.get(reverse(name, args=args, query=query))
    assert answer.status_code == 200, answer.content
    return answer.json()


def key(shop, signer="release-old-ca", index=0):
    return f"certificate-{shop.thumbprint(signer, index)}"


def test_page_json_csv_and_calendar_say_the_same(shop, reader):
    results = told(reader)["results"]
    assert [(row["kind"], row["turning"]) for row in results] == [("leaf", 1), ("intermediate", 0)]
    page = show(reader, "forecast")
    assert "2 in the next 6 months, 1 artifact turns" in page
    assert "1 turns untrusted" in page
    csv = reader.get(reverse("api_forecast", query={"format": "csv"})).content.decode().splitlines()
    assert [line.split(",")[0] for line in csv[1:]] == [row["key"] for row in results]
    calendar = reader.get(reverse("forecast_calendar"))
    assert calendar["Content-Type"] == "text/calendar; charset=utf-8"
    lines = read(calendar.content)
    assert [value for name, value in lines if name == "UID"] == [f"{row['key']}@signboard" for row in results]
    assert [value for name, value in lines if name == "URL"] == [
        f"http://testserver{reverse('deadline', args=[row['key']])}" for row in results
    ]
    assert "Leaf release-signer 01: expires, 1 turn untrusted" in [v for name, v in lines if name == "SUMMARY"]


def test_names_of_events_stay_from_day_to_day(shop, reader):
    def uids():
        return [v for name, v in read(reader.get(reverse("forecast_calendar")).content) if name == "UID"]

    before = uids()
    shop.place("shop/new", "release-old-ca")
    assert uids() == before


@pytest.mark.parametrize(
    ("query", "turning"),
    [
        ({"days": "30"}, [1, 0]),
        ({"q": "signer 01"}, [1]),
        ({"q": "SHOP/API"}, [1, 0]),
        ({"q": "shop/secret"}, []),
        ({"q": "nothing of that name"}, []),
    ],
)
def test_it_is_narrowed_by_horizon_certificate_signer_and_repository(shop, reader, query, turning):
    assert [row["turning"] for row in told(reader, **query)["results"]] == turning


def test_it_is_narrowed_to_one_repository_or_one_certificate(shop, reader):
    assert told(reader, repository=shop.secret.repository.pk)["results"] == []
    assert len(told(reader, repository=shop.api.repository.pk)["results"]) == 2
    [one] = told(reader, certificate=shop.thumbprint("release-old-ca", 1))["results"]
    assert one["kind"] == "intermediate"


@pytest.mark.parametrize("query", [{"days": "31"}, {"day": "30"}, {"repository": "x"}, {"certificate": "ab"}])
def test_what_is_not_understood_shows_nothing_and_is_refused_by_name(shop, reader, query):
    assert "turns untrusted" not in show(reader, "forecast", **query)
    answer = reader.get(reverse("api_forecast", query=query))
    assert (answer.status_code, list(answer.json())) == (400, list(query))
    assert reader.get(reverse("forecast_calendar", query=query)).status_code == 404


def test_a_deadline_lists_the_artifacts_that_turn_and_what_they_read_then(shop, reader):
    shop.place("shop/old", *["release-old-ca"] * 60)
    page = show(reader, "deadline", key(shop))
    assert "61 turn untrusted" in page
    assert page.count("Certificate expired") == 50
    first = told(reader, "api_deadline", key(shop))
    second = reader.get(first["next"]).json()
    digests = [row["digest"] for row in first["results"] + second["results"]]
    assert (len(digests), len(set(digests)), first["deadline"]["turning"]) == (61, 61, 61)
    assert {(row["status"], row["then"]) for row in second["results"]} == {("verified", "untrusted")}


@pytest.mark.parametrize("name", ["certificate-" + "0" * 64, "expiry-2026-02-31-" + "0" * 64, "nothing", "expiry-x"])
def test_a_deadline_that_is_none_is_not_there(shop, reader, name):
    assert reader.get(reverse("deadline", args=[name])).status_code == 404
    assert reader.get(reverse("api_deadline", args=[name])).status_code == 404


def test_signatures_that_expire_have_a_deadline_with_their_artifacts(shop, reader):
    place = Place("shop/expiring", at=shop.now)
    place.signed(shop.pki["release"], expiry=shop.now + 14 * DAY)
    place.judge(shop.now)
    [one] = [row for row in told(reader)["results"] if row["kind"] == "signature"]
    assert one["turning"] == 1
    assert "1 artifact signed by release-signer 03" in show(reader, "deadline", one["key"])


def test_nothing_of_what_one_may_not_see_is_counted_or_named(shop, client):
    shop.place("shop/hidden", "release-old-ca", "release-old-ca")
    client.force_login(make_person("jonas", everything=False, repositories=[shop.api.repository]))
    assert [row["turning"] for row in told(client)["results"]] == [1, 0]
    for page in (show(client, "forecast"), show(client, "deadline", key(shop))):
        assert "shop/hidden" not in page
        assert "1 turns untrusted" in page
    client.force_login(make_person("eve", everything=False, repositories=[shop.secret.repository]))
    assert told(client)["results"] == []
    assert client.get(reverse("deadline", args=[key(shop)])).status_code == 404


def test_answers_that_must_be_renewed_are_a_list_of_their_own(shop, client):
    chain = Chain.objects.get(leaf=shop.thumbprint("release"))
    source = RevocationSource.objects.create(
        key="k", kind="crl", url="http://crl.acme.example/<b>", issuer_id=shop.thumbprint("release", 1), due_at=shop.now
    )
    source.chains.add(chain)
    source.answer = RevocationAnswer.objects.create(
        source=source, digest="sha256:" + "a" * 64, collected_at=shop.now, this_update=shop.now,
        next_update=shop.now + DAY, number="1", signed_by="", says={},
    )  # fmt: skip
    source.save()
    client.force_login(make_person("jonas", everything=False, repositories=[shop.api.repository]))
    [one] = told(client)["renewals"]
    assert (one["artifacts"], one["url"]) == (2, "http://crl.acme.example/<b>")
    page = show(client, "forecast")
    assert "crl.acme.example/&lt;b&gt;" in page
    assert "crl.acme.example" in show(client, "certificate", shop.thumbprint("release", 1))
    source.chains.clear()
    assert told(client)["renewals"] == []


def test_what_is_not_in_the_forecast_is_said(shop, reader):
    Listing.objects.filter(subject=shop.api.images[2].digest).update(complete=False)
    answer = told(reader)
    assert answer["not_looked_at"] == 1
    assert "Of 1 artifact more changed than was judged" in show(reader, "forecast")


def test_hostile_names_break_out_of_nothing(reader):
    now = timezone.now().replace(microsecond=0)
    shop = Shop()
    evil = make_signer(
        {"C": "XX", "ST": "<i>x", "O": "a,b;c", "CN": "<script>x</script>\nBEGIN:VEVENT\u202e"},
        now - DAY, now + 20 * DAY, issuer=None,
    )  # fmt: skip
    publish(statement(stores=["ca:evil"], identities=["*"]), files={("ca", "evil", "r.pem"): evil.pem}, at=now)
    place = Place("shop/evil", at=now)
    place.signed(evil)
    for each in (place, shop.api, shop.secret):
        each.judge(now)
    page = show(reader, "forecast")
    assert "<script>x" not in page
    assert "1 turns untrusted" in page
    names = [name for name, _ in read(reader.get(reverse("forecast_calendar")).content)]
    assert names.count("BEGIN") == 2


def test_the_queries_do_not_grow_with_what_is_forecast(shop, reader, django_assert_max_num_queries):
    for number in range(12):
        place = Place(f"team/app-{number}", at=shop.now)
        place.signed(shop.pki["release-old-ca"], expiry=shop.now + (3 + number) * DAY)
        place.judge(shop.now)
    with django_assert_max_num_queries(32):
        show(reader, "forecast")
