"""A network without sockets: who was connected to, what was sent there, and what came back, byte by byte.

It stands where the system's sockets would be, so all that the transport does above it is real.
"""

from dataclasses import dataclass, field


def http(status="200 OK", body=b"", **headers):
    """The bytes of an answer."""
    fields = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


@dataclass
class Network:
    """Answers by address and path; `connects` and `sent` are what a spy on the wire would have seen."""

    answers: dict = field(
        default_factory=dict
    )  # (address, path) or address → bytes, an iterable of bytes, or a function
    on_read: object = lambda: None  # called before every read: a clock may move there
    connects: list = field(default_factory=list)  # (address, port)
    sent: dict = field(default_factory=dict)  # address → everything written to it
    names: list = field(default_factory=list)  # server names of TLS handshakes

    def connect_tcp(self, address, port, timeout):
        assert timeout > 0
        self.connects.append((address, port))
        self.sent.setdefault(address, b"")
        return _Stream(self, address)

    def requests(self, address):
        """The request lines that an address was sent, without the version."""
        blocks = self.sent.get(address, b"").split(b"\r\n\r\n")
        return [block.split(b"\r\n")[0].decode().rpartition(" ")[0] for block in blocks if b" HTTP/1.1" in block]

    def answer(self, address, request):
        path = request.split(b" ")[1].partition(b"?")[0].decode()
        found = self.answers.get((address, path), self.answers.get(address, http("404 Not Found")))
        if callable(found):
            found = found(request)
        return iter([found] if isinstance(found, bytes) else found)


class _Stream:
    def __init__(self, network, address):
        self._network = network
        self._address = address
        self._request = b""
        self._chunks = None
        self._rest = b""

    def write(self, content, timeout):
        if self._chunks is not None:  # the next request on a kept connection
            self._request, self._chunks, self._rest = b"", None, b""
        self._request += content
        self._network.sent[self._address] += content

    def read(self, max_bytes, timeout):
        self._network.on_read()
        if self._chunks is None:
            self._chunks = self._network.answer(self._address, self._request)
        if not self._rest:
            self._rest = next(self._chunks, b"")
        content, self._rest = self._rest[:max_bytes], self._rest[max_bytes:]
        return content

    def start_tls(self, context, name, timeout):
        self._network.names.append(name)
        return self

    def has_news(self):
        return bool(self._rest)

    def close(self):
        pass
