"""The answer of "Verify a blob": the same ladder, chain and attributes as on the page of a signature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from dashboard.envelope_page import EnvelopePage
from dashboard.ladder import Rung, below, nearest_fix
from dashboard.parts import plain
from dashboard.sentences import Sentence, sentence
from dashboard.words import LOOKS
from trust.blobs import JudgedBlob
from trust.models import TrustRevision
from trust.notary.evidence import Evidence
from trust.notary.outcome import Outcome, Word
from trust.notary.trust_policy import Choice


@dataclass(frozen=True)
class BlobPage(EnvelopePage):
    """All that is shown of a blob's signature."""

    name: str  # of the blob, as whoever asked calls it
    judged: JudgedBlob
    revision: TrustRevision
    said: Sentence
    fix: str
    notation: str
    rungs: tuple[Rung, ...]

    @property
    def outcome(self) -> Outcome:
        return self.judged.outcome

    @property
    def evidence(self) -> Evidence:
        return self.judged.evidence

    @property
    def at(self) -> datetime:
        return self.judged.at

    @property
    def another_target(self) -> bool:
        """Whether the payload certainly names something else."""
        return any(result.code == "blob_mismatch" for result in self.outcome.results)

    @classmethod
    def of(cls, name: str, judged: JudgedBlob, revision: TrustRevision) -> Self:
        outcome, choice = judged.outcome, judged.choice
        return cls(
            name=name,
            judged=judged,
            revision=revision,
            said=sentence(outcome.word, outcome.reason, signer=outcome.signer, statement=outcome.statement),
            fix=nearest_fix(outcome, choice, outcome.word, outcome.reason, ""),
            notation=_notation_says(judged),
            rungs=below(_policy_rung(choice), outcome, choice),
        )


def _notation_says(judged: JudgedBlob) -> str:
    notation = judged.notation
    if notation.skipped:
        return "verification is skipped"
    return "verified" if notation.verified else "refused"


def _policy_rung(choice: Choice) -> Rung:
    """Whether a statement applies at all."""
    statement = choice.statement
    applies = statement is not None and not statement.level.skips_everything
    seen = "a statement was named" if choice.code in ("named", "no_such_statement") else "no statement was named"
    return Rung(
        name="policy",
        title="Policy",
        answer="Applies" if applies else "Skips verification" if statement else "No statement applies",
        look=LOOKS[Word.verified if applies else Word.not_checked],
        action=f"level {statement.level.name}" if statement else "",
        message=choice.message,
        seen=plain(seen),
        wanted=plain("the name of a statement, or none where one is global"),
        fix=f"Give statement {statement.name} another level." if statement and not applies else "",
        here=not applies,
        stops=not applies,
    )
