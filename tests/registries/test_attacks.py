"""Attacks on the way to a registry, one table each, with a spy on the wire: who was connected to, and what was sent there.

The client, the transport and the address guard are the real ones; only the sockets are not.
"""

import gzip
import itertools
import json
import tracemalloc

import pytest

from registries.models import Content
from registries.oci.client import Client
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registries.transport import MAX_HEADERS
from tests.registries.attacked import AUTH, BLOB, CANARIES, EMPTY_INDEX, EVIL, HOME, STORE, SUBJECT, TOKEN, Side, bearer
from tests.registries.oci.scripted import Scripted, answer
from tests.simulators.registry_quirks import reply
from tests.simulators.sockets import http

ASKS = {
    "ping": lambda client: client.check(),
    "catalog": lambda client: _raised(client.catalog(5).error),
    "tags": lambda client: _raised(client.tags("app").error),
    "manifest_head": lambda client: client.resolve("app", "v1"),
    "manifest": lambda client: client.manifest("app", SUBJECT),
    "referrers": lambda client: _complete(client.referrers("app", SUBJECT, limit=10)),
    "referrers_tag": lambda client: _raised(client.referrers_by_tag("app", SUBJECT).error),
    "blob": lambda client: client.blob("app", BLOB, max_size=100),
}


def _raised(error):
    if error:
        raise error


def _complete(listed):
    _raised(listed.error)
    if not listed.complete:
        raise RegistryError("not listed")


# T01: the realm of a challenge


REALMS = [
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/",
    "https://[fd00:ec2::254]/",
    "http://127.0.0.1:6379/",
    "https://localhost/",
    "https://evil.test/token",
    "http://registry.test/token",
    "https://registry.test:8443/token",
    "https://registry.test@evil.test/token",
    "https://evil.test\\@registry.test/token",
    "https://registry.test.evil.test/token",
    "//evil.test/token",
    "ftp://registry.test/token",
    "https://2130706433/",
    "https://[::ffff:9.9.9.9]/",
    "evil.test/token",
]


@pytest.mark.parametrize("realm", REALMS)
@pytest.mark.parametrize("ask", ["tags", "manifest", "blob", "referrers"])
def test_a_realm_elsewhere_is_not_contacted(realm, ask):
    side = Side({HOME: bearer(http(), realm)})
    side.fails(ASKS[ask])
    assert set(side.network.connects) == {(HOME, 443)}
    assert side.leaked() == []


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.0.0.1", "64:ff9b::7f00:1"])
def test_a_token_service_that_the_operator_named_is_checked_like_any_other_place(address):
    names = {"registry.test": [HOME], "auth.test": [address]}
    side = Side(
        {HOME: bearer(http(), "https://auth.test/token")},
        names=lambda host, port: names[host],
        realm_hosts=["auth.test"],
    )
    assert side.fails(ASKS["tags"]).code == "forbidden_address"
    assert set(side.network.connects) == {(HOME, 443)}


def test_a_named_token_service_sees_the_password_and_nobody_sees_its_token_but_the_registry():
    tags = http(body=b'{"tags":["v1"]}', Content_Type="application/json")
    side = Side({HOME: bearer(tags, "https://auth.test/token"), AUTH: TOKEN}, realm_hosts=["auth.test"])
    assert side.client.tags("app").tags == ("v1",)
    assert b"canary-token" in side.network.sent[HOME]
    assert b"canary-token" not in side.network.sent[AUTH]
    assert b"Basic " not in side.network.sent[HOME]
    assert set(side.network.names) == {"registry.test", "auth.test"}  # TLS is for the name, whatever the address


# T02: redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("ask", [name for name in ASKS if name != "ping"])
@pytest.mark.parametrize("place", ["https://evil.test/x", "https://registry.test:8443/x", "//evil.test/x"])
def test_no_secret_leaves_with_a_redirect(status, ask, follow, place):
    away = bearer(http(status, Location=place))
    other = http("401 Unauthorized", WWW_Authenticate='Bearer realm="https://evil.test/token"')
    side = Side({(HOME, "/token"): TOKEN, (HOME, "/x"): other, HOME: away, EVIL: other}, follow_redirects=follow)
    side.fails(ASKS[ask])
    assert side.leaked(but=[HOME]) == []
    may_follow = ask == "blob" or (follow and ask in ("tags", "manifest_head", "manifest", "referrers_tag"))
    assert any(place != (HOME, 443) for place in side.network.connects) == may_follow
    if (HOME, 8443) in side.network.connects:  # another port is another place: no secret there either
        to_other_port = [
            block for block in side.network.sent[HOME].split(b"\r\n\r\n") if b"registry.test:8443" in block
        ]
        assert to_other_port
        assert not any(canary in block for block in to_other_port for canary in CANARIES)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_token_service_redirects_nobody(status):
    side = Side({(HOME, "/token"): http(status, Location="https://evil.test/token"), HOME: bearer(http())})
    assert side.fails(ASKS["tags"]).code == "redirect"
    assert set(side.network.connects) == {(HOME, 443)}


