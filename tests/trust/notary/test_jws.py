"""The JWS envelope: what notation takes is taken, what it refuses is refused."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.making import (
    AUTHENTIC,
    DROPPED,
    EXPIRES,
    EXPIRY,
    PAYLOAD,
    SCHEME,
    SIGNED_AT,
    TARGET,
    TIME,
    base64url,
    jws_header,
    key_of,
    make_certificate,
    make_jws,
    sound_chain,
)
from trust.notary.evidence import Attribute, Scheme, examine
from trust.notary.media_types import JWS

PLUGIN, PLUGIN_VERSION = "io.cncf.notary.verificationPlugin", "io.cncf.notary.verificationPluginMinVersion"
TOKEN, AGENT = "io.cncf.notary.timestampSignature", "io.cncf.notary.signingAgent"
AUTHORITY = {SCHEME: "notary.x509.signingAuthority", TIME: DROPPED, AUTHENTIC: SIGNED_AT, "crit": [SCHEME, AUTHENTIC]}
SIGNED = datetime(2026, 1, 1, tzinfo=UTC)


def fault(**changes):
    evidence = examine(make_jws(**changes), JWS)
    assert evidence.signed is None
    assert evidence.integrity.kind == "failed"
    return evidence.integrity.code


def opened(**changes):
    evidence = examine(make_jws(**changes), JWS)
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
        "com.example.number": 5,
        "com.example.text": "x",
        "crit": [SCHEME, EXPIRY, "com.example.text"],
    }
    evidence = opened(header=header, unprotected={TOKEN: base64.b64encode(b"token").decode()})
    signed = evidence.signed
    assert (signed.scheme, signed.content_type) == (Scheme.x509, "application/vnd.cncf.notary.payload.v1+json")
    assert (signed.signing_time, signed.authentic_signing_time) == (SIGNED, None)
    assert signed.expiry == datetime(2027, 1, 1, tzinfo=UTC)
    assert set(signed.attributes) == {
        Attribute("com.example.number", "5", critical=False),
        Attribute("com.example.text", "x", critical=True),
    }
    assert signed.payload == PAYLOAD
    assert signed.target.target.to_json() == TARGET
    assert signed.target.annotations == {"build": "7"}
    assert signed.target_fault == ""
    assert [certificate.der for certificate in evidence.chain] == list(sound_chain())
    assert (evidence.unverified_signing_agent, evidence.unverified_timestamp_token) == ("maker/1", b"token")
    assert (evidence.unverified_signed, evidence.unverified_chain) == (None, ())


def test_a_signing_authority_vouches_for_the_time():
    signed = opened(header=AUTHORITY).signed
    assert signed.scheme is Scheme.signing_authority
    assert (signed.signing_time, signed.authentic_signing_time) == (None, SIGNED)


def test_a_self_signed_certificate_that_is_no_authority_may_sign():
    assert len(opened(chain=[make_certificate(key_of("p256"))]).chain) == 1


@pytest.mark.parametrize("salt", [0, 20, 32, 64])
def test_a_salt_of_any_length_is_taken(salt):
    assert opened(key=key_of("rsa2048"), chain=sound_chain("rsa2048"), salt=salt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T08:00:00+08:00", SIGNED),
        ("2025-12-31T16:00:00-08:00", SIGNED),
        ("2026-01-01T00:00:00.5Z", SIGNED.replace(microsecond=500_000)),
        ("2026-01-01T00:00:00.123456789Z", SIGNED.replace(microsecond=123_456)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_may_have_any_offset(text, expected):
    assert opened(header={TIME: text}).signed.signing_time == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00",
        "2026-01-01T1:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0000",
        "2026-W01-1T00:00:00Z",
        "٢٠٢٦-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2026-01-01T00:00:00Z\n",
        1767225600,
        "",
    ],
)
def test_a_time_that_is_not_rfc_3339_is_refused(text):
    assert fault(header={TIME: text}) == "attribute_time"


def test_a_time_written_with_escapes_is_refused_since_go_does_not_undo_them():
    header = json.dumps(jws_header(key_of("p256"))).replace("2026-01", "2026\\u002d01").encode()
    assert fault(header=header) == "attribute_time"


@pytest.mark.parametrize("changes", [{TIME: DROPPED}, {TIME: None}, {TIME: "0001-01-01T00:00:00Z"}])
def test_a_signing_time_is_needed(changes):
    assert fault(header=changes) == "signing_time_missing"


@pytest.mark.parametrize("expiry", [SIGNED_AT, "2025-12-31T23:59:59Z"])
def test_expiry_comes_after_signing(expiry):
    assert fault(header={EXPIRY: expiry, "crit": [SCHEME, EXPIRY]}) == "expiry_before_signing"


@pytest.mark.parametrize("expiry", [None, "0001-01-01T00:00:00Z"])
def test_an_expiry_that_says_nothing_is_none(expiry):
    assert opened(header={EXPIRY: expiry}).signed.expiry is None
    assert fault(header={EXPIRY: expiry, "crit": [SCHEME, EXPIRY]}) == "critical_absent"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"crit": DROPPED}, "critical_missing"),
        ({"crit": []}, "critical_missing"),
        ({"crit": SCHEME}, "critical_missing"),
        ({"crit": [SCHEME, 5]}, "attribute_type"),
        ({"crit": ["com.x"], "com.x": 1}, "critical_missing"),
        ({"crit": [SCHEME], EXPIRY: EXPIRES}, "critical_missing"),
        (AUTHORITY | {"crit": [SCHEME]}, "critical_missing"),
        ({"crit": [SCHEME, "com.absent"]}, "critical_absent"),
        ({"crit": [SCHEME, SCHEME]}, "critical_absent"),
        ({"crit": [SCHEME, "alg"]}, "critical_absent"),
        ({"crit": [SCHEME, "cty"]}, "critical_absent"),
        ({"crit": [SCHEME, TIME]}, "critical_absent"),
        ({"crit": [SCHEME, AUTHENTIC]}, "critical_absent"),
    ],
)
def test_what_is_critical_is_there_and_what_must_be_critical_is(changes, code):
    assert fault(header=changes) == code


def test_an_unknown_critical_attribute_is_told_and_left_to_the_judge():
    (attribute,) = opened(header={"com.x": {"a": [1]}, "crit": [SCHEME, "com.x", "com.x"]}).signed.attributes
    assert attribute == Attribute("com.x", '{"a": [1]}', critical=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({SCHEME: DROPPED}, "signing_scheme"),
        ({SCHEME: "notary.x509.other"}, "signing_scheme"),
        ({SCHEME: "Notary.x509"}, "signing_scheme"),
        ({SCHEME: ["notary.x509"]}, "signing_scheme"),
        ({AUTHENTIC: SIGNED_AT}, "signing_scheme_time"),
        (AUTHORITY | {TIME: SIGNED_AT}, "signing_scheme_time"),
        (AUTHORITY | {AUTHENTIC: DROPPED}, "signing_time_missing"),
        ({"alg": DROPPED}, "algorithm_unknown"),
        ({"alg": "none"}, "algorithm_unknown"),
        ({"alg": "RS256"}, "algorithm_unknown"),
        ({"alg": "HS256"}, "algorithm_unknown"),
        ({"alg": "es256"}, "algorithm_unknown"),
        ({"alg": ["ES256"]}, "algorithm_unknown"),
        ({"alg": "ES384"}, "algorithm_mismatch"),
        ({"alg": "PS256"}, "algorithm_mismatch"),
        ({"cty": DROPPED}, "attribute_type"),
        ({"cty": 5}, "attribute_type"),
        ({"cty": "application/json"}, "content_type"),
        ({"ALG": "ES256"}, "attribute_name"),
        ({"Crit": []}, "attribute_name"),
        ({"io.cncf.notary.SIGNINGTIME": SIGNED_AT}, "attribute_name"),
        ({"io.cncf.notary.ſigningTime": SIGNED_AT}, "attribute_name"),
    ],
)
def test_a_protected_header_that_breaks_a_rule_is_refused(changes, code):
    assert fault(header=changes) == code


@pytest.mark.parametrize(
    "header", [b"", b"x", b"[]", b"null", b'{"alg":"ES256","alg":"ES256"}', b"\xff", b"[" * 100_000]
)
def test_a_protected_header_that_is_no_json_object_is_refused(header):
    assert fault(header=header) == "envelope_unreadable"


@pytest.mark.parametrize(
    "payload", [b"x", b"[]", b"null", b'{"a":1} x', b'{"a":1,"a":1}', b"\xff{}", b'{"a":NaN}', b'{"a":1e999}']
)
def test_a_payload_that_is_no_json_object_is_refused(payload):
    assert fault(payload=payload) == "envelope_unreadable"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, "names no target"),
        ({"targetArtifact": None}, "names no target"),
        ({"targetArtifact": []}, "cannot be read"),
        ({"targetArtifact": TARGET | {"digest": "sha256:x"}}, "cannot be read"),
        ({"targetArtifact": TARGET | {"size": "5"}}, "cannot be read"),
        ({"targetArtifact": TARGET | {"annotations": {"a": 1}}}, "cannot be read"),
        ({"TargetArtifact": TARGET}, "spells"),
        ({"targetArtifact": TARGET, "TARGETARTIFACT": TARGET}, "spells"),
        ({"targetArtifact": TARGET | {"Size": 528}}, "spells"),
    ],
)
def test_a_payload_without_a_target_keeps_its_integrity_but_says_why(payload, reason):
    signed = opened(payload=json.dumps(payload).encode()).signed
    assert signed.target is None
    assert reason in signed.target_fault


def test_members_of_the_payload_beside_the_target_are_ignored():
    payload = {"targetArtifact": TARGET | {"urls": ["http://x"], "platform": {"os": "linux"}}, "more": 1}
    assert opened(payload=json.dumps(payload).encode()).signed.target.target.digest.encoded == "ab" * 32


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("x", "plugin", "plugin"), ("x", "", '""'), ("x", " ", '" "'), ("x", 5, "5"), ("x", None, "null"), ("y", "p", "")],
)
def test_a_plugin_that_is_asked_for_is_never_overlooked(name, value, expected):
    header = {PLUGIN if name == "x" else "other": value}
    assert opened(header=header).signed.verification_plugin == expected
    assert opened(header={PLUGIN_VERSION: "1.0.0"}).signed.verification_plugin_min_version == "1.0.0"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x5c": DROPPED}, "chain_missing"),
        ({"x5c": None}, "chain_missing"),
        ({"x5c": []}, "chain_missing"),
        ({"x5c": "AAAA"}, "envelope_unreadable"),
        ({"x5c": [None]}, "attribute_type"),
        ({"x5c": [5]}, "attribute_type"),
        ({"x5c": ["AA A"]}, "base64"),
        ({"x5c": ["é"]}, "base64"),
        ({"x5c": ["AA-_"]}, "base64"),
        ({"x5c": ["AAA"]}, "base64"),
        ({"x5c": ["AAAA"]}, "certificate_unreadable"),
        ({TOKEN: 5}, "attribute_type"),
        ({TOKEN: "A"}, "base64"),
        ({AGENT: 5}, "attribute_type"),
        ({"X5C": []}, "attribute_name"),
        ({"io.cncf.notary.TIMESTAMPSIGNATURE": ""}, "attribute_name"),
        ({"io.cncf.notary.SigningAgent": "another"}, "envelope_unreadable"),
        ({"alg": "ES256"}, "attribute_name"),
        ({SCHEME: "notary.x509"}, "attribute_name"),
    ],
)
def test_an_unprotected_header_that_notation_cannot_read_is_refused(changes, code):
    assert fault(unprotected=changes) == code


def test_the_spelling_of_old_releases_is_taken():
    changes = {AGENT: DROPPED, "io.cncf.notary.SigningAgent": "Notation/1.0.0"}
    token = {"io.cncf.notary.TimestampSignature": "dG9rZW4="}
    evidence = opened(unprotected=changes | token)
    assert evidence.unverified_signing_agent == "Notation/1.0.0"
    assert evidence.unverified_timestamp_token == b"token"


@pytest.mark.parametrize("changes", [{TOKEN: None, AGENT: None}, {TOKEN: "", AGENT: ""}, {TOKEN: "\n"}])
def test_an_empty_token_is_none(changes):
    assert opened(unprotected=changes).unverified_timestamp_token is None


def test_line_ends_in_a_certificate_are_skipped_as_notation_skips_them():
    lines = [base64.encodebytes(der).decode() for der in sound_chain()]
    assert opened(unprotected={"x5c": lines})


def test_further_members_are_ignored():
    assert opened(unprotected={"kid": "x", "more": [1]}, top={"more": {"a": [None]}, "signatures": []})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payload": DROPPED}, "attribute_type"),
        ({"protected": 5}, "attribute_type"),
        ({"signature": None}, "attribute_type"),
        ({"signature": ""}, "signature_invalid"),
        ({"signature": "AAAA"}, "signature_invalid"),
        ({"signature": base64url(bytes(64))}, "signature_invalid"),
        ({"header": []}, "envelope_unreadable"),
        ({"header": None}, "chain_missing"),
        ({"header": DROPPED}, "chain_missing"),
        ({"Payload": ""}, "attribute_name"),
        ({"HEADER": {}}, "attribute_name"),
        ({"payload": base64url(PAYLOAD) + "=="}, "base64"),
        ({"payload": base64url(PAYLOAD) + "\n"}, "base64"),
        ({"payload": "a.b"}, "base64"),
        ({"payload": "A"}, "base64"),
        ({"payload": "AB"}, "base64"),
        ({"payload": "é"}, "base64"),
        ({"payload": "+/+/"}, "base64"),
        ({"payload": base64url(PAYLOAD[:-1] + b" }")}, "signature_invalid"),
    ],
)
def test_an_envelope_with_an_odd_member_is_refused(changes, code):
    assert fault(top=changes) == code


def test_a_signature_in_der_is_refused():
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    document = json.loads(make_jws())
    raw = base64.urlsafe_b64decode(document["signature"] + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    assert fault(top={"signature": base64url(der)}) == "signature_invalid"


def test_the_general_serialisation_is_refused():
    document = json.loads(make_jws())
    signature = {name: document[name] for name in ("protected", "header", "signature")}
    content = json.dumps({"payload": document["payload"], "signatures": [signature]}).encode()
    assert examine(content, JWS).integrity.code == "attribute_type"


def test_duplicate_members_are_refused_although_notation_takes_the_last():
    content = make_jws().replace(b'{"payload"', b'{"payload": "", "payload"', 1)
    assert "appears twice" in examine(content, JWS).integrity.message


def test_another_key_of_the_same_kind_is_no_signer():
    assert fault(key=key_of("p256"), chain=[make_certificate(key_of("root"))]) == "signature_invalid"


def test_a_key_that_may_not_sign_is_named():
    import cryptography.hazmat.primitives.asymmetric.rsa as rsa

    key = rsa.generate_private_key(65537, 1024)
    evidence = examine(make_jws(key=key, chain=[make_certificate(key)]), JWS)
    assert evidence.integrity.code == "chain_leaf_key"
    assert "RSA, 1024 bits" in evidence.integrity.message
    assert evidence.integrity.certificate == evidence.unverified_chain[0].thumbprint


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["alg", "cty", "crit", SCHEME, TIME, AUTHENTIC, EXPIRY, PLUGIN, "x5c", TOKEN, AGENT, "com.x"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, JSON_VALUES, max_size=3), st.dictionaries(NAMES, JSON_VALUES, max_size=2))
def test_no_header_gives_anything_but_evidence(header, unprotected):
    evidence = examine(make_jws(header=header, unprotected=unprotected), JWS)
    assert (evidence.signed is None) == (evidence.integrity is not None)
    if evidence.integrity is None:
        assert evidence.signed.signing_time or evidence.signed.authentic_signing_time
        assert not {name for name in header if name in ("alg", SCHEME)} or header.get(SCHEME, "notary.x509") in set(
            Scheme
        )
