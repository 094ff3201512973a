"""What `manage.py inspect` and `manage.py list` print: the content of notation's, and what is wrong where it is.

Members that notation's JSON lacks (`error`, `unverified`, `notes`, `legacySignatures`, `incomplete`) stand there only where they say
something, so that for sound signatures the object is the one that `notation inspect --output json` prints.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from dashboard.inspection import Inspected, Inspection
from dashboard.trees import Node
from registries.oci.descriptor import Descriptor
from trust.legacy.evidence import Claims
from trust.legacy_signatures import JudgedLegacy
from trust.notary.certificates import Certificate
from trust.notary.checks import as_text
from trust.notary.evidence import Evidence, Signed
from trust.notary.media_types import SIGNATURE_MANIFEST
from trust.notary.outcome import Note
from trust.notary.timestamp_info import TimestampInfo

type Json = dict[str, object]

ALGORITHMS = {  # as notation's plugins call them
    "PS256": "RSASSA-PSS-SHA-256",
    "PS384": "RSASSA-PSS-SHA-384",
    "PS512": "RSASSA-PSS-SHA-512",
    "ES256": "ECDSA-SHA-256",
    "ES384": "ECDSA-SHA-384",
    "ES512": "ECDSA-SHA-512",
}
INCOMPLETE = "The list of signatures is incomplete: something that could not be read may have been one more."
NONE = "no signature"


def inspected_as_json(inspection: Inspection) -> Json:
    """All that is known of every signature."""
    fields: Json = {
        "mediaType": inspection.target.media_type,
        "signatures": [_signature(signature) for signature in inspection.signatures],
    }
    return fields | _rest(inspection)


def listed_as_json(inspection: Inspection) -> Json:
    """Which signatures there are."""
    fields: Json = {
        "reference": inspection.reference,
        "digest": str(inspection.target.digest),
        "signatures": [
            {"digest": str(one.manifest), "signatureEnvelopeType": one.media_type} | _error(one.error)
            for one in inspection.signatures
        ],
    }
    return fields | _rest(inspection)


def _rest(inspection: Inspection) -> Json:
    fields: Json = {}
    if inspection.legacy:
        fields["legacySignatures"] = [_legacy(judged) for judged in inspection.legacy]
    if not inspection.complete:
        fields["incomplete"] = INCOMPLETE
    return fields


def _signature(inspected: Inspected) -> Json:
    fields: Json = {"digest": str(inspected.manifest), "signatureEnvelopeType": inspected.media_type}
    seen = inspected.seen
    if isinstance(seen, Evidence) and seen.signed:
        fields |= _content(seen, seen.signed, seen.chain)
    elif isinstance(seen, Evidence) and seen.unverified_signed:
        fields["unverified"] = _content(seen, seen.unverified_signed, seen.unverified_chain)
    fields |= _error(inspected.error)
    if inspected.note:
        fields["notes"] = [_note(inspected.note)]
    return fields


def _content(seen: Evidence, signed: Signed, chain: Sequence[Certificate]) -> Json:
    target = signed.target.target if signed.target else None
    return {
        "signatureAlgorithm": ALGORITHMS.get(signed.algorithm, signed.algorithm),
        "signedAttributes": _signed_attributes(signed),
        "userDefinedAttributes": dict(target.annotations) or None if target else None,
        "unsignedAttributes": _unsigned_attributes(seen),
        "certificates": [_certificate(certificate) for certificate in chain],
        "signedArtifact": _artifact(target) if target else None,
    }


def _signed_attributes(signed: Signed) -> Json:
    extended: Json = {attribute.name: attribute.value for attribute in signed.attributes}
    fields: Json = {
        "contentType": signed.content_type,
        "signingScheme": signed.scheme.value,
        "signingTime": _rfc3339(signed.authentic_signing_time or signed.signing_time),
    }
    if signed.expiry:
        fields["expiry"] = _rfc3339(signed.expiry)
    return extended | fields  # an extended attribute may not pass for a system attribute


def _unsigned_attributes(seen: Evidence) -> Json:
    fields: Json = {}
    if seen.unverified_signing_agent:
        fields["signingAgent"] = seen.unverified_signing_agent
    if seen.unverified_timestamp_token:
        fields["timestampSignature"] = _timestamp(seen)
    return fields


def _timestamp(seen: Evidence) -> Json:
    timestamp = seen.timestamp
    if timestamp is None:
        return {"error": "nobody reads a timestamp here: the envelope does not hold, or its scheme has none"}
    if timestamp.fault or timestamp.info is None:
        return {"error": timestamp.fault.message if timestamp.fault else "the timestamp cannot be read"}
    return {
        "timestamp": _range(timestamp.info),
        "certificates": [_certificate(certificate) for certificate in timestamp.certificates],
    }


def _range(info: TimestampInfo) -> str:
    return f"[{_rfc3339(info.low)}, {_rfc3339(info.high)}]"


def _certificate(certificate: Certificate) -> Json:
    return {
        "SHA256Fingerprint": certificate.thumbprint,
        "issuedTo": certificate.subject,
        "issuedBy": certificate.issuer,
        "expiry": _rfc3339(certificate.not_after),
    }


def _artifact(target: Descriptor) -> Json:
    return {name: value for name, value in target.to_json().items() if name != "annotations"}


def _error(error: Note | None) -> Json:
    return {"error": _note(error)} if error else {}


def _note(note: Note) -> Json:
    return {"code": note.code, "message": note.message}


def _legacy(judged: JudgedLegacy) -> Json:
    evidence = judged.evidence
    return {
        "digest": str(judged.manifest),
        "kind": judged.name,
        "status": judged.outcome.word,
        "reason": judged.outcome.reason,
        "message": judged.outcome.message,
        "checks": {
            check.name: {"status": check.status, "code": check.code, "message": check.message}
            for check in judged.outcome.checks
        },
        "unverified": {
            "signatureAlgorithm": evidence.unverified_algorithm,
            "keyId": evidence.unverified_key_id,
            "claims": _claims(evidence.unverified_claims) if evidence.unverified_claims else None,
            "certificates": [_certificate(certificate) for certificate in evidence.unverified_chain],
        }
        if evidence
        else None,
    }


def _claims(claims: Claims) -> Json:
    return {
        "signedArtifact": _artifact(claims.target) if claims.target else None,
        "references": list(claims.references),
        "issuedAt": _rfc3339(claims.issued_at),
        "notBefore": _rfc3339(claims.not_before),
        "expiry": _rfc3339(claims.expiry),
    }


def _rfc3339(moment: datetime | None) -> str | None:
    """As Go prints it: fractions without zeros at their end."""
    if moment is None:
        return None
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def inspected_as_tree(inspection: Inspection) -> Node:
    """The same for people."""
    return _tree(inspection, [Node(str(one.manifest), _details(one)) for one in inspection.signatures])


def listed_as_tree(inspection: Inspection) -> Node:
    return _tree(inspection, [Node(str(one.manifest), _flaws(one)) for one in inspection.signatures])


def _tree(inspection: Inspection, signatures: Sequence[Node]) -> Node:
    branches = [Node(SIGNATURE_MANIFEST, signatures)] if signatures else []
    branches += [Node(f"{one.name}, counted for nothing", [_legacy_node(one)]) for one in inspection.legacy]
    if not inspection.complete:
        branches.append(Node(INCOMPLETE))
    return Node(_name(inspection), branches or [Node(NONE)])


def _name(inspection: Inspection) -> str:
    name = inspection.reference.partition("@")[0]
    return f"{name}@{inspection.target.digest}" if name else str(inspection.target.digest)


def _details(inspected: Inspected) -> list[Node]:
    seen = inspected.seen
    signed = seen.signed or seen.unverified_signed if isinstance(seen, Evidence) else None
    nodes = _flaws(inspected)
    if not isinstance(seen, Evidence) or signed is None:
        return nodes
    details = [
        Node(f"signature algorithm: {ALGORITHMS.get(signed.algorithm, signed.algorithm)}"),
        Node(f"signature envelope type: {inspected.media_type}"),
        Node("signed attributes", _attributes(signed)),
        Node(
            "user defined attributes", _pairs(signed.target.annotations if signed.target else {}) or [Node("(empty)")]
        ),
        Node("unsigned attributes", _unsigned(seen)),
        Node("certificates", _certificates(seen.chain or seen.unverified_chain)),
        Node("signed artifact", _artifact_nodes(signed.target.target if signed.target else None)),
    ]
    return nodes + ([Node("claims that nobody vouches for", details)] if seen.integrity else details)


def _flaws(inspected: Inspected) -> list[Node]:
    error = [Node(f"error: {inspected.error.message} ({inspected.error.code})")] if inspected.error else []
    return error + ([Node(f"note: {inspected.note.message}")] if inspected.note else [])


def _attributes(signed: Signed) -> list[Node]:
    times = {"signing time": signed.authentic_signing_time or signed.signing_time, "expiry": signed.expiry}
    return [
        Node(f"content type: {signed.content_type}"),
        Node(f"signing scheme: {signed.scheme}"),
        *(Node(f"{name}: {as_text(time)}") for name, time in times.items() if time),
        *(Node(f"{attribute.name}: {attribute.value}") for attribute in signed.attributes),
    ]


def _unsigned(seen: Evidence) -> list[Node]:
    nodes = [Node(f"signing agent: {seen.unverified_signing_agent}")] if seen.unverified_signing_agent else []
    if seen.unverified_timestamp_token:
        said = _timestamp(seen)
        inner = [Node(f"{name}: {said[name]}") for name in ("error", "timestamp") if name in said]
        certificates = seen.timestamp.certificates if seen.timestamp and "timestamp" in said else ()
        inner += [Node("certificates", _certificates(certificates))] if certificates else []
        nodes.append(Node("timestamp signature", inner))
    return nodes


def _certificates(chain: Iterable[Certificate]) -> list[Node]:
    return [
        Node(
            f"SHA256 fingerprint: {certificate.thumbprint}",
            [
                Node(f"issued to: {certificate.subject}"),
                Node(f"issued by: {certificate.issuer}"),
                Node(f"expiry: {as_text(certificate.not_after)}"),
            ],
        )
        for certificate in chain
    ]


def _artifact_nodes(target: Descriptor | None) -> list[Node]:
    if target is None:
        return [Node("none that can be read")]
    return [Node(f"media type: {target.media_type}"), Node(f"digest: {target.digest}"), Node(f"size: {target.size}")]


def _pairs(pairs: Mapping[str, str]) -> list[Node]:
    return [Node(f"{name}: {value}") for name, value in sorted(pairs.items())]


def _legacy_node(judged: JudgedLegacy) -> Node:
    evidence = judged.evidence
    nodes = [Node(judged.outcome.message)]
    nodes += [Node(f"{check.name}: {check.status}. {check.message}") for check in judged.outcome.checks]
    claims = evidence.unverified_claims if evidence else None
    if claims:
        nodes.append(
            Node("claims", [*_artifact_nodes(claims.target), *(Node(f"reference: {one}") for one in claims.references)])
        )
    if evidence and evidence.unverified_chain:
        nodes.append(Node("certificates", _certificates(evidence.unverified_chain)))
    return Node(str(judged.manifest), nodes)
