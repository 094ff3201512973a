"""Copying an artifact with all that refers to it from a layout into a registry: the very bytes, in an order that every registry takes.

Subjects come before what refers to them, children before their index, and the tag that people pull comes last: nobody sees
an artifact whose signatures are still on their way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from registries import publishing
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LayoutError, LimitError, OciError, RegistryError
from registries.oci.failures import shown
from registries.oci.layout import Layout
from registries.oci.manifest import Manifest, parse_manifest
from registries.oci.media_types import MANIFESTS
from registries.publishing import Artifact, Destination, Listed, Put

MOST = 10_000  # manifests
COSIGN_SUFFIXES = (".sig", ".att", ".sbom")


class IncompleteError(OciError):
    """The layout lacks something that a copy needs."""

    code = "incomplete"


@dataclass(slots=True)
class Plan:
    """What a copy consists of."""

    root: Digest
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    "In the order in which they are pushed."
    tags: dict[str, Digest] = field(default_factory=dict)
    "Tags of cosign's scheme, by which cosign finds what belongs to an artifact."
    left_out: dict[Digest, Descriptor] = field(default_factory=dict)
    "Layers that need not be anywhere, and are not distributed."

    def all_tags(self, tag: str) -> dict[str, Digest]:
        """In the order in which they are set: the one that people pull, if there is to be one, is the last."""
        return {**self.tags, tag: self.root} if tag else self.tags

    @property
    def referrers(self) -> dict[Digest, list[Digest]]:
        """What refers to what, of all that is copied."""
        found: dict[Digest, list[Digest]] = {}
        for manifest in self.manifests.values():
            if manifest.subject:
                found.setdefault(manifest.subject.digest, []).append(manifest.digest)
        return found

    @property
    def size(self) -> int:
        """Bytes of all blobs and manifests, each counted once."""
        blobs = {blob.digest: blob.size for one in self.manifests.values() for blob in one.blobs}
        return sum(blobs.values()) + sum(one.size for one in self.manifests.values())


def plan(layout: Layout, root: Digest) -> Plan:
    """All below an artifact; raises IncompleteError, naming what the layout lacks, before anything is pushed."""
    found: dict[Digest, Manifest] = {}
    lacking: list[str] = []
    planned = Plan(root)
    waiting = [root]
    while waiting:
        digest = waiting.pop()
        if digest in found:
            continue
        if len(found) >= MOST:
            raise LimitError(f"more than {MOST:,} manifests hang together below {root}")
        try:
            manifest = found[digest] = _read(layout, digest)
            referrers = layout.referrers(layout.repository, digest, limit=MOST)
            tags = _cosign_tags(layout, digest)
        except OciError as error:
            lacking.append(str(error))
            continue
        if referrers.error:
            lacking.append(f"what refers to {digest} cannot all be read: {referrers.error}")
        lacking += _missing_blobs(layout, manifest)
        planned.left_out |= {one.digest: one for one in manifest.layers if one.may_stay_away}
        planned.tags |= tags
        lacking += [
            f"{child.digest}, which an index names, is no manifest that can be copied ({shown(child.media_type)!a})"
            for child in manifest.manifests
            if child.media_type not in MANIFESTS
        ]
        below = [child.digest for child in manifest.manifests if child.media_type in MANIFESTS]
        waiting += [*below, *(entry.digest for entry in referrers.descriptors), *tags.values()]
    if lacking:
        more = f" And {len(lacking) - 10} more." if len(lacking) > 10 else ""
        raise IncompleteError(f"the layout lacks what a copy needs: {'; '.join(lacking[:10])}.{more}")
    planned.manifests = _ordered(found)
    return planned


def moved(planned: Plan, destination: Destination, tag: str) -> dict[str, Digest]:
    """The tags that would name something else than they do there, with what they name."""
    before = {name: destination.tagged(name) for name in planned.all_tags(tag)}
    return {name: digest for name, digest in before.items() if digest and digest != planned.all_tags(tag)[name]}


def execute(
    planned: Plan,
    layout: Layout,
    destination: Destination,
    tag: str,
    tell: Callable[[Put | Listed], None],
) -> None:
    """The registry has all of it, lists what refers to what, and has the tag; read back before this returns."""
    publishing.publish(destination, _artifacts(planned, layout), tell)
    for name, digest in planned.all_tags(tag).items():
        content = layout.manifest(layout.repository, digest).content
        media_type = planned.manifests[digest].media_type
        destination.pusher.push_manifest(destination.repository, digest, content, media_type, tag=name)
        if destination.reader.resolve(destination.repository, name) != digest:
            raise RegistryError(f"the tag {name} was pushed, and names something else: somebody else moved it")
    publishing.look_soon(destination, [tag or planned.root])
    verify(planned, destination)


def verify(planned: Plan, destination: Destination) -> None:
    """Everything that was planned is listed at the destination."""
    for subject, digests in planned.referrers.items():
        lost = set(digests) - publishing.listed(destination, subject)
        if lost:
            raise RegistryError(
                f"{len(lost)} of {len(digests)} referrers of {subject} are not listed any more: somebody else wrote the "
                "list meanwhile. Push again.",
                code="not_listed",
            )


def _artifacts(planned: Plan, layout: Layout) -> Iterator[Artifact]:
    """One after another, so that the bytes of one manifest are held at a time."""
    for digest, manifest in planned.manifests.items():
        content = layout.manifest(layout.repository, digest).content
        yield Artifact(manifest, content, lambda blob: layout.outgoing(layout.repository, blob))


def _read(layout: Layout, digest: Digest) -> Manifest:
    fetched = layout.manifest(layout.repository, digest)
    return parse_manifest(fetched.content, fetched.media_type, algorithm=digest.algorithm)


def _missing_blobs(layout: Layout, manifest: Manifest) -> Iterator[str]:
    for blob in manifest.blobs:
        try:
            layout.outgoing(layout.repository, blob)
        except OciError as error:
            yield str(error)


def _cosign_tags(layout: Layout, digest: Digest) -> dict[str, Digest]:
    """The tags by which cosign finds what belongs to a manifest; raises LayoutError for one that names two things."""
    found = {}
    for name in (digest.fallback_tag + suffix for suffix in COSIGN_SUFFIXES):
        try:
            found[name] = layout.resolve(layout.repository, name)
        except LayoutError as error:
            if error.code != "not_found":
                raise
    return found


def _ordered(found: dict[Digest, Manifest]) -> dict[Digest, Manifest]:
    """Each after its subject and its children. A circle would need two manifests that hold each other's digest."""
    ordered: dict[Digest, Manifest] = {}
    for start in found:
        stack = [(start, False)]
        while stack:
            digest, is_ready = stack.pop()
            if digest in ordered or digest not in found:
                continue
            manifest = found[digest]
            if is_ready:
                ordered[digest] = manifest
                continue
            before = [child.digest for child in manifest.manifests]
            before += [manifest.subject.digest] if manifest.subject else []
            stack += [(digest, True), *((one, False) for one in reversed(before) if one not in ordered)]
    return ordered
