"""One budget a host, shared by all workers: what a registry asks for is given."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from registries import budgets, tasks
from registries.budgets import Budget, HostBudget
from registries.models import Registry, Repository
from registries.oci.errors import RegistryError
from tests.simulators.registry_quirks import reply, too_many_requests

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Worker:
    """A worker's part in the budget of one host, with a clock to turn."""

    def __init__(self, at=AT, running=1):
        self.at = at
        self.slept = []
        self.budget = Budget("r.test", lambda: self.at, lambda: running, sleep=self.slept.append)

    def refused(self, code="rate_limited", retry_after=None):
        self.budget.answered(RegistryError("slow down", code=code, retry_after=retry_after))

    @property
    def allowed(self):
        return self.budget.at_once


def row():
    return HostBudget.objects.get()


@pytest.mark.django_db
class TestSharing:
    def test_the_budget_is_one_for_all_who_ask(self):
        alone, among_four = Worker(), Worker(running=4)
        alone.budget.refresh()
        among_four.budget.refresh()
        assert (alone.allowed, among_four.allowed) == (4, 1)

    def test_nobody_is_kept_out_entirely(self):
        worker = Worker(running=9)
        worker.budget.refresh()
        assert worker.allowed == 1

    def test_good_answers_let_it_grow_to_a_limit(self):
        worker = Worker()
        for _ in range(40):
            for _ in range(budgets.GOOD_ANSWERS):
                worker.budget.answered(None)
            worker.budget.refresh()
        assert row().at_once == budgets.MOST

    def test_good_answers_of_a_run_that_ends_count(self):
        worker = Worker()
        for _ in range(budgets.GOOD_ANSWERS):
            worker.budget.answered(None)
        worker.budget.refresh()
        for _ in range(budgets.GOOD_ANSWERS):
            worker.budget.answered(None)
        worker.budget.settle()
        worker.budget.settle()
        assert row().at_once == budgets.FIRST + 2

    def test_an_error_that_is_not_about_load_is_a_good_answer(self):
        worker = Worker()
        worker.budget.refresh()
        worker.refused("not_found")
        assert (row().at_once, row().refusals) == (4, 0)

    @pytest.mark.parametrize("code", ["rate_limited", "server_error"])
    def test_a_registry_that_pushes_back_gets_half_from_every_worker(self, code):
        one, other = Worker(), Worker()
        one.refused(code)
        other.budget.refresh()
        assert (row().at_once, other.allowed) == (2, 2)

    def test_refusals_of_the_same_moment_count_once(self):
        worker = Worker()
        for _ in range(4):
            worker.refused()
        assert row().at_once == 2
        worker.at += timedelta(seconds=2)
        worker.refused()
        worker.at += timedelta(seconds=2)
        worker.refused()
        assert row().at_once == 1

    def test_retry_after_keeps_every_worker_away_until_then(self):
        one, other = Worker(), Worker()
        one.refused(retry_after=90)
        assert other.budget.refresh() == AT + timedelta(seconds=90)
        other.at += timedelta(seconds=91)
        assert other.budget.refresh() is None

    def test_a_longer_wait_is_not_shortened(self):
        worker = Worker()
        worker.refused(retry_after=900)
        worker.refused(retry_after=5)
        assert row().paused_until == AT + timedelta(seconds=900)

    def test_without_retry_after_the_wait_doubles_up_to_an_hour(self):
        worker = Worker()
        waits = []
        for _ in range(10):
            worker.refused()
            waits.append((row().paused_until - worker.at).total_seconds())
            worker.at = row().paused_until + timedelta(seconds=1)
        assert waits[:3] == [30, 60, 120]
        assert waits[-1] == 3600

    def test_failures_slow_down_and_a_good_answer_ends_that(self):
        worker = Worker()
        for _ in range(3):
            worker.refused("server_error")
            worker.budget.wait()
        worker.budget.answered(None)
        worker.budget.wait()
        assert worker.slept == [0.1, 0.2, 0.4]
        assert row().paused_until is None


@pytest.mark.parametrize("quirk", [too_many_requests(120), reply("503 Service Unavailable", Retry_After="120")])
def test_one_repository_that_is_refused_keeps_the_others_of_its_host_from_being_asked(bench, quirk):
    bench.author.image(tags="1.0")
    other = Repository.objects.create(registry=bench.registry, name="team/other", due_at=timezone.now())
    elsewhere = Registry.objects.create(address="elsewhere.test", reference_name="elsewhere.test")
    free = Repository.objects.create(registry=elsewhere, name="team/app", due_at=timezone.now())
    bench.quirks.break_("/manifests/", quirk)
    bench.index()
    assert "429" in bench.repository.last_error or "503" in bench.repository.last_error
    HostBudget.objects.update(paused_until=timezone.now() + timedelta(minutes=2))
    assert set(tasks._askable()) == {free}
    bench.repository = other
    bench.at = timezone.now() - timedelta(hours=1)
    assert bench.index() == {}  # a run that began all the same asks nothing
    assert "asked for patience" in bench.repository.last_error
    HostBudget.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    assert other in tasks._askable()
