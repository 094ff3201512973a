"""The access matrix, made from the URLs: each for nobody, a reviewer and an admin, with own and foreign objects."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from registries.models import Endpoint, Presence
from tests.dashboard.rows import make_person
from tests.trust.seeding import NOW, Place, blob_statement, pki, policy, publish, statement, store_files
from trust import drafts, previewing, revisions
from trust.revisions import Content

PUBLIC = "public"  # anybody
PAGE = "page"  # whoever signed in; of objects, only those within sight
FILE = "file"  # the same, streamed
ADMIN_PAGE = "admin page"  # a form or a record of admins
ADMIN_ACT = "admin act"  # POST only, admins only
HOOK = "hook"  # whoever knows its secret, without a session
OWN_ACT = "own act"  # POST only, whoever signed in

# A new URL fails test_every_url_is_classified until it stands here.
CLASSES = {
    "overview": PAGE,
    "artifacts": PAGE,
    "artifact": PAGE,
    "artifact_check": PAGE,
    "artifact_export": FILE,
    "artifact_tree": PAGE,
    "artifact_manifest": PAGE,
    "artifact_history": PAGE,
    "artifact_manifest_raw": PAGE,
    "signature": PAGE,
    "repository": PAGE,
    "repository_index": ADMIN_ACT,
    "repository_put_back": ADMIN_ACT,
    "registries": PAGE,
    "registry_add": ADMIN_PAGE,
    "registry": PAGE,
    "registry_edit": ADMIN_PAGE,
    "registry_disconnect": ADMIN_PAGE,
    "registry_test": ADMIN_ACT,
    "registry_index": ADMIN_ACT,
    "endpoint_add": ADMIN_ACT,
    "endpoint_revoke": ADMIN_ACT,
    "hook": HOOK,  # registries: tests/dashboard/test_endpoints.py
    "hook_with_secret": HOOK,
    "certificates": PAGE,
    "certificate": PAGE,
    "certificate_turning": PAGE,
    "forecast": PAGE,
    "forecast_calendar": PAGE,
    "deadline": PAGE,
    "trust_policy": PAGE,
    "revisions_compare": "document",
    "drafts": "document",
    "draft": "document",
    "draft_changes": "document",
    "draft_coverage": "document",
    "draft_begin": ADMIN_ACT,
    "draft_preview": ADMIN_ACT,
    "draft_explain": ADMIN_ACT,
    "draft_rest_on": ADMIN_ACT,
    "draft_ask_for_review": ADMIN_ACT,
    "draft_approve": ADMIN_ACT,
    "draft_collect": ADMIN_ACT,
    "draft_discard": ADMIN_ACT,
    "draft_apply": ADMIN_ACT,
    "api_draft_changes": "document",
    "api_draft_coverage": "document",
    "trust_coverage": PAGE,
    "trust_policy_upload": ADMIN_PAGE,
    "trust_revision": PAGE,
    "trust_policy_document": "document",  # names every scope: only for those who see everything
    "blob_policy_upload": ADMIN_PAGE,
    "blob_policy_document": PAGE,  # names no repository
    "verify_blob": PAGE,
    "trust_stores": PAGE,
    "trust_stores_upload": ADMIN_PAGE,
    "trust_stores_remove": ADMIN_PAGE,
    "trust_stores_move": ADMIN_PAGE,
    "trust_import": ADMIN_PAGE,
    "trust_begin": ADMIN_ACT,
    "trust_patterns": ADMIN_ACT,
    "trust_revision_configuration": "document",
    "signature_trust": ADMIN_ACT,
    "draft_edit": ADMIN_PAGE,
    "draft_edit_blobs": ADMIN_PAGE,
    "draft_stores": ADMIN_PAGE,
    "draft_configuration": ADMIN_PAGE,
    "activity": PAGE,
    "audit": ADMIN_PAGE,
    "login": PUBLIC,
    "logout": OWN_ACT,
    "welcome": PUBLIC,
    "healthz": PUBLIC,
    "readyz": PUBLIC,
    "api_artifacts": PAGE,
    "api_artifact_trust": PAGE,
    "api_artifact_signatures": PAGE,
    "api_artifact_history": PAGE,
    "api_registries": PAGE,
    "api_certificates": PAGE,
    "api_certificate": PAGE,
    "api_certificate_turning": PAGE,
    "api_forecast": PAGE,
    "api_deadline": PAGE,
    "api_trust_revision": PAGE,
    "api_numbered_trust_revision": PAGE,
    "api_trust_coverage": PAGE,
    "api_overview": PAGE,
    "api_activity": PAGE,
    "api_audit": ADMIN_PAGE,
}


def patterns(resolver=None, before=()):
    """Every URL of the project: its name and the names of its parameters."""
    for pattern in (resolver or get_resolver()).url_patterns:
        names = (*before, *pattern.pattern.converters)
        if isinstance(pattern, URLPattern):
            yield pattern.name, names
        else:
            yield from patterns(pattern, names)


PARAMETERS = dict(patterns())
ROOT_FILE = {"store": "ca:acme", "file": next(name for _, store, name in store_files("ca:acme"))}
SUPPOSED = {"if": "removed"}
QUERIES = {
    "certificate": SUPPOSED,
    "certificate_turning": SUPPOSED,
    "api_certificate": SUPPOSED,
    "api_certificate_turning": SUPPOSED,
    "trust_stores_remove": ROOT_FILE,
    "trust_stores_move": ROOT_FILE,
}


def without_tokens(answer):
    """The page, but for what is new in every page."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", answer.content)


