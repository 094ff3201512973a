"""What one X.509 certificate says, read as strictly as notation's parser (Go's crypto/x509) reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trust.notary import der
from trust.notary.der import NOTHING, DerError, Reader
from trust.notary.distinguished_names import NameAttribute
from trust.notary.x509_extensions import CERT_SIGN, Extensions, read_extensions
from trust.notary.x509_signatures import (
    ED25519,
    PublicKey,
    SignatureAlgorithm,
    X509SignatureError,
    algorithm_identifier,
    check_hash,
    check_signature,
    signature_algorithm,
)

RSA_KEY, DSA_KEY, EC_KEY = "1.2.840.113549.1.1.1", "1.2.840.10040.4.1", "1.2.840.10045.2.1"
CURVES: dict[str, ec.EllipticCurve] = {
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
}


@dataclass(frozen=True, slots=True)
class X509:
    """One parsed certificate; names are compared by their raw bytes."""

    content: bytes
    version: int
    serial: int
    signed: bytes
    signature: bytes
    algorithm: SignatureAlgorithm | None
    raw_issuer: bytes
    raw_subject: bytes
    issuer: tuple[NameAttribute, ...]
    subject: tuple[NameAttribute, ...]
    not_before: datetime
    not_after: datetime
    key: PublicKey | None
    key_size: str
    raw_key: bytes
    extensions: Extensions

    @property
    def is_self_issued(self) -> bool:
        return self.raw_issuer == self.raw_subject

    def check_signed_by_itself(self) -> None:
        """Raise X509SignatureError unless it is signed with its own key, be it with SHA-1 (Go's CheckSignature)."""
        if fault := _own_signature_fault(self.content):
            raise X509SignatureError(fault)

    def check_issued_by(self, parent: "X509") -> None:
        """Raise X509SignatureError unless `parent` may sign certificates and signed this one (Go's CheckSignatureFrom)."""
        allowed = parent.extensions
        if (parent.version == 3 and not allowed.is_ca) or (allowed.has_basic_constraints and not allowed.is_ca):
            raise X509SignatureError("the issuer is not a certificate authority")
        if allowed.key_usage and CERT_SIGN not in allowed.key_usage:
            raise X509SignatureError("the issuer's key usage does not allow signing certificates")
        check_hash(self.algorithm, allow_sha1=False)
        if parent is self:
            self.check_signed_by_itself()
        else:
            check_signature(self.algorithm, parent.key, self.signature, self.signed, allow_sha1=False)


@lru_cache(maxsize=1024)
def parse(content: bytes) -> X509:
    """Read one DER certificate with nothing after it; raises DerError. Bytes do not change, hence the cache."""
    outer = Reader(content)
    whole = outer.inside()
    if not outer.empty:
        raise DerError("bytes follow the certificate")
    signed = whole.element(der.SEQUENCE)
    algorithm = whole.read(der.SEQUENCE)
    tbs = Reader(signed).inside()
    version, serial = _version(tbs), tbs.integer()
    if serial < 0:
        raise DerError("the serial number is negative")
    if tbs.read(der.SEQUENCE) != algorithm:
        raise DerError("two different signature algorithms are named")
    raw_issuer = tbs.element(der.SEQUENCE)
    validity = tbs.inside()
    not_before, not_after = validity.time(), validity.time()
    raw_subject = tbs.element(der.SEQUENCE)
    key_info = tbs.read(der.SEQUENCE)
    key, key_size = _key(Reader(key_info))
    return X509(
        content=content,
        version=version,
        serial=serial,
        signed=signed,
        signature=whole.aligned_bits(),
        algorithm=signature_algorithm(algorithm),
        raw_issuer=raw_issuer,
        raw_subject=raw_subject,
        issuer=_name(raw_issuer),
        subject=_name(raw_subject),
        not_before=not_before,
        not_after=not_after,
        key=key,
        key_size=key_size,
        raw_key=_key_bits(Reader(key_info)),
        extensions=_extensions(tbs, version),
    )


@lru_cache(maxsize=1024)
def _own_signature_fault(content: bytes) -> str:
    """Why the certificate is not signed with its own key; empty if it is. A root is asked for more than one reason."""
    parsed = parse(content)
    try:
        check_signature(parsed.algorithm, parsed.key, parsed.signature, parsed.signed, allow_sha1=True)
    except X509SignatureError as fault:
        return str(fault)
    return ""


def _version(tbs: Reader) -> int:
    explicit = tbs.optional(der.context(0, constructed=True))
    if explicit is None:
        return 1
    inner = Reader(explicit)
    number = inner.integer()
    if not inner.empty or not 0 <= number <= 2:
        raise DerError("the version is none that exists")
    return number + 1


def _extensions(tbs: Reader, version: int) -> Extensions:
    if version > 1:
        tbs.optional(der.context(1))
        tbs.optional(der.context(2))
    content = tbs.optional(der.context(3, constructed=True)) if version == 3 else None
    return Extensions() if content is None else read_extensions(content)


@lru_cache(maxsize=1024)  # authorities are named in all that they issue
def _name(content: bytes) -> tuple[NameAttribute, ...]:
    attributes: list[NameAttribute] = []
    rdns = Reader(content).inside()
    while not rdns.empty:
        rdn = rdns.inside(der.SET)
        while not rdn.empty:
            attribute = rdn.inside()
            oid = attribute.oid()
            tag, value, _ = attribute.any()
            attributes.append(NameAttribute(oid, _text(tag, value)))
    return tuple(attributes)


def _text(tag: int, value: bytes) -> str:
    if tag not in STRINGS:
        raise DerError("a name holds something that is no text")
    try:
        text = STRINGS[tag](value)
    except (UnicodeDecodeError, ValueError) as error:
        raise DerError("a name holds text that is not what it says") from error
    if tag in ALPHABETS and not ALPHABETS[tag].issuperset(value):
        raise DerError("a name holds characters that its type does not have")
    return text


def _bmp(value: bytes) -> str:
    points = [int.from_bytes(value[i : i + 2]) for i in range(0, len(value), 2)]
    if len(value) % 2:
        raise ValueError("half a character")
    if points and points[-1] == 0:
        points.pop()
    if any(0xD800 <= p <= 0xDFFF or 0xFDD0 <= p <= 0xFDEF or p >= 0xFFFE for p in points):
        raise ValueError("no character")
    return "".join(map(chr, points))


STRINGS: dict[int, Callable[[bytes], str]] = {
    der.UTF8_STRING: lambda value: value.decode(),
    der.PRINTABLE_STRING: lambda value: value.decode("ascii"),
    der.IA5_STRING: lambda value: value.decode("ascii"),
    der.NUMERIC_STRING: lambda value: value.decode("ascii"),
    der.T61_STRING: lambda value: value.decode("latin-1"),
    der.BMP_STRING: _bmp,
}
ALPHABETS = {
    der.PRINTABLE_STRING: frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()+,-./:=?*&"),
    der.NUMERIC_STRING: frozenset(b"0123456789 "),
}


def _key(info: Reader) -> tuple[PublicKey | None, str]:
    """The public key, if it is one that we can use, and its kind and size in words."""
    oid, parameters = algorithm_identifier(info.inside())
    content = info.aligned_bits()
    if oid == RSA_KEY:
        return _rsa_key(parameters, content)
    if oid == EC_KEY:
        return _ec_key(parameters, content)
    if oid == ED25519:
        if parameters or len(content) != 32:
            raise DerError("the Ed25519 key is malformed")
        return ed25519.Ed25519PublicKey.from_public_bytes(content), "Ed25519"
    if oid == DSA_KEY:
        numbers = Reader(parameters).inside()
        if min(Reader(content).integer(), numbers.integer(), numbers.integer(), numbers.integer()) <= 0:
            raise DerError("the DSA key is malformed")
        return None, "DSA"
    return None, f"of type {oid}"


def _key_bits(info: Reader) -> bytes:
    """The key without its algorithm: what OCSP names an issuer by the hash of."""
    info.any()
    return info.aligned_bits()


def _rsa_key(parameters: bytes, content: bytes) -> tuple[PublicKey | None, str]:
    numbers = Reader(content).inside()
    n, e = numbers.integer(), numbers.integer()
    if parameters != NOTHING or n <= 0 or not 0 < e < 1 << 63:
        raise DerError("the RSA key is malformed")
    try:
        return rsa.RSAPublicNumbers(e, n).public_key(), f"RSA, {n.bit_length()} bits"
    except (ValueError, UnsupportedAlgorithm):  # a key that no signature can verify with
        return None, f"RSA, {n.bit_length()} bits"


def _ec_key(parameters: bytes, content: bytes) -> tuple[PublicKey, str]:
    curve = CURVES.get(Reader(parameters).oid())
    if curve is None or content[:1] != b"\x04":
        raise DerError("the key is on no curve that is supported")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, content), f"EC, {curve.key_size} bits"
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DerError("the key is not a point on its curve") from error
