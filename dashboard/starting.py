"""What a trust policy can start from or grow by: signers that were seen, a signature at hand, new repositories."""

from trust import pattern_scopes, signers_seen
from trust.additions import Additions
from trust.models import TrustRevision
from trust.notary.errors import TrustPolicyError
from trust.notary.outcome import Word
from trust.on_the_spot import JudgedSignature
from trust.signers_seen import STORE_TYPE, Signer

TRUST_WOULD_DO = (  # reasons that go away once the signer is trusted here
    "unknown_root", "identity_mismatch", "no_store_for_scheme", "trust_store_unusable", "no_subject_identity",
    "no_policy", "no_statement", "level_skip",
)  # fmt: skip


def signers() -> tuple[list[Signer], int]:
    """Whom a first policy could accept, and how many more there are."""
    return signers_seen.seen()


def new_scopes(revision: TrustRevision) -> dict[str, list[str]]:
    """Repositories that came since, by the statement of the active revision whose patterns mean them."""
    if not revision.additions.get("patterns"):
        return {}
    try:
        additions = Additions.read(revision.additions)
        return pattern_scopes.missing(bytes(revision.policy), additions, pattern_scopes.references())
    except (TrustPolicyError, ValueError):  # written by another version of Signboard
        return {}


def signer_of(signature: JudgedSignature) -> Signer | None:
    """Who made a signature, where trusting them would make it verify; None where it would not, or they are not known."""
    outcome, evidence = signature.outcome, signature.evidence
    if outcome.word not in (Word.untrusted, Word.not_checked) or outcome.reason not in TRUST_WOULD_DO:
        return None
    if evidence is None or evidence.integrity is not None or not evidence.chain or evidence.signed is None:
        return None
    target = evidence.signed.target
    if target is None or target.target.digest != signature.row.subject:
        return None
    root = signers_seen.trustable(evidence.chain)
    return Signer(evidence.chain[0].subject, root, STORE_TYPE[evidence.signed.scheme.value]) if root else None