def of_class(*wanted):
    return sorted(name for name, kind in CLASSES.items() if kind in wanted)


def with_object(*wanted):
    """Those whose URL names a repository or a registry."""
    return [name for name in of_class(*wanted) if {"repository_id", "registry_id"} & set(PARAMETERS[name])]


class World:
    """Two repositories in two registries, each with a signed image."""

    def __init__(self):
        publish(blob_policy=policy(blob_statement(is_global=True)))
        self.own, self.own_image = self.fill("own.example")
        self.foreign, self.foreign_image = self.fill("foreign.example")
        content = Content(policy(statement("drafted")), store_files())
        self.draft = drafts.begin(content, revisions.active_number(), User.objects.create_user("author"), NOW)
        previewing.begin(self.draft, NOW)

    def fill(self, registry):
        place = Place(f"{registry}/api", registry)
        image = place.signed("release", tag="1.0")
        place.judge()
        place.endpoint = Endpoint.objects.create(
            registry=place.repository.registry, kind="distribution", created_at=timezone.now(), secret_hash="0" * 64
        )
        return place, image

    def url(self, name, place=None, image=None):
        place, image = place or self.own, image or self.own_image
        signature = Presence.objects.get(repository=place.repository, manifest__subject=image.digest).manifest_id \
            if "signature" in PARAMETERS[name] else None  # fmt: skip
        values = {
            "repository_id": place.repository.pk, "registry_id": place.repository.registry_id, "digest": image.digest,
            "signature": signature, "endpoint_id": place.endpoint.pk, "public_id": place.endpoint.public_id,
            "secret": "wrong", "number": 1, "draft_id": self.draft.pk, "token": "no-such-token",
            "thumbprint": pki().root.thumbprints[0], "key": f"certificate-{pki().root.thumbprints[0]}",
        }  # fmt: skip
        return reverse(name, kwargs={key: values[key] for key in PARAMETERS[name]}, query=QUERIES.get(name))

    def foreign_url(self, name):
        return self.url(name, self.foreign, self.foreign_image)


@pytest.fixture
def world(db):
    return World()


@pytest.fixture
def nobody():
    return Client()


@pytest.fixture
def reviewer(world):
    client = Client()
    client.force_login(make_person("mara", everything=False, repositories=[world.own.repository]))
    return client


@pytest.fixture
def admin(world):
    client = Client()
    client.force_login(make_person("adam", Role.ADMIN))
    return client


def test_every_url_is_classified():
    names = [name for name, _ in patterns()]
    assert None not in names
    assert set(names) == set(CLASSES)


