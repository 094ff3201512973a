"""The door to the network, against servers that misbehave on this machine."""

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registries.oci.errors import RegistryError
from registries.transport import Transport
from tests.simulators.sockets import Network, http
from tests.simulators.wsgi import WSGIWire


def ask(
    transport, url="https://registry.test/v2/", method="GET", *, max_bytes=1000, deadline=5.0, body=None, **headers
):
    return transport(method, url, headers=headers, body=body, max_bytes=max_bytes, deadline=deadline)


def serving(status="200 OK", chunks=(b"{}",), **headers):
    """A transport into an application that answers this to everything, and what the application was asked."""
    asked = []

    def app(environ, start_response):
        asked.append(environ)
        start_response(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return iter(chunks)

    return Transport(app=WSGIWire(app)), asked


def test_an_answer_is_its_status_headers_and_bytes():
    transport, asked = serving("404 Not Found", [b"a", b"b"], Content_Type="text/html; charset=x", Link="<a>")
    answer = ask(transport, Accept="application/json")
    assert (answer.status, answer.body, answer.content_type) == (404, b"ab", "text/html")
    assert answer.headers.get("LINK") == "<a>"
    assert asked[0]["HTTP_ACCEPT"] == "application/json"
    assert asked[0]["HTTP_ACCEPT_ENCODING"] == "identity"


def test_several_headers_of_one_name_stay_apart():
    def app(environ, start_response):
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer a=1"), ("WWW-Authenticate", "Basic")])
        return [b""]

    answer = ask(Transport(app=WSGIWire(app)))
    assert answer.headers.get_all("www-authenticate") == ("Bearer a=1", "Basic")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "GZIP", "identity, gzip", "x"])
def test_cve_2026_21441_and_cve_2026_44432_a_compressed_answer_is_refused_and_never_unpacked(encoding):
    bomb = gzip.compress(bytes(1024 * 1024))
    transport, _ = serving(chunks=[bomb], Content_Encoding=encoding)
    with pytest.raises(RegistryError, match="compressed its answer"):
        ask(transport, max_bytes=10**9)


def test_identity_is_no_compression():
    transport, _ = serving(chunks=[b"ok"], Content_Encoding="identity")
    assert ask(transport).body == b"ok"


def test_an_endless_body_is_cut_at_the_limit():
    sent = []

    def endless():
        while True:
            sent.append(1)
            yield b"x" * 1000

    transport, _ = serving(chunks=endless())
    with pytest.raises(RegistryError, match="larger than 10000 bytes") as caught:
        ask(transport, max_bytes=10_000)
    assert caught.value.code == "too_large"
    assert len(sent) <= 13


def test_a_body_that_says_it_is_too_long_is_not_begun():
    read = []
    transport, _ = serving(chunks=(read.append(1) or b"x" * 1000 for _ in range(5000)), Content_Length="5000000")
    with pytest.raises(RegistryError) as caught:
        ask(transport, max_bytes=4_000_000)
    assert caught.value.code == "too_large"
    assert len(read) <= 1


def test_a_body_of_exactly_the_limit_is_read():
    transport, _ = serving(chunks=[b"x" * 10], Content_Length="10")
    assert len(ask(transport, max_bytes=10).body) == 10


def test_what_is_taken_by_pieces_is_not_held():
    transport, _ = serving(chunks=[b"x" * 1000] * 50)
    pieces = []
    answer = transport("GET", "https://registry.test/b", headers={}, max_bytes=50_000, deadline=5.0, into=pieces.append)
    assert (answer.status, answer.body, pieces) == (200, b"", [b"x" * 1000] * 50)
    transport, _ = serving(chunks=[b"x" * 1000] * 51)
    with pytest.raises(RegistryError, match="larger than 50000 bytes"):
        transport("GET", "https://registry.test/b", headers={}, max_bytes=50_000, deadline=5.0, into=pieces.append)


def test_a_refusal_is_no_content_and_is_bounded_by_itself():
    pieces = []
    transport, _ = serving("404 Not Found", [b"no"])
    asked = {"headers": {}, "max_bytes": 10**9, "deadline": 5.0, "into": pieces.append}
    assert transport("GET", "https://registry.test/b", **asked).body == b"no"
    transport, _ = serving("500 Internal Server Error", [b"x" * 1000] * 100)
    with pytest.raises(RegistryError, match="larger than 65536 bytes"):
        transport("GET", "https://registry.test/b", **asked)
    assert not pieces


