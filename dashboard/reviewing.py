"""The second pair of eyes: which drafts another admin must approve before they are applied, and whether one did."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User

from dashboard import access
from trust.broadening import Broadening
from trust.draft_rows import Draft


@dataclass(frozen=True, slots=True)
class Review:
    """Whether a draft needs another admin's approval, and has it. `why` is a sentence for people."""

    needed: bool
    given: bool
    why: str

    @property
    def is_missing(self) -> bool:
        return self.needed and not self.given


def review_of(draft: Draft, broadened: Sequence[Broadening]) -> Review:
    """What the setting asks of this version of the draft; with a single admin nothing can be asked."""
    asked = bool(broadened) or settings.REVIEW == "always"
    others = access.admins().exclude(pk__in=draft.editors).exists()
    if not asked:
        return Review(needed=False, given=False, why="It broadens nothing, so no second admin has to approve it.")
    if draft.is_approved:
        return Review(needed=True, given=True, why=f"{draft.reviewer_name} approved this version.")
    if not others and access.admins().count() < 2:
        return Review(needed=False, given=False, why="There is one admin only, so nobody else can approve it.")
    what = "It broadens trust" if broadened else "Every change needs it"
    whom = "another admin must approve it" if others else "every admin edited it, so nobody is left to approve it"
    return Review(needed=True, given=False, why=f"{what}: {whom}.")


def may_approve(draft: Draft, user: User, review: Review) -> bool:
    return review.is_missing and access.is_admin(user) and user.pk not in draft.editors
