"""Distinct questions: what decides a verdict, as a key. Signatures, or artifacts, of one key are judged once and alike."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from registries.oci.descriptor import Descriptor
from trust.evidence_json import Json, to_json
from trust.holdings import Subject
from trust.notary.evidence import Evidence
from trust.notary.outcome import Outcome, SignatureFault

SIGNED = (
    *("scheme", "authentic_signing_time", "expiry", "attributes"),
    *("verification_plugin", "verification_plugin_min_version", "target_fault"),
)


def of_signature(
    target: Descriptor, result: Evidence | SignatureFault, stored: Json | None = None, stamped: Sequence[str] = ()
) -> str:
    """The key of all on which `judge` can decide about a signature of `target`; `stored`: `to_json` of the evidence.

    The time of signing that an ordinary signature claims is not among it: nothing may rest on a claim.
    `stamped` stands in the place of a timestamp that holds, for a key of all that decides what becomes of the verdict.
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
        ["holds", *stamped] if stamped else fields.get("timestamp") or fields["unverified_timestamp_token"],
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
    target: Descriptor, result: Evidence | SignatureFault, stored: Json | None, outcome: Outcome, question: str
) -> str:
    """The key of all that decides what becomes of a verdict with time: its question, but for when a timestamp was made.

    Under one revision a timestamp that holds does so for good, as far as its authority does: then it says no more than that.
    """
    if isinstance(result, SignatureFault) or outcome.authentic_time.source != "tsa" or result.timestamp is None:
        return question
    authority = [one.thumbprint for one in outcome.authentic_time.chain]
    signers = [signer.certificate.thumbprint for signer in result.timestamp.signers]
    return of_signature(target, result, stored, [outcome.statement, *signers, "below", *authority])


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
