"""HTTP/1.1 (RFC 9112) over one connection: a request is written, its answer read strictly.

What two readers could take for two things, and what only a lenient one would take, is refused: two lengths, a length beside chunks,
folded lines, bare line feeds, control characters, a body that ends early. Every byte is counted against the request's allowance.
"""

import re
from collections.abc import Iterator, Mapping

from registries.oci.errors import RegistryError
from registries.pinning import Allowance, BrokenError, Stream, WireError

MAX_HEAD = 64 * 1024  # bytes of an answer's status line and fields, or of its trailers
MAX_FIELDS = 256
MAX_CHUNK_LINE = 1024
READ = 64 * 1024  # bytes at a time
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_TEXT = r"[^\x00-\x08\x0a-\x1f\x7f]*+"
_LINE = rf"{_NAME}:{_TEXT}\r\n"
_FIELD = re.compile(_LINE, re.ASCII)
_HEAD = re.compile(rf"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: {_TEXT})?\r\n((?:{_LINE})*+)\r\n", re.ASCII)
_CHUNK = re.compile(rf"([0-9A-Fa-f]{{1,15}})(?:[\t ]*+;{_TEXT})?\r\n", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_FIELD_NAME = re.compile(_NAME, re.ASCII)
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_TARGET = re.compile(r"/[\x21-\x7e]*", re.ASCII)
WITHOUT_BODY = frozenset({204, 304})
SWITCHING_PROTOCOLS = 101


class NotHttpError(WireError):
    """What came is not HTTP as the standard has it."""


def request_head(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """The request without its body; nothing in it ends a line early."""
    if not (_METHOD.fullmatch(method) and _TARGET.fullmatch(target)):
        raise RegistryError(
            f"{host} cannot be asked: {method[:20]!a} {target[:200]!a} is no request", code="unreachable"
        )
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    for name, value in headers.items():
        if not (_FIELD_NAME.fullmatch(name) and _FIELD_VALUE.fullmatch(value)):
            raise RegistryError(f"{host} cannot be asked: {name[:40]!a} is no header", code="unreachable")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii")


class Reader:
    """The bytes of one answer, as they come."""

    def __init__(self, stream: Stream, host: str, allowance: Allowance) -> None:
        self._stream, self._host, self._allowance = stream, host, allowance
        self._held, self._at = b"", 0

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._held)

    def some(self, most: int) -> bytes:
        """Some bytes, what is held first; none at the end of the connection."""
        if self.is_empty:
            return self._receive(most)
        content = self._held[self._at : self._at + most]
        self._at += len(content)
        return content

    def exactly(self, number: int) -> Iterator[bytes]:
        while number:
            content = self.some(number)
            if not content:
                raise BrokenError("it was closed in the middle of an answer")
            number -= len(content)
            yield content

    def through(self, end: bytes, most: int, begin: bytes = b"") -> str:
        """The text up to and with `end`, at most so many bytes of it, which begins with `begin`."""
        seen = 0
        while True:
            held = len(self._held) - self._at
            if not begin.startswith(self._held[self._at : self._at + len(begin)]):
                raise NotHttpError("it begins with something else")
            at = self._held.find(end, self._at + seen)
            if (at + len(end) - self._at if at >= 0 else held) > most:
                raise NotHttpError(f"more than {most} bytes without the end of a line or of the header")
            if at >= 0:
                content = self._held[self._at : at + len(end)]
                self._at = at + len(end)
                return _text(content)
            if _BARE_LINE_FEED.search(self._held, self._at + seen):
                raise NotHttpError("a line ends in a bare line feed")
            seen = max(0, held - len(end) + 1)
            self._held, self._at = self._held[self._at :] + self._more(held), 0

    def _more(self, held: int) -> bytes:
        content = self._receive(READ)
        if not content:
            raise BrokenError("it was closed in the middle of an answer" if held else "it was closed without an answer")
        return content

    def _receive(self, most: int) -> bytes:
        content = self._stream.read(min(most, READ), self._allowance.left())
        if not self._allowance.came(len(content)):  # endless headers or interim answers, or more framing than content
            raise RegistryError(f"{self._host} sends more than is read here, headers included", code="too_large")
        return content

    # how a body may be framed

    def to_the_end(self) -> Iterator[bytes]:
        while content := self.some(READ):
            yield content

    def chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self.exactly(size)
            if b"".join(self.exactly(2)) != b"\r\n":
                raise NotHttpError("a chunk does not end where its size says")
        left = MAX_HEAD
        while (line := self.through(b"\r\n", left)) != "\r\n":
            left -= len(line)
            if not _FIELD.fullmatch(line):
                raise NotHttpError("what follows the last chunk is no trailer")

    def _chunk_size(self) -> int:
        line = _CHUNK.fullmatch(self.through(b"\r\n", MAX_CHUNK_LINE))
        if not line:
            raise NotHttpError("a chunk does not begin with its size")
        return int(line[1], 16)


class Reply:
    """The answer to one request; its body is yet to be read."""

    def __init__(self, stream: Stream, host: str, allowance: Allowance, *, to_head: bool) -> None:
        self._reader = Reader(stream, host, allowance)
        while True:
            self._version, self.status, self.fields = self._head()
            if self.status >= 200:
                break
            if self.status == SWITCHING_PROTOCOLS:
                raise NotHttpError("it changes to another protocol, which nobody asked for")
        self.may_go_on = self._version == "1" and "close" not in self._tokens("connection")
        "Whether another answer may follow on this connection, once the body was read."
        self._is_chunked, self._length = self._framing()
        if to_head or self.status in WITHOUT_BODY:
            self._is_chunked, self._length = False, 0

    def pieces(self) -> Iterator[bytes]:
        """The body as it is, in pieces."""
        if self._is_chunked:
            yield from self._reader.chunks()
        elif self._length is None:
            self.may_go_on = False
            yield from self._reader.to_the_end()
        else:
            yield from self._reader.exactly(self._length)
        # What follows was not asked for: whoever went on would take it for the next answer.
        self.may_go_on = self.may_go_on and self._reader.is_empty

    def _head(self) -> tuple[str, int, tuple[tuple[str, str], ...]]:
        found = _HEAD.fullmatch(self._reader.through(b"\r\n\r\n", MAX_HEAD, begin=b"HTTP/1."))
        if not found:
            raise NotHttpError("no status line and header fields")
        lines = found[3].split("\r\n")[:-1]
        if len(lines) > MAX_FIELDS:
            raise NotHttpError(f"more than {MAX_FIELDS} header fields")
        fields = (line.partition(":") for line in lines)
        return found[1], int(found[2]), tuple((name.lower(), value.strip(" \t")) for name, _, value in fields)

    def _framing(self) -> tuple[bool, int | None]:
        """Whether the body comes in chunks, and else its length; None: it ends with the connection."""
        lengths = {
            text.strip(" \t") for name, value in self.fields if name == "content-length" for text in value.split(",")
        }
        codings = self._tokens("transfer-encoding")
        if codings:
            if lengths or codings != ["chunked"] or self._version == "0":
                raise NotHttpError("its body has no framing that can be trusted")
            return True, None
        if not lengths:
            return False, None
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise NotHttpError("its length is no number, or two")
        return False, int(length)

    def _tokens(self, field: str) -> list[str]:
        return [text.strip(" \t").lower() for name, value in self.fields if name == field for text in value.split(",")]


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
