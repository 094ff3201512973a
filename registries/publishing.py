"""Publishing manifests to a repository: blobs, exact bytes, and a place in the list of what refers to the subject.

Whatever is called twice does the same twice: what is there stays, and the same bytes have the same digest.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from registries import connections, hints, referrers_tags
from registries.models import Presence, Registry, Repository
from registries.oci.client import Client
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.oci.manifest import Manifest
from registries.oci.pusher import Pusher, Way
from registries.transport import Wire

LISTED = 20_000  # entries of a referrers list that are looked at
PATIENCE = (0.1, 0.5, 2.0, 5.0)  # seconds until a registry lists what it has just taken; some do so a little later


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest to publish: its very bytes, and where the blobs that it names are to be had."""

    manifest: Manifest
    content: bytes
    blob: Callable[[Descriptor], Outgoing]


@dataclass(slots=True)
class Destination:
    """A repository that is written to, and is read as indexing reads it."""

    registry: Registry
    repository: str
    reader: Client
    pusher: Pusher
    now: Callable[[], datetime] = timezone.now
    sleep: Callable[[float], None] = time.sleep
    known: set[Digest] = field(default_factory=set)
    "Manifests that are there, as far as somebody asked."

    def has(self, digest: Digest) -> bool:
        if digest not in self.known and self.pusher.has_manifest(self.repository, digest):
            self.known.add(digest)
        return digest in self.known

    def tagged(self, tag: str) -> Digest | None:
        """What the tag names. Whether it is there is asked as who pushes: who may only read may not ask for what is not."""
        return self.reader.resolve(self.repository, tag) if self.pusher.has_tag(self.repository, tag) else None


@dataclass(frozen=True, slots=True)
class Put:
    """What it took until the repository had a manifest with all that it names."""

    digest: Digest
    was_there: bool
    blobs: tuple[tuple[Digest, Way], ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """How the referrers of a subject came to be listed."""

    subject: Digest
    by_tag: bool
    restored: tuple[Digest, ...] = ()
    "Referrers of others that the referrers tag had lost meanwhile, and that were put back."


@contextmanager
def open_destination(registry: Registry, repository: str, *, wire: Wire | None = None) -> Iterator[Destination]:
    """A repository to publish to; raises CredentialsError or OciError if it cannot even be asked."""
    with connections.open_pusher(registry, wire=wire) as pusher, connections.open_source(registry, wire=wire) as reader:
        assert isinstance(reader, Client)  # open_pusher refused anything else
        yield Destination(registry, repository, reader, pusher)


def _no_one(done: Put | Listed) -> None:
    """Hears of each step, and tells nobody."""


def publish(
    destination: Destination, artifacts: Iterable[Artifact], tell: Callable[[Put | Listed], None] = _no_one
) -> list[Listed]:
    """The repository has the artifacts, in this order, and lists each that refers to something as its referrer.

    A subject must be there, or stand before what refers to it: a signature of nothing helps nobody. `tell` hears of each
    step when it is done.
    """
    of_subjects: dict[Digest, list[Manifest]] = {}
    for artifact in artifacts:
        subject = artifact.manifest.subject
        if subject and not destination.has(subject.digest):
            raise RegistryError(
                f"{destination.repository} has no {subject.digest}, which {artifact.manifest.digest} refers to: push "
                "that first",
                code="no_subject",
            )
        tell(put(destination, artifact))
        if subject:
            of_subjects.setdefault(subject.digest, []).append(artifact.manifest)
    listed = []
    for digest, manifests in of_subjects.items():
        listed.append(make_listed(destination, digest, manifests))
        tell(listed[-1])
    look_soon(destination, of_subjects)
    return listed


def put(destination: Destination, artifact: Artifact) -> Put:
    """The repository has the manifest and the blobs that it names, except those that need not be anywhere."""
    manifest, repository = artifact.manifest, destination.repository
    if destination.has(manifest.digest):
        return Put(manifest.digest, was_there=True)
    blobs = {one.digest: one for one in manifest.blobs}
    mount_from = _elsewhere(destination, manifest.digest)
    ways = tuple(
        (
            digest,
            destination.pusher.push_blob(repository, digest, artifact.blob(blob), mount_from=mount_from),
        )
        for digest, blob in blobs.items()
    )
    destination.pusher.push_manifest(repository, manifest.digest, artifact.content, manifest.media_type)
    destination.known.add(manifest.digest)
    return Put(manifest.digest, was_there=False, blobs=ways)


def make_listed(destination: Destination, subject: Digest, manifests: Sequence[Manifest]) -> Listed:
    """The registry lists the manifests, which it has, as referrers of the subject; by its API if it has one."""
    wanted = {manifest.digest for manifest in manifests}
    for wait in (*PATIENCE, None):
        found = destination.reader.referrers(destination.repository, subject, limit=LISTED)
        if found.supported is False:
            return _by_tag(destination, subject, manifests)
        if wanted <= {entry.digest for entry in found.descriptors}:
            return Listed(subject, by_tag=False)
        if found.error:
            raise found.error
        if wait is not None:
            destination.sleep(wait)
    raise RegistryError(
        f"{destination.repository} took what refers to {subject}, and its referrers API does not list it. Look into the "
        "registry's log, or ask whoever runs it.",
        code="not_listed",
    )


def _elsewhere(destination: Destination, digest: Digest) -> str:
    """Another repository of the registry that has the manifest, and so its blobs; empty if none is known."""
    others = Presence.objects.current().filter(repository__registry=destination.registry, manifest=digest)
    others = others.exclude(repository__name=destination.repository).order_by("repository")
    return others.values_list("repository__name", flat=True).first() or ""


def listed(destination: Destination, subject: Digest) -> set[Digest]:
    """What the repository lists as referrers of the subject, by its API or else by the referrers tag."""
    found = destination.reader.referrers(destination.repository, subject, limit=LISTED)
    if found.supported is False:
        found = destination.reader.referrers_by_tag(destination.repository, subject)
    if found.error:
        raise found.error
    return {entry.digest for entry in found.descriptors}


def look_soon(destination: Destination, references: Iterable[object]) -> None:
    """Have what was published seen by an index soon, if the repository is one that is indexed."""
    known = Repository.objects.filter(registry=destination.registry, name=destination.repository).first()
    if known:
        hints.leave(known, map(str, references), destination.now())


def _by_tag(destination: Destination, subject: Digest, manifests: Sequence[Manifest]) -> Listed:
    entries = [manifest.descriptor.to_json() for manifest in manifests]
    updated = referrers_tags.add(
        destination.registry.pk,
        destination.repository,
        subject,
        entries,
        (destination.reader, destination.pusher),
        destination.now(),
        destination.sleep,
    )
    return Listed(subject, by_tag=True, restored=updated.restored)
