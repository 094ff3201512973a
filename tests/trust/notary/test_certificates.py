"""Certificates, their files, and the rules of a code-signing chain."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.making import (
    CA_USAGE,
    VECTORS,
    as_version,
    contents,
    key_of,
    make_certificate,
    make_chain,
    name_of,
    patched,
    sequence,
    signed_weakly,
    sound_chain,
    tlv,
)
from trust.notary.certificates import Certificate, read_certificates
from trust.notary.chains import check_code_signing_chain
from trust.notary.der import DerError, Reader, dotted
from trust.notary.errors import CertificateError
from trust.notary.x509_uris import check_uri

ED25519 = ed25519.Ed25519PrivateKey.generate()


def vector(name):
    (certificate,) = read_certificates((VECTORS / "pki" / f"{name}.crt").read_bytes())
    return certificate


def chain_of(*ders):
    return [Certificate.parse(der) for der in ders]


def refusal(*ders):
    """The code and text with which a chain is refused."""
    with pytest.raises(CertificateError) as caught:
        check_code_signing_chain(chain_of(*ders))
    return caught.value


# --- facts -----------------------------------------------------------------------------------------------------------


def test_a_certificate_tells_its_facts():
    certificate = vector("wharf-rev-fallback-good")
    assert certificate.subject == "CN=signer fallback-good,O=Wharf Test Labs,L=Seattle,ST=WA,C=US"
    assert certificate.issuer == "CN=harbour wharf-rev-ca,O=Wharf Test Labs,L=Seattle,ST=WA,C=US"
    assert certificate.common_name == "signer fallback-good"
    assert certificate.ocsp_urls == ("http://127.0.0.1:5719/ocsp/x",)
    assert certificate.crl_urls == ("http://127.0.0.1:5712/crl/good.crl",)
    assert (certificate.is_ca, certificate.self_signed, certificate.key) == (False, False, "EC-256")
    assert len(certificate.thumbprint) == 64
    assert certificate.not_before.tzinfo is UTC


def test_the_validity_is_exact_to_the_second():
    since, until = datetime(1950, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    certificate = Certificate.parse(make_certificate(key_of("p256"), since=since, until=until))
    assert (certificate.not_before, certificate.not_after) == (since, until)


def test_the_serial_number_is_shown_in_hexadecimal():
    assert Certificate.parse(make_certificate(key_of("p256"), serial=0xABCDEF)).serial == "abcdef"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rsa2048", "RSA-2048"),
        ("rsa3072", "RSA-3072"),
        ("rsa4096", "RSA-4096"),
        ("p256", "EC-256"),
        ("p384", "EC-384"),
        ("p521", "EC-521"),
    ],
)
def test_the_six_kinds_of_key_have_names(key, name):
    assert Certificate.parse(make_certificate(key_of(key))).key == name


@pytest.mark.parametrize(
    "key",
    [
        ED25519,
        ed448.Ed448PrivateKey.generate(),
        ec.generate_private_key(ec.SECP224R1()),
        rsa.generate_private_key(65537, 1024),
        rsa.generate_private_key(65537, 2304),
        dsa.generate_private_key(1024),
    ],
    ids=["Ed25519", "Ed448", "P-224", "RSA 1024", "RSA 2304", "DSA"],
)
def test_every_other_key_is_read_but_may_not_sign(key):
    root = key_of("root")
    leaf = make_certificate(key, "leaf", "root", root)
    assert Certificate.parse(leaf).key == ""
    assert refusal(leaf, make_certificate(root, "root", ca=True, usage=CA_USAGE)).code == "chain_leaf_key"


def test_a_key_of_2047_bits_counts_as_2048_as_in_notation():
    assert Certificate.parse(make_certificate(rsa.generate_private_key(65537, 2047))).key == "RSA-2048"


def test_an_authority_is_told_from_a_leaf():
    root = Certificate.parse(make_certificate(key_of("root"), "root", ca=True, usage=CA_USAGE))
    assert (root.is_ca, root.self_signed) == (True, True)


def test_a_certificate_signed_by_its_own_key_in_the_name_of_another_is_not_self_signed():
    assert not Certificate.parse(make_certificate(key_of("p256"), issuer="other")).self_signed


def test_a_certificate_in_the_name_of_itself_but_signed_by_another_key_is_not_self_signed():
    assert not Certificate.parse(make_certificate(key_of("p256"), issuer_key=key_of("root"))).self_signed


def test_text_in_every_encoding_of_a_name_is_read():
    kinds = x509.name._ASN1Type
    attributes = [
        (NameOID.COUNTRY_NAME, "US", kinds.PrintableString),
        (NameOID.STATE_OR_PROVINCE_NAME, "12 3", kinds.NumericString),
        (NameOID.LOCALITY_NAME, "Genève", kinds.BMPString),
        (NameOID.ORGANIZATION_NAME, "Acme", kinds.PrintableString),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Zoë", kinds.UTF8String),
        (NameOID.STREET_ADDRESS, "abc", kinds.T61String),
        (NameOID.COMMON_NAME, "x@y", kinds.IA5String),
    ]
    subject = x509.Name([x509.NameAttribute(oid, value, kind) for oid, value, kind in attributes])
    certificate = Certificate.parse(make_certificate(key_of("p256"), subject))
    assert certificate.subject == "CN=x@y,OU=Zoë,O=Acme,STREET=abc,L=Genève,ST=12 3,C=US"


def test_joined_attributes_are_flattened():
    joined = [
        x509.NameAttribute(NameOID.COMMON_NAME, "a"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "b"),
    ]
    subject = x509.Name([x509.RelativeDistinguishedName(joined)])
    assert Certificate.parse(make_certificate(key_of("p256"), subject)).subject == "CN=a,OU=b"


def uri(text):
    return x509.UniformResourceIdentifier(text)


def test_only_urls_of_the_right_kind_are_taken():
    name = x509.DirectoryName(name_of())
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, name),
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, uri("http://issuer")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri("http://ocsp")),
        ]
    )
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    points = x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(None, None, None, [name]),
            x509.DistributionPoint([uri("http://one"), uri("ldap://two")], None, None, None),
            x509.DistributionPoint([name, uri("http://passed.over")], None, None, None),
        ]
    )
    certificate = Certificate.parse(make_certificate(key_of("p256"), extensions=[(access, False), (points, False)]))
    assert certificate.ocsp_urls == ("http://ocsp",)
    assert certificate.crl_urls == ("http://one", "ldap://two")
    odd = x509.CRLDistributionPoints([x509.DistributionPoint(None, relative, None, None)])
    with pytest.raises(CertificateError):
        Certificate.parse(make_certificate(key_of("p256"), extensions=[(odd, False)]))


def test_a_certificate_does_not_print_its_bytes():
    assert "der" not in repr(vector("wharf-root"))


# --- what Go's parser refuses ----------------------------------------------------------------------------------------

PLAIN = make_certificate(key_of("p256"), "plain", "parent")
POINT = key_of("p256").public_key().public_numbers()
X, Y = POINT.x.to_bytes(32), POINT.y.to_bytes(32)
SEQUENCE, NUMBER, BITS, OCTETS, OID, BOOLEAN = 0x30, 2, 3, 4, 6, 1
HUGE = tlv(NUMBER, b"\0\x80" + bytes(7))
ANY = tlv(OID, b"\x2a\x03")


def extended(oid, value, *, critical=False):
    """A certificate with one extension of these bytes."""
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
    return make_certificate(key_of("p256"), extensions=[(extension, critical)], usage=None)


def alternative_name(tag, value):
    return extended("2.5.29.17", sequence(tlv(0x80 | tag, value)))


def constraint(tag, value, *after):
    return extended("2.5.29.30", sequence(tlv(0xA0, sequence(tlv(0x80 | tag, value))), *after))


def policies(*oids):
    return extended("2.5.29.32", sequence(*(sequence(tlv(OID, oid)) for oid in oids)))


def usage(*content):
    return extended("2.5.29.15", bytes([BITS, len(content), *content]))


def with_key(*parts):
    """A certificate with another key, be it nonsense."""
    old = key_of("p256").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = x509.load_der_x509_certificate(PLAIN).tbs_certificate_bytes
    body = sequence(patched(contents(body), old, sequence(*parts)))
    return sequence(body, sequence(tlv(OID, bytes.fromhex("2a8648ce3d040302"))), tlv(BITS, b"\0", b"signature"))


def rsa_key(*numbers, parameters=b"\x05\0"):
    algorithm = sequence(tlv(OID, bytes.fromhex("2a864886f70d010101")), parameters)
    return with_key(algorithm, tlv(BITS, b"\0", sequence(*(tlv(NUMBER, number) for number in numbers))))


def dsa_key(y, *numbers):
    algorithm = sequence(tlv(OID, bytes.fromhex("2a8648ce380401")), sequence(*(tlv(NUMBER, n) for n in numbers)))
    return with_key(algorithm, tlv(BITS, b"\0", tlv(NUMBER, y)))


def with_subject(tag, value):
    """A certificate whose common name is of this type."""
    return patched(PLAIN, tlv(0x0C, b"plain"), tlv(tag, value.ljust(5)))


def with_issuer_text(value):
    """A certificate whose issuer is called this in 16-bit characters."""
    return patched(PLAIN, tlv(0x0C, b"parent"), tlv(0x1E, value))


DEFECTS = {
    "empty": (b"", "cut short"),
    "not a sequence": (b"\x31\x00", "tag"),
    "bytes after it": (PLAIN + b"\0", "follow"),
    "cut": (PLAIN[:-1], "longer"),
    "long tag": (b"\x3f\x81\x00", "long tag"),
    "indefinite length": (b"\x30\x80\x00\x00", "shortest"),
    "length with a leading zero": (b"\x30\x82\x00\x85" + bytes(0x85), "shortest"),
    "short length in long form": (b"\x30\x81\x05" + bytes(5), "shortest"),
    "length of five octets": (b"\x30\x85\x01\x00\x00\x00\x00" + bytes(9), "shortest"),
    "length cut": (b"\x30\x82\x01", "shortest"),
    "negative serial number": (patched(PLAIN, "020101300a", "0201ff300a"), "negative"),
    "version 4": (patched(PLAIN, "a003020102", "a003020103"), "version"),
    "negative version": (patched(PLAIN, "a003020102", "a0030201ff"), "version"),
    "two signature algorithms": (PLAIN.replace(b"\x04\x03\x02", b"\x04\x03\x03", 1), "two different"),
    "name with a number": (with_subject(NUMBER, b"plain"), "no text"),
    "printable text that is not": (with_subject(0x13, b"pl@in"), "characters that its type does not have"),
    "numeric text that is not": (with_subject(0x12, b"1234x"), "characters that its type does not have"),
    "ASCII text that is not": (with_subject(0x16, b"pl\xffin"), "not what it says"),
    "UTF-8 text that is not": (with_subject(0x0C, b"pl\xffin"), "not what it says"),
    "half a 16-bit character": (with_subject(0x1E, b"plain"), "not what it says"),
    "16-bit text with half a pair": (with_issuer_text(b"\xd8\0\0a\0b"), "not what it says"),
    "16-bit text with no character": (with_issuer_text(b"\xff\xff\0a\0b"), "not what it says"),
    "time in neither form": (patched(PLAIN, tlv(0x17, b"200101000000Z"), tlv(0x18, b"200101000000Z")), "no form"),
    "time of another type": (patched(PLAIN, tlv(0x17, b"200101000000Z"), tlv(0x13, b"200101000000Z")), "no form"),
    "time in no calendar": (patched(PLAIN, tlv(0x17, b"200101000000Z"), tlv(0x17, b"200231000000Z")), "calendar"),
    "time with an offset of nothing": (patched(PLAIN, b"200101000000Z", b"2001010000+0000"[:13]), "no form"),
    "RSA key without parameters": (rsa_key(b"\x7f" * 256, b"\3", parameters=b""), "RSA key"),
    "RSA key with negative modulus": (rsa_key(b"\x8f" * 256, b"\3"), "RSA key"),
    "RSA key without exponent": (rsa_key(b"\x7f" * 256, b"\0"), "RSA key"),
    "DSA key of nothing": (dsa_key(b"\1", b"\1", b"\0", b"\1"), "DSA key"),
    "Ed25519 key of 31 octets": (
        with_key(sequence(tlv(OID, bytes.fromhex("2b6570"))), tlv(BITS, bytes(32))),
        "Ed25519 key",
    ),
    "point off the curve": (patched(PLAIN, Y, bytes([Y[0] ^ 1]) + Y[1:]), "point"),
    "compressed point": (patched(PLAIN, b"\x04" + X, b"\x02" + X), "curve"),
    "unknown curve": (patched(PLAIN, "06082a8648ce3d030107", "06082a8648ce3d030101"), "curve"),
    "critical subject key identifier": (extended("2.5.29.14", tlv(OCTETS, b"A"), critical=True), "critical"),
    "critical authority key identifier": (extended("2.5.29.35", sequence(tlv(0x80, b"A")), critical=True), "critical"),
    "critical authority information access": (extended("1.3.6.1.5.5.7.1.1", sequence(), critical=True), "critical"),
    "subject key identifier of another type": (extended("2.5.29.14", tlv(NUMBER, b"A")), "tag"),
    "key usage of another type": (extended("2.5.29.15", tlv(OCTETS, b"A")), "tag"),
    "key usage with bits in its padding": (usage(3, 1), "padding"),
    "key usage without octets": (usage(), "padding"),
    "key usage that is but padding": (usage(1), "padding"),
    "key usage with padding of nine": (usage(9, 0), "padding"),
    "boolean of another value": (extended("2.5.29.19", sequence(tlv(BOOLEAN, b"\1"))), "boolean"),
    "negative path length": (extended("2.5.29.19", sequence(tlv(NUMBER, b"\xff"))), "path length"),
    "huge path length": (extended("2.5.29.19", sequence(HUGE)), "path length"),
    "padded path length": (extended("2.5.29.19", sequence(tlv(NUMBER, b"\0\1"))), "shortest"),
    "path length without octets": (extended("2.5.29.19", sequence(tlv(NUMBER))), "shortest"),
    "purposes that are none": (extended("2.5.29.37", sequence(tlv(NUMBER, b"\5"))), "tag"),
    "object identifier with a leading zero": (extended("2.5.29.37", sequence(tlv(OID, b"\x2a\x80\1"))), "identifier"),
    "object identifier cut": (extended("2.5.29.37", sequence(tlv(OID, b"\x2a\x81"))), "identifier"),
    "object identifier without octets": (extended("2.5.29.37", sequence(tlv(OID))), "identifier"),
    "object identifier too large": (extended("2.5.29.37", sequence(tlv(OID, b"\x2a\x90\x80\x80\x80\0"))), "identifier"),
    "extension of another type": (patched(PLAIN, "0603551d0f0101ff0404", "0603551d0f0101ff0204"), "tag"),
    "e-mail address that is not ASCII": (alternative_name(1, "é".encode()), "ASCII"),
    "address of five octets": (alternative_name(7, b"12345"), "address"),
    "name constraints that constrain nothing": (extended("2.5.29.30", sequence()), "name constraints"),
    "name constraints with an empty list": (extended("2.5.29.30", sequence(tlv(0xA0))), "name constraints"),
    "name constraints with more inside": (constraint(2, b"a", tlv(5)), "name constraints"),
    "name constraints with bytes after them": (extended("2.5.29.30", sequence(tlv(0xA0, b"x")) + b"x"), "constraints"),
    "constraint to a bad domain": (constraint(2, b"a..b"), "domain"),
    "constraint that is not ASCII": (constraint(2, "é".encode()), "ASCII"),
    "constraint to an odd mask": (constraint(7, bytes.fromhex("0a000000ff00ff00")), "mask"),
    "constraint to an odd address": (constraint(7, b"\x0a\0"), "mask"),
    "constraint to nobody at a host": (constraint(1, b"@host"), "domain"),
    "constraint of URIs to an address": (constraint(6, b"1.2.3.4"), "address"),
    "policy twice": (policies(b"\x2a\3", b"\x2a\3"), "policies"),
    "policy without octets": (policies(b""), "policies"),
    "policy cut": (policies(b"\x2a\x83"), "policies"),
    "policy with a leading zero": (policies(b"\x2a\x80\1"), "policies"),
    "huge policy constraint": (extended("2.5.29.36", sequence(tlv(0x80, HUGE[2:]))), "too large"),
    "huge inhibition": (extended("2.5.29.54", HUGE), "too large"),
    "mapping without a second policy": (extended("2.5.29.33", sequence(sequence(ANY))), "cut short"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_malformed_certificate_is_refused_with_its_thumbprint(name):
    der, reason = DEFECTS[name]
    with pytest.raises(CertificateError, match=reason) as caught:
        Certificate.parse(der)
    assert caught.value.certificate == hashlib.sha256(der).hexdigest()


def test_an_extension_that_appears_twice_is_refused():
    pair = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{i}"), b"x"), False) for i in (4, 5)]
    der = make_certificate(key_of("p256"), extensions=pair)
    assert Certificate.parse(der)
    with pytest.raises(CertificateError, match=r"1\.2\.3\.4 appears twice"):
        Certificate.parse(patched(der, "2a0305", "2a0304"))


SOUND = {
    "empty purposes": extended("2.5.29.37", sequence()),
    "basic constraints of nothing": extended("2.5.29.19", sequence()),
    "policies": policies(b"\x2a\x83\1", b"\x2a\4"),
    "policy constraints": extended("2.5.29.36", sequence(tlv(0x80, b"\1"), tlv(0x81, b"\2"))),
    "one policy constraint": extended("2.5.29.36", sequence(tlv(0x81, b"\2"))),
    "inhibition": extended("2.5.29.54", tlv(NUMBER, b"\1")),
    "mappings": extended("2.5.29.33", sequence(sequence(ANY, ANY))),
    "authority key identifier without key": extended("2.5.29.35", sequence()),
    "constraint to a subdomain": constraint(2, b".a.b"),
    "constraint to everything": constraint(2, b""),
    "constraint to a mailbox": constraint(1, b"who@a.b"),
    "constraint to no host": constraint(6, b"host.example"),
    "constraint to a network": constraint(7, bytes.fromhex("0a000000ff800000")),
    "constraint to every address": constraint(7, bytes(8)),
    "constraint to other names": constraint(4, b""),
    "excluded subtrees": extended("2.5.29.30", sequence(tlv(0xA1, sequence(tlv(0x82, b"a"))))),
    "alternative names": alternative_name(2, b"a.b"),
    "alternative address": alternative_name(7, bytes(16)),
    "alternative name of another kind": alternative_name(8, b"\x2a"),
    "unknown critical extension": extended("1.2.3.4", b"x", critical=True),
    "an RSA key that verifies nothing": rsa_key(b"\x7f" * 256, b"\4"),
    "16-bit text with a terminator": with_issuer_text(b"\0a\0b\0\0"),
    "16-bit text": with_issuer_text(b"\0a\0b\0c"),
    "version 1": as_version(1, PLAIN, key_of("p256")),
    "version 2 with unique identifiers": as_version(2, PLAIN, key_of("p256"), tlv(0x81, b"\0a") + tlv(0x82, b"\0b")),
    "version 3 without extensions": as_version(3, PLAIN, key_of("p256")),
    "a DSA key": dsa_key(b"\1", b"\1", b"\1", b"\1"),
    "a key of unknown type": with_key(sequence(ANY), tlv(BITS, b"\1", b"\2")),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_go_takes_is_taken(name):
    assert Certificate.parse(SOUND[name]).thumbprint == hashlib.sha256(SOUND[name]).hexdigest()


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (0x17, b"4912312359Z", datetime(2049, 12, 31, 23, 59, tzinfo=UTC)),
        (0x17, b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (0x17, b"200101020000+0200", datetime(2020, 1, 1, tzinfo=UTC)),
        (0x17, b"191231220000-0200", datetime(2020, 1, 1, tzinfo=UTC)),
        (0x18, b"99991231235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_all_their_forms(tag, text, expected):
    assert Reader(tlv(tag, text)).time() == expected


@pytest.mark.parametrize("text", [b"200101020000+0000", b"200101020000+0160", b"200101020000+9900", b"20010102000Z"])
def test_a_time_with_an_odd_offset_is_refused(text):
    with pytest.raises(DerError):
        Reader(tlv(0x17, text)).time()


@pytest.mark.parametrize("text", [b"00000101000000Z", b"99991231235959-0100"])
def test_a_time_beyond_the_calendar_is_refused(text):
    with pytest.raises(DerError, match="calendar"):
        Reader(tlv(0x18, text)).time()


def test_object_identifiers_are_printed_with_dots():
    assert [dotted(bytes.fromhex(text)) for text in ("2a8648", "5504", "883703", "78")] == [
        "1.2.840",
        "2.5.4",
        "2.999.3",
        "2.40",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "http://a.b/c?d#e",
        "http://[::1]:80/%41",
        "https://[fe80::1%25en0]",
        "spiffe://u:p@host",
        "urn:x:y",
        "/path",
        "relative/path",
        "///x",
        "*",
        "",
        "pg://a:1,b:2/x",
    ],
)
def test_a_uri_that_go_parses_is_taken(text):
    check_uri(text)
    assert Certificate.parse(alternative_name(6, text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "://x",
        "1a:b",
        "a b:c/d",
        "http://a b/",
        "http://a..b/",
        "http://a.b.",
        "http://[::1",
        "http://[1.2.3.4]/",
        "http://x[::1]/",
        "http://h:8a/",
        "http://a%41/",
        "http://u%4@h/",
        'http://"@h/',
        "http://h/%zz",
        "x:#%4",
        "http://h/\x7f",
        "http://h/\n",
    ],
)
def test_a_uri_that_go_does_not_parse_spoils_its_certificate(text):
    with pytest.raises(CertificateError, match="URI"):
        Certificate.parse(alternative_name(6, text.encode()))


@settings(max_examples=300)
@given(st.data())
def test_no_damage_to_a_certificate_raises_anything_else(data):
    der = bytearray(data.draw(st.sampled_from([PLAIN, *sound_chain(), *SOUND.values()])))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert Certificate.parse(bytes(der)).der == der
    except CertificateError as error:
        assert str(error).isprintable()


# --- files -----------------------------------------------------------------------------------------------------------


def pem(der, label="CERTIFICATE", end="\n"):
    text = base64.b64encode(der).decode()
    lines = [f"-----BEGIN {label}-----", *(text[i : i + 64] for i in range(0, len(text), 64)), f"-----END {label}-----"]
    return (end.join(lines) + end).encode()


def thumbprints(content):
    return [certificate.thumbprint for certificate in read_certificates(content)]


LEAF, ROOT = sound_chain()
BOTH = [hashlib.sha256(der).hexdigest() for der in (LEAF, ROOT)]


@pytest.mark.parametrize(
    "content",
    [
        pem(LEAF) + pem(ROOT),
        LEAF + ROOT,
        b"Subject: leaf\n" + pem(LEAF) + b"and the root\n" + pem(ROOT, "TRUSTED CERTIFICATE"),
        pem(LEAF, end="\r\n") + pem(ROOT, "anything"),
        pem(LEAF).replace(b"-----\n", b"-----\nProc-Type: 4\nX: y\n\n", 1) + pem(ROOT),
        pem(LEAF).replace(b"\n", b" \t\n") + pem(ROOT),
        b"-----BEGIN CERTIFICATE-----\n" + pem(LEAF) + pem(ROOT).rstrip(b"\n"),
        pem(LEAF) + b"-----BEGIN X-----\n!!!\n-----END X-----\n" + pem(ROOT),
        pem(LEAF) + b"-----BEGIN X-----\nQUJD\n-----END Y-----\n" + pem(ROOT),
        pem(LEAF) + b"-----BEGIN X\nQUJD\n-----END X-----\n" + pem(ROOT),
        pem(LEAF) + b"x-----BEGIN X-----\nQUJD\n-----END X-----\n" + pem(ROOT),
        pem(LEAF) + b"-----BEGIN X-----\nA: b\n-----END X-----\n" + pem(ROOT),
        pem(LEAF) + b"-----BEGIN X-----\nA: b\n-----END X: -----\n" + pem(ROOT),
    ],
)
def test_every_certificate_of_a_file_is_read(content):
    assert thumbprints(content) == BOTH


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello", "neither PEM nor DER"),
        (LEAF + b"\n", "neither PEM nor DER"),
        (b"\x30\x00", "cannot be read"),
        (pem(b"\x30\x00"), "cannot be read"),
        (pem(LEAF) + b"-----BEGIN X-----\n-----END X-----\n", "cannot be read"),
        (pem(LEAF)[:-6], "neither PEM nor DER"),
        (pem(LEAF).replace(b"M", b"!"), "neither PEM nor DER"),
    ],
)
def test_a_file_with_anything_else_is_refused_as_a_whole(content, reason):
    with pytest.raises(CertificateError, match=reason):
        read_certificates(content)


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_file_is_read_or_refused(content):
    for candidate in (content, pem(LEAF) + content, b"-----BEGIN X-----\n" + content + b"\n-----END X-----\n"):
        try:
            assert read_certificates(candidate)
        except CertificateError as error:
            assert str(error).isprintable()


def test_a_large_hostile_file_takes_no_time():
    for line in (b"-----BEGIN A-----\n", b"-----END A-----\n", b"-----BEGIN A-----\n-----END B-----\n", b"A: b\n"):
        with pytest.raises(CertificateError):
            read_certificates(line * 30_000)


# --- the rules of a chain --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["p256", "p384", "p521", "rsa2048", "rsa3072", "rsa4096"])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_sound_chain_is_taken(key, depth):
    check_code_signing_chain(chain_of(*make_chain(key_of(key), depth)))


@pytest.mark.parametrize("algorithm", [hashes.SHA256, hashes.SHA384, hashes.SHA512])
@pytest.mark.parametrize("pss", [False, True])
def test_certificates_may_be_signed_with_rsa_in_both_ways(algorithm, pss):
    root = key_of("rsa3072")
    above = make_certificate(root, "root", ca=True, usage=CA_USAGE, algorithm=algorithm, pss=pss)
    leaf = make_certificate(key_of("p256"), "leaf", "root", root, algorithm=algorithm, pss=pss)
    check_code_signing_chain(chain_of(leaf, above))


@pytest.mark.parametrize("algorithm", [hashes.SHA256, hashes.SHA384, hashes.SHA512])
def test_certificates_may_be_signed_with_ecdsa(algorithm):
    check_code_signing_chain(chain_of(*make_chain(key_of("p256"), algorithm=algorithm)))


def test_an_authority_may_have_an_ed25519_key():
    check_code_signing_chain(chain_of(*make_chain(key_of("p256"), root_key=ED25519)))


@pytest.mark.parametrize(
    ("old", "new"),
    [("a203020120", "a203020114"), ("a203020120", "a303020120"), ("06092a864886f70d010108", "06092a864886f70d010109")],
    ids=["salt of another length", "no salt length", "no MGF1"],
)
def test_pss_with_other_than_the_usual_parameters_is_no_signature(old, new):
    pss = make_certificate(key_of("rsa2048"), pss=True)
    odd = pss.replace(bytes.fromhex(old), bytes.fromhex(new))
    assert odd != pss
    assert Certificate.parse(pss).self_signed
    assert "not supported" in str(refusal(odd))


def test_pss_with_two_different_hashes_is_no_signature():
    sha256 = bytes.fromhex("608648016503040201")
    parts = make_certificate(key_of("rsa2048"), pss=True).split(sha256)
    assert len(parts) == 5
    odd = parts[0] + sha256 + parts[1] + sha256[:-1] + b"\2" + parts[2]
    odd += sha256 + parts[3] + sha256[:-1] + b"\2" + parts[4]
    assert "not supported" in str(refusal(odd))


def test_a_trailer_field_of_one_is_the_usual_one():
    root = key_of("rsa2048")
    usual = x509.load_der_x509_certificate(make_certificate(root, pss=True))
    body = usual.tbs_certificate_bytes
    start = body.index(bytes.fromhex("06092a864886f70d01010a")) - 2
    old = body[start : start + 2 + body[start + 1]]
    for trailer, sound in ((1, True), (2, False)):
        parameters = old[13:][2:] + tlv(0xA3, tlv(NUMBER, bytes([trailer])))
        algorithm = sequence(old[2:13], sequence(parameters))
        changed = sequence(contents(body).replace(old, algorithm))
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        signature = root.sign(changed, scheme, hashes.SHA256())
        certificate = Certificate.parse(sequence(changed, algorithm, tlv(BITS, b"\0", signature)))
        assert certificate.self_signed is sound


def test_a_signature_algorithm_that_does_not_fit_the_key_is_refused():
    rsa_signed = make_certificate(key_of("p256"), "leaf", "root", key_of("rsa2048"))
    other_root = make_certificate(key_of("root"), "root", ca=True, usage=CA_USAGE)
    assert "does not fit" in str(refusal(rsa_signed, other_root))


def test_ed25519_with_parameters_is_no_algorithm():
    der = make_certificate(ED25519, "leaf", "root")
    body = x509.load_der_x509_certificate(der).tbs_certificate_bytes
    algorithm, odd = sequence(tlv(OID, bytes.fromhex("2b6570"))), sequence(tlv(OID, bytes.fromhex("2b6570")), tlv(5))
    changed = sequence(contents(body).replace(algorithm, odd, 1))
    signature = ED25519.sign(changed)
    assert not Certificate.parse(sequence(changed, odd, tlv(BITS, b"\0", signature))).self_signed


@pytest.mark.parametrize("name", ["wharf-self"])
def test_a_single_certificate_that_signed_itself_is_taken(name):
    check_code_signing_chain([vector(name)])


def test_a_single_certificate_may_be_signed_with_sha_1_but_not_with_md5():
    key = key_of("rsa2048")
    plain = make_certificate(key)
    check_code_signing_chain(chain_of(signed_weakly(plain, key)))
    assert "MD5-RSA is insecure" in str(refusal(signed_weakly(plain, key, hashes.MD5, 4)))


def test_a_chain_with_a_sha_1_signature_is_refused():
    key = key_of("rsa2048")
    root = make_certificate(key, "root", ca=True, usage=CA_USAGE)
    leaf = signed_weakly(make_certificate(key_of("p256"), "leaf", "root", key), key)
    assert "SHA1-RSA is insecure" in str(refusal(leaf, root))
    assert refusal(make_certificate(key_of("p256"), "leaf", "root", key), signed_weakly(root, key)).code == (
        "chain_without_root"
    )


def test_an_empty_chain_is_refused():
    assert refusal().code == "chain_missing"


def test_a_fault_names_its_certificate():
    leaf, root = make_chain(key_of("p256"), usage=())
    fault = refusal(leaf, root)
    assert fault.certificate == hashlib.sha256(leaf).hexdigest()
    assert 'the certificate "CN=signer,O=Acme,ST=WA,C=US" has a key usage without digital signature' in str(fault)


def single(**changes):
    return [make_certificate(key_of("p256"), **changes)]


def leaf(**changes):
    return make_chain(key_of("p256"), **changes)


def with_issuer(**changes):
    """A chain of three whose middle one is changed."""
    root, issuing = key_of("root"), key_of("issuing")
    middle = {"ca": True, "usage": CA_USAGE, "issuer": "root", "issuer_key": root} | changes
    return [
        make_certificate(key_of("p256"), "leaf", "issuing", issuing),
        make_certificate(issuing, "issuing", **middle),
        make_certificate(root, "root", ca=True, usage=CA_USAGE),
    ]


def with_root(**changes):
    root = key_of("root")
    return [
        make_certificate(key_of("p256"), "leaf", "root", root),
        make_certificate(root, "root", **({"ca": True, "usage": CA_USAGE} | changes)),
    ]


def with_path_length(*lengths):
    """A chain whose authorities, from below, have these path lengths."""
    chain = make_chain(key_of("p256"), len(lengths))
    names = [f"authority {i}" for i in range(len(lengths))]
    keys = [key_of("issuing")] * (len(lengths) - 1) + [key_of("root")]
    for i, length in enumerate(lengths):
        above = min(i + 1, len(lengths) - 1)
        chain[i + 1] = make_certificate(
            keys[i], names[i], names[above], keys[above], ca=True, usage=CA_USAGE, path_length=length
        )
    return chain


EKU = ExtendedKeyUsageOID
BROKEN_CHAINS = {
    "single, signed by another": (single(issuer_key=key_of("root")), "chain_not_self_signed"),
    "single, issued by another name": (single(issuer="other"), "chain_not_self_signed"),
    "single, an authority": (single(ca=True), "chain_leaf_is_authority"),
    "single, no key usage": (single(usage=None), "chain_key_usage_extension"),
    "leaf an authority": (leaf(ca=True), "chain_leaf_is_authority"),
    "leaf without key usage": (leaf(usage=None), "chain_key_usage_extension"),
    "leaf with uncritical key usage": (leaf(usage_critical=False), "chain_key_usage_extension"),
    "leaf without digital signature": (leaf(usage=("content_commitment",)), "chain_leaf_key_usage"),
    "root missing": (make_chain(key_of("p256"), 2)[:2], "chain_without_root"),
    "root that is no authority": (with_root(ca=False), "chain_broken"),
    "root without basic constraints": (with_root(ca=None), "chain_broken"),
    "root without certificate signing": (with_root(usage=("crl_sign",)), "chain_broken"),
    "root without key usage": (with_root(usage=None), "chain_key_usage_extension"),
    "root with empty key usage": (with_root(usage=()), "chain_authority_key_usage"),
    "root with uncritical key usage": (with_root(usage_critical=False), "chain_key_usage_extension"),
    "root issued by another name": (with_root(issuer="other"), "chain_without_root"),
    "issuer that is no authority": (with_issuer(ca=False), "chain_broken"),
    "issuer of version 1": ([leaf()[0], as_version(1, leaf()[1], key_of("root"))], "chain_not_authority"),
    "issuer of another name": (
        [leaf()[0], make_certificate(key_of("root"), "other", ca=True, usage=CA_USAGE)],
        "chain_broken",
    ),
    "issuer of another key": (
        [leaf()[0], make_certificate(key_of("p384"), "authority 0", ca=True, usage=CA_USAGE)],
        "chain_broken",
    ),
    "in the wrong order": (make_chain(key_of("p256"), 2)[::-1], "chain_root_too_early"),
    "two roots": ([*leaf(), leaf()[1]], "chain_root_too_early"),
    "path too long": (with_path_length(None, 0), "chain_not_authority"),
    "path too long further up": (with_path_length(None, None, 1), "chain_not_authority"),
}
BROKEN_CHAINS |= {
    f"leaf with {usage}": (leaf(usage=("digital_signature", *usage.split())), "chain_leaf_key_usage")
    for usage in (
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "key_agreement encipher_only",
        "key_agreement decipher_only",
    )
}
BROKEN_CHAINS |= {
    f"leaf for {name}": (leaf(purposes=[EKU.CODE_SIGNING, getattr(EKU, name)]), "chain_leaf_extended_key_usage")
    for name in ("SERVER_AUTH", "CLIENT_AUTH", "EMAIL_PROTECTION", "TIME_STAMPING", "OCSP_SIGNING")
}


@pytest.mark.parametrize("name", BROKEN_CHAINS)
def test_a_chain_that_breaks_a_rule_is_refused(name):
    chain, code = BROKEN_CHAINS[name]
    assert refusal(*chain).code == code


SOUND_CHAINS = {
    "leaf without purposes": leaf(purposes=[]),
    "leaf for other purposes": leaf(purposes=[EKU.ANY_EXTENDED_KEY_USAGE, x509.ObjectIdentifier("1.2.3")]),
    "leaf with content commitment": leaf(usage=("digital_signature", "content_commitment")),
    "leaf with basic constraints": leaf(ca=False),
    "path just long enough": with_path_length(0, 1, 2),
    "expired long ago": leaf(since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(2001, 1, 1, tzinfo=UTC)),
    "unknown critical extension": leaf(
        extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"x"), True)]
    ),
    "leaf with the name and key of its root": [
        make_certificate(key_of("root"), "root"),
        make_certificate(key_of("root"), "root", ca=True, usage=CA_USAGE),
    ],
}


@pytest.mark.parametrize("name", SOUND_CHAINS)
def test_a_chain_that_breaks_none_is_taken(name):
    check_code_signing_chain(chain_of(*SOUND_CHAINS[name]))


def test_names_are_compared_byte_by_byte():
    root = key_of("root")
    kinds = x509.name._ASN1Type
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root", kind)])
        for kind in (kinds.UTF8String, kinds.IA5String)
    ]
    above = make_certificate(root, names[0], ca=True, usage=CA_USAGE)
    check_code_signing_chain(chain_of(make_certificate(key_of("p256"), "leaf", names[0], root), above))
    assert refusal(make_certificate(key_of("p256"), "leaf", names[1], root), above).code == "chain_broken"


def test_every_odd_chain_of_the_vectors_is_judged_as_notation_judged_it():
    cases = json.loads((VECTORS / "cases.json").read_text())
    (case,) = [case for case in cases if case["name"] == "bogus-certificates"]
    for signature in case["signatures"]:
        chain = [vector(name.removesuffix(".crt").rpartition("/")[2]) for name in signature["chain"]]
        try:
            check_code_signing_chain(chain)
            result = "pass"
        except CertificateError:
            result = "fail"
        assert result == signature["expected"]["checks"]["integrity"]["result"], signature["label"]
    assert len(case["signatures"]) > 15


def test_d4_a_certificate_for_any_purpose_is_known_as_one():
    for purposes, any_purpose in (([EKU.ANY_EXTENDED_KEY_USAGE, EKU.CODE_SIGNING], True), ([EKU.CODE_SIGNING], False)):
        assert Certificate.parse(leaf(purposes=purposes)[0]).any_purpose is any_purpose
