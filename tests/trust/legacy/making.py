"""Makes legacy signatures with keys of its own, as the prototype and the alpha releases made them."""

import base64
import functools
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.trust.notary.making import base64url, key_of, make_certificate, name_of, sign
from trust.notary.certificates import Certificate

ISSUED = datetime(2020, 7, 28, tzinfo=UTC)
HOST = "registry.example.com"
TARGET = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:" + "1" * 64,
    "size": 528,
}
RS = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}
ES = {
    "p256": ("ES256", hashes.SHA256(), 32),
    "p384": ("ES384", hashes.SHA384(), 48),
    "p521": ("ES512", hashes.SHA512(), 66),
}


@dataclass(frozen=True)
class Signer:
    """A key and its chain, leaf first."""

    name: str
    chain: tuple[bytes, ...]

    @property
    def key(self):
        return key_of(self.name)

    @property
    def certificates(self):
        return tuple(map(Certificate.parse, self.chain))


@functools.cache
def signer(name="p256", common_name=HOST, **options):
    root = make_certificate(key_of("root"), "old root", ca=True, usage=("key_cert_sign",))
    leaf = make_certificate(key_of(name), name_of(common_name), issuer="old root", issuer_key=key_of("root"), **options)
    return Signer(name, (leaf, root))


def key_id(signer):
    spki = signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(spki).digest()[:30]).decode()
    return ":".join(text[start : start + 4] for start in range(0, 48, 4))


def nv2_token(signer, claims=TARGET, *, header=None, algorithm=None, drop=()):
    algorithm = algorithm or (ES[signer.name][0] if signer.name in ES else "RS256")
    fields = {"typ": "x509", "alg": algorithm, "x5c": [base64.b64encode(der).decode() for der in signer.chain]}
    fields = {name: value for name, value in (fields | (header or {})).items() if name not in drop}
    message = f"{base64url(json.dumps(fields).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{message}.{base64url(_sign(signer, algorithm, message.encode()))}".encode()


def _sign(signer, algorithm, message):
    if algorithm in RS:
        return signer.key.sign(message, padding.PKCS1v15(), RS[algorithm])
    _, hash_, half = ES.get(signer.name, ES["p256"])
    r, s = decode_dss_signature(signer.key.sign(message, ec.ECDSA(hash_)))
    return r.to_bytes(half) + s.to_bytes(half)


ALPHA_7 = {"alg": "ES256", "cty": "application/vnd.cncf.notary.v2.jws.v1", "crit": ["cty"]}
ALPHA_9 = {"alg": "ES256", "cty": "application/vnd.cncf.notary.payload.v1+json"}


def alpha_envelope(signer, payload, protected, *, general=False, top=None):
    header, body = base64url(json.dumps(protected).encode()), base64url(json.dumps(payload).encode())
    signed = {
        "protected": header,
        "header": {"x5c": [base64.b64encode(der).decode() for der in signer.chain]},
        "signature": base64url(sign(signer.key, f"{header}.{body}".encode())),
    }
    document = {"payload": body, "signatures": [signed]} if general else {"payload": body} | signed
    return json.dumps(document | (top or {})).encode()
