"""The COSE envelope: what notation takes is taken, what it refuses is refused."""

from datetime import UTC, datetime

import cbor2
import pytest
from cbor2 import CBORSimpleValue, CBORTag, undefined
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.making import (
    AUTHENTIC,
    DROPPED,
    EXPIRES_SECONDS,
    EXPIRY,
    PAYLOAD,
    SCHEME,
    SIGNED_AT_SECONDS,
    TARGET,
    TIME,
    key_of,
    make_certificate,
    make_cose,
    sound_chain,
)
from trust.notary import cbor
from trust.notary.evidence import Attribute, Scheme, examine
from trust.notary.media_types import COSE

TOKEN, AGENT = "io.cncf.notary.timestampSignature", "io.cncf.notary.signingAgent"
SIGNED, EXPIRES = CBORTag(1, SIGNED_AT_SECONDS), CBORTag(1, EXPIRES_SECONDS)
AUTHORITY = {SCHEME: "notary.x509.signingAuthority", TIME: DROPPED, AUTHENTIC: SIGNED, 2: [SCHEME, AUTHENTIC]}
SIGNED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def fault(**changes):
    evidence = examine(make_cose(**changes), COSE)
    assert evidence.signed is None
    assert evidence.integrity.kind == "failed"
    return evidence.integrity.code


def opened(**changes):
    evidence = examine(make_cose(**changes), COSE)
    assert evidence.integrity is None, evidence.integrity
    return evidence


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ("rsa2048", "PS256"),
        ("rsa3072", "PS384"),
        ("rsa4096", "PS512"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("p521", "ES512"),
    ],
)
def test_each_kind_of_key_signs_with_its_algorithm(key, algorithm):
    assert opened(key=key_of(key), chain=sound_chain(key)).signed.algorithm == algorithm


def test_everything_that_is_signed_is_told():
    header = {
        EXPIRY: EXPIRES,
        "com.example.data": {"a": [1, b"\x01", None, 1.5]},
        "com.example.text": "x",
        99: True,
        2: [SCHEME, EXPIRY, "com.example.text", 99],
    }
    evidence = opened(header=header, unprotected={TOKEN: b"token"})
    signed = evidence.signed
    assert (signed.scheme, signed.content_type) == (Scheme.x509, "application/vnd.cncf.notary.payload.v1+json")
    assert (signed.signing_time, signed.authentic_signing_time) == (SIGNED_AT, None)
    assert signed.expiry == datetime(2027, 1, 1, tzinfo=UTC)
    assert set(signed.attributes) == {
        Attribute("com.example.data", '{"a": [1, "0x01", null, 1.5]}', critical=False),
        Attribute("com.example.text", "x", critical=True),
        Attribute("99", "true", critical=True),
    }
    assert signed.payload == PAYLOAD
    assert signed.target.target.to_json() == TARGET
    assert [certificate.der for certificate in evidence.chain] == list(sound_chain())
    assert (evidence.unverified_signing_agent, evidence.unverified_timestamp_token) == ("maker/1", b"token")


def test_a_signing_authority_vouches_for_the_time():
    signed = opened(header=AUTHORITY).signed
    assert signed.scheme is Scheme.signing_authority
    assert (signed.signing_time, signed.authentic_signing_time) == (None, SIGNED_AT)


def test_a_time_of_the_other_scheme_is_ignored_unlike_in_jws():
    assert opened(header=AUTHORITY | {TIME: SIGNED}).signed.signing_time is None
    assert opened(header={AUTHENTIC: EXPIRES}).signed.authentic_signing_time is None
    assert opened(header={AUTHENTIC: "whatever"}).signed.attributes == ()


def test_further_system_labels_may_be_critical_unlike_in_jws():
    assert opened(header={2: [SCHEME, SCHEME, TIME, 1, 2, 3]})


