"""Signature manifests: which blob of a manifest is the envelope, or why there is none to examine."""

from registries.oci.descriptor import Descriptor
from registries.oci.errors import OciError
from registries.oci.manifest import Manifest, parse_manifest
from trust.notary.evidence import MAX_ENVELOPE
from trust.notary.media_types import ENVELOPES
from trust.notary.outcome import SignatureFault, Word

NOTATION_READS = 32 * 1024 * 1024
"Bytes of an envelope. One that claims more ends notation's verification; ours are fewer, and end nothing."


def envelope_of(manifest: Manifest) -> Descriptor | SignatureFault:
    """The one envelope that a signature manifest names."""
    if len(manifest.layers) != 1:
        message = f"The signature manifest has {len(manifest.layers)} layers, where exactly one holds the envelope."
        return SignatureFault(Word.failed, "layer_count", message)
    layer = manifest.layers[0]
    if layer.size > NOTATION_READS:
        message = (
            f"The envelope has {layer.size} bytes; notation reads at most {NOTATION_READS}, Signboard {MAX_ENVELOPE}."
        )
        return SignatureFault(Word.unknown, "envelope_too_large", message)
    if layer.size > MAX_ENVELOPE:
        message = f"The envelope has {layer.size} bytes; at most {MAX_ENVELOPE} are read."
        return SignatureFault(Word.unknown, "limit", message, ends_notation=False)
    return layer


def envelope_of_bytes(content: bytes, media_type: str) -> Descriptor | SignatureFault:
    """The same for a manifest that is only bytes so far."""
    try:
        return envelope_of(parse_manifest(content, media_type))
    except OciError as error:
        return SignatureFault(Word.failed, "manifest_unreadable", f"The signature manifest cannot be read: {error}.")


def missing_manifest() -> SignatureFault:
    return SignatureFault(Word.unknown, "manifest_missing", "The signature manifest is not to be had.")


def missing_envelope(layer: Descriptor, why: str = "") -> SignatureFault:
    """The fault of an envelope that could not be fetched; one of a type that nobody fetches is unsupported instead."""
    if layer.media_type not in ENVELOPES:
        message = f"The signature's envelope is of the type {layer.media_type!a}, which is neither JWS nor COSE."
        return SignatureFault(Word.unknown, "envelope_type", message, ends_notation=False)
    message = f"The signature's envelope is not to be had{f': {why}' if why else ''}."
    return SignatureFault(Word.unknown, "envelope_missing", message)
