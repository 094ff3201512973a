"""Adding to the index of the referrers tag schema (distribution-spec, "Pushing Manifests with Subject").

Registries replace a tag without looking at what it named before, so whoever writes may lose what others wrote meanwhile. Here
nobody's entry is lost for long: after writing the tag is read again, until all that was seen in it stands in it.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registries.oci import media_types, strict_json
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, LimitError, ManifestError, RegistryError
from registries.oci.pusher import PreconditionError, Pusher

TRIES = 8
LARGEST = 3_500_000  # bytes; registries and clients read manifests of 4 MiB
PAUSE = (0.02, 0.2)  # seconds between writing and reading again, at random: other writers shall not keep step

type Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Updated:
    """The tag names the entry, and every other that was seen there and still exists."""

    writes: int
    restored: tuple[Digest, ...] = ()
    "Entries of others that had got lost meanwhile, and were put back."


@dataclass(frozen=True, slots=True)
class _Index:
    """The index as read, each entry as it stands there."""

    digest: Digest | None
    fields: Mapping[str, object]
    entries: Mapping[str, Entry]


def add(
    reader: Client,
    pusher: Pusher,
    repository: str,
    subject: Digest,
    entry: Entry,
    *,
    pause: Callable[[], None] = lambda: time.sleep(random.uniform(*PAUSE)),
) -> Updated:
    """Leave `entry`, a descriptor with `artifactType` and annotations, in the index of the subject's referrers tag.

    Raises RegistryError where the tag names something else than an index, or others keep writing; LimitError where the index
    would grow larger than what is read. What somebody removed on purpose is not put back: its manifest is gone.
    """
    tag, own = subject.fallback_tag, str(entry["digest"])
    seen: dict[str, Entry] = {own: entry}
    restored: dict[str, None] = {}
    for writes in range(TRIES + 1):
        index = _read(reader, repository, tag)
        lost = [name for name in seen if name not in index.entries and (name == own or _exists(pusher, repository, name))]
        restored |= dict.fromkeys(name for name in lost if name != own)
        if not lost:
            return Updated(writes, tuple(map(Digest.parse, restored)))
        if writes == TRIES:
            break
        seen = {**index.entries, **seen}
        content = _document(index, [*index.entries.values(), *(seen[name] for name in lost)])
        try:
            pusher.push_manifest(repository, content, media_types.OCI_INDEX, tag, replacing=index.digest)
        except PreconditionError:
            continue  # somebody was faster: read what they wrote
        pause()
    raise RegistryError(
        f"the tag {tag} of {repository} was written {TRIES} times, and others replaced it each time", code="contended"
    )


def _read(reader: Client, repository: str, tag: str) -> _Index:
    try:
        fetched = reader.manifest(repository, tag)
    except RegistryError as error:
        if error.code == "not_found":
            return _Index(None, {}, {})
        raise
    document = strict_json.loads(fetched.content)
    if not isinstance(document, dict) or fetched.media_type != media_types.OCI_INDEX:
        raise ManifestError(f"the tag {tag} of {repository} names no OCI index, so no referrers can be listed in it")
    listed = document.get("manifests") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) and "digest" in one for one in listed):
        raise ManifestError(f"the index under the tag {tag} of {repository} holds entries that are no descriptors")
    return _Index(fetched.digest, document, {str(one["digest"]): one for one in listed})


def _exists(pusher: Pusher, repository: str, name: str) -> bool:
    try:
        return pusher.has_manifest(repository, Digest.parse(name))
    except DigestError:
        return False


def _document(index: _Index, entries: list[Entry]) -> bytes:
    fields = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, **index.fields, "manifests": entries}
    content = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    if len(content) > LARGEST:
        raise LimitError(f"the referrers tag would hold {len(content)} bytes; registries read at most {LARGEST} of them")
    return content
