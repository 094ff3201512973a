"""What one X.509 certificate says, read as strictly as notation's parser (Go's crypto/x509) reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trust.notary import der
from trust.notary.der import DerError, Reader
from trust.notary.distinguished_names import NameAttribute

DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_ENCIPHERMENT, DATA_ENCIPHERMENT, KEY_AGREEMENT = range(5)
CERT_SIGN, CRL_SIGN, ENCIPHER_ONLY, DECIPHER_ONLY = range(5, 9)

RSA_KEY, DSA_KEY, EC_KEY, ED25519_KEY = "1.2.840.113549.1.1.1", "1.2.840.10040.4.1", "1.2.840.10045.2.1", "1.3.101.112"
RSA_PSS, MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
CURVES: dict[str, ec.EllipticCurve] = {
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
}
PSS_HASHES: dict[tuple[str, int], hashes.HashAlgorithm] = {  # hash, salt length: one is as long as the other
    ("2.16.840.1.101.3.4.2.1", 32): hashes.SHA256(),
    ("2.16.840.1.101.3.4.2.2", 48): hashes.SHA384(),
    ("2.16.840.1.101.3.4.2.3", 64): hashes.SHA512(),
}
NOTHING = b"\x05\x00"  # DER NULL


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """How a certificate was signed."""

    name: str
    kind: str
    hash: hashes.HashAlgorithm | None = None


SIGNATURES = {
    "1.2.840.113549.1.1.4": SignatureAlgorithm("MD5-RSA", "rsa", hashes.MD5()),
    "1.2.840.113549.1.1.5": SignatureAlgorithm("SHA1-RSA", "rsa", hashes.SHA1()),
    "1.3.14.3.2.29": SignatureAlgorithm("SHA1-RSA", "rsa", hashes.SHA1()),
    "1.2.840.113549.1.1.11": SignatureAlgorithm("SHA256-RSA", "rsa", hashes.SHA256()),
    "1.2.840.113549.1.1.12": SignatureAlgorithm("SHA384-RSA", "rsa", hashes.SHA384()),
    "1.2.840.113549.1.1.13": SignatureAlgorithm("SHA512-RSA", "rsa", hashes.SHA512()),
    "1.2.840.10045.4.1": SignatureAlgorithm("ECDSA-SHA1", "ec", hashes.SHA1()),
    "1.2.840.10045.4.3.2": SignatureAlgorithm("ECDSA-SHA256", "ec", hashes.SHA256()),
    "1.2.840.10045.4.3.3": SignatureAlgorithm("ECDSA-SHA384", "ec", hashes.SHA384()),
    "1.2.840.10045.4.3.4": SignatureAlgorithm("ECDSA-SHA512", "ec", hashes.SHA512()),
}
ED25519_SIGNATURE = SignatureAlgorithm("Ed25519", "ed25519")
type PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class SignatureFault(Exception):
    """A certificate's signature does not hold under a key; the text says why, without naming the certificate."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension, unread."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class X509:
    """One parsed certificate; names are compared by their raw bytes."""

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
    has_basic_constraints: bool
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[int] | None
    key_usage_critical: bool
    extended_key_usage: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]

    @property
    def self_issued(self) -> bool:
        return self.raw_issuer == self.raw_subject


