"""Signatures of notation's alpha releases: each form is read and checked, and none is ever green."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.legacy.making import ALPHA_7, ALPHA_9, TARGET, alpha_envelope, signer
from tests.trust.legacy.test_nv2 import ARTIFACT, ISSUED, SECONDS
from tests.trust.notary.making import make_cose, make_jws
from trust.legacy.alpha import examine_alpha
from trust.legacy.evidence import Format
from trust.legacy.judge import judge_legacy
from trust.legacy.reading import MAX_SIGNATURE
from trust.notary.outcome import Word

JWS, COSE = "application/jose+json", "application/cose"
OLD = {"notary": {"subject": TARGET}, "iat": SECONDS, "exp": SECONDS + 60}
NEWER = {"subject": TARGET, "iat": SECONDS}


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize(
    ("payload", "header", "form"),
    [(OLD, ALPHA_7, Format.notation_0_7), (NEWER, ALPHA_9, Format.notation_0_9)],
)
def test_the_forms_before_todays_headers_are_checked(payload, header, form, general):
    seen = examine_alpha(alpha_envelope(signer(), payload, header, general=general), JWS)
    assert (seen.format, seen.fault, seen.unverified_claims.target.digest) == (form, None, ARTIFACT.digest)
    outcome = judge_legacy(seen, ARTIFACT, signer().certificates[-1:], ISSUED)
    assert {check.status.value for check in outcome.checks} == {"pass"}
    assert (outcome.word, outcome.reason) == (Word.not_checked, "legacy")


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_todays_headers_are_read_by_todays_rules_and_count_for_nothing(make, media_type):
    seen = examine_alpha(make(), media_type)
    assert (seen.format, seen.fault) == (Format.notation_0_10, None)
    assert not judge_legacy(seen, ARTIFACT, seen.unverified_chain, ISSUED).word.is_green
    assert examine_alpha(make()[:-9], media_type).fault


def test_the_spelling_of_one_alpha_release_is_read():
    content = make_jws(unprotected={"io.cncf.notary.SigningAgent": "notation/0.10"})
    document = json.loads(content)
    del document["header"]["io.cncf.notary.signingAgent"]
    assert examine_alpha(json.dumps(document).encode(), JWS).fault is None


def test_a_changed_payload_does_not_hold():
    document = json.loads(alpha_envelope(signer(), NEWER, ALPHA_9))
    other = json.loads(alpha_envelope(signer(), NEWER | {"iat": SECONDS + 1}, ALPHA_9))
    seen = examine_alpha(json.dumps(document | {"payload": other["payload"]}).encode(), JWS)
    assert seen.fault.code == "signature_invalid"
    outcome = judge_legacy(seen, ARTIFACT, signer().certificates, ISSUED)
    assert (outcome.word, outcome.reason) == (Word.failed, "signature_invalid")


def test_an_expired_one_says_so():
    seen = examine_alpha(alpha_envelope(signer(), NEWER | {"exp": SECONDS}, ALPHA_9), JWS)
    outcome = judge_legacy(seen, ARTIFACT, signer().certificates, ISSUED)
    assert [check.code for check in outcome.checks if check.status == "fail"] == ["expired"]


@pytest.mark.parametrize(
    ("payload", "header", "top"),
    [
        (NEWER, ALPHA_9 | {"alg": "none"}, {}),
        (NEWER, ALPHA_9 | {"alg": "RS256"}, {}),
        (NEWER, ALPHA_9 | {"alg": "ES384"}, {}),
        (NEWER, ALPHA_9 | {"crit": ["exp"]}, {}),
        (NEWER, ALPHA_9 | {"cty": "text/plain"}, {}),
        (NEWER, {"alg": "ES256"}, {}),
        (OLD, ALPHA_9, {}),
        (NEWER, ALPHA_7, {}),
        ([], ALPHA_9, {}),
        (NEWER | {"iat": "now"}, ALPHA_9, {}),
        (NEWER, ALPHA_9, {"signatures": []}),
        (NEWER, ALPHA_9, {"header": None}),
        (NEWER, ALPHA_9, {"header": {"x5c": []}}),
        (NEWER, ALPHA_9, {"signature": "%"}),
        (NEWER, ALPHA_9, {"payload": 7}),
    ],
)
def test_what_is_not_of_its_form_is_refused(payload, header, top):
    seen = examine_alpha(alpha_envelope(signer(), payload, header, top=top), JWS)
    assert seen.fault
    assert judge_legacy(seen, ARTIFACT, signer().certificates, ISSUED).word in (Word.failed, Word.unknown)


def test_two_signatures_in_one_envelope_are_refused():
    document = json.loads(alpha_envelope(signer(), NEWER, ALPHA_9, general=True))
    document["signatures"] *= 2
    assert examine_alpha(json.dumps(document).encode(), JWS).fault.code == "signature_count"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", JWS), (b"[" * 100_000, JWS), (b"{}", JWS), (b'{"payload":"","payload":""}', JWS),
        (b"{}", "application/octet-stream"), (b" " * (MAX_SIGNATURE + 1), JWS), (b"\xd2", COSE), (b"", COSE),
    ],
)  # fmt: skip
def test_hostile_bytes_end_in_a_fault(content, media_type):
    assert examine_alpha(content, media_type).fault


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([JWS, COSE, ""]))
def test_whatever_the_bytes_are_the_answer_is_evidence(content, media_type):
    assert examine_alpha(content, media_type).fault
