"""What stands beside a docker-registry: the token service that it believes, and a place that it notifies."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


@contextmanager
def listening(respond):
    """An HTTP server on loopback; `respond` is handed method, path, headers and body, and answers status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = respond(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Sink:
    """Keeps the events that registries send it, by the path they send to."""

    def __init__(self):
        self.events = {}

    def respond(self, _method, path, _headers, body):
        self.events.setdefault(path, []).extend(json.loads(body)["events"])
        return 200, b"{}"

    def actions(self, path):
        return [event["action"] for event in self.events.get(path, [])]

    def until(self, path, action, seconds=10):
        """Wait for an event of this kind: they are sent in order, so what was sent before has come."""
        deadline = time.monotonic() + seconds
        while action not in self.actions(path):
            assert time.monotonic() < deadline, f"no {action} came to {path}: {self.events}"
            time.sleep(0.05)


class TokenService:
    """Issues tokens as docker-registry checks them: signed with ES256, the certificate inside."""

    SERVICE, ISSUER = "test-registry", "test-issuer"

    def __init__(self, users):
        self.users = users
        self.asked = []  # the scopes of each request
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.ISSUER)])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
        valid = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(hours=1))
        self._certificate = valid.sign(self._key, hashes.SHA256())

    def auth(self, address, folder):
        """The section of the registry's configuration."""
        bundle = folder / "token.crt"
        bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        token = {"realm": f"http://{address}/token", "service": self.SERVICE, "issuer": self.ISSUER}
        return {"token": {**token, "rootcertbundle": str(bundle)}}

    def respond(self, _method, path, headers, _body):
        query = parse_qs(urlsplit(path).query)
        self.asked.append(query.get("scope", []))
        user, _, password = base64.b64decode(headers.get("Authorization", "")[6:]).decode().partition(":")
        if self.users.get(user) != password or query.get("service") != [self.SERVICE]:
            return 401, b"{}"
        return 200, json.dumps({"token": self._issue(user, query.get("scope", [])), "expires_in": 60}).encode()

    def _issue(self, user, scopes):
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        certificate = base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        claims = {"iss": self.ISSUER, "sub": user, "aud": self.SERVICE, "exp": now + 60, "nbf": now - 5, "iat": now,
                  "jti": str(len(self.asked)), "access": access}  # fmt: skip
        signed = f"{_json({'typ': 'JWT', 'alg': 'ES256', 'x5c': [certificate]})}.{_json(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


def _json(value):
    return _base64url(json.dumps(value).encode())


def _base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