@lru_cache(maxsize=4096)
def parse(content: bytes) -> X509:
    """Read one DER certificate with nothing after it; raises DerError. A pure function of the bytes, hence the cache."""
    outer = Reader(content)
    whole = outer.inside()
    if not outer.empty:
        raise DerError("bytes follow the certificate")
    signed = whole.element(der.SEQUENCE)
    algorithm = whole.read(der.SEQUENCE)
    tbs = Reader(signed).inside()
    version = _version(tbs)
    serial = tbs.integer()
    if serial < 0:
        raise DerError("the serial number is negative")
    if tbs.read(der.SEQUENCE) != algorithm:
        raise DerError("two different signature algorithms are named")
    signature_algorithm = _signature_algorithm(algorithm)
    raw_issuer = tbs.element(der.SEQUENCE)
    issuer = _name(raw_issuer)
    validity = tbs.inside()
    not_before, not_after = validity.time(), validity.time()
    raw_subject = tbs.element(der.SEQUENCE)
    subject = _name(raw_subject)
    key, key_size = _key(tbs.inside())
    extensions = _extensions(tbs, version)
    for oid, extension in extensions.items():
        if check := EXTENSION_FORMS.get(oid):
            check(extension)
    value = {oid: extension.value for oid, extension in extensions.items()}
    is_ca, path_length = _basic_constraints(value[BASIC_CONSTRAINTS]) if BASIC_CONSTRAINTS in value else (False, None)
    signature, padding_bits = whole.bits()
    return X509(
        version=version,
        serial=serial,
        signed=signed,
        signature=_right_aligned(signature, padding_bits),
        algorithm=signature_algorithm,
        raw_issuer=raw_issuer,
        raw_subject=raw_subject,
        issuer=issuer,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        key=key,
        key_size=key_size,
        has_basic_constraints=BASIC_CONSTRAINTS in value,
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_key_usage(value[KEY_USAGE]) if KEY_USAGE in value else None,
        key_usage_critical=KEY_USAGE in value and extensions[KEY_USAGE].critical,
        extended_key_usage=_oids(value[EXTENDED_KEY_USAGE]) if EXTENDED_KEY_USAGE in value else (),
        ocsp_urls=_ocsp_urls(value[AUTHORITY_INFO_ACCESS]) if AUTHORITY_INFO_ACCESS in value else (),
        crl_urls=_crl_urls(value[CRL_DISTRIBUTION_POINTS]) if CRL_DISTRIBUTION_POINTS in value else (),
    )


def check_signature(certificate: X509, key: PublicKey | None, *, allow_sha1: bool) -> None:
    """Raise SignatureFault unless `key` signed the certificate; SHA-1 only where a caller tolerates it, MD5 never."""
    algorithm = certificate.algorithm
    if algorithm is None or key is None:
        raise SignatureFault("the signature algorithm or the issuer's key is not supported")
    if isinstance(algorithm.hash, hashes.MD5) or (isinstance(algorithm.hash, hashes.SHA1) and not allow_sha1):
        raise SignatureFault(f"the signature algorithm {algorithm.name} is insecure")
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.hash and algorithm.kind == "rsa":
            key.verify(certificate.signature, certificate.signed, padding.PKCS1v15(), algorithm.hash)
        elif isinstance(key, rsa.RSAPublicKey) and algorithm.hash and algorithm.kind == "pss":
            scheme = padding.PSS(padding.MGF1(algorithm.hash), padding.PSS.DIGEST_LENGTH)
            key.verify(certificate.signature, certificate.signed, scheme, algorithm.hash)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.hash and algorithm.kind == "ec":
            key.verify(certificate.signature, certificate.signed, ec.ECDSA(algorithm.hash))
        elif isinstance(key, ed25519.Ed25519PublicKey) and algorithm.kind == "ed25519":
            key.verify(certificate.signature, certificate.signed)
        else:
            raise SignatureFault("the signature algorithm does not fit the issuer's key")
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise SignatureFault("the signature does not verify") from error


def check_issued_by(certificate: X509, parent: X509) -> None:
    """Raise SignatureFault unless `parent` may sign certificates and signed this one (Go's CheckSignatureFrom)."""
    if (parent.version == 3 and not parent.has_basic_constraints) or (parent.has_basic_constraints and not parent.is_ca):
        raise SignatureFault("the issuer is not a certificate authority")
    if parent.key_usage and CERT_SIGN not in parent.key_usage:
        raise SignatureFault("the issuer's key usage does not allow signing certificates")
    check_signature(certificate, parent.key, allow_sha1=False)


def _version(tbs: Reader) -> int:
    explicit = tbs.optional(der.context(0, constructed=True))
    if explicit is None:
        return 1
    inner = Reader(explicit)
    number = inner.integer()
    if not inner.empty or not 0 <= number <= 2:
        raise DerError("the version is none that exists")
    return number + 1


def _signature_algorithm(content: bytes) -> SignatureAlgorithm | None:
    oid, parameters = _algorithm(Reader(content))
    if oid == ED25519_KEY:
        return None if parameters else ED25519_SIGNATURE
    if oid == RSA_PSS:
        try:
            return _pss(Reader(parameters).inside())
        except DerError:
            return None
    return SIGNATURES.get(oid)


