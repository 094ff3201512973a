"""Makes certificates and envelopes of any shape, sound or not, with the keys of the vectors."""

import base64
import functools
import json
from datetime import UTC, datetime
from pathlib import Path

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trust.notary.algorithms import ALGORITHMS, BY_KEY
from trust.notary.der import Reader

VECTORS = Path(__file__).parents[2] / "vectors"
PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
TARGET = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:" + "ab" * 32,
    "size": 528,
    "annotations": {"build": "7"},
}
PAYLOAD = json.dumps({"targetArtifact": TARGET}).encode()
SIGNED_AT, SIGNED_AT_SECONDS = "2026-01-01T00:00:00Z", 1767225600
EXPIRES, EXPIRES_SECONDS = "2027-01-01T01:00:00+01:00", 1798761600
SCHEME, TIME = "io.cncf.notary.signingScheme", "io.cncf.notary.signingTime"
AUTHENTIC, EXPIRY = "io.cncf.notary.authenticSigningTime", "io.cncf.notary.expiry"
LEAF_USAGE = ("digital_signature",)
CA_USAGE = ("key_cert_sign", "crl_sign")
USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


@functools.cache
def key_of(name):
    """A private key of the vectors: p256, p384, p521, rsa2048, rsa3072, rsa4096, root, issuing …"""
    content = (VECTORS / "pki" / f"wharf-{name}.key").read_bytes()
    return serialization.load_pem_private_key(content, None)


def name_of(common_name="signer", **more):
    """C, ST, O and a common name."""
    attributes = {"country_name": "US", "state_or_province_name": "WA", "organization_name": "Acme"} | more
    attributes["common_name"] = common_name
    return x509.Name([x509.NameAttribute(getattr(NameOID, k.upper()), v) for k, v in attributes.items() if v])


def usage_of(*names):
    return x509.KeyUsage(**{name: name in names for name in USAGES})


def make_certificate(
    key,
    subject="signer",
    issuer=None,
    issuer_key=None,
    *,
    ca=None,
    path_length=None,
    usage=LEAF_USAGE,
    usage_critical=True,
    purposes=(),
    extensions=(),
    serial=1,
    since=datetime(2020, 1, 1, tzinfo=UTC),
    until=datetime(2060, 1, 1, tzinfo=UTC),
    algorithm=hashes.SHA256,
    pss=False,
):
    """A DER certificate; self-signed unless an issuer's name and key are given."""
    subject = name_of(subject) if isinstance(subject, str) else subject
    issuer = subject if issuer is None else name_of(issuer) if isinstance(issuer, str) else issuer
    signer = issuer_key or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(since)
        .not_valid_after(until)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if usage is not None:
        builder = builder.add_extension(usage_of(*usage), critical=usage_critical)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    hash_or_none = None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm()
    scheme = padding.PSS(padding.MGF1(algorithm()), algorithm.digest_size) if pss else None
    return builder.sign(signer, hash_or_none, rsa_padding=scheme).public_bytes(serialization.Encoding.DER)


def make_chain(leaf_key, depth=1, *, issuer_key=None, root_key=None, **leaf):
    """A sound chain, leaf first, with `depth` authorities above the leaf."""
    root_key, issuer_key = root_key or key_of("root"), issuer_key or key_of("issuing")
    names = [f"authority {i}" for i in range(depth)]
    keys = [issuer_key] * (depth - 1) + [root_key]
    chain = [make_certificate(leaf_key, issuer=names[0], issuer_key=keys[0], **({"purposes": [CODE_SIGNING]} | leaf))]
    for i in range(depth):
        above = min(i + 1, depth - 1)
        chain.append(make_certificate(keys[i], names[i], names[above], keys[above], ca=True, usage=CA_USAGE))
    return chain


CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING


@functools.cache
def sound_chain(name="p256"):
    return tuple(make_chain(key_of(name)))


def algorithm_of(key):
    kind = "EC" if isinstance(key, ec.EllipticCurvePrivateKey) else "RSA"
    size = key.curve.key_size if kind == "EC" else key.key_size
    return BY_KEY.get(f"{kind}-{size}", ALGORITHMS[0])


def sign(key, message, *, algorithm=None, salt=None):
    """A raw signature as JWS and COSE want it."""
    algorithm = algorithm or algorithm_of(key)
    if isinstance(key, rsa.RSAPrivateKey):
        salt = algorithm.hash.digest_size if salt is None else salt
        return key.sign(message, padding.PSS(padding.MGF1(algorithm.hash), salt), algorithm.hash)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm.hash)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jws_header(key, **changes):
    """The protected header of a sound JWS; keyword None drops a member. Dots in names are spelled as they are."""
    header = {
        "alg": algorithm_of(key).name,
        "cty": PAYLOAD_TYPE,
        "crit": [SCHEME],
        SCHEME: "notary.x509",
        TIME: SIGNED_AT,
    }
    return {name: value for name, value in (header | changes).items() if value is not DROPPED}


