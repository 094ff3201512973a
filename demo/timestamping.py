"""A timestamp authority for the sample world: tokens as RFC 3161 has them, written out element by element.

Written from the specification and apart from `trust/notary`, so that each tests the other.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from demo.pki import Identity

INTEGER, OCTET_STRING, OID, GENERALIZED_TIME, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31
EXPLICIT, ATTRIBUTES, DIRECTORY_NAME = 0xA0, 0xA0, 0xA4
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
SHA256, ECDSA_SHA256 = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"
POLICY = "1.3.6.1.4.1.99999.7.1"


def timestamps(authority: Identity, at: datetime) -> Callable[[bytes], bytes]:
    """What makes tokens of that time, accurate to a second, over the signatures it is given."""
    return lambda signature: make_token(authority, signature, at)


def make_token(authority: Identity, signature: bytes, at: datetime) -> bytes:
    """A TimeStampToken over the signature; the same again gives the same bytes."""
    info = _info(signature, at)
    signer = authority.certificate
    attributes = b"".join(
        sorted(
            (
                _attribute(CONTENT_TYPE, _oid(TST_INFO)),
                _attribute(MESSAGE_DIGEST, _element(OCTET_STRING, hashlib.sha256(info).digest())),
                _attribute(SIGNING_CERTIFICATE_V2, _signing_certificate(signer, authority.ders[0])),
            )
        )
    )
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    signer_info = _sequence(
        _integer(1),
        _sequence(signer.issuer.public_bytes(), _integer(signer.serial_number)),
        _sequence(_oid(SHA256)),
        _element(ATTRIBUTES, attributes),
        _sequence(_oid(ECDSA_SHA256)),
        _element(OCTET_STRING, authority.key.sign(_element(SET, attributes), algorithm)),
    )
    signed_data = _sequence(
        _integer(3),
        _element(SET, _sequence(_oid(SHA256))),
        _sequence(_oid(TST_INFO), _element(EXPLICIT, _element(OCTET_STRING, info))),
        _element(EXPLICIT, authority.ders[0]),
        _element(SET, signer_info),
    )
    return _sequence(_oid(SIGNED_DATA), _element(EXPLICIT, signed_data))


def _info(signature: bytes, at: datetime) -> bytes:
    digest = hashlib.sha256(signature).digest()
    return _sequence(
        _integer(1),
        _oid(POLICY),
        _sequence(_sequence(_oid(SHA256)), _element(OCTET_STRING, digest)),
        _integer(int.from_bytes(digest[:8])),
        _element(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()),
        _sequence(_integer(1)),  # accurate to a second
    )


def _signing_certificate(certificate: x509.Certificate, der: bytes) -> bytes:
    issuer = _sequence(_element(DIRECTORY_NAME, certificate.issuer.public_bytes()))
    digest = _element(OCTET_STRING, hashlib.sha256(der).digest())
    return _sequence(_sequence(_sequence(digest, _sequence(issuer, _integer(certificate.serial_number)))))


def _attribute(name: str, value: bytes) -> bytes:
    return _sequence(_oid(name), _element(SET, value))


def _sequence(*elements: bytes) -> bytes:
    return _element(SEQUENCE, b"".join(elements))


def _integer(number: int) -> bytes:
    return _element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _oid(dotted: str) -> bytes:
    first, second, *parts = map(int, dotted.split("."))
    return _element(OID, b"".join(map(_base128, (40 * first + second, *parts))))


def _base128(number: int) -> bytes:
    """Seven bits a byte; all but the last have their highest bit set."""
    digits = bytes([number & 0x7F])
    while number := number >> 7:
        digits = bytes([0x80 | number & 0x7F]) + digits
    return digits


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content