@pytest.mark.parametrize("salt", [0, 20, 64])
def test_only_a_salt_as_long_as_the_hash_is_taken_unlike_in_jws(salt):
    rsa = {"key": key_of("rsa2048"), "chain": sound_chain("rsa2048")}
    assert opened(**rsa, salt=32)
    assert fault(**rsa, salt=salt) == "signature_invalid"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-5, datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)),
        (0.5, datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (253402300799, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_seconds_with_tag_1(seconds, expected):
    assert opened(header={TIME: CBORTag(1, seconds)}).signed.signing_time == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (DROPPED, "signing_time_missing"),
        (None, "signing_time_missing"),
        (CBORTag(1, -62135596800), "signing_time_missing"),
        (SIGNED_AT_SECONDS, "attribute_time"),
        ("2026-01-01T00:00:00Z", "attribute_time"),
        (CBORTag(1, -62135596801), "attribute_time"),
        (CBORTag(1, 253402300800), "attribute_time"),
        (CBORTag(1, 2**62), "attribute_time"),
        (CBORTag(1, float("nan")), "attribute_time"),
        (CBORTag(1, float("inf")), "attribute_time"),
        (CBORTag(1, 1e300), "attribute_time"),
        (CBORTag(1, 2**63), "envelope_unreadable"),
        (CBORTag(1, None), "envelope_unreadable"),
        (CBORTag(1, True), "envelope_unreadable"),
        (CBORTag(1, "x"), "envelope_unreadable"),
        (CBORTag(1, CBORTag(1, 5)), "envelope_unreadable"),
        (CBORTag(1, CBORTag(2, b"\x05")), "envelope_unreadable"),
        (CBORTag(0, "2026-01-01T00:00:00Z"), "envelope_unreadable"),
    ],
)
def test_any_other_signing_time_is_refused(value, code):
    assert fault(header={TIME: value}) == code


def test_expiry_comes_after_signing():
    assert fault(header={EXPIRY: SIGNED, 2: [SCHEME, EXPIRY]}) == "expiry_before_signing"
    assert opened(header={EXPIRY: CBORTag(1, -62135596800), 2: [SCHEME, EXPIRY]}).signed.expiry is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({2: DROPPED}, "critical_missing"),
        ({2: []}, "critical_missing"),
        ({2: SCHEME}, "critical_missing"),
        ({2: [1]}, "critical_missing"),
        ({EXPIRY: EXPIRES}, "critical_missing"),
        ({EXPIRY: CBORTag(1, -62135596800)}, "critical_missing"),
        (AUTHORITY | {2: [SCHEME]}, "critical_missing"),
        ({2: [SCHEME, "com.absent"]}, "critical_absent"),
        ({2: [SCHEME, 99]}, "critical_absent"),
        ({2: [SCHEME, True]}, "critical_absent"),
        ({2: [SCHEME, b"x"]}, "critical_absent"),
        ({2: [SCHEME, [SCHEME]]}, "critical_absent"),
    ],
)
def test_what_is_critical_is_there_and_what_must_be_critical_is(changes, code):
    assert fault(header=changes) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({SCHEME: DROPPED}, "critical_absent"),
        ({SCHEME: "notary.x509.other"}, "signing_scheme"),
        ({SCHEME: b"notary.x509"}, "signing_scheme"),
        ({SCHEME: ["notary.x509"]}, "signing_scheme"),
        ({1: DROPPED}, "algorithm_unknown"),
        ({1: -257}, "algorithm_unknown"),
        ({1: "ES256"}, "algorithm_unknown"),
        ({1: True}, "attribute_value"),
        ({1: None}, "attribute_value"),
        ({1: -35}, "algorithm_mismatch"),
        ({1: -37}, "algorithm_mismatch"),
        ({1: CBORTag(3, b"\x06")}, "envelope_unreadable"),
        ({3: DROPPED}, "attribute_type"),
        ({3: 5}, "attribute_type"),
        ({3: -5}, "attribute_value"),
        ({3: True}, "attribute_value"),
        ({3: "application/json"}, "content_type"),
        ({3: "json"}, "attribute_value"),
        ({3: "a/b/c"}, "attribute_value"),
        ({3: " a/b"}, "attribute_value"),
        ({16: "json"}, "attribute_value"),
        ({4: "kid"}, "attribute_type"),
        ({5: "iv"}, "attribute_type"),
        ({5: b"iv", 6: b"piv"}, "attribute_value"),
        ({7: [b"", {}, b"x"]}, "attribute_value"),
        ({9: b"x"}, "attribute_value"),
        ({9: "x"}, "attribute_type"),
        ({"com.x": SIGNED}, "attribute_value"),
        ({"com.x": [{"a": SIGNED}]}, "attribute_value"),
        ({2: [SIGNED]}, "attribute_value"),
        ({"com.x": CBORTag(99, 1)}, "envelope_unreadable"),
        ({"com.x": {b"k": 1}}, "envelope_unreadable"),
        ({"com.x": 2**63}, "envelope_unreadable"),
        ({"com.x": -(2**63) - 1}, "envelope_unreadable"),
        ({"com.x": undefined}, "envelope_unreadable"),
        ({"com.x": CBORSimpleValue(99)}, "envelope_unreadable"),
        ({2**63: 1}, "envelope_unreadable"),
        ({b"x": 1}, "envelope_unreadable"),
        ({None: 1}, "envelope_unreadable"),
        ({1.5: 1}, "envelope_unreadable"),
    ],
)
def test_a_protected_header_that_breaks_a_rule_is_refused(changes, code):
    assert fault(header=changes) == code


