"""Connecting registries, and the pages that show how indexing goes."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as connection_of_tests
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from registries import credentials
from registries.models import Fault, Registry, Repository, Survey
from registries.oci.digest import Digest
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    user = make_person("adam", Role.ADMIN)
    client.force_login(user)
    return client


@pytest.fixture
def layouts(settings, tmp_path):
    settings.LAYOUT_ROOT = str(tmp_path)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
    return tmp_path


def connection(**changes):
    return {"address": "registry.acme.example", "repository_patterns": "web/*"} | changes


def page_of(answer):
    return answer.content.decode()


class TestConnecting:
    def test_it_is_looked_up_at_once_and_recorded(self, admin, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as nudges:
            answer = admin.post(reverse("registry_add"), connection())
        registry = Registry.objects.get()
        assert answer["Location"] == reverse("registry", args=[registry.pk])
        assert registry.repository_patterns == ["web/*"]
        assert registry.survey.due_at <= timezone.now()
        assert len(nudges) == 1
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.subject) == ("registry.connected", "registry.acme.example")

    def test_without_a_reference_name_policies_call_it_by_its_address(self, admin):
        admin.post(reverse("registry_add"), connection(address="Registry.Acme.Example:5000"))
        assert Registry.objects.get().reference_name == "registry.acme.example:5000"

    @pytest.mark.parametrize("spelling", ["docker.io", "index.docker.io", "Registry-1.Docker.IO"])
    def test_docker_hub_has_one_name(self, admin, spelling):
        admin.post(reverse("registry_add"), connection(address=spelling))
        assert Registry.objects.get().address == Registry.objects.get().reference_name == "docker.io"

    def test_the_password_is_sealed_and_never_shown_again(self, admin):
        admin.post(reverse("registry_add"), connection(username="robot", password="hunter two"))
        registry = Registry.objects.get()
        assert b"hunter two" not in bytes(registry.sealed_password)
        assert credentials.open_(credentials.READING, registry) == "hunter two"
        for name in ("registry", "registry_edit"):
            assert "hunter two" not in page_of(admin.get(reverse(name, args=[registry.pk])))
        assert "hunter two" not in str(AuditEntry.objects.values())

    def test_credentials_for_pushing_are_sealed_apart_and_never_shown_again(self, admin):
        given = connection(
            username="robot", password="hunter two", push_username="pusher", push_password="canary three"
        )
        admin.post(reverse("registry_add"), given)
        registry = Registry.objects.get()
        assert b"canary" not in bytes(registry.sealed_push_password)
        assert registry.push_username == "pusher"
        assert credentials.open_(credentials.PUSHING, registry) == "canary three"
        assert credentials.open_(credentials.READING, registry) == "hunter two"
        for name in ("registry", "registry_edit"):
            page = page_of(admin.get(reverse(name, args=[registry.pk])))
            assert "canary" not in page
            assert "pusher" in page
        assert "canary" not in str(AuditEntry.objects.values())
        assert AuditEntry.objects.get().details["push_password_given"]

    def test_without_encryption_keys_nothing_is_kept_and_the_form_says_why(self, admin, settings):
        settings.ENCRYPTION_KEYS = []
        answer = admin.post(reverse("registry_add"), connection(username="robot", password="hunter two"))
        assert "SIGNBOARD_ENCRYPTION_KEYS is not set" in page_of(answer)
        assert not Registry.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"address": ""}, "Give host and port only"),
            ({"address": "https://registry.example.com/v2/"}, "Give host and port only"),
            ({"address": "user@registry.example.com"}, "Give host and port only"),
            ({"address": "registry.example.com:99999"}, "Give host and port only"),
            ({"reference_name": "registry.example.com/acme"}, "give only that"),
            ({"repository_patterns": "Web/Cart"}, "cannot name a repository"),
            ({"repository_patterns": "web/cart:1.0"}, "cannot name a repository"),
            ({"repository_patterns": "\n".join(f"r{n}" for n in range(1001))}, "At most 1000 lines"),
            ({"tls_ca": "not a certificate"}, "cannot be read as PEM"),
            ({"tls_ca": "-----BEGIN PRIVATE KEY-----\nx"}, "holds a private key"),
            ({"private": "on"}, "Say which addresses"),
            ({"private": "on", "allowed_networks": "10.0.0.1/8"}, "bits after the prefix must be zero"),
            ({"private": "on", "allowed_networks": "10.0.0.1"}, "neither host:port nor a network"),
            ({"password": "x"}, "A password needs a user name"),
            ({"username": "robot"}, "A user name needs its password or token"),
            ({"push_password": "x"}, "A password needs a user name"),
            ({"push_username": "robot"}, "A user name needs its password or token"),
            ({"address": "169.254.169.254"}, "169.254.169.254 is a metadata, link-local or multicast address"),
            ({"address": "[::ffff:169.254.169.254]:80"}, "which Signboard never contacts"),
            ({"address": "0xa9fea9fe:80"}, "which Signboard never contacts"),
            ({"private": "on", "allowed_networks": "169.254.0.0/16"}, "169.254.0.0/16 has metadata, link-local"),
            (
                {"private": "on", "allowed_networks": "10.0.0.0/8\n169.254.169.254:80"},
                "169.254.169.254:80 is a metadata",
            ),
            ({"token_services": "169.254.169.254"}, "which Signboard never contacts"),
        ],
    )
    def test_what_will_not_do_is_said_beside_the_field(self, admin, changes, says):
        answer = admin.post(reverse("registry_add"), connection(**changes))
        assert answer.status_code == 400
        assert says in page_of(answer)
        assert 'aria-invalid="true"' in page_of(answer)
        assert not Registry.objects.exists()

    def test_a_second_connection_to_the_same_address_is_refused(self, admin):
        admin.post(reverse("registry_add"), connection())
        assert "already connected" in page_of(admin.post(reverse("registry_add"), connection()))

    def test_private_addresses_are_allowed_only_by_the_explicit_choice(self, admin):
        admin.post(reverse("registry_add"), connection(allowed_networks="10.20.0.0/16\n127.0.0.1:5000"))
        assert Registry.objects.get().allowed_networks == []
        Registry.objects.all().delete()
        admin.post(reverse("registry_add"), connection(private="on", allowed_networks="10.20.0.0/16\n127.0.0.1:5000"))
        assert Registry.objects.get().allowed_networks == ["10.20.0.0/16", "127.0.0.1:5000"]

    def test_a_reviewer_may_neither_see_the_form_nor_send_it(self, client):
        client.force_login(make_person("mara"))
        assert client.get(reverse("registry_add")).status_code == 403
        assert client.post(reverse("registry_add"), connection()).status_code == 403
        assert not Registry.objects.exists()


class TestCredentials:
    CONFIG = '{"auths":{"registry.acme.example":{"auth":"cm9ib3Q6Y2FuYXJ5LXNlY3JldA=="},"x.test":{"auth":"Y2FuYXJ5"}}}'

    def test_a_config_of_docker_gives_user_and_password_and_is_not_kept(self, admin):
        admin.post(reverse("registry_add"), connection(docker_config=self.CONFIG))
        registry = Registry.objects.get()
        assert (registry.username, credentials.open_(credentials.READING, registry)) == ("robot", "canary-secret")
        for name in ("registry", "registry_edit"):
            page = page_of(admin.get(reverse(name, args=[registry.pk])))
            assert "canary" not in page and "Y2FuYXJ5" not in page
        assert "canary" not in str(AuditEntry.objects.values())

    def test_the_file_may_be_uploaded(self, admin):
        file = SimpleUploadedFile("config.json", self.CONFIG.encode())
        admin.post(reverse("registry_add"), connection(docker_config_file=file))
        assert Registry.objects.get().username == "robot"

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"address": "other.example", "docker_config": CONFIG}, "no entry for other.example"),
            ({"docker_config": "canary-secret"}, "not JSON"),
            ({"docker_config": CONFIG, "username": "a", "password": "canary-secret"}, "not both"),
            ({"token_services": "https://auth.example/token"}, "not a host or host:port"),
        ],
    )
    def test_what_cannot_be_taken_is_said_and_no_secret_is_shown_again(self, admin, fields, says):
        page = page_of(admin.post(reverse("registry_add"), connection(**fields)))
        assert says in page
        assert "canary" not in page and "Y2FuYXJ5" not in page
        assert not Registry.objects.exists()

    def test_a_new_config_replaces_what_was_stored(self, admin):
        admin.post(reverse("registry_add"), connection(username="old", password="old"))
        registry = Registry.objects.get()
        admin.post(reverse("registry_edit", args=[registry.pk]), connection(docker_config=self.CONFIG))
        registry.refresh_from_db()
        assert credentials.open_(credentials.READING, registry) == "canary-secret"

    def test_helpers_are_offered_only_where_the_operator_has_some(self, admin, settings, tmp_path):
        assert "Credential helper" not in page_of(admin.get(reverse("registry_add")))
        admin.post(reverse("registry_add"), connection(credential_helper="sh"))
        assert Registry.objects.get().credential_helper == ""
        Registry.objects.all().delete()
        folder = tmp_path / "helpers"
        folder.mkdir(mode=0o755)
        helper = folder / "docker-credential-acme"
        helper.write_text("#!/bin/sh\n")
        helper.chmod(0o755)
        settings.CREDENTIAL_HELPERS = str(folder)
        assert "Credential helper" in page_of(admin.get(reverse("registry_add")))
        assert admin.post(reverse("registry_add"), connection(credential_helper="sh")).status_code == 400
        both = connection(credential_helper="acme", username="a", password="b")
        assert "not both" in page_of(admin.post(reverse("registry_add"), both))
        admin.post(reverse("registry_add"), connection(credential_helper="acme"))
        registry = Registry.objects.get()
        assert registry.credential_helper == "acme"
        assert re.search("helper .*acme", page_of(admin.get(reverse("registry", args=[registry.pk]))))

    def test_a_stored_password_goes_when_a_helper_takes_its_place(self, admin, settings, tmp_path):
        admin.post(reverse("registry_add"), connection(username="robot", password="hunter two"))
        registry = Registry.objects.get()
        Registry.objects.update(credential_helper="acme")
        answer = admin.post(reverse("registry_edit", args=[registry.pk]), connection(credential_helper="acme"))
        assert answer.status_code == 302
        registry.refresh_from_db()
        assert (registry.sealed_password, registry.username) == (b"", "")

    def test_token_services_and_redirects_are_kept_and_recorded(self, admin):
        admin.post(
            reverse("registry_add"), connection(token_services="Auth.Example\nb.test:8443", follow_redirects="on")
        )
        registry = Registry.objects.get()
        assert registry.token_services == ["auth.example", "b.test:8443"]
        assert registry.follow_redirects
        assert AuditEntry.objects.get().details["token_services"] == ["auth.example", "b.test:8443"]

    @pytest.mark.parametrize(
        "name", ["Docker Hub", "GHCR", "ECR", "ACR", "GAR", "Quay", "Harbor", "GitLab", "zot", "distribution"]
    )
    def test_the_form_says_what_each_provider_wants(self, admin, name):
        assert re.search(f"<summary>[^<]*{re.escape(name)}", page_of(admin.get(reverse("registry_add"))))

    @pytest.mark.parametrize(
        ("address", "name"),
        [("docker.io", "Docker Hub"), ("1.dkr.ecr.eu.amazonaws.com", "Amazon"), ("acme.azurecr.io", "Azure"), ("ghcr.io", "GHCR")],
    )  # fmt: skip
    def test_the_notes_of_this_provider_are_open(self, admin, address, name):
        registry = Registry.objects.create(address=address, reference_name=address)
        page = page_of(admin.get(reverse("registry_edit", args=[registry.pk])))
        assert name in re.search(r"<details open><summary>([^<]*)", page)[1]


class TestLayouts:
    def add(self, admin, **data):
        return admin.post(reverse("registry_add") + "?source=layout", data)

    def test_a_layout_stands_for_the_repository_that_was_said(self, admin, layouts):
        self.add(admin, folder="shop", stands_for="registry.acme.example/web/shop")
        registry = Registry.objects.get()
        assert (registry.source, registry.address) == ("layout", "shop")
        assert (registry.reference_name, registry.repository_patterns) == ("registry.acme.example", ["web/shop"])

    def test_a_layout_may_stand_for_nothing(self, admin, layouts):
        self.add(admin, folder="shop")
        assert Registry.objects.get().reference_name == ""

    @pytest.mark.parametrize("folder", ["", "..", "shop/../..", "/etc", "nowhere", "shop\0x", "."])
    def test_no_folder_outside_and_none_without_a_layout_can_be_connected(self, admin, layouts, folder):
        self.add(admin, folder=folder)
        assert not Registry.objects.exists()

    def test_a_tag_or_a_bare_name_is_no_repository_to_stand_for(self, admin, layouts):
        assert "without tag" in page_of(self.add(admin, folder="shop", stands_for="registry.acme.example/web/shop:1"))
        assert "has no registry" in page_of(self.add(admin, folder="shop", stands_for="shop"))

    def test_where_layouts_are_switched_off_the_form_is_that_of_a_registry(self, admin, settings):
        settings.LAYOUT_ROOT = ""
        assert "Folder" not in page_of(admin.get(reverse("registry_add") + "?source=layout"))


class TestEditing:
    @pytest.fixture
    def registry(self, admin):
        admin.post(reverse("registry_add"), connection(username="robot", password="hunter two"))
        return Registry.objects.get()

    def edit(self, admin, registry, **changes):
        fields = connection(username="robot", reference_name="registry.acme.example") | changes
        answer = admin.post(reverse("registry_edit", args=[registry.pk]), fields, follow=True)
        registry.refresh_from_db()
        return answer

    def test_without_a_new_password_the_stored_one_stays(self, admin, registry):
        self.edit(admin, registry, repository_patterns="prod/*")
        assert registry.repository_patterns == ["prod/*"]
        assert credentials.open_(credentials.READING, registry) == "hunter two"

    @pytest.mark.parametrize(
        "changes", [{"address": "evil.example"}, {"username": "other"}, {"username": ""}, {"plain_http": "on"}]
    )
    def test_a_password_is_never_sent_to_where_it_was_not_given_for(self, admin, registry, changes):
        answer = self.edit(admin, registry, **changes)
        assert registry.sealed_password == b""
        assert "The stored password was forgotten" in page_of(answer)

    @pytest.mark.parametrize(
        "changes",
        [{"address": "evil.example"}, {"push_username": "other"}, {"push_username": ""}, {"plain_http": "on"}],
    )
    def test_a_password_for_pushing_is_never_sent_to_where_it_was_not_given_for(self, admin, registry, changes):
        self.edit(admin, registry, push_username="pusher", push_password="canary")
        self.edit(admin, registry, push_username="pusher")
        assert credentials.open_(credentials.PUSHING, registry) == "canary"
        answer = self.edit(admin, registry, **{"push_username": "pusher"} | changes)
        assert registry.sealed_push_password == b""
        assert "The stored password was forgotten" in page_of(answer)

    def test_a_password_given_with_the_new_address_is_kept(self, admin, registry):
        answer = self.edit(admin, registry, address="new.example", password="another")
        assert credentials.open_(credentials.READING, registry) == "another"
        assert "forgotten" not in page_of(answer)

    def test_what_changed_is_recorded_and_nothing_else(self, admin, registry):
        self.edit(admin, registry, address="new.example")
        entry = AuditEntry.objects.latest("pk")
        assert entry.action == "registry.changed"
        assert entry.details == {"password_given": False, "address": "new.example"}

    def test_what_failed_before_is_tried_again_at_once(self, admin, registry):
        later = timezone.now() + timedelta(hours=1)
        failing = Repository.objects.create(registry=registry, name="a", last_error="denied", due_at=later)
        fine = Repository.objects.create(registry=registry, name="b", due_at=later)
        self.edit(admin, registry)
        failing.refresh_from_db()
        fine.refresh_from_db()
        assert failing.due_at <= timezone.now()
        assert fine.due_at == later

    def test_the_reference_name_is_fixed_once_something_was_indexed(self, admin, registry):
        self.edit(admin, registry, reference_name="acme.example")
        assert registry.reference_name == "acme.example"
        Repository.objects.create(registry=registry, name="a", indexed_at=timezone.now())
        self.edit(admin, registry, reference_name="other.example")
        assert registry.reference_name == "acme.example"


class TestTesting:
    def test_the_answer_says_what_is_wrong(self, admin, layouts):
        registry = Registry.objects.create(source="layout", address="gone", reference_name="")
        page = page_of(admin.post(reverse("registry_test", args=[registry.pk])))
        assert "gone cannot be read" in page
        assert "<html" in page

    def test_htmx_gets_the_answer_alone(self, admin, layouts):
        registry = Registry.objects.create(source="layout", address="shop", reference_name="")
        page = page_of(admin.post(reverse("registry_test", args=[registry.pk]), headers={"HX-Request": "true"}))
        assert "The directory is an OCI image layout" in page
        assert page.startswith('<div id="report"')

    def test_a_private_address_is_not_asked_without_the_choice(self, admin):
        registry = Registry.objects.create(address="127.0.0.1:9", reference_name="x", plain_http=True)
        assert "127.0.0.1:9 cannot be read" in page_of(admin.post(reverse("registry_test", args=[registry.pk])))


class TestIndexNow:
    def test_a_registry_and_all_its_repositories_become_due(self, admin):
        repository = make_repository()
        answer = admin.post(reverse("registry_index", args=[repository.registry_id]))
        repository.refresh_from_db()
        assert answer.status_code == 302
        assert repository.due_at <= timezone.now()
        assert Survey.objects.get().due_at <= timezone.now()
        assert AuditEntry.objects.get().action == "registry.index_asked"

    def test_a_repository_becomes_due_and_its_neighbour_does_not(self, admin):
        cart, shop = make_repository("web/cart"), make_repository("web/shop")
        admin.post(reverse("repository_index", args=[cart.pk]))
        cart.refresh_from_db()
        shop.refresh_from_db()
        assert cart.due_at <= timezone.now()
        assert shop.due_at is None

    def test_a_reviewer_may_not_ask(self, client):
        repository = make_repository()
        client.force_login(make_person("mara"))
        assert client.post(reverse("registry_index", args=[repository.registry_id])).status_code == 403
        assert client.post(reverse("repository_index", args=[repository.pk])).status_code == 403
        repository.refresh_from_db()
        assert repository.due_at is None


class TestPages:
    def test_without_any_registry_an_admin_is_led_to_the_form(self, admin):
        assert reverse("registry_add") in page_of(admin.get(reverse("registries")))

    def test_a_failed_repository_says_why_and_when_it_is_tried_again(self, admin):
        now = timezone.now()
        repository = make_repository()
        Repository.objects.filter(pk=repository.pk).update(
            last_error="429 too many requests",
            attempts=3,
            failed_at=now,
            due_at=now + timedelta(minutes=15, seconds=30),
        )
        for url in (reverse("registry", args=[repository.registry_id]), reverse("repository", args=[repository.pk])):
            page = page_of(admin.get(url))
            assert "429 too many requests" in page
            assert "in 15 min" in page
        assert "1 of 1 repository waits" in page_of(admin.get(reverse("registries")))

    def test_while_it_runs_the_page_asks_for_its_progress_and_then_no_more(self, admin):
        now = timezone.now()
        repository = make_repository()
        running = {"leased_until": now + timedelta(minutes=1), "progress_done": 12, "progress_total": 40, "due_at": now}
        Repository.objects.filter(pk=repository.pk).update(**running)
        url = reverse("registry", args=[repository.registry_id])
        part = page_of(admin.get(url, headers={"HX-Request": "true"}))
        assert "12 of 40" in part
        assert f'hx-get="{url}"' in part
        assert "<html" not in part
        later = now + timedelta(hours=1)
        Repository.objects.filter(pk=repository.pk).update(leased_until=None, due_at=later, indexed_at=now)
        assert "hx-get" not in page_of(admin.get(url, headers={"HX-Request": "true"}))

    def test_what_failed_and_is_asked_again_is_awaited(self, admin):
        survey = Survey.objects.create(registry=make_repository().registry, last_error="refused", due_at=timezone.now())
        url = reverse("registry", args=[survey.registry_id])
        assert f'hx-get="{url}"' in page_of(admin.get(url))
        Survey.objects.update(due_at=timezone.now() + timedelta(minutes=1))
        assert f'hx-get="{url}"' not in page_of(admin.get(url))

    def test_a_catalog_that_was_not_read_to_its_end_is_known_in_part(self, admin):
        at = timezone.now()
        survey = Survey.objects.create(
            registry=make_repository().registry, finished_at=at, complete=False, due_at=at + timedelta(hours=1),
            note="The registry lists more than 20,000 repositories; the first 20,000 are taken.",
        )  # fmt: skip
        page = page_of(admin.get(reverse("registry", args=[survey.registry_id])))
        box = page[page.index("Looking up repositories") :]
        assert "In part" in box
        assert "Current" not in box
        assert "the catalog was not read to its end" in box
        listed = page_of(admin.get(reverse("registries")))
        assert "In part" in listed
        assert "Its catalog was not read to its end" in listed
        Survey.objects.update(complete=True)
        assert "In part" not in page_of(admin.get(reverse("registries")))

    @pytest.mark.parametrize(
        ("has_it", "words"), [(True, "Referrers API, seen "), (False, "No referrers API, as of "), (None, "")]
    )
    def test_a_repository_says_when_its_referrers_api_was_seen_or_missed(self, admin, has_it, words):
        repository = make_repository()
        seen_at = timezone.now() - timedelta(hours=3)
        Repository.objects.update(referrers_api=has_it, referrers_api_seen_at=seen_at)
        page = page_of(admin.get(reverse("repository", args=[repository.pk])))
        if words:
            assert re.search(rf"{words}<time[^>]*>3 h ago</time>", page)
        else:
            assert "eferrers API" not in page

    def test_the_figures_of_what_waits_add_up(self, admin):
        soon = timezone.now() + timedelta(hours=1)
        for number in range(3):
            repository = make_repository("web/cart", f"r{number}.example")
            Survey.objects.create(registry=repository.registry, last_error="refused", due_at=soon)
        Repository.objects.filter(pk=repository.pk).update(last_error="refused", due_at=soon)
        page = re.sub(r"<svg.*?</svg>", "", page_of(admin.get(reverse("activity"))))
        assert "<b>4</b><span>Wait after a failure</span><small>3 registries, 1 repository</small>" in page

    @pytest.mark.parametrize("name", ["registry", "repository"])
    def test_a_registry_that_does_not_answer_is_not_said_to_make_all_unknown(self, admin, name):
        repository = make_repository()
        Survey.objects.create(registry=repository.registry, last_error="refused", failed_at=timezone.now())
        Repository.objects.update(last_error="refused", failed_at=timezone.now())
        ids = {"registry": repository.registry_id, "repository": repository.pk}
        page = page_of(admin.get(reverse(name, args=[ids[name]])))
        assert "reads stale once its listing is" in page
        assert "unknown once" not in page

    def test_work_that_nobody_takes_is_said(self, admin):
        repository = make_repository()
        Repository.objects.filter(pk=repository.pk).update(due_at=timezone.now() - timedelta(minutes=5))
        assert "Nobody works" in page_of(admin.get(reverse("registry", args=[repository.registry_id])))
        assert "Nobody works" in page_of(admin.get(reverse("activity")))

    def test_faults_are_shown_inert_with_a_link_to_their_artifact(self, admin):
        repository = make_repository()
        artifact = make_artifact(repository, "unknown")
        Fault.objects.create(
            repository=repository, digest=str(Digest.of(b"referrer")), subject=artifact.manifest_id, code="digest_mismatch",
            message="<script>alert(1)</script>\u202e the bytes are others", seen_at=timezone.now(),
        )  # fmt: skip
        page = page_of(admin.get(reverse("repository", args=[repository.pk])))
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\u202e" not in page
        assert reverse("artifact", args=[repository.pk, artifact.manifest_id]) in page

    def test_a_repository_counts_its_artifacts_by_the_word_of_now(self, admin):
        repository = make_repository()
        make_revision(2)
        make_artifact(repository, "verified", tag="1", revision=1)
        make_artifact(repository, "unsigned", tag="2")
        make_artifact(repository, "unsigned", tag="3")
        assert dict(admin.get(reverse("repository", args=[repository.pk])).context["words"]) == {
            "unsigned": 2,
            "stale": 1,
        }

    def test_a_reviewer_sees_of_a_registry_only_what_the_team_was_given(self, client):
        cart, shop = make_repository("web/cart"), make_repository("web/secret")
        Survey.objects.create(registry=cart.registry, note="No repository matches web/secret*.")
        make_repository("a", "hidden.example")
        client.force_login(make_person("mara", everything=False, repositories=[cart]))
        page = page_of(client.get(reverse("registry", args=[cart.registry_id])))
        assert "web/cart" in page
        assert "web/secret" not in page
        assert "Test connection" not in page
        assert "hidden.example" not in page_of(client.get(reverse("registries")))
        assert client.get(reverse("repository", args=[shop.pk])).status_code == 404
        assert "web/secret" not in page_of(client.get(reverse("activity")))

    @pytest.mark.parametrize("name", ["registries", "registry", "repository", "activity"])
    def test_more_rows_cost_no_more_queries(self, admin, name):
        def grow(numbers):
            for number in numbers:
                repository = make_repository(f"web/r{number}")
                make_artifact(repository, "unsigned")
                Repository.objects.filter(pk=repository.pk).update(last_error="denied", failed_at=timezone.now())
                Fault.objects.create(
                    repository=make_repository("web/r0"), digest=str(Digest.of(b"%d" % number)), code="x", message="y",
                    subject=Digest.of(b"%d" % number), seen_at=timezone.now(),
                )  # fmt: skip

        def queries():
            with CaptureQueriesContext(connection_of_tests) as captured:
                assert admin.get(reverse(name, args=ids)).status_code == 200
            return len(captured)

        grow([0, 1])
        repository = make_repository("web/r0")
        ids = {"registry": [repository.registry_id], "repository": [repository.pk]}.get(name, [])
        queries()  # the first page of a session writes its CSRF token
        few = queries()
        grow(range(2, 40))
        assert queries() == few <= 20

    def test_repositories_are_paged_and_found_by_name(self, admin):
        for number in range(60):
            repository = make_repository(f"web/r{number:02}")
        url = reverse("registry", args=[repository.registry_id])
        assert len(admin.get(url).context["rows"]) == 50
        assert len(admin.get(url, {"page": "2"}).context["rows"]) == 10
        assert len(admin.get(url, {"page": "no"}).context["rows"]) == 50
        assert [row.repository.name for row in admin.get(url, {"q": "r59"}).context["rows"]] == ["web/r59"]


class TestWhatIsSaidOfALookUp:
    def shown(self, admin, patterns, **fields):
        registry = Registry.objects.create(
            address="a.example", reference_name="a.example", repository_patterns=patterns
        )
        Survey.objects.create(registry=registry, **fields)
        return page_of(admin.get(reverse("registry", args=[registry.pk])))

    def test_of_repositories_given_by_name_no_catalog_was_read(self, admin):
        page = self.shown(admin, ["team/app"], finished_at=timezone.now(), complete=True)
        assert "as named in the connection" in page
        assert "the catalog was read to its end" not in page

    def test_patterns_are_seen_through_the_catalog(self, admin):
        page = self.shown(admin, ["team/app", "web/*"], finished_at=timezone.now(), complete=True)
        assert "the catalog was read to its end" in page

    def test_a_registry_that_could_not_be_asked_did_not_name_none(self, admin):
        page = self.shown(admin, [], last_error="no route", failed_at=timezone.now(), attempts=1)
        assert "They could not be looked up yet" in page
        assert "The registry named none" not in page
