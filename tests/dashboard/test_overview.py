from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.models import Fault, Registry, Repository, Survey
from tests.dashboard.rows import make_artifact, make_person, make_repository, make_revision
from trust.models import StatusChange

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client


def show(client):
    response = client.get(reverse("overview"))
    assert response.status_code == 200
    return response.content.decode()


def turn(row, before, cause, at):
    return StatusChange.objects.create(status=row, before=before, after=row.word, reason=row.reason, cause=cause, at=at)


def figure(page, label):
    """The number above a word."""
    tally = page.partition('<div class="tally">')[2].partition("</div>")[0]
    (link,) = [part for part in tally.split("</a>") if f"{label}</span>" in part]
    return link.partition("<b>")[2].partition("</b>")[0]


def test_artifacts_are_counted_by_what_they_read_now(now, reader):
    make_revision(1, at=now)
    repository = make_repository()
    make_artifact(repository, "verified", tag="fresh", green_until=now + HOUR)
    make_artifact(repository, "verified", tag="aged", green_until=now - HOUR)
    make_artifact(repository, "failed", tag="bad")
    make_artifact(repository, "unsigned", tag="child", is_artifact=False)
    make_artifact(repository, "unsigned", tag="gone", present=False)
    page = show(reader)
    assert [figure(page, word) for word in ("Verified", "Stale", "Failed", "Unsigned")] == ["1", "1", "1", "0"]
    assert "3 artifacts under revision 1" in page


def test_a_new_revision_takes_all_green_away_at_once(now, reader):
    make_revision(1, at=now)
    make_artifact(make_repository(), "verified", green_until=now + HOUR)
    assert figure(show(reader), "Verified") == "1"
    make_revision(2, at=now)
    assert figure(show(reader), "Verified") == "0"


def test_what_turned_is_shown_with_its_cause_and_what_was_first_seen_is_not(now, reader):
    make_revision(1, at=now)
    turned = make_artifact(make_repository(), "untrusted", tag="turned", reason="expired")
    seen = make_artifact(make_repository(), "failed", tag="seen-first")
    old = make_artifact(make_repository(), "failed", tag="turned-long-ago")
    turn(turned, "verified", StatusChange.Cause.CLOCK, now - HOUR)
    turn(seen, "", StatusChange.Cause.FIRST, now - HOUR)
    turn(old, "verified", StatusChange.Cause.CLOCK, now - 30 * HOUR)
    page = show(reader)
    assert "web/cart</bdi>:<bdi>turned</bdi>" in page
    assert "Time passed: signature expired" in page
    assert "was verified" in page
    assert "seen-first" not in page
    assert "turned-long-ago" not in page


def test_revoked_certificates_are_an_alarm(now, reader):
    make_revision(1, at=now)
    make_artifact(make_repository(), "untrusted", reason="revoked")
    page = show(reader)
    assert "A certificate was revoked" in page
    assert f"{reverse('artifacts')}?reason=revoked" in page


def test_nothing_of_a_foreign_repository_is_counted_or_named(now, client):
    make_revision(1, at=now)
    mine, other = make_repository("mine/app"), make_repository("other/app", "secret.acme.example")
    make_artifact(mine, "unsigned")
    turn(make_artifact(other, "failed"), "verified", StatusChange.Cause.CLOCK, now)
    client.force_login(make_person("jonas", everything=False, repositories=[mine]))
    page = show(client)
    assert "1 artifact under" in page
    assert figure(page, "Failed") == "0"
    assert "secret.acme.example" not in page
    assert "other/app" not in page


def test_registries_in_trouble_say_so(now, reader):
    make_repository()
    registry = Registry.objects.get()
    Survey.objects.create(
        registry=registry, last_error="The registry does not answer.", failed_at=now, due_at=now + HOUR
    )
    page = show(reader)
    assert "The registry does not answer." in page
    assert "mark warn" in page


def test_stale_is_said_to_be_checked_again_only_while_work_on_it_is_due(now, reader):
    make_revision(1, at=now)
    repository = make_repository()
    make_artifact(repository, "verified", green_until=now - HOUR)
    Repository.objects.update(due_at=now)
    assert "re-checking" in show(reader)
    Repository.objects.update(due_at=now + HOUR, last_error="no answer", indexed_at=now - 11 * HOUR)
    page = show(reader)
    assert "re-checking" not in page
    assert "registry not read for 11 h" in page
    Repository.objects.update(last_error="")
    assert "waits for its next check" in show(reader)


def test_what_failed_is_counted_with_the_registries_that_could_not_be_looked_up(now, reader):
    repository = make_repository()
    Repository.objects.update(due_at=now + HOUR, last_error="no answer")
    Survey.objects.create(registry=repository.registry, last_error="no answer", due_at=now + HOUR)
    assert "1 registry, 1 repository wait after a failure and will be tried again" in show(reader)


def test_a_registry_known_in_part_is_not_called_current(now, reader):
    whole, partly = make_repository("web/whole"), make_repository("web/partly")
    Survey.objects.create(registry=whole.registry, due_at=now + HOUR)
    Repository.objects.update(due_at=now + HOUR, indexed_at=now, tags_complete=True)
    assert "Current" in show(reader)
    Fault.objects.create(repository=partly, digest="1.0", code="x", message="y", seen_at=now)
    for page in (show(reader), reader.get(reverse("registries")).content.decode()):
        assert "Current" not in page
        assert "In part" in page
        assert "1 of 2 repositories is known in part" in page
    [told] = reader.get(reverse("api_registries")).json()["results"]
    assert (told["condition"], told["error"]) == ("in part", "")
    Fault.objects.all().delete()
    Repository.objects.filter(pk=partly.pk).update(tags_complete=False)
    assert "1 of 2 repositories is known in part" in show(reader)


def test_progress_is_shown_and_asked_for_again_only_while_work_is_due(now, reader):
    repository = make_repository()
    repository.due_at, repository.leased_until = now, now + HOUR
    repository.progress_done, repository.progress_total = 3, 12
    repository.save()
    page = show(reader)
    assert "3 of 12 artifacts" in page
    assert 'hx-trigger="every 2s"' in page
    part = reader.get(reverse("overview"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "3 of 12 artifacts" in part


def test_the_first_steps_are_shown_while_nothing_is_connected(client):
    client.force_login(make_person("sam", Role.ADMIN))
    assert "Nothing is connected yet" in show(client)
    client.force_login(make_person("mara", Role.REVIEWER))
    page = show(client)
    assert "Nothing to see yet" in page
    assert reverse("registry_add") not in page


def test_without_a_policy_the_page_says_what_follows(reader):
    make_artifact(make_repository(), "not_checked", revision=None)
    assert "No trust policy has been uploaded" in show(reader)


@pytest.mark.parametrize("number", [3, 60])
def test_the_queries_do_not_grow_with_the_rows(now, reader, django_assert_max_num_queries, number):
    make_revision(1, at=now)
    for index in range(number):
        repository = make_repository(f"team/app-{index}", f"registry-{index % 5}.acme.example")
        turn(make_artifact(repository, "failed"), "verified", StatusChange.Cause.CLOCK, now)
    show(reader)
    with django_assert_max_num_queries(18):
        show(reader)
