"""What `manage.py demo` does before anything runs."""

import pytest
from django.urls import reverse

from dashboard.audit import first_broken
from dashboard.management.commands.demo import connect
from dashboard.models import AuditEntry, Role
from demo.world import REFERENCE_NAME
from tests.dashboard.rows import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(sample, tmp_path):
    sample[0].write(tmp_path / "files")
    return tmp_path


def acts():
    return [(entry.action, entry.subject, entry.actor_name) for entry in AuditEntry.objects.order_by("pk")]


def test_each_change_that_the_demo_makes_is_recorded_once(folder):
    connect(folder, "127.0.0.1:9")
    made = [("trust_revision.policy_uploaded", "revision 1", ""), ("registry.connected", REFERENCE_NAME, "")]
    assert acts() == made
    connect(folder, "127.0.0.1:9")
    assert acts() == made
    connect(folder, "127.0.0.1:10")
    assert acts() == [*made, ("registry.changed", REFERENCE_NAME, "")]
    assert first_broken(list(AuditEntry.objects.order_by("-pk"))) is None


def test_what_nobody_did_is_shown_as_done_by_signboard(folder, client):
    connect(folder, "127.0.0.1:9")
    client.force_login(make_person("sam", Role.ADMIN))
    page = client.get(reverse("audit")).content.decode()
    assert page.count('<span class="muted">Signboard</span>') == 2
    assert "Connected a registry" in page
