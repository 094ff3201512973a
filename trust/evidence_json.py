"""Evidence as JSON for the database, and back. Certificates stand beside it, in rows of their own."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust.notary.certificates import Certificate
from trust.notary.evidence import Attribute, Evidence, Fault, Scheme, Signed
from trust.notary.payload import Payload
from trust.notary.timestamp import TimestampEvidence, TokenSigner
from trust.notary.timestamp_info import TimestampInfo

MICROSECOND = timedelta(microseconds=1)

type Json = dict[str, Any]


def to_json(evidence: Evidence) -> Json:
    """Everything that was found out, but for the certificates of what holds: of these, the thumbprints."""
    fault, token = evidence.integrity, evidence.unverified_timestamp_token
    return {
        "media_type": evidence.media_type,
        "envelope": str(evidence.envelope),
        "size": evidence.size,
        "integrity": fault and _fault_to_json(fault),
        "signed": evidence.signed and _signed_to_json(evidence.signed),
        "unverified_signed": evidence.unverified_signed and _signed_to_json(evidence.unverified_signed),
        "chain": [certificate.thumbprint for certificate in evidence.chain],
        "unverified_chain": [_text(certificate.der) for certificate in evidence.unverified_chain],
        "unverified_signing_agent": evidence.unverified_signing_agent,
        "unverified_timestamp_token": None if token is None else _text(token),
        "timestamp": evidence.timestamp and _timestamp_to_json(evidence.timestamp),
    }


def from_json(fields: Json, certificates: Mapping[str, Certificate]) -> Evidence:
    """The evidence again; `certificates` by thumbprint has at least those that `thumbprints` names."""
    fault, token, timestamp = fields["integrity"], fields["unverified_timestamp_token"], fields.get("timestamp")
    return Evidence(
        media_type=fields["media_type"],
        envelope=Digest.parse(fields["envelope"]),
        size=fields["size"],
        integrity=fault and Fault(**fault),
        signed=fields["signed"] and _signed_from_json(fields["signed"]),
        unverified_signed=fields["unverified_signed"] and _signed_from_json(fields["unverified_signed"]),
        chain=tuple(certificates[thumbprint] for thumbprint in fields["chain"]),
        unverified_chain=tuple(Certificate.parse(_bytes(der)) for der in fields["unverified_chain"]),
        unverified_signing_agent=fields["unverified_signing_agent"],
        unverified_timestamp_token=None if token is None else _bytes(token),
        timestamp=timestamp and _timestamp_from_json(timestamp, certificates),
    )


def thumbprints(fields: Json) -> list[str]:
    """Which certificates stand apart from the evidence."""
    timestamp = fields.get("timestamp")
    return [*fields["chain"], *(timestamp["certificates"] if timestamp else ())]


def _fault_to_json(fault: Fault) -> Json:
    return {name: getattr(fault, name) for name in ("code", "message", "kind", "certificate")}


def _timestamp_to_json(timestamp: TimestampEvidence) -> Json:
    return {
        "fault": timestamp.fault and _fault_to_json(timestamp.fault),
        "info": timestamp.info and _info_to_json(timestamp.info),
        "unverified_info": timestamp.unverified_info and _info_to_json(timestamp.unverified_info),
        "signers": [
            [signer.certificate.thumbprint, _moment_to_json(signer.signing_time)] for signer in timestamp.signers
        ],
        "certificates": [certificate.thumbprint for certificate in timestamp.certificates],
        "issuances": sorted(map(list, timestamp.issuances)),
    }


def _timestamp_from_json(fields: Json, certificates: Mapping[str, Certificate]) -> TimestampEvidence:
    return TimestampEvidence(
        fault=fields["fault"] and Fault(**fields["fault"]),
        info=fields["info"] and _info_from_json(fields["info"]),
        unverified_info=fields["unverified_info"] and _info_from_json(fields["unverified_info"]),
        signers=tuple(TokenSigner(certificates[name], _moment_from_json(time)) for name, time in fields["signers"]),
        certificates=tuple(certificates[name] for name in fields["certificates"]),
        issuances=frozenset((child, issuer) for child, issuer in fields["issuances"]),
    )


def _info_to_json(info: TimestampInfo) -> Json:
    return {
        "gen_time": _moment_to_json(info.gen_time),
        "accuracy": info.accuracy // MICROSECOND,
        "policy": info.policy,
        "serial": info.serial,
    }


def _info_from_json(fields: Json) -> TimestampInfo:
    return TimestampInfo(
        gen_time=datetime.fromisoformat(fields["gen_time"]),
        accuracy=fields["accuracy"] * MICROSECOND,
        policy=fields["policy"],
        serial=fields["serial"],
    )


def _signed_to_json(signed: Signed) -> Json:
    return {
        "scheme": signed.scheme.value,
        "algorithm": signed.algorithm,
        "content_type": signed.content_type,
        "signing_time": _moment_to_json(signed.signing_time),
        "authentic_signing_time": _moment_to_json(signed.authentic_signing_time),
        "expiry": _moment_to_json(signed.expiry),
        "attributes": [[attribute.name, attribute.value, attribute.critical] for attribute in signed.attributes],
        "verification_plugin": signed.verification_plugin,
        "verification_plugin_min_version": signed.verification_plugin_min_version,
        "payload": _text(signed.payload),
        "target": signed.target and _descriptor_to_json(signed.target.target),
        "target_fault": signed.target_fault,
    }


def _signed_from_json(fields: Json) -> Signed:
    return Signed(
        scheme=Scheme(fields["scheme"]),
        algorithm=fields["algorithm"],
        content_type=fields["content_type"],
        signing_time=_moment_from_json(fields["signing_time"]),
        authentic_signing_time=_moment_from_json(fields["authentic_signing_time"]),
        expiry=_moment_from_json(fields["expiry"]),
        attributes=tuple(Attribute(*attribute) for attribute in fields["attributes"]),
        verification_plugin=fields["verification_plugin"],
        verification_plugin_min_version=fields["verification_plugin_min_version"],
        payload=_bytes(fields["payload"]),
        target=fields["target"] and Payload(_descriptor_from_json(fields["target"])),
        target_fault=fields["target_fault"],
    )


def _descriptor_to_json(descriptor: Descriptor) -> Json:
    return {**descriptor.to_json(), "annotations": dict(descriptor.annotations), "platform": descriptor.platform}


def _descriptor_from_json(fields: Json) -> Descriptor:
    return Descriptor(
        media_type=fields["mediaType"],
        digest=Digest.parse(fields["digest"]),
        size=fields["size"],
        artifact_type=fields.get("artifactType", ""),
        annotations=fields["annotations"],
        platform=fields["platform"],
    )


def _moment_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment_from_json(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
