"""What a worker has found out as of one instant, kept while it goes from repository to repository: a question is judged once."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trust.models import Judgement, TrustRevision
from trust.rulings import Rulings

LONGEST = timedelta(minutes=2)  # then the instant is too old to judge by
MOST = 60_000  # questions

type Answer = str
"The columns of a row as JSON (`rewriting.as_answer`)."


@dataclass(slots=True)
class Known:
    """Answers by question, of repositories to which the same statement applies for the same reason."""

    statuses: dict[str, Answer] = field(default_factory=dict)
    verdicts: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """The answers as of one instant."""

    at: datetime
    _known: dict[tuple[object, ...], Known] = field(default_factory=dict)

    def known(self, rulings: Rulings) -> Known:
        """What is known under these rulings; more may be added."""
        revision, choice = rulings.revision, rulings.choice
        which = (revision.pk, revision.fingerprint) if revision else None
        key = which, choice.code, choice.message, rulings.statement
        return self._known.setdefault(key, Known())

    def serves(self, row: Judgement, revision: TrustRevision | None, now: datetime) -> bool:
        """Whether a repository may be judged as of this instant: nothing came after it, and nobody asked for a later look."""
        before = [moment for moment in (row.judged_at, revision and revision.created_at) if moment]
        asked_since = (
            row.due_at is not None and self.at < row.due_at <= now + LONGEST
        )  # whatever the other's clock says
        recent = now - LONGEST <= self.at <= now and all(moment <= self.at for moment in before)
        return recent and not asked_since and sum(len(known.statuses) for known in list(self._known.values())) < MOST


_newest: deque[Memory] = deque(maxlen=1)  # of this process


def current(row: Judgement, revision: TrustRevision | None, now: datetime) -> Memory:
    """This process's memory, or an empty one in its place where that does not serve."""
    for memory in list(_newest):
        if memory.serves(row, revision, now):
            return memory
    memory = Memory(now)
    _newest.append(memory)
    return memory


def forget() -> None:
    """Know nothing any more: for another database under a running process."""
    _newest.clear()
