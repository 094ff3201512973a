"""How one answer is read: what a strict reader takes, what it refuses, and never other bytes than h11 reads."""

import h11
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registries.http1 import MAX_FIELDS, MAX_HEAD, NotHttpError, Reply, request_head
from registries.oci.errors import RegistryError
from registries.pinning import Allowance, BrokenError, WireError


class Pipe:
    """A connection that gives these bytes, so many at a time, and then ends."""

    def __init__(self, content, at_once=65536):
        self.content, self.at_once = content, at_once

    def read(self, max_bytes, timeout):
        number = min(max_bytes, self.at_once)
        content, self.content = self.content[:number], self.content[number:]
        return content


def read(content, *, method="GET", at_once=65536, raw_bytes=10**9):
    """Status, fields, body, and whether the connection may serve again."""
    allowance = Allowance(lambda: 0.0, 5, raw_bytes)
    reply = Reply(Pipe(content, at_once), "registry.test", allowance, to_head=method == "HEAD")
    body = b"".join(reply.pieces())
    return reply.status, dict(reply.fields), body, reply.may_go_on


def answer(*lines, body=b"", status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join([status, *lines, b"", b""]) + body


EXAMPLES = 400
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 65536])
@pytest.mark.parametrize(
    ("content", "body", "goes_on"),
    [
        (answer(b"Content-Length: 5", body=b"hello"), b"hello", True),
        (answer(b"content-length:5\t", body=b"hello"), b"hello", True),
        (answer(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), b"hello", True),
        (answer(b"Content-Length: 0"), b"", True),
        (answer(b"Content-Length: 5", b"Connection: close", body=b"hello"), b"hello", False),
        (answer(b"Content-Length: 5", b"Connection: x, Close", body=b"hello"), b"hello", False),
        (answer(b"Content-Length: 5", status=b"HTTP/1.0 200 OK", body=b"hello"), b"hello", False),
        (answer(body=b"until the end"), b"until the end", False),
        (answer(CHUNKED, body=b"5\r\nhello\r\n0\r\n\r\n"), b"hello", True),
        (answer(CHUNKED, body=b"00003 ;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"), b"hello", True),
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
    fields = Reply(
        Pipe(answer(b"B:  one \t", b"a: \xc3\xa4 two", b"b:", b"Content-Length: 0")),
        "registry.test",
        Allowance(lambda: 0.0, 5, 1000),
        to_head=False,
    ).fields
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
        answer(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
        answer(b"Content-Length: 5, 6", body=b"hello!"),
        answer(b"Content-Length: +5", body=b"hello"),
        answer(b"Content-Length: -5", body=b"hello"),
        answer(b"Content-Length: 0x5", body=b"hello"),
        answer(b"Content-Length: 5 5", body=b"hello"),
        answer(b"Content-Length:", body=b"hello"),
        answer("Content-Length: ٥".encode(), body=b"hello"),
        answer(b"Content-Length: 99999999999999999999", body=b"hello"),
        answer(b"X: y", b" folded", b"Content-Length: 0"),
        answer(b"X: y\n Content-Length: 0"),
        answer(b"X: y\nContent-Length: 0"),
        answer(b"X: y\rContent-Length: 0"),
        answer(b"X: a\0b", b"Content-Length: 0"),
        answer(b"X: a\x0bb", b"Content-Length: 0"),
        answer(b"X : y", b"Content-Length: 0"),
        answer(b": y", b"Content-Length: 0"),
        answer(b"no colon", b"Content-Length: 0"),
        answer("N\u00e4me: y".encode(), b"Content-Length: 0"),
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 ٢٠٠ OK\r\nContent-Length: 0\r\n\r\n".encode(),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        answer(CHUNKED, body=b"zz\r\n"),
        answer(CHUNKED, body=b"\r\n"),
        answer(CHUNKED, body=b"-5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"+5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"0x5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5_0\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b" 5\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5\nhello\n0\n\n"),
        answer(CHUNKED, body=b"5\r\nhello0\r\n\r\n"),
        answer(CHUNKED, body=b"5\r\nhello world\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5\r\nhello\n\n0\r\n\r\n"),
        answer(CHUNKED, body=b"ffffffffffffffff\r\nx"),
        answer(CHUNKED, body=b"5;" + b"x" * 2000 + b"\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
        answer(CHUNKED, body=b"0\r\nno trailer\r\n\r\n"),
        answer(CHUNKED, body=b"0\r\n X: folded\r\n\r\n"),
        answer(CHUNKED, body=b"0\r\n" + b"X: y\r\n" * MAX_HEAD),
        answer(b"X: " + b"x" * MAX_HEAD, b"Content-Length: 0"),
        answer(*[b"X: y"] * (MAX_FIELDS + 1)),
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
    given = {"method": "GET", "target": "/v2/", "name": "Accept", "value": "x", where: value}
    if where == "target":
        given["target"] = "/" + value
    with pytest.raises(RegistryError):
        request_head(given["method"], given["target"], "registry.test", {given["name"]: given["value"]})


# beside another reader


def by_h11(content, method):
    """Status, body of the first answer, as h11 reads it; None where it refuses."""
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    reader.send(h11.Request(method=method, target="/", headers=[("Host", "registry.test")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(content)
    reader.receive_data(b"")
    status, body = 0, b""
    try:
        while not isinstance(event := reader.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            if event in (h11.NEED_DATA, h11.PAUSED):
                return None
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
    except h11.RemoteProtocolError:
        return None
    return status, body


PARTS = st.sampled_from([
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No\r\n", b"HTTP/1.1 304 No\r\n", b"HTTP/1.1 404\r\n",
    b"HTTP/1.1 103 Early\r\n", b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"Content-Length: 5, 5\r\n",
    b"content-length:0\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
    b"transfer-encoding:chunked, chunked\r\n", b"Connection: close\r\n", b"X: y\r\n", b"X: y\n", b" folded\r\n",
    b"X : y\r\n", b"\r\n", b"\n", b"\r", b"5\r\nhello\r\n", b"5;a=b\r\nhello\r\n", b"0\r\n\r\n",
    b"0\r\nT: t\r\n\r\n", b"00\r\n", b"hello", b"hello!", b"\0", b"\x80", b"5", b"G", b" ", b";",
])  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]),
    parts=st.lists(PARTS, max_size=8),
    flips=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=2),
    method=st.sampled_from(["GET", "HEAD"]),
    at_once=st.sampled_from([1, 5, 65536]),
)
@example(
    head=b"HTTP/1.1 200 OK\r\n",
    parts=[b"Content-Length: 5, 5\r\n", b"\r\n", b"hello"],
    flips=[],
    method="GET",
    at_once=1,
)
def test_it_takes_nothing_that_h11_refuses_and_reads_the_same_bytes(head, parts, flips, method, at_once):
    content = bytearray(head + b"".join(parts))
    for position, value in flips:
        if content:
            content[position % len(content)] = value
    try:
        status, _, body, _ = read(bytes(content), method=method, at_once=at_once)
    except WireError:
        return  # it may refuse more than h11
    assert by_h11(bytes(content), method) == (status, body)
