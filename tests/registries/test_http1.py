"""How one answer is read: what is taken, what is refused, and when the connection may serve again."""

from itertools import repeat

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.http1 import MAX_FIELDS, MAX_HEAD, Exchange, NotHttpError
from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.pinning import Allowance, BrokenError, WireError


class Pipe:
    """A connection that gives these bytes, so many at a time, and then ends."""

    def __init__(self, content, at_once=65536):
        self.content, self.at_once = content, at_once

    def read(self, max_bytes, timeout):
        number = min(max_bytes, self.at_once)
        content, self.content = self.content[:number], self.content[number:]
        return content

    def write(self, content, timeout):
        pass


def read(content, *, method="GET", at_once=65536, raw_bytes=10**9):
    """Status, fields, body, and whether the connection may serve again."""
    exchange, (status, fields) = ask(content, method=method, at_once=at_once, raw_bytes=raw_bytes)
    body = b"".join(exchange.pieces())
    return status, dict(fields), body, exchange.may_go_on


def ask(content=b"", *, method="GET", target="/", headers=(), at_once=65536, raw_bytes=10**9):
    exchange = Exchange(Pipe(content, at_once), "registry.test", Allowance(lambda: 0.0, 5, raw_bytes))
    return exchange, exchange.ask(method, target, "registry.test", dict(headers), None)


