"""A draft as its page shows it: what it says against the active revision, what that changes, and what keeps it from being applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import AnonymousUser, User

from dashboard import access, reviewing
from dashboard.impact import Impact
from dashboard.json_lines import Line, compare
from dashboard.reviewing import Review
from dashboard.trust_pages import hollow_statements
from trust import drafts, revisions
from trust.additions import Additions
from trust.broadening import Broadening, broadenings
from trust.differences import Difference, differences
from trust.double_roles import new_double_roles
from trust.draft_rows import Draft
from trust.drafts import Refusal
from trust.label_differences import label_differences
from trust.models import TrustRevision
from trust.notary.errors import NotaryError
from trust.revisions import Content, Material

PARTS = {"policy": "Trust policy", "blob_policy": "Blob trust policy", "stores": "Trust stores"}


@dataclass(frozen=True, slots=True)
class ContentDifference:
    """What one content says that another does not: in words and line by line. `fault`: why there are no words."""

    words: Sequence[Difference]
    broadened: Sequence[Broadening]
    lines: Sequence[Line] | None
    blob_lines: Sequence[Line] | None
    fault: str = ""
    hollow: Sequence[str] = ()
    "Statements of the later one that name a store that does not exist."
    same: bool = False
    "Both are made of the same bytes."

    @property
    def blobs_differ(self) -> bool:
        return self.blob_lines is None or any(line.mark for line in self.blob_lines)


def difference_between(before: Content | None, after: Content) -> ContentDifference:
    """The difference, in words as far as both can be read."""
    fault, words, broadened, hollow = "", list[Difference](), list[Broadening](), list[str]()
    try:
        old = drafts.material_of(before) if before else None
        new = drafts.material_of(after)
        past = before.additions if before else Additions()
    except NotaryError as error:
        fault = str(error)
    else:
        words = [*differences(old, new), *label_differences(past, after.additions)]
        broadened = _broadened((old, past), (new, after.additions))
        hollow = hollow_statements(new)
    return ContentDifference(
        words,
        broadened,
        compare(before.policy if before else b"", after.policy),
        compare(before.blob_policy if before else b"", after.blob_policy),
        fault,
        hollow,
        same=before == after,
    )


@dataclass(frozen=True, slots=True)
class DraftPage:
    """All that the page of a draft says."""

    draft: Draft
    active: TrustRevision | None
    refusals: Sequence[tuple[str, Refusal]]
    difference: ContentDifference
    impact: Impact | None
    review: Review
    obstacles: Sequence[str]
    is_admin: bool
    may_approve: bool

    @property
    def number(self) -> int:
        """What the revision would be called."""
        return (self.active.number if self.active else 0) + 1

    @property
    def is_stale(self) -> bool:
        return self.draft.is_open and self.draft.based_on != (self.active.number if self.active else None)

    @classmethod
    def of(cls, draft: Draft, user: User | AnonymousUser) -> Self:
        active, content = revisions.active(), drafts.content_of(draft)
        refusals = [(PARTS[refusal.part], refusal) for refusal in drafts.refusals(content)]
        difference = difference_between(_compared(draft, active), content)
        review = reviewing.review_of(draft, difference.broadened)
        is_stale = draft.is_open and draft.based_on != (active.number if active else None)
        obstacles = [f"{part} breaks a rule" for part, _ in refusals]
        obstacles += [f"revision {active.number} is active meanwhile"] if is_stale and active else []
        obstacles += ["an approval is missing"] if review.is_missing else []
        obstacles += ["nothing is different"] if difference.same else []
        return cls(
            draft=draft,
            active=active,
            refusals=refusals,
            difference=difference,
            impact=Impact.of(draft, active.number if active else None) if draft.is_open else None,
            review=review,
            obstacles=obstacles,
            is_admin=access.is_admin(user),
            may_approve=isinstance(user, User) and reviewing.may_approve(draft, user, review),
        )


def review_now(draft: Draft) -> Review:
    """What the setting asks of the draft, against what is active now."""
    active = revisions.active()
    before = revisions.content_of(active) if active else Content(b"", {})
    content = drafts.content_of(draft)
    now = drafts.material_of(content), content.additions
    return reviewing.review_of(draft, _broadened((_read(before), before.additions), now))


def _broadened(before: tuple[Material | None, Additions], after: tuple[Material, Additions]) -> list[Broadening]:
    """What lets more pass, and who could do alone what was for two."""
    old, labels = before
    return [*broadenings(old, after[0]), *new_double_roles((old, labels) if old else None, after)]


def _compared(draft: Draft, active: TrustRevision | None) -> Content | None:
    """What a draft is compared with: what it would replace; once it ended, what it was begun from."""
    if draft.is_open:
        return revisions.content_of(active) if active else None
    before = TrustRevision.objects.filter(number=draft.based_on).first() if draft.based_on else None
    return revisions.content_of(before) if before else None


def _read(content: Content) -> Material | None:
    """None for what another version of Signboard wrote and this one cannot read: then everything is new."""
    try:
        return drafts.material_of(content)
    except NotaryError:
        return None
