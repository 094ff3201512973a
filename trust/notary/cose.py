"""The COSE envelope (signature-envelope-cose.md): COSE_Sign1_Tagged."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from trust.notary import cbor
from trust.notary.algorithms import BY_COSE, Algorithm
from trust.notary.cbor import CborError, Time
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
from trust.notary.signed import SCHEMES, Attribute, Scheme, Signed

PREFIX = b"\xd2\x84"
"Tag 18 and an array of four, in their shortest form."
ALGORITHM, CRITICAL, CONTENT_TYPE, KEY_ID, IV, PARTIAL_IV = range(1, 7)
COUNTERSIGNATURE, COUNTERSIGNATURE0, COUNTERSIGNATURE_2, COUNTERSIGNATURE0_2, TYPE = 7, 9, 11, 12, 16
X5CHAIN = 33
BYTES = frozenset({KEY_ID, IV, PARTIAL_IV, COUNTERSIGNATURE0, COUNTERSIGNATURE0_2})
"Labels whose values are byte strings."
NOT_PROTECTED = frozenset({COUNTERSIGNATURE, COUNTERSIGNATURE0, COUNTERSIGNATURE_2, COUNTERSIGNATURE0_2})
NOT_UNPROTECTED = frozenset({CRITICAL, COUNTERSIGNATURE, COUNTERSIGNATURE_2})
SYSTEM = (ALGORITHM, CRITICAL, CONTENT_TYPE, EXPIRY, SIGNING_SCHEME, SIGNING_TIME, AUTHENTIC_SIGNING_TIME)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
type Header = Mapping[int | str, object]


@dataclass(frozen=True, slots=True)
class CoseEnvelope(Envelope):
    """A COSE envelope; `protected` and `payload` are the byte strings that were signed."""

    protected: bytes
    payload: bytes
    unverified_header: Header

    exact_salt: ClassVar[bool] = True

    def _unverified_algorithm(self) -> Algorithm:
        label = self.unverified_header.get(ALGORITHM)
        if type(label) is not int or label not in BY_COSE:
            raise EnvelopeError(
                f"the algorithm {quote(str(label))} is none that notation has", code="algorithm_unknown"
            )
        return BY_COSE[label]

    def _signed_bytes(self) -> bytes:
        """The Sig_structure of RFC 9052 with the protected bytes as received and no external data."""
        parts = (b"\x84\x6aSignature1", cbor.byte_string(self.protected), b"\x40", cbor.byte_string(self.payload))
        return b"".join(parts)

    def _unverified_signed(self) -> Signed:
        header = self.unverified_header
        content_type = header.get(CONTENT_TYPE)
        expect(content_type, str, "the content type")
        scheme = _scheme(header)
        critical = _critical(header, scheme)
        time = _time(header, SIGNING_TIME if scheme is Scheme.x509 else AUTHENTIC_SIGNING_TIME)
        attributes = tuple(
            Attribute(str(label), _shown(value), label in critical)
            for label, value in header.items()
            if label not in SYSTEM
        )
        target, target_fault = payload_of(self.payload)
        return Signed(
            scheme=scheme,
            algorithm=self._unverified_algorithm().name,
            content_type=str(content_type),
            signing_time=time if scheme is Scheme.x509 else None,
            authentic_signing_time=time if scheme is Scheme.signing_authority else None,
            expiry=_time(header, EXPIRY) if EXPIRY in header else None,
            attributes=attributes,
            verification_plugin=plugin_of(attributes, VERIFICATION_PLUGIN),
            verification_plugin_min_version=plugin_of(attributes, VERIFICATION_PLUGIN_MIN_VERSION),
            payload=self.payload,
            target=target,
            target_fault=target_fault,
        )


def parse(content: bytes) -> CoseEnvelope:
    """Find the parts of a COSE envelope; raises EnvelopeError, or LimitError."""
    if not content:
        raise EnvelopeError("the envelope is empty", code="envelope_empty")
    if not content.startswith(PREFIX):
        raise EnvelopeError("the envelope is not a tagged COSE_Sign1 message")
    message = _cbor(content[1:], "the envelope")
    assert isinstance(message, list)  # the prefix says so
    protected, unprotected, payload, signature = message
    for value, what in ((protected, "the protected header"), (payload, "the payload"), (signature, "the signature")):
        expect(value, bytes, what)
    header = _header(_cbor(protected, "the protected header"), "the protected header") if protected else {}
    other = _header(unprotected, "the unprotected header")
    _check_protected(header)
    _check_unprotected(other, header)
    agent, token = other.get(SIGNING_AGENT), other.get(TIMESTAMP_SIGNATURE)
    return CoseEnvelope(
        unverified_chain=_chain(other.get(X5CHAIN)),
        # of another type they do not count, as in notation
        unverified_signing_agent=agent if isinstance(agent, str) else "",
        unverified_timestamp_token=(token or None) if isinstance(token, bytes) else None,
        unverified_signature=signature,
        protected=protected,
        payload=payload,
        unverified_header=header,
    )


def _cbor(content: bytes, what: str) -> object:
    try:
        return cbor.loads(content)
    except CborError as error:
        raise EnvelopeError(f"{what} is not CBOR as envelopes have it: {error}") from error


def _header(value: object, what: str) -> Header:
    if not isinstance(value, dict):
        raise EnvelopeError(f"{what} is not a map")
    return value


def _chain(value: object) -> tuple[bytes, ...]:
    """The certificates: a list of byte strings, even if there is but one."""
    if not isinstance(value, list):
        return ()
    check_chain_length(len(value))
    for item in value:
        expect(item, bytes, "a certificate")
    return tuple(value)


def _check_protected(header: Header) -> None:
    _check_labels(header, "the protected header")
    _refuse_times(header, but=TIMES)
    if CRITICAL in header:
        _check_critical(header)
    if not NOT_PROTECTED.isdisjoint(header):
        raise EnvelopeError("a countersignature stands in the protected header", code="attribute_value")


def _check_unprotected(header: Header, protected: Header) -> None:
    _check_labels(header, "the unprotected header")
    _refuse_times(header)
    if not NOT_UNPROTECTED.isdisjoint(header):
        raise EnvelopeError(
            "the unprotected header holds what may not stand there, or is not supported", code="attribute_value"
        )
    if not header.keys().isdisjoint(protected):
        both = header.keys() & protected.keys()
        raise EnvelopeError(f"both headers have {quote(min(map(str, both)))}", code="attribute_name")
    if (IV in header or IV in protected) and (PARTIAL_IV in header or PARTIAL_IV in protected):
        raise EnvelopeError("the headers hold an IV and a partial IV", code="attribute_value")


def _check_labels(header: Header, what: str) -> None:
    """Raise unless the values of well-known labels are of their types (RFC 9052, section 3.1)."""
    for label in () if BYTES.isdisjoint(header) else sorted(BYTES):
        if label in header:
            expect(header[label], bytes, f"the label {label} of {what}")
    if ALGORITHM in header and type(header[ALGORITHM]) not in {int, str}:
        raise EnvelopeError(f"the algorithm of {what} is neither integer nor text", code="attribute_value")
    for label in (CONTENT_TYPE, TYPE):
        if label in header:
            _check_media_type(header[label], what)


def _check_media_type(value: object, what: str) -> None:
    number = type(value) is int and value >= 0
    text = isinstance(value, str) and value.count("/") == 1 and value == value.strip(" ")
    if not number and not text:
        raise EnvelopeError(f"a media type of {what} is none", code="attribute_value")


def _refuse_times(value: Mapping[Any, object] | list[object], *, but: Collection[object] = ()) -> None:
    """Raise if a tagged time stands anywhere in `value`: only the three known attributes may be one."""
    for label, item in enumerate(value) if isinstance(value, list) else value.items():
        if type(item) is Time:
            if label not in but:
                raise EnvelopeError("a tagged value stands where none may be", code="attribute_value")
        elif isinstance(item, dict | list):
            _refuse_times(item)


def _check_critical(header: Header) -> None:
    labels = header[CRITICAL]
    if not isinstance(labels, list) or not labels:
        raise EnvelopeError("the protected header's list of critical labels is none", code="critical_missing")
    for label in labels:
        if type(label) not in {int, str}:
            raise EnvelopeError("a critical label is neither integer nor text", code="critical_absent")
        if label not in header:
            raise EnvelopeError(f"{quote(str(label))} is marked critical but absent", code="critical_absent")


def _scheme(header: Header) -> Scheme:
    value = header.get(SIGNING_SCHEME)
    if not isinstance(value, str) or value not in SCHEMES:
        raise EnvelopeError(f"the signing scheme {quote(str(value))} is none that exists", code="signing_scheme")
    return SCHEMES[value]


def _critical(header: Header, scheme: Scheme) -> Collection[object]:
    """The critical labels; what must be among them is. Unlike in JWS, further system labels may be."""
    labels = header.get(CRITICAL, [])
    assert isinstance(labels, list)  # checked when the envelope was parsed
    required = {SIGNING_SCHEME} | ({EXPIRY} & header.keys())
    if scheme is Scheme.signing_authority:
        required.add(AUTHENTIC_SIGNING_TIME)
    if missing := required - set(labels):
        raise EnvelopeError(f"these are not marked critical: {', '.join(sorted(missing))}", code="critical_missing")
    return labels


def _time(header: Header, label: str) -> datetime | None:
    """A tagged time; nothing for Go's zero time."""
    value = header.get(label)
    if value is None:
        raise EnvelopeError(f"the protected header has no {label}", code="signing_time_missing")
    if not isinstance(value, Time):
        raise EnvelopeError(f"{label} is not a time with tag 1", code="attribute_time")
    try:
        time = EPOCH + timedelta(seconds=value.seconds)
    except (OverflowError, ValueError) as error:
        raise EnvelopeError(f"{label} is not in any calendar", code="attribute_time") from error
    return None if time == NO_TIME else time


def _shown(value: object) -> str:
    """An attribute's value as text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=lambda content: "0x" + content.hex())
