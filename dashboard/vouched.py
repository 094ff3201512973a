"""Whether somebody trusted vouches for the names in a chain, or whoever made the signature only claims them. Pure."""

from trust.notary.levels import Validation
from trust.notary.outcome import CheckStatus, Outcome, Word

NO_TRUSTED_ROOT = ("unknown_root", "no_store_for_scheme", "trust_store_unusable")


def vouched(outcome: Outcome) -> bool:
    """Whether a store of the statement holds a certificate of the chain; without, anybody can have written its names."""
    return any(
        result.validation is Validation.authenticity and result.status is CheckStatus.passed
        for result in outcome.results
    )


def vouched_as_stored(word: Word | str, reason: str) -> bool:
    """The same where only the word of a signature is at hand; where that leaves it open, nobody vouches."""
    return word not in (Word.failed, Word.not_checked) and reason not in NO_TRUSTED_ROOT


def called(signer: str, *, vouched: bool) -> str:
    """The signer as the object of a sentence."""
    return signer if vouched or not signer else f"somebody who claims to be {signer}"
