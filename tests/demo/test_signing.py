import json
from datetime import timedelta

import pytest

from demo.pki import KEY_TYPES
from demo.signing import MEDIA_TYPES, SIGNING_AUTHORITY, Defect, Extended, make_envelope, signature_manifest
from demo.timestamping import timestamps
from registries.oci.manifest import parse_manifest
from trust.notary.certificates import read_certificates
from trust.notary.evidence import examine
from trust.notary.timestamp_chain import find_chain

TARGET = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": f"sha256:{'5a' * 32}", "size": 1234}
FORMATS = ["jws", "cose"]


def evidence_of(envelope_format, signer, now, **options):
    envelope = make_envelope(envelope_format, TARGET, signer, signing_time=now, **options)
    return examine(envelope, MEDIA_TYPES[envelope_format])


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("envelope_format", FORMATS)
def test_an_envelope_by_any_kind_of_key_holds(pki, now, envelope_format, key_type):
    evidence = evidence_of(envelope_format, pki[key_type], now)
    assert evidence.integrity is None
    assert evidence.chain[0].key == key_type
    assert str(evidence.signed.target.target.digest) == TARGET["digest"]
    assert evidence.signed.signing_time == now


@pytest.mark.parametrize("envelope_format", FORMATS)
def test_everything_given_is_signed(pki, now, envelope_format):
    evidence = evidence_of(
        envelope_format,
        pki["service"],
        now,
        scheme=SIGNING_AUTHORITY,
        expiry=now.replace(year=2027),
        attributes=[Extended("com.acme.a", "1", critical=True), Extended("com.acme.b", "2")],
        metadata={"run": "4711"},
        timestamp_token=b"token",
    )
    signed = evidence.signed
    assert (signed.scheme, signed.authentic_signing_time, signed.signing_time) == (SIGNING_AUTHORITY, now, None)
    assert signed.expiry == now.replace(year=2027)
    assert {(a.name, a.critical) for a in signed.attributes} == {("com.acme.a", True), ("com.acme.b", False)}
    assert signed.target.annotations == {"run": "4711"}
    assert evidence.unverified_timestamp_token == b"token"


@pytest.mark.parametrize("envelope_format", FORMATS)
def test_a_timestamp_by_the_sample_authority_is_sound_and_made_for_the_signature(pki, now, envelope_format):
    stamp = timestamps(pki.timestamper, now)
    timestamp = evidence_of(envelope_format, pki["release"], now, timestamp_token=stamp).timestamp
    assert (timestamp.fault, timestamp.info.gen_time, timestamp.info.accuracy) == (None, now, timedelta(seconds=1))
    roots = read_certificates(pki.timestamp_root.pem)
    assert find_chain(timestamp.with_roots(roots), roots)[0].common_name == "Acme TSA 1"
    assert stamp(b"signature") == stamp(b"signature")


@pytest.mark.parametrize("defect", Defect)
@pytest.mark.parametrize("envelope_format", FORMATS)
def test_no_envelope_with_a_defect_holds(pki, now, envelope_format, defect):
    evidence = evidence_of(envelope_format, pki["release"], now, defects=[defect])
    assert evidence.integrity is not None
    assert evidence.integrity.kind == "failed"


@pytest.mark.parametrize("signer", ["misused", "server"])
def test_a_certificate_that_breaks_the_rules_makes_no_envelope_that_holds(pki, now, signer):
    assert evidence_of("jws", pki[signer], now).integrity.kind == "failed"


@pytest.mark.parametrize("signer", ["stranger", "impostor", "laptop", "expired", "ocsp", "hostile", "unmatchable"])
def test_a_signer_nobody_trusts_signs_soundly_all_the_same(pki, now, signer):
    assert evidence_of("cose", pki[signer], now).integrity is None


def test_the_impostor_has_the_names_of_ours_but_not_the_keys(pki):
    real, impostor = pki["release"], pki["impostor"]
    assert impostor.certificate.subject == real.certificate.subject
    assert impostor.chain[-1].subject == pki.root.certificate.subject
    assert impostor.chain[-1].public_key() != pki.root.certificate.public_key()
    assert impostor.certificate.public_key() != real.certificate.public_key()


@pytest.mark.parametrize("form", ["legacy", "new", "artifact"])
def test_every_form_of_signature_manifest_is_one(pki, now, form):
    envelope = {"mediaType": "application/jose+json", "digest": f"sha256:{'0b' * 32}", "size": 7}
    content = signature_manifest(TARGET, [envelope], form=form, thumbprints=pki["release"].thumbprints, created=now)
    manifest = parse_manifest(content, json.loads(content)["mediaType"])
    assert manifest.is_signature
    assert str(manifest.subject.digest) == TARGET["digest"]
    assert [str(layer.digest) for layer in manifest.layers] == [envelope["digest"]]
