"""OCI image layouts: a directory read as one repository (image-spec, image-layout.md).

Whoever opens a layout says which repository it stands for. What the layout says of its own name is never used.
"""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from registries.oci import media_types, strict_json
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LayoutError, LimitError, ManifestError, OciError, RegistryError
from registries.oci.exchange import Outgoing
from registries.oci.manifest import MAX_MANIFEST, Manifest, parse_manifest
from registries.oci.reference import is_tag
from registries.oci.source import BlobCheck, FetchedManifest, ReferrerList, TagList, check_blob, check_digest

REF_NAME = "org.opencontainers.image.ref.name"
MAX_MANIFESTS = 10_000
MAX_BYTES = 512 * 1024 * 1024
PIECE = 1024 * 1024  # bytes of a blob that are held at a time
_MAX_MARKER = 64 * 1024


@dataclass(slots=True)
class _Contents:
    """What one walk through a layout found."""

    tags: dict[str, set[Digest]] = field(default_factory=dict)
    rejected_names: int = 0
    referrers: dict[Digest, list[Manifest]] = field(default_factory=dict)
    "By what they say of themselves to refer to."
    read: dict[Digest, Descriptor] = field(default_factory=dict)
    untagged: list[Digest] = field(default_factory=list)
    "Manifests that index.json lists without a tag, referrers aside."
    fault: OciError | None = None
    "Why something that index.json lists could not be read: it may have been a referrer of anything."


