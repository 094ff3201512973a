"""Certificates: the list, one certificate's page, and what would turn without it."""

import importlib
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from demo.pki import ACME, Pki, make_authority
from tests.dashboard.rows import make_person
from tests.trust.seeding import DAY, Place, publish, statement
from trust import revisions
from trust.models import Certificate, StoreFile

pytestmark = pytest.mark.django_db


class Shop:
    """Two repositories of which one may be secret, signed by what the sample world's people have, as of now."""

    def __init__(self):
        self.now = timezone.now().replace(microsecond=0)
        self.pki = Pki.build(self.now)
        stores = self.pki.trust_stores
        files = {(*name.split(":"), file): pem for name, some in stores.items() for file, pem in some.items()}
        publish(statement(stores=["ca:acme", "ca:partner"], identities=["*"]), files=files, at=self.now)
        self.api = self.place("shop/api", "release", "release", "release-old-ca", "hostile")
        self.secret = self.place("shop/secret", "release", "partner", "stranger")

    def place(self, name, *signers):
        place = Place(name, at=self.now)
        place.images = [place.signed(self.pki[signer], tag=f"{n}.0") for n, signer in enumerate(signers)]
        place.judge(self.now)
        return place

    def thumbprint(self, signer, index=0):
        return self.pki[signer].thumbprints[index]


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client


@pytest.fixture
def limited(client, shop):
    """Somebody who sees one of the repositories."""
    client.force_login(make_person("jonas", everything=False, repositories=[shop.api.repository]))
    return client


def show(client, name, *args, **query):
    answer = client.get(reverse(name, args=args, query=query))
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def listed(client, **query):
    """The rows of the API, by thumbprint."""
    answer = client.get(reverse("api_certificates", query=query))
    assert answer.status_code == 200, answer.content
    return {row["thumbprint"]: row for row in answer.json()["results"]}


# -- the list


def test_every_certificate_of_signatures_and_stores_is_listed_with_what_it_is(shop, reader):
    rows = listed(reader, state="all")
    assert rows[shop.thumbprint("release")]["role"] == "leaf"
    assert rows[shop.thumbprint("release", 1)]["role"] == "intermediate"
    root = rows[shop.thumbprint("release", 2)]
    assert (root["role"], root["stores"], root["chains"], root["artifacts"]) == ("root", ["ca:acme"], 2, 4)
    assert rows[shop.pki.timestamp_root.thumbprints[0]]["stores"] == ["tsa:acme"]  # which nothing has shown yet
    assert set(rows) == set(Certificate.objects.values_list("pk", flat=True))


def test_artifacts_are_counted_by_the_signature_that_decides(shop, reader):
    rows = listed(reader, state="all")
    assert (rows[shop.thumbprint("stranger")]["artifacts"], rows[shop.thumbprint("stranger")]["green"]) == (1, 0)
    assert (rows[shop.thumbprint("release")]["artifacts"], rows[shop.thumbprint("release")]["green"]) == (3, 3)
    page = show(reader, "artifacts", certificate=shop.thumbprint("release"))
    assert page.count('class="badge is-verified"') == 3
    root = reader.get(reverse("api_artifacts", query={"certificate": shop.thumbprint("release", 2)})).json()
    assert len(root["results"]) == 4


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "fjord terminal"}, ["Fjord terminal builds"]),
        ({"q": "RELEASE-SIGNER 03"}, ["release-signer 03"]),
        ({"role": "root", "q": "fjord"}, ["Fjord Payments Root"]),
        ({"store": "tsa:acme"}, ["Acme TSA Root"]),
        ({"store": "none", "role": "intermediate"}, ["Acme Release CA 1", "Acme Release CA 2"]),
        ({"state": "soon"}, ["release-signer 01", "Acme Release CA 1"]),
        ({"state": "expired"}, []),
        ({"q": "nobody"}, []),
        ({"q": "%"}, []),
    ],
)
def test_the_list_is_narrowed_by_what_is_asked(shop, reader, query, names):
    found = [Certificate.objects.get(pk=pk).common_name for pk in listed(reader, **query)]
    assert found == names


def test_a_thumbprint_finds_its_certificate(shop, reader):
    leaf = shop.thumbprint("partner")
    for text in (leaf, leaf[:10], f"sha256:{leaf}", leaf.upper()):
        assert list(listed(reader, q=text)) == [leaf]


