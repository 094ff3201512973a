"""The coverage tab and its JSON and CSV."""

import csv
import io
import json
import re

import pytest
from django.urls import reverse

from dashboard.models import Role
from registries.models import Registry, Repository
from tests.dashboard.rows import make_person, make_repository
from tests.trust.seeding import NOW, policy, publish, statement, store_files
from trust import drafts
from trust.draft_rows import Draft
from trust.revisions import Content

pytestmark = pytest.mark.django_db

PAGE, API = "trust_coverage", "api_trust_coverage"


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client


@pytest.fixture
def world():
    """One repository of each kind, a scope that names none, a statement that reaches none."""
    publish(
        statement("web", scopes=["r.example/web/cart", "r.example/web/gone"]),
        statement("hub", scopes=["index.docker.io/library/nginx"]),
        statement("idle", scopes=["r.example/idle"]),
    )
    make_repository("library/nginx", "docker.io")
    return make_repository("web/cart", "r.example"), make_repository("web/shop", "r.example")


def show(client, name=PAGE, **query):
    answer = client.get(reverse(name, query=query))
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def repositories(page):
    return re.findall(r'<a class="name fit" href="[^"]+"><bdi>([^<]+)</bdi>', page)


def told(client, **query):
    return json.loads(show(client, API, **query))


def test_the_page_begins_with_what_it_comes_to(reader, world):
    page = show(reader)
    assert (
        "1 of 3 repositories falls under a statement: 1 by name, 0 by *. 1 falls under none."
        " 1 is spelled in another way than the policy spells it." in text(page)
    )
    assert repositories(page) == ["docker.io/library/nginx", "r.example/web/shop", "r.example/web/cart"]


def test_scopes_statements_and_stores_that_nothing_uses_are_named(reader, world):
    page = show(reader)
    assert "r.example/web/gone" in page
    assert page.count("never, by no signature") == 3
    stores = {f"{store_type}:{name}" for store_type, name, _ in store_files()} - {"ca:acme"}
    assert stores
    for store in stores:
        assert f"<code>{store}</code>" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"how": "none"}, ["r.example/web/shop"]),
        ({"how": "folding_veto"}, ["docker.io/library/nginx"]),
        ({"statement": "web"}, ["r.example/web/cart"]),
        ({"q": "WEB/"}, ["r.example/web/shop", "r.example/web/cart"]),
        ({"q": "nothing"}, []),
        ({"how": "sideways"}, []),
        ({"hwo": "none"}, []),
    ],
)
def test_filters_narrow_the_page_and_what_is_not_understood_shows_nothing(reader, world, query, found):
    assert repositories(show(reader, **query)) == found


def test_the_json_says_what_the_page_says(reader, world):
    page = told(reader)
    assert (page["revision"], page["total"], page["counts"]) == (
        1, 3, {"folding_veto": 1, "none": 1, "wildcard": 0, "exact": 1},
    )  # fmt: skip
    assert [(row["reference"], row["covered"], row["statement"]) for row in page["results"]] == [
        ("docker.io/library/nginx", "folding_veto", None),
        ("r.example/web/shop", "none", None),
        ("r.example/web/cart", "exact", "web"),
    ]
    assert {row["name"]: (row["repositories"], row["unused_scopes"]) for row in page["statements"]} == {
        "web": (1, ["r.example/web/gone"]),
        "hub": (0, ["index.docker.io/library/nginx"]),
        "idle": (0, ["r.example/idle"]),
    }
    assert [row["reference"] for row in told(reader, how="none")["results"]] == ["r.example/web/shop"]


def test_the_csv_has_a_line_a_repository_and_no_formula(reader, world):
    Repository.objects.create(registry=Registry.objects.get(address="r.example"), name="=1+1")
    rows = list(csv.DictReader(io.StringIO(show(reader, API, format="csv"))))
    assert len(rows) == 4
    assert {row["repository"] for row in rows} >= {"'=1+1", "web/cart"}


@pytest.mark.parametrize("query", [{"how": "sideways"}, {"hwo": "none"}, {"page": "2"}])
def test_the_api_refuses_what_it_does_not_understand(reader, world, query):
    answer = reader.get(reverse(API, query=query))
    assert answer.status_code == 400
    assert next(iter(query)) in json.loads(answer.content)


def test_a_reader_is_told_of_no_repository_scope_or_statement_of_others(client, world):
    cart, _ = world
    client.force_login(make_person("eve", everything=False, repositories=[cart]))
    page = show(client)
    assert "1 of 1 repository that you see falls under a statement: 1 by name, 0 by *." in text(page)
    for secret in ("web/gone", "web/shop", "nginx", "idle", "hub"):
        assert secret not in page
        assert secret not in show(client, API)
    assert "2 statements are about repositories that you do not see." in text(page)


