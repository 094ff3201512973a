"""A client of registry.test in a network where somebody else writes the answers, and a spy sees every connection."""

import json

import httpx
import pytest

from registries.oci.authorization import Credentials
from registries.oci.client import Client
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.media_types import OCI_INDEX
from registries.pinning import resolve
from registries.transport import Transport
from tests.simulators.sockets import Network, http

HOME, EVIL, STORE, AUTH = "1.1.1.1", "9.9.9.9", "8.8.8.8", "1.0.0.1"
NAMES = {"registry.test": HOME, "evil.test": EVIL, "storage.test": STORE, "auth.test": AUTH}
CANARIES = [b"canary-user", b"canary-password", b"canary-token", b"canary-cookie", b"Y2FuYXJ5"]
"The last is how Basic begins with the first."
WHO = Credentials("canary-user", "canary-password")
BLOB = Descriptor("application/x", Digest.of(b"envelope"), 8)
SUBJECT = Digest.of(b"subject")
EMPTY_INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()


def resolver(host, port):
    return [NAMES[host]] if host in NAMES else resolve(host, port)  # numbers in every spelling; nothing is asked


class Side:
    """A client of registry.test and the network that it believes in."""

    def __init__(
        self, answers, *, base="https://registry.test", names=resolver, allowed=(), credentials=WHO, **options
    ):
        self.now = 0.0
        self.network = Network(answers, on_read=self.tick)
        self.transport = Transport(sockets=self.network, resolver=names, allowed=allowed, now=lambda: self.now)
        self.client = Client(
            self.transport, base, credentials=credentials, monotonic=lambda: self.now, deadline=10.0, **options
        )

    def tick(self):
        self.now += 0.01

    def fails(self, ask):
        with pytest.raises(OciError) as caught:
            ask(self.client)
        assert "canary" not in str(caught.value)
        return caught.value

    def leaked(self, *, but=()):
        """The addresses that saw a secret, other than those that may."""
        return [
            address
            for address, sent in self.network.sent.items()
            if address not in but and any(canary in sent for canary in CANARIES)
        ]


def bearer(good, realm="https://registry.test/token", extra=b""):
    """A registry that wants a token: its answer to a request that carries one."""

    def respond(request):
        if b"uthorization: Bearer canary-token" in request:
            return good
        return http(
            "401 Unauthorized", WWW_Authenticate=f'Bearer realm="{realm}",service="r"', Set_Cookie="s=canary-cookie"
        )

    return respond


TOKEN = http(body=b'{"token":"canary-token","expires_in":300}', Content_Type="application/json")


def served_by(app):
    """What a WSGI application answers, as bytes on a wire."""
    wire = httpx.WSGITransport(app=app)

    def respond(request):
        head, _, _ = request.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        method, target, _ = line.split(" ")
        headers = [tuple(field.split(": ", 1)) for field in fields]
        response = wire.handle_request(httpx.Request(method, f"http://registry.test{target}", headers=headers))
        body = b"".join(response.stream)
        kept = [(name, value) for name, value in response.headers.multi_items() if name != "content-length"]
        lines = [f"HTTP/1.1 {response.status_code} -", *(f"{name}: {value}" for name, value in kept)]
        length = response.headers.get("content-length", len(body)) if method == "HEAD" else len(body)
        lines.append(f"Content-Length: {length}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else body)

    return respond
