"""The files of a zip in memory: its directory is read, each file on demand, and nothing is unpacked beyond a limit."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

END, ENTRY, LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
LONGEST_COMMENT = 0xFFFF
STORED, DEFLATED = 0, 8
ENCRYPTED, UTF8 = 1, 1 << 11
UNIX = 3


class ZipError(Exception):
    """The bytes are no zip that is read here."""


@dataclass(frozen=True, slots=True)
class ZipFile:
    """One file as the directory has it; `mode` as on Unix, 0 where nobody said."""

    name: str
    mode: int
    is_encrypted: bool
    content: memoryview
    method: int
    size: int
    checksum: int

    def read(self, limit: int) -> bytes:
        """Its bytes, or as many as are one more than the limit."""
        if self.method == STORED:
            found = bytes(self.content[: limit + 1])
        else:
            found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.content, limit + 1)
        if len(found) <= limit and (len(found) != self.size or zlib.crc32(found) != self.checksum):
            raise ZipError("a file in it is damaged")
        return found


def files(content: bytes) -> Iterator[ZipFile]:
    """Every file in the order of the directory; folders are left out."""
    found = content.rfind(END, max(0, len(content) - _END.size - LONGEST_COMMENT))
    if found < 0 or found + _END.size > len(content):
        raise ZipError("it has no directory")
    _, disk, first_disk, here, total, size, position, _ = _END.unpack_from(content, found)
    if disk or first_disk or here != total or position + size > found:
        raise ZipError("its directory is elsewhere")
    for _ in range(total):
        entry, position = _entry(content, position, found)
        if not entry.name.endswith("/"):
            yield entry


def _entry(content: bytes, position: int, end: int) -> tuple[ZipFile, int]:
    """One entry of the directory, and where the next one begins."""
    if position + _ENTRY.size > end:
        raise ZipError("its directory ends early")
    (
        mark, made_by, _, flags, method, _, _, checksum, packed, size, name_length, extra, comment, _, _, attributes, offset,
    ) = _ENTRY.unpack_from(content, position)  # fmt: skip
    raw = content[position + _ENTRY.size : position + _ENTRY.size + name_length]
    if mark != ENTRY or method not in (STORED, DEFLATED) or len(raw) != name_length:
        raise ZipError("its directory cannot be read")
    name = raw.decode("utf-8" if flags & UTF8 else "ascii", "replace")
    mode = attributes >> 16 if made_by >> 8 == UNIX else 0
    found = ZipFile(name, mode, bool(flags & ENCRYPTED), _content(content, offset, packed, raw), method, size, checksum)
    return found, position + _ENTRY.size + name_length + extra + comment


def _content(content: bytes, offset: int, packed: int, name: bytes) -> memoryview:
    """The packed bytes behind the file's own header, which has to have the same name."""
    if offset + _LOCAL.size > len(content):
        raise ZipError("a file in it lies outside")
    mark, *_, name_length, extra = _LOCAL.unpack_from(content, offset)
    begin = offset + _LOCAL.size
    if mark != LOCAL or content[begin : begin + name_length] != name:
        raise ZipError("a file in it has two names")
    begin += name_length + extra
    if begin + packed > len(content):
        raise ZipError("a file in it lies outside")
    return memoryview(content)[begin : begin + packed]
