"""Manifests that came with the question what a new tag names: one request told both."""

import threading

from registries.oci.digest import Digest
from registries.oci.source import FetchedManifest

MOST_BYTES = 16 * 1024 * 1024


class Ahead:
    """What was fetched before anybody asked for it by its digest, until then. Used by threads."""

    def __init__(self, *, is_allowed: bool) -> None:
        """`is_allowed`: nobody counts what is fetched; else a tag of something known must cost no more than its digest."""
        self._is_allowed = is_allowed
        self._lock = threading.Lock()
        self._fetched: dict[Digest, FetchedManifest] = {}
        self._bytes = 0

    @property
    def is_wanted(self) -> bool:
        """Whether there is room for more."""
        return self._is_allowed and self._bytes < MOST_BYTES

    def keep(self, fetched: FetchedManifest) -> Digest:
        with self._lock:
            if fetched.digest not in self._fetched:
                self._fetched[fetched.digest] = fetched
                self._bytes += len(fetched.content)
        return fetched.digest

    def take(self, digest: Digest) -> FetchedManifest | None:
        """What is held of that digest, which is let go."""
        with self._lock:
            fetched = self._fetched.pop(digest, None)
            if fetched:
                self._bytes -= len(fetched.content)
        return fetched
