"""The Notary Project's own timestamp tokens and timestamped envelopes (`upstream/README.md`): the same answers."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.trust.notary.synthetic import level, policy, statement
from trust.notary.certificates import read_certificates
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.outcome import CheckStatus
from trust.notary.revocation import NO_ANSWERS
from trust.notary.timestamp import examine_timestamp
from trust.notary.timestamp_chain import find_chain
from trust.notary.trust_store import TrustStore, TrustStores

UPSTREAM = Path(__file__).parent / "upstream"
MESSAGE = b"notation"
ROOTS = read_certificates((UPSTREAM / "GlobalSignRootCA.crt").read_bytes())

TOKENS = {  # file → the code of what is wrong with it; None where notation accepts it
    "SHA1TimeStampToken": "timestamp_imprint",
    "Sha1SignedData": "timestamp_content_type",
    "SignedDataWithoutSignedAttributes": "timestamp_content_type",
    "TimeStampToken": None,
    "TimeStampTokenInvalidSignedAttributeContentType": "timestamp_signature_invalid",
    "TimeStampTokenNoRoot": "timestamp_imprint",
    "TimeStampTokenWithInvalidCertificates": "timestamp_unreadable",
    "TimeStampTokenWithInvalidContentType": "timestamp_content_type",
    "TimeStampTokenWithInvalidSignature": "timestamp_signature_invalid",
    "TimeStampTokenWithInvalidSigningCertificateV1": "timestamp_imprint",
    "TimeStampTokenWithInvalidSigningCertificateV2": "timestamp_unreadable",
    "TimeStampTokenWithInvalidSigningTime": "timestamp_unreadable",
    "TimeStampTokenWithInvalidTSTInfo": "timestamp_unreadable",
    "TimeStampTokenWithInvalideContentType": "timestamp_content_type",
    "TimeStampTokenWithMismatchCertHash": "timestamp_signer_mismatch",
    "TimeStampTokenWithSHA1CertHash": "timestamp_signer_mismatch",
    "TimeStampTokenWithSignedAttributeSHA1": "timestamp_signature_invalid",
    "TimeStampTokenWithSignerVersion2": "timestamp_signer_version",
    "TimeStampTokenWithSigningCertificateV1": "timestamp_imprint",
    "TimeStampTokenWithSigningCertificateV1NoCert": "timestamp_imprint",
    "TimeStampTokenWithSigningCertificateV2NoCert": "timestamp_unreadable",
    "TimeStampTokenWithSigningTime": "timestamp_signature_invalid",
    "TimeStampTokenWithSigningTimeBeforeExpected": "timestamp_signature_invalid",
    "TimeStampTokenWithTSTInfoVersion2": "timestamp_version",
    "TimeStampTokenWithUnknownSignerIssuer": None,  # its unsigned name is wrong, its signed one is not
    "TimeStampTokenWithValidAndInvalidSignerInfos": None,
    "TimeStampTokenWithWrongSigningCertificateV2IssuerChoiceTag": "timestamp_unreadable",
    "TimeStampTokenWithoutCertificate": "timestamp_signer_missing",
    "TimeStampTokenWithoutSignedAttributeContentType": "timestamp_signature_invalid",
    "TimeStampTokenWithoutSignedAttributeDigest": "timestamp_signature_invalid",
    "TimeStampTokenWithoutSignedAttributes": "timestamp_signer_missing",
    "TimeStampTokenWithoutSigner": "timestamp_signer_missing",
    "TimeStampTokenWithoutSigningCertificate": "timestamp_signer_missing",
    "TimeStampTokenWithoutSigningCertificateV2IssuerSerial": "timestamp_signature_invalid",
}


def token(name):
    return (UPSTREAM / "tokens" / f"{name}.p7s").read_bytes()


def test_every_upstream_token_is_in_the_table():
    assert {path.stem for path in (UPSTREAM / "tokens").iterdir()} == set(TOKENS)


@pytest.mark.parametrize("name", TOKENS)
def test_each_upstream_token_is_accepted_or_refused_as_upstream_does(name):
    evidence = examine_timestamp(token(name), MESSAGE)
    assert (evidence.fault and evidence.fault.code) == TOKENS[name]
    if evidence.fault is None:
        chain = find_chain(evidence.with_roots(ROOTS), ROOTS)
        assert chain[-1] == ROOTS[0]
        assert evidence.info.gen_time == datetime(2021, 9, 17, 14, 9, 10, tzinfo=UTC)
        assert evidence.info.accuracy == timedelta(seconds=1)


def test_the_upstream_token_stamps_nothing_else():
    assert examine_timestamp(token("TimeStampToken"), b"invalid").fault.code == "timestamp_imprint"


# Envelopes with tokens of a public authority

JWS, COSE = "application/jose+json", "application/cose"
NOW = datetime(2024, 7, 1, tzinfo=UTC)


def tsa_stores(root="globalsignRoot.cer"):
    return TrustStore.of("tsa", "clock", {root: (UPSTREAM / root).read_bytes()} if root else {})


def result_of(envelope, media_type, *, tsa="globalsignRoot.cer", stores=("ca:acme", "tsa:clock"), option="always"):
    """What comes of the timestamp of an envelope, at a time when one of the signing certificates has expired."""
    evidence = examine(envelope, media_type)
    assert evidence.integrity is None
    trusted = TrustStores.of(
        TrustStore("ca", "acme", evidence.chain[-1:]), *([tsa_stores(tsa)] if tsa != "absent" else [])
    )
    asked = statement(signatureVerification=level("strict") | {"verifyTimestamp": option}, trustStores=list(stores))
    target = evidence.signed.target.target
    question = Question("registry.acme.example/app", target)
    outcome = judge(question, evidence.with_roots(trusted), policy(asked), trusted, NO_ANSWERS, NOW)
    return outcome.result("authenticTimestamp")


def envelope(name):
    return (UPSTREAM / "envelopes" / f"{name}.sig").read_bytes()


def spliced(name):
    """The envelope without a timestamp, with that token added."""
    fields = json.loads(envelope("withoutTimestamp"))
    fields["header"]["io.cncf.notary.timestampSignature"] = base64.b64encode(token(name)).decode()
    return json.dumps(fields).encode()


SOUND = [
    ("jwsWithTimestamp", JWS),
    ("coseWithTimestamp", COSE),
    ("jwsExpiredWithTimestamp", JWS),
    ("coseExpiredWithTimestamp", COSE),
]


@pytest.mark.parametrize("option", ["always", "afterCertExpiry"])
@pytest.mark.parametrize(("name", "media_type"), SOUND)
def test_a_public_authoritys_timestamp_holds_but_for_revocation_that_nobody_asked_for(name, media_type, option):
    result = result_of(envelope(name), media_type, option=option)
    if option == "afterCertExpiry" and "Expired" not in name:
        assert (result.status, result.code) == (CheckStatus.passed, "inside_validity")
    else:
        assert (result.status, result.code) == (CheckStatus.not_evaluated, "tsa_revocation_not_evaluated")
        assert result.seen.startswith("2024-06-18 0")


@pytest.mark.parametrize(
    ("content", "media_type", "options", "code"),
    [
        (envelope("coseExpiredWithTimestamp"), COSE, {"stores": ["ca:acme"]}, "certificate_expired"),
        (envelope("withoutTimestamp"), JWS, {}, "timestamp_missing"),
        (spliced("TimeStampTokenWithInvalideContentType"), JWS, {}, "timestamp_content_type"),
        (spliced("TimeStampTokenWithInvalidTSTInfo"), JWS, {}, "timestamp_unreadable"),
        (spliced("TimeStampToken"), JWS, {}, "timestamp_imprint"),
        (spliced("TimeStampTokenWithoutCertificate"), JWS, {}, "timestamp_imprint"),
        (envelope("jwsWithTimestamp"), JWS, {"tsa": "absent"}, "tsa_store_unusable"),
        (envelope("jwsWithTimestamp"), JWS, {"tsa": ""}, "tsa_store_unusable"),
        (envelope("jwsWithTimestamp"), JWS, {"tsa": "DigiCertTSARootSHA384.cer"}, "tsa_unknown_root"),
        (envelope("timestampBeforeNotBefore"), JWS, {}, "timestamp_outside_validity"),
        (envelope("timestampAfterNotAfter"), COSE, {}, "timestamp_outside_validity"),
    ],
)
def test_each_upstream_failure_fails(content, media_type, options, code):
    result = result_of(content, media_type, **options)
    assert (result.status, result.code) == (CheckStatus.failed, code)
