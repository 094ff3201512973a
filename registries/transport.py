"""The one door to the network: every request has a deadline, a size limit and a checked, pinned address.

httpx alone gives none of these: its timeouts restart with every byte, its decoders know no limit, and it
connects to whatever a name resolves to at that moment.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self

import httpcore
import httpx

from registries.addresses import AllowedAddresses
from registries.oci.errors import RegistryError
from registries.oci.exchange import Answer, Headers, Outgoing
from registries.pinning import Clock, GuardedBackend, Pinned, Resolver, reason_of, resolve

Wire = httpx.BaseTransport
"What carries requests: the network, or in tests a simulated registry."
MAX_HEADERS = 128 * 1024  # bytes of headers, interim answers and framing beside a body
MAX_REFUSAL = 64 * 1024  # bytes of an answer that comes instead of what was to be taken by pieces
Sink = Callable[[bytes], object]


class Transport:
    """Sends requests for `registries.oci.client` (its `Send` protocol); safe to share between threads."""

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        ca_pem: str = "",
        app: httpx.BaseTransport | None = None,
        resolver: Resolver = resolve,
        sockets: httpcore.NetworkBackend | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = Clock(now)
        guard = GuardedBackend(AllowedAddresses.parse(allowed), resolver, self._clock, sockets)
        self._wire = app or _guarded_wire(guard, _tls(ca_pem))

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
        length = {"Content-Length": str(body.size)} if isinstance(body, Outgoing) else {}
        try:
            request = httpx.Request(
                method,
                url,
                headers={**headers, **length, "Accept-Encoding": "identity"},
                content=body,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), deadline)},
            )
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise RegistryError(
                f"{url.partition('?')[0][:200]!a} is not a URL that can be asked", code="unreachable"
            ) from error
        if (
            request.url.scheme not in ("http", "https")
            or not request.url.host
            or not 0 < (request.url.port or 80) < 65536
        ):
            raise RegistryError(f"{url.partition('?')[0][:200]!a} is not an http or https URL", code="unreachable")
        with self._clock.ending_in(deadline, max_bytes + max_bytes // 16 + MAX_HEADERS):
            try:
                return self._exchange(request, max_bytes, into)
            except httpx.HTTPError as error:
                raise _translated(error, request.url, deadline) from error

    def _exchange(self, request: httpx.Request, max_bytes: int, into: Sink | None) -> Answer:
        response = self._begin(request)
        if into and response.status_code != 200:
            into, max_bytes = None, min(max_bytes, MAX_REFUSAL)
        try:
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity") and request.method != "HEAD":
                raise RegistryError(
                    f"{request.url.host} compressed its answer ({encoding[:40]!a}) although asked not to; "
                    "compressed answers are refused, as a small one may unpack to any size",
                )
            length = response.headers.get("content-length", "")[:20]
            if request.method != "HEAD" and length.isascii() and length.isdigit() and int(length) > max_bytes:
                raise _too_large(request.url, max_bytes)
            return Answer(
                response.status_code,
                Headers(response.headers.multi_items()),
                b"" if request.method == "HEAD" else self._read(response, request.url, max_bytes, into),
            )
        finally:
            response.close()

    def _begin(self, request: httpx.Request) -> httpx.Response:
        """The answer's beginning; a kept connection that the server has meanwhile closed is replaced once."""
        try:
            return self._wire.handle_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if request.method not in ("GET", "HEAD") or self._clock.connected:
                raise
            return self._wire.handle_request(request)

    def _read(self, response: httpx.Response, url: httpx.URL, max_bytes: int, into: Sink | None) -> bytes:
        chunks: list[bytes] = []
        take = into or chunks.append
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(url, max_bytes)
            take(chunk)
            if self._clock.left() <= 0:
                raise httpx.ReadTimeout("the answer did not end in time")
        return b"".join(chunks)


def _guarded_wire(guard: GuardedBackend, tls: ssl.SSLContext) -> httpx.HTTPTransport:
    limits = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=15)
    wire = httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits)
    # httpx has no public way to pass a backend on; the self-test fails at start-up if this stops working.
    wire._pool._network_backend = guard
    guard.is_being_tested = True
    try:
        wire.handle_request(httpx.Request("GET", "http://self-test.invalid/"))
    except Pinned:
        guard.is_being_tested = False
        return wire
    raise RuntimeError("this version of httpx does not connect through our address check: refusing to go on")


@lru_cache(maxsize=64)  # reading the system's authorities takes longer than many a request
def _tls(ca_pem: str) -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    context = (
        ssl.create_default_context() if paths.cafile or paths.capath else httpx.create_ssl_context(trust_env=False)
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
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


def _too_large(url: httpx.URL, max_bytes: int) -> RegistryError:
    return RegistryError(
        f"the answer of {url.host} to {url.path[:200]} is larger than {max_bytes} bytes, the most that is read here",
        code="too_large",
    )


def _translated(error: httpx.HTTPError, url: httpx.URL, deadline: float) -> RegistryError:
    """What a fault of the way means to an operator."""
    place = url.netloc.decode("ascii", "replace")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls_failure(cause, place)
    if isinstance(error, httpx.TimeoutException):
        return RegistryError(
            f"{place} did not give its whole answer within {deadline:g} seconds. Check that it is up, that no firewall "
            "drops the connection, and that it is not overloaded.",
            code="timeout",
        )
    if isinstance(error, httpx.ConnectError):
        reason = reason_of(error) or "no connection"
        return RegistryError(
            f"{place} cannot be reached: {reason}. Check host and port, and that it is up.", code="unreachable"
        )
    if isinstance(error, httpx.ProtocolError):
        hint = " It may speak https: connect it without plain http." if url.scheme == "http" else ""
        return RegistryError(f"{place} does not answer in HTTP ({str(error)[:200]}).{hint}", code="not_a_registry")
    return RegistryError(
        f"the connection to {place} broke ({reason_of(error)[:200] or type(error).__name__}); it will be tried again",
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


def _causes(error: BaseException) -> Iterable[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
