"""The page of one signature: what holds, what is only claimed, and the equal commands of notation."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from dashboard.artifact_pages import Place, roles_of, rungs_of
from dashboard.envelope_page import EnvelopePage
from dashboard.ladder import Rung, nearest_fix
from dashboard.sentences import Sentence, sentence
from dashboard.trust_path import Path
from dashboard.vouched import called, vouched
from dashboard.why import path_of, picture_url
from trust.notary.evidence import Evidence
from trust.notary.outcome import Outcome
from trust.on_the_spot import JudgedArtifact, JudgedSignature


@dataclass(frozen=True)
class SignaturePage(EnvelopePage):
    """All that is shown of a signature."""

    signature: JudgedSignature
    title: str
    said: Sentence
    fix: str
    rungs: tuple[Rung, ...]
    path: Path
    picture: str
    commands: tuple[tuple[str, str], ...]

    @property
    def evidence(self) -> Evidence | None:
        return self.signature.evidence

    @property
    def outcome(self) -> Outcome:
        return self.signature.outcome


def signature_page(user: User, place: Place, judged: JudgedArtifact, signature: JudgedSignature) -> SignaturePage:
    outcome = signature.outcome
    statement = judged.choice.statement.name if judged.choice.statement else ""
    return SignaturePage(
        signature=signature,
        title=f"Signature by {called(outcome.signer, vouched=vouched(outcome))}"
        if outcome.signer
        else "Signature, signer not proven",
        said=sentence(
            outcome.word,
            outcome.reason,
            signer=outcome.signer,
            statement=statement,
            roles=roles_of(judged, signature),
        ),
        fix=nearest_fix(outcome, judged.choice, outcome.word, outcome.reason, judged.repository.reference),
        rungs=rungs_of(judged, signature),
        path=path_of(user, judged, signature),
        picture=picture_url(judged, signature),
        commands=tuple(_commands(place)),
    )


def _commands(place: Place) -> Iterator[tuple[str, str]]:
    if place.reference:
        yield "notation", f"notation verify {place.reference}"
        yield "notation, what it says", f"notation inspect {place.reference}"
