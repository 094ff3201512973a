"""HTTP/1.1 over one connection: a request is written, its answer read; every byte counts against the request's allowance.

llhttp (through httptools), which Node reads HTTP with, takes answers apart as strictly as it can. Where a body begins and ends is
refused here too, wherever two readers could disagree. That lines of a head may be folded does no harm to a client that asks one
server on one connection.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.pinning import Allowance, BrokenError, Stream, WireError

MAX_HEAD = 64 * 1024  # bytes of an answer's head, interim answers included, or of its trailers
MAX_FIELDS = 256
BEGIN = b"HTTP/"
READ = 64 * 1024  # bytes at a time
WRITE = 64 * 1024  # bytes at least, where there are more
BODILESS = frozenset({204, 304})
UPGRADE = "it changes to another protocol, which nobody asked for"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_TARGET = re.compile(r"[!-~]+", re.ASCII)
_VALUE = re.compile(r"[ -~]*", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class NotHttpError(WireError):
    """What came is not HTTP as the standard has it."""


class Exchange:
    """One request and its answer; the body is yet to be read."""

    def __init__(self, stream: Stream, host: str, allowance: Allowance) -> None:
        self._stream, self._host, self._allowance = stream, host, allowance
        self._sent = self._ended = False  # whether all was sent, and whether nothing will come any more
        self._begins = BEGIN  # what is yet to come of an answer's first bytes
        self._framing = 0  # bytes since anything of a body came

    def ask(
        self, method: str, target: str, authority: str, headers: Mapping[str, str], content: Outgoing | None
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Send the request; answers the status and the header fields, names in lower case."""
        with suppress(
            BrokenError
        ):  # whoever refuses what he did not read to its end may have answered before he closed
            self._send(method, target, {"Host": authority, **headers}, content)
        self._heard = _Heard(has_body=method != "HEAD")
        while not self._heard.has_head:
            self._hear()
        return self._heard.status, tuple(self._heard.fields)

    def pieces(self) -> Iterator[bytes]:
        """The body as it is, in pieces; one that ends early raises BrokenError."""
        heard = self._heard
        while heard.pieces or not heard.is_whole:
            if heard.pieces:
                yield heard.pieces.popleft()
            else:
                self._hear()
        heard.forget()

    @property
    def may_go_on(self) -> bool:
        """Whether another request may follow on this connection, once the body was read.

        What came beyond it was not asked for: whoever went on would take it for the next answer.
        """
        heard = self._heard
        return self._sent and not self._ended and heard.is_whole and heard.stays_open and not heard.has_more

    def _send(self, method: str, target: str, fields: Mapping[str, str], content: Outgoing | None) -> None:
        held = self._head(method, target, fields)
        left = content.size if content else 0
        for piece in content or ():
            left -= len(piece)
            if left < 0:
                break
            held += piece
            if len(held) >= WRITE:
                self._stream.write(held, self._allowance.left())
                held = b""
        if left:
            raise self._unaskable("its content has not the length that is announced")
        self._stream.write(held, self._allowance.left())
        self._sent = True

    def _head(self, method: str, target: str, fields: Mapping[str, str]) -> bytes:
        if not (_TOKEN.fullmatch(method) and _TARGET.fullmatch(target)):
            raise self._unaskable(f"{method!a} {target!a}")
        for name, value in fields.items():
            if not (_TOKEN.fullmatch(name) and _VALUE.fullmatch(value)):
                raise self._unaskable(f"the header field {name!a}")  # its value may be a secret
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _unaskable(self, what: str) -> RegistryError:
        return RegistryError(f"{self._host} cannot be asked this: {what}", code="unreachable")

    def _hear(self) -> None:
        """Read what comes next into `_heard`."""
        content = self._stream.read(READ, self._allowance.left())
        if not self._allowance.came(len(content)):  # endless headers or interim answers, or more framing than content
            raise RegistryError(f"{self._host} sends more than is read here, headers included", code="too_large")
        if not content:
            self._ended = True
            self._heard.end(begun=self._begins != BEGIN)
            return
        if content[: len(self._begins)] != self._begins[: len(content)]:  # the parser might wait for the end of a line
            raise NotHttpError("it begins with something else")
        self._begins = self._begins[len(content) :]
        self._heard.hear(content)
        self._framing = 0 if self._heard.pieces else self._framing + len(content)
        if self._framing > MAX_HEAD and not self._heard.is_whole:
            raise NotHttpError(f"its head or its trailers are larger than {MAX_HEAD} bytes")


class _Heard:
    """What of an answer came so far; the parser calls the methods `on_…`."""

    def __init__(self, *, has_body: bool) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self.pieces: deque[bytes] = deque()
        self.has_head = self.is_whole = False
        self.has_more = False  # something that belongs to no answer which was asked for
        self.stays_open = False
        self._has_body, self._ends_with_connection = has_body, False
        self._fault = ""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)

    def hear(self, content: bytes) -> None:
        assert self._parser
        try:
            self._parser.feed_data(content)
        except HttpParserUpgrade as error:
            raise NotHttpError(UPGRADE) from error
        except HttpParserError as error:
            if not self.is_whole:
                raise NotHttpError(self._fault or str(error)) from error
            self.has_more = True
        if self._fault:
            raise NotHttpError(self._fault)

    def end(self, *, begun: bool) -> None:
        """Nothing more will come."""
        if not self._ends_with_connection:
            raise BrokenError(f"it was closed {'in the middle of' if begun else 'without'} an answer")
        self.is_whole = True

    def forget(self) -> None:
        """Let go of the parser, which knows us: garbage that knows itself is collected late."""
        self._parser = None

    def on_message_begin(self) -> None:
        self.has_more = self.is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.has_head:
            return  # a trailer, or the head of what nobody asked for
        if len(self.fields) >= MAX_FIELDS:
            self._fault = f"more than {MAX_FIELDS} header fields"
        else:
            self.fields.append((name.decode("ascii").lower(), _text(value.strip(b" \t"))))

    def on_headers_complete(self) -> None:
        assert self._parser
        if self.has_head:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self.fields.clear()
            return
        self.status, self.has_head = status, True
        version = self._parser.get_http_version()
        self._fault = self._fault or _fault_of(status, version, self.fields)
        named = dict(self.fields)
        self.is_whole = not self._has_body or status in BODILESS
        self._ends_with_connection = not (self.is_whole or {"content-length", "transfer-encoding"} & named.keys())
        options = {
            option.strip().lower() for name, value in self.fields if name == "connection" for option in value.split(",")
        }
        self.stays_open = version == "1.1" and "close" not in options and not self._ends_with_connection

    def on_body(self, content: bytes) -> None:
        if self.is_whole:
            self.has_more = True
        else:
            self.pieces.append(content)

    def on_message_complete(self) -> None:
        self.is_whole = self.has_head


def _fault_of(status: int, version: str, fields: list[tuple[str, str]]) -> str:
    """Why one cannot rely on where the body of this answer begins and ends; "" if one can."""
    if status == 101:
        return UPGRADE
    if version not in ("1.0", "1.1"):
        return "it speaks another version of HTTP"
    lengths = [value for name, value in fields if name == "content-length"]
    codings = [value.lower() for name, value in fields if name == "transfer-encoding"]
    one_length = not lengths or (len(lengths) == 1 and _LENGTH.fullmatch(lengths[0]))
    chunked = not codings or (codings == ["chunked"] and version == "1.1" and not lengths)
    return "" if one_length and chunked else "its body has no framing that can be trusted"


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
