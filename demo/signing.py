"""Signs as notation does, and in every way that notation would not: envelopes of both formats, and signature manifests.

Written from the specification and apart from `trust/notary`, so that each tests the other.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from demo.pki import Identity, PrivateKey

Format = Literal["jws", "cose"]
type Stamp = Callable[[bytes], bytes]
"""Makes a timestamp token over a signature."""

JWS = "application/jose+json"
COSE = "application/cose"
MEDIA_TYPES: Mapping[Format, str] = {"jws": JWS, "cose": COSE}
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
SIGNATURE = "application/vnd.cncf.notary.signature"
IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256"
PREFIX = "io.cncf.notary."
X509 = "notary.x509"
SIGNING_AUTHORITY = "notary.x509.signingAuthority"


class Defect(StrEnum):
    """One way in which an envelope does not hold, or not for notation."""

    payload_changed = "payload changed"  # after signing
    signature_changed = "signature changed"
    header_changed = "header changed"  # a protected header, after signing
    root_left_out = "root left out"
    truncated = "truncated"
    empty = "empty"
    duplicate_key = "duplicate key"
    crit_missing = "crit missing"
    expiry_before_signing = "expiry before signing"
    foreign_content_type = "foreign content type"
    wrong_algorithm = "wrong algorithm"


@dataclass(frozen=True, slots=True)
class Extended:
    """A signed attribute beyond the specification's own."""

    name: str
    value: str
    critical: bool = False


@dataclass(frozen=True, slots=True)
class _Algorithm:
    name: str
    cose: int
    hash: hashes.HashAlgorithm


ALGORITHMS = {  # signature-specification.md, "Signature Algorithm Requirements"
    2048: _Algorithm("PS256", -37, hashes.SHA256()),
    3072: _Algorithm("PS384", -38, hashes.SHA384()),
    4096: _Algorithm("PS512", -39, hashes.SHA512()),
    256: _Algorithm("ES256", -7, hashes.SHA256()),
    384: _Algorithm("ES384", -35, hashes.SHA384()),
    521: _Algorithm("ES512", -36, hashes.SHA512()),
}


def make_payload(target: Mapping[str, object], metadata: Mapping[str, str] | None = None) -> bytes:
    """What is signed: the descriptor of the artifact, user metadata as its annotations."""
    descriptor = {name: target[name] for name in ("mediaType", "digest", "size")}
    if metadata:
        descriptor["annotations"] = dict(metadata)
    return json.dumps({"targetArtifact": descriptor}, separators=(",", ":"), sort_keys=True).encode()