class Layout:
    """An image layout directory, standing for one repository."""

    def __init__(self, root: Path, repository: str, *, max_manifests: int = MAX_MANIFESTS) -> None:
        self.root = root
        self._max_manifests = max_manifests
        self.repository = repository

    def tags(self, repository: str) -> TagList:
        self._check_repository(repository)
        try:
            contents = self._contents
        except OciError as error:
            return TagList((), complete=False, error=error)
        return TagList(tuple(sorted(contents.tags)), complete=True, rejected=contents.rejected_names)

    def untagged(self) -> tuple[Digest, ...]:
        """Manifests that no tag leads to and that refer to no other."""
        return tuple(self._contents.untagged)

    def resolve(self, repository: str, tag: str, known: Digest | None = None) -> Digest:  # Source
        self._check_repository(repository)
        digests = self._contents.tags.get(tag, set())
        if not digests:
            raise LayoutError(f"the layout has no tag {tag!a}", code="not_found")
        if len(digests) > 1:
            raise LayoutError(f"index.json gives the tag {tag!a} to {len(digests)} manifests", code="ambiguous_tag")
        return next(iter(digests))

    def manifest(self, repository: str, reference: Digest | str, *, max_size: int = MAX_MANIFEST) -> FetchedManifest:
        self._check_repository(repository)
        digest = reference if isinstance(reference, Digest) else self.resolve(repository, reference)
        content = self._read_blob(digest, max_size, "manifest")
        return FetchedManifest(digest, parse_manifest(content).media_type, content)

    def referrers(self, repository: str, subject: Digest, *, limit: int) -> ReferrerList:
        """Manifests whose `subject` it is, and what a referrers tag inside the layout lists."""
        self._check_repository(repository)
        known = self._contents.read.get(subject)
        referring = self._contents.referrers.get(subject, [])
        # In a layout notation compares the whole descriptor. What no one has can be compared with nothing.
        by_subject = [one.descriptor for one in referring if known is None or _is(known, one.subject)]
        others = len(referring) - len(by_subject)
        by_tag = self.referrers_by_tag(repository, subject)
        merged = {
            descriptor.digest: descriptor for descriptor in (*reversed(by_tag.descriptors), *reversed(by_subject))
        }
        descriptors = tuple(reversed(merged.values()))
        note = "; ".join(filter(None, (by_tag.note, _told_wrong(subject, others))))
        error = self._contents.fault or by_tag.error
        if len(descriptors) > limit:
            error = LimitError(f"the layout holds more than {limit} referrers of {subject}", code="too_many_referrers")
        return ReferrerList(descriptors[:limit], complete=error is None, supported=True, error=error, note=note)

    def referrers_by_tag(self, repository: str, subject: Digest) -> ReferrerList:
        self._check_repository(repository)
        found: dict[Digest, Descriptor] = {}
        error: OciError | None = None
        notes = []
        for tag in dict.fromkeys((subject.fallback_tag, subject.untruncated_fallback_tag)):
            for digest in sorted(self._contents.tags.get(tag, set())):
                try:
                    index = self._parse(digest)
                except OciError as fault:
                    error = fault
                    continue
                if not index.is_index:
                    notes.append(f"the tag {tag} names no index, so it lists no referrers")
                for descriptor in index.manifests:
                    found.setdefault(descriptor.digest, descriptor)
        return ReferrerList(
            tuple(found.values()), complete=error is None, error=error, source="tag", note="; ".join(notes)
        )

    def blob(self, repository: str, descriptor: Descriptor, *, max_size: int) -> bytes:
        self._check_repository(repository)
        if descriptor.size > max_size:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes; at most {max_size} are read")
        try:
            content = self._read_blob(descriptor.digest, descriptor.size, "blob")
        except LimitError as error:
            message = f"the blob {descriptor.digest} has more than the {descriptor.size} bytes that its descriptor says"
            raise RegistryError(message, code="size_mismatch") from error
        check_blob(content, descriptor)
        return content

    def copy_blob(
        self, repository: str, descriptor: Descriptor, into: Callable[[bytes], object], *, max_size: int
    ) -> None:
        if descriptor.size > max_size:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes; at most {max_size} are read")
        check = BlobCheck(descriptor.digest, descriptor.size)
        for piece in self.outgoing(repository, descriptor):
            check.saw(piece)
            into(piece)
        check.finish()

    def outgoing(self, repository: str, descriptor: Descriptor) -> Outgoing:
        """The blob as it lies there, to be sent; raises LayoutError where there is none of that size."""
        self._check_repository(repository)
        path = ("blobs", descriptor.digest.algorithm, descriptor.digest.encoded)

        def pieces() -> Iterator[bytes]:
            with self._stream(path) as (file, size):
                left = size
                while left and (piece := file.read(min(PIECE, left))):
                    left -= len(piece)
                    yield piece

        with self._stream(path) as (_, size):
            if size != descriptor.size:
                message = f"the blob {descriptor.digest} has {size} bytes where its descriptor says {descriptor.size}"
                raise LayoutError(message, code="size_mismatch")
        return Outgoing(descriptor.size, pieces)

    @cached_property
    def _contents(self) -> _Contents:
        """Walk everything that index.json reaches, each digest once, by a list and not by recursion."""
        self._check_marker()
        entries = self._entries()
        contents = _Contents()
        for entry in entries:
            name = entry.annotations.get(REF_NAME)
            if name is not None and is_tag(name):
                contents.tags.setdefault(name, set()).add(entry.digest)
            elif name is not None:
                contents.rejected_names += 1
        listed = {entry.digest for entry in entries}
        untagged = listed.difference(*contents.tags.values())
        waiting = deque(entry for entry in entries if entry.media_type in media_types.MANIFESTS)
        seen: set[Digest] = set()
        total = 0
        while waiting:
            entry = waiting.popleft()
            if entry.digest in seen:
                continue
            seen.add(entry.digest)
            if len(seen) > self._max_manifests or total > MAX_BYTES:
                contents.fault = LimitError(
                    f"the layout holds more than {self._max_manifests} manifests or {MAX_BYTES} bytes"
                )
                break
            try:
                manifest = self._parse(entry.digest)
            except OciError as error:
                if entry.digest in listed:  # a sparse layout may leave out a platform of an index
                    contents.fault = contents.fault or error
                continue
            total += manifest.size
            contents.read[entry.digest] = manifest.descriptor
            waiting.extend(child for child in manifest.manifests if child.media_type in media_types.MANIFESTS)
            if manifest.subject:
                contents.referrers.setdefault(manifest.subject.digest, []).append(manifest)
                waiting.append(manifest.subject)
            elif entry.digest in untagged:
                contents.untagged.append(entry.digest)
        return contents

    def _check_marker(self) -> None:
        try:
            marker = strict_json.loads(self._read(("oci-layout",), _MAX_MARKER))
        except strict_json.StrictJsonError as error:
            raise LayoutError(f"the file oci-layout is not JSON: {error}") from error
        version = marker.get("imageLayoutVersion") if isinstance(marker, dict) else None
        if version != "1.0.0":
            raise LayoutError(f"oci-layout gives no version that can be read: {str(version)[:40]!a} instead of 1.0.0")

    def _entries(self) -> tuple[Descriptor, ...]:
        try:
            index = parse_manifest(self._read(("index.json",), MAX_MANIFEST))
        except ManifestError as error:
            raise LayoutError(f"index.json: {error}") from error
        if not index.is_index:
            raise LayoutError("index.json is a manifest, not an index")
        return index.manifests

    def _parse(self, digest: Digest) -> Manifest:
        return parse_manifest(self._read_blob(digest, MAX_MANIFEST, "manifest"), algorithm=digest.algorithm)

    def _read_blob(self, digest: Digest, limit: int, what: str) -> bytes:
        try:
            content = self._read(("blobs", digest.algorithm, digest.encoded), limit)
        except LayoutError as error:
            raise LayoutError(f"the {what} {digest} cannot be read: {error}", code=error.code) from error
        check_digest(content, digest, f"the {what} in the layout")
        return content

    def _read(self, path: tuple[str, ...], limit: int) -> bytes:
        with self._stream(path) as (file, size):
            if size > limit:
                raise LimitError(f"{'/'.join(path)} has more than {limit} bytes, which is the most that is read")
            content = file.read(size)
        if len(content) != size:
            raise LayoutError(f"the layout ends before {'/'.join(path)} does")
        return content

    @contextmanager
    def _stream(self, path: tuple[str, ...]) -> Iterator[tuple[BinaryIO, int]]:
        """A regular file below the root, reached without following a link, and its size."""
        name = "/".join(path)
        *folders, last = path
        try:
            directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                for folder in folders:
                    inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
                    os.close(directory)
                    directory = inner
                # Without O_NONBLOCK a named pipe would keep us waiting for a writer.
                file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
            finally:
                os.close(directory)
        except FileNotFoundError as error:
            raise LayoutError(f"the layout has no {name}", code="not_found") from error
        except OSError as error:
            raise LayoutError(f"{name} cannot be opened without following a link: {error.strerror}") from error
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            os.close(file)
            raise LayoutError(f"{name} is not a regular file")
        with os.fdopen(file, "rb") as stream:
            yield stream, found.st_size

    def _check_repository(self, repository: str) -> None:
        if repository != self.repository:
            raise LayoutError(f"the layout stands for {self.repository}, not for {repository}", code="not_found")


def _is(known: Descriptor, claimed: Descriptor | None) -> bool:
    return claimed is not None and (claimed.media_type, claimed.size) == (known.media_type, known.size)


def _told_wrong(subject: Digest, others: int) -> str:
    return f"{others} manifests refer to {subject} by a size or media type that it does not have" if others else ""