@pytest.mark.parametrize("query", [{"rol": "leaf"}, {"role": "king"}, {"state": "gone"}, {"after": "1.2"}])
def test_what_is_not_understood_shows_nothing_and_is_refused_by_name(shop, reader, query):
    [(name, value)] = query.items()
    page = show(reader, "certificates", **query)
    assert "release-signer" not in page
    if name != "after":
        assert f"{name}={value}" in page
    answer = reader.get(reverse("api_certificates", query=query))
    assert (answer.status_code, list(answer.json())) == (400, [name])


@pytest.mark.parametrize("state", ["all", "expired"])
def test_pages_of_the_list_leave_out_none_and_repeat_none(reader, state):
    publish()
    soon = timezone.now().replace(microsecond=0)
    for number in range(12):  # several end at the same second
        issued = make_authority({**ACME, "CN": f"ca {number}"}, soon - 20 * DAY, soon - DAY * (1 + number // 5))
        files = {("ca", "acme", "r.pem"): issued.pem}
        publish(files=files)
    url, seen, back = reverse("api_certificates", query={"state": state, "limit": 5}), [], None
    while url:
        page = reader.get(url).json()
        seen += [row["thumbprint"] for row in page["results"]]
        url, back = page["next"], page["previous"] or back
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(Certificate.objects.filter(not_after__lt=soon).values_list("pk", flat=True))
    before = reader.get(back).json()
    assert [row["thumbprint"] for row in before["results"]] == seen[-len(before["results"]) - len(page["results"]) :][
        : len(before["results"])
    ]


def test_the_csv_has_the_rows_of_the_query_and_no_formula(shop, reader):
    Certificate.objects.filter(pk=shop.thumbprint("release")).update(subject="=HYPERLINK(1)")
    answer = reader.get(reverse("api_certificates", query={"q": "hyperlink", "format": "csv"}))
    lines = answer.content.decode().splitlines()
    assert (len(lines), "'=HYPERLINK(1)" in lines[1]) == (2, True)
    assert answer["Content-Disposition"] == 'attachment; filename="certificates.csv"'


def test_names_that_nobody_vouches_for_are_claims_and_inert(shop, reader):
    rows = listed(reader, state="all")
    assert not rows[shop.thumbprint("hostile")]["proven"]
    assert rows[shop.thumbprint("release")]["proven"]
    assert rows[shop.thumbprint("release", 1)]["proven"]
    for page in (show(reader, "certificates"), show(reader, "certificate", shop.thumbprint("hostile"))):
        assert "<script>alert" not in page
        assert 'class="odd">U+202E' in page
        assert "laims, not proven" in page


def test_an_empty_installation_says_so(reader):
    assert "No certificate yet" in show(reader, "certificates")
    assert "No deadline within" in show(reader, "forecast")


def test_the_queries_of_the_list_do_not_grow_with_its_rows(shop, reader, django_assert_max_num_queries):
    with django_assert_max_num_queries(13):
        show(reader, "certificates", state="all")


# -- who sees what


def test_what_was_seen_only_elsewhere_does_not_exist(shop, limited):
    rows = listed(limited, state="all")
    assert shop.thumbprint("stranger") not in rows
    assert shop.thumbprint("partner") not in rows
    assert shop.thumbprint("partner", 1) in rows  # of the trust stores, which everybody sees
    assert rows[shop.thumbprint("release")]["artifacts"] == 2
    for name in ("certificate", "api_certificate", "certificate_turning", "api_certificate_turning"):
        query = {"if": "removed"}
        assert limited.get(reverse(name, args=[shop.thumbprint("stranger")], query=query)).status_code == 404


def test_counts_and_pictures_are_of_what_one_sees(shop, limited):
    root = shop.thumbprint("release", 2)
    page = show(limited, "certificate", root, **{"if": "removed"})
    assert "shop/secret" not in page
    assert re.search(r">3 artifacts</a>, 3 of them green", page)
    assert "3 turn untrusted" in page
    assert show(limited, "certificate_turning", root, **{"if": "removed"}).count("shop/api") == 3
    partner = show(limited, "certificate", shop.thumbprint("partner", 1), **{"if": "removed"})
    assert "Nothing that is green turns" not in show(limited, "certificate", root, **{"if": "removed"})
    assert "3 turn untrusted" in partner  # its store would be empty, and the statement names it


# -- one certificate


def test_a_page_tells_what_turns_when_it_expires(shop, reader):
    page = show(reader, "certificate", shop.thumbprint("release-old-ca"))
    assert "1 turns untrusted" in page
    assert reverse("deadline", args=[f"certificate-{shop.thumbprint('release-old-ca')}"]) in page
    answer = reader.get(reverse("api_certificate", args=[shop.thumbprint("release-old-ca", 1)])).json()
    assert (answer["expires"]["turning"], answer["expires"]["stays"]) == (0, {"before": 1})


def test_removal_is_answered_with_counts_and_the_list(shop, reader):
    root = shop.thumbprint("release", 2)
    said = reader.get(reverse("api_certificate", args=[root], query={"if": "removed"})).json()["supposed"]
    assert (said["number"], said["stores"], said["emptied"]) == (5, ["ca:acme"], ["ca:acme"])
    rows = reader.get(reverse("api_certificate_turning", args=[root], query={"if": "removed"})).json()["results"]
    assert [row["then"] for row in rows] == ["untrusted"] * 5
    assert {row["then_reason"] for row in rows} == {"trust_store_unusable"}
    assert revisions.active_number() == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"if": "stolen"}, "It may be removed or revoked"),
        ({"if": "revoked", "on": "tomorrow"}, "A day is written as"),
        ({"if": "revoked", "on": "1999-01-01"}, "The day must be today or later"),
        ({"if": "revoked", "on": "9999-12-31"}, "within a hundred years"),
    ],
)
def test_a_supposal_that_is_none_is_refused(shop, reader, query, said):
    leaf = shop.thumbprint("release")
    assert said in show(reader, "certificate", leaf, **query)
    assert reader.get(reverse("api_certificate", args=[leaf], query=query)).status_code == 400
    assert reader.get(reverse("certificate_turning", args=[leaf], query=query)).status_code == 404


