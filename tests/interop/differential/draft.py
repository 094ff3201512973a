"""A signature that is still to be made, with the policy, stores and question that it will be judged by.

A mutation changes a draft and so reaches below the signature; what is wanted above it waits in `finally_`.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import cbor2
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.trust.notary.making import CA_USAGE, LEAF_USAGE, base64url, key_of, make_certificate, sign

JWS, COSE = "application/jose+json", "application/cose"
TOKEN = "io.cncf.notary.timestampSignature"


@dataclass(frozen=True)
class Specimen:
    """Everything that both sides are asked with. `operators` made it from a valid one."""

    name: str
    operators: tuple[str, ...]
    envelope: bytes
    media_type: str
    policy: bytes
    stores: dict
    repository: str
    target: dict
    metadata: dict


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def in_pem(ders):
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n" for der in ders
    )


@dataclass
class Draft:
    """A sound signature and question, until an operator changes one of them."""

    form: str
    key: object
    certificates: list  # what make_certificate is told of each, leaf first
    protected: dict
    payload: dict
    policy: dict
    reference: str
    target: dict
    stores: dict  # (type, name) -> {file: which certificates of the chain, or bytes}
    metadata: dict = field(default_factory=dict)
    unprotected: dict = field(default_factory=dict)
    token: Callable | None = None  # of the signature's value
    media_type: str = ""
    store_form: Callable = in_pem
    sign: Callable = sign
    encode_header: Callable | None = None
    encode_payload: Callable = compact
    encode_policy: Callable = compact
    encode_envelope: Callable | None = None
    arrange: list = field(default_factory=list)  # chain -> chain, after the certificates were made
    rewrap: list = field(default_factory=list)  # the members of the envelope, after signing
    finally_: list = field(default_factory=list)  # bytes -> bytes of the envelope
    policy_finally: list = field(default_factory=list)

    @property
    def is_jws(self):
        return self.form == "jws"

    @property
    def statement(self):
        return self.policy["trustPolicies"][0]

    @property
    def leaf(self):
        return self.certificates[0]

    def specimen(self, name, operators=()):
        made = self._made_chain()
        chain = made
        for change in self.arrange:
            chain = change(chain)
        envelope = (self._jws if self.is_jws else self._cose)(chain)
        for change in self.finally_:
            envelope = change(envelope)
        policy = self.encode_policy(self.policy)
        for change in self.policy_finally:
            policy = change(policy)
        stores = {
            store: {
                file: content if isinstance(content, bytes) else self.store_form([made[index] for index in content])
                for file, content in files.items()
            }
            for store, files in self.stores.items()
        }
        media_type = self.media_type or (JWS if self.is_jws else COSE)
        return Specimen(
            name, tuple(operators), envelope, media_type, policy, stores, self.reference, self.target, self.metadata
        )

    def _made_chain(self):
        chain = []
        for index, facts in enumerate(self.certificates):
            above = self.certificates[min(index + 1, len(self.certificates) - 1)]
            facts = {"issuer": above["subject"], "issuer_key": above["key"]} | facts
            chain.append(_certificate(facts))
        return chain

    def _jws(self, chain):
        protected = (self.encode_header or compact)(self.protected)
        payload = self.encode_payload(self.payload)
        members = {"payload": base64url(payload), "protected": base64url(protected)}
        signature = self.sign(self.key, f"{members['protected']}.{members['payload']}".encode())
        header = {"x5c": [base64.b64encode(der).decode() for der in chain]} | self.unprotected
        if self.token:
            header[TOKEN] = base64.b64encode(self.token(signature)).decode()
        members |= {"header": header, "signature": base64url(signature)}
        for change in self.rewrap:
            members = change(members)
        return (self.encode_envelope or compact)(members)

    def _cose(self, chain):
        protected = (self.encode_header or cbor2.dumps)(self.protected)
        payload = self.encode_payload(self.payload)
        signature = self.sign(self.key, cbor2.dumps(["Signature1", protected, b"", payload]))
        header = {33: list(chain)} | self.unprotected
        if self.token:
            header[TOKEN] = self.token(signature)
        members = [protected, header, payload, signature]
        for change in self.rewrap:
            members = change(members)
        return (self.encode_envelope or (lambda value: cbor2.dumps(cbor2.CBORTag(18, value))))(members)


def authority(key, subject, **facts):
    return {"key": key_of(key), "subject": subject, "ca": True, "usage": CA_USAGE} | facts


def signer(key, subject, **facts):
    return {
        "key": key_of(key),
        "subject": subject,
        "usage": LEAF_USAGE,
        "purposes": [ExtendedKeyUsageOID.CODE_SIGNING],
    } | facts


def subject(**attributes):
    """A name whose attributes stand in that order; a key may be a dotted OID or one of NameOID."""
    oids = {"C": "2.5.4.6", "ST": "2.5.4.8", "L": "2.5.4.7", "O": "2.5.4.10", "OU": "2.5.4.11", "CN": "2.5.4.3"}
    return x509.Name(
        [x509.NameAttribute(x509.ObjectIdentifier(oids.get(name, name)), value) for name, value in attributes.items()]
    )


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


_made = {}


def _certificate(facts):
    """A certificate made of these facts; the same ones are not signed twice."""
    key = repr({name: id(value) if name.endswith("key") else value for name, value in facts.items()})
    if key not in _made:
        _made[key] = make_certificate(**facts)
    return _made[key]
