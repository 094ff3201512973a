"""Evidence in the database: from the bytes that indexing kept to rows, and from rows back to evidence.

No network, no policy, and no clock but for saying when it was done.
"""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from registries.leases import DueRow, Lease
from registries.models import Content, Manifest, Repository, Served, contents
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.media_types import NOTARY_SIGNATURE, OCI_ARTIFACT, OCI_MANIFEST
from trust import chains
from trust.evidence_json import Json, from_json, thumbprints, to_json
from trust.models import Signature
from trust.notary.evidence import EVIDENCE_VERSION, Evidence, examine
from trust.notary.outcome import SignatureFault, Word
from trust.signature_manifests import envelope_of_bytes, missing_envelope, missing_manifest

BATCH = 200
IS_SIGNATURE = Q(artifact_type=NOTARY_SIGNATURE, media_type__in=[OCI_MANIFEST, OCI_ARTIFACT])  # Manifest.is_signature
UNSTORABLE = SignatureFault(
    Word.unknown, "nul_character", "A text in the envelope holds a NUL character.", ends_notation=False
)
NOT_SERVED = SignatureFault(Word.unknown, "envelope_missing", "The signature's envelope is not to be had.")
NOTATION_GOES_ON = ("limit", "envelope_type", UNSTORABLE.reason)  # after any other fault it gives up on the artifact


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one signature manifest, before it is a row."""

    manifest: Manifest
    envelope: Descriptor | None
    result: Evidence | SignatureFault


def examine_missing[Row: DueRow](
    repository: Repository, *, at: datetime | None = None, lease: Lease[Row] | None = None
) -> int:
    """Examine every signature of the repository that has no current evidence; how many those were."""
    todo = list(unexamined(repository).order_by("digest"))
    for start in range(0, len(todo), BATCH):
        results = examine_manifests(todo[start : start + BATCH])
        with transaction.atomic():
            if lease:
                lease.renew()
            store(results, at or timezone.now())
    return len(todo)


def unexamined(repository: Repository) -> QuerySet[Manifest]:
    """Signature manifests without evidence, with that of another version, or whose bytes came after all."""
    here = Manifest.objects.filter(IS_SIGNATURE, subject__isnull=False, presences__repository=repository).distinct()
    manifest_came = Q(signature__fault_code="manifest_missing") & _kept("digest")
    envelope_came = Q(signature__fault_code__in=["envelope_missing", "envelope_type"]) & _kept("signature__envelope")
    outdated = Q(signature=None) | ~Q(signature__evidence_version=EVIDENCE_VERSION)
    return here.filter(outdated | manifest_came | envelope_came)


def _kept(digest: str) -> Exists:
    return Exists(Content.objects.filter(digest=OuterRef(digest)))


def examine_manifests(manifests: Sequence[Manifest]) -> list[Examined]:
    """Examine what the kept bytes of these signature manifests say; two queries, whatever their number."""
    return examine_bytes(manifests, contents(manifest.digest for manifest in manifests))


def examine_bytes(
    manifests: Sequence[Manifest], kept: Mapping[Digest, bytes], among: QuerySet[Content] | None = None
) -> list[Examined]:
    """The same where the bytes of the manifests are at hand, and only some content is for the asker: one query."""
    named = [(manifest, _envelope(manifest, kept.get(manifest.digest))) for manifest in manifests]
    envelopes = contents((layer.digest for _, layer in named if isinstance(layer, Descriptor)), among)
    return [
        Examined(manifest, None, layer)
        if isinstance(layer, SignatureFault)
        else Examined(manifest, layer, _examine(layer, envelopes.get(layer.digest)))
        for manifest, layer in named
    ]


def _envelope(manifest: Manifest, content: bytes | None) -> Descriptor | SignatureFault:
    return missing_manifest() if content is None else envelope_of_bytes(content, manifest.media_type)


def _examine(layer: Descriptor, content: bytes | None) -> Evidence | SignatureFault:
    return missing_envelope(layer) if content is None else _storable(examine(content, layer.media_type))


def store(results: Sequence[Examined], at: datetime) -> None:
    """Write the rows of examined signatures; writing the same again changes nothing."""
    found = [examined.result for examined in results if isinstance(examined.result, Evidence)]
    chains.store(
        [evidence.chain for evidence in found if evidence.chain],
        [one for evidence in found if evidence.timestamp for one in evidence.timestamp.certificates],
    )
    Signature.objects.bulk_create(
        [as_row(examined, at) for examined in results],
        update_conflicts=True,
        unique_fields=["manifest"],
        update_fields=[field.name for field in Signature._meta.concrete_fields if not field.primary_key],
    )


def as_row(examined: Examined, at: datetime) -> Signature:
    """The row of one examined signature, not saved."""
    result, envelope = examined.result, examined.envelope
    assert examined.manifest.subject, "a manifest without subject is nobody's signature"
    row = Signature(
        manifest=examined.manifest,
        subject=examined.manifest.subject,
        envelope=envelope.digest if envelope else None,
        media_type=envelope.media_type if envelope else "",
        evidence_version=EVIDENCE_VERSION,
        examined_at=at,
    )
    if isinstance(result, SignatureFault):
        row.fault_code, row.fault, row.fault_is_unknown = result.reason, result.message, result.word is Word.unknown
    else:
        row.evidence = to_json(result)
        row.chain_id = chains.fingerprint(result.chain) if result.chain else None
    return row


def evidence_of(rows: Sequence[Signature]) -> list[Evidence | SignatureFault]:
    """What the rows say, in their order; one query, whatever their number."""
    known = chains.certificates_of(name for row in rows if row.evidence for name in thumbprints(row.evidence))
    return [from_json(row.evidence, known) if row.evidence else _fault(row) for row in rows]


def served_envelopes(repository: Repository, rows: Iterable[Signature]) -> set[Digest]:
    """Those of the rows' envelopes that the repository gave."""
    return Served.objects.among(repository, {row.envelope for row in rows if row.envelope})


def readable(row: Signature, result: Evidence | SignatureFault, served: Set[Digest]) -> Evidence | SignatureFault:
    """The result, but for an envelope that was never given here: what is known from elsewhere proves nothing here."""
    return NOT_SERVED if row.envelope and row.envelope not in served and _was_read(result) else result


def _was_read(result: Evidence | SignatureFault) -> bool:
    return isinstance(result, Evidence) or result.reason == UNSTORABLE.reason


def _fault(row: Signature) -> SignatureFault:
    word = Word.unknown if row.fault_is_unknown else Word.failed
    return SignatureFault(word, row.fault_code, row.fault, ends_notation=row.fault_code not in NOTATION_GOES_ON)


def _storable(result: Evidence) -> Evidence | SignatureFault:
    """The evidence without NUL, which PostgreSQL does not hold: claims are dropped; what else has one is unknown."""
    if not _has_nul(result):
        return result
    bare = replace(result, unverified_signed=None, unverified_signing_agent="")
    return UNSTORABLE if _has_nul(bare) else bare


def _has_nul(evidence: Evidence) -> bool:
    fields: Json = to_json(evidence)
    certificates = (*evidence.chain, *(evidence.timestamp.certificates if evidence.timestamp else ()))
    return "\\u0000" in json.dumps(fields) or any(map(chains.has_nul, certificates))
