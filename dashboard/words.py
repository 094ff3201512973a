"""How verdicts are spoken on a page: label, shape and tone of every word. Pure."""

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
    "other": KindLook("info", "other", "others"),
}
OTHER = KINDS["other"]


def kind_look(kind: str) -> KindLook:
    return KINDS.get(kind, OTHER)
