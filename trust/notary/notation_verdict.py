"""What notation 1.3 would say of an artifact as a whole, given the outcome of each of its signatures."""

from collections.abc import Sequence

from trust.notary.outcome import NotationVerdict, Outcome, SignatureFault
from trust.notary.trust_policy import Choice

MAX_SIGNATURES = 100


def notation_verdict(
    outcomes: Sequence[Outcome | SignatureFault],
    max_signatures: int = MAX_SIGNATURES,
    *,
    choice: Choice | None = None,
) -> NotationVerdict:
    """What notation would say of the artifact: it takes signatures in this order, and stops at the first good one."""
    if choice and choice.statement is None:
        return NotationVerdict(verified=False, error=choice.message)
    skips = bool(choice and choice.statement and choice.statement.level.skips_everything)
    if skips or any(isinstance(outcome, Outcome) and outcome.skipped for outcome in outcomes):
        return NotationVerdict(verified=False, skipped=True)
    if not outcomes:
        return NotationVerdict(verified=False, error="No signature is associated with the artifact.")
    for outcome in outcomes[:max_signatures]:
        if isinstance(outcome, Outcome) and outcome.verified:
            return NotationVerdict(verified=True)
        if isinstance(outcome, SignatureFault) and outcome.ends_notation:
            return NotationVerdict(verified=False, error=outcome.message)
    if len(outcomes) >= max_signatures:  # reaching the limit counts, even where nothing is left
        return NotationVerdict(verified=False, error=f"None of the first {max_signatures} signatures is good.")
    return NotationVerdict(verified=False, error="None of the artifact's signatures is good.")
