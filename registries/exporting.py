"""Exporting an artifact with all that refers to it, as an OCI image layout in a tar: the very bytes that were read."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

from registries import connections, credentials
from registries.models import Content, Listing, Manifest, Repository, Served, Tag
from registries.oci import archive
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.layout import REF_NAME
from registries.oci.manifest import Manifest as Parsed
from registries.oci.manifest import parse_manifest
from registries.oci.media_types import MANIFESTS, OCI_INDEX
from registries.transport import Wire

MOST = 10_000  # manifests
LARGEST_BLOB = 4 * 1024**3  # that is fetched: it lies in a file without a name until its digest is known to be right
PIECE = 1024 * 1024
REPORT = "signboard-export.json"  # readers of layouts pass over names that they do not know


@dataclass(slots=True)
class Plan:
    """What an export consists of, before any blob was looked for."""

    repository: Repository
    root: Digest
    manifests: dict[Digest, Parsed] = field(default_factory=dict)
    referrers: dict[Digest, list[Digest]] = field(default_factory=dict)
    blobs: dict[Digest, Descriptor] = field(default_factory=dict)
    missing: list[dict[str, object]] = field(default_factory=list)

    def miss(self, digest: Digest, reason: str, size: int | None = None) -> None:
        """Name something that the export lacks."""
        self.missing.append({"digest": str(digest), "size": size, "reason": reason})


def plan(repository: Repository, root: Digest) -> Plan:
    """Everything below an artifact as its registry lists it; raises Manifest.DoesNotExist where its bytes were never given here."""
    found = Plan(repository, root)
    waiting, seen = [root], {root}
    while waiting:
        batch, waiting = waiting[:100], waiting[100:]
        manifests = _parsed(found, batch)
        found.manifests |= manifests
        listings = Listing.objects.filter(repository=repository, subject__in=list(manifests))
        below = [
            child.digest
            for manifest in manifests.values()
            for child in manifest.manifests
            if child.media_type in MANIFESTS
        ]
        for digest in manifests.keys() - {listing.subject for listing in listings}:
            found.miss(digest, "what refers to it was never asked for")
        for listing in listings:
            listed = [Digest.parse(text) for text in listing.digests]
            if listed:
                found.referrers[listing.subject] = listed
            if not listing.complete:
                found.miss(listing.subject, f"what refers to it could not all be listed: {listing.error}")
            below += listed
        for digest in dict.fromkeys(below):
            if digest in seen:
                continue
            if len(seen) >= MOST:
                found.miss(digest, f"more than {MOST:,} manifests hang together")
                break
            seen.add(digest)
            waiting.append(digest)
    if root not in found.manifests:
        raise Manifest.DoesNotExist(f"the bytes of {root} are not kept")
    for manifest in found.manifests.values():
        for blob in (*([manifest.config] if manifest.config else []), *manifest.layers):
            found.blobs.setdefault(blob.digest, blob)
    return found


def _parsed(found: Plan, digests: list[Digest]) -> dict[Digest, Parsed]:
    types = dict(Manifest.objects.filter(digest__in=digests).values_list("digest", "media_type"))
    parsed: dict[Digest, Parsed] = {}
    for digest in digests:
        content = _kept(found.repository, digest)
        if content is None:
            found.miss(digest, "this registry never gave its bytes")
            continue
        try:
            parsed[digest] = parse_manifest(content, types.get(digest, ""), algorithm=digest.algorithm)
        except OciError as error:
            found.miss(digest, str(error))
    return parsed


def _kept(repository: Repository, digest: Digest) -> bytes | None:
    here = Content.objects.filter(Served.objects.here(repository, "digest"), digest=digest)
    content = here.values_list("content", flat=True).first()
    return None if content is None else bytes(content)


def write(found: Plan, at: datetime, *, fetch: bool, wire: Wire | None = None) -> Iterator[bytes]:
    """The tar, file by file. What is not kept is fetched (`fetch`), or named in the report at its end."""
    tags = list(
        Tag.objects.filter(repository=found.repository, digest=found.root, gone_at=None).values_list("name", flat=True)
    )
    indexes = {subject: _fallback(found, subject) for subject in sorted(found.referrers)}
    yield archive.entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    yield archive.entry("index.json", _index(found, sorted(tags), indexes))
    made = {Digest.of(content): content for content in indexes.values()}
    names = {digest: archive.blob_name(digest) for digest in (*found.manifests, *found.blobs, *made)}
    with ExitStack() as stack:
        source = _source(found, stack, wire) if fetch else None
        for digest in sorted(names, key=lambda digest: names[digest]):
            content = made.get(digest) or _kept(found.repository, digest)
            if content is not None:
                yield archive.entry(names[digest], content)
            elif digest in found.blobs:
                yield from _fetched(found, source, found.blobs[digest], names[digest])
    yield archive.entry(REPORT, _report(found, at))
    yield archive.END


def _source(found: Plan, stack: ExitStack, wire: Wire | None) -> connections.Opened | None:
    try:
        return stack.enter_context(connections.open_source(found.repository.registry, wire=wire))
    except (OciError, credentials.CredentialsError) as error:
        found.miss(found.root, f"the registry could not be asked for blobs: {error}")
        return None


def _fetched(found: Plan, source: connections.Opened | None, blob: Descriptor, name: str) -> Iterator[bytes]:
    """The entry of a blob that is not kept; nothing, and a line in the report, where it is not to be had."""
    if blob.may_stay_away:
        found.miss(blob.digest, "it may not be distributed", blob.size)
    elif source is None:
        found.miss(blob.digest, "it is not kept, and was not fetched", blob.size)
    else:
        with tempfile.TemporaryFile() as file:
            try:
                source.copy_blob(found.repository.name, blob, file.write, max_size=LARGEST_BLOB)
            except OciError as error:
                found.miss(blob.digest, str(error), blob.size)
            except OSError as error:
                found.miss(blob.digest, f"there is no room for it here: {error.strerror}", blob.size)
            else:
                yield archive.header(name, blob.size)
                yield from _pieces(file)
                yield archive.padding(blob.size)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def _fallback(found: Plan, subject: Digest) -> bytes:
    """An index of the referrers, for readers that find them by tag."""
    entries = [_entry(found.manifests[digest]) for digest in found.referrers[subject] if digest in found.manifests]
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def _index(found: Plan, tags: list[str], indexes: dict[Digest, bytes]) -> bytes:
    """The entry points: the artifact by its tags, every referrer by itself, and the indexes of referrers by their tags."""
    root = _entry(found.manifests[found.root])
    entries = [root | {"annotations": {REF_NAME: tag}} for tag in tags] or [root]
    listed = {digest for group in found.referrers.values() for digest in group}
    entries += [_entry(found.manifests[digest]) for digest in sorted(listed) if digest in found.manifests]
    for subject, content in indexes.items():
        descriptor = {"mediaType": OCI_INDEX, "digest": str(Digest.of(content)), "size": len(content)}
        entries.append(descriptor | {"annotations": {REF_NAME: subject.fallback_tag}})
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def _entry(manifest: Parsed) -> dict[str, object]:
    named: dict[str, object] = {"artifactType": manifest.artifact_type} if manifest.artifact_type else {}
    return {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": manifest.size, **named}


def _report(found: Plan, at: datetime) -> bytes:
    return _json(
        {
            "repository": found.repository.reference or found.repository.name,
            "digest": str(found.root),
            "exported": at.isoformat(timespec="seconds"),
            "manifests": len(found.manifests),
            "missing": found.missing,
        }
    )


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
