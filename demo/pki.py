"""The certificate authorities and signers of the sample world. Every key is public: none of them protects anything."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

Validity = tuple[datetime, datetime]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

RSA_KEYS = {
    "RSA-2048": "sample-only-rsa2048.pem",
    "RSA-3072": "sample-only-rsa3072.pem",
    "RSA-4096": "sample-only-rsa4096.pem",
}
CURVES: Mapping[str, ec.EllipticCurve] = {"EC-256": ec.SECP256R1(), "EC-384": ec.SECP384R1(), "EC-521": ec.SECP521R1()}
KEY_TYPES = (*RSA_KEYS, *CURVES)

YEAR = timedelta(days=365)
DAY = timedelta(days=1)
ACME = {"C": "DE", "ST": "BE", "O": "Acme GmbH"}
FJORD = {"C": "NO", "ST": "Oslo", "O": "Fjord Payments AS"}
RELEASE = {**ACME, "OU": "Release"}
NORTHWIND = {"C": "US", "ST": "WA", "O": "Northwind Labs"}
ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "UID": NameOID.USER_ID,
}


@cache
def key_of(name: str, key_type: str = "EC-256") -> PrivateKey:
    """The key of a signer or authority: the same one for the same name, without keeping it anywhere."""
    if key_type in RSA_KEYS:
        pem = (Path(__file__).parent / "keys" / RSA_KEYS[key_type]).read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
    number = int.from_bytes(hashlib.sha512(f"sample only: {name}".encode()).digest()[:28])
    return ec.derive_private_key(number + 1, CURVES[key_type])


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key and the certificates above it, leaf first."""

    name: str
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def ders(self) -> tuple[bytes, ...]:
        return tuple(certificate.public_bytes(serialization.Encoding.DER) for certificate in self.chain)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def thumbprints(self) -> tuple[str, ...]:
        return tuple(hashlib.sha256(der).hexdigest() for der in self.ders)


def name_of(attributes: Mapping[str, str]) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(ATTRIBUTES[short], value) for short, value in attributes.items() if short != "CN"]
        + [x509.NameAttribute(NameOID.COMMON_NAME, attributes["CN"])]
    )


def key_usage(*bits: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in bits for name in names})


def make_authority(
    subject: Mapping[str, str],
    since: datetime,
    until: datetime,
    *,
    issuer: Identity | None = None,
    depth: int | None = None,
    key_name: str = "",
) -> Identity:
    """A root (no issuer) or an intermediate certificate authority."""
    key = key_of(key_name or subject["CN"])
    extensions = [
        (x509.BasicConstraints(ca=True, path_length=depth), True),
        (key_usage("key_cert_sign", "crl_sign"), True),
    ]
    return _issue(subject, key, since, until, issuer, extensions)


def make_signer(
    subject: Mapping[str, str],
    since: datetime,
    until: datetime,
    *,
    issuer: Identity | None,
    key_type: str = "EC-256",
    usage: Sequence[str] = ("digital_signature",),
    purposes: Sequence[ObjectIdentifier] = (Purpose.CODE_SIGNING,),
    only_these_purposes: bool = False,
    ocsp: str = "",
    crl: str = "",
    key_name: str = "",
) -> Identity:
    """A leaf that signs; without an issuer it signs itself, as notation's test certificates do."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage(*usage), True),
    ]
    if purposes:
        extensions.append((x509.ExtendedKeyUsage(purposes), only_these_purposes))
    if ocsp:
        address = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp))
        extensions.append((x509.AuthorityInformationAccess([address]), False))
    if crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        extensions.append((x509.CRLDistributionPoints([point]), False))
    return _issue(subject, key_of(key_name or subject["CN"], key_type), since, until, issuer, extensions)


def _issue(
    subject: Mapping[str, str],
    key: PrivateKey,
    since: datetime,
    until: datetime,
    issuer: Identity | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> Identity:
    name = name_of(subject)
    serial = int.from_bytes(hashlib.sha256(f"{name.rfc4514_string()} {since} {until}".encode()).digest()[:16]) >> 1
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(serial + 1)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256(), ecdsa_deterministic=True)
    return Identity(subject["CN"], key, (certificate, *(issuer.chain if issuer else ())))


@dataclass(frozen=True, slots=True)
class Pki:
    """Acme's authorities, a partner's, a stranger's, and everybody who signs; validity is relative to `now`.

    The same instant gives the same certificates, byte for byte, so that what was trusted once still is.
    """

    now: datetime
    root: Identity
    partner_root: Identity
    authority_root: Identity
    timestamp_root: Identity
    timestamper: Identity
    signers: Mapping[str, Identity]

    def __getitem__(self, name: str) -> Identity:
        return self.signers[name]

    @classmethod
    def build(cls, now: datetime) -> "Pki":
        now = now.replace(microsecond=0)
        long = (now - 3 * YEAR, now + 7 * YEAR)
        root = make_authority({**ACME, "CN": "Acme Root CA 2"}, now - 6 * YEAR, now + 9 * YEAR)
        stranger_root = make_authority({**NORTHWIND, "CN": "Northwind Labs CA"}, *long)
        partner_root = make_authority({**FJORD, "CN": "Fjord Payments Root"}, *long)
        authority_root = make_authority({**ACME, "CN": "Acme Signing Authority"}, *long)
        usual = (now - 65 * DAY, now + 300 * DAY)
        partner = {**FJORD, "OU": "Terminals", "CN": "Fjord terminal builds"}
        signers = {
            **_release_signers(now, root, usual),
            "partner": make_signer(partner, *usual, issuer=partner_root),
            "service": make_signer({**RELEASE, "CN": "Acme Signing Service"}, *usual, issuer=authority_root),
            **_untrusted_signers(now, stranger_root, usual),
        }
        timestamp_root = make_authority({**ACME, "CN": "Acme TSA Root"}, *long)
        timestamper = make_signer(
            {**ACME, "CN": "Acme TSA 1"},
            *long,
            issuer=timestamp_root,
            purposes=[Purpose.TIME_STAMPING],
            only_these_purposes=True,
        )
        return cls(now, root, partner_root, authority_root, timestamp_root, timestamper, signers)

    @property
    def trust_stores(self) -> dict[str, dict[str, bytes]]:
        """Store ("ca:acme") → file → PEM, as notation's trust store directory has them."""
        return {
            "ca:acme": {"acme-root-ca-2.pem": self.root.pem},
            "ca:partner": {"fjord-root.pem": self.partner_root.pem},
            "signingAuthority:acme": {"acme-signing-authority.pem": self.authority_root.pem},
            "tsa:acme": {"acme-tsa-root.pem": self.timestamp_root.pem},
        }


