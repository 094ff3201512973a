"""Indexing: a repository of a registry, as far as it could be read, becomes rows.

tags → what they name → children of indexes → referrers, and referrers of these → envelopes and small documents.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils import timezone

from registries import connections
from registries.indexing import looks, manifests
from registries.indexing import tags as tag_lists
from registries.indexing.fetching import InterruptedIndexError
from registries.indexing.presence import settle_artifacts
from registries.indexing.run import Caps, Run
from registries.indexing.tags import Tags
from registries.indexing.walk import Walk
from registries.leases import Lease
from registries.models import Repository
from registries.oci.digest import Digest
from registries.oci.source import Source

__all__ = ["Caps", "index_repository"]


def index_repository(
    repository: Repository,
    source: Source,
    lease: Lease[Repository],
    *,
    only: Sequence[Digest] = (),
    caps: Caps | None = None,
    now: Callable[[], datetime] = timezone.now,
) -> None:
    """Bring the rows of a repository up to what its registry says; the lease is finished or given back.

    A whole index reads the tags and walks from there, asking for those lists of referrers that are due; between two of these
    only due lists are read, and what somebody hinted at. `only`: the lists of these subjects, due or not, and nothing else.

    What cannot be had or believed becomes a Fault, and the rest goes on. Where the registry cannot be asked at all, what was
    known stays and the lease says when to try again. Raises LeaseLostError if another worker took over.
    """
    run = Run(repository, source, lease, caps or Caps(), now, only)
    with run.fetcher:
        try:
            run.begin()
            tags = _read_all(run) if run.whole else looks.read(run)
            walk = Walk(run, tags)
            walk.through()
        except InterruptedIndexError as stop:
            manifests.keep_ahead(run)
            run.interrupted(str(stop), connections.wait_of(stop.error))
            return
    with run.commit():
        if run.whole and tags.complete and not run.cut:
            walk.presences.end_unreached()
        if run.whole or run.anything_changed:
            settle_artifacts(run)
        run.finished(tags_complete=tags.complete, api_is_gone=walk.api_is_gone)


def _read_all(run: Run) -> Tags:
    """All tags, which answers every hint at one of them; hints at lists are heeded as in a look."""
    looks.heed_hints(run)
    return tag_lists.read(run)