@pytest.mark.parametrize(
    ("protected", "code"),
    [
        (b"", "algorithm_unknown"),
        (b"\xa0", "algorithm_unknown"),
        (b"\x80", "envelope_unreadable"),
        (b"\xf6", "envelope_unreadable"),
        (b"\xa1\x01", "envelope_unreadable"),
        (b"\xa0\x00", "envelope_unreadable"),
        (b"\xbf\x01\x26\xff", "envelope_unreadable"),
        (b"\xa2\x01\x26\x01\x26", "envelope_unreadable"),
        (b"\xa1\xf5\x26", "envelope_unreadable"),
        (b"\xa2\x01\x26\x18\x01\x26", "envelope_unreadable"),
        (b"\xa1\x61\xff\x26", "envelope_unreadable"),
        (b"\xa1\x01" + b"\x81" * 10_000 + b"\x00", "envelope_unreadable"),
        (b"\xa1\x01" + b"\x81" * 15 + b"\x00", "attribute_value"),
        (b"\xa1\x01\xd8\x1c\x81\xd8\x1d\x00", "envelope_unreadable"),
        (b"\xa1\x01\x9b" + b"\xff" * 8, "envelope_unreadable"),
        (b"\xa1\x01\x5b" + b"\x7f" + b"\xff" * 7, "envelope_unreadable"),
        (b"\xa1\x01\x1c", "envelope_unreadable"),
        (b"\xa1\x01\xf8\x01", "envelope_unreadable"),
    ],
)
def test_a_protected_header_that_is_no_strict_map_is_refused(protected, code):
    assert fault(protected=protected) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({33: DROPPED}, "chain_missing"),
        ({33: []}, "chain_missing"),
        ({33: sound_chain()[0]}, "chain_missing"),
        ({33: {}}, "chain_missing"),
        ({33: ["text"]}, "attribute_type"),
        ({33: [None]}, "attribute_type"),
        ({33: [b""]}, "certificate_unreadable"),
        ({2: [SCHEME]}, "attribute_value"),
        ({7: [b"", {}, b"x"]}, "attribute_value"),
        ({11: []}, "attribute_value"),
        ({12: "x"}, "attribute_type"),
        ({1: -7}, "attribute_name"),
        ({SCHEME: "notary.x509"}, "attribute_name"),
        ({"com.x": SIGNED}, "attribute_value"),
        ({5: b"", 6: b""}, "attribute_value"),
        ({"com.x": CBORTag(18, 1)}, "envelope_unreadable"),
    ],
)
def test_an_unprotected_header_that_breaks_a_rule_is_refused(changes, code):
    assert fault(unprotected=changes) == code


def test_an_iv_in_one_header_and_a_partial_one_in_the_other_is_refused():
    assert fault(header={5: b"x"}, unprotected={6: b"x"}) == "attribute_value"
    assert opened(header={5: b"x"}, unprotected={4: b"kid", 9: b"x", 12: b"x", 16: 5, 34: [1]})


@pytest.mark.parametrize(
    "changes", [{TOKEN: "text", AGENT: b"bytes"}, {TOKEN: None, AGENT: 5}, {TOKEN: b"", AGENT: ""}]
)
def test_a_token_or_agent_of_another_type_does_not_count(changes):
    evidence = opened(unprotected=changes)
    assert (evidence.unverified_signing_agent, evidence.unverified_timestamp_token) == ("", None)


def parts(**changes):
    """The four parts of a sound message, some of them changed."""
    names = ("protected", "unprotected", "payload", "signature")
    return list((dict(zip(names, cbor2.loads(make_cose()).value, strict=True)) | changes).values())


