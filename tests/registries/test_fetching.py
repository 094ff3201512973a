"""Asking from a few threads: answers in order, no more at once than allowed, and nothing after the end."""

import threading
import time
from datetime import UTC, datetime

import pytest

from registries.budgets import Budget
from registries.indexing.fetching import AHEAD, Fetcher, InterruptedIndexError
from registries.oci.errors import RegistryError


class Registry:
    """Answers after a while, and notes how many ask at the same time."""

    def __init__(self, at_once=4, fails=()):
        self.budget = Budget("", lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda: 1, sleep=lambda _: None)
        self.budget.at_once = at_once
        self.fails = dict(fails)
        self.lock = threading.Lock()
        self.inside = self.most = 0
        self.asked = []

    def ask(self, item):
        with self.lock:
            self.asked.append(item)
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.02 if item % 5 == 0 else 0.001)
        with self.lock:
            self.inside -= 1
        if item in self.fails:
            raise self.fails[item]
        return -item

    def fetcher(self, tick=lambda: None):
        return Fetcher(8, self.budget, tick)


@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_answers_come_in_order_and_no_more_is_asked_at_once_than_the_budget_says(at_once):
    registry = Registry(at_once)
    with registry.fetcher() as fetcher:
        assert list(fetcher.each(registry.ask, range(100))) == [(item, -item) for item in range(100)]
    assert 1 <= registry.most <= at_once


def test_a_budget_that_shrinks_is_heeded_at_once():
    registry = Registry(8)
    with registry.fetcher() as fetcher:
        answers = fetcher.each(registry.ask, range(200))
        next(answers)
        registry.budget.at_once = 1
        for _ in range(8 * AHEAD):  # what was begun until then
            next(answers)
        registry.most = 0
        assert len(list(answers)) == 200 - 1 - 8 * AHEAD
    assert registry.most <= 2


def test_an_answer_that_takes_long_holds_up_neither_the_lease_nor_the_next():
    registry, ticks = Registry(2), []
    with registry.fetcher(lambda: ticks.append(1)) as fetcher:
        slow = lambda item: time.sleep(1.5 if item == 0 else 0) or item  # noqa: E731
        began = time.monotonic()
        assert list(fetcher.each(slow, range(100))) == [(item, item) for item in range(100)]
    assert time.monotonic() - began < 2.4
    assert len(ticks) >= 3


def test_no_more_is_held_than_the_writing_can_follow():
    registry = Registry(8)
    with registry.fetcher() as fetcher:
        answers = fetcher.each(registry.ask, range(1000))
        next(answers)
        time.sleep(0.3)
        assert len(registry.asked) <= 2 * 8 * AHEAD
        answers.close()
        time.sleep(0.05)
        asked = len(registry.asked)
        time.sleep(0.1)
        assert len(registry.asked) == asked


def test_a_refusal_for_too_many_requests_ends_the_asking():
    registry = Registry(
        2, {3: RegistryError("slow down", code="not_found"), 7: RegistryError("stop", code="rate_limited")}
    )
    registry.budget.answered = lambda error: None  # no database here
    got = []
    with registry.fetcher() as fetcher, pytest.raises(InterruptedIndexError, match="stop"):
        got += (item for item, _ in fetcher.each(registry.ask, range(1000)))
    assert got == list(range(7))
    assert len(registry.asked) < 50


def test_what_nobody_foresaw_in_a_thread_is_raised_where_the_answers_are_read():
    registry = Registry(2, {5: ZeroDivisionError("a mistake")})
    with registry.fetcher() as fetcher, pytest.raises(ZeroDivisionError, match="a mistake"):
        list(fetcher.each(registry.ask, range(100)))
