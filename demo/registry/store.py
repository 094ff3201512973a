"""The registry's memory: content by digest in files, which repository has what in one small SQLite database.

One connection, one lock: each question is a single indexed look-up, so threads wait for microseconds only.
"""

import hashlib
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.registry.documents import read_document
from demo.registry.errors import StoreError
from demo.registry.names import is_digest, is_name, is_tag

__all__ = ["Page", "Store", "StoreError", "StoredManifest"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS repository (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS blob (
    repository INTEGER NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifest (
    id INTEGER PRIMARY KEY, repository INTEGER NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,
    size INTEGER NOT NULL, artifact_type TEXT NOT NULL, subject TEXT NOT NULL, descriptor TEXT NOT NULL,
    UNIQUE (repository, digest)
);
CREATE INDEX IF NOT EXISTS manifest_subject ON manifest (repository, subject, id) WHERE subject != '';
CREATE TABLE IF NOT EXISTS tag (
    repository INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS upload (id TEXT PRIMARY KEY, repository INTEGER NOT NULL);
"""
BY_DIGEST = """
SELECT m.digest, m.media_type, m.size FROM repository r JOIN manifest m ON m.repository = r.id
WHERE r.name = ? AND m.digest = ?
"""
BY_TAG = """
SELECT m.digest, m.media_type, m.size FROM repository r JOIN tag t ON t.repository = r.id
JOIN manifest m ON m.repository = r.id AND m.digest = t.digest WHERE r.name = ? AND t.name = ?
"""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest that a repository has; its bytes are read apart."""

    digest: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and the cursor after them ("" at the end)."""

    items: list[str]
    cursor: str


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


class Store:
    """Everything a registry keeps below one directory."""

    def __init__(self, root: Path) -> None:
        self._content = root / "content"
        self._uploads = root / "uploads"
        self._content.mkdir(parents=True, exist_ok=True)
        self._uploads.mkdir(exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            root / "index.sqlite3", check_same_thread=False, isolation_level=None, cached_statements=256
        )
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        self.close = weakref.finalize(self, self._database.close)

    # repositories

    def repositories(self, last: str, limit: int) -> Page:
        return self._page("SELECT name FROM repository WHERE name > ? ORDER BY name LIMIT ?", (last,), limit)

    def has_repository(self, name: str) -> bool:
        return self._repository(name) is not None

    # blobs

    def put_blob(self, repository: str, content: bytes, *, algorithm: str = "sha256") -> str:
        digest = digest_of(content, algorithm)
        self._write(digest, content)
        self._link_blob(repository, digest, len(content))
        return digest

    def blob_size(self, repository: str, digest: str) -> int | None:
        row = self._one(
            "SELECT b.size FROM blob b JOIN repository r ON r.id = b.repository WHERE r.name = ? AND b.digest = ?",
            (repository, digest),
        )
        return None if row is None else int(row[0])

    def content_path(self, digest: str) -> Path:
        algorithm, _, encoded = digest.partition(":")
        return self._content / algorithm / encoded[:2] / encoded

    def mount_blob(self, repository: str, digest: str, source: str) -> bool:
        """Whether `repository` now has a blob that `source` has."""
        size = self.blob_size(source, digest)
        if size is None:
            return False
        self._link_blob(repository, digest, size)
        return True

    def delete_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository had it; the content stays for the others."""
        return self._change("DELETE FROM blob WHERE repository = ? AND digest = ?", repository, digest)

    # uploads

    def start_upload(self, repository: str) -> str:
        upload = uuid.uuid4().hex
        (self._uploads / upload).touch()
        with self._lock:
            self._database.execute("INSERT INTO upload VALUES (?, ?)", (upload, self._make_repository(repository)))
        return upload

    def upload_size(self, repository: str, upload: str) -> int | None:
        row = self._one(
            "SELECT 1 FROM upload u JOIN repository r ON r.id = u.repository WHERE u.id = ? AND r.name = ?",
            (upload, repository),
        )
        return None if row is None else (self._uploads / upload).stat().st_size

    def append(self, upload: str, chunks: Iterable[bytes]) -> None:
        with (self._uploads / upload).open("ab") as file:
            for chunk in chunks:
                file.write(chunk)

    def finish_upload(self, repository: str, upload: str, digest: str) -> None:
        """The uploaded bytes are the blob `digest`; any other bytes are refused and thrown away."""
        path = self._uploads / upload
        with path.open("rb") as file:
            found = hashlib.file_digest(file, digest.partition(":")[0]).hexdigest()
        size = path.stat().st_size
        if found != digest.partition(":")[2]:
            self.cancel_upload(upload)
            raise StoreError("the content does not have the digest given", code="DIGEST_INVALID")
        target = self.content_path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        self._link_blob(repository, digest, size)
        self.cancel_upload(upload)

    def cancel_upload(self, upload: str) -> None:
        (self._uploads / upload).unlink(missing_ok=True)
        with self._lock:
            self._database.execute("DELETE FROM upload WHERE id = ?", (upload,))

    # manifests

    def put_manifest(
        self, repository: str, content: bytes, media_type: str | None = None, *, tags: Iterable[str] = (),
        digest: str | None = None, check: bool = False,
    ) -> tuple[str, str]:  # fmt: skip
        """Store a manifest and point tags at it; answers its digest and its subject's ("" without).

        `check` also refuses a manifest that refers to content the repository does not have, as a push does.
        """
        document = read_document(content, media_type)
        found = digest_of(content, digest.partition(":")[0] if digest else "sha256")
        if digest is not None and found != digest:
            raise StoreError("the content does not have the digest given", code="DIGEST_INVALID")
        tags = list(tags)
        for tag in tags:
            if not is_tag(tag):
                raise StoreError(f"{tag!r} is not a tag", code="MANIFEST_INVALID")
        if check:
            self._refuse_missing(repository, document.blobs, document.manifests)
        self._write(found, content)
        with self._transaction():
            owner = self._make_repository(repository)
            self._database.execute(
                "INSERT INTO manifest (repository, digest, media_type, size, artifact_type, subject, descriptor)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET media_type = excluded.media_type,"
                " descriptor = excluded.descriptor",
                (
                    owner, found, document.media_type, len(content), document.artifact_type, document.subject,
                    document.descriptor(found, len(content)),
                ),
            )  # fmt: skip
            for tag in tags:
                self._database.execute("INSERT OR REPLACE INTO tag VALUES (?, ?, ?)", (owner, tag, found))
        return found, document.subject

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        row = self._one(BY_DIGEST if is_digest(reference) else BY_TAG, (repository, reference))
        return None if row is None else StoredManifest(*row)

    def read(self, digest: str) -> bytes:
        return self.content_path(digest).read_bytes()

    def delete_manifest(self, repository: str, digest: str) -> bool:
        with self._transaction():
            self._change("DELETE FROM tag WHERE repository = ? AND digest = ?", repository, digest)
            return self._change("DELETE FROM manifest WHERE repository = ? AND digest = ?", repository, digest)

    def delete_tag(self, repository: str, tag: str) -> bool:
        return self._change("DELETE FROM tag WHERE repository = ? AND name = ?", repository, tag)

    def tags(self, repository: str, last: str, limit: int) -> Page:
        return self._page(
            "SELECT t.name FROM tag t JOIN repository r ON r.id = t.repository"
            " WHERE r.name = ? AND t.name > ? ORDER BY t.name LIMIT ?",
            (repository, last),
            limit,
        )

    def referrers(self, repository: str, subject: str, artifact_type: str | None, cursor: str, limit: int) -> Page:
        """Descriptors (JSON) of the manifests whose subject is this digest, oldest first."""
        rows = self._all(
            "SELECT m.id, m.descriptor FROM manifest m JOIN repository r ON r.id = m.repository"
            " WHERE r.name = ? AND m.subject != '' AND m.subject = ? AND m.id > ?"
            " AND (? IS NULL OR m.artifact_type = ?) ORDER BY m.id LIMIT ?",
            (repository, subject, int(cursor or 0), artifact_type, artifact_type, limit + 1),
        )
        more = str(rows[limit - 1][0]) if len(rows) > limit else ""
        return Page([row[1] for row in rows[:limit]], more)

    def subjects(self) -> list[tuple[str, str]]:
        """Every (repository, digest) that some manifest refers to."""
        rows = self._all(
            "SELECT DISTINCT r.name, m.subject FROM manifest m JOIN repository r ON r.id = m.repository"
            " WHERE m.subject != '' ORDER BY r.name, m.subject",
            (),
        )
        return [(row[0], row[1]) for row in rows]

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make many changes one transaction: seeding thousands of manifests takes seconds."""
        with self._transaction():
            yield

    # beneath

    def _write(self, digest: str, content: bytes) -> None:
        path = self.content_path(digest)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._uploads / uuid.uuid4().hex
        temporary.write_bytes(content)
        temporary.replace(path)

    def _refuse_missing(self, repository: str, blobs: Iterable[str], manifests: Iterable[str]) -> None:
        for digest in blobs:
            if self.blob_size(repository, digest) is None:
                raise StoreError(f"blob {digest} is unknown to this repository", code="MANIFEST_BLOB_UNKNOWN")
        for digest in manifests:
            if self.manifest(repository, digest) is None:
                raise StoreError(f"manifest {digest} is unknown to this repository", code="MANIFEST_BLOB_UNKNOWN")

    def _link_blob(self, repository: str, digest: str, size: int) -> None:
        with self._transaction():
            owner = self._make_repository(repository)
            self._database.execute("INSERT OR IGNORE INTO blob VALUES (?, ?, ?)", (owner, digest, size))

    def _repository(self, name: str) -> int | None:
        row = self._one("SELECT id FROM repository WHERE name = ?", (name,))
        return None if row is None else int(row[0])

    def _make_repository(self, name: str) -> int:
        found = self._repository(name)
        if found is not None:
            return found
        if not is_name(name):
            raise StoreError(f"{name!r} is not a repository name", code="NAME_INVALID")
        self._database.execute("INSERT OR IGNORE INTO repository (name) VALUES (?)", (name,))
        row = self._one("SELECT id FROM repository WHERE name = ?", (name,))
        assert row is not None
        return int(row[0])

    def _change(self, statement: str, repository: str, value: str) -> bool:
        with self._lock:
            owner = self._repository(repository)
            return owner is not None and self._database.execute(statement, (owner, value)).rowcount > 0

    def _page(self, statement: str, values: tuple[object, ...], limit: int) -> Page:
        rows = [row[0] for row in self._all(statement, (*values, limit + 1))]
        return Page(rows[:limit], rows[limit - 1] if len(rows) > limit and limit else "")

    def _one(self, statement: str, values: tuple[object, ...]) -> tuple[str, str, int] | None:
        with self._lock:
            row: tuple[str, str, int] | None = self._database.execute(statement, values).fetchone()
            return row

    def _all(self, statement: str, values: tuple[object, ...]) -> list[tuple[str, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
