"""The key and algorithm table of the signature specification; nothing outside of it signs an artifact."""

from dataclasses import dataclass
from typing import TypeGuard

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature


@dataclass(frozen=True, slots=True)
class Algorithm:
    """The one algorithm that a kind of key may sign with."""

    name: str
    cose: int
    key: str
    hash: hashes.HashAlgorithm
    half: int
    "Bytes of one half of an ECDSA signature; 0 for RSA."


ALGORITHMS = (
    #         JWS      COSE  key         hash             half
    Algorithm("PS256", -37, "RSA-2048", hashes.SHA256(), 0),
    Algorithm("PS384", -38, "RSA-3072", hashes.SHA384(), 0),
    Algorithm("PS512", -39, "RSA-4096", hashes.SHA512(), 0),
    Algorithm("ES256", -7, "EC-256", hashes.SHA256(), 32),
    Algorithm("ES384", -35, "EC-384", hashes.SHA384(), 48),
    Algorithm("ES512", -36, "EC-521", hashes.SHA512(), 66),
)
BY_NAME = {algorithm.name: algorithm for algorithm in ALGORITHMS}
BY_COSE = {algorithm.cose: algorithm for algorithm in ALGORITHMS}
BY_KEY = {algorithm.key: algorithm for algorithm in ALGORITHMS}
PADDINGS = {
    (algorithm.name, exact_salt): padding.PSS(
        padding.MGF1(algorithm.hash), padding.PSS.DIGEST_LENGTH if exact_salt else padding.PSS.AUTO
    )
    for algorithm in ALGORITHMS
    for exact_salt in (True, False)
}


def is_rsa(key: object) -> TypeGuard[rsa.RSAPublicKey]:
    return _is_of(type(key), rsa.RSAPublicKey)


def is_ec(key: object) -> TypeGuard[ec.EllipticCurvePublicKey]:
    return _is_of(type(key), ec.EllipticCurvePublicKey)


def _is_of(kind: type, abstract: type) -> bool:
    """Asking an abstract class takes as long as reading half a certificate; the types of keys are few."""
    known = _KINDS.get((kind, abstract))
    if known is None:
        known = _KINDS[kind, abstract] = issubclass(kind, abstract)
    return known


_KINDS: dict[tuple[type, type], bool] = {}


def key_name(key: object) -> str:
    """The specification's name of a public key; empty if it may sign no artifact."""
    if is_rsa(key):
        name = f"RSA-{(key.key_size + 7) // 8 * 8}"  # notation counts bytes: 2047 bits pass for 2048
    elif is_ec(key):
        name = f"EC-{key.curve.key_size}"
    else:
        return ""
    return name if name in BY_KEY else ""


def verifies(algorithm: Algorithm, key: object, signature: bytes, message: bytes, *, exact_salt: bool) -> bool:
    """Whether `key` made `signature`; COSE wants a salt as long as the hash, JWS takes any (as notation does)."""
    try:
        if is_rsa(key) and not algorithm.half:
            key.verify(signature, message, PADDINGS[algorithm.name, exact_salt], algorithm.hash)
        elif is_ec(key) and algorithm.half and len(signature) == 2 * algorithm.half:
            r, s = int.from_bytes(signature[: algorithm.half]), int.from_bytes(signature[algorithm.half :])
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm.hash))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
