"""What notation-core-go's conformance files hold, made anew with keys of ours: every attribute is read as it was signed.

Upstream's files have neither a chain nor a signature that anybody can check: a test there adds both.
"""

import json
from datetime import UTC, datetime

import cbor2

from tests.trust.notary.making import (
    EXPIRY,
    PAYLOAD_TYPE,
    SCHEME,
    TIME,
    jws_header,
    key_of,
    make_chain,
    make_cose,
    make_jws,
)
from trust.notary.evidence import examine
from trust.notary.media_types import COSE, JWS
from trust.notary.signed import Attribute, Scheme

AGENT = {"io.cncf.notary.signingAgent": "NotationConformanceTest/1.0.0"}


def test_jws_conformance_every_attribute_is_read_as_it_was_signed():
    extended = {"signedCritKey1": "signedCritValue1"} | {f"signedKey{n}": "signedValue1" for n in (1, 2, 3, 4)}
    fields = {
        "crit": [SCHEME, "signedCritKey1", EXPIRY],
        EXPIRY: "2099-08-30T13:50:00Z",
        TIME: "2022-08-29T13:50:00Z",
    }
    header = json.dumps(jws_header(key_of("p256"), **fields, **extended), sort_keys=True, separators=(",", ":"))
    chain = make_chain(key_of("p256"))
    evidence = examine(make_jws(key_of("p256"), chain, header.encode(), b'{"key":"hello JWS"}', AGENT), JWS)
    assert evidence.integrity is None
    conforms(evidence, chain, b'{"key":"hello JWS"}', "ES256")
    assert evidence.signed.signing_time == datetime(2022, 8, 29, 13, 50, tzinfo=UTC)
    assert evidence.signed.expiry == datetime(2099, 8, 30, 13, 50, tzinfo=UTC)
    assert {one.name: one.value for one in evidence.signed.attributes} == extended


def test_cose_conformance_every_attribute_is_read_as_it_was_signed_in_canonical_order():
    extended = {"signedCritKey1": "signedCritValue1", "signedKey1": "signedValue1"}
    header = {
        1: -38,
        2: [SCHEME, EXPIRY, "signedCritKey1"],
        3: PAYLOAD_TYPE,
        SCHEME: "notary.x509",
        TIME: cbor2.CBORTag(1, 1661321924),
        EXPIRY: cbor2.CBORTag(1, 1661408324),
    }
    protected = cbor2.dumps(header | extended, canonical=True)
    assert protected[:4] == bytes.fromhex("a8013825")  # eight members; the first is the algorithm, PS384
    chain = make_chain(key_of("rsa3072"))
    evidence = examine(make_cose(key_of("rsa3072"), chain, None, b"hello COSE", AGENT, protected=protected), COSE)
    assert evidence.integrity is None
    conforms(evidence, chain, b"hello COSE", "PS384")
    assert evidence.signed.signing_time == datetime(2022, 8, 24, 6, 18, 44, tzinfo=UTC)
    assert evidence.signed.expiry == datetime(2022, 8, 25, 6, 18, 44, tzinfo=UTC)
    assert {one.name: one.value for one in evidence.signed.attributes} == extended


def conforms(evidence, chain, content, algorithm):
    signed = evidence.signed
    assert (signed.payload, signed.content_type, signed.algorithm) == (content, PAYLOAD_TYPE, algorithm)
    assert (signed.scheme, evidence.unverified_signing_agent) == (Scheme.x509, "NotationConformanceTest/1.0.0")
    assert [one.der for one in evidence.chain] == list(chain)
    assert Attribute("signedCritKey1", "signedCritValue1", critical=True) in signed.attributes
    assert [one.name for one in signed.attributes if one.critical] == ["signedCritKey1"]
    assert signed.target is None  # a sound signature, over something that names no artifact