def _release_signers(now: datetime, root: Identity, usual: Validity) -> dict[str, Identity]:
    """Whom Acme's root vouches for, one for every condition that a certificate can be in."""
    issuer = make_authority({**ACME, "CN": "Acme Release CA 2"}, now - 2 * YEAR, now + 4 * YEAR, issuer=root, depth=0)
    # The first deadline that a forecast shows.
    old = make_authority({**ACME, "CN": "Acme Release CA 1"}, now - 5 * YEAR, now + 9 * DAY, issuer=root, depth=0)

    def named(name: str) -> dict[str, str]:
        return {**RELEASE, "CN": name}

    by_key = {
        key_type: make_signer(named(f"release-signer {key_type}"), *usual, issuer=issuer, key_type=key_type)
        for key_type in KEY_TYPES
    }
    keys = ("digital_signature", "key_encipherment")
    return by_key | {
        "release": make_signer(named("release-signer 03"), *usual, issuer=issuer),
        "release-next": make_signer(named("release-signer 04"), now - DAY, now + 365 * DAY, issuer=issuer),
        "release-old-ca": make_signer(named("release-signer 01"), now - 300 * DAY, now + 8 * DAY, issuer=old),
        "expired": make_signer(named("release-signer 02"), now - 430 * DAY, now - 36 * DAY, issuer=issuer),
        "not-yet-valid": make_signer(named("release-signer 05"), now + 20 * DAY, now + 400 * DAY, issuer=issuer),
        "ocsp": make_signer(named("release-signer 06"), *usual, issuer=issuer, ocsp="http://ocsp.acme.example/r2"),
        "crl": make_signer(named("release-signer 07"), *usual, issuer=issuer, crl="http://crl.acme.example/r2.crl"),
        "build": make_signer({**ACME, "OU": "Build", "CN": "Acme Build 07"}, *usual, issuer=issuer),
        # Attributes that a trusted identity cannot name: only "*" matches this signer.
        "unmatchable": make_signer({**named("release-signer 09"), "UID": "svc-0815"}, *usual, issuer=issuer),
        # These two break the certificate rules, so what they sign does not hold.
        "misused": make_signer(named("release-signer 08"), *usual, issuer=issuer, usage=keys),
        "server": make_signer(named("ci.acme.example"), *usual, issuer=issuer, purposes=[Purpose.SERVER_AUTH]),
    }


def _untrusted_signers(now: datetime, stranger_root: Identity, usual: Validity) -> dict[str, Identity]:
    """Whom nobody at Acme vouches for, however good the signature."""
    impostor_root = make_authority(
        {**ACME, "CN": "Acme Root CA 2"}, now - YEAR, now + 9 * YEAR, key_name="impostor root"
    )
    hostile = {
        "C": "XX", "ST": "<b>bold</b>", "O": 'Evil, Inc. "quoted"', "CN": "<script>alert(1)</script>\u202etxt.exe",
    }  # fmt: skip
    return {
        "stranger": make_signer(
            {**NORTHWIND, "OU": "Release", "CN": "Northwind release bot"}, *usual, issuer=stranger_root
        ),
        "impostor": make_signer(
            {**RELEASE, "CN": "release-signer 03"}, *usual, issuer=impostor_root, key_name="impostor"
        ),
        "laptop": make_signer({**ACME, "CN": "jonas-laptop.test"}, now - DAY, now + DAY, issuer=None),
        "hostile": make_signer(hostile, *usual, issuer=stranger_root),
    }
