"""A line in which threads stand for something that only one of them may have: first come, first served."""

import threading
from collections import deque


class Line:
    """Whoever entered has it until he leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()  # a lock each, which whoever leaves opens
        self._is_taken = False

    def enter(self, seconds: float) -> bool:
        """Wait for one's turn, at most so long; whether it came."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._lock:
            came_too_late = turn in self._waiting
            if came_too_late:
                self._waiting.remove(turn)
        return not came_too_late

    def leave(self) -> None:
        """Hand it on to whoever waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