def answer(*lines, body=b"", status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join([status, *lines, b"", b""]) + body


CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 65536])
@pytest.mark.parametrize(
    ("content", "body", "goes_on"),
    [
        (answer(b"Content-Length: 5", body=b"hello"), b"hello", True),
        (answer(b"content-length:5\t", body=b"hello"), b"hello", True),
        (answer(b"Content-Length: 0"), b"", True),
        (answer(b"Content-Length: 5", b"Connection: close", body=b"hello"), b"hello", False),
        (answer(b"Content-Length: 5", b"Connection: x, Close", body=b"hello"), b"hello", False),
        (answer(b"Content-Length: 5", status=b"HTTP/1.0 200 OK", body=b"hello"), b"hello", False),
        (answer(body=b"until the end"), b"until the end", False),
        (answer(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"), b"hello", True),
        (answer(CHUNKED, body=b"00003;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"), b"hello", True),
        (answer(b"transfer-encoding: CHUNKED", body=b"A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789", True),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100\r\n\r\n" + answer(b"Content-Length: 2", body=b"ok"), b"ok", True),
        (answer(b"Content-Length: 7", status=b"HTTP/1.1 304 Not Modified"), b"", True),
        (answer(CHUNKED, status=b"HTTP/1.1 204 No Content"), b"", True),
    ],
)  # fmt: skip
def test_a_body_is_read_as_it_is_framed_however_it_is_cut(content, body, goes_on, at_once):
    _, _, found, may_go_on = read(content, at_once=at_once)
    assert (found, may_go_on) == (body, goes_on)


def test_fields_keep_their_order_and_lose_their_case_and_their_margins():
    _, (_, fields) = ask(answer(b"B:  one \t", b"a: \xc3\xa4 two", b"b:", b"Content-Length: 0"))
    assert fields == (("b", "one"), ("a", "ä two"), ("b", ""), ("content-length", "0"))


@pytest.mark.parametrize(
    "content",
    [
        answer(b"Content-Length: 5", CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, b"Content-Length: 5", body=b"hello"),
        answer(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
        answer(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        answer(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
        answer(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
        answer(b"Transfer-Encoding:", body=b"0\r\n\r\n"),
        answer(CHUNKED, status=b"HTTP/1.0 200 OK", body=b"0\r\n\r\n"),
        answer(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
        answer(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
        answer(b"Content-Length: 5, 6", body=b"hello!"),
        answer(b"Content-Length: +5", body=b"hello"),
        answer(b"Content-Length: -5", body=b"hello"),
        answer(b"Content-Length: 0x5", body=b"hello"),
        answer(b"Content-Length: 5 5", body=b"hello"),
        answer(b"Content-Length:", body=b"hello"),
        answer("Content-Length: ٥".encode(), body=b"hello"),
        answer(b"X: y\rContent-Length: 0"),
        answer(b"X: a\0b", b"Content-Length: 0"),
        answer(b"X: a\x0bb", b"Content-Length: 0"),
        answer(b"X : y", b"Content-Length: 0"),
        answer(b": y", b"Content-Length: 0"),
        answer(b"no colon", b"Content-Length: 0"),
        answer("N\u00e4me: y".encode(), b"Content-Length: 0"),
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 ٢٠٠ OK\r\nContent-Length: 0\r\n\r\n".encode(),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        answer(CHUNKED, body=b"zz\r\n"),
        answer(CHUNKED, body=b"\r\n"),
        answer(CHUNKED, body=b"-5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"+5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"0x5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5_0\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b" 5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5\r\nhello0\r\n\r\n"),
        answer(CHUNKED, body=b"5\r\nhello world\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5\r\nhello\n\n0\r\n\r\n"),
        answer(CHUNKED, body=b"0\r\nno trailer\r\n\r\n"),
        answer(CHUNKED, body=b"0\r\n X: folded\r\n\r\n"),
        answer(b"X: " + b"x" * 3 * MAX_HEAD, b"Content-Length: 0"),
        answer(*[b"X: y"] * (MAX_FIELDS + 1)),
        answer(CHUNKED, body=b"2\r\nok\r\n0\r\nX: " + b"x" * 3 * MAX_HEAD + b"\r\n\r\n"),
        answer(CHUNKED, body=b"2\r\nok\r\n2;" + b"x" * 3 * MAX_HEAD + b"\r\nok\r\n0\r\n\r\n"),
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * MAX_HEAD + answer(b"Content-Length: 0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [1024, 65536])
def test_what_could_be_read_in_two_ways_is_refused(content, at_once):
    with pytest.raises(NotHttpError):
        read(content, at_once=at_once)


@pytest.mark.parametrize(
    "content",
    [
        answer(b"Content-Length: 100", body=b"too short"),
        answer(b"Content-Length: 1", body=b""),
        answer(CHUNKED, body=b"5\r\nhel"),
        answer(CHUNKED, body=b"5\r\nhello"),
        answer(CHUNKED, body=b"5\r\nhello\r\n"),
        answer(CHUNKED, body=b"5\r\nhello\r\n0\r\n"),
        answer(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: y\r\n"),
        answer(CHUNKED, body=b""),
        answer(b"Content-Length: 5")[:-2],
        b"HTTP/1.1 200",
        b"",
    ],
)
def test_a_body_that_ends_early_is_never_a_shorter_body(content):
    with pytest.raises(BrokenError):
        read(content)


@pytest.mark.parametrize("end", range(len(answer(CHUNKED, body=b"5\r\nhello\r\n3;x\r\nyou\r\n0\r\nA: b\r\n\r\n"))))
def test_no_cut_of_an_answer_in_chunks_is_an_answer(end):
    whole = answer(CHUNKED, body=b"5\r\nhello\r\n3;x\r\nyou\r\n0\r\nA: b\r\n\r\n")
    with pytest.raises(WireError):
        read(whole[:end])


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("GET", answer(b"Content-Length: 2", body=b"okHTTP/1.1 200 OK\r\n")),
        ("GET", answer(CHUNKED, body=b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")),
        ("HEAD", answer(b"Content-Length: 2", body=b"ok")),
        ("GET", answer(b"Content-Length: 2", status=b"HTTP/1.1 304 Not Modified", body=b"ok")),
        ("GET", answer(status=b"HTTP/1.1 204 No Content", body=b"ok")),
    ],
)
def test_a_connection_on_which_more_came_than_was_asked_for_serves_no_more(method, content):
    _, _, body, may_go_on = read(content, method=method)
    assert body in (b"", b"ok")
    assert body == b"ok" or method == "HEAD" or b" 200 " not in content[:20]
    assert not may_go_on


def test_the_answer_to_a_head_has_no_body_and_leaves_the_connection_usable():
    for lines in ([b"Content-Length: 5000000"], [CHUNKED], []):
        assert read(answer(*lines), method="HEAD")[2:] == (b"", True)


def test_every_byte_counts_headers_and_framing_included():
    content = answer(CHUNKED, body=b"1\r\nx\r\n" * 100 + b"0\r\n\r\n")
    assert read(content, raw_bytes=len(content))[2] == b"x" * 100
    with pytest.raises(RegistryError) as caught:
        read(content, raw_bytes=len(content) - 1)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "ä"])
@pytest.mark.parametrize("where", ["method", "target", "name", "value"])
def test_nothing_in_a_request_begins_a_line_of_its_own(value, where):
    asked = {"method": "GET", "target": "/v2/", "name": "Accept", "value": "x", where: value}
    if where == "target":
        asked["target"] = "/" + value
    with pytest.raises(RegistryError):
        ask(method=asked["method"], target=asked["target"], headers={asked["name"]: asked["value"]})


def test_content_that_is_not_as_long_as_announced_is_not_sent_as_if_it_were():
    for size, pieces in ((2, [b"abc"]), (4, [b"abc"]), (4, repeat(b"abc"))):
        exchange = Exchange(Pipe(b""), "registry.test", Allowance(lambda: 0.0, 5, 10**9))
        with pytest.raises(RegistryError, match="length"):
            exchange.ask("PUT", "/", "registry.test", {}, Outgoing(size, lambda pieces=pieces: iter(pieces)))


LINES = st.sampled_from([
    b"Content-Length: 5", b"Content-Length: 0", b"Content-Length:5 ", b"Content-Length: 05", b"Content-Length: 5,5",
    b"content-length: 4",
    CHUNKED, b"Transfer-Encoding: identity", b"transfer-encoding:\tchunked ", b"Connection: close", b"Connection: keep-alive, x",
    b"Upgrade: h2c", b"X: y", b"X:", b" folded", b"X: y\rZ: z", b"X: y\nContent-Length: 5", b"\tContent-Length: 5", b"Trailer: x",
])  # fmt: skip
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204", b"HTTP/1.1 304 Not", b"HTTP/1.1 404 "]
)
BODIES = st.sampled_from(
    [
        b"",
        b"hello",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"0\r\n\r\n",
        b"5;a\r\nhello\r\n0\r\n\r\n",
    ]
)


@given(status=STATUS, lines=st.lists(LINES, max_size=5), body=BODIES, at_once=st.sampled_from([1, 5, 65536]))
def test_an_answer_that_is_taken_says_the_same_to_another_strict_reader(status, lines, body, at_once):
    content = answer(*lines, status=status, body=body)
    try:
        ours = read(content, at_once=at_once)
    except WireError:
        return
    other = h11.Connection(h11.CLIENT)
    other.send(h11.Request(method="GET", target="/", headers=[("Host", "registry.test")]))
    other.send(h11.EndOfMessage())
    other.receive_data(content)
    other.receive_data(b"")
    head, *events = _events(other)
    assert (head.status_code, b"".join(bytes(event.data) for event in events)) == (ours[0], ours[2])


def _events(connection):
    """The head and the pieces of the first answer, as h11 reads them."""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        yield event
