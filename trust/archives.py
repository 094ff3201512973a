"""Archives that somebody uploads, read within bounds and without unpacking anything; and tars of ours, equal for equal content."""

import io
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from registries.oci import archive
from registries.oci.errors import OciError
from trust import zip_files
from trust.notary.errors import quote
from trust.zip_files import ZipError

GZIP, ZIP = b"\x1f\x8b", b"PK"
LARGEST_ARCHIVE = 8 * 1024 * 1024
LARGEST_UNPACKED = 32 * 1024 * 1024
LARGEST_FILE = 1024 * 1024
MOST_ENTRIES = 10_000
LONGEST_NAME = 1024
_BROKEN = (OciError, ZipError, zlib.error)


class ArchiveError(Exception):
    """An archive cannot be read, or holds what none may hold; nothing of it was taken."""


def is_archive(content: bytes) -> bool:
    """Whether the bytes claim to be a tar, a compressed one or a zip."""
    return content[:2] == GZIP or content[:4] in (zip_files.LOCAL, zip_files.END) or content[257:262] == b"ustar"


def read_archive(content: bytes, wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], list[str]]:
    """The wanted files of an archive by name, and the names of the others, which are not read."""
    if len(content) > LARGEST_ARCHIVE:
        raise ArchiveError(f"The archive is larger than {LARGEST_ARCHIVE >> 20} MiB.")
    try:
        entries = _of_zip(content) if content[:2] == ZIP else _of_tar(_unzipped(content))
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
    if content[:2] != GZIP:
        return content
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    unzipped = stream.decompress(content, LARGEST_UNPACKED + 1)
    if len(unzipped) > LARGEST_UNPACKED:
        raise ArchiveError(f"The archive unpacks to more than {LARGEST_UNPACKED >> 20} MiB.")
    if not stream.eof or stream.unused_data:
        raise ZipError("it ends early, or something follows")
    return unzipped


def _of_tar(content: bytes) -> Iterator[_Entry]:
    for name, offset, size in archive.files(io.BytesIO(content), len(content), _tar_name):
        yield name, partial(_slice, content, offset, size)


def _tar_name(name: str, header: archive.Header) -> str:
    if header.kind == archive.FOLDER:
        return ""
    if header.kind not in (archive.FILE, archive.OLD_FILE):
        raise ArchiveError(f"{quote(name)} in the archive is a link or no regular file.")
    return name or "./"


def _slice(content: bytes, offset: int, size: int) -> bytes:
    return content[offset : offset + min(size, LARGEST_FILE + 1)]


def _of_zip(content: bytes) -> Iterator[_Entry]:
    for file in zip_files.files(content):
        if stat.S_IFMT(file.mode) not in (0, stat.S_IFREG):
            raise ArchiveError(f"{quote(file.name)} in the archive is a link or no regular file.")
        if file.is_encrypted:
            raise ArchiveError(f"{quote(file.name)} in the archive is encrypted.")
        yield file.name, partial(file.read, LARGEST_FILE)


def write_tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of these files: the same content is the same bytes, wherever and whenever it is written."""
    return b"".join(archive.entry(name, files[name]) for name in sorted(files)) + archive.END
