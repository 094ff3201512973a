"""What a draft makes of the artifacts of one course: judged once, on one of them, and remembered by this process."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from registries.leases import Lease
from registries.models import Repository
from registries.polling import Tier
from trust import drafts, holdings, revisions
from trust.draft_rows import Preview, PreviewPart
from trust.judging import judge_subjects
from trust.models import ArtifactStatus
from trust.notary.levels import Validation
from trust.notary.outcome import Word
from trust.records import JudgedRow, JudgedSubject
from trust.rulings import Rulings

NOT_ASKED = "revocation_not_evaluated"  # the check's code where nobody was asked yet
MOST_KNOWN = 200_000  # answers that a process keeps
BATCH = 2000  # artifacts judged at once


@dataclass(frozen=True, slots=True)
class After:
    """What the draft makes of every artifact of one course."""

    word: str
    reason: str
    message: str
    signer: str
    statement: str
    tier: Tier | None
    "How often the listing of such an artifact is asked for, and so how old it may be; None where there is none."
    hinges_on: tuple[str, ...]


type Answers = dict[str, After]
"By course: of the artifacts, or of their questions where the draft's stores tell them apart (`questions.course_of`)."


@dataclass(slots=True)
class Known:
    """Answers of one preview, by what applies to a repository and by course: they are the same everywhere."""

    preview: tuple[int, str]
    "Its key and the fingerprint of its content: a restored database may use a key again."
    at: datetime
    material: revisions.Material
    answers: dict[tuple[object, ...], Answers] = field(default_factory=dict)
    alike: dict[After, After] = field(default_factory=dict)
    "Equal answers are one value: there are far fewer of them than courses."
    told_apart: set[str] = field(default_factory=set)
    "Courses whose artifacts the draft's stores tell apart: there each question is judged."

    def under(self, rulings: Rulings) -> Answers:
        if sum(map(len, self.answers.values())) > MOST_KNOWN:
            self.answers.clear()
            self.alike.clear()
        return self.answers.setdefault((rulings.choice.code, rulings.choice.message, rulings.statement), {})

    def rulings(self, repository: Repository) -> Rulings:
        return Rulings.by(repository.reference, self.material, self.at)

    def judge(
        self, repository: Repository, samples: Mapping[str, int], lease: Lease[PreviewPart], answers: Answers
    ) -> bool:
        """Judge one artifact of each course, by the key of its status. False: one is not of its question any more."""
        rulings = self.rulings(repository)
        for some in batched(samples.items(), BATCH):
            courses = {pk: course for course, pk in some}
            rows = ArtifactStatus.objects.filter(repository=repository, pk__in=courses)
            wanted = {
                digest: (courses[pk], question)
                for pk, digest, question in rows.values_list("pk", "manifest_id", "question")
            }
            judged = judge_subjects(repository, holdings.samples(repository, wanted.keys()), rulings, lease)
            right = [each for each in judged if wanted[each.subject.digest][1] == each.question]
            if len(right) < len(some):
                return False
            for each in judged:
                course, question = wanted[each.subject.digest]
                if course in (each.course, question):
                    after = _after(each, rulings)
                    answers[course] = self.alike.setdefault(after, after)
                else:
                    self.told_apart.add(course)
        return True


_newest: deque[Known] = deque(maxlen=2)  # of this process


def known_of(preview: Preview) -> Known:
    for known in list(_newest):
        if known.preview == (preview.pk, preview.fingerprint) and known.at == preview.at:
            return known
    known = Known((preview.pk, preview.fingerprint), preview.at, drafts.material_of(drafts.content_of(preview.draft)))
    _newest.append(known)
    return known


def _after(judged: JudgedSubject, rulings: Rulings) -> After:
    verdict, listing = judged.verdict, judged.subject.listing
    hinging = [] if verdict.word is Word.verified else [row for row in judged.signatures if _hinges(row)]
    return After(
        word=verdict.word,
        reason=verdict.reason,
        message=verdict.message,
        signer=verdict.signer,
        statement=rulings.statement,
        tier=Tier(listing.tier) if listing else None,
        hinges_on=tuple(sorted({row.signature.chain_id for row in hinging if row.signature.chain_id})),
    )


def _hinges(row: JudgedRow) -> bool:
    """Whether revocation would have a say, and nobody was asked yet."""
    found = [result for result in row.outcome.results if result.validation is Validation.revocation]
    return any(result.code == NOT_ASKED for result in found)
