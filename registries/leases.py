"""Work is a row that is due: whoever claims it holds it until the lease ends, and only the newest claim may write.

A claim is one conditional UPDATE. Every claim raises the row's fence; a worker that was stopped for longer than its lease finds
a higher fence and may write nothing more (`LeaseLostError`).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)


class LeaseLostError(Exception):
    """Another worker claimed the row meanwhile: what this one still holds in hand is void."""


class DueRow(models.Model):
    """A row that says itself when work on it is due, who works on it now, and how often that failed."""

    due_at = models.DateTimeField(null=True, db_index=True)  # null: nothing to do
    leased_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)  # since the last success
    last_error = models.TextField(default="")
    failed_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def lease_time() -> timedelta:
    """How long a claim holds unless it is renewed: so long may work rest after a worker was killed."""
    return timedelta(seconds=settings.LEASE)


def free(at: datetime) -> Q:
    """Rows that nobody holds at `at`."""
    return Q(leased_until=None) | Q(leased_until__lte=at)


def due(at: datetime) -> Q:
    """Rows whose time has come and that nobody holds."""
    return Q(due_at__lte=at) & free(at)


@dataclass(slots=True)
class Lease[Row: DueRow]:
    """One worker's hold on one row."""

    row: Row
    fence: int
    finished: bool = False

    def _mine(self) -> models.QuerySet[Row]:
        return type(self.row)._default_manager.filter(pk=self.row.pk, fence=self.fence)

    def renew(self, **columns: object) -> None:
        """Hold the row for another lease; inside a transaction this also fences every write of that transaction.

        `columns` of the row are written with it. Raises LeaseLostError when the row was claimed anew.
        """
        if not self._mine().update(leased_until=timezone.now() + lease_time(), **columns):
            raise LeaseLostError

    def finish(self, next_due_at: datetime | None, **columns: object) -> None:
        """Give the row back with success; `columns` of it are written with that."""
        given_back = {"leased_until": None, "attempts": 0, "last_error": "", "failed_at": None}
        if not self._mine().update(**given_back, due_at=self.unless_set("due_at", next_due_at), **columns):
            raise LeaseLostError
        self.finished = True

    def give_back(self, error: str, *, retry_after: timedelta | None = None) -> None:
        """Give the row back with failure: it says why, and when it is due again."""
        now = timezone.now()
        wait = retry_after or min(FIRST_RETRY * 2 ** min(self.row.attempts - 1, 10), LONGEST_RETRY)
        due_at = self.unless_set("due_at", now + wait)
        self._mine().update(leased_until=None, last_error=error, failed_at=now, due_at=due_at)
        self.finished = True

    def is_gone(self) -> bool:
        """Whether the row itself is no more."""
        return not type(self.row)._default_manager.filter(pk=self.row.pk).exists()

    def unless_set(self, column: str, planned: datetime | None) -> Case:
        """The planned date, unless somebody set one meanwhile: "look now" was not about the look that just ends."""
        before = getattr(self.row, column)
        untouched = Q((column, None)) if before is None else Q((column, before))
        return Case(When(untouched, then=Value(planned)), default=F(column))


def take[Row: DueRow](candidates: models.QuerySet[Row], pk: int, at: datetime | None = None) -> Lease[Row] | None:
    """The lease of row `pk` if it is among the due `candidates` and nobody holds it; None otherwise."""
    now = at or timezone.now()
    with transaction.atomic():
        claimed = candidates.filter(free(now), pk=pk).update(
            leased_until=now + lease_time(), fence=F("fence") + 1, attempts=F("attempts") + 1
        )
        if not claimed:
            return None
        row = candidates.model._default_manager.get(pk=pk)
    return Lease(row, row.fence)


def take_some[Row: DueRow](candidates: models.QuerySet[Row], most: int) -> list[Lease[Row]]:
    """The leases of the first of the due `candidates` that nobody holds, at most so many; three queries."""
    now = timezone.now()
    manager = candidates.model._default_manager
    with transaction.atomic():
        unheld = candidates.filter(free(now)).order_by("pk").select_for_update(skip_locked=True)
        keys = list(unheld.values_list("pk", flat=True)[:most])
        if not keys:
            return []
        claimed = manager.filter(pk__in=keys)
        claimed.update(leased_until=now + lease_time(), fence=F("fence") + 1, attempts=F("attempts") + 1)
        return [Lease(row, row.fence) for row in claimed.order_by("pk")]


@contextmanager
def claim_some[Row: DueRow](candidates: models.QuerySet[Row], most: int) -> Iterator[list[Lease[Row]]]:
    """Hold some rows while the block runs; an unforeseen error is written into those that it left unfinished."""
    some = take_some(candidates, most)
    try:
        yield some
    except Exception as error:
        for lease in some:
            if not lease.finished:
                lease.give_back(f"unforeseen: {type(error).__name__}: {error}")
        if not isinstance(error, LeaseLostError):  # then another worker does that one
            raise


def finish_some[Row: DueRow](some: Iterable[Lease[Row]]) -> list[Lease[Row]]:
    """Give those of the rows back with success that are still held, nothing left to do; which these are.

    They stay locked for the rest of the transaction, so whoever claimed one of the others writes without us.
    """
    given = {lease.row.pk: lease for lease in some}
    if not given:
        return []
    rows = type(next(iter(given.values())).row)._default_manager.filter(pk__in=given)
    fences = rows.order_by("pk").select_for_update().values_list("pk", "fence")
    mine = {pk: given[pk] for pk, fence in fences if given[pk].fence == fence}
    rows.filter(pk__in=mine).update(leased_until=None, attempts=0, last_error="", failed_at=None, due_at=None)
    for lease in mine.values():
        lease.finished = True
    return list(mine.values())


@contextmanager
def claim[Row: DueRow](candidates: models.QuerySet[Row], pk: int) -> Iterator[Lease[Row] | None]:
    """Hold row `pk` while the block runs (None: not due, or another worker has it).

    A block that neither finishes nor gives back leaves the lease to run out; an unforeseen error is written into the row.
    """
    lease = take(candidates, pk)
    try:
        yield lease
    except LeaseLostError:
        return  # the other worker does the rest
    except Exception as error:
        if lease and lease.is_gone():
            return  # the registry was disconnected meanwhile: whatever the worker stumbled over went with it
        if lease and not lease.finished:
            lease.give_back(f"unforeseen: {type(error).__name__}: {error}")
        raise
