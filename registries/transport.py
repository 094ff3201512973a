"""The one door to the network: every request has a deadline, a size limit and a checked, pinned address.

Nothing is followed, unpacked, remembered or taken from the environment: no redirects, encodings, cookies or proxies.
"""

import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import quote

import certifi

from registries.addresses import AllowedAddresses
from registries.http1 import NotHttpError
from registries.oci.errors import RegistryError
from registries.oci.exchange import Answer, Headers, Outgoing
from registries.pinning import (
    Allowance,
    GuardedSockets,
    NotConnectedError,
    Resolver,
    Sockets,
    TooLateError,
    WireError,
    reason_of,
    resolve,
)
from registries.wire import Network, Place, Request, Response, Wire

__all__ = ["Transport", "Wire"]

MAX_HEADERS = 128 * 1024  # bytes of headers, interim answers and framing beside a body
MAX_REFUSAL = 64 * 1024  # bytes of an answer that comes instead of what was to be taken by pieces
Sink = Callable[[bytes], object]
_URL = re.compile(
    r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?(/[^?#\x00-\x1f\x7f]*)?(\?[^#\x00-\x1f\x7f]*)?(?:#.*)?",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_TARGET = re.compile(r"[A-Za-z0-9/?:@!$&'()*+,;=._~%-]+", re.ASCII)


class Transport:
    """Sends requests for `registries.oci.client` (its `Send` protocol); safe to share between threads."""

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        ca_pem: str = "",
        app: Wire | None = None,
        resolver: Resolver = resolve,
        sockets: Sockets | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        guard = GuardedSockets(AllowedAddresses.parse(allowed), resolver, sockets)
        self._wire: Wire = app or Network(guard, _tls(ca_pem))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Outgoing | None = None,
        max_bytes: int,
        deadline: float,
        into: Sink | None = None,
    ) -> Answer:
        """One request and its whole answer; redirects and failures of the server are answers too."""
        place, target = _taken_apart(url)
        content = Outgoing.of(body) if isinstance(body, bytes) else body
        request = Request(method, place, target, {**headers, "Accept-Encoding": "identity"}, content)
        allowance = Allowance(self._now, deadline, max_bytes + max_bytes // 16 + MAX_HEADERS)
        try:
            return self._exchange(request, max_bytes, allowance, into)
        except (WireError, ssl.SSLError) as error:
            raise _translated(error, place, deadline) from error

    def _exchange(self, request: Request, max_bytes: int, allowance: Allowance, into: Sink | None) -> Answer:
        response = self._wire.begin(request, allowance)
        if into and response.status != 200:
            into, max_bytes = None, min(max_bytes, MAX_REFUSAL)
        try:
            headers = Headers(response.fields)
            if request.method != "HEAD":
                _check_head(headers, request, max_bytes)
            pieces: list[bytes] = []
            self._read(response, request, max_bytes, allowance, into or pieces.append)
            return Answer(response.status, headers, pieces[0] if len(pieces) == 1 else b"".join(pieces))
        finally:
            response.close()

    def _read(self, response: Response, request: Request, max_bytes: int, allowance: Allowance, take: Sink) -> None:
        size = 0
        for piece in response.pieces():
            size += len(piece)
            if size > max_bytes:
                raise _too_large(request, max_bytes)
            take(piece)
            allowance.left()  # raises when there is none


def _taken_apart(url: str) -> tuple[Place, str]:
    """Where a URL leads, and what is asked there; what two readers could take apart in two ways is no URL here."""
    found = _URL.fullmatch(url)
    if not found:
        raise RegistryError(f"{url.partition('?')[0][:200]!a} is not an http or https URL", code="unreachable")
    scheme = found[1].lower()
    port = int(found[3] or (443 if scheme == "https" else 80))
    if not 0 < port < 65536:
        raise RegistryError(f"{url.partition('?')[0][:200]!a} names a port that there is not", code="unreachable")
    target = (found[4] or "/") + (found[5] or "")
    if not _PLAIN_TARGET.fullmatch(target):
        try:
            target = quote(target, safe="/?:@!$&'()*+,;=._~%-")
        except UnicodeError as error:  # half of a surrogate pair
            raise RegistryError(f"{url.partition('?')[0][:200]!a} is not a URL", code="unreachable") from error
    return Place(scheme, found[2].strip("[]").lower(), port), target


def _check_head(headers: Headers, request: Request, max_bytes: int) -> None:
    """Refuse what need not be read at all."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("", "identity"):
        raise RegistryError(
            f"{request.place.host} compressed its answer ({encoding[:40]!a}) although asked not to; "
            "compressed answers are refused, as a small one may unpack to any size",
        )
    length = headers.get("content-length")[:20]
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise _too_large(request, max_bytes)


@lru_cache(maxsize=64)  # reading the system's authorities takes longer than many a request
def _tls(ca_pem: str) -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    context = ssl.create_default_context(cafile=None if paths.cafile or paths.capath else certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_pem.strip():
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # home-made authorities often lack a key identifier
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError) as error:
            raise RegistryError(
                "the CA certificates of this connection are not PEM certificates", code="tls"
            ) from error
    return context


def _too_large(request: Request, max_bytes: int) -> RegistryError:
    path = request.target.partition("?")[0]
    return RegistryError(
        f"the answer of {request.place.host} to {path[:200]} is larger than {max_bytes} bytes, the most that is read here",
        code="too_large",
    )


def _translated(error: WireError | ssl.SSLError, place: Place, deadline: float) -> RegistryError:
    """What a fault of the way means to an operator."""
    name = place.authority
    if isinstance(error, ssl.SSLError):
        return _tls_failure(error, name)
    if isinstance(error, TooLateError):
        return RegistryError(
            f"{name} did not give its whole answer within {deadline:g} seconds. Check that it is up, that no firewall "
            "drops the connection, and that it is not overloaded.",
            code="timeout",
        )
    if isinstance(error, NotConnectedError):
        return RegistryError(
            f"{name} cannot be reached: {str(error) or 'no connection'}. Check host and port, and that it is up.",
            code="unreachable",
        )
    hint = " It may speak https: connect it without plain http." if place.scheme == "http" else ""
    if isinstance(error, NotHttpError):
        return RegistryError(f"{name} does not answer in HTTP ({error}).{hint}", code="not_a_registry")
    return RegistryError(
        f"the connection to {name} broke ({reason_of(error)[:200] or type(error).__name__}); it will be tried again",
        code="unreachable",
    )


def _tls_failure(error: ssl.SSLError, place: str) -> RegistryError:
    if isinstance(error, ssl.SSLCertVerificationError):
        text = (
            f"the TLS certificate of {place} is not accepted: {error.verify_message}. "
            "If your own authority issued it, add that authority's certificate to this connection."
        )
    elif error.reason in ("WRONG_VERSION_NUMBER", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"):
        text = f"{place} does not speak TLS. If it is meant to serve plain http, say so on this connection."
    else:
        text = f"no TLS connection to {place}: {error.reason or error}"
    return RegistryError(text, code="tls")
