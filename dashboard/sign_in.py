"""Guessing passwords is slow: a name with too many failures waits, whether anybody has that name or not."""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from dashboard.models import FailedSignIns

TRIES = 5
PAUSE = timedelta(minutes=5)  # after the last try; counted failures are forgotten as late


def paused_until(name: str, at: datetime) -> datetime | None:
    """When this name may try again; None: now."""
    row = FailedSignIns.objects.filter(name_hash=_hash(name), failures__gte=TRIES, forgotten_at__gt=at).first()
    return row.forgotten_at if row else None


def failed(name: str, at: datetime) -> int:
    """Count a failure; how many tries are left before the pause."""
    with transaction.atomic():
        FailedSignIns.objects.filter(forgotten_at__lte=at).delete()
        row, _ = FailedSignIns.objects.get_or_create(name_hash=_hash(name), defaults={"forgotten_at": at + PAUSE})
        FailedSignIns.objects.filter(pk=row.pk).update(failures=F("failures") + 1, forgotten_at=at + PAUSE)
        row.refresh_from_db()
    return max(0, TRIES - row.failures)


def succeeded(name: str) -> None:
    """Forget the failures of this name."""
    FailedSignIns.objects.filter(name_hash=_hash(name)).delete()


def _hash(name: str) -> str:
    return hashlib.sha256(name.casefold().encode()).hexdigest()
