"""Evidence: whatever the bytes are, examining them gives an answer."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registries.oci.digest import Digest
from tests.trust.notary.making import (
    SCHEME,
    VECTORS,
    key_of,
    make_certificate,
    make_cose,
    make_jws,
    sound_chain,
)
from trust.notary.evidence import Fault, examine
from trust.notary.media_types import COSE, JWS

CASES = json.loads((VECTORS / "cases.json").read_text())


def envelope_of(case, signature):
    """The envelope behind a signature manifest of the vectors, and its media type."""
    blobs = VECTORS / case["layout"] / "blobs" / "sha256"
    manifest = json.loads((blobs / signature["digest"].removeprefix("sha256:")).read_bytes())
    layer = manifest["layers"][0]
    return (blobs / layer["digest"].removeprefix("sha256:")).read_bytes(), layer["mediaType"]


def judged(*results):
    """The signatures of the vectors whose integrity notation called so, each once."""
    found = {}
    for case in CASES:
        for signature in case.get("signatures") or []:
            checks = signature["expected"].get("checks") or {}
            if (checks.get("integrity") or {}).get("result") in results:
                found[signature["digest"]] = (case, signature)
    return found.values()


STRICTER = {"jws-duplicate-payload-key"}
"What notation takes and we refuse, on purpose."


def test_integrity_is_what_notation_says_for_every_vector():
    seen = 0
    for case, signature in judged("pass", "fail"):
        evidence = examine(*envelope_of(case, signature))
        expected = signature["expected"]["checks"]["integrity"]["result"] == "pass"
        assert (evidence.integrity is None) == (expected and signature.get("label") not in STRICTER), signature
        seen += 1
    assert seen > 130


def test_the_chain_of_every_sound_vector_is_told():
    for case, signature in judged("pass"):
        if "chain" in signature and signature.get("label") not in STRICTER:
            evidence = examine(*envelope_of(case, signature))
            files = [VECTORS / name for name in signature["chain"]]
            pem = ["".join(file.read_text().split("-----")[2].split()) for file in files]
            assert [base64.b64encode(certificate.der).decode() for certificate in evidence.chain] == pem
            assert str(evidence.signed.scheme) == signature["signing_scheme"]


def test_every_loose_envelope_of_the_vectors_gives_evidence():
    for file in (VECTORS / "envelopes").iterdir():
        content = file.read_bytes()
        for media_type in (JWS, COSE):
            evidence = examine(content, media_type)
            assert evidence.envelope == Digest.of(content)
            assert evidence.size == len(content)
            assert (evidence.signed is None) == (evidence.integrity is not None)


def test_an_unknown_media_type_is_unknown_not_failed():
    for media_type in ("application/octet-stream", "", "Application/JOSE+json", JWS + "; charset=utf-8"):
        fault = examine(make_jws(), media_type).integrity
        assert (fault.code, fault.kind) == ("envelope_type", "unknown")


def test_an_envelope_above_the_limit_is_unknown_not_failed():
    content = make_jws(unprotected={"padding": "x" * (1 << 20)})
    fault = examine(content, JWS).integrity
    assert (fault.code, fault.kind) == ("envelope_size", "unknown")
    padding = (1 << 20) - len(make_jws(unprotected={"padding": ""}))
    assert examine(make_jws(unprotected={"padding": "x" * padding}), JWS).integrity is None


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_more_than_ten_certificates_are_unknown_not_failed(make, media_type):
    many = [*sound_chain()] * 5
    assert examine(make(chain=many), media_type).integrity.code == "chain_root_too_early"
    fault = examine(make(chain=[*many, many[0]]), media_type).integrity
    assert (fault.code, fault.kind) == ("chain_length", "unknown")


@pytest.mark.parametrize("media_type", [JWS, COSE])
def test_an_empty_envelope_fails(media_type):
    evidence = examine(b"", media_type)
    assert evidence.integrity == Fault("envelope_empty", "the envelope is empty", "failed")
    assert (evidence.size, evidence.chain, evidence.unverified_chain) == (0, (), ())


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_what_a_broken_envelope_claims_is_told_apart(make, media_type):
    evidence = examine(make(chain=[make_certificate(key_of("root"))]), media_type)
    assert evidence.integrity.code == "signature_invalid"
    assert (evidence.signed, evidence.chain) == (None, ())
    assert evidence.unverified_signed.target.annotations == {"build": "7"}
    assert [certificate.common_name for certificate in evidence.unverified_chain] == ["signer"]
    assert evidence.unverified_signing_agent == "maker/1"


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_a_header_that_breaks_its_rules_claims_nothing(make, media_type):
    evidence = examine(make(header={SCHEME: "other"}), media_type)
    assert evidence.integrity.code == "signing_scheme"
    assert evidence.unverified_signed is None


def test_certificates_that_cannot_be_read_are_left_out_of_what_is_told():
    leaf, root = sound_chain()
    evidence = examine(make_jws(chain=[leaf, b"junk", root]), JWS)
    assert evidence.integrity.code == "certificate_unreadable"
    assert [certificate.der for certificate in evidence.unverified_chain] == [leaf, root]


def test_a_fault_of_the_chain_names_the_certificate():
    leaf = make_certificate(key_of("p256"), usage=())
    evidence = examine(make_jws(chain=[leaf]), JWS)
    assert evidence.integrity.code == "chain_leaf_key_usage"
    assert evidence.integrity.certificate == evidence.unverified_chain[0].thumbprint


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_examining_twice_gives_equal_evidence(make, media_type):
    content = make()
    assert examine(content, media_type) == examine(content, media_type)


BOMBS = {
    "open brackets": b"[" * 100_000,
    "nested arrays": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested header": b'{"header":' + b"[" * 400_000 + b"]" * 400_000 + b"}",
    "a long number": b'{"a":' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"a":1e' + b"9" * 1_000_000 + b"}",
    "NaN": b'{"a":NaN}',
    "many members": b"{" + b",".join(b'"%d":0' % i for i in range(90_000)) + b"}",
    "dots": json.dumps({"protected": "." * 1_000_000, "payload": "e30", "signature": "AA", "header": {}}).encode(),
    "quotes": b'"' * 1_000_000,
    "escapes": b'{"a":"' + b"\\" * 1_000_001,
    "half a pair": b'{"a":"\\ud800"}',
    "88,000 certificates": json.dumps(
        {"protected": "e30", "payload": "e30", "signature": "AA", "header": {"x5c": ["AA=="] * 88_000}}
    ).encode(),
    "a large certificate": make_jws(chain=[b"\x30\x83\x0a\xff\xff" + b"\x30\x82\xff\xff" * 150_000]),
    "nested DER": make_jws(chain=[b"\x30\x80" * 100_000]),
    "deep CBOR": b"\xd2\x84" + b"\x81" * 1_000_000,
    "deep maps": b"\xd2\x84" + b"\xa1\x00" * 500_000,
    "deep tags": b"\xd2\x84" + b"\xc6" * 1_000_000,
    "a huge CBOR array": b"\xd2\x84\x9b" + b"\x7f" * 8,
    "a huge CBOR map": b"\xd2\x84\xbb" + b"\xff" * 8,
    "a huge CBOR string": b"\xd2\x84\x5b" + b"\x7f" + b"\xff" * 7,
    "a huge CBOR text": b"\xd2\x84\x7a\xff\xff\xff\xff",
    "a CBOR array without end": b"\xd2\x84\x9f" + b"\x00" * 100_000,
    "a CBOR list that holds itself": b"\xd2\x84\xd8\x1c\x84\xd8\x1d\x00\xd8\x1d\x00\xd8\x1d\x00\xd8\x1d\x00",
    "a CBOR bignum": b"\xd2\x84\xc2\x5a\x00\x0f\x00\x00" + b"\xff" * 0xF0000,
    "many CBOR nulls": b"\xd2\x84\x9a\x00\x0f\x00\x00" + b"\xf6" * 0xF0000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("media_type", [JWS, COSE])
def test_a_bomb_is_refused(name, media_type):
    """What it costs is measured by test_bombs.py, in a process of its own."""
    assert examine(BOMBS[name], media_type).integrity


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from([JWS, COSE, "other"]))
def test_any_bytes_give_evidence(content, media_type):
    for candidate in (content, b'{"payload":"' + content + b'"}', b"\xd2\x84" + content):
        evidence = examine(candidate, media_type)
        assert evidence.integrity
        assert evidence.integrity.message.isprintable()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_text_of_strangers_is_quoted_in_messages(text):
    for evidence in (
        examine(make_jws(header={"alg": text}), JWS),
        examine(make_jws(header={"cty": text}), JWS),
        examine(make_jws(header={SCHEME: text}), JWS),
        examine(b"", text),
    ):
        assert evidence.integrity.message.isprintable()
        assert len(evidence.integrity.message) < 1000
