"""Acts on drafts that several pages share: beginning one, giving it another content, and previewing it."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone

from dashboard import audit
from dashboard.requests import Request
from dashboard.templatetags.signboard import inert_text
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
        # The names of signers and files are foreign, and whoever applies it gives this reason as theirs.
        draft = drafts.begin(content, based_on or revisions.active_number(), request.user, now, inert_text(reason))
        audit.record(request.user, "trust_draft.begun", str(draft), now, fingerprint=fingerprint(draft))
        preview(draft)
    return draft


def put(request: Request, draft: Draft | None, content: Content, what: str, **details: object) -> Draft:
    """A draft with this content after an act: the one that is edited, or a new one where none is. Raises StaleDraftError."""
    if draft is not None:
        return save(request, draft, content, what, **details)
    with transaction.atomic():
        draft = begin(request, content)
        audit.record(request.user, f"trust_draft.{what}", str(draft), None, fingerprint=fingerprint(draft), **details)
    return draft


@dataclass(frozen=True, slots=True)
class Base:
    """What an edit starts from: an open draft, else the active revision, else nothing at all."""

    draft: Draft | None
    content: Content

    @property
    def seen(self) -> str:
        """Tells what a form was filled in for, so that nothing is overwritten that came meanwhile."""
        if self.draft:
            return f"draft {self.draft.pk}, {self.draft.version}"
        return f"revision {revisions.active_number()}"


def base_of(request: Request) -> Base:
    """The draft that the address names (404 for one that is not open), else the person's current one, else a new one."""
    named = request.GET.get("draft", "")
    if named:
        number = int(named) if named.isascii() and named.isdigit() and len(named) < 10 else 0
        draft: Draft | None = get_object_or_404(Draft, pk=number, state=Draft.State.OPEN)
    else:
        draft = current(request.user)
    if draft:
        return Base(draft, drafts.content_of(draft))
    active = revisions.active()
    return Base(None, revisions.content_of(active) if active else Content(b"", {}))


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
