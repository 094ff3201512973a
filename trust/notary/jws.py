"""The JWS envelope (signature-envelope-jws.md): flattened JSON serialisation, read as strictly as RFC 7515 asks."""

import base64
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

from registries.oci.strict_json import StrictJsonError, loads
from trust.notary.algorithms import BY_NAME, Algorithm
from trust.notary.certificates import decode_base64
from trust.notary.envelope import (
    AUTHENTIC_SIGNING_TIME,
    EXPIRY,
    NO_TIME,
    SIGNING_AGENT,
    SIGNING_SCHEME,
    SIGNING_TIME,
    TIMES,
    TIMESTAMP_SIGNATURE,
    VERIFICATION_PLUGIN,
    VERIFICATION_PLUGIN_MIN_VERSION,
    Envelope,
    check_chain_length,
    expect,
    payload_of,
    plugin_of,
)
from trust.notary.errors import EnvelopeError, quote
from trust.notary.remembered import remembered_together
from trust.notary.rfc3339 import parse_rfc3339
from trust.notary.signed import SCHEMES, Attribute, Scheme, Signed

MEMBERS = frozenset({"payload", "protected", "header", "signature"})
UNPROTECTED = frozenset({"x5c", TIMESTAMP_SIGNATURE, SIGNING_AGENT})
PROTECTED = frozenset({"alg", "cty", "crit", SIGNING_SCHEME, SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY})
# Early releases wrote these; notation reads names without regard to case, so they still count.
OLD_SPELLINGS = {
    "io.cncf.notary.TimestampSignature": TIMESTAMP_SIGNATURE,
    "io.cncf.notary.SigningAgent": SIGNING_AGENT,
}
BASE64URL = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_").encode()
LAST_CHARACTERS = {2: BASE64URL[::16], 3: BASE64URL[::4]}
"After two or three characters of four: those whose last bits, which belong to no byte, are zero."


@dataclass(frozen=True, slots=True)
class JwsEnvelope(Envelope):
    """A JWS envelope; `protected` and `payload` are the texts that were signed."""

    protected: str
    payload: str
    unverified_names: frozenset[str]
    "The names in the unprotected header: none may also stand in the protected one (RFC 7515, section 7.2.1)."

    exact_salt: ClassVar[bool] = False

    def _unverified_header(self) -> Mapping[str, object]:
        header = _header(self.protected)
        if both := self.unverified_names & header.keys():
            raise EnvelopeError(f"both headers have {quote(min(both))}", code="attribute_name")
        return header

    def _unverified_algorithm(self) -> Algorithm:
        name = self._unverified_header().get("alg")
        if not isinstance(name, str) or name not in BY_NAME:
            raise EnvelopeError(f"the algorithm {quote(str(name))} is none that notation has", code="algorithm_unknown")
        return BY_NAME[name]

    def _signed_bytes(self) -> bytes:
        _payload(self.payload)
        return f"{self.protected}.{self.payload}".encode("ascii")

    def _unverified_signed(self) -> Signed:
        header = self._unverified_header()
        scheme = _scheme(header)
        times = {name: _time(header.get(name), name) for name in TIMES}
        critical = _critical(header, scheme, has_expiry=times[EXPIRY] not in {None, NO_TIME})
        expect(header.get("cty"), str, "the content type")
        payload = _payload(self.payload)
        document = _json_object(payload, "the payload")
        attributes = tuple(
            Attribute(
                name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), name in critical
            )
            for name, value in header.items()
            if name not in PROTECTED
        )
        target, target_fault = payload_of(document)
        return Signed(
            scheme=scheme,
            algorithm=self._unverified_algorithm().name,
            content_type=str(header["cty"]),
            signing_time=_known(times[SIGNING_TIME]),
            authentic_signing_time=_known(times[AUTHENTIC_SIGNING_TIME]),
            expiry=_known(times[EXPIRY]),
            attributes=attributes,
            verification_plugin=plugin_of(attributes, VERIFICATION_PLUGIN),
            verification_plugin_min_version=plugin_of(attributes, VERIFICATION_PLUGIN_MIN_VERSION),
            payload=payload,
            target=target,
            target_fault=target_fault,
        )


def parse(content: bytes) -> JwsEnvelope:
    """Find the parts of a JWS envelope; raises EnvelopeError, or LimitError."""
    if not content:
        raise EnvelopeError("the envelope is empty", code="envelope_empty")
    document = _json_object(content, "the envelope")
    _refuse_variants(document, MEMBERS, "the envelope")
    unprotected = _unprotected(document.get("header"))
    for name in ("payload", "protected", "signature"):
        expect(document.get(name), str, f"the member {name} of the envelope")
    token = unprotected.get(TIMESTAMP_SIGNATURE)
    return JwsEnvelope(
        unverified_chain=_chain(unprotected.get("x5c")),
        unverified_signing_agent=_text_or_nothing(unprotected.get(SIGNING_AGENT), "the signing agent"),
        unverified_timestamp_token=(_base64(token, "the timestamp") or None) if token is not None else None,
        unverified_signature=decode_base64url(str(document["signature"]), "the signature"),
        protected=str(document["protected"]),
        payload=str(document["payload"]),
        unverified_names=frozenset(unprotected),
    )