def _pss(parameters: Reader) -> SignatureAlgorithm | None:
    hash_oid, hash_parameters = _algorithm(Reader(parameters.read(der.context(0, constructed=True))).inside())
    mgf, mgf_parameters = _algorithm(Reader(parameters.read(der.context(1, constructed=True))).inside())
    mgf_hash, mgf_hash_parameters = _algorithm(Reader(mgf_parameters).inside())
    salt = Reader(parameters.read(der.context(2, constructed=True))).integer()
    trailer = parameters.optional(der.context(3, constructed=True))
    if (
        mgf != MGF1
        or mgf_hash != hash_oid
        or {hash_parameters, mgf_hash_parameters} - {b"", NOTHING}
        or (trailer is not None and Reader(trailer).integer() != 1)
        or (hash_oid, salt) not in PSS_HASHES
    ):
        return None
    return SignatureAlgorithm(f"SHA{salt * 8}-RSAPSS", "pss", PSS_HASHES[hash_oid, salt])


def _algorithm(reader: Reader) -> tuple[str, bytes]:
    """An algorithm's OID and the whole element of its parameters."""
    oid = reader.oid()
    return oid, b"" if reader.empty else reader.any()[2]


def _right_aligned(content: bytes, padding_bits: int) -> bytes:
    return (int.from_bytes(content) >> padding_bits).to_bytes(len(content)) if padding_bits else content


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
    oid, parameters = _algorithm(info.inside())
    bits, padding_bits = info.bits()
    content = _right_aligned(bits, padding_bits)
    if oid == RSA_KEY:
        return _rsa_key(parameters, content)
    if oid == EC_KEY:
        return _ec_key(parameters, content)
    if oid == ED25519_KEY:
        if parameters or len(content) != 32:
            raise DerError("the Ed25519 key is malformed")
        return ed25519.Ed25519PublicKey.from_public_bytes(content), "Ed25519"
    if oid == DSA_KEY:
        numbers = Reader(parameters).inside()
        if min(Reader(content).integer(), numbers.integer(), numbers.integer(), numbers.integer()) <= 0:
            raise DerError("the DSA key is malformed")
        return None, "DSA"
    return None, f"of type {oid}"


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


def _extensions(tbs: Reader, version: int) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    if version > 1:
        tbs.optional(der.context(1))
        tbs.optional(der.context(2))
    content = tbs.optional(der.context(3, constructed=True)) if version == 3 else None
    if content is None:
        return found
    extensions = Reader(content).inside()
    while not extensions.empty:
        extension = extensions.inside()
        oid = extension.oid()
        critical = extension.boolean() if extension.peek() == der.BOOLEAN else False
        if oid in found:
            raise DerError(f"the extension {oid} appears twice")
        found[oid] = Extension(oid, critical, extension.read(der.OCTET_STRING))
    return found


