"""Referrers tags that we write: one writer of ours at a time, and another look after a while, as others write them too.

A client that read a tag before us may write its own list over ours at any time, so what we added is looked after twice.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from registries import leases
from registries.fields import DigestField
from registries.leases import DueRow, Lease, LeaseLostError
from registries.oci import referrers_tag
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import OciError, RegistryError, as_sentence
from registries.oci.pusher import Pusher
from registries.oci.referrers_tag import Entry, Updated

LOOKS = (timedelta(seconds=30), timedelta(minutes=10))  # after writing: naive clients hold an old list for no longer
GIVE_UP = timedelta(days=1)
PATIENCE = 60.0  # seconds to wait for another writer of ours
PAUSE = (0.02, 0.2)  # seconds between writing and reading again


class ReferrersTag(DueRow):
    """The referrers tag of one subject: its lease is our lock, and it is due when our entries are to be looked after."""

    registry = models.ForeignKey("registries.Registry", models.CASCADE, related_name="referrers_tags")
    repository = models.CharField(max_length=255)  # its name; it need not be known here yet
    subject = DigestField()
    entries = models.JSONField(default=dict)  # digest → {"entry": ours, "at": when written, "looks": how often looked}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registry", "repository", "subject"], name="one_referrers_tag_a_subject")
        ]


def a_little() -> float:
    """Seconds, at random, so that several writers do not keep step."""
    return random.uniform(*PAUSE)  # noqa: S311 - no secret


def add(
    registry_id: int,
    repository: str,
    subject: Digest,
    entries: Sequence[Entry],
    through: tuple[Client, Pusher],
    at: datetime,
    sleep: Callable[[float], None] = time.sleep,
) -> Updated:
    """Leave the entries in the subject's referrers tag; they are remembered first, so that no crash forgets them."""
    row, _ = ReferrersTag.objects.get_or_create(registry_id=registry_id, repository=repository, subject=subject)
    lease = _hold(row, sleep)
    ours = lease.row.entries | {
        str(entry["digest"]): {"entry": dict(entry), "at": at.isoformat(), "looks": 0} for entry in entries
    }
    return _write(lease, ours, entries, through, at, sleep)


def look_after(
    lease: Lease[ReferrersTag],
    through: tuple[Client, Pusher],
    at: datetime,
    sleep: Callable[[float], None] = time.sleep,
) -> Updated:
    """Have all that we added not long ago stand in the tag still; what was deleted meanwhile is forgotten."""
    row, pusher = lease.row, through[1]
    ours = {
        name: known
        for name, known in row.entries.items()
        if at - _when(known) < GIVE_UP and pusher.has_manifest(row.repository, Digest.parse(name))
    }
    if not ours:
        _remember(lease, ours)
        lease.finish(None)
        return Updated(0)
    return _write(lease, ours, [known["entry"] for known in ours.values()], through, at, sleep, looked=True)


def _write(
    lease: Lease[ReferrersTag],
    ours: dict[str, Any],
    entries: Sequence[Entry],
    through: tuple[Client, Pusher],
    at: datetime,
    sleep: Callable[[float], None],
    *,
    looked: bool = False,
) -> Updated:
    row = lease.row

    def pause() -> None:
        lease.renew()
        sleep(a_little())

    try:
        _remember(lease, ours)
        updated = referrers_tag.add(*through, row.repository, row.subject, entries, pause=pause)
    except LeaseLostError as error:
        raise RegistryError(
            f"the referrers tag of {row.subject} took too long to write, and another worker went on with it",
            code="busy",
        ) from error
    except OciError as error:
        lease.give_back(as_sentence(str(error)))
        raise
    if looked:
        again = bool(updated.writes)  # somebody had written over them: begin anew
        ours = {name: _looked_at(known, at, again=again) for name, known in ours.items()}
        ours = {name: known for name, known in ours.items() if known["looks"] < len(LOOKS)}
        _remember(lease, ours)
    lease.finish(_due(ours))
    return updated


def _hold(row: ReferrersTag, sleep: Callable[[float], None]) -> Lease[ReferrersTag]:
    """The lease, once no other worker of ours holds it."""
    waited = 0.0
    while waited < PATIENCE:
        if lease := leases.take(ReferrersTag.objects.all(), row.pk):
            return lease
        sleep(pause := a_little())
        waited += pause
    raise RegistryError(f"others keep writing the referrers tag of {row.subject}; try again later", code="busy")


def _remember(lease: Lease[ReferrersTag], ours: dict[str, Any]) -> None:
    with transaction.atomic():
        lease.renew()
        lease.row.entries, lease.row.due_at = ours, _due(ours)
        ReferrersTag.objects.filter(pk=lease.row.pk).update(entries=ours, due_at=lease.row.due_at)


def _looked_at(known: Mapping[str, Any], at: datetime, *, again: bool) -> dict[str, Any]:
    if again:
        return {**known, "at": at.isoformat(), "looks": 0}
    return {**known, "looks": known["looks"] + 1}


def _due(ours: Mapping[str, Any]) -> datetime | None:
    return min((_when(known) + LOOKS[known["looks"]] for known in ours.values()), default=None)


def _when(known: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(known["at"])
