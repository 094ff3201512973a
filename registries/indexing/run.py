"""One index run of one repository: its limits, its lease, what it found wrong, and how its writes are fenced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from registries.indexing.fetching import Fetcher
from registries.leases import Lease
from registries.models import Fault, Repository, polling_interval
from registries.oci.digest import Digest
from registries.oci.source import Source

TICK = timedelta(seconds=1)
# Judging follows the generation; while a long index only adds things, it need not follow every slice.
ANNOUNCE = timedelta(seconds=15)
LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Caps:
    """What one index reads at most; beyond it, the answer is "unknown", never "unsigned"."""

    signatures: int = 1_000  # a subject; listed first
    referrers: int = 10_000  # others, a subject
    listed: int = 20_000  # entries of one referrers list that are looked at
    depth: int = 8
    nodes: int = 10_000  # a root
    slice: int = 50  # subjects a transaction
    document: int = 1024 * 1024  # bytes of an SBOM, a scan result … that is kept
    faults: int = 1_000
    workers: int = 4


class Run:
    """The state of one index run."""

    def __init__(
        self, repository: Repository, source: Source, lease: Lease[Repository], caps: Caps, now: Callable[[], datetime]
    ) -> None:
        self.repository = repository
        self.name = repository.name
        self.source = source
        self.lease = lease
        self.caps = caps
        self.now = now
        self.fetcher = Fetcher(caps.workers, repository.registry_id, self.tick)
        self.began = self._begin_of_cycle()
        self.cut = False  # a limit kept part of the repository unread
        self.done = self.total = 0
        self._faults: dict[tuple[str, str], Fault] = {}
        self._fault_count = 0
        self._changed = False
        self._urgent = False
        self._ticked_at = self._announced_at = now()

    @property
    def resumes(self) -> bool:
        """Whether this run goes on with one that did not run through."""
        return self.began == self.repository.cycle_began_at

    def _begin_of_cycle(self) -> datetime:
        begun, now = self.repository.cycle_began_at, self.now()
        return begun if begun and now - begun < polling_interval() else now

    # what was found

    def fault(self, thing: Digest | str, code: str, message: str, *, subject: Digest | None = None) -> None:
        """Remember that something could not be had or believed; written with the next slice."""
        if self._fault_count >= self.caps.faults:
            return
        self._fault_count += 1
        if self._fault_count == self.caps.faults:
            thing, code, subject = self.name, "too_many_faults", None
            message = f"More than {self.caps.faults:,} things are wrong; the rest is not listed."
        key = str(thing)[:255], code[:40]
        self._faults[key] = Fault(
            repository=self.repository,
            digest=key[0],
            code=key[1],
            subject=subject,
            message=_storable(message),
            seen_at=self.now(),
        )

    def changed(self, *, urgent: bool = False) -> None:
        """What is known of the repository changed; urgently if something that was known before holds no longer."""
        self._changed = True
        self._urgent = self._urgent or urgent

    # writing

    @contextmanager
    def commit(self) -> Iterator[None]:
        """A transaction that only the holder of the lease can make; faults and progress are written with it."""
        with transaction.atomic():
            self.lease.renew()
            yield
            self._write_faults()
            fields = {"progress_done": self.done, "progress_total": self.total}
            generation = {"generation": F("generation") + 1} if self._is_time_to_announce() else {}
            Repository.objects.filter(pk=self.repository.pk).update(**fields, **generation)

    def _is_time_to_announce(self) -> bool:
        now = self.now()
        if not self._urgent and not (self._changed and now - self._announced_at >= ANNOUNCE):
            return False
        self._changed = self._urgent = False
        self._announced_at = now
        return True

    def _write_faults(self) -> None:
        Fault.objects.bulk_create(
            self._faults.values(),
            update_conflicts=True,
            unique_fields=["repository", "digest", "code"],
            update_fields=["subject", "message", "seen_at"],
        )
        self._faults.clear()

    def tick(self) -> None:
        """Keep the lease and show progress while the network is slow; at most once a second."""
        now = self.now()
        if abs(now - self._ticked_at) >= TICK:
            self._ticked_at = now
            with self.commit():
                pass

    def begin(self) -> None:
        with self.commit():
            Repository.objects.filter(pk=self.repository.pk).update(cycle_began_at=self.began)

    def interrupted(self, error: str, retry_after: timedelta | None) -> None:
        """Give the work back; what was committed stays, what was known before stays."""
        self._urgent = self._urgent or self._changed
        with self.commit():
            self.lease.give_back(_storable(error), retry_after=retry_after)

    def finished(self, *, tags_complete: bool, referrers_api: bool | None) -> None:
        """Inside the last commit: the index ran through, and every listing's age was renewed."""
        now = self.now()
        Fault.objects.filter(repository=self.repository, seen_at__lt=self.began).delete()
        self.done = self.total
        self.changed(urgent=True)
        Repository.objects.filter(pk=self.repository.pk).update(
            indexed_at=now,
            cycle_began_at=None,
            tags_complete=tags_complete,
            referrers_api=referrers_api,
            referrers_api_seen_at=self.repository.referrers_api_seen_at if referrers_api is None else now,
            requests=dict(getattr(self.source, "requests", {})),
        )
        self.lease.finish(now + polling_interval())


def _storable(text: str) -> str:
    """A message as every database can hold it."""
    return text[:LONGEST_MESSAGE].replace("\0", "").encode(errors="replace").decode()
