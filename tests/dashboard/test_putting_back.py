"""The repository's page tells what a referrers tag lost, and an admin can have it listed again."""

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry
from demo.registry import DemoRegistry
from demo.registry.server import running
from registries import connections, indexing, leases
from registries.models import Registry, Repository
from registries.oci.digest import Digest
from tests.dashboard.rows import make_person
from tests.simulators.images import Author, digest_of

pytestmark = [pytest.mark.network, pytest.mark.django_db]


class Case:
    def __init__(self, folder, server):
        self.server = server
        self.author = Author(DemoRegistry(folder))
        self.image = self.author.image(tags="1.0")
        self.signature = self.author.signature(self.image)
        self.author.fallback(self.image, [self.signature])
        registry = Registry.objects.create(
            address=server.address, reference_name="r.test", plain_http=True, allowed_networks=["127.0.0.0/8"]
        )
        self.repository = Repository.objects.create(registry=registry, name="team/app")
        self.index()
        self.author.fallback(self.image, [])
        self.index()

    def index(self):
        Repository.objects.ask_now(timezone.now())
        lease = leases.take(Repository.objects.all(), self.repository.pk)
        with connections.open_source(self.repository.registry) as source:
            indexing.index_repository(lease.row, source, lease)

    @property
    def page(self):
        return reverse("repository", args=[self.repository.pk])

    def put_back(self, client):
        return client.post(reverse("repository_put_back", args=[self.repository.pk]), follow=True).content.decode()

    def listed(self):
        with connections.open_source(self.repository.registry) as source:
            listed = source.referrers_by_tag("team/app", Digest.of(self.image))
            return [str(entry.digest) for entry in listed.descriptors]


@pytest.fixture
def case(tmp_path):
    with running(tmp_path / "registry", "--no-referrers-api") as server:
        yield Case(tmp_path / "registry", server)


@pytest.fixture
def admin(client):
    client.force_login(make_person("ada", role="admin"))
    return client


def test_an_admin_puts_back_what_was_dropped_and_it_is_recorded(case, admin):
    page = admin.get(case.page).content.decode()
    assert "1 dropped from a referrers tag." in page
    assert "dropped from tag" in page
    assert "1 listed again" in case.put_back(admin)
    assert case.listed() == [digest_of(case.signature)]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("repository.referrers_put_back", "r.test/team/app")
    case.index()
    assert "dropped from a referrers tag" not in admin.get(case.page).content.decode()


def test_a_connection_that_only_reads_is_told_what_it_lacks(case, admin):
    Registry.objects.update(username="reader")
    page = admin.get(case.page).content.decode()
    assert "credentials for pushing" in page
    assert "put-back" not in page


def test_a_reader_sees_what_is_wrong_and_no_button(case, client):
    client.force_login(make_person("mara"))
    page = client.get(case.page).content.decode()
    assert "put it back, or push it again" in page
    assert "put-back" not in page
    assert case.listed() == []


def test_a_registry_that_does_not_answer_is_said_and_nothing_is_recorded(case, admin):
    case.server.process.terminate()
    case.server.process.wait(10)
    assert "cannot be reached" in case.put_back(admin)
    assert not AuditEntry.objects.exists()
