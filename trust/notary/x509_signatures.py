"""How certificates are signed, and whether one certificate signed another (as Go's crypto/x509 decides it)."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trust.notary import der
from trust.notary.algorithms import is_ec, is_rsa
from trust.notary.der import NOTHING, DerError, Reader
from trust.notary.remembered import remembered

type PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
RSA_PSS, MGF1, ED25519 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8", "1.3.101.112"
PSS_HASHES: dict[tuple[str, int], hashes.HashAlgorithm] = {  # hash, salt length: one is as long as the other
    ("2.16.840.1.101.3.4.2.1", 32): hashes.SHA256(),
    ("2.16.840.1.101.3.4.2.2", 48): hashes.SHA384(),
    ("2.16.840.1.101.3.4.2.3", 64): hashes.SHA512(),
}
PKCS1 = padding.PKCS1v15()


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """How a certificate was signed."""

    name: str
    kind: str
    hash: hashes.HashAlgorithm | None = None


SIGNATURES = {
    "1.2.840.113549.1.1.4": SignatureAlgorithm("MD5-RSA", "rsa", hashes.MD5()),  # noqa: S303 (named to be refused)
    "1.2.840.113549.1.1.5": SignatureAlgorithm("SHA1-RSA", "rsa", hashes.SHA1()),  # noqa: S303 (named to be refused)
    "1.3.14.3.2.29": SignatureAlgorithm("SHA1-RSA", "rsa", hashes.SHA1()),  # noqa: S303 (named to be refused)
    "1.2.840.113549.1.1.11": SignatureAlgorithm("SHA256-RSA", "rsa", hashes.SHA256()),
    "1.2.840.113549.1.1.12": SignatureAlgorithm("SHA384-RSA", "rsa", hashes.SHA384()),
    "1.2.840.113549.1.1.13": SignatureAlgorithm("SHA512-RSA", "rsa", hashes.SHA512()),
    "1.2.840.10045.4.1": SignatureAlgorithm("ECDSA-SHA1", "ec", hashes.SHA1()),  # noqa: S303 (named to be refused)
    "1.2.840.10045.4.3.2": SignatureAlgorithm("ECDSA-SHA256", "ec", hashes.SHA256()),
    "1.2.840.10045.4.3.3": SignatureAlgorithm("ECDSA-SHA384", "ec", hashes.SHA384()),
    "1.2.840.10045.4.3.4": SignatureAlgorithm("ECDSA-SHA512", "ec", hashes.SHA512()),
}
ED25519_SIGNATURE = SignatureAlgorithm("Ed25519", "ed25519")


class X509SignatureError(Exception):
    """A certificate's signature does not hold under a key; the text says why, without naming the certificate."""


@remembered  # few are in use
def signature_algorithm(content: bytes) -> SignatureAlgorithm | None:
    oid, parameters = algorithm_identifier(content)
    if oid == ED25519:
        return None if parameters else ED25519_SIGNATURE
    if oid == RSA_PSS:
        try:
            return _pss(Reader(parameters).inside())
        except DerError:
            return None
    return SIGNATURES.get(oid)


def _pss(parameters: Reader) -> SignatureAlgorithm | None:
    hash_oid, hash_parameters = _inner(parameters.read(der.context(0, constructed=True)))
    mgf, mgf_parameters = _inner(parameters.read(der.context(1, constructed=True)))
    mgf_hash, mgf_hash_parameters = _inner(mgf_parameters)
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


def _inner(content: bytes) -> tuple[str, bytes]:
    return algorithm_identifier(Reader(content).read(der.SEQUENCE))


@remembered
def algorithm_identifier(content: bytes) -> tuple[str, bytes]:
    """An algorithm's OID and the whole element of its parameters, from what the algorithm's own element holds."""
    reader = Reader(content)
    oid = reader.oid()
    return oid, b"" if reader.empty else reader.any()[2]


def check_hash(algorithm: SignatureAlgorithm | None, *, allow_sha1: bool) -> None:
    """Raise where the algorithm's hash is too weak to be relied upon."""
    if not algorithm or not algorithm.hash:
        return
    if algorithm.hash.name == "md5" or (algorithm.hash.name == "sha1" and not allow_sha1):
        raise X509SignatureError(f"the signature algorithm {algorithm.name} is insecure")


def check_signature(
    algorithm: SignatureAlgorithm | None, key: PublicKey | None, signature: bytes, signed: bytes, *, allow_sha1: bool
) -> None:
    """Raise unless `key` made `signature` that way; SHA-1 only where a caller tolerates it, MD5 never."""
    if algorithm is None or key is None:
        raise X509SignatureError("the signature algorithm or the issuer's key is not supported")
    check_hash(algorithm, allow_sha1=allow_sha1)
    try:
        if is_rsa(key) and algorithm.hash and algorithm.kind == "rsa":
            key.verify(signature, signed, PKCS1, algorithm.hash)
        elif is_rsa(key) and algorithm.hash and algorithm.kind == "pss":
            scheme = padding.PSS(padding.MGF1(algorithm.hash), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, signed, scheme, algorithm.hash)
        elif is_ec(key) and algorithm.hash and algorithm.kind == "ec":
            key.verify(signature, signed, ec.ECDSA(algorithm.hash))
        elif isinstance(key, ed25519.Ed25519PublicKey) and algorithm.kind == "ed25519":
            key.verify(signature, signed)
        else:
            raise X509SignatureError("the signature algorithm does not fit the issuer's key")
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise X509SignatureError("the signature does not verify") from error
