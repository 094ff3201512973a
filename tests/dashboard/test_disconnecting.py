"""Disconnecting a registry: what goes, what stays, and what becomes of the work on it."""

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role, Team
from registries import disconnecting, leases
from registries.models import Content, Listing, Manifest, Presence, Registry, Repository, Served, Survey, Tag
from tests.dashboard.rows import make_person
from tests.trust.seeding import Place, publish
from trust.models import ArtifactStatus, Judgement, Signature, StatusChange, Verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


@pytest.fixture
def places():
    publish()
    found = [Place("api", "left.example"), Place("api", "stays.example")]
    for place in found:
        place.signed("release", tag="1.0")  # the same image in both
        Survey.objects.create(registry=place.repository.registry)
    found[0].signed("release", tag="2.0")
    for place in found:
        place.judge()
    return found


def url(place):
    return reverse("registry_disconnect", args=[place.repository.registry_id])


def disconnect(place):
    with transaction.atomic():
        disconnecting.disconnect(Registry.objects.get(pk=place.repository.registry_id))


class TestThePage:
    def test_it_says_how_much_goes_and_takes_nothing_before_a_post(self, admin, places):
        page = admin.get(url(places[0])).content.decode()
        assert "<strong>1</strong> repository and <strong>2</strong> artifacts go" in page
        assert Registry.objects.count() == 2
        assert not AuditEntry.objects.exists()

    def test_the_form_of_the_connection_leads_to_it(self, admin, places):
        page = admin.get(reverse("registry_edit", args=[places[0].repository.registry_id])).content.decode()
        assert f'href="{url(places[0])}"' in page

    def test_the_act_is_recorded_with_what_went(self, admin, places):
        answer = admin.post(url(places[0]), follow=True)
        assert "left.example is disconnected" in answer.content.decode()
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.subject, entry.actor_name) == ("registry.disconnected", "left.example", "adam")
        assert (entry.details["repositories"], entry.details["artifacts"]) == (1, 2)
        assert "Disconnected a registry" in admin.get(reverse("audit")).content.decode()

    def test_afterwards_it_does_not_exist(self, admin, places):
        admin.post(url(places[0]))
        assert admin.get(reverse("registry", args=[places[0].repository.registry_id])).status_code == 404
        assert admin.post(url(places[0])).status_code == 404
        assert "left.example" not in admin.get(reverse("artifacts")).content.decode()


class TestWhatGoes:
    def test_all_rows_of_its_repositories(self, places):
        team = Team.objects.create(name="left")
        team.registries.add(places[0].repository.registry)
        disconnect(places[0])
        for model in (Presence, Listing, Served, Tag, Verdict, ArtifactStatus, Judgement):
            assert set(model.objects.values_list("repository", flat=True)) == {places[1].repository.pk}, model
        assert set(StatusChange.objects.values_list("status__repository", flat=True)) <= {places[1].repository.pk}
        assert Survey.objects.get().registry == places[1].repository.registry
        assert not team.registries.exists()

    def test_bytes_and_findings_that_only_it_held(self, places):
        disconnect(places[0])
        held = set(Served.objects.values_list("digest", flat=True))
        assert set(Content.objects.values_list("digest", flat=True)) == held
        assert set(Manifest.objects.values_list("digest", flat=True)) <= held
        assert Signature.objects.get().manifest_id in held

    def test_not_what_another_registry_holds_too(self, places):
        before = list(ArtifactStatus.objects.filter(repository=places[1].repository).values_list("manifest", "word"))
        disconnect(places[0])
        places[1].judge()
        after = list(ArtifactStatus.objects.filter(repository=places[1].repository).values_list("manifest", "word"))
        assert after == before
        assert "verified" in {word for _, word in after}

    def test_only_in_the_transaction_of_the_act(self, transactional_db):
        registry = Registry.objects.create(address="left.example")
        with pytest.raises(transaction.TransactionManagementError):
            disconnecting.disconnect(registry)
        assert Registry.objects.exists()


class TestWorkMeanwhile:
    @pytest.mark.parametrize("model", [Repository, Survey, Judgement])
    def test_whoever_holds_a_lease_writes_nothing_more_and_ends_quietly(self, places, model):
        path = {"repository": "registry", "survey": "registry", "judgement": "repository__registry"}[
            model.__name__.lower()
        ]
        row = model.objects.get(**{path: places[0].repository.registry})
        model.objects.filter(pk=row.pk).update(due_at=timezone.now(), leased_until=None)
        reached = []
        with leases.claim(model.objects.all(), row.pk) as lease:
            disconnect(places[0])
            with transaction.atomic():
                lease.renew()
            reached.append("wrote")
        assert not reached
        assert not model.objects.filter(pk=row.pk).exists()

    def test_what_a_worker_stumbles_over_then_is_no_fault(self, places):
        row = places[0].repository
        Repository.objects.filter(pk=row.pk).update(due_at=timezone.now())
        with leases.claim(Repository.objects.all(), row.pk) as lease:
            disconnect(places[0])
            Registry.objects.get(pk=lease.row.registry_id)

    def test_a_fault_in_a_row_that_still_exists_is_raised_and_written(self, places):
        row = places[0].repository
        with pytest.raises(ZeroDivisionError), leases.claim(Repository.objects.all(), row.pk):
            _ = 1 / 0
        row.refresh_from_db()
        assert "ZeroDivisionError" in row.last_error