def test_without_a_policy_the_page_says_so_and_has_no_json(reader):
    page = show(reader)
    assert "No trust policy yet" in page
    assert "This page as JSON" not in page
    assert reader.get(reverse(API)).status_code == 404


def test_without_a_repository_the_statements_are_still_there(reader):
    publish()
    page = show(reader)
    assert "No repository is known yet" in page
    assert "<bdi>release</bdi>" in page


def test_hostile_names_are_inert(reader):
    publish(statement("<b>s</b>"))
    registry = Registry.objects.create(address="r.example", reference_name="r.example")
    Repository.objects.create(registry=registry, name="<script>alert(1)</script>\u202e")
    page = show(reader, q="<script>", statement="<i>")
    assert "<script>alert" not in page
    assert "<i>" not in page
    page = show(reader)
    assert "<b>s</b>" not in page
    assert '<span class="odd">U+202E</span>' in page


def test_the_map_takes_as_many_queries_for_many_repositories(reader, django_assert_max_num_queries):
    publish(statement("web", scopes=["r.example/a0"]), statement("rest"))
    registry = Registry.objects.create(address="r.example", reference_name="r.example")
    Repository.objects.bulk_create(Repository(registry=registry, name=f"a{n}") for n in range(350))
    show(reader)
    with django_assert_max_num_queries(11):
        page = show(reader, page="4")
    assert len(repositories(page)) == 50
    assert "301–350 of 350" in page


def test_both_tabs_lead_to_each_other(client):
    client.force_login(make_person("adam", Role.ADMIN))
    publish()
    assert f'href="{reverse(PAGE)}"' in show(client, "trust_policy")
    assert f'href="{reverse("trust_policy")}"' in show(client)


class TestOfADraft:
    @pytest.fixture
    def drafted(self, world):
        author = make_person("author", Role.ADMIN)
        content = Content(policy(statement("shop", scopes=["r.example/web/shop", "r.example/web/cart"])), store_files())
        return drafts.begin(content, 1, author, NOW)

    def show(self, client, draft, **query):
        answer = client.get(reverse("draft_coverage", args=[draft.pk], query=query))
        assert answer.status_code == 200
        return answer.content.decode()

    def test_it_is_the_map_of_what_the_draft_says_not_of_what_holds(self, reader, drafted):
        page = self.show(reader, drafted)
        assert "2 of 3 repositories would fall under a statement: 2 by name, 0 by *." in text(page)
        assert repositories(self.show(reader, drafted, statement="shop")) == [
            "r.example/web/cart",
            "r.example/web/shop",
        ]
        assert "1 of 3 repositories falls under a statement" in text(show(reader))

    def test_nothing_is_said_of_who_satisfies_a_statement_by_which_nothing_is_judged(self, reader, drafted):
        assert "Satisfied" in show(reader)
        assert "Satisfied" not in self.show(reader, drafted)

    def test_a_draft_that_breaks_a_rule_has_none_and_says_which(self, reader, drafted):
        Draft.objects.update(policy=b"{}")
        page = self.show(reader, drafted)
        assert "This draft has no coverage." in page
        assert not repositories(page)

    def test_the_draft_leads_to_it_and_back_whoever_reads(self, reader, drafted):
        to, back = reverse("draft_coverage", args=[drafted.pk]), reverse("draft", args=[drafted.pk])
        assert f'href="{to}"' in reader.get(back).content.decode()
        page = self.show(reader, drafted)
        assert f'href="{back}"' in page
        assert reverse("draft_edit", args=[drafted.pk]) not in page

    def test_its_json_and_csv_say_what_its_page_says(self, reader, drafted):
        address = reverse("api_draft_coverage", args=[drafted.pk])
        assert address in self.show(reader, drafted)
        said = reader.get(address, {"statement": "shop"}).json()
        assert (said["draft"], said["version"], said["total"]) == (drafted.pk, 1, 3)
        assert said["counts"] == {"exact": 2, "wildcard": 0, "none": 1, "folding_veto": 0}
        assert [row["reference"] for row in said["results"]] == ["r.example/web/cart", "r.example/web/shop"]
        assert said["statements"][0]["satisfied"] is None
        lines = list(csv.DictReader(io.StringIO(reader.get(address, {"format": "csv"}).content.decode())))
        assert [line["statement"] for line in lines] == ["", "shop", "shop"]

    def test_its_json_is_not_there_where_there_is_no_map(self, reader, drafted):
        address = reverse("api_draft_coverage", args=[drafted.pk])
        assert reader.get(address, {"how": "some"}).status_code == 400
        Draft.objects.update(policy=b"{}")
        assert reader.get(address).status_code == 404
        assert address not in self.show(reader, drafted)