@pytest.mark.parametrize("name", of_class(PAGE, FILE, ADMIN_PAGE, ADMIN_ACT, OWN_ACT, "document"))
def test_nobody_gets_further_than_the_door(world, nobody, name):
    for answer in (nobody.get(world.url(name)), nobody.post(world.url(name))):
        if name.startswith("api_"):
            assert answer.status_code == 403
        elif name == "logout":
            assert answer.status_code in (302, 405)
        else:
            assert answer.status_code == 302
            assert answer["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("name", of_class(PUBLIC))
def test_the_door_itself_is_open(world, nobody, name):
    assert nobody.get(world.url(name)).status_code == (410 if name == "welcome" else 200)


@pytest.mark.parametrize("name", of_class(PAGE, FILE))
def test_a_reviewer_reads_what_is_their_own(world, reviewer, name):
    assert reviewer.get(world.url(name)).status_code == 200


@pytest.mark.parametrize("name", of_class(PAGE))
def test_a_reviewer_reads_no_word_of_what_is_not(world, reviewer, name):
    page = reviewer.get(world.url(name))
    assert b"foreign.example" not in page.content
    assert str(world.foreign_image.digest).encode() not in page.content


@pytest.mark.parametrize("name", with_object(PAGE, FILE))
def test_what_a_reviewer_may_not_see_does_not_exist(world, reviewer, name):
    assert reviewer.get(world.foreign_url(name)).status_code == 404


@pytest.mark.parametrize("name", [name for name in of_class(PAGE, FILE) if "digest" in PARAMETERS[name]])
def test_a_digest_of_elsewhere_opens_nothing_in_ones_own_repository(world, reviewer, name):
    path = world.url(name).replace(str(world.own_image.digest), str(world.foreign_image.digest))
    assert reviewer.get(path).status_code == 404
    other_way = world.foreign_url(name).replace(str(world.foreign_image.digest), str(world.own_image.digest))
    assert reviewer.get(other_way).status_code == 404


@pytest.mark.parametrize("name", of_class(ADMIN_PAGE))
def test_a_reviewer_is_refused_forms_and_records_of_admins(world, reviewer, name):
    for url in (world.url(name), world.foreign_url(name)):
        assert reviewer.get(url).status_code == 403
        assert reviewer.post(url).status_code in (403, 405)


@pytest.mark.parametrize("name", of_class(ADMIN_ACT))
def test_a_reviewer_is_refused_acts_of_admins_alike_for_own_and_foreign(world, reviewer, name):
    answers = [reviewer.post(url) for url in (world.url(name), world.foreign_url(name))]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert without_tokens(answers[0]) == without_tokens(answers[1])
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", of_class(PAGE, ADMIN_PAGE, "document"))
def test_an_admin_reads_everything(world, admin, name):
    for url in (world.url(name), world.foreign_url(name)):
        assert admin.get(url).status_code == 200


@pytest.mark.parametrize("name", of_class(ADMIN_ACT))
def test_an_admin_may_act(world, admin, name):
    for url in (world.url(name), world.foreign_url(name)):
        assert admin.post(url).status_code in (200, 302)


@pytest.mark.parametrize("name", of_class(ADMIN_ACT, OWN_ACT))
def test_an_act_needs_a_post(world, admin, name):
    assert admin.get(world.url(name)).status_code == 405


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - of_class(HOOK)))
def test_no_post_goes_through_without_the_token_of_the_page(world, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person("adam", Role.ADMIN))
    assert client.post(world.url(name)).status_code in (403, 405)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", of_class(HOOK))
def test_a_hook_is_there_for_nobody_who_does_not_know_its_secret(world, nobody, admin, name):
    unknown = world.url(name).replace(str(world.own.endpoint.public_id), "00000000-0000-4000-8000-000000000000")
    for client in (nobody, admin):
        answers = [client.post(url, b"{}", content_type="application/json") for url in (world.url(name), unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert client.get(world.url(name)).status_code == 405


@pytest.mark.parametrize("name", of_class("document"))
def test_what_names_every_repository_is_for_those_who_see_everything(world, reviewer, name):
    assert reviewer.get(world.url(name)).status_code == 404


@pytest.mark.parametrize("name", with_object(PAGE, FILE, ADMIN_PAGE))
def test_what_was_never_there_does_not_exist_for_an_admin_either(world, admin, name):
    values = {
        "repository_id": 10**6,
        "registry_id": 10**6,
        "digest": world.own_image.digest,
        "signature": world.own_image.digest,
    }
    url = reverse(name, kwargs={key: values[key] for key in PARAMETERS[name]})
    assert admin.get(url).status_code == 404