DROPPED = object()
"A value that takes a member out of what is made."


def make_jws(key=None, chain=None, header=None, payload=PAYLOAD, unprotected=None, *, salt=None, top=None):
    """A JWS; `header` holds changes or is bytes, `unprotected` and `top` hold members to add or change."""
    key = key or key_of("p256")
    chain = sound_chain() if chain is None else chain
    protected = header if isinstance(header, bytes) else json.dumps(jws_header(key, **(header or {}))).encode()
    message = f"{base64url(protected)}.{base64url(payload)}"
    other = {"x5c": [base64.b64encode(der).decode() for der in chain], "io.cncf.notary.signingAgent": "maker/1"}
    document = {
        "payload": base64url(payload),
        "protected": base64url(protected),
        "header": _changed(other, unprotected),
        "signature": base64url(sign(key, message.encode(), salt=salt)),
    }
    return json.dumps(_changed(document, top)).encode()


def make_cose(key=None, chain=None, header=None, payload=PAYLOAD, unprotected=None, *, salt=None, protected=None):
    """A COSE_Sign1; `header` and `unprotected` hold changes, `protected` replaces the encoded protected header."""
    key = key or key_of("p256")
    chain = sound_chain() if chain is None else chain
    fields = {
        1: algorithm_of(key).cose,
        2: [SCHEME],
        3: PAYLOAD_TYPE,
        SCHEME: "notary.x509",
        TIME: cbor2.CBORTag(1, SIGNED_AT_SECONDS),
    }
    encoded = cbor2.dumps(_changed(fields, header)) if protected is None else protected
    message = cbor2.dumps(["Signature1", encoded, b"", payload])
    other = _changed({33: list(chain), "io.cncf.notary.signingAgent": "maker/1"}, unprotected)
    return cbor2.dumps(cbor2.CBORTag(18, [encoded, other, payload, sign(key, message, salt=salt)]))


def _changed(fields, changes):
    return {name: value for name, value in (fields | (changes or {})).items() if value is not DROPPED}


def patched(content, old, new):
    """`content` with one stretch of bytes replaced; the signature over it breaks, as it would."""
    old, new = (bytes.fromhex(part) if isinstance(part, str) else part for part in (old, new))
    assert content.count(old) == 1
    return content.replace(old, new)


def signed_weakly(certificate, key, algorithm=hashes.SHA1, last_octet=5):
    """An RSA certificate signed anew with an old hash, which today's builders refuse to make."""
    sha256, weak = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d0101") + bytes([last_octet])
    body = x509.load_der_x509_certificate(certificate).tbs_certificate_bytes.replace(sha256, weak)
    signature = key.sign(body, padding.PKCS1v15(), algorithm())
    return sequence(body, sequence(weak, tlv(5)), tlv(3, b"\0", signature))


def as_version(number, certificate, key, unique_ids=b""):
    """A certificate of an older version: without extensions, signed anew."""
    reader = Reader(contents(x509.load_der_x509_certificate(certificate).tbs_certificate_bytes))
    version = tlv(0xA0, tlv(2, bytes([number - 1]))) if number > 1 else b""
    body = sequence(version, *[reader.any()[2] for _ in range(7)][1:], unique_ids)
    algorithm = sequence(tlv(6, bytes.fromhex("2a8648ce3d040302")))
    return sequence(body, algorithm, tlv(3, b"\0", key.sign(body, ec.ECDSA(hashes.SHA256()))))


def tlv(tag, *parts):
    """A DER element; parts are bytes."""
    content = b"".join(parts)
    return bytes([tag]) + _length(len(content)) + content


def cut_short(make, signature_of):
    """Something signed whose signature says that its last bit, a zero, is none of it."""
    content = next(one for one in iter(make, None) if signature_of(one)[-1] % 2 == 0)
    unused = content.index(signature_of(content)) - 1
    return content[:unused] + b"\x01" + content[unused + 1 :]


def sequence(*parts):
    return tlv(0x30, *parts)


def contents(element):
    """What a DER element holds, without its tag and length."""
    return element[2 + (element[1] & 0x7F if element[1] & 0x80 else 0) :]


def _length(size):
    return bytes([size]) if size < 0x80 else b"\x81" + bytes([size]) if size < 0x100 else b"\x82" + size.to_bytes(2)
