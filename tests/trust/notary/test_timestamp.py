"""Timestamp tokens: each test is a rule of RFC 3161, RFC 5652 or RFC 5816 as notation applies it."""

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms, crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.simulators.tsa import DROP, ETSI, KEY_IDENTIFIER, POLICY, STAMPED_AT, Signer, make_info
from tests.trust.notary.making import key_of, name_of
from tests.trust.notary.stamping import MESSAGE, TIME_STAMPING, authority, examine, fault_of, sound
from trust.notary.timestamp import examine_timestamp

SECOND = timedelta(seconds=1)


def test_a_sound_token_says_when_and_who():
    evidence = examine(accuracy={"seconds": 1})
    assert evidence.fault is None
    assert (evidence.info.gen_time, evidence.info.accuracy, evidence.info.policy) == (STAMPED_AT, SECOND, POLICY)
    assert [signer.certificate.der for signer in evidence.signers] == [sound().chain[0]]
    assert {certificate.der for certificate in evidence.certificates} == set(sound().chain[:-1])


def test_nothing_is_vouched_for_while_a_fault_stands():
    evidence = examine(break_signature=True)
    assert (evidence.info, evidence.signers, evidence.certificates, evidence.issuances) == (None, (), (), frozenset())
    assert evidence.unverified_info.gen_time == STAMPED_AT


# The imprint


def test_the_imprint_is_that_of_the_signature_value():
    assert fault_of(content=b"the value of another signature") == "timestamp_imprint"
    assert fault_of(imprint=b"\0" * 32) == "timestamp_imprint"


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_the_imprint_may_be_of_any_hash_of_the_sha2_family(name):
    assert fault_of(imprint_hash=name) is None


def test_an_imprint_of_sha1_does_not_count():
    assert fault_of(imprint_hash="sha1") == "timestamp_imprint"


# What the token says


def test_only_version_1_of_tstinfo_is_read():
    assert fault_of(tst_version=2) == "timestamp_version"


@pytest.mark.parametrize(
    ("written", "accuracy"),
    [
        ({"seconds": 1}, SECOND),
        ({"millis": 500}, SECOND / 2),
        ({"micros": 3}, timedelta(microseconds=3)),
        ({"seconds": 2, "millis": 7, "micros": 9}, timedelta(seconds=2, milliseconds=7, microseconds=9)),
        (None, timedelta()),
    ],
)
def test_the_accuracy_is_the_sum_of_its_parts_and_absent_means_none(written, accuracy):
    assert examine(accuracy=written).info.accuracy == accuracy


@pytest.mark.parametrize("written", [{"seconds": -1}, {"seconds": 1 << 31}, {"seconds": 1 << 62}])
def test_an_accuracy_out_of_range_is_refused(written):
    assert fault_of(accuracy=written) == "timestamp_unreadable"


def test_the_baseline_policy_of_etsi_promises_one_second_where_no_accuracy_is_written():
    assert examine(policy=ETSI).info.accuracy == SECOND
    assert examine(policy=ETSI, accuracy={"seconds": 0}).info.accuracy == SECOND
    assert examine(policy=ETSI, accuracy={"millis": 1}).info.accuracy == SECOND / 1000


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (b"20260101120000Z", STAMPED_AT),
        (b"20260101120000.25Z", STAMPED_AT + SECOND / 4),
        (b"20260101133000+0130", STAMPED_AT),
    ],
)
def test_the_time_may_have_a_fraction_and_an_offset(written, moment):
    assert examine(gen_time=written).info.gen_time == moment


def test_a_time_finer_than_a_microsecond_counts_as_an_accuracy_of_one():
    info = examine(gen_time=b"20260101120000.1234567Z").info
    assert info.low <= STAMPED_AT + timedelta(microseconds=123456) < info.high
    assert info.high == STAMPED_AT + timedelta(microseconds=123457)


@pytest.mark.parametrize(
    "written",
    [
        b"20260101120000",
        b"202601011200Z",
        b"20260101120000.Z",
        b"20260101120000.50Z",
        b"20260101120000,5Z",
        b"20260101120000.1234567891Z",
        b"20260101120000+0000",
        b"20261301120000Z",
        b"20260101240000Z",
        b"20260101120060Z",
        b"00000101120000Z",
        "２０２６0101120000Z".encode(),
    ],
)
def test_a_time_in_another_form_is_refused(written):
    assert fault_of(gen_time=written) == "timestamp_unreadable"