@pytest.mark.parametrize(
    "place",
    ["http://169.254.169.254/", "https://169.254.169.254/", "https://127.0.0.1/", "https://10.0.0.1/", "https://0x7f.1/",
     "https://[::1]/", "https://[64:ff9b::a9fe:a9fe]/", "http://storage.test/x", "file:///etc/passwd", "https://a@evil.test/"],
)  # fmt: skip
@pytest.mark.parametrize("ask", ["blob", "manifest"])
def test_a_redirect_leads_to_no_inner_address_and_to_no_plain_http(place, ask):
    side = Side({HOME: http("307 Temporary", Location=place)}, follow_redirects=True)
    assert side.fails(ASKS[ask]).code in ("forbidden_address", "redirect")
    assert set(side.network.connects) == {(HOME, 443)}


def test_a_front_is_followed_to_the_manifest_where_the_operator_said_so():
    manifest = b'{"schemaVersion":2}'
    home = http("307 Temporary", Location="https://storage.test/m?signature=1")
    answers = {HOME: home, STORE: http(body=manifest, Content_Type=OCI_MANIFEST)}
    side = Side(answers, follow_redirects=True)
    assert side.client.manifest("app", Digest.of(manifest)).content == manifest
    assert Side(answers).fails(lambda client: client.manifest("app", Digest.of(manifest))).code == "redirect"


def test_an_https_hop_never_leads_back_to_plain_http():
    home = http("307 Temporary", Location="https://storage.test/x")
    side = Side({HOME: home, STORE: http("307 Temporary", Location="http://evil.test/x")}, base="http://registry.test")
    assert side.fails(ASKS["blob"]).code == "redirect"
    assert (EVIL, 80) not in side.network.connects


# T03: links to the next page


@pytest.mark.parametrize(
    "link",
    ["http://169.254.169.254/v2/app/tags/list2?n=1", "//evil.test/?n=1", "\\\\evil.test\\v2?n=1", "https://evil.test?n=1",
     "https://registry.test@evil.test/?n=1", "file:///etc/passwd?n=1", "/v2/other/tags/list?n=1", "/v2/app/tags/../x?n=1"],
)  # fmt: skip
@pytest.mark.parametrize("ask", ["tags", "catalog", "referrers"])
def test_a_link_leads_to_nobody_else(link, ask):
    bodies = {"tags": b'{"tags":["a"]}', "catalog": b'{"repositories":["a"]}', "referrers": EMPTY_INDEX}
    kind = OCI_INDEX if ask == "referrers" else "application/json"
    side = Side({HOME: http(body=bodies[ask], Content_Type=kind, Link=f'<{link}>; rel="next"')})
    side.fails(ASKS[ask])
    assert set(side.network.connects) == {(HOME, 443)}


def test_a_link_that_names_another_host_is_asked_of_the_registry_itself():
    pages = itertools.chain([b'{"tags":["a"]}'], itertools.repeat(b'{"tags":["b"]}'))

    def respond(request):
        more = {"Link": '<https://evil.test/v2/app/tags/list?last=a>; rel="next"'} if b"last=" not in request else {}
        return http(body=next(pages), Content_Type="application/json", **more)

    side = Side({HOME: respond})
    assert side.client.tags("app").tags == ("a", "b")
    assert set(side.network.connects) == {(HOME, 443)}


# T04: names and numbers


LITERALS = [
    "127.0.0.1", "127.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
    "10.0.0.1", "0xa000001", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "3232235521", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.170.2", "168.63.129.16", "192.0.0.192", "192.0.0.8",
    "198.18.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[fe80::1]", "[fc00::1]",
    "[fd00:ec2::254]", "[fd20:ce::254]", "[ff02::1]", "localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", LITERALS)
def test_no_spelling_of_an_inner_address_is_connected_to(host):
    side = Side({}, base=f"http://{host}:5000")
    assert side.fails(ASKS["tags"]).code in ("forbidden_address", "unreachable")
    assert side.network.connects == []


@pytest.mark.parametrize("host", LITERALS)
def test_no_redirect_spells_its_way_to_an_inner_address(host):
    side = Side({HOME: http("307 Temporary", Location=f"https://{host}/x")})
    assert side.fails(ASKS["blob"]).code in ("forbidden_address", "unreachable", "redirect")
    assert set(side.network.connects) == {(HOME, 443)}


