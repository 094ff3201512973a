"""Nudges: one message for each row that is due, and no other while that one may still wait in the queue."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

AGAIN_AFTER = 300.0  # seconds; a message may be lost

type Due = tuple[int, datetime | None, int]
"Key, due date and fence of a row: another date or fence is other work."


class Nudges:
    """What this process sent. Another one may send the same: a message that comes twice finds nothing to do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: dict[Due, float] = {}

    def fresh(self, due: Iterable[Due]) -> list[int]:
        """Of all rows that are due now, those to send a message for. Whoever calls sends it."""
        now, rows = self._clock(), list(due)
        with self._lock:
            waiting = {row: self._sent[row] for row in rows if now - self._sent.get(row, -AGAIN_AFTER) < AGAIN_AFTER}
            new = [row for row in rows if row not in waiting]
            self._sent = waiting | dict.fromkeys(new, now)
        return [pk for pk, _, _ in new]