def test_the_bounds_of_a_time_at_the_edge_of_the_calendar_do_not_overflow():
    info = examine(gen_time=b"00010101000000Z", accuracy={"seconds": 9}).info
    assert info.low == datetime.min.replace(tzinfo=UTC)
    info = examine(gen_time=b"99991231235959Z", accuracy={"seconds": 9}).info
    assert info.high == datetime.max.replace(tzinfo=UTC)


def test_an_extension_that_is_not_critical_is_ignored():
    assert fault_of(extensions=[{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"x"}]) is None


def test_a_critical_extension_that_nobody_knows_leaves_the_timestamp_undecided():
    fault = examine(extensions=[{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"x"}]).fault
    assert (fault.code, fault.kind) == ("timestamp_unsupported", "unknown")


def test_nothing_may_follow_the_timestamp():
    assert fault_of(info=make_info(MESSAGE) + b"\0") == "timestamp_unreadable"


# The signed data


def test_the_token_must_hold_a_timestamp():
    assert fault_of(data={"content_type": "data"}) == "timestamp_content_type"


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_only_version_3_of_signed_data_is_read(version):
    assert fault_of(data={"version": version}) == "timestamp_unreadable"


def test_a_content_info_of_another_kind_is_refused():
    other = cms.ContentInfo({"content_type": "data", "content": b"x"}).dump()
    assert examine_timestamp(other, MESSAGE).fault.code == "timestamp_unreadable"


def test_every_certificate_in_the_token_must_be_readable():
    odd = sound().chain[0].replace(b"\x02\x01\x01", b"\x02\x01\xff", 1)  # a negative serial number
    assert fault_of(bag=(*sound().chain[:-1], odd)) == "timestamp_unreadable"


def test_revocation_lists_in_a_token_are_refused_as_notation_does():
    empty = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name_of("authority 0"))
        .last_update(datetime(2025, 1, 1))
        .next_update(datetime(2027, 1, 1))
        .sign(key_of("root"), hashes.SHA256())
    )
    choice = cms.RevocationInfoChoice("crl", crl.CertificateList.load(empty.public_bytes(Encoding.DER)))
    assert fault_of(data={"crls": [choice]}) == "timestamp_unreadable"
    assert fault_of(data={"crls": []}) is None


# The signing certificate


def test_a_token_without_signing_certificate_v2_names_no_signer():
    assert fault_of(attributes={"signing_certificate_v2": DROP}) == "timestamp_signer_missing"


def test_the_signing_certificate_must_be_in_the_token():
    assert fault_of(bag=sound().chain[1:2]) == "timestamp_signer_missing"
    assert fault_of(bag=()) == "timestamp_signer_missing"
    assert fault_of(data={"certificates": DROP}) == "timestamp_signer_missing"


def test_the_signed_attribute_names_the_signer_whatever_the_unsigned_name_says():
    other = cms.SignerIdentifier(
        "issuer_and_serial_number",
        {"issuer": cms.Name.build({"common_name": "somebody else"}), "serial_number": 99},
    )
    assert fault_of(sid=other) is None
    assert fault_of(sid=other, issuer_serial=DROP) == "timestamp_signer_missing"


def test_without_issuer_and_serial_in_the_signed_attribute_the_unsigned_name_is_taken():
    assert fault_of(issuer_serial=DROP) is None


@pytest.mark.parametrize(("name", "code"), [("sha384", None), ("sha512", None), ("sha1", "timestamp_signer_mismatch")])
def test_the_certificate_hash_is_of_the_sha2_family(name, code):
    assert fault_of(certificate_hash=name) == code


def test_the_hash_in_the_signed_attribute_must_be_the_certificates():
    twin = authority(usage=("digital_signature", "content_commitment"))
    assert fault_of(named=twin.chain[0]) == "timestamp_signer_mismatch"


def test_the_issuer_in_the_signed_attribute_is_a_directory_name():
    by_host = {"issuer": [cms.GeneralName("dns_name", "tsa.example")], "serial_number": 1}
    assert fault_of(issuer_serial=by_host) == "timestamp_unreadable"