@pytest.mark.parametrize("second", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "64:ff9b::a9fe:a9fe"])
def test_a_name_that_changes_its_address_is_checked_at_every_connection(second):
    answers = itertools.chain([[HOME]], itertools.repeat([second]))
    closing = http(body=b'{"tags":[]}', Content_Type="application/json", Connection="close")
    side = Side({HOME: closing}, names=lambda host, port: next(answers))
    assert side.client.tags("app").complete
    assert side.fails(ASKS["tags"]).code == "forbidden_address"
    assert side.network.connects == [(HOME, 443)]


def test_the_checked_address_is_the_one_that_is_connected_to_and_the_name_is_resolved_once():
    resolved = []
    side = Side(
        {HOME: http(body=b'{"tags":[]}', Content_Type="application/json")},
        names=lambda host, port: resolved.append(host) or [HOME],
    )
    side.client.tags("app")
    side.client.tags("app")
    assert resolved == ["registry.test"]
    assert side.network.connects == [(HOME, 443)]


def test_a_private_network_is_open_to_the_connection_that_names_it_and_metadata_to_none():
    tags = http(body=b'{"tags":[]}', Content_Type="application/json")
    inner = {"registry.test": ["10.1.2.3"], "evil.test": ["169.254.169.254"]}
    side = Side({"10.1.2.3": tags}, names=lambda host, port: inner[host], allowed=["10.1.0.0/16", "169.254.0.0/16"])
    assert side.client.tags("app").complete
    side = Side(
        {}, base="https://evil.test", names=lambda host, port: inner[host], allowed=["169.254.0.0/16", "0.0.0.0/0"]
    )
    assert side.fails(ASKS["tags"]).code == "forbidden_address"
    assert side.network.connects == []


# T05: answers that do not end


def _repeat(first, chunk):
    return itertools.chain([first], itertools.repeat(chunk))


