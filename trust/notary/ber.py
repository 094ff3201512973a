"""BER brought into DER as notation does it: every length in its shortest form, everything else as it was."""

from trust.notary.errors import LimitError

MAX_SIZE = 1 << 20
MAX_DEPTH = 32
MAX_ELEMENTS = 20_000  # a timestamp token has some hundreds
_LONGEST_LENGTH = 4


class BerError(ValueError):
    """The bytes are not one BER element of definite lengths."""


def to_der(content: bytes) -> bytes:
    """The one element that `content` is; raises BerError, or LimitError before much work is done."""
    if len(content) > MAX_SIZE:
        raise LimitError(f"it has {len(content)} bytes; at most {MAX_SIZE} are read")
    converter = _Converter(content)
    result = converter.element(len(content), 0)
    if converter.position != len(content):
        raise BerError("bytes follow the element")
    return result


def element(tag: int, content: bytes) -> bytes:
    """The DER element with that one-byte tag."""
    return _length(bytes([tag]), content)


class _Converter:
    """Walks through one element."""

    __slots__ = ("content", "elements", "position")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0
        self.elements = 0

    def element(self, limit: int, depth: int) -> bytes:
        """The element at the position, which ends before `limit`; the position moves behind it."""
        self.elements += 1
        if depth >= MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise LimitError(f"it is nested deeper than {MAX_DEPTH} or has more than {MAX_ELEMENTS} elements")
        identifier = self._identifier(limit)
        end = self._end(limit)
        if identifier[0] & 0x20:
            parts = []
            while self.position < end:
                parts.append(self.element(end, depth + 1))
            return _length(identifier, b"".join(parts))
        start, self.position = self.position, end
        return _length(identifier, self.content[start:end])

    def _identifier(self, limit: int) -> bytes:
        start = self.position
        first = self._octet(limit)
        if first & 0x1F == 0x1F:
            while self._octet(limit) & 0x80:
                pass
        return self.content[start : self.position]

    def _end(self, limit: int) -> int:
        length = self._octet(limit)
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= _LONGEST_LENGTH:
                raise BerError("an element's length is indefinite or too long")
            octets = self.content[self.position : self.position + count]
            length = int.from_bytes(octets)
            self.position += count
            if self.position >= limit:
                raise BerError("an element is cut short")
        if length > limit - self.position:
            raise BerError("an element is longer than what holds it")
        return self.position + length

    def _octet(self, limit: int) -> int:
        if self.position >= limit:
            raise BerError("an element is cut short")
        self.position += 1
        return self.content[self.position - 1]


def _length(identifier: bytes, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return b"%b%c%b" % (identifier, size, content)
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return b"%b%c%b%b" % (identifier, 0x80 | len(octets), octets, content)