def test_a_redirect_is_an_answer_and_not_followed():
    transport, asked = serving("307 Temporary Redirect", [b""], Location="http://169.254.169.254/")
    answer = ask(transport)
    assert (answer.status, answer.headers.get("location")) == (307, "http://169.254.169.254/")
    assert len(asked) == 1


def test_no_cookie_is_kept():
    transport, asked = serving(Set_Cookie="session=1; Path=/")
    ask(transport)
    ask(transport)
    assert "HTTP_COOKIE" not in asked[1]


def test_the_answer_to_a_head_has_no_body_whatever_length_it_names():
    transport, _ = serving(chunks=[b""], Content_Length="5000000000")
    assert ask(transport, method="HEAD", max_bytes=0).body == b""


@pytest.mark.parametrize(
    "url",
    ["ftp://host/", "file:///etc/passwd", "host", "https://", "http://[::1", "http://a:99999/", "http://a:0/", "http://a:b/",
     "http://user@host/", "http://host\\@evil/", "http://h\u00f6st/", "http://host/\r\nX: y", "http://host/\0", "http://a b/",
     "//host/"],
)  # fmt: skip
def test_what_is_no_web_address_is_not_asked(url):
    transport, asked = serving()
    with pytest.raises(RegistryError):
        ask(transport, url)
    assert asked == []


@pytest.mark.parametrize(
    ("path", "target"),
    [("", "/"), ("?a=b", "/?a=b"), ("/a b?c d#e", "/a%20b?c%20d"), ("/%C3%A9/é", "/%C3%A9/%C3%A9"), ("/a\\b\"", "/a%5Cb%22")],
)  # fmt: skip
def test_a_path_is_asked_for_as_it_is_and_what_a_path_cannot_hold_is_escaped(path, target):
    sent = Network({"1.1.1.1": http()})
    with Transport(sockets=sent, resolver=lambda host, port: ["1.1.1.1"]) as transport:
        ask(transport, f"HTTP://Registry.test:80{path}")
    assert sent.requests("1.1.1.1") == [f"GET {target}"]
    assert b"\r\nHost: registry.test\r\n" in sent.sent["1.1.1.1"]


def test_a_body_that_drips_past_the_deadline_is_left():
    moments = iter(range(1000))

    def app(environ, start_response):
        start_response("200 OK", [])
        return iter([b"x"] * 500)

    transport = Transport(app=WSGIWire(app), now=lambda: next(moments))
    with pytest.raises(RegistryError, match="within 10 seconds") as caught:
        ask(transport, deadline=10)
    assert caught.value.code == "timeout"


def test_every_connection_is_made_through_the_check():
    asked = []
    with Transport(resolver=lambda host, port: asked.append((host, port)) or ["10.0.0.1"]) as transport:
        for url in ("http://other.test/", "https://registry.test/"):
            with pytest.raises(RegistryError) as caught:
                ask(transport, url)
            assert caught.value.code == "forbidden_address"
    assert asked == [("other.test", 80), ("registry.test", 443)]


def test_no_address_of_this_machine_is_contacted_unless_allowed():
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433"):
        with pytest.raises(RegistryError) as caught, Transport() as transport:
            ask(transport, f"http://{host}:9/")
        assert caught.value.code == "forbidden_address"


def test_the_metadata_address_is_not_contacted_even_when_allowed():
    allowed = ["169.254.169.254:80", "169.254.0.0/16", "metadata.test:80"]
    with Transport(allowed=allowed, resolver=lambda host, port: ["169.254.169.254"]) as transport:
        for host in ("169.254.169.254", "metadata.test"):
            with pytest.raises(RegistryError, match="never contacts") as caught:
                ask(transport, f"http://{host}/latest/meta-data")
            assert caught.value.code == "forbidden_address"


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://1.1.1.1:9")
    asked = []

    def resolver(host, port):
        asked.append((host, port))
        return ["10.0.0.1"]

    with pytest.raises(RegistryError), Transport(resolver=resolver) as transport:
        ask(transport, "http://registry.test:5000/")
    assert asked == [("registry.test", 5000)]


def test_certificates_that_are_none_are_refused_when_connecting_is_set_up():
    with pytest.raises(RegistryError, match="not PEM certificates") as caught:
        Transport(ca_pem="nonsense")
    assert caught.value.code == "tls"


