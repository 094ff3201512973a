"""What carries requests: connections to checked addresses, of which those that may serve again are kept for a while."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from registries.http1 import Exchange
from registries.oci.exchange import Outgoing
from registries.pinning import Allowance, BrokenError, GuardedSockets, Stream

KEPT = 16  # connections to a place
KEPT_FOR = 15.0  # seconds
REPEATABLE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go: scheme, host and port. A connection serves one place only."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, checked and complete."""

    method: str
    place: Place
    target: str
    headers: Mapping[str, str]
    content: Outgoing | None = None

    @property
    def fields(self) -> Mapping[str, str]:
        """The headers, with the length of what is sent."""
        if self.content or self.method not in REPEATABLE:
            return {**self.headers, "Content-Length": str(self.content.size if self.content else 0)}
        return self.headers


class Response(Protocol):
    """An answer that has begun."""

    @property
    def status(self) -> int: ...

    @property
    def fields(self) -> Sequence[tuple[str, str]]: ...

    def pieces(self) -> Iterator[bytes]:
        """The body as it came, not decoded."""
        ...

    def close(self) -> None: ...


class Wire(Protocol):
    """The network, or in tests a simulated registry."""

    def begin(self, request: Request, allowance: Allowance) -> Response:
        """The answer's beginning; raises WireError, ssl.SSLError or RegistryError."""
        ...

    def close(self) -> None: ...


class Network:
    """The real wire; safe to share between threads."""

    def __init__(self, sockets: GuardedSockets, tls: ssl.SSLContext, now: Callable[[], float] = time.monotonic) -> None:
        self._sockets, self._tls, self._now = sockets, tls, now
        self._lock = threading.Lock()
        self._kept: dict[Place, list[tuple[Stream, float]]] = {}
        self._is_closed = False

    def begin(self, request: Request, allowance: Allowance) -> "Answering":
        """The answer's beginning; a kept connection that the server has meanwhile closed is replaced once."""
        if kept := self._take(request.place):
            try:
                return Answering(self, kept, request, allowance)
            except BrokenError:
                if request.method not in REPEATABLE:
                    raise
        return Answering(self, self._connect(request.place, allowance), request, allowance)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            kept = [stream for streams in self._kept.values() for stream, _ in streams]
            self._kept.clear()
        for stream in kept:
            stream.close()

    def keep(self, place: Place, stream: Stream) -> None:
        """Have a connection whose last answer was read to its end serve another request."""
        with self._lock:
            streams = self._kept.setdefault(place, [])
            if not self._is_closed and len(streams) < KEPT:
                streams.append((stream, self._now()))
                return
        stream.close()

    def _take(self, place: Place) -> Stream | None:
        """A kept connection on which nothing has come since; what came unasked would be taken for the next answer."""
        while True:
            with self._lock:
                streams = self._kept.get(place)
                if not streams:
                    return None
                stream, since = streams.pop()
            if self._now() - since < KEPT_FOR and not stream.has_news():
                return stream
            stream.close()

    def _connect(self, place: Place, allowance: Allowance) -> Stream:
        stream = self._sockets.connect(place.host, place.port, allowance)
        if place.scheme != "https":
            return stream
        try:
            return stream.start_tls(self._tls, place.host, allowance.left())
        except BaseException:
            stream.close()
            raise


class Answering:
    """One request on a connection, and its answer; closing it keeps the connection where that is safe."""

    def __init__(self, network: Network, stream: Stream, request: Request, allowance: Allowance) -> None:
        self._network, self._stream, self._place = network, stream, request.place
        self._is_whole = False
        self._exchange = Exchange(stream, request.place.host, allowance)
        try:
            asked = request.method, request.target, request.place.authority, request.fields, request.content
            self.status, self.fields = self._exchange.ask(*asked)
        except BaseException:
            stream.close()
            raise

    def pieces(self) -> Iterator[bytes]:
        yield from self._exchange.pieces()
        self._is_whole = True

    def close(self) -> None:
        if self._is_whole and self._exchange.may_go_on:
            self._network.keep(self._place, self._stream)
        else:
            self._stream.close()
