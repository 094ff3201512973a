"""OCI image layouts in a tar: read in place without unpacking anything, and written so that equal content is equal bytes."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from registries.oci.digest import Digest
from registries.oci.errors import LayoutError, LimitError
from registries.oci.layout import Layout

BLOCK = 512
MAX_ENTRIES = 100_000
MAX_EXTENDED = 64 * 1024  # bytes of an extended header
_OCTAL = re.compile(rb"[0-7]{0,12}")
_PART = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._+-]{1,255}", re.ASCII)
# Kinds of entries, as POSIX (pax) and GNU name them.
FILE, OLD_FILE, FOLDER, EXTENDED, EXTENDED_GLOBAL, GNU_LONG_NAME = b"0", b"\0", b"5", b"x", b"g", b"L"
_KNOWN_RECORDS = frozenset({"path", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"})


def layout_at(path: Path, repository: str) -> Layout:
    """The layout that a directory or a tar is."""
    return TarLayout(path, repository) if path.is_file() else Layout(path, repository)


def is_layout(path: Path) -> bool:
    """Whether a path is one that a layout may lie at, rather than the name of something in a registry."""
    return path.is_dir() or is_tar(path)


def is_tar(path: Path) -> bool:
    """Whether a file claims to be an archive that is read here."""
    return path.suffix == ".tar" and path.is_file()


class TarLayout(Layout):
    """An image layout in an uncompressed tar, standing for one repository. Its names are looked up, never made into paths."""

    @contextmanager
    def _stream(self, path: tuple[str, ...]) -> Iterator[tuple[BinaryIO, int]]:
        name = "/".join(path)
        if name not in self._entries_by_name:
            raise LayoutError(f"the layout has no {name}", code="not_found")
        offset, size = self._entries_by_name[name]
        with self._opened() as file:
            file.seek(offset)
            yield file, size

    def _opened(self) -> io.BufferedReader:
        try:
            return os.fdopen(os.open(self.root, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
        except OSError as error:
            raise LayoutError(f"the archive cannot be opened: {error.strerror}") from error

    @cached_property
    def _entries_by_name(self) -> dict[str, tuple[int, int]]:
        """Where each file lies: one pass over the headers, which reads no content."""
        found: dict[str, tuple[int, int]] = {}
        with self._opened() as file:
            for name, offset, size in _files(file, os.fstat(file.fileno()).st_size):
                if name in found:
                    raise LayoutError(f"the archive has {name} twice")
                found[name] = offset, size
        return found


def _files(file: io.BufferedReader, length: int) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of every regular file; anything but files and folders is refused."""
    extended: dict[str, str] = {}
    for _ in range(MAX_ENTRIES):
        block = file.read(BLOCK)
        if len(block) < BLOCK or not block.strip(b"\0"):
            return
        header = _header(block)
        size = _number(extended.pop("size")) if "size" in extended and header.kind in (FILE, OLD_FILE) else header.size
        offset = file.tell()
        if not 0 <= size <= length - offset:
            raise LayoutError("the archive ends before its last file does")
        if header.kind == EXTENDED:
            extended = _records(file.read(_small(size)))
        elif header.kind == GNU_LONG_NAME:
            extended = {"path": file.read(_small(size)).rstrip(b"\0").decode("utf-8", "replace")}
        elif header.kind == EXTENDED_GLOBAL:
            if {"path", "size"} & _records(file.read(_small(size))).keys():
                raise LayoutError("the archive gives all its files one name or size")
        else:
            name = _checked_name(extended.pop("path", header.name), header)
            extended = {}
            if name:
                yield name, offset, size
        file.seek(offset + -(-size // BLOCK) * BLOCK)
    raise LimitError(f"the archive has more than {MAX_ENTRIES:,} entries")


@dataclass(frozen=True, slots=True)
class Header:
    """What the 512 bytes before an entry say of it."""

    name: str
    size: int
    kind: bytes


def _header(block: bytes) -> Header:
    if _octal(block[148:156]) != _checksum(block):
        raise LayoutError("this is no tar; a compressed one has to be unpacked to a tar first")
    name, kind = _text(block[:100]), block[156:157]
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        name = f"{prefix}/{name}"
    if kind == OLD_FILE and name.endswith("/"):
        kind = FOLDER
    return Header(name, 0 if kind == FOLDER else _octal(block[124:136]), kind)


def _checksum(block: bytes) -> int:
    """The sum of the bytes of a header, those of the sum itself counted as blanks."""
    return sum(block[:148]) + sum(block[156:]) + 8 * 32


def _octal(content: bytes) -> int:
    digits = content.strip(b" \0")
    if not _OCTAL.fullmatch(digits):  # GNU's binary numbers are for files of more than 8 GiB
        raise LayoutError("a header of the archive cannot be read")
    return int(digits or b"0", 8)


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("utf-8", "replace")


def _small(size: int) -> int:
    if size > MAX_EXTENDED:
        raise LimitError(f"an extended header has more than {MAX_EXTENDED} bytes")
    return size


def _records(content: bytes) -> dict[str, str]:
    """The records of an extended header: `length key=value` and a newline each."""
    found: dict[str, str] = {}
    while content.strip(b"\0"):
        text, space, _ = content[:12].partition(b" ")
        length = _number(text.decode("ascii", "replace"))
        record = content[len(text) + 1 : length]
        key, equals, value = record[:-1].partition(b"=")
        if not space or not equals or record[-1:] != b"\n" or length > len(content):
            raise LayoutError("an extended header of the archive cannot be read")
        name = key.decode("utf-8", "replace")
        if name not in _KNOWN_RECORDS and name.startswith("GNU.sparse"):
            raise LayoutError("the archive has sparse files")
        found[name] = value.decode("utf-8", "replace")
        content = content[length:]
    return found


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise LayoutError("an extended header of the archive cannot be read")
    return int(text)


def _checked_name(name: str, header: Header) -> str:
    """The name of a file; empty for a folder. A name that climbs, or something that is no file, spoils the whole archive."""
    name = name.removeprefix("./").rstrip("/")
    if header.kind == FOLDER:
        return ""
    if header.kind not in (FILE, OLD_FILE):
        raise LayoutError(f"the archive holds something that is no regular file: {name[:100]!a}")
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        raise LayoutError(f"the archive holds a file with a name that no layout has: {name[:100]!a}")
    return name


# writing

END = b"\0" * (2 * BLOCK)


def entry(name: str, content: bytes) -> bytes:
    """One file of a tar; the same bytes whenever and wherever it is written."""
    return header(name, len(content)) + content + padding(len(content))


def header(name: str, size: int) -> bytes:
    """What comes before the content of a file; `padding` comes after it."""
    if len(name) <= 100:
        return _block(name, size, FILE)
    record = _record("path", name)
    extended = _block("PaxHeaders/name", len(record), EXTENDED) + record + padding(len(record))
    return extended + _block(name[:100], size, FILE)


def padding(size: int) -> bytes:
    return b"\0" * (-size % BLOCK)


def _block(name: str, size: int, kind: bytes) -> bytes:
    def number(value: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, value)

    fields = [
        name.encode("ascii").ljust(100, b"\0"), number(0o444, 8), number(0, 8), number(0, 8), number(size, 12),
        number(0, 12), b" " * 8, kind, b"\0" * 100, b"ustar\x0000",
    ]  # fmt: skip
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % _checksum(block) + block[156:]


def _record(key: str, value: str) -> bytes:
    """A record of an extended header, whose length counts its own digits."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.encoded}"
