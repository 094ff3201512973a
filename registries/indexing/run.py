"""One index run of one repository: its limits, its lease, what it found wrong, and how its writes are fenced."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q
from django.utils import timezone

from registries import connections, polling
from registries.budgets import Budget
from registries.indexing.ahead import Ahead
from registries.indexing.fetching import Fetcher, InterruptedIndexError
from registries.leases import Lease
from registries.models import Fault, Hint, Listing, Presence, Repository
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import OciError, RegistryError, as_sentence
from registries.oci.layout import Layout
from registries.oci.source import Source
from registries.polling import Tier

TICK = timedelta(seconds=1)
# Judging follows the generation; while a long index only adds things, it need not follow every slice.
ANNOUNCE = timedelta(seconds=15)
LONGEST_MESSAGE = 2000
LONGEST_CYCLE = timedelta(days=1)
PASSING = frozenset(
    {"server_error", "timeout", "unreachable", "tls", "rate_limited", "unauthorized", "forbidden_address"}
)
"Errors after which it is worth asking again soon."


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
    workers: int = 8
    delay: float = 2.0  # seconds between requests to a registry that fails, at most


class Run:
    """The state of one index run."""

    def __init__(
        self,
        repository: Repository,
        source: Source,
        lease: Lease[Repository],
        caps: Caps,
        now: Callable[[], datetime],
        only: Sequence[Digest] = (),
    ) -> None:
        self.repository = repository
        self.name = repository.name
        self.source = source
        self.lease = lease
        self.caps = caps
        self.now = now
        self.budget = Budget(connections.host_of(repository.registry), now, self._at_work, longest_delay=caps.delay)
        self.fetcher = Fetcher(caps.workers, self.budget, self.tick)
        self.at = now()
        self.began = self._begin_of_cycle()
        self.only = tuple(only)
        self.hints = [] if only else list(Hint.objects.filter(repository=repository))
        self.whole = not only and self._is_whole()
        "Everything is walked, from the tags on; else only what is due or hinted at is looked at."
        self.look_again = False  # what was seen asks for a whole index soon
        self.forced: set[Digest] = set()  # lists to be read now, due or not
        self.asked: set[Digest] = set()  # lists that were read
        self.reused: set[Digest] = set()  # lists that were not, as they are not due
        self.blocked: dict[Digest, OciError] = {}  # manifests that a policy of the registry keeps from everybody
        self.ahead = Ahead(source, self.name, repository.registry.capabilities)
        self.shaky: set[Digest] = set()  # lists to be read again soon, as something of them failed
        self.anything_changed = False
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
        begun = self.repository.cycle_began_at
        return begun if begun and self.at - begun < LONGEST_CYCLE else self.at

    def _is_whole(self) -> bool:
        row = self.repository
        never = row.indexed_at is None or row.tags_due_at is None
        return never or self.resumes or row.tags_due_at <= self.at or isinstance(self.source, Layout)  # type: ignore[operator]

    def _at_work(self) -> int:
        """How many repositories of the same host are indexed now, this one included."""
        if not self.budget.host:
            return 1
        address = self.repository.registry.address
        return Repository.objects.filter(registry__address=address, leased_until__gt=timezone.now()).count()

    def is_due(self, subject: Digest, row: Listing | None) -> bool:
        """Whether the list of this subject is to be read in this run."""
        if row is None or subject in self.forced:
            return True
        if self.resumes and row.complete and row.checked_at >= self.began:
            return False  # the run that this one resumes has just read it
        return row.due_at <= self.at or (self.resumes and row.error_code in PASSING)

    def was_asked_about(self, since: datetime | None) -> bool:
        """Whether somebody asked for everything after that."""
        asked = self.repository.asked_at
        return asked is not None and (since is None or asked >= since)

    # what was found

    def fault(
        self, thing: Digest | str, code: str, message: str, *, subject: Digest | None = None, decides: bool = False
    ) -> None:
        """Remember that something could not be had or believed; written with the next slice.

        `decides`: nothing else tells of it, and a word depends on it, so it is kept however many there are.
        """
        if subject is not None and code in PASSING:
            self.shaky.add(subject)
        if self._fault_count >= self.caps.faults and not decides:
            return
        self._fault_count += not decides
        if self._fault_count == self.caps.faults and not decides:
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
        self._changed = self.anything_changed = True
        self._urgent = self._urgent or urgent

    # writing

    @contextmanager
    def commit(self, **columns: object) -> Iterator[None]:
        """A transaction that only the holder of the lease can make; faults, progress and `columns` of the repository with it."""
        with transaction.atomic():
            self.lease.renew(**self._progress(), **columns)
            yield
            self._write_faults()
            if news := self._news():
                Repository.objects.filter(pk=self.repository.pk).update(**news)

    def _progress(self) -> dict[str, object]:
        return {"progress_done": self.done, "progress_total": self.total}

    def _news(self) -> dict[str, object]:
        """The generation after this one, if it is time to announce what changed."""
        now = self.now()
        if not self._urgent and not (self._changed and now - self._announced_at >= ANNOUNCE):
            return {}
        self._changed = self._urgent = False
        self._announced_at = now
        return {"generation": F("generation") + 1}

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
        self._leave_the_rest()
        now = self.now()
        if abs(now - self._ticked_at) >= TICK:
            self._ticked_at = now
            with self.commit():
                pass
            self._mind_the_budget()

    def begin(self) -> None:
        with self.commit(**({"cycle_began_at": self.began} if self.whole else {})):
            if asked_at := self.repository.asked_at:
                Listing.objects.filter(repository=self.repository).update(due_at=asked_at)
                Repository.objects.filter(pk=self.repository.pk, asked_at=asked_at).update(asked_at=None)
        self._mind_the_budget()

    def _mind_the_budget(self) -> None:
        until = self.budget.refresh(awaited=bool(self.only)) if self.budget.host else None
        if until:
            self._pause(until, "asked for patience")

    def _leave_the_rest(self) -> None:
        """Where little is left of a limit on requests, that is for people who wait for an answer."""
        seconds = self.source.nearly_spent if isinstance(self.source, Client) and not self.only else 0.0
        if seconds:
            self._pause(
                self.budget.spare(seconds), "lets us ask little more for now, which is kept for people who wait"
            )

    def _pause(self, until: datetime, why: str) -> None:
        text = f"{self.budget.host} {why}; it will be asked again at {until:%H:%M:%S} UTC"
        wait = (until - self.now()).total_seconds()
        raise InterruptedIndexError(RegistryError(text, code="rate_limited", retry_after=wait))

    def interrupted(self, error: str, retry_after: timedelta | None) -> None:
        """Give the work back; what was committed stays, what was known before stays."""
        self._urgent = self._urgent or self._changed
        with self.commit():
            self.lease.give_back(_storable(error), retry_after=retry_after)

    def finished(self, *, tags_complete: bool, api_is_gone: bool) -> None:
        """Inside the last commit: the run came through; what it read, and when the next look is due."""
        now, row = self.now(), self.repository
        if self.budget.host:
            self.budget.settle()
        self._forget_faults()
        self.done = self.total
        if self.asked or self.whole or self.anything_changed:
            self.changed(urgent=True)
        requests = dict(getattr(self.source, "requests", {}))
        columns: dict[str, object] = {"requests_total": _sum(row.requests_total, requests)}
        if self.whole:
            columns |= {"indexed_at": now, "cycle_began_at": None, "tags_complete": tags_complete, "requests": requests}
        if api_is_gone:
            columns["referrers_api"] = None  # the next run asks anew
        for hint in self.hints:
            Hint.objects.filter(pk=hint.pk, at=hint.at).delete()
        tags_due_at = self._tags_due_at(now)
        columns["tags_due_at"] = self.lease.unless_set("tags_due_at", tags_due_at)
        next_due_at = min(tags_due_at, self._first_listing_due() or tags_due_at)
        self.lease.finish(next_due_at, **columns, **self._progress(), **self._news())

    def _tags_due_at(self, now: datetime) -> datetime:
        """When the tags are to be read again."""
        if self.look_again:
            return now
        before, interest_at = self.repository.tags_due_at, self.repository.interest_at
        if not self.whole:
            return before or now
        return now + polling.tags_interval(polling.tier_of(interest_at, now) if interest_at else Tier.RECENT)

    def _first_listing_due(self) -> datetime | None:
        here = Presence.objects.filter(repository=self.repository, manifest=OuterRef("subject")).current()
        listings = Listing.objects.filter(Exists(here), repository=self.repository)
        first: datetime | None = listings.aggregate(first=Min("due_at"))["first"]
        return first

    def _forget_faults(self) -> None:
        """What was found wrong before and not again is mended, as far as it was looked at."""
        seen = Q(seen_at__lt=self.began if self.whole else self.at)
        old = Fault.objects.filter(seen, repository=self.repository).values_list("pk", "digest", "subject")
        asked, reused = ({str(digest) for digest in digests} for digests in (self.asked, self.reused))
        # What a list told of is looked at with that list; anything else by itself.
        told_by = {pk: str(subject or thing) for pk, thing, subject in old}
        mended = [pk for pk, by in told_by.items() if (by not in reused if self.whole else by in asked)]
        Fault.objects.filter(pk__in=mended).delete()


def _sum(before: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {kind: before.get(kind, 0) + more.get(kind, 0) for kind in {**before, **more}}


def _storable(text: str) -> str:
    """A message as every database can hold it, and as a page shows it: a sentence."""
    return as_sentence(text)[:LONGEST_MESSAGE].replace("\0", "").encode(errors="replace").decode()
