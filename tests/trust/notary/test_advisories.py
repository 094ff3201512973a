"""What went wrong with signatures elsewhere, tried here: each test is named after its advisory (docs/advisories.md)."""

import base64
import hashlib
import hmac
import importlib.metadata
import json
import socket

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from tests.trust.notary import measured
from tests.trust.notary.making import (
    CA_USAGE,
    PAYLOAD,
    SCHEME,
    TARGET,
    base64url,
    key_of,
    make_certificate,
    make_chain,
    make_cose,
    make_jws,
    name_of,
    sound_chain,
)
from tests.trust.notary.synthetic import DAY, NOW, REPOSITORY, level, policy, statement, store
from trust.notary.algorithms import ALGORITHMS
from trust.notary.certificates import Certificate
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.media_types import COSE, JWS
from trust.notary.notation_verdict import notation_verdict
from trust.notary.outcome import Word
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_store import TrustStores

IMAGE = Descriptor(TARGET["mediaType"], Digest.parse(TARGET["digest"]), TARGET["size"])
MAKERS = pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])


def judged(envelope, media_type=JWS, *, roots=None, identities=("*",), name="strict", at=NOW):
    """The outcome for real bytes under one statement, which trusts the usual root unless said otherwise."""
    roots = [Certificate.parse(der) for der in (sound_chain()[-1:] if roots is None else roots)]
    stores = TrustStores.of(store(*roots))
    asked = policy(statement(trustedIdentities=list(identities), signatureVerification=level(name)))
    return judge(
        Question(REPOSITORY, IMAGE), examine(envelope, media_type).with_roots(stores), asked, stores, NO_ANSWERS, at
    )


def refused(envelope, media_type=JWS, **options):
    outcome = judged(envelope, media_type, **options)
    assert not outcome.verified
    assert not outcome.word.is_green
    return outcome.reason


@MAKERS
def test_the_signatures_that_these_attacks_begin_with_are_good(make, media_type):
    assert judged(make(), media_type).word is Word.verified


# Names


@pytest.mark.parametrize("value", ["#0c0141", "#3084ffffffff00", "#" + "30" * 100_000, "#", "a=#0c0141"])
def test_cve_2023_25656_a_name_in_hexadecimal_is_refused_and_never_decoded(value):
    with pytest.raises(TrustPolicyError) as caught:
        policy(statement(trustedIdentities=[f"x509.subject: C=US, ST=WA, O={value}"]))
    assert caught.value.rule == "TP23"


def test_cve_2023_25656_a_signer_whose_own_name_prints_in_hexadecimal_matches_nobody_by_name():
    name = x509.Name([*name_of(), x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "x" * 60_000)])
    chain = make_chain(key_of("p256"), subject=name)
    envelope = make_jws(chain=chain)
    assert refused(envelope, roots=chain[-1:], identities=["x509.subject: C=US, ST=WA, O=Acme"]) == (
        "subject_unreadable"
    )


# Numbers


@MAKERS
def test_cve_2023_46737_certificates_are_counted_before_one_is_read(make, media_type):
    chain = make_chain(key_of("p256"), 30)
    assert refused(make(chain=chain), media_type, roots=chain[-1:]) == "chain_length"


def test_ghsa_cq38_jh5f_37mq_the_targets_annotations_are_counted():
    target = TARGET | {"annotations": {str(number): "" for number in range(257)}}
    envelope = make_jws(payload=json.dumps({"targetArtifact": target}).encode())
    assert refused(envelope) == "target_unreadable"


def test_cve_2023_33958_notation_is_said_to_stop_at_its_limit():
    good, bad = judged(make_jws()), judged(make_jws(top={"signature": base64url(bytes(64))}))
    assert notation_verdict([*[bad] * 99, good]).verified
    assert not notation_verdict([*[bad] * 100, good]).verified


# Bombs, in a process with little memory


