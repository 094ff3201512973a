"""What `manage.py inspect` and `manage.py list` look at: every signature of one artifact, in the order listed, unjudged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboard.stored_answers import NotStoredError, find_stored
from dashboard.targets import layout_target, not_a_layout
from dashboard.verify_arguments import CannotAnswerError, instant
from registries.models import Manifest
from registries.oci.archive import is_layout
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.reference import Reference
from trust.legacy.judge import configured_in
from trust.legacy_signatures import JudgedLegacy, judge_listed_legacy, stored_legacy
from trust.notary.evidence import Evidence, examine
from trust.notary.outcome import Note, SignatureFault
from trust.notary.thumbprint_hint import thumbprint_note
from trust.notary.trust_store import TrustStores
from trust.on_the_spot import JudgedSignature
from trust.signatures import ListedSignature, list_signatures
from trust.verification import judge_artifact


@dataclass(frozen=True, slots=True)
class Inspected:
    """One notation signature: what its bytes prove, or why there are none."""

    manifest: Digest
    media_type: str
    seen: Evidence | SignatureFault
    note: Note | None = None

    @property
    def error(self) -> Note | None:
        """What is wrong with it, whatever the policy."""
        if isinstance(self.seen, SignatureFault):
            return Note(self.seen.reason, self.seen.message)
        if self.seen.integrity:
            return Note(self.seen.integrity.code, self.seen.integrity.message)
        signed = self.seen.signed
        if signed is None or signed.target is None:
            return Note("target_unreadable", signed.target_fault if signed else "nothing is signed")
        return None


@dataclass(frozen=True, slots=True)
class Inspection:
    """The signatures of one artifact; incomplete if something unread may have been one more."""

    reference: str
    target: Descriptor
    signatures: tuple[Inspected, ...]
    legacy: tuple[JudgedLegacy, ...]
    complete: bool

    @property
    def exit_code(self) -> int:
        """As notation's: 1 where something could not be shown as it should be."""
        damaged = any(signature.error for signature in self.signatures)
        return 1 if damaged or not self.complete else 0


def inspect_target(options: Mapping[str, Any]) -> Inspection:
    """The signatures of the artifact that the arguments name."""
    at = instant(options["at"])
    if is_layout(Path(options["target"])):
        return _in_layout(options, at)
    if options["reference"] or options["trust_store"]:
        raise CannotAnswerError(f"{not_a_layout(options)}; --reference and --trust-store are for a layout.")
    return _stored(Reference.parse(options["target"]), at)


def _in_layout(options: Mapping[str, Any], at: datetime) -> Inspection:
    place = layout_target(options)
    stores = TrustStores.read(options["trust_store"]) if options["trust_store"] else TrustStores.of()
    listed = list_signatures(place.layout, place.name, place.descriptor.digest)
    legacy = judge_listed_legacy(place.layout, place.name, place.descriptor, configured_in(stores), at)
    return Inspection(
        reference=str(place.reference or ""),
        target=place.descriptor,
        signatures=tuple(map(_examined, listed.signatures)),
        legacy=legacy,
        complete=listed.complete,
    )


def _examined(found: ListedSignature) -> Inspected:
    if found.fault:
        return Inspected(found.manifest, found.media_type, found.fault)
    evidence = examine(found.envelope, found.media_type)
    return Inspected(found.manifest, found.media_type, evidence, thumbprint_note(found.annotations, evidence))


def _stored(reference: Reference, at: datetime) -> Inspection:
    repository, digest = find_stored(reference)
    try:
        judged = judge_artifact(repository, digest, at)
    except Manifest.DoesNotExist as error:
        raise NotStoredError(f"{reference.name} has no {digest}, as far as it was indexed.") from error
    manifest = judged.manifest
    return Inspection(
        reference=str(reference),
        target=Descriptor(manifest.media_type, manifest.digest, manifest.size),
        signatures=tuple(_of_row(one) for one in judged.in_turn if isinstance(one, JudgedSignature)),
        legacy=stored_legacy(judged),
        complete=judged.listing is not None and judged.listing.complete,
    )


def _of_row(judged: JudgedSignature) -> Inspected:
    seen = judged.evidence or judged.fault
    assert seen, "a signature has evidence, or a fault"
    note = thumbprint_note(judged.manifest.annotations, seen) if isinstance(seen, Evidence) else None
    return Inspected(judged.manifest.digest, judged.row.media_type, seen, note)
