"""Distinct questions: what decides a verdict, as a key. Signatures, or artifacts, of one key are judged once and alike."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from registries.oci.descriptor import Descriptor
from trust.evidence_json import Json, to_json
from trust.holdings import Subject
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence
from trust.notary.outcome import SignatureFault
from trust.notary.timestamp import TimestampEvidence
from trust.notary.trust_store import TrustStores

SIGNED = (
    *("scheme", "authentic_signing_time", "expiry", "attributes"),
    *("verification_plugin", "verification_plugin_min_version", "target_fault"),
)


def of_signature(
    target: Descriptor, result: Evidence | SignatureFault, stored: Json | None = None, stamped: Sequence[Any] = ()
) -> str:
    """The key of all on which `judge` can decide about a signature of `target`; `stored`: `to_json` of the evidence.

    The time of signing that an ordinary signature claims is not among it: nothing may rest on a claim.
    `stamped` stands in the place of a timestamp (`course_of`).
    """
    if isinstance(result, SignatureFault):
        return _key("fault", result.word, result.reason, result.message, result.ends_notation)
    fields = to_json(result) if stored is None else stored
    if result.signed is None:
        return _key("broken", fields["media_type"], fields["integrity"])
    claimed = result.signed.target.target if result.signed.target else None
    return _key(
        "signed",
        fields["media_type"],
        fields["integrity"],
        fields["chain"],
        [fields["signed"][name] for name in SIGNED],
        claimed and [claimed.same_content(target), claimed.digest == target.digest],
        stamped or fields.get("timestamp") or fields["unverified_timestamp_token"],
    )


def of_artifact(subject: Subject, signatures: Sequence[tuple[str, str | None] | None]) -> str:
    """The key of all that decides the word of an artifact but for the age of its listing; how old that may get is part.

    `signatures`: the key and the chain of each that is listed, in order; None for one that was not examined.
    """
    listing, digest = subject.listing, subject.digest
    read = set(listing.digests) if listing and subject.faults else set()
    return _key(
        "artifact",
        bool(subject.manifest.media_type),
        listing and [listing.complete, listing.error_code, listing.error, listing.tier],
        signatures,
        [
            [fault.code, fault.message, fault.digest == str(digest), fault.subject == digest, fault.digest in read]
            for fault in subject.faults
        ],
    )


def course_of(
    target: Descriptor, result: Evidence | SignatureFault, stored: Json | None, stores: TrustStores, question: str
) -> str:
    """The key of all that decides about a signature by stores such as these, now and later: its question, but for when
    a timestamp was made. Of that it says which certificates were valid then, and nothing else is asked of it.
    """
    if isinstance(result, SignatureFault) or result.timestamp is None or _outlives_a_root(result, stores):
        return question
    return of_signature(target, result, stored, _stamped(result, result.timestamp))


def _stamped(evidence: Evidence, timestamp: TimestampEvidence) -> list[Any]:
    """What the checks see of a timestamp, its times told by the certificates that were valid then."""
    if timestamp.fault or timestamp.info is None:
        return ["unsound", timestamp.fault and asdict(timestamp.fault)]
    low, high, token = timestamp.info.low, timestamp.info.high, timestamp.certificates
    return [
        "sound",
        [one.thumbprint for one in token],
        sorted(timestamp.issuances),
        _valid_at(timestamp.info.gen_time, token),
        [
            [signer.certificate.thumbprint, signer.signing_time and _valid_at(signer.signing_time, token)]
            for signer in timestamp.signers
        ],
        [[low < one.not_before, high > one.not_after] for one in evidence.chain],
    ]


def _valid_at(moment: datetime, certificates: Iterable[Certificate]) -> list[bool]:
    return [one.not_before <= moment <= one.not_after for one in certificates]


def _outlives_a_root(evidence: Evidence, stores: TrustStores) -> bool:
    """Whether who signed the timestamp may have been valid when a root above was not: then its time matters for more.

    Where every root covers its signer, a chain in which the signer was valid never breaks at the root.
    """
    assert evidence.timestamp
    signers = [signer.certificate for signer in evidence.timestamp.signers]
    roots = [one for store in stores if store.type == "tsa" for one in store.certificates]
    short = {
        root.thumbprint
        for root in roots
        if any(root.not_before > one.not_before or root.not_after < one.not_after for one in signers)
    }
    if not short:
        return False
    known = evidence.with_roots(stores).timestamp
    return known is not None and any(issuer in short for _, issuer in known.issuances)


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
