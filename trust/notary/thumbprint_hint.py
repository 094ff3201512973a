"""The thumbprint annotation of a signature manifest: a hint that nobody signed, so it decides nothing."""

from collections.abc import Mapping
from dataclasses import replace

from registries.oci.strict_json import StrictJsonError, loads
from trust.notary.evidence import Evidence
from trust.notary.outcome import Note, Outcome

THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256"
LONGEST = 16 * 1024  # ten thumbprints have some 700 characters
MISMATCH = Note(
    "thumbprint_mismatch",
    "The thumbprint annotation of the signature manifest names other certificates than the envelope holds; "
    "nobody relies on it.",
)
UNREADABLE = Note(
    "thumbprint_unreadable",
    "The thumbprint annotation of the signature manifest is no JSON list of thumbprints; nobody relies on it.",
)


def thumbprint_note(annotations: Mapping[str, str], evidence: Evidence) -> Note | None:
    """What is odd about the annotation, if it is there and the envelope's certificates can be read."""
    hint = annotations.get(THUMBPRINTS)
    chain = evidence.chain or evidence.unverified_chain
    if hint is None or not chain:
        return None
    named = _thumbprints(hint)
    if named is None:
        return UNREADABLE
    return None if named == [certificate.thumbprint for certificate in chain] else MISMATCH


def with_thumbprint_note(outcome: Outcome, annotations: Mapping[str, str], evidence: Evidence) -> Outcome:
    """The outcome, saying also what is odd about the annotation."""
    note = thumbprint_note(annotations, evidence)
    return replace(outcome, notes=(*outcome.notes, note)) if note else outcome


def _thumbprints(hint: str) -> list[str] | None:
    if len(hint) > LONGEST:
        return None
    try:
        value = loads(hint.encode(errors="replace"))
    except StrictJsonError:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return value
