"""Django's SQLite, where the threads of a process stand in line to write.

SQLite lets one transaction write at a time. Whoever finds another one writing sleeps and tries again, so that some of many threads
come too late again and again, until they give up ("database is locked"). Here they sleep and try only while another process writes.
"""

from collections import defaultdict

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from dashboard.sqlite.line import Line

PATIENCE = 60.0  # seconds
_lines: defaultdict[str, Line] = defaultdict(Line)  # by the name of the database


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions begin when it is its turn, and end its turn."""

    _line: Line | None = None

    def _start_transaction_under_autocommit(self) -> None:
        line = _lines[str(self.settings_dict["NAME"])]
        if not line.enter(PATIENCE):
            raise OperationalError(f"database is locked: other threads wrote for {PATIENCE:g} seconds")
        self._line = line
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _set_autocommit(self, autocommit: bool) -> None:
        try:
            super()._set_autocommit(autocommit)  # type: ignore[misc]
        finally:
            if autocommit:
                self._leave()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        line, self._line = self._line, None
        if line:
            line.leave()
