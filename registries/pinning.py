"""Connections whose address was resolved once, checked and kept, and whose every wait ends with the request's deadline."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from select import POLLIN, poll
from typing import Protocol, Self

from registries.addresses import AllowedAddresses, parse_address
from registries.oci.errors import RegistryError

_ERRNO = re.compile(r"^\[Errno -?[0-9]+\] ")
Resolver = Callable[[str, int], Sequence[str]]


class WireError(Exception):
    """The way to a server failed."""


class TooLateError(WireError):
    """The time of a request ran out."""


class NotConnectedError(WireError):
    """No address of a host took a connection."""


class BrokenError(WireError):
    """A connection ended before its answer did."""


def reason_of(error: Exception) -> str:
    """What the system says is wrong, without its number: "Connection refused" of "[Errno 111] Connection refused"."""
    return _ERRNO.sub("", str(error))


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Allowance:
    """What is left to one request: until when it must have ended, and how many bytes may come until then.

    Every wait asks here how long it may last; every byte that comes is counted, headers and framing included.
    """

    __slots__ = ("_now", "_raw_bytes", "_until")

    def __init__(self, now: Callable[[], float], seconds: float, raw_bytes: int = 0) -> None:
        self._now = now
        self._until = now() + seconds
        self._raw_bytes = raw_bytes

    def left(self) -> float:
        """The seconds that a wait may last; raises TooLateError when there are none."""
        left = self._until - self._now()
        if left <= 0:
            raise TooLateError
        return left

    def came(self, number: int) -> bool:
        """Count bytes that were read; whether they were within what this request may read."""
        self._raw_bytes -= number
        return self._raw_bytes >= 0


class Stream(Protocol):
    """A connection to an address; what fails is a WireError or an ssl.SSLError."""

    def read(self, max_bytes: int, timeout: float) -> bytes: ...

    def write(self, content: bytes, timeout: float) -> None: ...

    def start_tls(self, context: ssl.SSLContext, name: str, timeout: float) -> "Stream": ...

    def has_news(self) -> bool:
        """Whether bytes, or the end, wait to be read."""
        ...

    def close(self) -> None: ...


class Sockets(Protocol):
    """Where connections come from: the system, or in tests a simulated network."""

    def connect_tcp(self, address: str, port: int, timeout: float) -> Stream: ...


class SystemStream:
    """A connection of the system."""

    def __init__(self, socket_: socket.socket) -> None:
        self._socket = socket_

    def read(self, max_bytes: int, timeout: float) -> bytes:
        try:
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)
        except OSError as error:
            raise _told(error) from error

    def write(self, content: bytes, timeout: float) -> None:
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(content)
        except OSError as error:
            raise _told(error) from error

    def start_tls(self, context: ssl.SSLContext, name: str, timeout: float) -> Self:
        try:
            self._socket.settimeout(timeout)
            self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except OSError as error:
            raise _told(error) from error
        return self

    def has_news(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        waiting = poll()
        waiting.register(self._socket, POLLIN)
        return bool(waiting.poll(0))

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()


class SystemSockets:
    """The system's connections."""

    def connect_tcp(self, address: str, port: int, timeout: float) -> SystemStream:
        try:
            made = socket.create_connection((address, port), timeout)
        except TimeoutError as error:
            raise TooLateError from error
        except OSError as error:
            raise NotConnectedError(reason_of(error)) from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SystemStream(made)


def _told(error: OSError) -> Exception:
    if isinstance(error, TimeoutError):
        return TooLateError()
    return error if isinstance(error, ssl.SSLError) else BrokenError(reason_of(error))


class GuardedSockets:
    """Resolves once, checks every address, and connects to one that was checked, never to a name."""

    def __init__(self, allowed: AllowedAddresses, resolver: Resolver, sockets: Sockets | None = None) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._sockets = sockets or SystemSockets()

    def connect(self, host: str, port: int, allowance: Allowance) -> Stream:
        addresses = [parse_address(text) for text in self._resolve(host, port, allowance)]
        for address in addresses:
            if refusal := self._allowed.refusal(host, port, address):
                raise RegistryError(f"{host} was not contacted: {refusal}.", code="forbidden_address")
        failure: WireError = NotConnectedError(f"{host} has no address")
        for address in addresses:
            left = allowance.left()
            try:
                return self._sockets.connect_tcp(str(address), port, left)
            except (NotConnectedError, TooLateError) as error:
                failure = error
        raise failure

    def _resolve(self, host: str, port: int, allowance: Allowance) -> Sequence[str]:
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
        thread.join(allowance.left())
        if found:
            return found[0]
        if faults:
            raise RegistryError(
                f"the name {host} cannot be resolved ({reason_of(faults[0])}). Check its spelling and the DNS server.",
                code="unreachable",
            ) from faults[0]
        raise TooLateError
