"""Which manifests a repository holds, from when until when, and which of them are artifacts."""

from collections.abc import Iterable
from itertools import batched

from django.db.models import Exists, F, OuterRef, Q

from registries import events
from registries.events import Event, EventKind
from registries.indexing.run import Run
from registries.models import Child, Presence, PresenceQuerySet, Served, Tag
from registries.oci.digest import Digest

QUERY = 500


class Presences:
    """What of a repository is present, as the run finds it."""

    def __init__(self, run: Run, roots: Iterable[Digest]) -> None:
        self._run = run
        self._roots = frozenset(roots)
        self._known = set(_current(run).values_list("manifest_id", flat=True))
        self._reached: set[Digest] = set()

    def begin(self, digests: Iterable[Digest]) -> None:
        """These were reached; the row of each manifest exists."""
        reached = set(digests)
        self._reached |= reached
        new = reached - self._known
        if not new:
            return
        self._known |= new
        self._run.changed()
        at = self._run.now()
        rows = [
            Presence(repository=self._run.repository, manifest_id=digest, since=at, is_artifact=digest in self._roots)
            for digest in new
        ]
        Presence.objects.bulk_create(rows, ignore_conflicts=True)

    def has(self, digest: Digest) -> bool:
        return digest in self._known

    def end_unreached(self) -> None:
        """End the presence of everything that nothing leads to any more; only a run that saw everything may say so."""
        at = self._run.now()
        for batch in batched(self._known - self._reached, QUERY):
            ending = _current(self._run).filter(manifest__in=batch)
            artifacts = ending.filter(is_artifact=True).values_list("manifest_id", flat=True)
            events.write(
                Event(repository=self._run.repository, kind=EventKind.ARTIFACT_GONE, digest=digest, at=at)
                for digest in artifacts
            )
            ending.update(until=at)
            self._run.changed(urgent=True)


def _current(run: Run) -> PresenceQuerySet:
    return Presence.objects.filter(repository=run.repository).current()


def settle_artifacts(run: Run) -> None:
    """An artifact is a manifest with a tag, or with neither parent nor subject."""
    here = Presence.objects.filter(repository=run.repository).current()
    tagged = Tag.objects.filter(repository=run.repository, gone_at=None, digest=OuterRef("manifest_id"))
    parents = Child.objects.filter(
        Served.objects.here(run.repository, "parent"),
        child=OuterRef("manifest_id"),
        parent__presences__repository=run.repository,
        parent__presences__until=None,
    )
    is_one = Q(Exists(tagged)) | Q(Q(manifest__subject=None), ~Exists(parents))
    wrong = here.annotate(should_be=is_one).exclude(is_artifact=F("should_be"))
    for batch in batched(wrong.values_list("pk", flat=True), QUERY):
        Presence.objects.filter(pk__in=batch).update(is_artifact=~F("is_artifact"))
        run.changed(urgent=True)
