"""Archives that somebody uploads, read within bounds and without unpacking anything; and tars of ours, equal for equal content."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import IO

from trust.notary.errors import quote

LARGEST_ARCHIVE = 8 * 1024 * 1024
LARGEST_UNPACKED = 32 * 1024 * 1024
LARGEST_FILE = 1024 * 1024
MOST_ENTRIES = 10_000
LONGEST_NAME = 1024
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error,
    EOFError, LookupError, NotImplementedError, OSError, RuntimeError, ValueError,
)  # fmt: skip


class ArchiveError(Exception):
    """An archive cannot be read, or holds what none may hold; nothing of it was taken."""


def is_archive(content: bytes) -> bool:
    """Whether the bytes claim to be a tar, a compressed one or a zip."""
    return content[:2] == b"\x1f\x8b" or content[:4] in (b"PK\x03\x04", b"PK\x05\x06") or content[257:262] == b"ustar"


def read_archive(content: bytes, wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], list[str]]:
    """The wanted files of an archive by name, and the names of the others, which are not read."""
    if len(content) > LARGEST_ARCHIVE:
        raise ArchiveError(f"The archive is larger than {LARGEST_ARCHIVE >> 20} MiB.")
    try:
        entries = _of_zip(content) if content[:2] == b"PK" else _of_tar(_unzipped(content))
        return _taken(entries, wanted)
    except _BROKEN as error:
        raise ArchiveError(
            "The archive is damaged, or of a kind that is not read here: use tar, tar.gz or zip."
        ) from error


type _Entry = tuple[str, Callable[[], bytes]]


def _taken(entries: Iterator[_Entry], wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    others: dict[str, None] = {}
    total = 0
    for number, (written, read) in enumerate(entries):
        if number >= MOST_ENTRIES:
            raise ArchiveError(f"The archive has more than {MOST_ENTRIES:,} entries.")
        name = checked_name(written)
        if name in files or name in others:
            raise ArchiveError(f"The archive has {quote(name)} twice.")
        if not wanted(name):
            others[name] = None
            continue
        files[name] = read()
        total += len(files[name])
        if len(files[name]) > LARGEST_FILE:
            raise ArchiveError(f"{quote(name)} is larger than 1 MiB.")
        if total > LARGEST_UNPACKED:
            raise ArchiveError(f"The archive unpacks to more than {LARGEST_UNPACKED >> 20} MiB.")
    return files, list(others)


def checked_name(name: str) -> str:
    """The name of an entry as a path below the archive's own folder; ArchiveError for one that leads elsewhere."""
    parts = [part for part in name.split("/") if part != "."]
    if not name or len(name) > LONGEST_NAME or not all(parts) or ".." in parts:
        raise ArchiveError(f"The archive has an entry {quote(name)}, which is no path below its own folder.")
    if "\\" in name or ":" in parts[0] or not name.isprintable():
        raise ArchiveError(f"The archive has an entry {quote(name)}: such names are not taken.")
    return "/".join(parts)


def _unzipped(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unzipped = file.read(LARGEST_UNPACKED + 1)
    if len(unzipped) > LARGEST_UNPACKED:
        raise ArchiveError(f"The archive unpacks to more than {LARGEST_UNPACKED >> 20} MiB.")
    return unzipped


def _of_tar(content: bytes) -> Iterator[_Entry]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for entry in archive:
            if entry.isdir():
                continue
            if not entry.isreg() or entry.issparse():
                raise ArchiveError(f"{quote(entry.name)} in the archive is a link or no regular file.")
            yield entry.name, lambda entry=entry: _read(archive.extractfile(entry), entry.size)  # type: ignore[misc]


def _of_zip(content: bytes) -> Iterator[_Entry]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise ArchiveError(f"{quote(entry.filename)} in the archive is a link or no regular file.")
            if entry.flag_bits & 1:
                raise ArchiveError(f"{quote(entry.filename)} in the archive is encrypted.")
            yield entry.filename, lambda entry=entry: _read(archive.open(entry), entry.file_size)  # type: ignore[misc]


def _read(file: IO[bytes] | None, size: int) -> bytes:
    """What is in a file, up to one byte more than may be: no more is ever unpacked."""
    if file is None or size > LARGEST_FILE:
        return b"\0" * (LARGEST_FILE + 1)
    with file:
        return bytes(file.read(LARGEST_FILE + 1))


def write_tar(files: Mapping[str, bytes], at: datetime) -> bytes:
    """A tar of these files, all as of one instant: the same content is the same bytes, wherever it is written."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(files[name]), 0o600, int(at.timestamp())
            archive.addfile(entry, io.BytesIO(files[name]))
    return written.getvalue()
