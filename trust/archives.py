"""Archives that somebody uploads, read within bounds and without unpacking anything; and tars of ours, equal for equal content."""

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Self

from trust.notary.errors import quote

GZIP, ZIPS, ZIP_ENTRY = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06"), b"PK\x01\x02"
LARGEST_ARCHIVE = 8 * 1024 * 1024
LARGEST_UNPACKED = 32 * 1024 * 1024
LARGEST_FILE = 1024 * 1024
LARGEST_HEADER = 64 * 1024  # of a tar: a long name, or records about the next entry
MOST_ENTRIES = 10_000
LONGEST_NAME = 1024
FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
HEADERS = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME})
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for any amount of memory
_BROKEN = (  # what the readers raise on damaged bytes, beside errors of their own
    tarfile.TarError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip


class ArchiveError(Exception):
    """An archive cannot be read, or holds what none may hold; nothing of it was taken."""


def is_archive(content: bytes) -> bool:
    """Whether the bytes claim to be a tar, a compressed one or a zip."""
    return content[:2] == GZIP or content[:4] in ZIPS or content[257:262] == b"ustar"


def read_archive(content: bytes, wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], list[str]]:
    """The wanted files of an archive by name, and the names of the others, which are not read."""
    if len(content) > LARGEST_ARCHIVE:
        raise ArchiveError(f"The archive is larger than {LARGEST_ARCHIVE >> 20} MiB.")
    try:
        entries = _of_zip(content) if content[:4] in ZIPS else _of_tar(_unzipped(content))
        return _taken(entries, wanted)
    except _BROKEN as error:
        raise ArchiveError(
            "The archive is damaged, or of a kind that is not read here: use tar, tar.gz or zip."
        ) from error


type _Entry = tuple[str, int, Callable[[int], bytes]]  # name, size as it is said, and reading at most so many bytes


def _taken(entries: Iterator[_Entry], wanted: Callable[[str], bool]) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    others: dict[str, None] = {}
    left = LARGEST_UNPACKED
    for name, size, read in entries:
        if name in files or name in others:
            raise ArchiveError(f"The archive has {quote(name)} twice.")
        if not wanted(name):
            others[name] = None
            continue
        content = b"" if size > LARGEST_FILE else read(LARGEST_FILE + 1)
        if max(size, len(content)) > LARGEST_FILE:
            raise ArchiveError(f"{quote(name)} is larger than 1 MiB.")
        left -= len(content)
        if left < 0:
            raise ArchiveError(f"The archive unpacks to more than {LARGEST_UNPACKED >> 20} MiB.")
        files[name] = content
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
        raise EOFError("it ends early, or something follows")
    return unzipped


class _Member(tarfile.TarInfo):
    """An entry of a tar, refused by its header, before anything behind that is read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in FILES | HEADERS | {tarfile.DIRTYPE}:
            raise ArchiveError(f"{quote(member.name)} in the archive is a link or no regular file.")
        if member.type in HEADERS and not 0 <= member.size <= LARGEST_HEADER:
            raise ArchiveError(f"A header in the archive is larger than {LARGEST_HEADER >> 10} KiB.")
        return member


def _of_tar(content: bytes) -> Iterator[_Entry]:
    if b"GNU.sparse" in content:  # the module would read the whole map of such a file at once
        raise ArchiveError("The archive has sparse files.")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:", tarinfo=_Member) as archive:
        for number, member in enumerate(archive):
            _check_number(number)
            if member.size < 0:  # the next one would lie before it
                raise ArchiveError(f"{quote(member.name)} in the archive has no size.")
            name = checked_name(member.name)
            if not member.isdir():
                yield name, member.size, partial(_read_member, archive, member)
        if content[archive.offset :].strip(b"\0"):  # a damaged header is the end for the module, and no error
            raise EOFError("something that is no entry follows")


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    file = archive.extractfile(member)
    return file.read(most) if file else b""


def _of_zip(content: bytes) -> Iterator[_Entry]:
    _check_number(content.count(ZIP_ENTRY) - 1)  # each entry begins with it, and the module reads them all at once
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            name = checked_name(info.orig_filename if "\0" in info.orig_filename else info.filename.removesuffix("/"))
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
                raise ArchiveError(f"{quote(name)} in the archive is a link or no regular file.")
            if info.flag_bits & 1:
                raise ArchiveError(f"{quote(name)} in the archive is encrypted.")
            if info.compress_type not in COMPRESSIONS:
                raise ArchiveError(f"{quote(name)} in the archive is compressed in a way that is not read here.")
            if not info.is_dir():
                yield name, info.file_size, partial(_read_info, archive, info)


def _read_info(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(info) as file:
        return file.read(most)


def _check_number(number: int) -> None:
    """`number`: how many entries come before."""
    if number >= MOST_ENTRIES:
        raise ArchiveError(f"The archive has more than {MOST_ENTRIES:,} entries.")


def write_tar(files: Mapping[str, bytes]) -> bytes:
    """A tar of these files: the same content is the same bytes, wherever and whenever it is written."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o444
            archive.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()