def code_of(content):
    evidence = examine(content, COSE)
    assert evidence.integrity.kind == "failed"
    return evidence.integrity.code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (cbor2.dumps(parts()), "envelope_unreadable"),
        (cbor2.dumps(CBORTag(98, parts())), "envelope_unreadable"),
        (cbor2.dumps(CBORTag(17, parts())), "envelope_unreadable"),
        (b"\xd8\x12" + cbor2.dumps(parts()), "envelope_unreadable"),
        (b"\xd2\x98\x04" + cbor2.dumps(parts())[1:], "envelope_unreadable"),
        (b"\xd2\x9f" + cbor2.dumps(parts())[1:] + b"\xff", "envelope_unreadable"),
        (cbor2.dumps(CBORTag(18, parts()[:3])), "envelope_unreadable"),
        (cbor2.dumps(CBORTag(18, [*parts(), 5])), "envelope_unreadable"),
        (make_cose() + b"\x00", "envelope_unreadable"),
        (make_cose()[:-1], "envelope_unreadable"),
        (cbor2.dumps(CBORTag(18, parts(payload=None))), "attribute_type"),
        (cbor2.dumps(CBORTag(18, parts(payload="text"))), "attribute_type"),
        (cbor2.dumps(CBORTag(18, parts(signature=None))), "attribute_type"),
        (cbor2.dumps(CBORTag(18, parts(signature=b""))), "signature_invalid"),
        (cbor2.dumps(CBORTag(18, parts(signature=b"x"))), "signature_invalid"),
        (cbor2.dumps(CBORTag(18, parts(protected={1: -7}))), "attribute_type"),
        (cbor2.dumps(CBORTag(18, parts(unprotected=b""))), "envelope_unreadable"),
        (cbor2.dumps(CBORTag(18, parts(unprotected=[]))), "envelope_unreadable"),
        (b"\xd2\x84\xc1\x05", "envelope_unreadable"),
    ],
)
def test_anything_but_a_tagged_sign1_message_is_refused(content, code):
    assert code_of(content) == code


def test_lengths_need_not_be_in_their_shortest_form_as_in_notation():
    protected, unprotected, payload, signature = (cbor2.dumps(part) for part in parts())
    assert payload[:1] == b"\x58"
    longer = b"\x59\x00" + payload[1:]
    assert examine(b"\xd2\x84" + protected + unprotected + longer + signature, COSE).integrity is None
    header = b"\x59\x00" + protected[1:]
    assert examine(b"\xd2\x84" + header + unprotected + payload + signature, COSE).integrity is None


def test_an_empty_payload_is_refused_even_if_it_is_signed():
    assert fault(payload=b"") == "payload_empty"


@pytest.mark.parametrize("payload", [b"x", b"[]", b"null", b"{}", b'{"a":1,"a":1}', b"\xff"])
def test_a_payload_without_a_target_keeps_its_integrity_but_says_why(payload):
    signed = opened(payload=payload).signed
    assert signed.target is None
    assert signed.target_fault


def test_another_key_of_the_same_kind_is_no_signer():
    assert fault(chain=[make_certificate(key_of("root"))]) == "signature_invalid"


# --- CBOR ------------------------------------------------------------------------------------------------------------


def test_of_all_tags_only_times_are_decoded():
    for tag in [*range(1_100), 43_000, 55_799, 65_535, 2**32, 2**64 - 1]:
        for value in (b"\x01", 5, [b"\x01", 2], "1970-01-01T00:00:00Z"):
            content = cbor2.dumps(CBORTag(tag, value))
            if tag == 1 and value == 5:
                assert cbor.loads(content) == cbor.Time(5)
            else:
                with pytest.raises(cbor.CborError):
                    cbor.loads(content)


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 65535, 65536])
def test_a_byte_string_is_encoded_in_its_shortest_form(size):
    assert cbor.byte_string(bytes(size)) == cbor2.dumps(bytes(size))


SCALAR = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
KEY = st.integers(-(2**63), 2**63 - 1) | st.text()
VALUES = st.recursive(SCALAR, lambda values: st.lists(values) | st.dictionaries(KEY, values), max_leaves=10)


@settings(max_examples=100)
@given(VALUES)
def test_what_envelopes_are_made_of_is_decoded(value):
    assert cbor.loads(cbor2.dumps(value)) == value


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(content):
    for candidate in (content, b"\xd2\x84" + content):
        try:
            cbor.loads(candidate)
        except cbor.CborError as error:
            assert str(error)
        assert examine(candidate, COSE).integrity


LABELS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 16, 33, 99, SCHEME, TIME, AUTHENTIC, EXPIRY, TOKEN, AGENT, "com.x"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(LABELS, VALUES, max_size=3), st.dictionaries(LABELS, VALUES, max_size=2))
def test_no_header_gives_anything_but_evidence(header, unprotected):
    evidence = examine(make_cose(header=header, unprotected=unprotected), COSE)
    assert (evidence.signed is None) == (evidence.integrity is not None)
