"""The artifacts that turn, or would: one page of them, each with what it would read then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard import access, listing
from trust import revisions, samples
from trust.forecast import Step
from trust.models import ArtifactStatus
from trust.notary.outcome import Word


@dataclass(frozen=True, slots=True)
class Turning:
    """One artifact, and what it would read."""

    row: ArtifactStatus
    then: Word
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of artifacts, and the cursors of its neighbours ("" where there is none)."""

    rows: list[Turning]
    previous: str
    next: str


def page(
    person: access.Person,
    steps: Iterable[Step],
    at: datetime,
    *,
    after: str = "",
    before: str = "",
    size: int = listing.PAGE_SIZE,
) -> Page:
    """The artifacts of these steps that the person may see."""
    by_place = {(step.alike.course, pk): step for step in steps for pk in step.alike.numbers}
    active = revisions.active_number()
    rows = samples.looked_at(listing.artifacts(access.repositories_of(person), active, at), active)
    some = rows.filter(samples.rows_of(step.alike for step in by_place.values()))
    found = listing.page(some, after=after, before=before, size=size)
    steps_of_rows = ((row, by_place[vars(row)["runs"], row.repository_id]) for row in found.rows)
    turning = [Turning(row, step.after, step.reason) for row, step in steps_of_rows]
    return Page(turning, found.previous, found.next)
