"""Pages of a list that is short enough to be counted."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet

SIZE = 50


@dataclass(frozen=True, slots=True)
class Page[Row: Model]:
    """One page of rows, and where it stands among them."""

    rows: list[Row]
    number: int
    total: int

    @property
    def first(self) -> int:
        return (self.number - 1) * SIZE + 1 if self.rows else 0

    @property
    def note(self) -> str:
        return f"{self.first:,}–{self.first + len(self.rows) - 1:,} of {self.total:,}" if self.rows else ""

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number * SIZE < self.total else None


def page_of[Row: Model](rows: QuerySet[Row, Any], wanted: str | None) -> Page[Row]:
    """The wanted page; the first for what is no number, the last for one beyond."""
    total = rows.count()
    last = max(1, -(-total // SIZE))
    number = int(wanted) if wanted and wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
    number = min(max(1, number), last)
    return Page(list(rows[(number - 1) * SIZE : number * SIZE]), number, total)
