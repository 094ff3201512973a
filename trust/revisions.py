"""Trust revisions: publishing the next immutable state of policy and stores, and reading the active one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Subquery
from django.utils import timezone

from trust import chains
from trust.additions import Additions
from trust.models import StoreFile, TrustRevision
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import NotaryError, TrustStoreError, quote
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores, is_store_name

type StoreFiles = Mapping[tuple[str, str, str], bytes]  # (store type, store name, file name) → content

LARGEST_FILE_NAME = 255


class StaleRevisionError(Exception):
    """Somebody else published a revision meanwhile: what was edited rests on one that is no longer active."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a revision gives to judge with."""

    policy: TrustPolicy
    stores: TrustStores
    blob_policy: BlobTrustPolicy | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a revision is made of, as files; an edit replaces part of that of the active one."""

    policy: bytes
    files: dict[tuple[str, str, str], bytes]
    blob_policy: bytes = b""
    additions: Additions = field(default_factory=Additions)


def content_of(revision: TrustRevision) -> Content:
    additions = Additions.read(revision.additions)
    return Content(bytes(revision.policy), files_of(revision.pk), bytes(revision.blob_policy), additions)


def active() -> TrustRevision | None:
    """The revision that verdicts must rest on."""
    return TrustRevision.objects.order_by("-number").first()


def readable() -> TrustRevision | None:
    """The active revision, if it is one that can be read: another version of Signboard may have written it."""
    revision = active()
    try:
        return revision if revision and material(revision) else None
    except NotaryError:
        return None


def active_number() -> int | None:
    return TrustRevision.objects.order_by("-number").values_list("number", flat=True).first()


def active_subquery() -> Subquery:
    """The number of the active revision, for a query that asks for it itself."""
    return Subquery(TrustRevision.objects.order_by("-number").values("number")[:1])


def material(revision: TrustRevision) -> Material:
    """The policy and the stores of a revision, parsed once in a process."""
    return _material(revision.pk, revision.fingerprint, bytes(revision.policy), bytes(revision.blob_policy))


@lru_cache(maxsize=8)
def _material(pk: int, _fingerprint: str, policy: bytes, blob_policy: bytes) -> Material:
    # The fingerprint is part of the key: a database restored under a running process may use a pk again.
    blobs = BlobTrustPolicy.parse(blob_policy) if blob_policy else None
    return Material(TrustPolicy.parse(policy), stores_of(files_of(pk)), blobs)


def files_of(pk: int) -> dict[tuple[str, str, str], bytes]:
    """The certificate files of a revision, for judging and for editing the next one."""
    rows = StoreFile.objects.filter(revision=pk).values_list("store_type", "store_name", "file_name", "content")
    return {(store_type, store_name, name): bytes(content) for store_type, store_name, name, content in rows}


def publish(
    policy: bytes,
    files: StoreFiles,
    *,
    blob_policy: bytes = b"",
    additions: Additions | None = None,
    author: AbstractBaseUser | AnonymousUser | None,
    reason: str,
    based_on: int | None,
    at: datetime | None = None,
) -> TrustRevision:
    """Make the next revision, which is active from the moment of commit.

    Raises TrustPolicyError or TrustStoreError for what the specification refuses, and StaleRevisionError where
    `based_on` is no longer the active revision.
    """
    TrustPolicy.parse(policy)
    if blob_policy:
        BlobTrustPolicy.parse(blob_policy)
    check_files(files)
    person = author if isinstance(author, AbstractBaseUser) else None
    revision = TrustRevision(
        number=(based_on or 0) + 1,
        policy=policy,
        blob_policy=blob_policy,
        additions=additions.as_json() if additions else {},
        fingerprint=fingerprint(policy, files, blob_policy),
        author_id=person.pk if person else None,
        author_name=person.get_username() if person else "",
        reason=reason,
        created_at=at or timezone.now(),
    )
    try:
        with transaction.atomic():
            if active_number() != based_on:
                raise StaleRevisionError(_stale_message(based_on))
            revision.save(force_insert=True)  # its number is unique: of two that get here, one fails
            StoreFile.objects.bulk_create(_rows(revision, files))
            chains.store(
                (), (one for store in stores_of(files) for one in store.certificates if not chains.has_nul(one))
            )
    except IntegrityError as error:
        raise StaleRevisionError(_stale_message(based_on)) from error
    return revision


def check_files(files: StoreFiles) -> None:
    """Raise TrustStoreError for the first store that notation could not use."""
    for _, _, name in files:
        if not is_store_name(name) or len(name) > LARGEST_FILE_NAME:
            raise TrustStoreError(
                f"{quote(name)} is no name for a certificate file: use letters, digits, dot, underscore, dash"
            )
    for store in stores_of(files):
        if store.fault:
            raise TrustStoreError(store.fault)


def fingerprint(policy: bytes, files: StoreFiles, blob_policy: bytes = b"") -> str:
    """SHA-256 over all that a revision holds: equal fingerprints judge alike."""
    parts = [
        policy,
        blob_policy,
        *(part for key in sorted(files) for part in (*(text.encode() for text in key), files[key])),
    ]
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).hexdigest()


def stores_of(files: StoreFiles) -> TrustStores:
    """The stores that these files make."""
    by_store: dict[tuple[str, str], dict[str, bytes]] = {}
    for (store_type, store_name, name), content in files.items():
        by_store.setdefault((store_type, store_name), {})[name] = content
    return TrustStores.of(*(TrustStore.of(*key, contents) for key, contents in sorted(by_store.items())))


def _rows(revision: TrustRevision, files: StoreFiles) -> list[StoreFile]:
    return [
        StoreFile(revision=revision, store_type=store_type, store_name=store_name, file_name=name, content=content)
        for (store_type, store_name, name), content in files.items()
    ]


def _stale_message(based_on: int | None) -> str:
    rests_on = "no revision" if based_on is None else f"revision {based_on}"
    return (
        f"This edit rests on {rests_on}, which is no longer the active one. Look at what changed, then repeat the edit."
    )
