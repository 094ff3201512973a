"""Chains of three certificates for the benchmarks, all of whose keys are of one type."""

from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from demo.pki import ACME, Identity, PrivateKey, key_usage, name_of

RSA_SIZES = {"RSA-2048": 2048, "RSA-3072": 3072}
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
KEY_TYPES = (*RSA_SIZES, *CURVES)


@cache
def _keys(key_type: str) -> tuple[PrivateKey, ...]:
    """Those of the signer, the issuer and the root. Distinct certificates may share them: nobody remembers keys."""
    if key_type in RSA_SIZES:
        return tuple(rsa.generate_private_key(65537, RSA_SIZES[key_type]) for _ in range(3))
    return tuple(ec.generate_private_key(CURVES[key_type]) for _ in range(3))


@cache
def make_chain(key_type: str, number: int, now: datetime) -> Identity:
    """A signer with an issuing authority and a root of its own; another number, three other certificates."""
    names = [name_of({**ACME, "CN": f"{who} {number}"}) for who in ("Signer", "Issuer", "Root")]
    keys = _keys(key_type)
    chain = tuple(
        _certificate(names[i], names[min(i + 1, 2)], keys[i], keys[min(i + 1, 2)], now, is_ca=i > 0) for i in range(3)
    )
    return Identity(f"{key_type} {number}", keys[0], chain)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, issuer_key: PrivateKey, now: datetime, *, is_ca: bool
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(key_usage(*(("key_cert_sign",) if is_ca else ("digital_signature",))), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())