# The signature


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("rsa2048", "rsassa_pkcs1v15"),
        ("rsa3072", "sha256_rsa"),
        ("rsa4096", "sha512_rsa"),
        ("rsa2048", "rsassa_pss"),
        ("p256", "sha256_ecdsa"),
        ("p384", "sha384_ecdsa"),
        ("p521", "sha512_ecdsa"),
    ],
)
def test_tokens_are_signed_with_rsa_pss_or_ecdsa_and_sha2(key, scheme, digest):
    assert fault_of(authority(key), scheme=scheme, digest=digest) is None


@pytest.mark.parametrize("scheme", ["rsassa_pkcs1v15", "rsassa_pss", "sha1_rsa"])
def test_a_signature_with_sha1_does_not_count(scheme):
    assert fault_of(scheme=scheme, digest="sha1") == "timestamp_signature_invalid"


def test_a_changed_signature_does_not_hold():
    assert fault_of(break_signature=True) == "timestamp_signature_invalid"
    assert fault_of(authority("p256"), break_signature=True) == "timestamp_signature_invalid"


def test_the_key_is_that_of_the_certificate_named():
    stranger = Signer(authority("p256"), named=sound().chain[0])
    assert fault_of(signers=[stranger]) == "timestamp_signature_invalid"


@pytest.mark.parametrize(("version", "sid"), [("v3", None), ("v0", None)])
def test_only_version_1_of_signer_info_is_read(version, sid):
    assert fault_of(version=version, sid=sid) == "timestamp_signer_version"


def test_a_signer_named_by_key_identifier_is_refused():
    assert fault_of(version="v3", sid=KEY_IDENTIFIER) == "timestamp_unreadable"


def test_a_token_that_nobody_signed_proves_nothing():
    assert fault_of(signers=[]) == "timestamp_signer_missing"


def test_of_several_signers_one_whose_signature_holds_is_enough():
    good, bad = Signer(sound()), Signer(sound(), break_signature=True)
    for signers in ([good, bad], [bad, good]):
        evidence = examine(signers=signers)
        assert (evidence.fault, len(evidence.signers)) == (None, 1)
    assert fault_of(signers=[bad, bad]) == "timestamp_signature_invalid"


# The signed attributes


def test_signed_attributes_are_mandatory():
    nothing = dict.fromkeys(("content_type", "message_digest", "signing_certificate_v2"), DROP)
    assert fault_of(attributes=nothing) == "timestamp_signer_missing"


@pytest.mark.parametrize("value", [DROP, "data"])
def test_the_content_type_is_signed(value):
    assert fault_of(attributes={"content_type": value}) == "timestamp_content_type"


def test_the_digest_of_the_content_is_signed():
    assert fault_of(attributes={"message_digest": DROP}) == "timestamp_digest_missing"
    assert fault_of(attributes={"message_digest": b"\0" * 32}) == "timestamp_digest_mismatch"


def test_an_attribute_may_not_appear_twice():
    assert fault_of(repeated=("message_digest",)) == "timestamp_unreadable"


def test_an_attribute_that_is_read_has_one_value():
    assert fault_of(attributes={"message_digest": [b"\0" * 32, b"\1" * 32]}) == "timestamp_unreadable"


def test_other_signed_attributes_are_ignored():
    assert fault_of(attributes={"1.2.3.4": [cms.Any(cms.Integer(1)), cms.Any(cms.Integer(2))]}) is None


@pytest.mark.parametrize("form", ["utc_time", "generalized_time"])
def test_the_signing_time_is_read_in_both_its_forms(form):
    time = cms.Time({form: STAMPED_AT})
    assert examine(attributes={"signing_time": time}).signers[0].signing_time == STAMPED_AT


# The purpose of the certificate


def purposes(*oids, critical=True):
    return [(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids]), critical)]


TIME, CODE, ANY, UNKNOWN = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.3", "2.5.29.37.0", "1.2.3.4"


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        purposes(CODE),
        purposes(ANY),
        purposes(TIME, CODE),
        purposes(TIME, ANY),
        purposes(TIME, UNKNOWN),
        purposes(TIME, TIME),
    ],
)
def test_the_signers_only_purpose_is_time_stamping(extensions):
    assert fault_of(authority(extensions=extensions)) == "tsa_purpose"


def test_the_signers_purpose_is_critical():
    assert fault_of(authority(extensions=purposes(TIME, critical=False))) == "tsa_purpose"
    assert fault_of(authority(extensions=[TIME_STAMPING])) is None
