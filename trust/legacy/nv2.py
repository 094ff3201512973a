"""Signatures of the nv2 prototype: a JSON Web Token over an artifact's digest, size and names."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trust.legacy.evidence import Claims, Format, LegacyEvidence
from trust.legacy.reading import bare_descriptor, certificates, check_size, json_object, text, unix_time
from trust.notary import x509
from trust.notary.certificates import Certificate
from trust.notary.errors import EnvelopeError, LimitError, NotaryError, UnsupportedError, quote
from trust.notary.fault import Fault
from trust.notary.jws import decode_base64url

MAX_REFERENCES = 100
RSA_BITS = range(2048, 8193)
_KEY_ID = re.compile(r"[A-Z2-7]{4}(?::[A-Z2-7]{4}){11}", re.ASCII)

RSA_HASHES: Mapping[str, hashes.HashAlgorithm] = {  # docker/libtrust: PKCS#1 v1.5
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
CURVES: Mapping[str, tuple[str, hashes.HashAlgorithm, int]] = {  # the curve, its hash, bytes of half a signature
    "ES256": ("secp256r1", hashes.SHA256(), 32),
    "ES384": ("secp384r1", hashes.SHA384(), 48),
    "ES512": ("secp521r1", hashes.SHA512(), 66),
}


def examine_nv2(content: bytes, configured: Sequence[Certificate]) -> LegacyEvidence:
    """Examine a token; `configured`: where the certificate is looked up that a key id names."""
    claims: Claims | None = None
    chain: tuple[Certificate, ...] = ()
    algorithm = key_id = ""
    try:
        check_size(content)
        signed, signature, header, fields = _parts(content)
        algorithm = text(header, "alg", "the header")
        claims = _claims(fields)
        key_id, chain = _signer(header, configured)
        _check_signature(algorithm, chain[0], signature, signed)
    except NotaryError as error:
        return LegacyEvidence(Format.nv2, Fault.of(error), claims, algorithm, key_id, chain)
    return LegacyEvidence(Format.nv2, None, claims, algorithm, key_id, chain)


def _parts(content: bytes) -> tuple[bytes, bytes, dict[str, object], dict[str, object]]:
    """What is signed, the signature, the header and the claims."""
    try:
        token = content.decode("ascii").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise EnvelopeError("the token is not ASCII") from error
    parts = token.split(".")
    if len(parts) != 3:
        raise EnvelopeError(f"the token has {len(parts)} parts instead of 3")
    header = json_object(decode_base64url(parts[0], "the header"), "the header")
    if text(header, "typ", "the header") != "x509":
        raise UnsupportedError(f"the token is of the type {quote(str(header['typ']))}, not x509")
    if "crit" in header:
        raise UnsupportedError("the header marks something as critical that nobody here knows")
    fields = json_object(decode_base64url(parts[1], "the claims"), "the claims")
    signature = decode_base64url(parts[2], "the signature")
    return f"{parts[0]}.{parts[1]}".encode(), signature, header, fields


def _claims(fields: Mapping[str, object]) -> Claims:
    references = fields.get("references")
    if references is None:
        references = []
    if not isinstance(references, list) or not all(isinstance(one, str) and one for one in references):
        raise EnvelopeError("the references are no list of texts", code="attribute_type")
    if len(references) > MAX_REFERENCES:
        raise LimitError(f"the token names {len(references)} references; at most {MAX_REFERENCES} are read")
    return Claims(
        target=bare_descriptor(fields),
        references=tuple(references),
        issued_at=unix_time(fields, "iat"),
        not_before=unix_time(fields, "nbf"),
        expiry=unix_time(fields, "exp"),
    )


def _signer(header: Mapping[str, object], configured: Sequence[Certificate]) -> tuple[str, tuple[Certificate, ...]]:
    """The key id, if one is named, and the certificates: those that the token brings, or the one that has the key."""
    if header.get("x5c") is not None:
        return "", certificates(header["x5c"])
    key_id = text(header, "kid", "the header")
    if not _KEY_ID.fullmatch(key_id):
        raise EnvelopeError(f"{quote(key_id)} is no key id", code="attribute_type")
    found = next((one for one in configured if key_id_of(one) == key_id), None)
    if found is None:
        raise UnsupportedError(f"no configured certificate has the key {key_id}", code="key_unknown")
    return key_id, (found,)


def key_id_of(certificate: Certificate) -> str:
    """How docker/libtrust names the certificate's key; empty for a key that nobody here can use."""
    key = x509.parse(certificate.der).key
    if key is None:
        return ""
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = base64.b32encode(hashlib.sha256(spki).digest()[:30]).decode()
    return ":".join(name[start : start + 4] for start in range(0, len(name), 4))


def _check_signature(algorithm: str, certificate: Certificate, signature: bytes, signed: bytes) -> None:
    verify = _verifier(algorithm, x509.parse(certificate.der).key, signature, signed)
    try:
        verify()
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise EnvelopeError("the signature does not fit what is signed", code="signature_invalid") from error


def _verifier(algorithm: str, key: object, signature: bytes, signed: bytes) -> Callable[[], None]:
    if algorithm not in RSA_HASHES and algorithm not in CURVES:
        raise UnsupportedError(f"the algorithm {quote(algorithm)} is none of nv2", code="algorithm_unsupported")
    if algorithm in RSA_HASHES and isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return lambda: key.verify(signature, signed, padding.PKCS1v15(), RSA_HASHES[algorithm])
    if algorithm in CURVES and isinstance(key, ec.EllipticCurvePublicKey):
        curve, hash_, half = CURVES[algorithm]
        if key.curve.name == curve and len(signature) == 2 * half:
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            return lambda: key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hash_))
    raise EnvelopeError(f"the key of the certificate does not make {algorithm} signatures", code="algorithm_mismatch")
