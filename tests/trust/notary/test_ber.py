"""BER into DER: lengths are put into their shortest form, nothing else is touched, and nothing is unbounded."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.notary.ber import MAX_DEPTH, MAX_ELEMENTS, MAX_SIZE, BerError, element, to_der
from trust.notary.errors import LimitError


@pytest.mark.parametrize(
    ("ber", "der"),
    [
        ("0401aa", "0401aa"),
        ("048101aa", "0401aa"),
        ("0484000000 01aa", "0401aa"),
        ("3005048201 00", None),
        ("3005 0483000001aa", None),
        ("3006 0483000001aa", "300304" + "01aa"),
        ("308106 0483000001aa", "3003" + "0401aa"),
        ("1f2001aa", "1f2001aa"),
        ("3f812002 0400", "3f8120020400"),
        ("0500", "0500"),
        ("3000", "3000"),
    ],
)
def test_every_length_gets_its_shortest_form(ber, der):
    if der is None:
        with pytest.raises(BerError):
            to_der(bytes.fromhex(ber))
    else:
        assert to_der(bytes.fromhex(ber)) == bytes.fromhex(der)


@pytest.mark.parametrize(
    "ber",
    [
        b"",
        b"\x30",
        b"\x1f",
        b"\x1f\x80",
        b"\x04\x02a",
        b"\x04\x01ab",
        b"\x30\x80\x00\x00",
        b"\x04\x85\x00\x00\x00\x00\x01a",
        b"\x04\x84\xff\xff\xff\xff",
        b"\x30\x02\x04\x01",
        b"\x04\x81\x00",  # notation wants something behind a long length
    ],
)
def test_what_is_cut_short_too_long_or_of_indefinite_length_is_refused(ber):
    with pytest.raises(BerError):
        to_der(ber)


@given(st.recursive(st.binary(max_size=300), lambda inner: st.lists(inner, max_size=4), max_leaves=20))
def test_der_stays_as_it_is(tree):
    def encode(node):
        return element(0x04, node) if isinstance(node, bytes) else element(0x30, b"".join(map(encode, node)))

    assert to_der(encode(tree)) == encode(tree)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_end_in_der_or_in_our_errors(content):
    with suppress(BerError, LimitError):
        assert to_der(to_der(content)) == to_der(content)


def nested(depth):
    content = b""
    for _ in range(depth):
        content = element(0x30, content)
    return content


def test_nesting_has_a_limit():
    assert to_der(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(LimitError):
            to_der(nested(depth))


BOMBS = {
    "elements": element(0x30, b"\x05\x00" * MAX_ELEMENTS),
    "size": element(0x04, bytes(MAX_SIZE)),
    "depth and size": nested(MAX_DEPTH + 1)[:-1] + bytes(1),
    "deep and wide": element(0x30, nested(16) * 40_000)[: MAX_SIZE - 9],
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_early(name):
    start = time.process_time()
    with pytest.raises((LimitError, BerError)):
        to_der(BOMBS[name])
    assert time.process_time() - start < 1
