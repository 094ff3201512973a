"""HTTP/1.1 over one connection, by h11: a request is written, its answer read; every byte counts against the request's allowance.

h11 refuses what could be read in two ways, but for a length beside chunks, which is refused here. That it lets lines end in a bare
line feed and be folded does no harm to a client that asks one server on one connection.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import h11

from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.pinning import Allowance, BrokenError, Stream, WireError

MAX_HEAD = 64 * 1024  # bytes of an answer's status line and fields, or of its trailers
MAX_FIELDS = 256
BEGIN = b"HTTP/"
READ = 64 * 1024  # bytes at a time
WRITE = 64 * 1024  # bytes at least, where there are more


class NotHttpError(WireError):
    """What came is not HTTP as the standard has it."""


class Exchange:
    """One request and its answer; the body is yet to be read."""

    def __init__(self, stream: Stream, host: str, allowance: Allowance) -> None:
        self._stream, self._host, self._allowance = stream, host, allowance
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._begun = self._ended = False  # whether bytes came, and whether none will come any more

    def ask(
        self, method: str, target: str, authority: str, headers: Mapping[str, str], content: Outgoing | None
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Send the request; answers the status and the header fields, names in lower case."""
        with suppress(
            BrokenError
        ):  # whoever refuses what he did not read to its end may have answered before he closed
            self._send(method, target, authority, headers, content)
        answer = self._next()
        while isinstance(answer, h11.InformationalResponse):
            answer = self._next()
        if not isinstance(answer, h11.Response):
            raise NotHttpError("no answer to what was asked")
        _check(answer)
        return answer.status_code, tuple((name.decode("ascii"), _text(value)) for name, value in answer.headers)

    def pieces(self) -> Iterator[bytes]:
        """The body as it is, in pieces; one that ends early raises BrokenError."""
        while not isinstance(event := self._next(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise NotHttpError("something else than a body")
            if event.data:
                yield bytes(event.data)

    @property
    def may_go_on(self) -> bool:
        """Whether another request may follow on this connection, once the body was read.

        What came beyond it was not asked for: whoever went on would take it for the next answer.
        """
        both_done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        return both_done and not self._ended and not self._http.trailing_data[0]

    def _send(
        self, method: str, target: str, authority: str, headers: Mapping[str, str], content: Outgoing | None
    ) -> None:
        fields = [("Host", authority), *headers.items()]
        try:
            held = self._http.send(h11.Request(method=method, target=target, headers=fields)) or b""
            for piece in content or ():
                held += self._http.send(h11.Data(data=piece)) or b""
                if len(held) >= WRITE:
                    self._stream.write(held, self._allowance.left())
                    held = b""
            held += self._http.send(h11.EndOfMessage()) or b""
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:  # a line's end within, or not what was announced
            raise RegistryError(f"{self._host} cannot be asked this: {error}", code="unreachable") from error
        if held:
            self._stream.write(held, self._allowance.left())

    def _next(self) -> h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self._receive())
        except h11.RemoteProtocolError as error:
            if self._ended:
                where = "in the middle of an answer" if self._begun else "without an answer"
                raise BrokenError(f"it was closed {where}") from error
            raise NotHttpError(str(error)) from error
        if event is h11.PAUSED:
            raise NotHttpError("it changes to another protocol, which nobody asked for")
        assert isinstance(event, h11.Event)
        return event

    def _receive(self) -> bytes:
        content = self._stream.read(READ, self._allowance.left())
        if not self._allowance.came(len(content)):  # endless headers or interim answers, or more framing than content
            raise RegistryError(f"{self._host} sends more than is read here, headers included", code="too_large")
        if not self._begun and content[: len(BEGIN)] != BEGIN[: len(content)]:  # h11 would wait for the end of a line
            raise NotHttpError("it begins with something else")
        self._begun, self._ended = self._begun or bool(content), not content
        return content


def _check(answer: h11.Response) -> None:
    """What h11 takes, and another reader might take for something else."""
    names = {name for name, _ in answer.headers}
    if b"transfer-encoding" in names and (b"content-length" in names or answer.http_version == b"1.0"):
        raise NotHttpError("its body has no framing that can be trusted")
    if answer.http_version not in (b"1.0", b"1.1"):
        raise NotHttpError("it speaks another version of HTTP")
    if len(answer.headers) > MAX_FIELDS:
        raise NotHttpError(f"more than {MAX_FIELDS} header fields")


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
