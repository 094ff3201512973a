"""Finding the repositories of a registry."""

from fnmatch import fnmatchcase

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from demo.registry import DemoRegistry
from registries import connections, leases, survey
from registries.leases import LeaseLostError
from registries.models import Registry, Repository, Survey
from registries.survey import matches
from tests.simulators.registry_quirks import Quirks, html_page, reply, too_many_requests, unreachable


class Surveyor:
    """A connected registry with some repositories."""

    def __init__(self, app):
        self.quirks = Quirks(app)
        self.registry = Registry.objects.create(
            address="registry.test", reference_name="registry.test", plain_http=True
        )
        Survey.objects.create(registry=self.registry)

    def look(self, *patterns, lease=None):
        self.registry.repository_patterns = list(patterns)
        lease = lease or leases.take(Survey.objects.all(), self.registry.survey.pk)
        with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
            survey.survey(self.registry, source, lease)
        self.row = Survey.objects.get()
        return sorted(Repository.objects.values_list("name", flat=True))


@pytest.fixture
def surveyor(db, tmp_path):
    app = DemoRegistry(tmp_path, page_size=2)
    for name in ("prod/api", "prod/web/shop", "dev/api", "tools"):
        app.put_blob(name, b"x")
    yield Surveyor(app)
    app.close()


def test_without_patterns_all_of_the_catalog_is_taken_and_due_at_once(surveyor):
    assert surveyor.look() == ["dev/api", "prod/api", "prod/web/shop", "tools"]
    assert Repository.objects.filter(due_at=None).count() == 0
    assert (surveyor.row.complete, surveyor.row.note, surveyor.row.last_error) == (True, "", "")
    assert surveyor.row.due_at > surveyor.row.finished_at


def test_patterns_choose_and_names_are_added_unseen(surveyor):
    assert surveyor.look("prod/*", "private/app") == ["private/app", "prod/api", "prod/web/shop"]


def test_names_alone_need_no_catalog(surveyor):
    surveyor.quirks.break_("_catalog", unreachable)
    assert surveyor.look("prod/api") == ["prod/api"]
    assert surveyor.quirks.log == []


def test_nothing_is_ever_removed_and_nothing_known_is_touched(surveyor):
    surveyor.look()
    Repository.objects.update(due_at=None)
    surveyor.quirks.app.put_blob("new", b"x")
    assert "tools" in surveyor.look("new")
    assert list(Repository.objects.exclude(due_at=None).values_list("name", flat=True)) == ["new"]


def test_a_catalog_that_is_not_given_is_noted_and_names_are_indexed_all_the_same(surveyor):
    surveyor.quirks.break_("_catalog", reply("403 Forbidden"))
    assert surveyor.look("prod/api", "dev/*") == ["prod/api"]
    assert (surveyor.row.complete, surveyor.row.last_error) == (False, "")
    assert "could not be read" in surveyor.row.note
    assert "Repositories given by name are indexed" in surveyor.row.note


def test_no_catalog_and_no_names_is_a_failure_that_says_what_to_do(surveyor):
    surveyor.quirks.break_("_catalog", reply("403 Forbidden"))
    assert surveyor.look() == []
    assert "Name the repositories" in surveyor.row.last_error
    assert surveyor.row.due_at is not None


def test_a_refused_password_is_not_cured_by_names(surveyor):
    said = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
    surveyor.quirks.break_("/v2/", reply("401 Unauthorized", said, "application/json"))
    assert surveyor.look() == []
    assert surveyor.row.last_error.endswith(" The registry says: UNAUTHORIZED: authentication required.")
    assert "Name the repositories" not in surveyor.row.last_error


def test_a_host_that_answers_404_to_everything_is_said_to_be_no_registry(surveyor):
    surveyor.quirks.break_("/v2/", reply("404 Not Found"))
    assert surveyor.look() == []
    assert "There is no OCI registry at this address" in surveyor.row.last_error
    assert "Name the repositories" not in surveyor.row.last_error


def test_a_registry_that_has_no_list_is_named_its_repositories(surveyor):
    surveyor.quirks.break_("_catalog", reply("404 Not Found"))
    assert surveyor.look() == []
    assert surveyor.row.last_error.endswith("with these credentials. Name the repositories in the connection.")


def test_a_registry_that_cannot_be_reached_asks_for_no_names(surveyor):
    surveyor.quirks.break_("_catalog", unreachable)
    assert surveyor.look() == []
    assert "Name the repositories" not in surveyor.row.last_error


@pytest.mark.parametrize(
    ("quirk", "words"),
    [(unreachable, "cannot be reached"), (html_page(), "a web page"), (too_many_requests(60), "429")],
)
def test_a_registry_that_does_not_answer_is_asked_again(surveyor, quirk, words):
    surveyor.quirks.break_("_catalog", quirk)
    assert surveyor.look("prod/*", "prod/api") == ["prod/api"]
    assert words in surveyor.row.last_error
    assert surveyor.row.finished_at is None


@pytest.mark.parametrize("quirk", [unreachable, None], ids=["failed", "done"])
def test_asking_while_it_runs_asks_for_another_look(surveyor, quirk):
    """The connection was corrected while the old one was still being tried."""
    if quirk:
        surveyor.quirks.break_("_catalog", quirk)
    lease = leases.take(Survey.objects.all(), surveyor.registry.survey.pk)
    asked_at = timezone.now()
    Survey.objects.update(due_at=asked_at)
    surveyor.look(lease=lease)
    assert bool(surveyor.row.last_error) is bool(quirk)
    assert surveyor.row.due_at == asked_at


def test_a_page_that_fails_leaves_what_was_read(surveyor):
    surveyor.quirks.break_("_catalog.*last", reply("500 Oops"))
    assert len(surveyor.look()) == 2
    assert "status 500" in surveyor.row.last_error


def test_a_pattern_that_matches_nothing_is_noted(surveyor):
    surveyor.look("prod/*", "stage/*")
    assert surveyor.row.note == "No repository matches stage/*."


def test_a_worker_whose_lease_was_taken_adds_nothing(surveyor):
    stale = leases.take(Survey.objects.all(), surveyor.registry.survey.pk)
    Survey.objects.update(fence=stale.fence + 1)
    with pytest.raises(LeaseLostError):
        surveyor.look(lease=stale)
    assert Repository.objects.count() == 0


@pytest.mark.parametrize(
    ("pattern", "name", "is_match"),
    [
        ("prod/*", "prod/api", True),
        ("prod/*", "prod/web/shop", True),
        ("prod/*", "prod", False),
        ("prod/*", "preprod/api", False),
        ("*/api", "prod/api", True),
        ("*/api", "api", False),
        ("*", "anything/at/all", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-b-b", False),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("**", "", True),
    ],
)
def test_patterns_mean_what_they_say(pattern, name, is_match):
    assert matches(pattern, name) is is_match


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_patterns_agree_with_the_shells(pattern, name):
    assert matches(pattern, name) == fnmatchcase(name, pattern)


def test_a_pattern_of_many_stars_takes_no_time():
    assert not matches("*a" * 120 + "b", "a" * 250)
