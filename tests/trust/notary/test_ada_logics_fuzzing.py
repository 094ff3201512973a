"""Ada Logics' fuzzing of 2023 found notation's readers of names wanting: here it is tried on every reader of foreign bytes.

Each reader is given what has its outer form and anything inside, so that it is got past the first check; what comes out is
evidence, a value or an error of ours, and nothing holds that nobody signed.
"""

import json

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.making import (
    AUTHENTIC,
    EXPIRY,
    PAYLOAD_TYPE,
    SCHEME,
    TIME,
    base64url,
    jws_header,
    key_of,
    make_cose,
    make_jws,
    sound_chain,
)
from tests.trust.notary.stamping import MESSAGE, sound
from tests.trust.notary.synthetic import ROOT, certificate, document, judge_with, statement
from trust.notary.certificates import read_certificates
from trust.notary.distinguished_names import NameAttribute, parse_subject, print_name
from trust.notary.errors import CertificateError, DistinguishedNameError, TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.media_types import COSE, JWS
from trust.notary.timestamp import examine_timestamp
from trust.notary.trust_policy import TrustPolicy

GOOD = {JWS: make_jws(), COSE: make_cose()}
TOKEN = sound().token(MESSAGE)
TRIES = settings(max_examples=300, deadline=None)
NAMES = st.sampled_from(["alg", "cty", "crit", "x5c", SCHEME, TIME, AUTHENTIC, EXPIRY, "payload", "header", "other"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS | st.sampled_from([PAYLOAD_TYPE, "PS256", "ES256", "notary.x509", SCHEME, "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
CBOR = st.recursive(
    SCALARS | st.binary(max_size=12) | st.sampled_from([-7, 33, 18, "notary.x509", SCHEME]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.integers(-3, 34) | NAMES, inner, max_size=4)
        | st.builds(cbor2.CBORTag, st.sampled_from([0, 1, 2, 18, 24, 55799]), inner)
    ),
    max_leaves=12,
)


def no_evidence_of_a_signature(content, media_type):
    """Refused for a reason that can be shown, and the judge accepts it under no level."""
    evidence = examine(content, media_type)
    assert evidence.integrity
    assert evidence.integrity.code
    assert evidence.integrity.message.isprintable()
    assert (evidence.signed, evidence.chain) == (None, ())
    asked = statement(signatureVerification={"level": "audit"})
    assert not judge_with(evidence, asked).verified


@TRIES
@given(st.dictionaries(NAMES, JSON, max_size=4), JSON, st.dictionaries(NAMES, JSON, max_size=3), JSON)
def test_ada_logics_2023_fuzzing_no_jws_made_of_any_json_holds(header, payload, unprotected, top):
    signature = base64url(bytes(64))
    protected = jws_header(key_of("p256")) | header
    for fields in (protected, header):
        forged = {
            "payload": base64url(json.dumps(payload).encode()),
            "protected": base64url(json.dumps(fields).encode()),
            "header": json.loads(GOOD[JWS])["header"] | unprotected,
            "signature": signature,
        }
        no_evidence_of_a_signature(json.dumps(forged).encode(), JWS)
        no_evidence_of_a_signature(json.dumps(forged | {"signature": top}).encode(), JWS)
    no_evidence_of_a_signature(json.dumps(top).encode(), JWS)


@TRIES
@given(st.dictionaries(st.integers(-3, 34) | NAMES, CBOR, max_size=4), CBOR, CBOR)
def test_ada_logics_2023_fuzzing_no_cose_made_of_any_cbor_holds(header, payload, top):
    sound = {1: -7, 2: [SCHEME], 3: PAYLOAD_TYPE, SCHEME: "notary.x509", TIME: cbor2.CBORTag(1, 1767225600)}
    for fields in (sound | header, header):
        for unprotected in ({33: list(sound_chain())}, header, {33: [payload]}):
            parts = [cbor2.dumps(fields), unprotected, cbor2.dumps(payload), bytes(64)]
            no_evidence_of_a_signature(cbor2.dumps(cbor2.CBORTag(18, parts)), COSE)
    for content in (top, cbor2.CBORTag(18, top), cbor2.CBORTag(18, [top] * 4)):
        no_evidence_of_a_signature(cbor2.dumps(content), COSE)


@TRIES
@given(st.binary(max_size=60), st.integers(0, 10_000), st.sampled_from([JWS, COSE]))
def test_ada_logics_2023_fuzzing_bytes_put_anywhere_break_an_envelope_or_change_nothing_signed(junk, place, media_type):
    content = GOOD[media_type]
    good = examine(content, media_type)
    place %= len(content)
    for mutant in (content[:place] + junk + content[place:], content[:place] + junk + content[place + len(junk) :]):
        seen = examine(mutant, media_type)
        assert seen.integrity or (seen.signed, seen.chain) == (good.signed, good.chain)


@TRIES
@given(st.text(max_size=60), st.sampled_from(["", ",", ";", "+", "=#", "\\", ",CN="]))
def test_ada_logics_2023_fuzzing_any_identity_is_taken_and_matches_no_stranger_or_is_refused_by_its_rule(text, joint):
    wanted = f"C=US,ST=WA,O=Acme{joint}{text}"
    try:
        TrustPolicy.parse(document(statement(trustedIdentities=["x509.subject:" + wanted])))
    except TrustPolicyError as error:
        assert error.rule in ("TP21", "TP22", "TP23")
        assert str(error).isprintable()
        return
    read = parse_subject(wanted)
    another = print_name([NameAttribute(oid, "x") for oid in ("2.5.4.6", "2.5.4.8", "2.5.4.10", "2.5.4.3")])
    asked = statement(trustedIdentities=["x509.subject:" + wanted])
    assert read["C"] == "US"
    assert judge_with(None, asked, chain=(certificate(another), ROOT)).reason == "identity_mismatch"


@TRIES
@given(st.dictionaries(st.sampled_from(sorted(statement())) | st.text(max_size=5), JSON, max_size=4), JSON)
def test_ada_logics_2023_fuzzing_any_policy_document_is_taken_or_refused_by_a_rule(changes, top):
    for content in (document(statement() | changes), document(changes), json.dumps(top).encode()):
        try:
            policy = TrustPolicy.parse(content)
        except TrustPolicyError as error:
            assert error.rule.startswith("TP")
            assert str(error).isprintable()
        else:
            assert policy.statements


@TRIES
@given(st.binary(max_size=40), st.integers(0, 10_000))
def test_ada_logics_2023_fuzzing_any_certificate_is_read_or_refused_by_an_error_of_ours(junk, place):
    good = sound_chain()[0]
    place %= len(good)
    for content in (junk, good[:place] + junk + good[place + len(junk) :], good[: place + 1] + junk):
        try:
            read = read_certificates(content)
        except CertificateError as error:
            assert str(error).isprintable()
        else:
            for one in read:
                reads_as_text(one.subject)


def reads_as_text(subject):
    try:
        parse_subject(subject)
    except DistinguishedNameError as error:
        assert str(error).isprintable()


@TRIES
@given(st.binary(max_size=40), st.integers(0, 10_000))
def test_ada_logics_2023_fuzzing_any_token_is_evidence_and_holds_only_unchanged(junk, place):
    place %= len(TOKEN)
    for content in (junk, TOKEN[:place] + junk + TOKEN[place + len(junk) :], TOKEN[: place + 1] + junk):
        seen = examine_timestamp(content, MESSAGE)
        assert seen.fault is None or seen.fault.message.isprintable()
        assert seen.fault or seen.info == examine_timestamp(TOKEN, MESSAGE).info