def decode_base64url(text: str, what: str) -> bytes:
    """Base64url as RFC 7515 has it: no padding, no line ends, no bits left over."""
    content = text.encode(errors="replace")
    rest = len(content) % 4
    if content.translate(None, BASE64URL) or rest == 1:
        raise EnvelopeError(f"{what} is not base64url", code="base64")
    if rest and content[-1] not in LAST_CHARACTERS[rest]:
        raise EnvelopeError(f"{what} is not base64url: its last character says more than it may", code="base64")
    return base64.urlsafe_b64decode(content + b"=" * (-rest % 4))


@lru_cache(maxsize=16)  # it is decoded before the signature is verified, and read afterwards
def _payload(text: str) -> bytes:
    return decode_base64url(text, "the payload")


@lru_cache(maxsize=16)  # each step of opening an envelope reads it
def _header(protected: str) -> Mapping[str, object]:
    content = decode_base64url(protected, "the protected header")
    header = _json_object(content, "the protected header")
    _refuse_variants(header, PROTECTED, "the protected header")
    for name in TIMES:
        if isinstance(time := header.get(name), str) and f'"{time}"'.encode() not in content:
            raise EnvelopeError(f"{name} is written with escapes", code="attribute_time")  # Go reads it unescaped
    return MappingProxyType(header)


def _unprotected(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EnvelopeError("the unprotected header is not a JSON object")
    found: dict[str, object] = {}
    for name, item in value.items():
        new = OLD_SPELLINGS.get(str(name), str(name))
        if new in found:
            raise EnvelopeError(f"the unprotected header has {quote(new)} twice")
        found[new] = item
    _refuse_variants(found, UNPROTECTED, "the unprotected header")
    return found


def _chain(value: object) -> tuple[bytes, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise EnvelopeError("the certificate chain is not a list")
    check_chain_length(len(value))
    for item in value:
        expect(item, str, "a certificate")
    return _decoded(tuple(value))


@remembered_together  # many signatures share a chain
def _decoded(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(_base64(text, "a certificate") for text in texts)


def _base64(value: object, what: str) -> bytes:
    expect(value, str, what)
    try:
        return decode_base64(str(value).encode("ascii"))
    except ValueError as error:
        raise EnvelopeError(f"{what} is not base64", code="base64") from error


def _text_or_nothing(value: object, what: str) -> str:
    if value is None:
        return ""
    expect(value, str, what)
    return str(value)


def _json_object(content: bytes, what: str) -> dict[str, object]:
    try:
        value = loads(content)
    except StrictJsonError as error:
        raise EnvelopeError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise EnvelopeError(f"{what} is not a JSON object")
    return value


def _refuse_variants(header: Mapping[str, object], reserved: frozenset[str], what: str) -> None:
    """Refuse a name that only a reader without regard to case (Go) would take for a reserved one."""
    if header.keys() <= reserved:
        return
    folded = _folded(reserved)
    for name in header:
        if folded.get(name.casefold(), name) != name:
            raise EnvelopeError(f"{what} spells {folded[name.casefold()]} as {quote(name)}", code="attribute_name")


@lru_cache(maxsize=16)
def _folded(reserved: frozenset[str]) -> Mapping[str, str]:
    return {name.casefold(): name for name in reserved}


def _scheme(header: Mapping[str, object]) -> Scheme:
    """The signing scheme, if the times are those that it has."""
    value = header.get(SIGNING_SCHEME)
    if not isinstance(value, str) or value not in SCHEMES:
        raise EnvelopeError(f"the signing scheme {quote(str(value))} is none that exists", code="signing_scheme")
    scheme = SCHEMES[value]
    other = AUTHENTIC_SIGNING_TIME if scheme is Scheme.x509 else SIGNING_TIME
    if header.get(other) is not None:
        raise EnvelopeError(f"the signing scheme {scheme} does not have {other}", code="signing_scheme_time")
    if scheme is Scheme.signing_authority and header.get(AUTHENTIC_SIGNING_TIME) is None:
        raise EnvelopeError(f"the signing scheme {scheme} needs {AUTHENTIC_SIGNING_TIME}", code="signing_time_missing")
    return scheme


def _critical(header: Mapping[str, object], scheme: Scheme, *, has_expiry: bool) -> frozenset[str]:
    """The names in `crit`: each system attribute that must be there, once, and otherwise extended ones that exist."""
    names = header.get("crit")
    if not isinstance(names, list) or not names:
        raise EnvelopeError("the protected header marks nothing as critical", code="critical_missing")
    required = {SIGNING_SCHEME} | ({EXPIRY} if has_expiry else set())
    if scheme is Scheme.signing_authority:
        required.add(AUTHENTIC_SIGNING_TIME)
    for name in names:
        expect(name, str, "a name in crit")
        if name in required:
            required.remove(name)
        elif name in PROTECTED or name not in header:
            raise EnvelopeError(f"{quote(name)} is marked critical without being there for it", code="critical_absent")
    if required:
        raise EnvelopeError(f"these are not marked critical: {', '.join(sorted(required))}", code="critical_missing")
    return frozenset(names)


def _time(value: object, name: str) -> datetime | None:
    """An RFC 3339 time; Go's zero time for a time that says nothing."""
    if value is None:
        return None
    try:
        return parse_rfc3339(value)
    except ValueError as error:
        raise EnvelopeError(f"{name} is not an RFC 3339 time: {quote(str(value))}", code="attribute_time") from error


def _known(time: datetime | None) -> datetime | None:
    return None if time == NO_TIME else time
