"""A reader of DER, as strict as Go's cryptobyte: definite minimal lengths, one-byte tags, minimal integers."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, T61_STRING, IA5_STRING, BMP_STRING = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1E
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
NOTHING = b"\x05\x00"
"The one encoding of NULL."
_TIMES = {
    UTC_TIME: re.compile(rb"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})?(Z|[+-][0-9]{4})"),
    GENERALIZED_TIME: re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(Z|[+-][0-9]{4})"),
}
_PRECISE_TIME = re.compile(
    rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{0,8}[1-9]))?(Z|[+-][0-9]{4})"
)
_LARGEST_OID_PART = 1 << 31
_LONGEST_OID = 256  # bytes; those in use have some ten


class DerError(ValueError):
    """The bytes are not the DER that is expected there."""


def context(number: int, *, constructed: bool = False) -> int:
    """The tag byte of a context-specific tag."""
    return 0x80 | (0x20 if constructed else 0) | number


class Reader:
    """Reads one DER element after the other."""

    __slots__ = ("content", "position")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0

    @property
    def empty(self) -> bool:
        return self.position >= len(self.content)

    def peek(self) -> int:
        """The tag of the next element; -1 at the end."""
        return -1 if self.empty else self.content[self.position]

    def any(self) -> tuple[int, bytes, bytes]:
        """The next element: its tag, its content, and the whole of it."""
        start = self.position
        head = self.content[start : start + 6]
        if len(head) < 2 or head[0] & 0x1F == 0x1F:
            raise DerError("an element is cut short or has a long tag")
        begin, length = 2, head[1]
        if length & 0x80:
            count = length & 0x7F
            octets = head[2 : 2 + count]
            length = int.from_bytes(octets)
            if not 1 <= count <= 4 or len(octets) < count or octets[0] == 0 or length < 0x80:
                raise DerError("an element's length is not in its shortest form")
            begin += count
        end = start + begin + length
        if end > len(self.content):
            raise DerError("an element is longer than what holds it")
        self.position = end
        return head[0], self.content[start + begin : end], self.content[start:end]

    def read(self, tag: int) -> bytes:
        """The content of the next element, which must have that tag."""
        found, content, _ = self.any()
        if found != tag:
            raise DerError(f"an element has the tag {found:#04x} instead of {tag:#04x}")
        return content

    def element(self, tag: int) -> bytes:
        """The whole next element, which must have that tag."""
        start = self.position
        self.read(tag)
        return self.content[start : self.position]

    def inside(self, tag: int = SEQUENCE) -> "Reader":
        """A reader of what the next element holds."""
        return Reader(self.read(tag))

    def optional(self, tag: int) -> bytes | None:
        """The content of the next element if it has that tag."""
        return self.read(tag) if self.peek() == tag else None

    def integer(self, tag: int = INTEGER) -> int:
        content = self.read(tag)
        if not content or (len(content) > 1 and content[0] in {0x00, 0xFF} and (content[0] ^ content[1]) < 0x80):
            raise DerError("an integer is not in its shortest form")
        return int.from_bytes(content, signed=True)

    def boolean(self) -> bool:
        content = self.read(BOOLEAN)
        if content not in {b"\x00", b"\xff"}:
            raise DerError("a boolean is neither true nor false")
        return content == b"\xff"

    def bits(self) -> tuple[bytes, int]:
        """A bit string: its bytes, and how many bits at the end are not part of it."""
        content = self.read(BIT_STRING)
        if (
            not content
            or content[0] > 7
            or (content[0] and (len(content) == 1 or content[-1] & ((1 << content[0]) - 1)))
        ):
            raise DerError("a bit string's padding is wrong")
        return content[1:], content[0]

    def aligned_bits(self) -> bytes:
        """A bit string as bytes, aligned to the right, as Go reads signatures and keys."""
        content, padding_bits = self.bits()
        return (int.from_bytes(content) >> padding_bits).to_bytes(len(content)) if padding_bits else content

    def oid(self) -> str:
        """An object identifier in dotted form."""
        return dotted(self.read(OID))

    def time(self) -> datetime:
        """A UTCTime or GeneralizedTime."""
        tag, content, _ = self.any()
        match = _TIMES[tag].fullmatch(content) if tag in _TIMES else None
        if not match:
            raise DerError("a time is in no form that certificates use")
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        if tag == UTC_TIME:
            year += 1900 if year >= 50 else 2000
        try:
            local = datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[7]))
            return local if local.tzinfo is UTC else local.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise DerError("a time is not in any calendar") from error

    def precise_time(self) -> tuple[datetime, bool]:
        """A GeneralizedTime with its fraction, and whether that fraction is finer than the microseconds returned."""
        match = _PRECISE_TIME.fullmatch(self.read(GENERALIZED_TIME))
        if not match:
            raise DerError("a time is in no form that timestamps use")
        year, month, day, hour, minute, second = map(int, match.groups()[:6])
        fraction = (match[7] or b"").ljust(9, b"0")
        try:
            local = datetime(year, month, day, hour, minute, second, int(fraction[:6]), _zone(match[8]))
            moment = local.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise DerError("a time is not in any calendar") from error
        return moment, fraction[6:] != b"000"


@lru_cache(maxsize=1024)  # few are in use, each of them everywhere
def dotted(content: bytes) -> str:
    """The object identifier as text."""
    if len(content) > _LONGEST_OID:
        raise DerError(f"an object identifier has more than {_LONGEST_OID} bytes")
    parts: list[int] = []
    value = 0
    fresh = True
    for octet in content:
        if (fresh and octet == 0x80) or value >= _LARGEST_OID_PART >> 7:
            raise DerError("an object identifier is malformed")
        value = value << 7 | octet & 0x7F
        fresh = octet < 0x80
        if fresh:
            parts += [value] if parts else [min(value // 40, 2), value - 40 * min(value // 40, 2)]
            value = 0
    if not content or not fresh:
        raise DerError("an object identifier is cut short")
    return ".".join(map(str, parts))


def _zone(text: bytes) -> timezone:
    if text == b"Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    if not offset or int(text[3:5]) > 59:
        raise ValueError("no such offset")  # an offset of nothing is written as Z
    return timezone(-offset if text.startswith(b"-") else offset)
