"""Damaged and hostile timestamp tokens: only our errors come out, soon, and nothing that was signed can be changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.tsa import Signer, make_info
from tests.trust.notary.stamping import MESSAGE, authority, authority_certificate, authority_of, sound
from trust.notary.ber import MAX_DEPTH, MAX_ELEMENTS, element
from trust.notary.certificates import Certificate
from trust.notary.cms import MAX_CERTIFICATES, MAX_SIGNERS, read_signed_data
from trust.notary.errors import NotaryError
from trust.notary.timestamp import examine_timestamp
from trust.notary.timestamp_chain import find_chain

TSA = authority("p256", depth=1)
TOKEN = TSA.token(MESSAGE, accuracy={"seconds": 1})
ROOTS = [Certificate.parse(TSA.root)]


def proven(token):
    """What the token proves about MESSAGE and whom the chain leads to; None if it is refused. Other errors are ours."""
    evidence = examine_timestamp(token, MESSAGE)
    if evidence.fault:
        assert evidence.fault.code
        assert evidence.fault.message
        return None
    try:
        return evidence.info, [one.der for one in find_chain(evidence.with_roots(ROOTS), ROOTS)]
    except NotaryError:
        return None


GOOD = proven(TOKEN)


def signed_regions():
    """Where in the token stands what its signature covers, and the signature itself."""
    data = read_signed_data(TOKEN)
    (signer,) = data.signers
    for content in (data.content, signer.signature, TSA.chain[0], *(content for _, content in signer.attributes)):
        start = TOKEN.index(content)
        yield range(start, start + len(content))


def flip(position, mask):
    changed = bytearray(TOKEN)
    changed[position] ^= mask
    return bytes(changed)


def test_the_token_is_good_before_it_is_damaged():
    assert GOOD is not None


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80, 0xFF])
def test_a_flipped_byte_is_refused_or_changes_nothing_that_is_proven(mask):
    survivors = {
        position for position in range(len(TOKEN)) if (found := proven(flip(position, mask))) and found == GOOD
    }
    refused = {position for position in range(len(TOKEN)) if position not in survivors}
    assert all(proven(flip(position, mask)) is None for position in refused)
    assert len(refused) > len(TOKEN) * 0.8


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80, 0xFF])
def test_no_byte_that_was_signed_can_be_changed(mask):
    regions = list(signed_regions())
    assert sum(map(len, regions)) > len(TOKEN) / 2
    for region in regions:
        for position in region:
            assert proven(flip(position, mask)) is None, position


def test_a_token_cut_short_or_followed_by_anything_is_refused():
    for length in range(len(TOKEN)):
        assert proven(TOKEN[:length]) is None
    assert proven(TOKEN + b"\0") is None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_prove_nothing(content):
    assert proven(content) is None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TOKEN)), st.integers(0, 40), st.binary(max_size=40))
def test_a_replaced_stretch_is_refused_or_changes_nothing_that_is_proven(start, length, content):
    assert proven(TOKEN[:start] + content + TOKEN[start + length :]) in (None, GOOD)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120))
def test_an_arbitrary_timestamp_that_is_properly_signed_is_refused(content):
    try:
        token = TSA.token(MESSAGE, info=content)
    except ValueError:  # asn1crypto cannot encode it
        return
    assert proven(token) is None


# Bombs


def nested(depth):
    content = b""
    for _ in range(depth):
        content = element(0x30, content)
    return content


def wrapped(content):
    """Signed data with that content in place of its members."""
    return element(0x30, bytes.fromhex("06092a864886f70d010702") + element(0xA0, content))


def crowd(count):
    return tuple(authority_certificate("p256", "crowd", serial=number) for number in range(2, count + 2))


BOMBS = {
    "nested": lambda: nested(40_000),
    "nested in signed data": lambda: wrapped(nested(MAX_DEPTH)),
    "many elements": lambda: wrapped(element(0x30, b"\x05\x00" * 400_000)),
    "long number": lambda: wrapped(element(0x30, element(0x02, b"\x7f" * 900_000))),
    "long object identifier": lambda: element(0x30, element(0x06, b"\x81" * 900_000 + b"\x01")),
    "many parts of an object identifier": lambda: element(0x30, element(0x06, b"\x01" * 900_000)),
    "long time": lambda: TSA.token(MESSAGE, gen_time=b"2" * 900_000),
    "long fraction": lambda: TSA.token(MESSAGE, gen_time=b"20260101120000." + b"1" * 900_000 + b"Z"),
    "long content": lambda: TSA.token(MESSAGE, info=element(0x30, bytes(900_000))),
    "many certificates": lambda: TSA.token(MESSAGE, bag=(TSA.chain[0], *crowd(MAX_CERTIFICATES))),
    "many signers": lambda: TSA.token(MESSAGE, signers=[Signer(TSA)] * (MAX_SIGNERS + 1)),
    "too large": lambda: wrapped(element(0x04, bytes(1 << 20))),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name):
    """What it costs is measured by test_bombs.py, in a process of its own."""
    assert proven(BOMBS[name]()) is None


@pytest.mark.parametrize("name", ["nested", "many elements", "many certificates", "many signers", "too large"])
def test_what_goes_beyond_a_limit_is_unknown_and_not_failed(name):
    fault = examine_timestamp(BOMBS[name](), MESSAGE).fault
    assert (fault.code, fault.kind) == ("timestamp_limit", "unknown")


def test_the_limits_leave_room_for_real_tokens():
    tsa = authority_of(*crowd(MAX_CERTIFICATES - 1), sound().root)
    evidence = examine_timestamp(tsa.token(MESSAGE), MESSAGE)
    assert (evidence.fault, len(evidence.certificates)) == (None, MAX_CERTIFICATES)
    assert examine_timestamp(TSA.token(MESSAGE, signers=[Signer(TSA)] * MAX_SIGNERS), MESSAGE).fault is None
    assert len(make_info(MESSAGE)) < 200 < MAX_ELEMENTS
