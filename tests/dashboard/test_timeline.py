"""Pins on a line of time: each in its place, none on another, and months below them."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.timeline import BASE, LEFT, NEAR, RIGHT, Mark, timeline

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def mark(days, number=1, word="untrusted"):
    return Mark(NOW + days * DAY, number, word, f"/{days}/", f"day {days}")


def test_pins_stand_in_order_of_time_the_heaviest_highest():
    drawn = timeline([mark(100, 5), mark(10, 1000), mark(150, 0, "verified")], NOW, NOW + 182 * DAY)
    assert [pin.number for pin in drawn.pins] == [1000, 5, 0]
    assert [pin.x for pin in drawn.pins] == sorted(pin.x for pin in drawn.pins)
    assert drawn.pins[0].y < drawn.pins[1].y < drawn.pins[2].y < BASE
    assert [pin.label for pin in drawn.pins] == [True, True, False]


def test_pins_that_would_touch_are_one_that_says_all_of_them():
    drawn = timeline([mark(10, 2), mark(10.1, 30, "unknown"), mark(90, 1)], NOW, NOW + 182 * DAY)
    first, second = drawn.pins
    assert (first.number, first.word, first.url, first.title) == (32, "unknown", "/10.1/", "day 10; day 10.1")
    assert second.x - first.x >= NEAR
    many = timeline([mark(10) for _ in range(9)], NOW, NOW + 182 * DAY)
    assert many.pins[0].title.endswith("; and 4 more")


@pytest.mark.parametrize("days", [30, 90, 182, 365, 730, 3650])
def test_every_horizon_has_a_few_ticks_and_each_stays_inside(days):
    drawn = timeline([mark(0), mark(days)], NOW, NOW + days * DAY)
    assert 1 <= len(drawn.ticks) <= 15
    gaps = [after.x - before.x for before, after in zip(drawn.ticks, drawn.ticks[1:], strict=False)]
    assert all(gap > 40 for gap in gaps)
    assert all(LEFT <= x <= RIGHT for x in (*(pin.x for pin in drawn.pins), *(tick.x for tick in drawn.ticks)))
    assert any(character.isdigit() for character in drawn.ticks[0].text)
