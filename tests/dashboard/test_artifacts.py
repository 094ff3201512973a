"""The list of artifacts as a page."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from registries.models import Registry
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision
from trust.models import ArtifactStatus

pytestmark = pytest.mark.django_db
DAY = timezone.timedelta(days=1)


@pytest.fixture(autouse=True)
def revision():
    return make_revision(1, at=timezone.now())


@pytest.fixture
def reviewer(client):
    person = make_person()
    client.force_login(person)
    return person


def show(client, query="", **headers):
    response = client.get(reverse("artifacts") + query, **headers)
    assert response.status_code == 200
    return response.content.decode()


def names(page):
    """The names in the list, as they read."""
    links = re.findall(r'<a class="name fit".*?</a>', page, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", link) for link in links]


def make_green(repository, tag, **fields):
    later = timezone.now() + DAY
    return make_artifact(repository, "verified", tag=tag, green_until=later, **fields)


def test_the_registry_is_named_only_to_whom_sees_several(client, reviewer):
    make_artifact(make_repository("cart"), "failed")
    assert names(show(client)) == ["cart:1.0"]
    make_artifact(make_repository("cart", "harbor.acme.example"), "failed")
    assert sorted(names(show(client))) == ["harbor.acme.example/cart:1.0", "registry.acme.example/cart:1.0"]


@pytest.mark.parametrize("number", [5, 60])
def test_the_list_takes_at_most_twelve_queries_however_many_rows(
    client, reviewer, django_assert_max_num_queries, number
):
    for index in range(number):
        repository = make_repository(f"team/app-{index % 7}", f"registry-{index % 3}.acme.example")
        make_artifact(repository, ("failed", "unsigned", "unknown")[index % 3], tag=f"{index}")
    with django_assert_max_num_queries(12):
        page = show(client)
    assert page.count("<tr>") == min(number, 50) + 1


def test_a_row_says_its_word_where_it_is_and_who_signed_and_leads_to_the_artifact(client, reviewer):
    row = make_green(make_repository(), "1.0.4", tags=["1", "1.0.4", "latest"], signer="Acme Release 01")
    page = show(client)
    assert reverse("artifact", args=[row.repository_id, row.manifest_id]) in page
    assert "is-verified" in page
    assert names(page) == ["web/cart:1.0.4 +2"]
    assert "Acme Release 01" in page
    assert row.manifest_id.short in page


def test_a_green_word_that_no_longer_holds_reads_stale_and_names_what_it_was(client, reviewer):
    make_artifact(make_repository(), "verified", green_until=timezone.now() - DAY)
    page = show(client)
    assert "badge is-stale" in page
    assert "badge is-verified" not in page
    assert "was verified" in page


def test_nothing_is_green_from_the_moment_of_a_new_revision(client, reviewer):
    make_green(make_repository(), "1.0")
    assert "badge is-verified" in show(client)
    make_revision(2, at=timezone.now())
    assert "badge is-verified" not in show(client)
    assert "0 of 0" not in show(client, "?status=stale")


def test_a_reviewer_sees_only_what_the_team_may_see(client):
    mine, other = make_repository("mine/app"), make_repository("other/app", "secret.acme.example")
    make_artifact(mine), make_artifact(other)
    client.force_login(make_person("jonas", everything=False, repositories=[mine]))
    page = show(client)
    assert "mine/app" in page
    assert "other/app" not in page
    assert "secret.acme.example" not in page
    assert "other/app" not in show(client, f"?repository={other.pk}")
    assert "secret.acme.example" not in show(client, f"?registry={other.registry_id}")


def test_the_filters_stay_in_the_links_of_the_page(client, reviewer):
    for index in range(60):
        make_artifact(make_repository(), "failed", tag=f"{index}", reason="expired")
    page = show(client, "?status=failed&q=cart")
    (following,) = re.findall(r'href="(\?[^"]*after=[^"]*)"', page)
    assert "status=failed" in following
    assert "q=cart" in following
    second = show(client, following.replace("&amp;", "&"))
    assert second.count("<tr>") == 11
    assert "before=" in second


def test_the_same_list_is_linked_as_json_and_csv(client, reviewer):
    make_artifact(make_repository(), "failed")
    page = show(client, "?status=failed")
    assert f'href="{reverse("api_artifacts")}?status=failed"' in page
    assert f'href="{reverse("api_artifacts")}?status=failed&amp;format=csv"' in page


def test_htmx_is_answered_with_the_list_alone_and_caches_tell_them_apart(client, reviewer):
    make_artifact(make_repository(), "failed")
    response = client.get(reverse("artifacts"), headers={"HX-Request": "true"})
    part = response.content.decode()
    assert "<html" not in part
    assert "web/cart" in part
    assert "HX-Request" in response.headers["Vary"]
    assert "<html" in show(client)


def test_every_link_of_htmx_works_without_it(client, reviewer):
    make_artifact(make_repository(), "failed")
    page = show(client)
    for tag in re.findall(r"<(?:a|form)[^>]*hx-get[^>]*>", page):
        assert "href=" in tag or "action=" in tag, tag


def test_hostile_text_is_shown_inert(client, reviewer):
    make_green(make_repository(), "1.0", signer="<script>alert(1)</script>\u202etxt.exe")
    page = show(client)
    assert "<script>alert" not in page
    assert '<span class="odd">U+202E</span>' in page


def test_an_odd_row_does_not_kill_the_page(client, reviewer):
    row = make_artifact(make_repository(), "failed", tag="odd", counts=["no", "figures"], tags=[])
    ArtifactStatus.objects.filter(pk=row.pk).update(word="unheard_of")
    make_artifact(make_repository(), "failed", tag="even")
    page = show(client)
    assert "web/cart:even" in names(page)
    assert "badge is-unknown" in page  # a word that this version does not know is never green


def test_an_empty_list_says_why_it_is_empty(client, reviewer):
    assert "No artifacts yet" in show(client)
    make_artifact(make_repository())
    assert "No artifact matches" in show(client, "?q=nothing-of-the-sort")


def test_empty_filters_show_the_first_page(client, reviewer):
    make_artifact(make_repository())
    assert "web/cart" in show(client, "?after=&registry=&status=,,")


@pytest.mark.parametrize(
    "query", ["status=nope", "status=Verified", "registry=abc", "repository=-1", "kind=sbom", "after=zzz", "q=%00"]
)
def test_a_filter_that_nobody_understands_matches_nothing_and_is_named(client, query):
    client.force_login(make_person())
    make_artifact(make_repository(), "failed")
    page = show(client, f"?{query}&name=web/*")
    assert "No artifact matches" in page
    assert "web/cart" not in page
    assert re.search(r'Unknown filter</span><b class="clip">.*?<a href="\?name=web/\*"', page)
    assert "Unknown filter" not in show(client, "?name=web/*")


def test_the_registries_are_offered_once_each(client):
    for index in range(3):
        make_artifact(make_repository(f"team/{index}"), tag=f"{index}")
    make_repository("web/other", "harbor.acme.example")
    everything = make_person("sam", everything=False, registries=Registry.objects.all())
    client.force_login(everything)
    page = show(client)
    assert page.count("<bdi>harbor.acme.example</bdi>") == 1