def test_what_cannot_be_revoked_is_said_to_be_so(shop, reader):
    assert "names no place where its revocation would be announced" in show(
        reader, "certificate", shop.thumbprint("release"), **{"if": "revoked"}
    )
    assert "a root is not asked about" in show(
        reader, "certificate", shop.thumbprint("release", 2), **{"if": "revoked"}
    )


def test_the_picture_leads_from_artifacts_to_stores_and_statements(shop, reader):
    page = show(reader, "certificate", shop.thumbprint("release", 1))
    for text in ("Acme Release CA 2", "release-signer 03", "3 artifacts", "ca:acme", "level strict"):
        assert text in page
    assert page.count('class="g-node self"') == 1


def test_the_queries_of_a_page_do_not_grow_with_artifacts(shop, reader, django_assert_max_num_queries):
    for number in range(15):
        shop.place(f"team/app-{number}", "release", "release-next")
    with django_assert_max_num_queries(45):
        show(reader, "certificate", shop.thumbprint("release", 2), **{"if": "removed"})


def test_a_thumbprint_that_nobody_saw_is_not_there(shop, reader):
    assert reader.get(reverse("certificate", args=["0" * 64])).status_code == 404
    assert reader.get(f"/certificates/{'0' * 63}/").status_code == 404


# -- the way there


def test_from_the_overview_the_impact_of_an_expiry_is_one_click_away(shop, reader):
    overview = show(reader, "overview")
    deadlines = overview.partition('id="o3"')[2]
    target = reverse("certificate", args=[shop.thumbprint("release-old-ca")])
    assert f'href="{target}"' in deadlines
    assert "1 green artifact rests on it" in deadlines
    assert f'href="{reverse("forecast")}"' in deadlines
    assert "1 turns untrusted" in reader.get(target).content.decode()
    assert "release-signer 03" not in deadlines


def test_a_polling_overview_does_not_look_for_deadlines(shop, reader):
    assert 'id="o3"' not in reader.get(reverse("overview"), headers={"HX-Request": "true"}).content.decode()


def test_deadlines_of_the_overview_are_of_what_one_sees(shop, client):
    client.force_login(make_person("eve", everything=False, repositories=[shop.secret.repository]))
    assert "release-signer 01" not in show(client, "overview")


def test_certificates_of_stores_of_older_revisions_are_kept(shop, reader):
    publish(files={("ca", "acme", "r.pem"): shop.pki.root.pem}, at=shop.now + timedelta(seconds=1))
    rows = listed(reader, state="all")
    assert rows[shop.pki.timestamp_root.thumbprints[0]]["stores"] == []


def test_stores_of_before_certificates_had_rows_get_them(shop):
    migration = importlib.import_module("trust.migrations.0004_certificates_of_stores")
    before = list(Certificate.objects.order_by("pk").values())
    Certificate.objects.filter(pk=shop.pki.timestamp_root.thumbprints[0]).delete()
    StoreFile.objects.create(
        revision=StoreFile.objects.first().revision, store_type="ca", store_name="old", file_name="x", content=b"junk"
    )
    migration.keep(apps, None)
    assert list(Certificate.objects.order_by("pk").values()) == before
