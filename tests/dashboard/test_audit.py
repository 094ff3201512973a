"""The audit record."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from dashboard import audit
from dashboard.models import AuditEntry, Role
from dashboard.views.audit import ACTIONS
from tests.dashboard.rows import make_person

ROOT = Path(__file__).parents[2]
RECORDED = re.compile(r"audit\.record\(\s*[\w.]+,\s*\"([a-z_.]+)\"")
AT = datetime(2026, 11, 21, 9, 12, 3, 456789, tzinfo=UTC)


def newest_first():
    return list(AuditEntry.objects.order_by("-pk"))


@pytest.fixture
def three(db):
    user = make_person("sam")
    with transaction.atomic():
        for number in range(3):
            audit.record(user, "registry.changed", f"registry {number}", AT, plain_http=True, networks=["10.0.0.0/8"])
    return newest_first()


def test_entries_as_written_hold_together(three):
    assert audit.first_broken(three) is None
    assert three[-1].previous_hash == ""
    assert [entry.actor_name for entry in three] == ["sam"] * 3


def test_every_act_that_is_recorded_has_words():
    sources = [path.read_text() for path in (ROOT / "dashboard").rglob("*.py")]
    acts = {act for source in sources for act in RECORDED.findall(source)}
    assert "artifact.pushed" in acts
    assert acts <= ACTIONS.keys()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_name", "mara"),
        ("action", "registry.connected"),
        ("subject", "registry 9"),
        ("details", {"plain_http": False}),
        ("at", datetime(2026, 11, 21, 9, 12, 3, 456790, tzinfo=UTC)),
        ("previous_hash", ""),
    ],
)
def test_an_entry_that_was_edited_shows(three, column, value):
    AuditEntry.objects.filter(pk=three[1].pk).update(**{column: value})
    assert audit.first_broken(newest_first()).pk == three[1].pk


def test_an_entry_that_was_deleted_shows(three):
    three[1].delete()
    assert audit.first_broken(newest_first()).pk == three[0].pk


def test_an_edited_entry_with_a_matching_hash_shows_in_the_next(three):
    entry = three[1]
    entry.subject = "another registry"
    entry.hash = audit.hash_of(entry)
    entry.save()
    assert audit.first_broken(newest_first()).pk == three[0].pk


def test_the_entry_of_somebody_who_left_still_holds(three):
    three[0].actor.delete()
    entries = newest_first()
    assert entries[0].actor is None
    assert audit.first_broken(entries) is None


@pytest.mark.django_db(transaction=True)
def test_an_act_is_not_recorded_outside_its_transaction():
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(None, "registry.changed", "x")


@pytest.mark.django_db(transaction=True)
def test_an_act_that_is_rolled_back_leaves_no_entry():
    with pytest.raises(IntegrityError), transaction.atomic():
        audit.record(None, "registry.changed", "x")
        raise IntegrityError
    assert not AuditEntry.objects.exists()
    assert not connection.in_atomic_block


class TestPage:
    def test_reviewers_may_not_read_it(self, client, three):
        client.force_login(make_person("mara"))
        assert client.get(reverse("audit")).status_code == 403

    def test_it_shows_who_did_what_and_that_the_entries_hold_together(self, client, three):
        client.force_login(make_person("adam", Role.ADMIN))
        page = client.get(reverse("audit")).content.decode()
        assert "registry 2" in page
        assert "Changed a connection" in page
        assert "hold together" in page

    def test_it_says_which_entry_was_changed(self, client, three):
        AuditEntry.objects.filter(pk=three[1].pk).update(subject="edited")
        client.force_login(make_person("adam", Role.ADMIN))
        page = client.get(reverse("audit")).content.decode()
        assert f"Entry {three[1].pk} or the one before it is not what was written" in page
        assert "hold together" not in page

    def test_a_subject_cannot_rearrange_or_mark_up_the_page(self, client, db):
        with transaction.atomic():
            audit.record(None, "registry.changed", "<b>evil</b>\u202etxt")
        client.force_login(make_person("adam", Role.ADMIN))
        page = client.get(reverse("audit")).content.decode()
        assert "<b>evil" not in page
        assert "\u202e" not in page
        assert "U+202E" in page

    def test_before_anything_was_done_it_says_so(self, client, db):
        client.force_login(make_person("adam", Role.ADMIN))
        assert "Nothing was recorded yet" in client.get(reverse("audit")).content.decode()

    def test_older_entries_are_one_link_away(self, client, db):
        with transaction.atomic():
            for number in range(60):
                audit.record(None, "registry.changed", f"act {number:02}")
        client.force_login(make_person("adam", Role.ADMIN))
        first = client.get(reverse("audit"))
        assert b"act 59" in first.content
        assert b"act 09" not in first.content
        second = client.get(reverse("audit"), {"before": first.context["older"]})
        assert b"act 09" in second.content
        assert second.context["older"] is None
