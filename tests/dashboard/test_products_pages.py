"""The product of a connection: the form, the registry's page, the artifact's page."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from registries import credentials
from registries.models import Claim, Listing, Product, Registry
from tests.dashboard.rows import make_person
from tests.trust import seeding
from tests.trust.seeding import Place, publish

pytestmark = pytest.mark.django_db
HARBOR = {"address": "harbor.acme.example", "vendor": "harbor"}
KEPT = ("vendor", "api_host", "notation_compatible", "password_file")


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


@pytest.fixture
def files(settings, tmp_path):
    settings.PASSWORD_FILES = str(tmp_path)


def page_of(answer):
    return answer.content.decode()


def said(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def connect(client, **fields):
    return client.post(reverse("registry_add"), {"repository_patterns": "web/*"} | fields, follow=True)


def change(client, registry, **fields):
    return client.post(
        reverse("registry_edit", args=[registry.pk]), {"address": registry.address} | fields, follow=True
    )


def test_nothing_is_chosen_until_somebody_chooses_it_and_the_address_only_suggests(admin):
    page = page_of(connect(admin, address="docker.io"))
    registry = Registry.objects.get()
    assert registry.vendor == ""
    assert "The address looks like Docker Hub" in page
    edit = page_of(admin.get(reverse("registry_edit", args=[registry.pk])))
    assert "The address looks like Docker Hub; only you know" in edit
    assert '<option value="" selected>' in edit


def test_an_address_that_anybody_may_have_suggests_nothing(admin):
    assert "looks like" not in page_of(connect(admin, address="harbor.acme.example"))


def test_what_is_chosen_is_kept_shown_recorded_and_given_as_json(admin):
    page = page_of(connect(admin, **HARBOR, notation_compatible="on"))
    registry = Registry.objects.get()
    assert [getattr(registry, name) for name in KEPT] == ["harbor", "", True, False]
    assert re.search(r"<dt>Product</dt><dd>Harbor", page)
    assert "Steps past its pull rules" in page
    details = AuditEntry.objects.get().details
    assert [details[name] for name in KEPT] == ["harbor", "", True, False]
    assert admin.get(reverse("api_registries")).json()["results"][0]["product"] == "harbor"


def test_the_exemption_is_off_by_default_and_its_change_is_recorded(admin):
    connect(admin, **HARBOR)
    registry = Registry.objects.get()
    assert not registry.notation_compatible
    change(admin, registry, vendor="harbor", notation_compatible="on")
    entry = AuditEntry.objects.order_by("-pk").first()
    assert (entry.action, entry.details["notation_compatible"]) == ("registry.changed", True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"vendor": "gitlab"}, "Say on which host the API of this product is."),
        ({"vendor": "harbor", "api_host": "api.test"}, "The API of this product is at the registry itself"),
        ({"api_host": "api.test"}, "The API of this product is at the registry itself"),
        ({"vendor": "gitlab", "api_host": "https://gitlab.test/api"}, "Give host or host:port only"),
        ({"vendor": "gitlab", "api_host": "169.254.169.254"}, "which Signboard never contacts"),
        ({"vendor": "zot", "notation_compatible": "on"}, "Only Harbor has such rules"),
        ({"vendor": "nexus"}, "Select a valid choice"),
    ],
)
def test_a_form_that_makes_no_sense_says_which_field_and_why(admin, fields, words):
    page = page_of(connect(admin, address="registry.acme.example", **fields))
    assert words in page.replace("&#x27;", "'")
    assert not Registry.objects.exists()


def test_the_known_host_of_an_api_need_not_be_named(admin):
    connect(admin, address="docker.io", vendor="docker_hub")
    assert Registry.objects.get().vendor == Product.DOCKER_HUB


def test_a_stored_password_goes_when_another_host_is_named_that_it_would_be_sent_to(admin):
    named = {"address": "registry.acme.example", "vendor": "gitlab", "username": "u"}
    connect(admin, **named, api_host="gitlab.acme.example", password="hunter two")
    registry = Registry.objects.get()
    change(admin, registry, vendor="gitlab", username="u", api_host="gitlab.acme.example")
    registry.refresh_from_db()
    assert credentials.open_(credentials.READING, registry) == "hunter two"
    page = page_of(change(admin, registry, vendor="gitlab", username="u", api_host="evil.test"))
    registry.refresh_from_db()
    assert registry.sealed_password == b""
    assert "The stored password was forgotten" in page


class TestPasswordFiles:
    ECR = {"address": "1.dkr.ecr.eu.amazonaws.com", "vendor": "ecr", "username": "AWS"}

    def test_without_the_directory_the_form_has_no_such_field(self, admin):
        assert "password_file" not in page_of(admin.get(reverse("registry_add")))

    def test_it_takes_the_place_of_a_password(self, admin, files):
        page = page_of(connect(admin, **self.ECR, password_file="on"))
        assert Registry.objects.get().password_file
        assert "AWS , password in the operator's file" in said(page)

    def test_it_needs_a_user_name_and_stands_alone(self, admin, files):
        assert "needs a user name" in page_of(connect(admin, **self.ECR | {"username": ""}, password_file="on"))
        page = page_of(connect(admin, **self.ECR, password_file="on", password="x"))
        assert "one of them" in page
        assert not Registry.objects.exists()

    def test_a_stored_password_goes_when_it_takes_its_place(self, admin, files):
        connect(admin, **self.ECR, password="hunter two")
        registry = Registry.objects.get()
        change(admin, registry, vendor="ecr", username="AWS", password_file="on")
        registry.refresh_from_db()
        assert (registry.sealed_password, registry.password_file) == (b"", True)


@pytest.fixture
def place(monkeypatch):
    moment = timezone.now().replace(microsecond=0)
    monkeypatch.setattr(seeding, "NOW", moment)
    seeding.pki.cache_clear()
    publish(at=moment)
    yield Place(at=moment)
    seeding.pki.cache_clear()


def artifact_page(client, place, image):
    client.force_login(make_person())
    answer = client.get(reverse("artifact", args=[place.repository.pk, image.digest]))
    assert answer.status_code == 200
    return page_of(answer)


def test_a_registrys_claim_stands_beside_the_verdict_and_changes_no_word(client, place):
    image = place.image("1.0")
    before = re.search(r'<p class="say">.*?</p>', artifact_page(client, place, image), re.DOTALL)[0]
    Claim.objects.create(
        repository=place.repository,
        digest=image.digest,
        product="Harbor",
        said="signed <b>(me)</b>",
        seen_at=timezone.now(),
    )
    page = page_of(client.get(reverse("artifact", args=[place.repository.pk, image.digest])))
    assert re.search(r'<p class="say">.*?</p>', page, re.DOTALL)[0] == before
    assert "Harbor says: signed &lt;b&gt;(me)&lt;/b&gt;" in said(page)
    assert "it counts for nothing here" in page
    assert "<b>(me)" not in page


def test_what_a_rule_of_the_registry_blocks_reads_unknown_with_its_words_and_the_fix(client, place):
    image = place.image("1.0")
    words = "blocked by registry policy: … The registry says: PROJECTPOLICYVIOLATION: <script>x</script>."
    Listing.objects.update_or_create(
        repository=place.repository,
        subject=image.digest,
        defaults={
            "source": "api",
            "complete": False,
            "error_code": "blocked_by_policy",
            "error": words,
            "checked_at": timezone.now(),
        },
    )
    page = artifact_page(client, place, image)
    assert "Blocked by registry policy" in page
    assert "PROJECTPOLICYVIOLATION: &lt;script&gt;" in page
    assert "Relax the registry" in page
    assert "Unsigned" not in re.search(r'<p class="say">.*?</p>', page, re.DOTALL)[0]
