"""The notation signatures of an artifact, as a source lists them: their manifests, and the envelopes behind those."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError, OciError
from registries.oci.manifest import Manifest, parse_manifest
from registries.oci.media_types import NOTARY_SIGNATURE, OCI_ARTIFACT, OCI_MANIFEST
from registries.oci.source import Source
from trust.notary.checks import as_sentence
from trust.notary.evidence import MAX_ENVELOPE
from trust.notary.outcome import SignatureFault, Word
from trust.signature_manifests import envelope_of

MAX_REFERRERS = 10_000


@dataclass(frozen=True, slots=True)
class ListedSignature:
    """One signature manifest, with the exact bytes of its envelope or the reason why there are none."""

    manifest: Digest
    media_type: str = ""
    envelope: bytes = b""
    fault: SignatureFault | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    "Of the manifest; nobody signed them."


@dataclass(frozen=True, slots=True)
class SignatureList:
    """The signatures of an artifact in the order listed; incomplete if something unread may have been one more."""

    signatures: tuple[ListedSignature, ...]
    complete: bool


def list_signatures(source: Source, repository: str, subject: Digest) -> SignatureList:
    """Every notation signature that the referrers API or the tag schema lists for the subject."""
    lists = (
        source.referrers(repository, subject, limit=MAX_REFERRERS),
        source.referrers_by_tag(repository, subject),
    )
    complete = all(listed.complete or listed.supported is False for listed in lists)  # no such API: the tag has it all
    descriptors = {descriptor.digest: descriptor for listed in reversed(lists) for descriptor in listed.descriptors}
    order = dict.fromkeys(descriptor.digest for listed in lists for descriptor in listed.descriptors)
    signatures = []
    for digest in order:
        descriptor = descriptors[digest]
        claimed = descriptor.artifact_type == NOTARY_SIGNATURE
        try:
            manifest = _manifest(source, repository, descriptor)
        except OciError as error:
            if claimed:
                signatures.append(ListedSignature(digest, fault=_manifest_fault(error)))
            else:
                complete = False  # whatever it is, it may have been a signature
            continue
        if claimed or manifest.is_signature:
            signatures.append(_signature(source, repository, manifest))
    return SignatureList(tuple(signatures), complete)


def _manifest(source: Source, repository: str, descriptor: Descriptor) -> Manifest:
    fetched = source.manifest(repository, descriptor.digest)
    return parse_manifest(fetched.content, fetched.media_type, algorithm=descriptor.digest.algorithm)


def _signature(source: Source, repository: str, manifest: Manifest) -> ListedSignature:
    layer = envelope_of(manifest)
    if isinstance(layer, SignatureFault):
        return ListedSignature(manifest.digest, fault=layer)
    if manifest.media_type not in (OCI_MANIFEST, OCI_ARTIFACT):  # listed as one, in a form that notation refuses
        message = f"The signature manifest is of the type {manifest.media_type}, in which signatures are not kept."
        return ListedSignature(manifest.digest, fault=SignatureFault(Word.failed, "manifest_form", message))
    try:
        envelope = source.blob(repository, layer, max_size=MAX_ENVELOPE)
    except OciError as error:
        return ListedSignature(manifest.digest, layer.media_type, fault=fetch_fault(error))
    return ListedSignature(manifest.digest, layer.media_type, envelope, annotations=manifest.annotations)


def _manifest_fault(error: OciError) -> SignatureFault:
    if isinstance(error, ManifestError):
        return SignatureFault(
            Word.failed, error.code, f"The signature manifest cannot be read: {as_sentence(str(error))}"
        )
    return fetch_fault(error)


def fetch_fault(error: OciError) -> SignatureFault:
    """Something is not to be had, which says nothing about the signature. notation gives up there, for all of them."""
    return SignatureFault(
        Word.unknown, "limit" if isinstance(error, LimitError) else error.code, as_sentence(str(error))
    )