def test_cve_2025_30204_and_cve_2025_61920_dots_are_not_segments():
    dots = {
        "protected": {"protected": "." * 900_000},
        "payload": {"payload": "." * 900_000},
        "signature": {"signature": "." * 900_000},
        "a compact serialisation": None,
    }
    bombs = {name: ("jws", make_jws(top=top) if top else b"e30." * 250_000) for name, top in dots.items()}
    assert set(measured.defuse(bombs).values()) == {"refused"}


def test_cve_2026_26209_nesting_has_a_limit():
    assert list(map(int, importlib.metadata.version("cbor2").split("."))) >= [6, 1]
    nests = {
        "arrays": b"\x81" * 100_000,
        "maps": b"\xa1\x00" * 100_000,
        "tags": b"\xc1" * 100_000,
        "shared": b"\xd8\x1c" * 100_000,
    }
    envelopes = {
        f"{name} in the protected header": ("cose", make_cose(protected=b"\xa1\x01" + nest + b"\x00"))
        for name, nest in nests.items()
    }
    whole = {name: ("cose", b"\xd2\x84" + nest) for name, nest in nests.items()}
    assert set(measured.defuse(envelopes | whole).values()) == {"refused"}


# Algorithms and keys


ATTACKER = ec.generate_private_key(ec.SECP256R1())  # of the kind of the signer's key
KEYS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521")
NAMES = [algorithm.name for algorithm in ALGORITHMS]


@pytest.mark.parametrize(
    "name",
    [*NAMES, "RS256", "RS384", "RS512", "HS256", "EdDSA", "ES256K", "none", "", "PBES2-HS256+A128KW"],
)
@pytest.mark.parametrize("key", KEYS)
def test_cve_2022_29217_the_key_says_the_algorithm_and_nothing_else_does(key, name):
    """Also CVE-2026-27932: an algorithm that is not ours costs no work."""
    made = make_jws(key_of(key), sound_chain(key), {"alg": name})
    evidence = examine(made, JWS)
    own = json.loads(base64.urlsafe_b64decode(json.loads(make_jws(key_of(key), sound_chain(key)))["protected"] + "=="))
    assert (evidence.integrity is None) == (name == own["alg"])


def test_cve_2022_29217_a_public_key_is_no_shared_secret():
    public = key_of("p256").public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (spki, pem, sound_chain()[0]):
        envelope = json.loads(make_jws(header={"alg": "HS256"}))
        message = f"{envelope['protected']}.{envelope['payload']}".encode()
        envelope["signature"] = base64url(hmac.digest(secret, message, hashlib.sha256))
        assert refused(json.dumps(envelope).encode()) == "algorithm_unknown"


@pytest.mark.parametrize("place", ["header", "unprotected"])
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "kid", "x5c", "x5t"])
def test_cve_2026_27962_and_cve_2025_24976_a_key_from_elsewhere_in_the_header_signs_nothing(name, place):
    """The attacker's own key signs; every other place that could name it says whose it is."""
    numbers = ATTACKER.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}
    own = make_certificate(ATTACKER, "signer")
    value = {
        "jwk": jwk | {"kid": "signer"},
        "x5c": [base64.b64encode(own).decode()],
        "x5t": base64url(hashlib.sha1(own).digest()),
    }.get(name, "https://keys.attacker.example/jwks.json")
    if (place, name) == ("unprotected", "x5c"):
        assert refused(make_jws(ATTACKER, unprotected={"x5c": value})) == "unknown_root"
    else:
        reason = "attribute_name" if name == "x5c" else "signature_invalid"
        assert refused(make_jws(ATTACKER, sound_chain(), **{place: {name: value}})) == reason


@pytest.mark.parametrize("label", [-1, 4, 34, 35])
@pytest.mark.parametrize("place", ["header", "unprotected"])
def test_cve_2025_24976_a_key_id_of_cose_chooses_no_key(label, place):
    own = make_certificate(ATTACKER, "signer")
    value = {4: b"signer", 34: [-16, hashlib.sha256(own).digest()], 35: "https://keys.attacker.example"}.get(
        label, {1: 2}
    )
    assert refused(make_cose(ATTACKER, sound_chain(), **{place: {label: value}}), COSE)