def _key_usage(value: bytes) -> frozenset[int]:
    bits, _ = Reader(value).bits()
    return frozenset(i for i in range(min(9, 8 * len(bits))) if bits[i // 8] & 0x80 >> i % 8)


def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    reader = Reader(value).inside()
    is_ca = reader.boolean() if reader.peek() == der.BOOLEAN else False
    length = reader.integer() if reader.peek() == der.INTEGER else None
    if length is not None and not 0 <= length < 1 << 63:
        raise DerError("the path length is none that can be")
    return is_ca, length


def _oids(value: bytes) -> tuple[str, ...]:
    reader = Reader(value).inside()
    found: list[str] = []
    while not reader.empty:
        found.append(reader.oid())
    return tuple(found)


def _ocsp_urls(value: bytes) -> tuple[str, ...]:
    urls: list[str] = []
    accesses = Reader(value).inside()
    while not accesses.empty:
        access = accesses.inside()
        method = access.oid()
        if access.peek() == der.context(6):
            url = access.read(der.context(6)).decode("latin-1")
            urls += [url] if method == OCSP else []
    return tuple(urls)


def _crl_urls(value: bytes) -> tuple[str, ...]:
    urls: list[str] = []
    points = Reader(value).inside()
    while not points.empty:
        name = points.inside().optional(der.context(0, constructed=True))
        if name is not None:
            names = Reader(name).inside(der.context(0, constructed=True))
            while names.peek() == der.context(6):
                urls.append(names.read(der.context(6)).decode("latin-1"))
    return tuple(urls)


def _check_subject_key_identifier(extension: Extension) -> None:
    _refuse_critical(extension)
    Reader(extension.value).read(der.OCTET_STRING)


def _check_authority_key_identifier(extension: Extension) -> None:
    _refuse_critical(extension)
    Reader(extension.value).inside().optional(der.context(0))


def _refuse_critical(extension: Extension) -> None:
    if extension.critical:
        raise DerError(f"the extension {extension.oid} must not be critical")


def _check_alternative_names(extension: Extension) -> None:
    names = Reader(extension.value).inside()
    while not names.empty:
        tag, value, _ = names.any()
        kind = tag ^ 0x80
        if kind in {1, 2, 6} and not value.isascii():
            raise DerError("an alternative name is not in ASCII")
        if kind == 6:
            _check_uri(value.decode())
        if kind == 7 and len(value) not in {4, 16}:
            raise DerError("an alternative name is an address of no known length")


def _check_uri(uri: str) -> None:
    scheme, colon, rest = uri.partition(":")
    first = scheme.partition("/")[0]
    host = rest[2:].partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2] if rest[:2] == "//" else ""
    if any(c < " " or c == "\x7f" for c in uri) or (colon and first == scheme and not _is_scheme(scheme)):
        raise DerError("an alternative name is no URI")
    if not _is_domain(host, constraint=False):
        raise DerError("an alternative name is a URI with a host that is no domain")


def _is_scheme(text: str) -> bool:
    return text[:1].isalpha() and all(c.isalnum() or c in "+-." for c in text)


def _is_domain(text: str, *, constraint: bool) -> bool:
    if not text:
        return True
    labels = text.removeprefix(".").split(".") if constraint else text.split(".")
    return all(labels) and all("!" <= c <= "~" for c in text)


def _check_name_constraints(extension: Extension) -> None:
    outer = Reader(extension.value)
    trees = outer.inside()
    found = [trees.optional(der.context(number, constructed=True)) for number in (0, 1)]
    if not outer.empty or not trees.empty or not any(found):
        raise DerError("the name constraints are malformed")
    for content in found:
        subtrees = Reader(content or b"")
        while not subtrees.empty:
            tag, value, _ = subtrees.inside().any()
            _check_constraint(tag ^ 0x80, value)


def _check_constraint(kind: int, value: bytes) -> None:
    if kind == 7:
        half = len(value) // 2
        mask = int.from_bytes(value[half:])
        if len(value) not in {8, 32} or (mask | (mask - 1)) != (1 << 8 * half) - 1 and mask:
            raise DerError("a name constraint is an address without proper mask")
    elif kind in {1, 2, 6}:
        if not value.isascii():
            raise DerError("a name constraint is not in ASCII")
        text = value.decode()
        mailbox, at, host = text.rpartition("@")
        if (kind == 1 and at and not mailbox) or not _is_domain(host if kind == 1 else text, constraint=True):
            raise DerError("a name constraint is no domain")
        if kind == 6 and _is_address(text):
            raise DerError("a name constraint for URIs is an address")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _check_policies(extension: Extension) -> None:
    policies = Reader(extension.value).inside()
    seen: set[str] = set()
    while not policies.empty:
        oid = policies.inside().read(der.OID).hex()
        if oid in seen or not oid:
            raise DerError("the certificate policies are malformed")
        seen.add(oid)


def _check_policy_constraints(extension: Extension) -> None:
    constraints = Reader(extension.value).inside()
    for number in (0, 1):
        if constraints.peek() == der.context(number):
            _check_int64(constraints.integer(der.context(number)))


def _check_policy_mappings(extension: Extension) -> None:
    mappings = Reader(extension.value).inside()
    while not mappings.empty:
        mapping = mappings.inside()
        mapping.read(der.OID)
        mapping.read(der.OID)


def _check_inhibit_any_policy(extension: Extension) -> None:
    _check_int64(Reader(extension.value).integer())


def _check_int64(number: int) -> None:
    if not -(1 << 63) <= number < 1 << 63:
        raise DerError("a policy extension holds a number that is too large")


KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.19", "2.5.29.37"
CRL_DISTRIBUTION_POINTS, AUTHORITY_INFO_ACCESS, OCSP = "2.5.29.31", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1"
EXTENSION_FORMS: dict[str, Callable[[Extension], None]] = {
    "2.5.29.14": _check_subject_key_identifier,
    "2.5.29.17": _check_alternative_names,
    "2.5.29.30": _check_name_constraints,
    "2.5.29.32": _check_policies,
    "2.5.29.33": _check_policy_mappings,
    "2.5.29.35": _check_authority_key_identifier,
    "2.5.29.36": _check_policy_constraints,
    "2.5.29.54": _check_inhibit_any_policy,
    AUTHORITY_INFO_ACCESS: _refuse_critical,
}
