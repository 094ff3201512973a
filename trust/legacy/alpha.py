"""Signatures of notation's alpha releases (0.7 to 0.12), which lie in ORAS artifact manifests."""

from collections.abc import Mapping

from trust.legacy.evidence import Claims, Format, LegacyEvidence
from trust.legacy.reading import (
    certificates,
    check_size,
    descriptor,
    json_object,
    member_object,
    text,
    unix_time,
)
from trust.notary import x509
from trust.notary.algorithms import BY_NAME, verifies
from trust.notary.certificates import Certificate
from trust.notary.envelope import SIGNING_SCHEME
from trust.notary.errors import EnvelopeError, NotaryError, UnsupportedError, quote
from trust.notary.evidence import examine
from trust.notary.fault import Fault
from trust.notary.jws import decode_base64url
from trust.notary.media_types import COSE, JWS, PAYLOAD

PAYLOAD_0_7 = "application/vnd.cncf.notary.v2.jws.v1"
FORMATS = {PAYLOAD_0_7: Format.notation_0_7, PAYLOAD: Format.notation_0_9}


def examine_alpha(content: bytes, media_type: str) -> LegacyEvidence:
    """Examine an envelope of an alpha release; whatever the bytes are, the answer is evidence."""
    if media_type == COSE:
        return _as_today(content, media_type)
    claims: Claims | None = None
    chain: tuple[Certificate, ...] = ()
    form, algorithm = Format.alpha, ""
    try:
        check_size(content)
        if media_type != JWS:
            raise UnsupportedError(f"{quote(media_type)} is no media type of an envelope", code="envelope_type")
        parts = _flattened(json_object(content, "the envelope"))
        protected = text(parts, "protected", "the envelope")
        header = json_object(decode_base64url(protected, "the protected header"), "the protected header")
        if SIGNING_SCHEME in header:
            return _as_today(content, media_type)
        form = _format(header)
        payload = text(parts, "payload", "the envelope")
        algorithm = text(header, "alg", "the protected header")
        claims = _claims(json_object(decode_base64url(payload, "the payload"), "the payload"), form)
        chain = certificates(member_object(parts.get("header"), "the unprotected header").get("x5c"))
        signature = decode_base64url(text(parts, "signature", "the envelope"), "the signature")
        _check_signature(algorithm, chain[0], signature, f"{protected}.{payload}".encode())
    except NotaryError as error:
        return LegacyEvidence(form, Fault.of(error), claims, algorithm, "", chain)
    return LegacyEvidence(form, None, claims, algorithm, "", chain)


def _as_today(content: bytes, media_type: str) -> LegacyEvidence:
    """Releases 0.10 to 0.12 wrote today's envelopes, which notation's own rules fit."""
    seen = examine(content, media_type)
    signed = seen.signed or seen.unverified_signed
    chain = seen.chain or seen.unverified_chain
    if signed is None:
        return LegacyEvidence(Format.notation_0_10, seen.integrity, unverified_chain=chain)
    claims = Claims(
        target=signed.target.target if signed.target else None,
        issued_at=signed.authentic_signing_time or signed.signing_time,
        expiry=signed.expiry,
    )
    return LegacyEvidence(Format.notation_0_10, seen.integrity, claims, signed.algorithm, "", chain)


def _flattened(document: Mapping[str, object]) -> Mapping[str, object]:
    """The flattened form of a JWS; the general one may have exactly one signature."""
    if "signatures" not in document:
        return document
    signatures = document["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1 or "signature" in document:
        raise EnvelopeError("the envelope has not exactly one signature", code="signature_count")
    return member_object(signatures[0], "the signature") | {"payload": document.get("payload")}


def _format(header: Mapping[str, object]) -> Format:
    cty = text(header, "cty", "the protected header")
    if cty not in FORMATS:
        raise UnsupportedError(f"the content type {quote(cty)} is none of notation's", code="content_type")
    if header.get("crit") not in (None, ["cty"]):
        raise UnsupportedError("the header marks something as critical that nobody here knows")
    return FORMATS[cty]


def _claims(payload: Mapping[str, object], form: Format) -> Claims:
    inner = payload
    if form is Format.notation_0_7:
        inner = member_object(payload.get("notary"), "the member notary of the payload")
    return Claims(
        target=descriptor(inner.get("subject")),
        issued_at=unix_time(payload, "iat"),
        not_before=unix_time(payload, "nbf"),
        expiry=unix_time(payload, "exp"),
    )


def _check_signature(name: str, leaf: Certificate, signature: bytes, signed: bytes) -> None:
    algorithm = BY_NAME.get(name)
    if algorithm is None:
        raise UnsupportedError(f"the algorithm {quote(name)} is none of notation's", code="algorithm_unsupported")
    if leaf.key != algorithm.key:
        raise EnvelopeError(f"the key of the certificate does not make {name} signatures", code="algorithm_mismatch")
    if not verifies(algorithm, x509.parse(leaf.der).key, signature, signed, exact_salt=False):
        raise EnvelopeError("the signature does not fit what is signed", code="signature_invalid")
