"""Every page that is read has its JSON: the link leads there, and it says what the page says."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dashboard import audit
from dashboard.models import AuditEntry, Role
from registries.events import EventKind
from registries.models import Event, Repository, Survey
from registries.oci.digest import Digest
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision
from tests.dashboard.test_access_matrix import CLASSES, PAGE, World
from tests.trust.seeding import publish
from trust.models import StatusChange

pytestmark = pytest.mark.django_db

# An htmx part, a file and a form that is judged at once: its JSON form is the command (docs/verify.md).
WITHOUT = {"forecast_calendar", "artifact_check", "artifact_manifest_raw", "blob_policy_document", "verify_blob"}
PAGES = [
    "audit",
    *sorted(
        name for name, kind in CLASSES.items() if kind == PAGE and not name.startswith("api_") and name not in WITHOUT
    ),
]


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


def json_of(client, page):
    """What the link of a page leads to; None where there is no link."""
    answer = client.get(page)
    assert answer.status_code == 200
    found = re.search(r'<a href="([^"]+)">This page as JSON</a>', answer.content.decode())
    return client.get(html.unescape(found[1])) if found else None


def told(answer):
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_links_its_json(admin, name):
    assert told(json_of(admin, World().url(name)))


@pytest.mark.parametrize(
    "name", ["overview", "artifacts", "registries", "trust_policy", "trust_stores", "activity", "audit"]
)
def test_where_nothing_is_yet_no_link_leads_nowhere(admin, name):
    answer = json_of(admin, reverse(name))
    if name.startswith("trust_"):
        assert answer is None
    else:
        told(answer)


def test_an_older_revision_links_itself(admin):
    publish(), publish()
    assert told(json_of(admin, reverse("trust_revision", args=[1])))["number"] == 1
    assert told(json_of(admin, reverse("trust_revision", args=[2])))["number"] == 2
    assert admin.get(reverse("api_numbered_trust_revision", args=[3])).status_code == 404


def test_a_repository_links_its_own_artifacts(admin):
    cart, shop = make_repository("web/cart"), make_repository("web/shop")
    make_artifact(cart), make_artifact(shop)
    assert [row["repository"] for row in told(json_of(admin, reverse("repository", args=[cart.pk])))["results"]] == [
        "web/cart"
    ]


def test_the_overview_counts_words_and_tells_what_turned_and_how_registries_are(admin):
    now = timezone.now()
    make_revision(1, at=now)
    repository = make_repository()
    make_artifact(repository, "verified", tag="aged", green_until=now - timedelta(hours=1))
    bad = make_artifact(repository, "failed", tag="bad", reason="signature_invalid")
    StatusChange.objects.create(
        status=bad, before="verified", after="failed", reason=bad.reason, cause="evidence", at=now
    )
    Repository.objects.update(last_error="denied")
    page = told(json_of(admin, reverse("overview")))
    assert (page["revision"], page["total"]) == (1, 2)
    assert (page["statuses"]["stale"], page["statuses"]["failed"], page["statuses"]["verified"]) == (1, 1, 0)
    assert {"status": "failed", "reason": "signature_invalid", "number": 1, "covered_by_index": 0} in page["reasons"]
    [turned] = page["turned"]
    assert (turned["digest"], turned["before"], turned["status"]) == (str(bad.manifest_id), "verified", "failed")
    assert [(row["condition"], row["artifacts"]) for row in page["registries"]] == [("waits", 2)]


def test_activity_tells_what_waits_and_pages_what_vanished(admin):
    now = timezone.now()
    repository = make_repository()
    Repository.objects.update(last_error="The registry has no tags.", attempts=3, failed_at=now, due_at=now)
    Survey.objects.create(registry=repository.registry, last_error="No list.", failed_at=now)
    for number in range(120):  # many at the same moment: only the key tells them apart
        at = now - timedelta(minutes=number // 40)
        Event.objects.create(
            repository=repository, kind=EventKind.TAG_GONE, digest=Digest.of(b"x"), thing=f"t{number}", at=at
        )
    page = told(json_of(admin, reverse("activity")))
    assert [(row["repository"], row["error"], row["attempts"]) for row in page["failed"]] == [
        ("web/cart", "The registry has no tags.", 3)
    ]
    assert [(row["registry"], row["error"]) for row in page["surveys"]] == [("registry.acme.example", "No list.")]
    seen = []
    while page:
        seen += [row["thing"] for row in page["results"]]
        page = told(admin.get(page["next"])) if page["next"] else None
    assert sorted(seen) == sorted(f"t{number}" for number in range(120))


def test_activity_and_overview_tell_only_of_what_one_sees(client):
    cart, secret = make_repository("web/cart"), make_repository("web/secret")
    make_artifact(cart, "failed"), make_artifact(secret, "failed")
    Repository.objects.update(last_error="denied", failed_at=timezone.now())
    for repository in (cart, secret):
        Event.objects.create(
            repository=repository, kind=EventKind.TAG_GONE, digest=Digest.of(b"x"), thing="1.0", at=timezone.now()
        )
    client.force_login(make_person("eve", everything=False, repositories=[cart]))
    assert told(client.get(reverse("api_overview")))["statuses"]["failed"] == 1
    page = told(client.get(reverse("api_activity")))
    assert {row["repository"] for row in page["results"] + page["failed"]} == {"web/cart"}


def test_the_audit_record_is_paged_and_tells_where_it_was_edited(admin):
    with transaction.atomic():
        for number in range(60):
            audit.record(None, "registry.changed", f"registry {number}", plain_http=True)
    first = told(json_of(admin, reverse("audit")))
    second = told(admin.get(first["next"]))
    assert [row["subject"] for row in first["results"] + second["results"]] == [
        f"registry {n}" for n in range(59, -1, -1)
    ]
    assert (first["broken"], second["next"]) == (None, None)
    assert first["results"][0]["details"] == {"plain_http": True}
    edited = AuditEntry.objects.order_by("-pk")[3]
    AuditEntry.objects.filter(pk=edited.pk).update(subject="another")
    assert told(admin.get(reverse("api_audit")))["broken"] == edited.pk


@pytest.mark.parametrize(
    ("name", "query"),
    [("api_activity", "before=zzz"), ("api_audit", "before=zzz"), ("api_audit", "befor=3"), ("api_overview", "page=2")],
)
def test_what_is_not_understood_is_refused_by_name(admin, name, query):
    answer = admin.get(f"{reverse(name)}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in json.loads(answer.content)
