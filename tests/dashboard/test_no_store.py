"""Nothing that is for one person stays in a browser or a proxy."""

import pytest
from django.templatetags.static import static
from django.urls import reverse

from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(client):
    client.force_login(make_person("mara"))
    return client


@pytest.mark.parametrize(
    "name", ["overview", "artifacts", "registries", "trust_policy", "trust_stores", "activity", "api_artifacts"]
)
def test_no_page_and_no_json_is_kept(reviewer, name):
    make_revision()
    make_artifact(make_repository())
    answer = reviewer.get(reverse(name))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_refusals_and_redirects_are_not_kept_either(client, reviewer):
    for name in ("audit", "trust_stores_upload"):
        answer = reviewer.get(reverse(name))
        assert (answer.status_code, answer["Cache-Control"]) == (403, "no-store")
    client.logout()
    assert client.get(reverse("overview"))["Cache-Control"] == "no-store"


def test_a_static_file_may_be_kept(client):
    answer = client.get(static("icons.svg"))
    assert answer.status_code == 200
    assert "no-store" not in answer["Cache-Control"]
