"""One budget for each registry host, whatever connections, repositories and workers ask it: how much at once, and when at all.

It grows by one while all goes well and is halved when a registry pushes back (429, 5xx); `Retry-After` keeps everybody away.
Where little is left of a limit that a registry tells, the rest is for whoever waits for an answer.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from registries.oci.errors import OciError, RegistryError

FIRST, MOST = 4, 16  # requests at once
GOOD_ANSWERS = 100  # in a row, for one request more at once
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
ONE_COMPLAINT = timedelta(seconds=1)  # requests that were under way together are refused together: that counts once


class HostBudget(models.Model):
    """What one host is asked at most, by all workers together."""

    host = models.CharField(max_length=255, unique=True)
    at_once = models.PositiveSmallIntegerField(default=FIRST)
    paused_until = models.DateTimeField(null=True)
    spared_until = models.DateTimeField(null=True)  # only what a person waits for is asked
    refused_at = models.DateTimeField(null=True)
    refusals = models.PositiveIntegerField(default=0)  # since it last grew


class Budget:
    """One run's part in the budget of its host. All but `wait` is for the one thread that has the database."""

    def __init__(
        self,
        host: str,
        now: Callable[[], datetime],
        sharing: Callable[[], int],
        *,
        sleep: Callable[[float], None] = time.sleep,
        longest_delay: float = 2.0,
    ) -> None:
        self.host = host
        self.at_once = FIRST  # requests of this run
        self._now, self._sharing = now, sharing
        self._sleep, self._longest_delay = sleep, longest_delay
        self._good = 0
        self._delay = 0.0

    def refresh(self, *, awaited: bool = False) -> datetime | None:
        """Take over what all workers found out; answers until when nobody may ask. `awaited`: somebody waits for this."""
        row, _ = HostBudget.objects.get_or_create(host=self.host)
        self.settle()
        self.at_once = max(1, row.at_once // max(1, self._sharing()))
        times = (row.paused_until, None if awaited else row.spared_until)
        return max((time for time in times if time and time > self._now()), default=None)

    def settle(self) -> None:
        """Have many good answers count; also at the end of a run, or a fleet of small repositories would never get more."""
        if self._good >= GOOD_ANSWERS:
            self._good = 0
            HostBudget.objects.filter(host=self.host, at_once__lt=MOST).update(at_once=F("at_once") + 1, refusals=0)

    def spare(self, seconds: float) -> datetime:
        """Leave what remains of a limit to whoever waits for an answer; answers until when."""
        until = self._now() + min(timedelta(seconds=max(seconds, 1.0)), LONGEST_PAUSE)
        HostBudget.objects.update_or_create(host=self.host, defaults={"spared_until": until})
        return until

    def wait(self) -> None:
        """In a thread, before a request: slower after each failure of the registry, until an answer is good."""
        if self._delay:
            self._sleep(self._delay)

    def answered(self, error: OciError | None) -> None:
        """Take note of an answer."""
        if not isinstance(error, RegistryError) or error.code not in ("rate_limited", "server_error"):
            self._good += 1
            self._delay = 0.0
            return
        self._good = 0
        self._delay = min(max(0.1, 2 * self._delay), self._longest_delay)
        pause = error.code == "rate_limited" or error.retry_after is not None
        pushed_back(self.host, self._now(), error.retry_after, pause=pause)


def pushed_back(host: str, at: datetime, retry_after: float | None, *, pause: bool) -> None:
    """A registry asks for less: half as much at once and, where it says so or limits requests, nothing for a while."""
    row, _ = HostBudget.objects.get_or_create(host=host)
    first = Q(refused_at=None) | Q(refused_at__lte=at - ONE_COMPLAINT)
    HostBudget.objects.filter(first, pk=row.pk).update(
        at_once=Greatest(1, F("at_once") / 2), refused_at=at, refusals=F("refusals") + 1
    )
    if pause:
        asked = None if retry_after is None else timedelta(seconds=max(retry_after, 1.0))
        wait = asked or FIRST_PAUSE * 2 ** min(row.refusals, 10)
        until = at + min(wait, LONGEST_PAUSE)
        HostBudget.objects.filter(Q(paused_until=None) | Q(paused_until__lt=until), pk=row.pk).update(
            paused_until=until
        )


def paused_hosts(at: datetime) -> set[str]:
    """The hosts that no worker may ask by itself now."""
    paused = Q(paused_until__gt=at) | Q(spared_until__gt=at)
    return set(HostBudget.objects.filter(paused).values_list("host", flat=True))
