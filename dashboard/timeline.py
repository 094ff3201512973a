"""Pins on a line of time: which stands where, how high, and which words fit beside it. No Django, and nothing of what they mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WIDTH, HEIGHT = 1120, 128
LEFT, RIGHT, BASE, TOP = 16, 1104, 96, 36
NEAR = 18  # pins closer than that are one
LETTER = 7
LOWEST = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at an instant, with its weight and the place that it leads to."""

    at: datetime
    number: int
    word: str
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Pin:
    """One mark, or several that stand too close to be told apart."""

    x: int
    y: int
    number: int
    word: str
    url: str
    title: str
    label: bool  # whether the figure fits

    @property
    def shape_x(self) -> int:
        return self.x - 8

    @property
    def shape_y(self) -> int:
        return self.y - 8


@dataclass(frozen=True, slots=True)
class Tick:
    """The beginning of a month or a year."""

    x: int
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of the picture."""

    pins: tuple[Pin, ...]
    ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT


def timeline(marks: Sequence[Mark], begin: datetime, end: datetime) -> Timeline:
    """The marks in their order of time, between two instants."""
    span = (end - begin) / timedelta(seconds=1)

    def place(when: datetime) -> int:
        share = (when - begin) / timedelta(seconds=1) / span
        return round(LEFT + 4 + min(max(share, 0), 1) * (RIGHT - LEFT - 60))

    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        if groups and place(mark.at) - place(groups[-1][0].at) < NEAR:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    most = max((sum(mark.number for mark in group) for group in groups), default=0)
    places = [place(group[0].at) for group in groups]
    pins = tuple(
        _pin(group, x, most, room=(places[index + 1] if index + 1 < len(places) else WIDTH) - x)
        for index, (group, x) in enumerate(zip(groups, places, strict=True))
    )
    return Timeline(pins, tuple(Tick(place(when), text) for when, text in _ticks(begin, end)))


def _pin(group: Sequence[Mark], x: int, most: int, *, room: int) -> Pin:
    number = sum(mark.number for mark in group)
    heaviest = max(group, key=lambda mark: mark.number)
    height = LOWEST + (BASE - TOP - LOWEST) * math.log1p(number) / math.log1p(most) if number else LOWEST
    title = "; ".join(mark.title for mark in group[:5]) + (f"; and {len(group) - 5:,} more" if len(group) > 5 else "")
    fits = room > 24 + LETTER * len(f"{number:,}")
    return Pin(x, round(BASE - height), number, heaviest.word, heaviest.url, title, bool(number) and fits)


def _ticks(begin: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Months, or fewer where many would not fit; the year stands with its first one."""
    months = max(1, round((end - begin) / timedelta(days=30.44)))
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 10_000) if months / step <= 14)
    found: list[tuple[datetime, str]] = []
    first = begin.astimezone(UTC)
    for number in range(first.year * 12 + first.month, first.year * 12 + first.month + months + 2):
        year, month = divmod(number, 12)
        if number % step or year > 9999:
            continue
        when = datetime(year, month + 1, 1, tzinfo=UTC)
        if begin <= when <= end:
            named = not found or month == 0
            found.append(
                (when, (f"{when:%b} {year}" if step < 12 else str(year)) if named or step >= 12 else f"{when:%b}")
            )
    return found