def test_cve_2025_24976_a_root_of_the_same_name_and_key_id_is_another_root():
    trusted = sound_chain()[-1]
    chain = make_chain(key_of("p256"), root_key=key_of("issuing"), issuer_key=key_of("issuing"))
    assert Certificate.parse(chain[-1]).subject == Certificate.parse(trusted).subject
    assert refused(make_jws(chain=chain), roots=[trusted]) == "unknown_root"


@MAKERS
def test_ghsa_fx35_mq7g_6g98_a_bare_key_is_no_certificate(make, media_type):
    spki = (
        key_of("p256")
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for chain in ([spki], [spki, sound_chain()[-1]]):
        assert refused(make(chain=chain), media_type) == "certificate_unreadable"
    with_pem = base64.b64decode(base64.b64encode(b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(spki)))
    assert refused(make(chain=[with_pem]), media_type) == "certificate_unreadable"


@pytest.mark.parametrize("make", [make_jws, make_cose])
@pytest.mark.parametrize("name", ["b64", "exp", "com.example.bork", "io.cncf.notary.unheardOf"])
def test_cve_2026_32597_and_cve_2025_59420_what_is_critical_and_unknown_is_never_passed_over(make, name):
    if make is make_jws:
        envelope, media_type = make_jws(header={"crit": [SCHEME, name], name: False}), JWS
    else:
        envelope, media_type = make_cose(header={2: [SCHEME, name], name: False}), COSE
    for strength in ("strict", "audit"):
        assert refused(envelope, media_type, name=strength) == "critical_attribute_unknown"
    absent = make_jws(header={"crit": [SCHEME, name]}) if make is make_jws else make_cose(header={2: [SCHEME, name]})
    assert examine(absent, media_type).integrity.kind == "failed"


def test_cve_2026_39373_nothing_is_unpacked():
    """A payload that says it is compressed, and one that is: neither is read as anything but its own bytes."""
    bomb = make_jws(header={"zip": "DEF", "crit": [SCHEME, "zip"]})
    assert refused(bomb) == "critical_attribute_unknown"
    assert refused(make_jws(payload=b"\x1f\x8b" + bytes(100)))


# One part of a signature for another's


@MAKERS
def test_cve_2022_36056_and_cve_2026_22703_no_two_parts_of_good_signatures_can_be_swapped(make, media_type):
    other = make_chain(key_of("p384"))
    one, two = make(), make(key_of("p384"), other, payload=PAYLOAD.replace(b"528", b"529"))
    roots = [sound_chain()[-1], other[-1]]
    assert examine(one, media_type).integrity is None
    assert examine(two, media_type).integrity is None
    if media_type == JWS:
        one, two = json.loads(one), json.loads(two)
        mixed = [
            json.dumps(one | {name: two[name]}).encode() for name in ("payload", "protected", "signature", "header")
        ]
    else:
        one, two = cbor2.loads(one).value, cbor2.loads(two).value
        mixed = [cbor2.dumps(cbor2.CBORTag(18, [*one[:i], two[i], *one[i + 1 :]])) for i in range(4)]
    assert len(mixed) == 4
    for envelope in mixed:
        assert judged(envelope, media_type, roots=roots).word is Word.failed


@pytest.mark.parametrize(
    "payload",
    [
        *(b"x", b"[]", b"null", b"{}", b"\xff", b'{"targetArtifact":'),
        *(b'{"targetArtifact":null}', b'{"targetArtifact":[]}', b'{"targetArtifact":{"digest":1}}'),
    ],
)
@MAKERS
def test_cve_2026_39395_a_payload_that_says_nothing_vouches_for_nothing(make, media_type, payload):
    for name in ("strict", "permissive", "audit"):
        assert judged(make(payload=payload), media_type, name=name).word is Word.failed


@pytest.mark.parametrize("name", ["payload", "signature", "protected", "unprotected"])
@pytest.mark.parametrize("value", [None, b"", 0, {}, [], "absent"])
def test_cve_2026_23831_an_absent_part_of_cose_is_refused(name, value):
    parts = cbor2.loads(make_cose()).value
    place = ["protected", "unprotected", "payload", "signature"].index(name)
    changed = [*parts[:place], *([] if value == "absent" else [value]), *parts[place + 1 :]]
    evidence = examine(cbor2.dumps(cbor2.CBORTag(18, changed)), COSE)
    assert evidence.integrity.kind == "failed"


# Certificates


def test_notation_core_go_pr_202_a_leaf_that_is_an_authority_signs_nothing():
    chain = make_chain(key_of("p256"), ca=True)
    assert refused(make_jws(chain=chain), roots=chain[-1:]) == "chain_leaf_is_authority"
    single = make_certificate(key_of("p256"), ca=True, usage=("digital_signature", *CA_USAGE))
    assert refused(make_jws(chain=[single]), roots=[single])


@pytest.mark.parametrize("position", [0, 1, 2])
def test_cve_2026_24122_every_certificate_of_the_chain_must_be_valid_and_not_the_leaf_alone(position):
    ends = [NOW + DAY] * 3
    ends[position] = NOW - DAY
    authority = {"ca": True, "usage": CA_USAGE}
    chain = [
        make_certificate(key_of("p256"), "leaf", "issuing", key_of("issuing"), until=ends[0]),
        make_certificate(key_of("issuing"), "issuing", "root", key_of("root"), until=ends[1], **authority),
        make_certificate(key_of("root"), "root", until=ends[2], **authority),
    ]
    assert refused(make_jws(chain=chain), roots=chain[-1:]) == "certificate_expired"


def test_cve_2026_34073_names_of_hosts_are_no_part_of_code_signing():
    """Name constraints do not speak of signers of code; a certificate for servers signs nothing at all."""
    assert int(importlib.metadata.version("cryptography").partition(".")[0]) >= 47
    chain = make_chain(key_of("p256"), purposes=[x509.ExtendedKeyUsageOID.SERVER_AUTH])
    assert refused(make_jws(chain=chain), roots=chain[-1:]) == "chain_leaf_extended_key_usage"


def test_quarkslab_2025_info_9_a_chain_that_cannot_be_revoked_says_so():
    outcome = judged(make_jws())
    assert "no_revocation_source" in {note.code for note in outcome.notes}


# Levels, and what is only logged


def test_cve_2024_23332_an_old_signature_that_a_permissive_statement_lets_pass_is_not_plainly_verified():
    expired = make_chain(key_of("p256"), until=NOW - DAY)
    envelope = make_jws(chain=expired)
    outcome = judged(envelope, roots=expired[-1:], name="permissive")
    assert (outcome.verified, outcome.word) == (True, Word.verified_with_exceptions)
    assert outcome.reason == "authentic_timestamp_logged"
    assert refused(envelope, roots=expired[-1:]) == "certificate_expired"


# Nothing is asked of addresses that a pusher wrote


def test_cve_2026_24117_reading_and_judging_connect_to_nothing(monkeypatch):
    touched = []
    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, lambda *_args, _name=name: touched.append(_name))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: touched.append("getaddrinfo"))
    url = x509.UniformResourceIdentifier("http://169.254.169.254/latest/meta-data")
    extensions = [
        (x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)]), False),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url),
                    x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, url),
                ]
            ),
            False,
        ),
    ]
    chain = make_chain(key_of("p256"), extensions=extensions)
    for header in ({}, {"jku": url.value, "x5u": url.value}):
        for roots in (chain[-1:], sound_chain("p384")[-1:]):
            for name in ("strict", "audit"):
                judged(make_jws(chain=chain, header=header), roots=roots, name=name)
    assert touched == []
