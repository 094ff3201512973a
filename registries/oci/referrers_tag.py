"""Adding to the index of the referrers tag schema (distribution-spec, "Pushing Manifests with Subject").

Registries replace a tag without looking at what it named before, so whoever writes may lose what others wrote meanwhile. Here
nobody's entry is lost for long: after writing the tag is read again, until all that was seen in it stands in it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from registries.oci import media_types, strict_json
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, LimitError, ManifestError, RegistryError
from registries.oci.pusher import PreconditionError, Pusher

TRIES = 8
LARGEST = 3_500_000  # bytes; registries and clients read manifests of 4 MiB

type Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Updated:
    """The tag names the entries, and every other that was seen there and still exists."""

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
    entries: Sequence[Entry],
    *,
    pause: Callable[[], None],
) -> Updated:
    """Leave `entries`, descriptors with `artifactType` and annotations, in the index of the subject's referrers tag.

    Raises RegistryError where the tag names something else than an index, may not be replaced, or others keep writing;
    LimitError where the index would grow larger than what is read. What somebody removed on purpose is not put back: its
    manifest is gone. `pause` waits between writing and reading again, at random: other writers shall not keep step.
    """
    tag = subject.fallback_tag
    own = [str(entry["digest"]) for entry in entries]
    seen: dict[str, Entry] = dict(zip(own, entries, strict=True))
    restored: dict[str, None] = {}
    refused: tuple[_Index, PreconditionError] | None = None
    writes = 0
    for tries in range(TRIES + 1):
        try:
            index = _read(reader, repository, tag)
        except RegistryError as error:
            if error.code != "server_error" or tries == TRIES:
                raise
            pause()  # Docker's registry fails while another writes the tag
            continue
        missing = [name for name in seen if name not in index.entries]
        lost = [name for name in missing if name in own or _exists(pusher, repository, name)]
        restored |= dict.fromkeys(name for name in lost if name not in own)
        if not lost:
            return Updated(writes, tuple(map(Digest.parse, restored)))
        if refused and refused[0].digest == index.digest:
            raise _immutable(subject, repository, refused[1])  # nobody wrote: it is a rule and no race
        if tries == TRIES:
            break
        content = _document(index, [*index.entries.values(), *(seen[name] for name in lost)])
        seen = {**index.entries, **seen}
        try:
            refused = None
            writes += 1
            _write(pusher, repository, subject, content, index.digest)
        except PreconditionError as error:
            refused = index, error  # somebody was faster: read what they wrote
        except RegistryError as error:
            if error.code != "server_error" or tries == TRIES - 1:
                raise
        pause()
    raise RegistryError(
        f"the tag {tag} of {repository} was written {TRIES} times, and others replaced it each time", code="contended"
    )


def _write(pusher: Pusher, repository: str, subject: Digest, content: bytes, before: Digest | None) -> None:
    digest, tag = Digest.of(content), subject.fallback_tag
    try:
        pusher.push_manifest(repository, digest, content, media_types.OCI_INDEX, tag=tag, replacing=before)
    except PreconditionError:
        raise
    except RegistryError as error:
        if error.code == "immutable":
            raise _immutable(subject, repository, error) from error
        raise


def _immutable(subject: Digest, repository: str, error: RegistryError) -> RegistryError:
    return RegistryError(
        f"the registry has no referrers API, and a rule of its forbids replacing the tag {subject.fallback_tag} of "
        f"{repository}, in which it would list what refers to {subject}. Exempt tags that match {subject.algorithm}-* from "
        f"the rule. What was wrong: {error}",
        code="immutable",
    )


def _read(reader: Client, repository: str, tag: str) -> _Index:
    try:
        fetched = reader.manifest(repository, tag)
    except RegistryError as error:
        if error.code == "not_found":
            return _Index(None, {}, {})
        raise
    if fetched.media_type != media_types.OCI_INDEX:
        raise ManifestError(
            f"the tag {tag} of {repository} names no OCI index, so no referrers can be listed in it. Whoever set it "
            "has to give it another name.",
            code="referrers_tag",
        )
    try:
        document = strict_json.loads(fetched.content)
    except strict_json.StrictJsonError as error:
        raise ManifestError(f"the index under the tag {tag} of {repository} cannot be read: {error}") from error
    listed = (document.get("manifests") or []) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(listed, list) or not all(map(_is_entry, listed)):
        raise ManifestError(f"the index under the tag {tag} of {repository} holds entries that are no descriptors")
    return _Index(fetched.digest, document, {str(one["digest"]): one for one in listed})


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("digest"), str)


def _exists(pusher: Pusher, repository: str, name: str) -> bool:
    try:
        return pusher.has_manifest(repository, Digest.parse(name))
    except DigestError:
        return False


def _document(index: _Index, entries: list[Entry]) -> bytes:
    fields = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, **index.fields, "manifests": entries}
    content = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    if len(content) > LARGEST:
        raise LimitError(
            f"the referrers tag would hold {len(content)} bytes; at most {LARGEST} are written, as others read no more",
            code="referrers_tag_full",
        )
    return content
