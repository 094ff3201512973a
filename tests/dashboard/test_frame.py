"""What stands round every page, and the pages of faults."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from dashboard.context import chrome, section_of
from dashboard.models import Role
from tests.dashboard.rows import make_person, make_repository, make_revision

pytestmark = pytest.mark.django_db
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_inline_script_style_or_evaluated_attributes(path: Path):
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|javascript:|\|safe\b|autoescape off|mark_safe", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_icon_of_a_template_is_in_the_sprite(path: Path):
    sprite = (settings.BASE_DIR / "static" / "icons.svg").read_text()
    for name in re.findall(r"{% (?:icon|mark) \"([\w-]+)\"", path.read_text()):
        assert f'<symbol id="{name}"' in sprite, name


def test_the_frame_shows_who_where_and_the_active_revision(client):
    make_revision(14, at=timezone.now())
    repository = make_repository()
    repository.leased_until = timezone.now() + timezone.timedelta(minutes=1)
    repository.save()
    person = make_person("mara.lindqvist", Role.ADMIN)
    client.force_login(person)
    page = client.get(reverse("artifacts")).content.decode()
    for shown in ("Revision 14", "1 indexing", ">ML<", "mara.lindqvist", "Admin"):
        assert shown in page
    assert re.search(rf'href="{reverse("artifacts")}" aria-current="page"', page)


def test_the_frame_costs_one_query_and_a_part_without_it_none(client, django_assert_num_queries):
    person = make_person()
    request = RequestFactory().get("/")
    request.user, request.resolver_match = person, None
    with django_assert_num_queries(0):
        context = chrome(request)
    with django_assert_num_queries(2):  # and the memberships, which every view asks for
        assert context["chrome"].person == "mara"
        assert context["chrome"].registries == 0


def test_figures_of_the_frame_are_those_of_what_one_may_see(client):
    mine, other = make_repository("mine/app"), make_repository("other/app", "harbor.acme.example")
    later = timezone.now() + timezone.timedelta(minutes=1)
    type(other).objects.update(leased_until=later)
    request = RequestFactory().get("/")
    request.user, request.resolver_match = make_person(everything=False, repositories=[mine]), None
    frame = chrome(request)["chrome"]
    assert (frame.registries, frame.indexing) == (1, 1)


@pytest.mark.parametrize(
    ("name", "arguments", "section"),
    [
        ("overview", [], "overview"),
        ("artifact_manifest_raw", [1, "sha256:" + "0" * 64], "artifacts"),
        ("registry_edit", [1], "registries"),
        ("trust_policy_document", [1], "trust_policy"),
        ("trust_stores_upload", [], "trust_stores"),
        ("login", [], ""),
    ],
)
def test_every_page_belongs_to_its_entry_of_the_side(name, arguments, section):
    from django.urls import resolve

    request = RequestFactory().get("/")
    request.resolver_match = resolve(reverse(name, args=arguments))
    assert section_of(request) == section


def test_what_does_not_exist_says_so_inside_the_frame(client):
    client.force_login(make_person())
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()
    assert "Overview" in response.content.decode()


def test_a_stranger_sees_no_frame(client):
    page = client.get("/no/such/page").content.decode()
    assert "There is nothing here" in page
    assert 'class="side"' not in page
    assert "Revision" not in page


def test_a_refused_act_says_so(client):
    client.force_login(make_person())
    response = client.post(reverse("registry_add"))
    assert response.status_code == 403
    assert "You may see this, but not do it" in response.content.decode()


def test_a_form_without_its_token_says_what_to_do(client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_person(role=Role.ADMIN))
    response = strict.post(reverse("registry_add"), {})
    assert response.status_code == 403
    assert "This form is no longer valid" in response.content.decode()


def test_the_page_of_our_own_faults_needs_nothing():
    assert "could not draw this page" in render_to_string("500.html")


def test_the_policy_of_the_browser_lets_nothing_foreign_in(client):
    client.force_login(make_person())
    response = client.get(reverse("overview"))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert '"allowEval":false' in response.content.decode()
