"""The audit record: what people and the commands of Signboard did, each entry hashed over the one before it: a later edit shows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from dashboard.models import AuditEntry

SIZE = 50  # entries a page
CHAIN_LOCK = 0x5169_6E62  # PostgreSQL's advisory lock: entries are appended one after another


def record(
    user: User | AnonymousUser | None, action: str, subject: str, at: datetime | None = None, **details: object
) -> AuditEntry:
    """Add an entry in the caller's transaction: the act and its entry are kept together or not at all.

    Without a user it was a command of Signboard itself, which `details` name.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an act is recorded in the transaction of the act")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    person = user if isinstance(user, User) else None
    entry = AuditEntry(
        at=at or timezone.now(),
        actor=person,
        actor_name=person.get_username() if person else "",
        action=action,
        subject=subject[:255],
        details=json.loads(json.dumps(details, default=str)),
        previous_hash=AuditEntry.objects.order_by("-pk").values_list("hash", flat=True).first() or "",
    )
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    return entry


def hash_of(entry: AuditEntry) -> str:
    """What the entry's hash must be: SHA-256 over all that it says and the hash before it."""
    said = {
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor_name,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "previous": entry.previous_hash,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_broken(entries: Sequence[AuditEntry]) -> AuditEntry | None:
    """Of neighbouring entries, newest first: the newest that was edited, or whose predecessor is not the one it names."""
    for newer, older in zip_longest(entries, entries[1:]):
        if newer.hash != hash_of(newer) or (older is not None and newer.previous_hash != older.hash):
            return newer
    return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first; the entry that others are older than, if there are any; and the one that was edited."""

    entries: list[AuditEntry]
    older: int | None
    broken: AuditEntry | None


def page_before(number: int | None) -> Page:
    """The entries before one, or the newest ones."""
    entries = AuditEntry.objects.order_by("-pk")
    if number is not None:
        entries = entries.filter(pk__lt=number)
    found = list(entries[: SIZE + 1])  # one more: it tells whether older ones exist, and ends the chain of this page
    shown = found[:SIZE]
    return Page(shown, shown[-1].pk if len(found) > SIZE else None, first_broken(found))


def entry_number(text: str) -> int | None:
    """The number of an entry that somebody may have typed; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
