"""Evidence in the database: what is examined, when it is examined again, and that it comes back as it was."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.signing import SIGNING_AUTHORITY, Defect, Extended, make_envelope
from registries.models import Content
from registries.oci.digest import Digest
from tests.trust.seeding import DAY, HOUR, NOW, Place, pki
from trust import chains, evidence
from trust.evidence_json import from_json, to_json
from trust.models import Certificate, Chain, Signature
from trust.notary.evidence import EVIDENCE_VERSION, examine

pytestmark = pytest.mark.django_db

TARGET = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "a" * 64, "size": 7}


def envelope(envelope_format="jws", signer="release", **options):
    return make_envelope(envelope_format, TARGET, pki()[signer], signing_time=NOW - DAY, **options)


def back(found):
    return from_json(to_json(found), {certificate.thumbprint: certificate for certificate in found.chain})


# -- there and back


@given(
    envelope_format=st.sampled_from(["jws", "cose"]),
    signer=st.sampled_from(["release", "stranger", "misused", "hostile", "RSA-2048", "EC-521", "laptop"]),
    defects=st.lists(st.sampled_from(Defect), max_size=1),
    expiry=st.booleans(),
    authority=st.booleans(),
    metadata=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=9), max_size=2),
    token=st.none() | st.binary(min_size=1, max_size=9),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_evidence_comes_back_as_it_was(envelope_format, signer, defects, expiry, authority, metadata, token):
    options = {"defects": defects, "timestamp_token": token, "metadata": metadata}
    if authority:
        options["scheme"] = SIGNING_AUTHORITY
    if expiry:
        options["expiry"] = NOW + DAY
    attributes = [Extended("com.example.step", "7 of 9", critical=expiry)]
    content = envelope(envelope_format, signer, attributes=attributes, **options)
    found = examine(content, {"jws": "application/jose+json", "cose": "application/cose"}[envelope_format])
    assert back(found) == found


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\x00" * 50, b'{"payload": "\\u0000"}'])
@pytest.mark.parametrize("media_type", ["application/jose+json", "application/cose", "text/plain"])
def test_evidence_of_bad_bytes_comes_back_too(content, media_type):
    found = examine(content, media_type)
    assert found.integrity is not None
    assert back(found) == found


def test_certificates_come_back_without_any_key_operation(place):
    place.signed("release", "laptop", "ocsp", "crl")
    evidence.examine_missing(place.repository)
    for row, found in zip(rows := list(Signature.objects.all()), evidence.evidence_of(rows), strict=True):
        content = Content.objects.get(digest=row.envelope).content
        assert found == examine(bytes(content), row.media_type)


# -- rows


def test_each_signature_of_a_repository_is_examined_once(place):
    for _ in range(3):
        place.signed("release", "stranger")
    assert evidence.examine_missing(place.repository, at=NOW) == 6
    assert evidence.examine_missing(place.repository, at=NOW + DAY) == 0
    assert set(Signature.objects.values_list("examined_at", "evidence_version")) == {(NOW, EVIDENCE_VERSION)}


def test_signatures_of_other_repositories_are_left_to_these(place):
    Place("other/thing").signed("release")
    assert evidence.examine_missing(place.repository) == 0


def test_many_signatures_share_one_chain(place):
    for _ in range(3):
        place.signed("release")
    evidence.examine_missing(place.repository)
    chain = Chain.objects.get()
    assert chain.signatures.count() == 3
    assert [Certificate.objects.get(pk=thumbprint).common_name for thumbprint in chain.thumbprints] == [
        "release-signer 03",
        "Acme Release CA 2",
        "Acme Root CA 2",
    ]
    assert chain.leaf.common_name == "release-signer 03"


@pytest.mark.parametrize(
    ("signer", "standing"), [("release", "no_source"), ("ocsp", "not_evaluated"), ("crl", "not_evaluated")]
)
def test_a_chain_says_whether_revocation_could_be_asked(place, signer, standing):
    place.signed(signer)
    evidence.examine_missing(place.repository)
    assert Chain.objects.get().standing == standing


def test_a_standing_found_out_meanwhile_stays_when_more_is_signed(place):
    place.signed("release")
    evidence.examine_missing(place.repository)
    Chain.objects.update(standing="revoked")
    place.signed("release")
    assert evidence.examine_missing(place.repository) == 1
    assert Chain.objects.get().standing == "revoked"


def test_a_broken_envelope_proves_no_chain_and_no_certificate(place):
    place.signed("release", defects=[Defect.payload_changed])
    evidence.examine_missing(place.repository)
    row = Signature.objects.get()
    assert (row.chain, Certificate.objects.count()) == (None, 0)
    assert row.evidence["integrity"]["kind"] == "failed"
    assert len(row.evidence["unverified_chain"]) == 3


def test_evidence_of_another_version_is_examined_anew_from_the_stored_bytes(place):
    image = place.signed("release")
    evidence.examine_missing(place.repository)
    good = Signature.objects.get().evidence
    Signature.objects.update(evidence_version=EVIDENCE_VERSION - 1, evidence={**good, "signed": None}, chain=None)
    assert evidence.examine_missing(place.repository) == 1
    row = Signature.objects.get()
    assert (row.evidence, row.evidence_version, row.subject) == (good, EVIDENCE_VERSION, image.digest)
    assert row.chain is not None


def test_a_missing_envelope_is_a_fault_until_its_bytes_come(place):
    image = place.image()
    content = make_envelope("jws", dict(TARGET), pki()["release"], signing_time=NOW)
    place.attach_envelope(image, content, "application/jose+json", kept=False)
    evidence.examine_missing(place.repository)
    row = Signature.objects.get()
    assert (row.evidence, row.fault_code, row.fault_is_unknown) == (None, "envelope_missing", True)
    assert row.envelope == Digest.of(content)
    assert evidence.examine_missing(place.repository) == 0
    place.keep(content)
    assert evidence.examine_missing(place.repository) == 1
    assert Signature.objects.get().fault_code == ""
    assert Signature.objects.get().evidence["integrity"] is None


def test_a_missing_manifest_is_a_fault_until_its_bytes_come(place):
    signature = place.sign(place.image())
    content = Content.objects.get(digest=signature.pk).content
    Content.objects.filter(digest=signature.pk).delete()
    evidence.examine_missing(place.repository)
    assert Signature.objects.get().fault_code == "manifest_missing"
    assert evidence.examine_missing(place.repository) == 0
    place.keep(bytes(content))
    assert evidence.examine_missing(place.repository) == 1
    assert Signature.objects.get().fault_code == ""


@pytest.mark.parametrize(
    ("options", "code", "unknown"),
    [
        ({"layers": 2}, "layer_count", False),
        ({"layers": 0}, "layer_count", False),
        ({"size": 2 * 1024 * 1024}, "limit", True),
        ({"media_type": "application/octet-stream", "kept": False}, "envelope_type", True),
    ],
)
def test_a_manifest_without_an_envelope_to_examine_says_why(place, options, code, unknown):
    options = {"media_type": "application/jose+json", **options}
    place.attach_envelope(place.image(), envelope(), **options)
    evidence.examine_missing(place.repository)
    row = Signature.objects.get()
    assert (row.fault_code, row.fault_is_unknown, row.evidence) == (code, unknown, None)


def test_an_envelope_of_an_unknown_type_is_unknown(place):
    place.attach_envelope(place.image(), envelope(), "application/octet-stream")
    evidence.examine_missing(place.repository)
    assert Signature.objects.get().evidence["integrity"]["kind"] == "unknown"


def test_an_empty_envelope_fails(place):
    place.attach_envelope(place.image(), b"", "application/jose+json")
    evidence.examine_missing(place.repository)
    assert Signature.objects.get().evidence["integrity"]["kind"] == "failed"


def test_a_text_that_no_database_holds_is_unknown_and_does_not_stop_the_rest(place):
    image = place.image()
    place.sign(image, attributes=[Extended("odd", "a\0b")])
    place.sign(image, "stranger")
    evidence.examine_missing(place.repository)
    codes = {row.fault_code: row.fault_is_unknown for row in Signature.objects.all()}
    assert codes == {"": False, "nul_character": True}


def test_a_manifest_of_that_type_without_a_subject_is_nobodys_signature(place):
    place.attach_envelope(place.image(), envelope(), "application/jose+json")
    fields = (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.cncf.notary.signature","digest":"sha256:'
        + b"0" * 64
        + b'","size":2},"layers":[]}'
    )
    place.put(fields)
    assert evidence.examine_missing(place.repository) == 1


def test_evidence_is_read_with_one_query(place, django_assert_num_queries):
    for _ in range(4):
        place.signed("release", "stranger", defects=[])
    evidence.examine_missing(place.repository)
    rows = list(Signature.objects.all())
    with django_assert_num_queries(1):
        assert len(evidence.evidence_of(rows)) == 8


def test_the_order_of_a_chain_is_part_of_its_name():
    found = examine(envelope(), "application/jose+json")
    assert chains.fingerprint(found.chain) != chains.fingerprint(found.chain[::-1])


def test_storing_evidence_twice_changes_nothing(place):
    signature = place.sign(place.image(), expiry=NOW + HOUR)
    for _ in range(2):
        evidence.store(evidence.examine_manifests([signature]), NOW)
    assert Signature.objects.count() == Chain.objects.count() == 1
