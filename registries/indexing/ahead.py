"""Manifests that came with the answer what a new tag names: one request told both."""

import threading
from collections.abc import Collection

from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import OciError, RegistryError
from registries.oci.source import FetchedManifest, Source

MOST_BYTES = 16 * 1024 * 1024
MOST_FAILURES = 5
LIMITED = "rate_limit"  # the trait of registries such as Docker Hub: they count what is fetched, and not what is asked


class Ahead:
    """What was fetched by its tag before anybody asked for it by its digest, until then. Used by threads."""

    def __init__(self, source: Source, repository: str, known: Collection[str]) -> None:
        """`known`: the traits that the registry was seen to have."""
        self._source, self._repository, self._is_limited = source, repository, LIMITED in known
        self._lock = threading.Lock()
        self._fetched: dict[Digest, FetchedManifest] = {}
        self._bytes = self._failures = 0

    def resolve(self, tag: str) -> Digest | None:
        """What a tag that nothing is known of names. None: it has to be asked for the digest alone, which also says what is wrong."""
        if not self._is_wanted():
            return None
        try:
            fetched = self._source.manifest(self._repository, tag)
        except OciError as error:
            if _is_final(error):
                raise
            with self._lock:
                self._failures += 1
            return None
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

    def held(self) -> list[Digest]:
        with self._lock:
            return list(self._fetched)

    def _is_wanted(self) -> bool:
        """Whether there is room, it works, and many tags of one manifest cost no more than one."""
        if not isinstance(self._source, Client) or self._is_limited or LIMITED in self._source.observed:
            return False
        return self._bytes < MOST_BYTES and self._failures < MOST_FAILURES


def _is_final(error: OciError) -> bool:
    """Whether the registry is to be asked nothing more now: it asks for patience, or wants no such visitor."""
    return error.code in ("rate_limited", "unauthorized") or (
        isinstance(error, RegistryError) and error.retry_after is not None
    )