TOXIC = {
    "drip": lambda: _repeat(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "drip of headers": lambda: _repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "endless body": lambda: _repeat(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    "endless chunks": lambda: _repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "one byte a chunk": lambda: _repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 8192),
    "chunk extensions": lambda: _repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536),
    "endless trailers": lambda: _repeat(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 8192),
    "one long header": lambda: _repeat(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "many headers": lambda: _repeat(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 8192),
    "interim answers": lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2048),
    "no answer": lambda: itertools.repeat(b"\r\n"),
    "lying length": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + b"x" * 1_000_000]),
    "negative length": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"]),
    "huge length": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"]),
    "two lengths": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"]),
    "chunked junk": lambda: iter([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"]),
    "cut short": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"]),
    "not HTTP": lambda: iter([b"SSH-2.0-OpenSSH_9.9\r\n"]),
    "smuggling": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nx"]),
}  # fmt: skip


SMALL_PIECES = {"one byte a chunk", "interim answers"}  # the clock of this network stands while they are unpacked


@pytest.mark.parametrize(
    ("name", "ask"),
    [(n, a) for n in TOXIC for a in ("manifest", "blob", "token") if a != "manifest" or n not in SMALL_PIECES],
)
def test_an_answer_without_an_end_ends_at_the_deadline_or_at_the_limit(name, ask):
    came = []

    def counted(request):
        for chunk in TOXIC[name]():
            came.append(len(chunk))
            yield chunk

    place = (HOME, "/token") if ask == "token" else HOME
    side = Side({place: counted, **({HOME: bearer(http())} if ask == "token" else {})})
    error = side.fails(ASKS["tags" if ask == "token" else ask])
    assert error.code in (
        "timeout",
        "too_large",
        "not_a_registry",
        "unreachable",
        "bad_answer",
        "digest_mismatch",
        "size_mismatch",
    )
    assert side.now <= 12
    largest = {"manifest": 4}.get(ask, 0) * 1024 * 1024
    assert (
        sum(came)
        <= largest + largest // 16 + 64 * 1024 + MAX_HEADERS + 1_000_000 * (name == "lying length") + 3 * 65536
    )


# T06: compression


@pytest.mark.parametrize("header", ["Content-Encoding", "Transfer-Encoding"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity", "x-gzip"])
def test_a_compression_bomb_is_not_unpacked(header, encoding):
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    extra = b"" if header == "Transfer-Encoding" else f"Content-Length: {len(bomb)}\r\n".encode()
    content = b"HTTP/1.1 200 OK\r\n" + extra + f"{header}: {encoding}\r\n\r\n".encode() + bomb
    side = Side({HOME: content})
    tracemalloc.start()
    try:
        side.fails(ASKS["tags"])
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert b"ccept-Encoding: identity" in side.network.sent[HOME]


# T07: bytes and their digest


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_one_changed_bit_anywhere_is_refused(algorithm):
    content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    digest = Digest.of(content, algorithm)
    served = [b""]
    path = f"/v2/app/manifests/{digest}"
    blob = Descriptor("application/x", digest, len(content))

    def respond(request):
        return answer(200, served[0], OCI_INDEX, Docker_Content_Digest=str(digest))

    client = Client(Scripted({path: respond, f"/v2/app/blobs/{digest}": respond}), "https://registry.test")
    for position, bit in itertools.product(range(len(content)), range(8)):
        served[0] = content[:position] + bytes([content[position] ^ (1 << bit)]) + content[position + 1 :]
        with pytest.raises(RegistryError) as caught:
            client.manifest("app", digest)
        assert caught.value.code == "digest_mismatch"
        with pytest.raises(RegistryError) as caught:
            client.blob("app", blob, max_size=1000)
        assert caught.value.code == "digest_mismatch"
    served[0] = content
    assert client.manifest("app", digest).content == client.blob("app", blob, max_size=1000) == content


@pytest.mark.parametrize("length", [0, 1, 7, 9, 100])
def test_a_blob_of_another_size_is_refused_before_its_digest_matters(length):
    content = b"x" * length
    descriptor = Descriptor("application/x", Digest.of(content), 8)
    client = Client(Scripted({f"/v2/app/blobs/{descriptor.digest}": answer(200, content)}), "https://registry.test")
    with pytest.raises(RegistryError) as caught:
        client.blob("app", descriptor, max_size=1000)
    assert caught.value.code in ("size_mismatch", "digest_mismatch")


# T08: a tag that changes while it is read


def test_a_tag_that_is_served_differently_each_time_is_resolved_once_and_never_mixed(bench):
    contents = [bench.author.image(str(number), tags=["v"]) for number in range(2)]
    turns = itertools.count()

    def flipping(app, environ, start_response):
        bench.demo.put_manifest("team/app", contents[next(turns) % 2], tags=["v"])
        return app(environ, start_response)

    bench.quirks.break_("manifests/v$", flipping)
    for number in range(4):
        bench.index()
        tag = bench.repository.tags.get(name="v")
        assert tag.digest in {Digest.of(content) for content in contents}
        assert bench.present() == bench.artifacts() == {tag.digest}
        assert len(bench.quirks.asked("manifests/v$")) == 1 + number  # each index asks what it names once
    assert len(bench.quirks.asked("GET .*manifests/v$")) == 1  # what was stored later was asked for by digest
    for content in contents:
        assert bytes(Content.objects.get(digest=Digest.of(content)).content) == content
    assert bench.faults() == []


def test_the_name_of_one_manifest_and_the_bytes_of_another_are_never_mixed(bench):
    named, served = (bench.author.image(str(number)) for number in range(2))
    bench.author.image("0", tags="v")
    mixed = reply("200 OK", served, OCI_MANIFEST, Docker_Content_Digest=str(Digest.of(named)))
    bench.quirks.break_("GET .*manifests/v$", mixed)
    bench.index()
    assert bench.repository.tags.get(name="v").digest == Digest.of(named)
    assert bench.present() == {Digest.of(named)}
    assert bytes(Content.objects.get(digest=Digest.of(named)).content) == named
    assert not Content.objects.filter(digest=Digest.of(served)).exists()


# T09: what an answer proves


STATUSES = [200, 204, 302, 400, 401, 403, 404, 429, 503]
BODIES = {
    "empty index": (EMPTY_INDEX, OCI_INDEX),
    "index called JSON": (EMPTY_INDEX, "application/json"),
    "index called text": (EMPTY_INDEX, "text/plain"),
    "page": (b"<!doctype html><title>Log in</title>", "text/html"),
    "page called an index": (b"<!doctype html><title>Log in</title>", OCI_INDEX),
    "error": (b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', "application/json"),
    "nothing": (b"", ""),
    "half an index": (EMPTY_INDEX[:30], OCI_INDEX),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", BODIES)
def test_only_a_whole_index_with_status_200_says_that_there_are_no_referrers(status, name):
    body, content_type = BODIES[name]
    given = answer(status, body, content_type, Location="https://evil.test/login")
    client = Client(Scripted({f"/v2/app/referrers/{SUBJECT}": given}), "https://registry.test")
    listed = client.referrers("app", SUBJECT, limit=10)
    assert listed.complete == (status == 200 and name in ("empty index", "index called JSON"))
    if not listed.complete:
        assert listed.error or listed.supported is False
    if status in (401, 403, 429, 503, 204):
        assert listed.supported is not False


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", [*BODIES, "tags"])
def test_only_a_tag_list_with_status_200_says_which_tags_there_are(status, name):
    body, content_type = BODIES.get(name, (b'{"name":"app","tags":[]}', "application/json"))
    given = answer(status, body, content_type, Location="https://evil.test/login")
    tags = Client(Scripted({"/v2/app/tags/list": given}), "https://registry.test").tags("app")
    assert tags.tags == ()
    assert tags.complete == (status == 200 and name == "tags")
    assert tags.complete or tags.error