def make_envelope(
    envelope_format: Format,
    target: Mapping[str, object] | bytes,
    signer: Identity,
    *,
    signing_time: datetime,
    expiry: datetime | None = None,
    scheme: str = X509,
    attributes: Sequence[Extended] = (),
    metadata: Mapping[str, str] | None = None,
    agent: str = "notation-go/1.3.2",
    timestamp_token: Stamp | bytes | None = None,
    shown: Identity | None = None,
    defects: Collection[Defect] = (),
) -> bytes:
    """An envelope over a target descriptor (or over payload bytes given as they are).

    `shown` is whose chain it carries, if not that of who signs. A timestamp authority is handed the signature.
    """
    payload = target if isinstance(target, bytes) else make_payload(target, metadata)
    if Defect.empty in defects:
        return b""
    if Defect.expiry_before_signing in defects:
        expiry = signing_time
    headers = _headers(signing_time, expiry, scheme, attributes)
    chain = list((shown or signer).ders)
    if Defect.root_left_out in defects:
        chain.pop()
    make = _jws if envelope_format == "jws" else _cose
    content = make(payload, headers, signer.key, chain, agent, timestamp_token, defects)
    return content[: len(content) // 2] if Defect.truncated in defects else content


@dataclass(frozen=True, slots=True)
class _Headers:
    times: Mapping[str, datetime]
    texts: Mapping[str, str]
    critical: Sequence[str]


def _headers(signing_time: datetime, expiry: datetime | None, scheme: str, attributes: Sequence[Extended]) -> _Headers:
    time_name = PREFIX + ("authenticSigningTime" if scheme == SIGNING_AUTHORITY else "signingTime")
    times = {time_name: signing_time}
    critical = [PREFIX + "signingScheme"]
    if scheme == SIGNING_AUTHORITY:
        critical.append(time_name)
    if expiry is not None:
        times[PREFIX + "expiry"] = expiry
        critical.append(PREFIX + "expiry")
    texts = {PREFIX + "signingScheme": scheme, **{attribute.name: attribute.value for attribute in attributes}}
    return _Headers(times, texts, critical + [attribute.name for attribute in attributes if attribute.critical])


def _jws(
    payload: bytes,
    headers: _Headers,
    key: PrivateKey,
    chain: Sequence[bytes],
    agent: str,
    timestamp_token: Stamp | bytes | None,
    defects: Collection[Defect],
) -> bytes:
    protected: dict[str, object] = {
        "alg": _algorithm(key, defects).name,
        "cty": "text/plain" if Defect.foreign_content_type in defects else PAYLOAD,
        **headers.texts,
        **{name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in headers.times.items()},
    }
    if Defect.crit_missing not in defects:
        protected["crit"] = list(headers.critical)
    encoded, body = _base64url(_json(protected)), _base64url(payload)
    signature = _sign(key, f"{encoded}.{body}".encode(), defects)
    if Defect.header_changed in defects:
        encoded = _base64url(_json({**protected, "tampered": "yes"}))
    if Defect.payload_changed in defects:
        body = _base64url(_altered(payload))
    unprotected: dict[str, object] = {
        "x5c": [base64.b64encode(der).decode() for der in chain],
        PREFIX + "signingAgent": agent,
    }
    if timestamp_token is not None:
        unprotected[PREFIX + "timestampSignature"] = base64.b64encode(_token(timestamp_token, signature)).decode()
    envelope = _json({"payload": body, "protected": encoded, "header": unprotected, "signature": _base64url(signature)})
    if Defect.duplicate_key in defects:
        envelope = envelope[:-1] + b',"payload":"' + body.encode() + b'"}'
    return envelope


def _cose(
    payload: bytes,
    headers: _Headers,
    key: PrivateKey,
    chain: Sequence[bytes],
    agent: str,
    timestamp_token: Stamp | bytes | None,
    defects: Collection[Defect],
) -> bytes:
    fields: dict[int | str, object] = {
        1: _algorithm(key, defects).cose,
        3: "text/plain" if Defect.foreign_content_type in defects else PAYLOAD,
        **dict[int | str, object](headers.texts.items()),
        **{name: cbor2.CBORTag(1, int(time.timestamp())) for name, time in headers.times.items()},
    }
    if Defect.crit_missing not in defects:
        fields[2] = list(headers.critical)
    protected = _cbor(fields)
    if Defect.duplicate_key in defects:
        protected = _with_duplicate_algorithm(protected)
    signature = _sign(key, _cbor(["Signature1", protected, b"", payload]), defects)
    if Defect.header_changed in defects:
        protected = _cbor({**fields, "tampered": "yes"})
    if Defect.payload_changed in defects:
        payload = _altered(payload)
    unprotected: dict[int | str, object] = {33: list(chain), PREFIX + "signingAgent": agent}
    if timestamp_token is not None:
        unprotected[PREFIX + "timestampSignature"] = _token(timestamp_token, signature)
    return _cbor(cbor2.CBORTag(18, [protected, unprotected, payload, signature]))


def _algorithm(key: PrivateKey, defects: Collection[Defect]) -> _Algorithm:
    found = ALGORITHMS[key.key_size]
    if Defect.wrong_algorithm in defects:
        return next(other for other in ALGORITHMS.values() if other != found)
    return found


def _sign(key: PrivateKey, message: bytes, defects: Collection[Defect]) -> bytes:
    algorithm = ALGORITHMS[key.key_size]
    if isinstance(key, rsa.RSAPrivateKey):
        salted = padding.PSS(padding.MGF1(algorithm.hash), salt_length=algorithm.hash.digest_size)
        signature = key.sign(message, salted, algorithm.hash)
    else:
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(algorithm.hash, deterministic_signing=True)))
        signature = r.to_bytes(size) + s.to_bytes(size)
    if Defect.signature_changed in defects:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return signature


def _token(timestamp_token: Stamp | bytes, signature: bytes) -> bytes:
    return timestamp_token if isinstance(timestamp_token, bytes) else timestamp_token(signature)


def _altered(payload: bytes) -> bytes:
    """Another digest of the same length, as somebody would who swaps the artifact."""
    start = payload.index(b"sha256:") + 7
    return payload[:start] + payload[start : start + 64][::-1] + payload[start + 64 :]


def _with_duplicate_algorithm(protected: bytes) -> bytes:
    """The same map with one more entry, which repeats its first."""
    first = protected[1 : 1 + len(cbor2.dumps(1)) + len(cbor2.dumps(cbor2.loads(protected)[1]))]
    return bytes([protected[0] + 1]) + first + protected[1:]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _cbor(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signature_manifest(
    subject: Mapping[str, object] | None,
    envelopes: Sequence[Mapping[str, object]],
    *,
    form: Literal["legacy", "new", "artifact"] = "legacy",
    thumbprints: Sequence[str] = (),
    created: datetime,
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    """The manifest that attaches envelopes (descriptors of their blobs; one, if notation is to read it) to a subject.

    `legacy` is what notation 1 writes, `new` what its next line writes, `artifact` what release candidate 1 wrote.
    """
    fields: dict[str, object] = {
        "annotations": {
            THUMBPRINTS: json.dumps(list(thumbprints), separators=(",", ":")),
            "org.opencontainers.image.created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **(annotations or {}),
        }
    }
    if subject is not None:
        fields["subject"] = {name: subject[name] for name in ("mediaType", "digest", "size")}
    if form == "artifact":
        fields |= {"mediaType": ARTIFACT_MANIFEST, "artifactType": SIGNATURE, "blobs": list(envelopes)}
        return _json(fields)
    config = EMPTY if form == "new" else SIGNATURE
    fields |= {
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "config": {"mediaType": config, "digest": EMPTY_DIGEST, "size": 2},
        "layers": list(envelopes),
    }
    if form == "new":
        fields["artifactType"] = SIGNATURE
    return _json(fields)
