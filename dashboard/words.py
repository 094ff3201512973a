"""How verdicts are spoken on a page: label, shape and tone of every word. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from trust.notary.outcome import CheckStatus, Word


@dataclass(frozen=True, slots=True)
class Look:
    """The grammar of one verdict: its label, its shape in icons.svg and its class, which sets the colour."""

    label: str
    shape: str
    tone: str


LOOKS = {
    Word.verified: Look("Verified", "verified", "is-verified"),
    Word.verified_with_exceptions: Look("Verified with exceptions", "exceptions", "is-exceptions"),
    Word.untrusted: Look("Untrusted", "untrusted", "is-untrusted"),
    Word.failed: Look("Failed", "failed", "is-failed"),
    Word.unsigned: Look("Unsigned", "unsigned", "is-unsigned"),
    Word.not_checked: Look("Not checked", "not-checked", "is-not-checked"),
    Word.unknown: Look("Unknown", "unknown", "is-unknown"),
    Word.stale: Look("Stale", "stale", "is-stale"),
}
REVOKED = Look("Revoked", "revoked", "is-untrusted is-revoked")

# A rung of the ladder wears the same shapes: what holds, what does not, and what nobody can say.
CHECK_LOOKS = {
    CheckStatus.passed: LOOKS[Word.verified],
    CheckStatus.failed: LOOKS[Word.failed],
    CheckStatus.skipped: LOOKS[Word.not_checked],
    CheckStatus.not_run: LOOKS[Word.not_checked],
    CheckStatus.not_evaluated: LOOKS[Word.unknown],
}


def look_of(word: str) -> Look:
    """The look of a word; one that this version does not know reads unknown, and never green."""
    try:
        return LOOKS[Word(word)]
    except ValueError:
        return LOOKS[Word.unknown]


@dataclass(frozen=True, slots=True)
class KindLook:
    """How a kind of manifest is named and drawn."""

    icon: str
    one: str
    many: str

    def of(self, number: int) -> str:
        return f"{number:,} {self.one if number == 1 else self.many}"


KINDS = {
    "image": KindLook("artifact", "image", "images"),
    "index": KindLook("index", "image index", "image indexes"),
    "signature": KindLook("signature", "signature", "signatures"),
    "sbom": KindLook("sbom", "SBOM", "SBOMs"),
    "scan": KindLook("scan", "scan result", "scan results"),
    "provenance": KindLook("provenance", "provenance", "provenances"),
    "attestation": KindLook("audit", "attestation", "attestations"),
    "chart": KindLook("artifact", "chart", "charts"),
    "policy": KindLook("policy", "policy", "policies"),
    "module": KindLook("artifact", "module", "modules"),
    "bundle": KindLook("artifact", "bundle", "bundles"),
    "cache": KindLook("info", "build cache", "build caches"),
    "other": KindLook("info", "other", "others"),
}
OTHER = KINDS["other"]


def kind_look(kind: str) -> KindLook:
    return KINDS.get(kind, OTHER)


REASONS = {  # stable codes as people say them; the others are read as they are written
    "algorithm_mismatch": "Algorithm does not fit the key",
    "answer_doubtful": "Doubtful revocation answer",
    "authentic_timestamp_logged": "Validity only logged",
    "blob_digest_unknown": "Blob's digest not known",
    "blob_mismatch": "Made for another blob",
    "blocked_by_policy": "Blocked by registry policy",
    "certificate_expired": "Certificate expired",
    "certificate_not_yet_valid": "Certificate not valid yet",
    "chain_without_root": "Chain without a root",
    "chain_leaf_key_usage": "Leaf may not sign",
    "chain_leaf_extended_key_usage": "Leaf may not sign code",
    "content_type": "Payload of another type",
    "critical_attribute_unknown": "Unknown critical attribute",
    "critical_missing": "Nothing marked critical",
    "deadline": "A deadline passed",
    "envelope_empty": "Envelope empty",
    "envelope_missing": "Envelope not to be had",
    "envelope_type": "Unknown envelope format",
    "envelope_unreadable": "Envelope unreadable",
    "expired": "Signature expired",
    "expiry_before_signing": "Expired before signing",
    "expiry_logged": "Expiry only logged",
    "folding_veto": "Spelled in another way",
    "identity_mismatch": "Other identity",
    "legacy": "Legacy, counts for nothing",
    "layer_count": "Not one envelope",
    "level_skip": "Statement skips it",
    "limit": "More than is read",
    "listing_incomplete": "Listing incomplete",
    "listing_old": "Listing too old",
    "metadata_mismatch": "Other user metadata",
    "no_global_statement": "No global statement",
    "no_policy": "No trust policy",
    "no_statement": "No statement applies",
    "no_store_for_scheme": "No store for the scheme",
    "no_such_statement": "No such statement",
    "not_listed": "Never listed",
    "plugin_needed": "Needs a plugin",
    "revocation_logged": "Revocation only logged",
    "revocation_not_evaluated": "Revocation not known",
    "revocation_skipped": "Revocation not asked",
    "revocation_unknown": "Nobody answers about revocation",
    "revoked": "Certificate revoked",
    "signature_invalid": "Bytes altered",
    "standing": "Standing not known",
    "subject_unreadable": "Subject cannot be compared",
    "target_mismatch": "Made for another artifact",
    "timestamp_imprint": "Timestamp of another signature",
    "timestamp_limit": "Timestamp too large",
    "timestamp_missing": "Timestamp missing",
    "timestamp_not_evaluated": "Timestamp not evaluated",
    "timestamp_outside_validity": "Timestamp outside validity",
    "timestamp_signature_invalid": "Timestamp altered",
    "timestamp_unreadable": "Timestamp unreadable",
    "timestamp_unsupported": "Timestamp not understood",
    "trust_store_unusable": "Trust store unusable",
    "tsa_outside_validity": "Timestamp authority not valid",
    "tsa_revocation_unknown": "Nobody answers about the timestamp authority",
    "tsa_revoked": "Timestamp authority revoked",
    "tsa_revocation_not_evaluated": "Timestamp authority's revocation not known",
    "tsa_store_unusable": "Timestamp store unusable",
    "tsa_unknown_root": "Timestamp authority not trusted",
    "unknown_root": "No trusted root",
}


def reason_text(code: str) -> str:
    """A reason in a few words."""
    return REASONS.get(code) or code.replace("_", " ").replace("-", " ").capitalize()


def best_tag(tags: Sequence[str]) -> str:
    """The tag that says most: 2.14.2 rather than 2.14, and anything rather than latest."""
    return max(tags, key=lambda tag: (tag != "latest", len(tag), tag), default="")
