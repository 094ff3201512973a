"""The status of an artifact: one word for all its signatures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from trust.notary.outcome import CheckStatus, Outcome, SignatureFault, Word
from trust.notary.trust_policy import Choice

SEVERITY = {  # lists begin with the worst
    word: rank
    for rank, word in enumerate((
        Word.failed, Word.untrusted, Word.unknown, Word.stale, Word.unsigned, Word.not_checked,
        Word.verified_with_exceptions, Word.verified,
    ))
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArtifactVerdict:
    """Signboard's word for an artifact, why, and the index of the signature that decided it."""

    word: Word
    reason: str
    message: str
    signer: str = ""
    green_until: datetime | None = None
    deciding: int | None = None
    stands_until: datetime | None = None  # when the first answer runs out on which it rests; those are renewed
    own_until: datetime | None = None  # `green_until` without the age of the listing

    @property
    def holds_until(self) -> datetime | None:
        """The earliest instant at which it would turn if nobody asked anything anew."""
        return min((moment for moment in (self.green_until, self.stands_until) if moment), default=None)


def artifact_status(
    outcomes: Sequence[Outcome | SignatureFault],
    listing_complete: bool,
    choice: Choice,
    limit_reached: bool = False,
) -> ArtifactVerdict:
    """The word of an artifact whose listed signatures were judged. First match decides."""
    complete = listing_complete and not limit_reached
    if complete and not outcomes:
        return ArtifactVerdict(Word.unsigned, "unsigned", "The registry lists no signature for this artifact.")
    if choice.statement is None:
        code = "no_statement" if choice.code == "none" else choice.code
        return ArtifactVerdict(Word.not_checked, code, choice.message)
    if choice.statement.level.skips_everything:
        message = f"Statement {choice.statement.name} skips verification."
        return ArtifactVerdict(Word.not_checked, "level_skip", message)
    if greens := [index for index, outcome in enumerate(outcomes) if outcome.word.is_green]:
        return _decided_by(outcomes, max(greens, key=lambda index: _goodness(outcomes[index])))
    if limit_reached:
        message = "None of the signatures that were read is good, and there are more than Signboard reads."
        return ArtifactVerdict(Word.unknown, "limit", message)
    if not listing_complete:
        message = "The list of signatures is incomplete, and none of those listed is good."
        return ArtifactVerdict(Word.unknown, "listing_incomplete", message)
    for word in (Word.unknown, Word.failed):
        if some := [index for index, outcome in enumerate(outcomes) if outcome.word is word]:
            return _decided_by(outcomes, some[0])
    return _decided_by(outcomes, max(range(len(outcomes)), key=lambda index: _nearness(outcomes[index])))


def _goodness(outcome: Outcome | SignatureFault) -> tuple[bool, bool, float]:
    """Verified before exceptions, and what stays green longest first."""
    until = outcome.green_until if isinstance(outcome, Outcome) else None
    return outcome.word is Word.verified, until is None, until.timestamp() if until else 0.0


def _nearness(outcome: Outcome | SignatureFault) -> int:
    """How many checks a signature passed: of several that fail, the one that nearly passed says most."""
    results: Iterable[CheckStatus] = (r.status for r in outcome.results) if isinstance(outcome, Outcome) else ()
    return sum(status is CheckStatus.passed for status in results)


def _decided_by(outcomes: Sequence[Outcome | SignatureFault], index: int) -> ArtifactVerdict:
    outcome = outcomes[index]
    if isinstance(outcome, SignatureFault):
        return ArtifactVerdict(outcome.word, outcome.reason, outcome.message, deciding=index)
    return ArtifactVerdict(
        outcome.word,
        outcome.reason,
        outcome.message,
        outcome.signer,
        outcome.green_until,
        index,
        outcome.stands_until,
    )
