"""notation's configuration folder and a trust revision: the same content, read and written byte for byte."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from registries.oci import strict_json
from trust import archives, revisions
from trust.additions import Additions, AdditionsError
from trust.archives import ArchiveError
from trust.notary.errors import quote
from trust.notary.trust_store import STORE_TYPES
from trust.revisions import Content

POLICY, OLD_POLICY, BLOB_POLICY = "trustpolicy.oci.json", "trustpolicy.json", "trustpolicy.blob.json"
STORES = ("truststore", "x509")
MANIFEST = "signboard.json"
FORMAT = "signboard trust configuration 1"
MOST_STORE_FILES = 2_000

type StoreKey = tuple[str, str, str]


class ConfigurationError(Exception):
    """What was given is no configuration of notation that can be taken; nothing of it was."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a folder holds of a trust revision; None: it says nothing of that."""

    policy: bytes | None = None
    blob_policy: bytes | None = None
    files: Mapping[StoreKey, bytes] | None = None
    additions: Additions | None = None
    is_whole: bool = False
    "It was exported here: what it does not have, the revision did not have."
    edited: tuple[str, ...] = ()
    "Files that are not any more what they were when they were exported."
    left_out: tuple[str, ...] = ()

    def over(self, content: Content) -> Content:
        """The content with what this brings in the place of what was there."""
        if self.is_whole:
            content = Content(b"", {})
        if self.policy is not None:
            content = replace(content, policy=self.policy)
        if self.blob_policy is not None:
            content = replace(content, blob_policy=self.blob_policy)
        if self.files is not None:
            content = replace(content, files=dict(self.files))
        if self.additions is not None:
            content = replace(content, additions=self.additions)
        return content


def read(uploads: Mapping[str, bytes]) -> Configuration:
    """The configuration that uploaded files make: one archive, or single files of a folder."""
    found: dict[str, bytes] = {}
    left_out: list[str] = []
    for name, content in uploads.items():
        files, others = {name: content}, list[str]()
        if archives.is_archive(content):
            try:
                files, others = archives.read_archive(content, _is_ours)
            except ArchiveError as error:
                raise ConfigurationError(str(error)) from error
        for path, one in files.items():
            place = "/".join(_placed(path))
            if place and len(one) > archives.LARGEST_FILE:
                raise ConfigurationError(f"{quote(path)} is larger than 1 MiB.")
            if not place:
                others.append(path)
            elif place in found:
                raise ConfigurationError(f"Two files are {place}: {quote(path)} is one of them.")
            else:
                found[place] = one
        left_out += others
    return _configuration(found, left_out)


def _configuration(found: Mapping[str, bytes], left_out: list[str]) -> Configuration:
    if not found:
        raise ConfigurationError(
            f"Nothing of a configuration is in it: no {POLICY}, {OLD_POLICY} or {BLOB_POLICY}, and no folder truststore."
        )
    stores = {key: content for path, content in found.items() if (key := _store_key(path))}
    if len(stores) > MOST_STORE_FILES:
        raise ConfigurationError(f"The trust stores have more than {MOST_STORE_FILES:,} files.")
    if POLICY in found and OLD_POLICY in found:  # notation reads the new name, and never the old one beside it
        left_out.append(OLD_POLICY)
    manifest = _manifest(found[MANIFEST]) if MANIFEST in found else None
    return Configuration(
        policy=found.get(POLICY, found.get(OLD_POLICY)),
        blob_policy=found.get(BLOB_POLICY),
        files=stores or None,
        additions=manifest[0] if manifest else None,
        is_whole=manifest is not None,
        edited=_edited(manifest[1], found) if manifest else (),
        left_out=tuple(left_out),
    )


def _is_ours(path: str) -> bool:
    return bool(_placed(path))


def _placed(path: str) -> tuple[str, ...]:
    """Where a file stands below the configuration folder, wherever that is in what was given; nothing: it is not ours."""
    parts = tuple(path.split("/"))
    if parts[-1] in (POLICY, OLD_POLICY, BLOB_POLICY, MANIFEST) and STORES[0] not in parts:
        return parts[-1:]
    below = parts[-5:]
    if len(below) == 5 and below[:2] == STORES and below[2] in STORE_TYPES:
        return below
    return ()


def _store_key(path: str) -> StoreKey | None:
    parts = path.split("/")
    return (parts[2], parts[3], parts[4]) if len(parts) == 5 else None


def paths_of(content: Content) -> dict[str, bytes]:
    """The content as files of notation's configuration folder."""
    found = {"/".join((*STORES, *key)): certificates for key, certificates in content.files.items()}
    if content.policy:
        found[POLICY] = content.policy
    if content.blob_policy:
        found[BLOB_POLICY] = content.blob_policy
    return found


def write(content: Content, at: datetime, **about: object) -> bytes:
    """A tar of the configuration folder, with a manifest that says what it is and the digest of every file."""
    files = paths_of(content)
    said = {
        "format": FORMAT,
        **about,
        "created_at": at.astimezone(UTC).isoformat(),
        "fingerprint": revisions.fingerprint(content.policy, content.files, content.blob_policy),
        "additions": content.additions.as_json(),
        "files": [
            {"path": path, "size": len(files[path]), "sha256": hashlib.sha256(files[path]).hexdigest()}
            for path in sorted(files)
        ],
    }
    manifest = json.dumps(said, indent=2, sort_keys=True).encode() + b"\n"
    return archives.write_tar(files | {MANIFEST: manifest})


def _manifest(content: bytes) -> tuple[Additions, dict[str, str]]:
    """What stood beside the policy, and the digests that the files had."""
    try:
        said = strict_json.loads(content)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise ConfigurationError(f"{MANIFEST} is not of the format {FORMAT}.")
        files = said.get("files")
        listed = [one for one in files if isinstance(one, dict)] if isinstance(files, list) else []
        return Additions.read(said.get("additions", {})), {
            str(one.get("path")): str(one.get("sha256")) for one in listed
        }
    except (strict_json.StrictJsonError, AdditionsError) as error:
        raise ConfigurationError(f"{MANIFEST} cannot be read: {error}.") from error


def _edited(digests: Mapping[str, str], found: Mapping[str, bytes]) -> tuple[str, ...]:
    now = {path: hashlib.sha256(content).hexdigest() for path, content in found.items() if path != MANIFEST}
    return tuple(path for path in sorted({*digests, *now}) if digests.get(path) != now.get(path))
