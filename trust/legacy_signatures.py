"""The legacy signatures of an artifact: found where they are listed, judged on the spot, and counted for nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from registries.models import Content, Manifest, Repository, Served, contents
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.manifest import Manifest as ParsedManifest
from registries.oci.manifest import parse_manifest
from registries.oci.media_types import LEGACY_SIGNATURES, NV2_SIGNATURE
from registries.oci.source import Source
from trust import revisions
from trust.legacy.alpha import examine_alpha
from trust.legacy.evidence import LegacyEvidence
from trust.legacy.judge import LegacyOutcome, configured_in, judge_legacy, outcome_of_fault
from trust.legacy.nv2 import examine_nv2
from trust.legacy.reading import MAX_SIGNATURE
from trust.notary.certificates import Certificate
from trust.notary.outcome import SignatureFault, Word
from trust.notary.trust_store import TrustStores
from trust.on_the_spot import JudgedArtifact
from trust.signatures import MAX_REFERRERS, fetch_fault

MOST = 20  # legacy signatures of one artifact that are looked at
NV2, ALPHA = "Legacy (nv2)", "Legacy (notation alpha)"
MISSING = SignatureFault(Word.unknown, "envelope_missing", "Its bytes are not to be had.")
NO_SIGNATURE = SignatureFault(Word.failed, "layer_count", "Its manifest names not exactly one signature.")


@dataclass(frozen=True, slots=True)
class JudgedLegacy:
    """One legacy signature, and what is to be said of it."""

    manifest: Digest
    name: str
    evidence: LegacyEvidence | None
    outcome: LegacyOutcome

    @property
    def leaf(self) -> Certificate | None:
        """Whose signature it claims to be."""
        return self.evidence.unverified_chain[0] if self.evidence and self.evidence.unverified_chain else None


def stored_legacy(judged: JudgedArtifact) -> tuple[JudgedLegacy, ...]:
    """Those that are listed for an artifact of the database, under the certificates of the revision that judged it."""
    listed = judged.listing.digests if judged.listing else []
    if len(listed) == len(judged.signatures):
        return ()  # the usual case: nothing else is listed
    of_subject = Manifest.objects.filter(artifact_type__in=LEGACY_SIGNATURES, subject=judged.manifest.digest)
    types = {str(digest): media_type for digest, media_type in of_subject.values_list("digest", "media_type")}
    wanted = [Digest.parse(name) for name in listed if name in types][:MOST]
    if not wanted:
        return ()
    manifests = dict(_parsed(judged.repository, wanted, types))
    blobs = [blob.digest for manifest in manifests.values() if (blob := manifest.legacy_signature)]
    kept = _kept(judged.repository, blobs)
    stores = revisions.material(judged.revision).stores if judged.revision else TrustStores.of()
    row = judged.manifest
    court = _Court(Descriptor(row.media_type, row.digest, row.size), configured_in(stores), judged.at)
    return tuple(
        court.judge(manifests[digest], kept)
        if digest in manifests
        else JudgedLegacy(digest, "Legacy", None, outcome_of_fault(MISSING))
        for digest in wanted
    )


def _parsed(
    repository: Repository, digests: Sequence[Digest], types: Mapping[str, str]
) -> Iterator[tuple[Digest, ParsedManifest]]:
    for digest, content in _kept(repository, digests).items():
        with suppress(OciError):  # kept by a version of ours that was less strict
            yield digest, parse_manifest(content, types[str(digest)], algorithm=digest.algorithm)


def _kept(repository: Repository, digests: Sequence[Digest]) -> dict[Digest, bytes]:
    """The bytes that this repository gave; what is known from elsewhere proves nothing here."""
    return contents(digests, Content.objects.filter(Served.objects.here(repository, "digest")))


def judge_listed_legacy(
    source: Source, repository: str, target: Descriptor, configured: Sequence[Certificate], at: datetime
) -> tuple[JudgedLegacy, ...]:
    """Those that a source lists for the artifact."""
    lists = (
        source.referrers(repository, target.digest, limit=MAX_REFERRERS),
        source.referrers_by_tag(repository, target.digest),
    )
    court = _Court(target, configured, at)
    found: list[JudgedLegacy] = []
    for digest in dict.fromkeys(descriptor.digest for listed in lists for descriptor in listed.descriptors):
        try:
            fetched = source.manifest(repository, digest)
            manifest = parse_manifest(fetched.content, fetched.media_type, algorithm=digest.algorithm)
        except OciError:
            continue  # list_signatures says that the list is incomplete
        if manifest.artifact_type in LEGACY_SIGNATURES and len(found) < MOST:
            found.append(_fetched(court, source, repository, manifest))
    return tuple(found)


def _fetched(court: "_Court", source: Source, repository: str, manifest: ParsedManifest) -> JudgedLegacy:
    blob = manifest.legacy_signature
    try:
        kept = {blob.digest: source.blob(repository, blob, max_size=MAX_SIGNATURE)} if blob else {}
    except OciError as error:
        return JudgedLegacy(manifest.digest, _name(manifest), None, outcome_of_fault(fetch_fault(error)))
    return court.judge(manifest, kept)


@dataclass(frozen=True, slots=True)
class _Court:
    """What the legacy signatures of one artifact are judged by."""

    target: Descriptor
    configured: Sequence[Certificate]
    at: datetime

    def judge(self, manifest: ParsedManifest, kept: Mapping[Digest, bytes]) -> JudgedLegacy:
        name, blob = _name(manifest), manifest.legacy_signature
        if blob is None or blob.digest not in kept:
            fault = outcome_of_fault(MISSING if blob else NO_SIGNATURE)
            return JudgedLegacy(manifest.digest, name, None, fault)
        content = kept[blob.digest]
        evidence = (
            examine_nv2(content, self.configured)
            if manifest.artifact_type == NV2_SIGNATURE
            else examine_alpha(content, blob.media_type)
        )
        outcome = judge_legacy(evidence, self.target, self.configured, self.at)
        return JudgedLegacy(manifest.digest, name, evidence, outcome)


def _name(manifest: ParsedManifest) -> str:
    return NV2 if manifest.artifact_type == NV2_SIGNATURE else ALPHA
