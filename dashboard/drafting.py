"""Acts on drafts that several pages share: beginning one, giving it another content, and previewing it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from dashboard import audit
from dashboard.requests import Request
from trust import drafts, previewing, revisions, tasks
from trust.draft_rows import Draft
from trust.revisions import Content


def current(user: User) -> Draft | None:
    """The draft that a person edits: the newest open one of theirs that rests on the active revision."""
    mine = Draft.objects.filter(author=user, state=Draft.State.OPEN, based_on=revisions.active_number())
    return mine.order_by("-pk").first()


def begin(request: Request, content: Content, reason: str = "", based_on: int | None = None) -> Draft:
    """A new draft of the person, recorded and previewed; it rests on the active revision unless another is given."""
    now = timezone.now()
    assert isinstance(request.user, User), "only admins draft"
    with transaction.atomic():
        draft = drafts.begin(content, based_on or revisions.active_number(), request.user, now, reason)
        audit.record(request.user, "trust_draft.begun", str(draft), now, fingerprint=fingerprint(draft))
        preview(draft)
    return draft


def save(request: Request, draft: Draft, content: Content, what: str, **details: object) -> Draft:
    """The draft with this content, recorded and previewed. Raises StaleDraftError.

    `what`: the act, for the record, such as `certificates_added`.
    """
    now = timezone.now()
    assert isinstance(request.user, User), "only admins draft"
    with transaction.atomic():
        saved = drafts.save(draft, content, draft.reason, request.user, now)
        audit.record(request.user, f"trust_draft.{what}", str(saved), now, fingerprint=fingerprint(saved), **details)
        preview(saved)
    return saved


def preview(draft: Draft) -> None:
    """Have the draft judged against all that is stored, if it could be applied at all."""
    if drafts.refusals(drafts.content_of(draft)):
        return
    previewing.begin(draft, timezone.now())
    transaction.on_commit(tasks.nudge_previews, robust=True)


def fingerprint(draft: Draft) -> str:
    content = drafts.content_of(draft)
    return revisions.fingerprint(content.policy, content.files, content.blob_policy)
