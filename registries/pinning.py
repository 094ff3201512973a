"""Connections whose address was resolved once, checked and kept, and whose every wait ends with the request's deadline.

This is the part below httpx; `transport` installs it.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

import httpcore

from registries.addresses import AllowedAddresses, parse_address
from registries.oci.errors import RegistryError

_ERRNO = re.compile(r"^\[Errno -?[0-9]+\] ")
Resolver = Callable[[str, int], Sequence[str]]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


def reason_of(error: Exception) -> str:
    """What the system says is wrong, without its number: "Connection refused" of "[Errno 111] Connection refused"."""
    return _ERRNO.sub("", str(error))


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Clock:
    """When the request of this thread must have ended, and how many bytes it may read from the network until then.

    Every wait asks here how long it may last; every byte that comes is counted, headers and framing included.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._local = threading.local()

    def ending_in(self, seconds: float, raw_bytes: int = 0) -> "Clock":
        self._local.until = self._now() + seconds
        self._local.raw_bytes = raw_bytes
        self._local.connected = False
        return self

    @property
    def connected(self) -> bool:
        """Whether the request of this thread made a connection, rather than using one that was kept."""
        found: bool = getattr(self._local, "connected", False)
        return found

    @connected.setter
    def connected(self, value: bool) -> None:
        self._local.connected = value

    def left(self) -> float:
        until: float | None = getattr(self._local, "until", None)
        return 0.0 if until is None else until - self._now()

    def came(self, number: int) -> bool:
        """Count bytes that were read; whether they were within what this request may read."""
        self._local.raw_bytes = getattr(self._local, "raw_bytes", 0) - number
        within: bool = self._local.raw_bytes >= 0
        return within

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._local.until = None


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes share the deadline and the byte limit of the request they serve."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock, host: str) -> None:
        self._stream = stream
        self._clock = clock
        self._host = host

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # one deadline replaces it
        left = self._clock.left()
        if left <= 0:
            raise httpcore.ReadTimeout
        content = self._stream.read(max_bytes, left)
        if not self._clock.came(len(content)):  # endless headers or interim answers, or more framing than content
            raise RegistryError(f"{self._host} sends more than is read here, headers included", code="too_large")
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._clock.left()
        if left <= 0:
            raise httpcore.WriteTimeout
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._clock.left()
        if left <= 0:
            raise httpcore.ConnectTimeout
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock, self._host)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class Pinned(Exception):  # noqa: N818  # a sign, not a fault
    """The self-test's connection attempt came to us."""


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves once, checks every address, and connects to one that was checked, never to a name."""

    def __init__(
        self,
        allowed: AllowedAddresses,
        resolver: Resolver,
        clock: Clock,
        sockets: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._clock = clock
        self._sockets = sockets or httpcore.SyncBackend()
        self.is_being_tested = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        if self.is_being_tested:
            raise Pinned
        addresses = [parse_address(text) for text in self._resolve(host, port)]
        for address in addresses:
            if refusal := self._allowed.refusal(host, port, address):
                raise RegistryError(f"{host} was not contacted: {refusal}.", code="forbidden_address")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            left = self._clock.left()
            if left <= 0:
                raise httpcore.ConnectTimeout
            try:
                stream = self._sockets.connect_tcp(str(address), port, left, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            self._clock.connected = True
            return _Stream(stream, self._clock, host)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[SocketOption] | None = None
    ) -> httpcore.NetworkStream:
        raise RegistryError(f"{path!a} is a local socket, which is never contacted", code="forbidden_address")

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        """Names are resolved in a thread, since the system's resolver knows no deadline."""
        found: list[Sequence[str]] = []
        faults: list[Exception] = []

        def ask() -> None:
            try:
                found.append(self._resolver(host, port))
            except (OSError, UnicodeError) as error:
                faults.append(error)

        thread = threading.Thread(target=ask, name="resolve", daemon=True)
        thread.start()
        thread.join(max(self._clock.left(), 0))
        if found:
            return found[0]
        if faults:
            raise RegistryError(
                f"the name {host} cannot be resolved ({reason_of(faults[0])}). Check its spelling and the DNS server.",
                code="unreachable",
            ) from faults[0]
        raise httpcore.ConnectTimeout
