"""Endpoints for notifications on the pages, and what comes in at them."""

import hashlib
import hmac
import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from registries import endpoints, notifications
from registries.models import Endpoint, Hint
from tests.dashboard.rows import make_person, make_repository

pytestmark = pytest.mark.django_db
PUSH = json.dumps({"action": "push", "target": {"repository": "web/cart", "tag": "1.0"}}).encode()


@pytest.fixture
def repository():
    return make_repository("web/cart")


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


def make(admin, repository, kind="distribution"):
    """A new endpoint; its address and secret as the page shows them."""
    answer = admin.post(reverse("endpoint_add", args=[repository.registry_id]), {"kind": kind})
    page = answer.content.decode()
    url = re.search(r"http://testserver(/hooks/[^<]+)<", page)[1]
    secret = re.search(r"Bearer ([\w-]+)<|<dt>Secret</dt><dd><code[^>]*>([\w-]+)<", page)
    return url, (secret[1] or secret[2]) if secret else url.split("/")[-2]


def send(url, body=PUSH, **headers):
    return Client(enforce_csrf_checks=True).post(url, body, content_type="application/json", headers=headers)


def test_the_secret_is_shown_once_and_the_act_is_recorded(admin, repository):
    url, secret = make(admin, repository)
    page = admin.get(reverse("registry", args=[repository.registry_id])).content.decode()
    assert "Distribution" in page and secret not in page and url not in page
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.details["kind"]) == ("endpoint.created", "distribution")
    assert secret not in json.dumps(entry.details)


@pytest.mark.parametrize("kind", ["distribution", "quay", "github"])
def test_what_the_page_shows_is_what_a_sender_needs(admin, repository, kind):
    url, secret = make(admin, repository, kind)
    body = PUSH
    headers = {"Authorization": f"Bearer {secret}"}
    if kind == "quay":
        body, headers = json.dumps({"repository": "web/cart", "updated_tags": ["1.0"]}).encode(), {}
    if kind == "github":
        tag = {"container_metadata": {"tag": {"name": "1.0"}}}
        package = {"package_type": "CONTAINER", "namespace": "web", "name": "cart", "package_version": tag}
        body = json.dumps({"action": "published", "registry_package": package}).encode()
        headers = {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    assert send(url, body, **headers).status_code == 202
    assert list(Hint.objects.values_list("reference", flat=True)) == ["1.0"]
    assert Endpoint.objects.get().accepted == 1


def test_a_kind_that_does_not_exist_makes_no_endpoint(admin, repository):
    assert admin.post(reverse("endpoint_add", args=[repository.registry_id]), {"kind": "x"}).status_code == 404
    assert not Endpoint.objects.exists()


def test_a_wrong_secret_leaves_nothing_behind(admin, repository):
    url, _ = make(admin, repository)
    assert send(url, Authorization="Bearer wrong").status_code == 404
    assert send(url).status_code == 404
    assert not Hint.objects.exists()
    assert Endpoint.objects.get().last_used_at is None


def test_a_revoked_endpoint_takes_nothing_and_keeps_no_secret(admin, repository):
    url, secret = make(admin, repository)
    endpoint = Endpoint.objects.get()
    admin.post(reverse("endpoint_revoke", args=[repository.registry_id, endpoint.pk]))
    assert send(url, Authorization=f"Bearer {secret}").status_code == 404
    endpoint.refresh_from_db()
    assert (endpoint.secret_hash, bytes(endpoint.sealed_secret)) == ("", b"")
    assert AuditEntry.objects.filter(action="endpoint.revoked").count() == 1
    page = admin.get(reverse("registry", args=[repository.registry_id])).content.decode()
    assert "endpoints/" + str(endpoint.pk) not in page


def test_an_endpoint_is_revoked_through_its_own_registry_only(admin, repository):
    make(admin, repository)
    other = make_repository("x", registry="other.example")
    answer = admin.post(reverse("endpoint_revoke", args=[other.registry_id, Endpoint.objects.get().pk]))
    assert answer.status_code == 404
    assert Endpoint.objects.get().revoked_at is None


def test_what_is_too_long_is_refused_before_it_is_read_as_json(admin, repository):
    url, secret = make(admin, repository)
    answer = send(url, b"[" * (notifications.MAX_BODY + 1), Authorization=f"Bearer {secret}")
    assert answer.status_code == 413


def test_what_is_refused_is_told_the_sender_and_the_admin_as_text(admin, repository):
    url, secret = make(admin, repository)
    answer = send(url, b'{"<script>":1,"<script>":1}', Authorization=f"Bearer {secret}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain")
    page = admin.get(reverse("registry", args=[repository.registry_id])).content.decode()
    assert "appears twice" in page and "<script>" not in page.replace("<script src", "")


def test_a_flood_is_told_to_wait(admin, repository):
    url, secret = make(admin, repository)
    minute = timezone.now().replace(second=0, microsecond=0)
    Endpoint.objects.update(minute=minute, in_minute=endpoints.MOST)
    answer = send(url, Authorization=f"Bearer {secret}")
    assert answer.status_code in (429, 202)  # the latter if a new minute has just begun
    assert (answer.status_code == 429) == (Endpoint.objects.get().minute == minute)


def test_a_reviewer_sees_no_endpoints(client, repository):
    client.force_login(make_person())
    page = client.get(reverse("registry", args=[repository.registry_id])).content.decode()
    assert "Make an endpoint" not in page
