"""What went wrong with timestamps elsewhere, tried here: each test is named after its advisory."""

import time
from datetime import timedelta

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.simulators.tsa import DROP, STAMPED_AT, Signer, Tsa
from tests.trust.notary.making import key_of, make_certificate
from tests.trust.notary.stamping import (
    MESSAGE,
    TIME_STAMPING,
    authority,
    authority_certificate,
    authority_of,
    chain_of,
    examine,
    fault_of,
    sound,
)
from tests.trust.notary.synthetic import DAY, ROOT, certificate, judge_with, statement, store
from trust.notary.ber import element
from trust.notary.certificates import Certificate
from trust.notary.errors import CertificateError
from trust.notary.timestamp import examine_timestamp
from trust.notary.trust_store import TrustStores

TSA_ROOT = authority_certificate("root", "root")
HOUR = timedelta(hours=1)


def judged(timestamp, *tsa_roots, chain=None):
    leaf = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT + DAY)
    stores = TrustStores.of(store(ROOT), store(*map(Certificate.parse, tsa_roots), type="tsa", name="clock"))
    asked = statement(trustStores=["ca:acme", "tsa:clock"])
    chain = chain or (leaf, ROOT)
    return judge_with(None, asked, chain=chain, stores=stores, at=STAMPED_AT + 9 * DAY, timestamp=timestamp)


def test_cve_2026_39984_the_rules_are_applied_to_the_very_certificate_that_signed():
    """A sound certificate in the bag does not lend its purpose or its root to another one that signed."""
    odd = authority_of(TSA_ROOT, key="p256", extensions=[], serial=7)
    trusted = authority_of(TSA_ROOT)
    bags = ((trusted.chain[0], odd.chain[0]), (odd.chain[0], trusted.chain[0]))
    for bag in bags:
        assert fault_of(odd, bag=bag) == "tsa_purpose"
    stranger = Tsa((make_certificate(key_of("p384"), "stranger", extensions=[TIME_STAMPING]),), key_of("p384"))
    for bag in ((*trusted.chain[:1], *stranger.chain), (*stranger.chain, *trusted.chain[:1])):
        assert not judged(examine(stranger, bag=bag), TSA_ROOT).verified
        assert fault_of(signers=[Signer(stranger, named=trusted.chain[0])], bag=bag) == "timestamp_signature_invalid"


def test_timestamp_authority_pr_1389_unknown_purposes_count():
    purposes = [ExtendedKeyUsageOID.TIME_STAMPING, x509.ObjectIdentifier("1.2.3.4")]
    assert fault_of(authority(extensions=[(x509.ExtendedKeyUsage(purposes), True)])) == "tsa_purpose"


def test_timestamp_authority_pr_1416_an_authority_signs_no_timestamps():
    tsa = authority_of(TSA_ROOT, ca=True, usage=("digital_signature", "key_cert_sign"))
    with pytest.raises(CertificateError) as caught:
        chain_of(tsa)
    assert caught.value.code == "tsa_chain_leaf_is_authority"
    root = authority_certificate(
        "p384", "root", extensions=[TIME_STAMPING], usage=("digital_signature", "key_cert_sign")
    )
    assert not judged(examine(Tsa((root, root), key_of("p384"))), root).verified


def test_cve_2025_52556_one_flipped_bit_of_the_signature_is_refused_however_good_the_chain():
    token = sound().token(MESSAGE)
    signature = signature_of(token)
    start = token.index(signature)
    for position in range(start, start + len(signature)):
        changed = bytearray(token)
        changed[position] ^= 1
        assert examine_timestamp(bytes(changed), MESSAGE).fault.code == "timestamp_signature_invalid"


def signature_of(token):
    return cms.ContentInfo.load(token)["content"]["signer_infos"][0]["signature"].native


@pytest.mark.parametrize("position", [0, 1, 2])
def test_cve_2026_24122_every_certificate_of_the_authority_was_valid_at_the_time_not_the_leaf_alone(position):
    limits = [{}, {}, {}]
    limits[position] = {"until": STAMPED_AT - HOUR}
    root = authority_certificate("root", "root", **limits[2])
    issuing = authority_certificate("issuing", "issuing", "root", "root", **limits[1])
    tsa = authority_of(issuing, root, issuer="issuing", issuer_key="issuing", **limits[0])
    outcome = judged(examine(tsa), root)
    assert (outcome.reason, outcome.verified) == ("tsa_outside_validity", False)


def test_cve_2026_24122_every_signing_certificate_was_valid_at_the_time_not_the_leaf_alone():
    leaf = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT + DAY)
    old = certificate(
        "CN=Old,O=Acme GmbH,ST=BE,C=DE", not_before=STAMPED_AT - DAY, not_after=STAMPED_AT - HOUR, is_ca=True
    )
    outcome = judged(examine(), sound().root, chain=(leaf, old, ROOT))
    assert (outcome.reason, outcome.verified) == ("timestamp_outside_validity", False)


def test_cve_2024_56138_an_authority_whose_revocation_was_not_asked_is_not_accepted():
    point = x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.tsa.example")], None, None, None)
    tsa = authority_of(TSA_ROOT, extensions=[TIME_STAMPING, (x509.CRLDistributionPoints([point]), False)])
    outcome = judged(examine(tsa), TSA_ROOT)
    assert (outcome.reason, outcome.verified) == ("tsa_revocation_not_evaluated", False)


def test_tob_sigstore_11_one_authority_does_not_lend_its_validity_to_another():
    """Two roots in the store: the signer's own chain must have been valid, not some other's."""
    expired = authority_certificate("root", "root", until=STAMPED_AT - HOUR)
    tsa = authority_of(expired)
    assert judged(examine(tsa), expired, sound().root).reason == "tsa_outside_validity"
    assert judged(examine(tsa), sound().root, expired).reason == "tsa_outside_validity"


def test_tob_sigstore_4_there_is_one_time_and_it_is_the_one_that_was_signed():
    timestamp = examine(gen_time=b"20260101120000Z")
    assert judged(timestamp, sound().root).authentic_time.low == STAMPED_AT
    early = examine(at=STAMPED_AT - 9 * DAY)
    assert judged(early, sound().root).reason == "timestamp_outside_validity"


def test_cve_2023_46737_the_parts_of_a_token_are_counted_before_they_are_worked_on():
    crowd = tuple(authority_certificate("p256", "crowd", serial=number) for number in range(2, 200))
    start = time.process_time()
    assert fault_of(bag=(*sound().chain[:-1], *crowd)) == "timestamp_limit"
    assert fault_of(signers=[Signer(sound())] * 50) == "timestamp_limit"
    assert time.process_time() - start < 5


def test_cve_2026_23490_an_endless_object_identifier_ends_at_once():
    for part in (b"\x81" * 500_000 + b"\x01", b"\x01" * 500_000):
        start = time.process_time()
        assert fault_of(info=element(0x30, b"\x02\x01\x01" + element(0x06, part))) == "timestamp_unreadable"
        assert time.process_time() - start < 1


def test_quarkslab_2025_a_token_without_signed_attributes_proves_nothing():
    nothing = dict.fromkeys(("content_type", "message_digest", "signing_certificate_v2"), DROP)
    assert fault_of(attributes=nothing) == "timestamp_signer_missing"
