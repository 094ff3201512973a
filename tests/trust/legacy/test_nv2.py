"""Signatures of the nv2 prototype: what holds, what does not, and that nothing of it is ever green."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from tests.trust.legacy.making import HOST, ISSUED, TARGET, Signer, key_id, nv2_token, signer
from tests.trust.notary.making import base64url, key_of, make_certificate, name_of
from trust.legacy.evidence import Format
from trust.legacy.judge import judge_legacy
from trust.legacy.nv2 import examine_nv2, key_id_of
from trust.legacy.reading import MAX_SIGNATURE
from trust.notary.outcome import Word

ARTIFACT = Descriptor(TARGET["mediaType"], Digest.parse(TARGET["digest"]), TARGET["size"])
SECONDS = int(ISSUED.timestamp())


def codes(evidence, configured=None, at=ISSUED, target=ARTIFACT):
    outcome = judge_legacy(evidence, target, signer().certificates[-1:] if configured is None else configured, at)
    return {check.name: check.code for check in outcome.checks}


def judged(claims, at=ISSUED, **options):
    return codes(examine_nv2(nv2_token(signer(**options), TARGET | claims), ()), at=at)


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"),
        ("rsa2048", "RS256"), ("rsa3072", "RS384"), ("rsa4096", "RS512"), ("rsa2048", "RS512"),
    ],
)  # fmt: skip
def test_every_algorithm_of_the_prototype_is_checked(name, algorithm):
    token = nv2_token(signer(name), algorithm=algorithm)
    seen = examine_nv2(token, ())
    assert (seen.format, seen.fault, seen.unverified_algorithm) == (Format.nv2, None, algorithm)
    header, _, signature = token.split(b".")
    forged = b".".join((header, base64url(json.dumps(TARGET | {"size": 529}).encode()).encode(), signature))
    assert examine_nv2(forged, ()).fault.code == "signature_invalid"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "PS256", "", "EdDSA"])
def test_no_other_algorithm_is_taken(algorithm):
    seen = examine_nv2(nv2_token(signer(), header={"alg": algorithm}), ())
    assert seen.fault.code in ("algorithm_unsupported", "attribute_type")


def test_the_signature_of_another_kind_of_key_does_not_count():
    assert examine_nv2(nv2_token(signer(), header={"alg": "RS256"}), ()).fault.code == "algorithm_mismatch"
    assert examine_nv2(nv2_token(signer("p384"), header={"alg": "ES256"}), ()).fault.code == "algorithm_mismatch"


def test_a_key_id_is_looked_up_among_the_configured_certificates():
    token = nv2_token(signer(), header={"kid": key_id(signer())}, drop=("x5c",))
    seen = examine_nv2(token, signer().certificates)
    assert (seen.fault, seen.unverified_key_id) == (None, key_id(signer()))
    assert codes(seen, signer().certificates)["certificate"] == "configured"
    unknown = examine_nv2(token, signer("p384").certificates)
    assert (unknown.fault.code, unknown.fault.kind) == ("key_unknown", "unknown")
    assert judge_legacy(unknown, ARTIFACT, (), ISSUED).word is Word.unknown


def test_the_key_id_is_the_one_that_libtrust_makes():
    made = key_id_of(signer().certificates[0])
    assert made == key_id(signer())
    assert len(made.split(":")) == 12


def test_a_sound_token_passes_every_check_and_is_still_not_green():
    token = nv2_token(signer(), TARGET | {"references": [f"{HOST}/app:v1"], "exp": SECONDS + 9, "nbf": SECONDS})
    outcome = judge_legacy(examine_nv2(token, ()), ARTIFACT, signer().certificates[-1:], ISSUED)
    assert {check.status.value for check in outcome.checks} == {"pass"}
    assert (outcome.word, outcome.reason) == (Word.not_checked, "legacy")
    assert "No trust policy can rest on it." in outcome.message


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (f"{HOST}/app:v1", "legacy_common_name"),
        ("Registry.Example.com/app", "legacy_common_name"),
        ("registry.example.com.evil.example/app", "name_mismatch"),
        ("evil.example/registry.example.com/app", "name_mismatch"),
        (f"{HOST}:5000/app", "name_mismatch"),
        (f"sub.{HOST}/app", "name_mismatch"),
        ("/app", "name_mismatch"),
    ],
)
def test_the_common_name_must_match_every_signed_reference(reference, code):
    assert judged({"references": [f"{HOST}/first", reference]})["names"] == code


def test_a_certificate_without_common_name_matches_nothing():
    assert judged({"references": ["/app"]}, common_name="")["names"] == "name_mismatch"


def test_a_wildcard_is_no_host():
    assert judged({"references": [f"{HOST}/a"]}, common_name="*.example.com")["names"] == "name_mismatch"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": SECONDS}, "expired"),  # "on or after which": the prototype's code would take one second more
        ({"exp": SECONDS + 1}, "in_time"),
        ({"nbf": SECONDS}, "in_time"),
        ({"nbf": SECONDS + 1}, "not_yet_valid"),
        ({"iat": SECONDS}, "in_time"),
        ({"iat": SECONDS + 1}, "issued_in_future"),
        ({"exp": 0, "nbf": 0, "iat": 0}, "in_time"),
        ({}, "in_time"),
    ],
)
def test_the_times_are_checked_to_the_second(claims, code):
    assert judged(claims)["time"] == code


def test_the_certificate_must_be_valid_at_that_time_and_lead_to_a_configured_one():
    seen = examine_nv2(nv2_token(signer()), ())
    assert codes(seen)["certificate"] == "configured"
    assert codes(seen, ())["certificate"] == "unknown_root"
    assert codes(seen, signer("p384", "other").certificates[:1])["certificate"] == "unknown_root"
    assert codes(seen, at=datetime(2061, 1, 1, tzinfo=UTC))["certificate"] == "certificate_expired"


def test_certificates_that_did_not_issue_each_other_lead_nowhere():
    stranger = signer("p384")
    chain = (signer().chain[0], stranger.chain[0])
    token = nv2_token(signer(), header={"x5c": [base64.b64encode(der).decode() for der in chain]})
    seen = examine_nv2(token, ())
    assert (seen.fault, len(seen.unverified_chain)) == (None, 2)
    assert codes(seen, stranger.certificates[:1])["certificate"] == "unknown_root"


@pytest.mark.parametrize(
    "change",
    [{"digest": "sha256:" + "2" * 64}, {"size": 529}, {"mediaType": "application/vnd.oci.image.index.v1+json"}],
)
def test_a_token_for_another_artifact_failed(change):
    seen = examine_nv2(nv2_token(signer(), TARGET | change), ())
    outcome = judge_legacy(seen, ARTIFACT, signer().certificates[-1:], ISSUED)
    assert (outcome.word, outcome.reason) == (Word.failed, "target_mismatch")


def test_a_token_may_leave_the_media_type_out():
    claims = {name: value for name, value in TARGET.items() if name != "mediaType"}
    assert codes(examine_nv2(nv2_token(signer(), claims), ()))["target"] == "target_matches"


@pytest.mark.parametrize(
    "claims",
    [
        {"digest": None}, {"digest": "sha256:x"}, {"size": "528"}, {"size": True}, {"size": -1}, {"size": 1.5},
        {"references": "registry.example.com/app"}, {"references": [1]}, {"references": [""]},
        {"references": ["a/b"] * 101}, {"exp": "1"}, {"exp": True}, {"exp": -1}, {"exp": 2**53 - 1}, {"nbf": 1.5},
        {"mediaType": 7},
    ],
)  # fmt: skip
def test_claims_of_another_shape_are_refused(claims):
    seen = examine_nv2(nv2_token(signer(), TARGET | claims), ())
    assert seen.fault
    assert not judge_legacy(seen, ARTIFACT, signer().certificates, ISSUED).word.is_green


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"}, {"typ": None}, {"crit": ["exp"]}, {"x5c": []}, {"x5c": "AA"}, {"x5c": [7]}, {"x5c": ["%"]},
        {"x5c": ["AAAA"]}, {"x5c": ["AAAA"] * 11}, {"x5c": None, "kid": "short"}, {"x5c": None}, {"x5c": ["\u00e4"]},
    ],
)  # fmt: skip
def test_headers_of_another_shape_are_refused(header):
    assert examine_nv2(nv2_token(signer(), header=header), ()).fault


@pytest.mark.parametrize(
    "content",
    [
        b"", b".", b"..", b"...", b"a.b.c", b"\xff.e30.e30", b"e30.e30.e30", b"e30=.e30.e30", b"[" * 10_000,
        base64url(b"[" * 5000).encode() + b".e30.e30", b"A" * (MAX_SIGNATURE + 1),
        base64url(b'{"typ":"x509","typ":"x509"}').encode() + b".e30.AA",
        nv2_token(signer()) + b".x", nv2_token(signer()) + b"=", b" " + nv2_token(signer()),
    ],
)  # fmt: skip
def test_hostile_bytes_end_in_a_fault(content):
    seen = examine_nv2(content, signer().certificates)
    assert seen.fault
    assert judge_legacy(seen, ARTIFACT, signer().certificates, ISSUED).word in (Word.failed, Word.unknown)


def test_no_changed_byte_is_taken_for_a_signature_that_holds():
    token = nv2_token(signer())
    for place in range(0, len(token), 7):
        changed = bytearray(token)
        changed[place] ^= 1
        assert examine_nv2(bytes(changed), ()).fault, place


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_the_answer_is_evidence(content):
    assert examine_nv2(content, ()).fault


# The two examples of the prototype's documentation: one of 2020, expired a year later; each names its certificate in one way

EXAMPLE = TARGET | {
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "references": [f"{HOST}/example:latest", f"{HOST}/example:v1.0"],
    "exp": 1628587341,
    "iat": 1597051341,
    "nbf": 1597051341,
}


@pytest.mark.parametrize("by", ["x5c", "kid"])
@pytest.mark.parametrize(
    ("at", "certificate", "time"),
    [
        (datetime(2020, 9, 1, tzinfo=UTC), "configured", "in_time"),
        (datetime(2021, 8, 1, tzinfo=UTC), "certificate_expired", "in_time"),
        (datetime(2026, 11, 21, tzinfo=UTC), "certificate_expired", "expired"),
    ],
)
def test_the_prototypes_examples_hold_and_have_expired(by, at, certificate, time):
    since, until = datetime(2020, 7, 27, tzinfo=UTC), datetime(2021, 7, 27, tzinfo=UTC)
    alone = make_certificate(key_of("rsa2048"), name_of(HOST), ca=True, usage=None, since=since, until=until)
    example = Signer("rsa2048", (alone,))
    header, drop = ({"kid": key_id(example)}, ("x5c",)) if by == "kid" else ({}, ())
    seen = examine_nv2(nv2_token(example, EXAMPLE, header=header, drop=drop), example.certificates)
    assert (seen.fault, seen.unverified_algorithm) == (None, "RS256")
    artifact = Descriptor(EXAMPLE["mediaType"], ARTIFACT.digest, ARTIFACT.size)
    assert codes(seen, example.certificates, at, artifact) == {
        "signature": "signature_holds",
        "target": "target_matches",
        "certificate": certificate,
        "names": "legacy_common_name",
        "time": time,
    }
    assert judge_legacy(seen, artifact, example.certificates, at).word is Word.not_checked