def test_a_resolver_that_hangs_ends_with_the_deadline():
    released = threading.Event()
    began = time.monotonic()
    with (
        Transport(resolver=lambda host, port: released.wait(30) and []) as transport,
        pytest.raises(RegistryError) as caught,
    ):
        ask(transport, "http://registry.test/", deadline=0.2)
    released.set()
    assert caught.value.code == "timeout"
    assert time.monotonic() - began < 5


# ---- over real sockets


@contextmanager
def listening(converse, tls=None):
    """A server on this machine; each connection is one call of `converse(connection)` in its own thread."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def handle(connection):
        try:
            with connection:
                converse(tls.wrap_socket(connection, server_side=True) if tls else connection)
        except OSError:
            pass  # the client left, which is what most of these tests want

    def accept():
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def local(port, name="registry.test", **options):
    return Transport(allowed=[f"{name}:{port}"], resolver=lambda host, number: ["127.0.0.1"], **options)


def request_of(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    return received


def drip(connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_headers(connection):
    request_of(connection)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def silence(connection):
    request_of(connection)
    time.sleep(5)


def endless_interim(connection):
    request_of(connection)
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.network
@pytest.mark.parametrize("converse", [drip, drip_headers, silence, endless_interim])
def test_a_server_that_keeps_us_waiting_is_left_at_the_deadline(converse):
    with listening(converse) as port, local(port) as transport:
        began = time.monotonic()
        with pytest.raises(RegistryError) as caught:
            ask(transport, f"http://registry.test:{port}/", deadline=0.5)
        assert caught.value.code == "timeout"
        assert time.monotonic() - began < 2


@pytest.mark.network
@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo short",
        b"",
    ],
)
def test_a_broken_answer_is_our_error_and_names_the_place(sent):
    def converse(connection):
        request_of(connection)
        connection.sendall(sent)

    with listening(converse) as port, local(port) as transport:
        with pytest.raises(RegistryError, match=f"registry.test:{port}") as caught:
            ask(transport, f"http://registry.test:{port}/")
        assert caught.value.code in ("not_a_registry", "unreachable")


@pytest.mark.network
def test_a_port_where_nothing_listens_is_unreachable_and_says_so():
    with listening(silence) as port:
        pass
    with local(port) as transport, pytest.raises(RegistryError, match="cannot be reached.*refused") as caught:
        ask(transport, f"http://registry.test:{port}/")
    assert caught.value.code == "unreachable"


@pytest.mark.network
def test_the_connection_goes_to_the_checked_address_under_the_name_that_was_asked():
    asked, resolved = [], []

    def converse(connection):
        asked.append(request_of(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def resolver(host, port):
        resolved.append(host)
        return ["127.0.0.1"] if len(resolved) == 1 else ["169.254.169.254"]

    with listening(converse) as port, Transport(allowed=["127.0.0.0/8"], resolver=resolver) as transport:
        assert ask(transport, f"http://registry.test:{port}/v2/").body == b"ok"
        with pytest.raises(RegistryError) as caught:
            ask(transport, f"http://registry.test:{port}/v2/")
    assert caught.value.code == "forbidden_address"
    assert f"host: registry.test:{port}".encode() in asked[0].lower()
    assert resolved == ["registry.test"] * 2


@pytest.mark.network
def test_a_connection_is_kept_and_replaced_when_the_server_closed_it():
    connections = []

    def converse(connection):
        connections.append(1)
        for _ in range(2):
            if not request_of(connection):
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(converse) as port, local(port) as transport:
        for _ in range(2):
            assert ask(transport, f"http://registry.test:{port}/").body == b"ok"
        assert len(connections) == 1
        for _ in range(2):
            assert ask(transport, f"http://registry.test:{port}/").body == b"ok"
        assert len(connections) == 2


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.network
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("when", ["at once", "later"])
def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(method, when):
    connections = []

    def converse(connection):
        connections.append(1)
        while request_of(connection):
            forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
            honest = OK if method == "GET" else OK[:-2]
            connection.sendall(honest + forged if when == "at once" else honest)
            if when == "later":
                time.sleep(0.05)
                connection.sendall(forged)

    with listening(converse) as port, local(port) as transport:
        for _ in range(3):
            answer = ask(transport, f"http://registry.test:{port}/", method=method)
            assert (answer.body, answer.headers.get("content-length")) == (b"ok" if method == "GET" else b"", "2")
            time.sleep(0.1)
    assert len(connections) == 3


@pytest.mark.network
def test_what_changes_something_is_not_sent_twice():
    received = []

    def converse(connection):
        received.append(request_of(connection))
        connection.sendall(OK)
        received.append(connection.recv(1000))  # the second request; its answer never comes

    with listening(converse) as port, local(port) as transport:
        ask(transport, f"http://registry.test:{port}/", method="POST", body=b"1")
        with pytest.raises(RegistryError) as caught:
            ask(transport, f"http://registry.test:{port}/", method="POST", body=b"2")
    assert caught.value.code == "unreachable"
    assert len(received) == 2


@pytest.mark.network
def test_a_refusal_is_heard_although_the_server_did_not_read_to_the_end():
    def converse(connection):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with listening(converse) as port, local(port) as transport:
        answer = ask(transport, f"http://registry.test:{port}/", method="PUT", body=b"x" * 3_000_000)
    assert (answer.status, answer.body) == (413, b"no")


@pytest.mark.network
def test_a_connection_serves_its_own_place_alone():
    hosts = []

    def converse(connection):
        while request := request_of(connection):
            hosts.append(request.partition(b"Host: ")[2].partition(b"\r\n")[0].decode())
            connection.sendall(OK)

    with (
        listening(converse) as port,
        Transport(allowed=["127.0.0.0/8"], resolver=lambda host, number: ["127.0.0.1"]) as transport,
    ):
        for name in ("a.test", "B.test", "a.test"):
            ask(transport, f"http://{name}:{port}/")
    assert hosts == [f"a.test:{port}", f"b.test:{port}", f"a.test:{port}"]


@pytest.mark.network
def test_threads_share_a_transport_and_each_has_its_own_deadline():
    def converse(connection):
        while request := request_of(connection):
            time.sleep(1 if b"/slow" in request else 0)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    found = {}

    def run(number):
        path, deadline = ("slow", 0.3) if number % 2 else ("fast", 10)
        try:
            found[number] = ask(transport, f"http://registry.test:{port}/{path}", deadline=deadline).body
        except RegistryError as error:
            found[number] = error.code

    with listening(converse) as port, local(port) as transport:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: "timeout" if number % 2 else b"ok" for number in range(8)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority of our own and a TLS server context for registry.test."""
    now = dt.datetime.now(dt.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("Test CA", "registry.test")]

    def certificate(subject, key, extension):
        builder = x509.CertificateBuilder(names[0], subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
        return builder.add_extension(extension, critical=False).sign(keys[0], hashes.SHA256())

    root = certificate(names[0], keys[0], x509.BasicConstraints(ca=True, path_length=None))
    leaf = certificate(names[1], keys[1], x509.SubjectAlternativeName([x509.DNSName("registry.test")]))
    folder = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    private = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return root.public_bytes(pem).decode(), context


def polite(connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.network
def test_tls_is_checked_against_the_name_and_the_authority_of_the_connection(authority):
    ca_pem, context = authority
    with listening(polite, tls=context) as port:
        with local(port, ca_pem=ca_pem) as transport:
            assert ask(transport, f"https://registry.test:{port}/").body == b"ok"
        with local(port) as transport, pytest.raises(RegistryError, match="add that authority's certificate") as caught:
            ask(transport, f"https://registry.test:{port}/")
        assert caught.value.code == "tls"
        with (
            local(port, "other.test", ca_pem=ca_pem) as transport,
            pytest.raises(RegistryError, match="other") as caught,
        ):
            ask(transport, f"https://other.test:{port}/")
        assert caught.value.code == "tls"


@pytest.mark.network
def test_plain_http_where_tls_was_meant_and_the_other_way_round_are_told(authority):
    def refuse(connection):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with listening(refuse) as port, local(port) as transport:
        with pytest.raises(RegistryError, match="does not speak TLS") as caught:
            ask(transport, f"https://registry.test:{port}/")
        assert caught.value.code == "tls"
    with listening(polite, tls=authority[1]) as port, local(port) as transport:
        with pytest.raises(RegistryError) as caught:
            ask(transport, f"http://registry.test:{port}/")
        assert caught.value.code in ("not_a_registry", "unreachable")
