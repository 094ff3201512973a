"""Drafts of the next trust revision: what one says, what it would change, who approves it, and applying it."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import access, audit, drafting, impact, reviewing
from dashboard.draft_page import DraftPage, difference_between, review_now
from dashboard.requests import Request
from trust import drafts, revisions, revocation, tasks
from trust.draft_rows import Draft, PreviewGroup
from trust.drafts import ReviewError, StaleDraftError
from trust.models import TrustRevision
from trust.notary.errors import TrustPolicyError, TrustStoreError
from trust.revisions import StaleRevisionError

MOST_SHOWN = 50
LONGEST_REASON = 2000
MOST_COMPARED = 200


def for_readers[**Arguments](
    view: Callable[Concatenate[Request, Arguments], HttpResponse],
) -> Callable[Concatenate[Request, Arguments], HttpResponseBase]:
    """A draft names repositories and counts all artifacts: it is for those who see everything."""

    @wraps(view)
    def guarded(request: Request, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        if not access.sees_everything(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@for_readers
def drafts_list(request: Request) -> HttpResponse:
    rows = Draft.objects.defer("policy", "blob_policy").order_by("-pk")
    context = {
        "at": timezone.now(),
        "open": rows.filter(state=Draft.State.OPEN)[:MOST_SHOWN],
        "ended": rows.exclude(state=Draft.State.OPEN)[:MOST_SHOWN],
        "active": revisions.active_number(),
        "is_admin": access.is_admin(request.user),
    }
    return render(request, "dashboard/drafts.html", context)


@require_POST
@access.admin_required
def begin(request: Request) -> HttpResponse:
    """A draft with the content of the active revision, or of an earlier one that is to hold again."""
    active = revisions.active()
    source = _revision(request.POST.get("content"), [active.number] if active else [])
    reason = "" if source == active else f"The content of revision {source.number} again."
    draft = drafting.begin(request, revisions.content_of(source), reason)
    return redirect("draft", draft.pk)


@require_safe
@for_readers
def draft(request: Request, draft_id: int) -> HttpResponse:
    shown = get_object_or_404(Draft, pk=draft_id)
    page = DraftPage.of(shown, request.user)
    return render(
        request,
        "dashboard/draft.html" + ("#impact" if request.htmx else ""),
        {"at": timezone.now(), "page": page, "draft": shown},
    )


@require_safe
@for_readers
def changes(request: Request, draft_id: int) -> HttpResponse:
    """The artifacts that turn, as far as the preview has come."""
    shown = get_object_or_404(Draft, pk=draft_id)
    found = impact.Impact.of(shown, revisions.active_number())
    if found is None:
        raise Http404
    filters = impact.Filters.parse(request.GET)
    page = impact.page(filters, found.preview, request.GET.get("page", ""))
    groups = filters.groups(found.preview)
    query = filters.query()
    context = {
        "at": timezone.now(),
        "draft": shown,
        "impact": found,
        "filters": filters,
        "page": page,
        "next_url": f"?{query}&page={page.next}" if page.next else "",
        "repositories": impact.by_repository(groups),
        "signers": impact.by_signer(groups),
        "json_url": reverse("api_draft_changes", args=[shown.pk]) + (f"?{query}" if query else ""),
        "csv_url": reverse("api_draft_changes", args=[shown.pk]) + f"?{query}{'&' if query else ''}format=csv",
    }
    return render(request, "dashboard/draft_changes.html", context)


@require_safe
@for_readers
def compare(request: Request) -> HttpResponse:
    """Any two revisions, in words and line by line; the newest two where none are named."""
    numbers = list(TrustRevision.objects.order_by("-number").values_list("number", flat=True)[:MOST_COMPARED])
    if len(numbers) < 2 and not request.GET:
        return render(request, "dashboard/revisions_compare.html", {"at": timezone.now()})
    before, after = (
        _revision(request.GET.get(name), numbers[place : place + 1]) for name, place in (("before", 1), ("after", 0))
    )
    context = {
        "at": timezone.now(),
        "before": before,
        "after": after,
        "sides": (("before", before.number), ("after", after.number)),
        "difference": difference_between(revisions.content_of(before), revisions.content_of(after)),
        "numbers": numbers,
    }
    return render(request, "dashboard/revisions_compare.html", context)


def _revision(text: str | None, usual: Sequence[int]) -> TrustRevision:
    """The revision that an address names, or the usual one; 404 for what is none."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else next(iter(usual), None)
    if number is None or (text and str(number) != text):
        raise Http404
    return get_object_or_404(TrustRevision, number=number)


# acts


def _act(view: Callable[[Request, Draft], HttpResponse | None]) -> Callable[..., HttpResponseBase]:
    """An act of an admin on the draft as they saw it; what keeps it from being done is said on the draft's page."""

    @require_POST
    @access.admin_required
    @wraps(view)
    def acting(request: Request, draft_id: int) -> HttpResponseBase:
        seen = get_object_or_404(Draft, pk=draft_id)
        version = request.POST.get("version", "")
        if version != str(seen.version):
            messages.error(request, "Somebody changed this draft meanwhile. Look at what it says now, then repeat.")
            return redirect("draft", seen.pk)
        try:
            with transaction.atomic():
                answer = view(request, seen)
        except (StaleDraftError, StaleRevisionError, ReviewError, TrustPolicyError, TrustStoreError) as error:
            messages.error(request, str(error))
            answer = None
        return answer or redirect("draft", seen.pk)

    return acting


@_act
def preview(_request: Request, seen: Draft) -> None:
    drafting.preview(seen)


@_act
def explain(request: Request, seen: Draft) -> None:
    drafts.explain(seen, request.POST.get("reason", "").strip()[:LONGEST_REASON])


@_act
def rest_on(request: Request, seen: Draft) -> None:
    """Have it replace the revision that is active now, whose differences the page shows."""
    now, active = timezone.now(), revisions.active_number()
    drafting.preview(drafts.rest_on(seen, active, now))
    audit.record(request.user, "trust_draft.rebased", str(seen), now, before=seen.based_on, after=active)


@_act
def ask_for_review(request: Request, seen: Draft) -> None:
    now = timezone.now()
    drafts.ask_for_review(seen, now)
    audit.record(request.user, "trust_draft.review_asked", str(seen), now, version=seen.version)


@_act
def approve(request: Request, seen: Draft) -> None:
    now = timezone.now()
    drafts.approve(seen, _person(request), now)
    audit.record(
        request.user,
        "trust_draft.approved",
        str(seen),
        now,
        version=seen.version,
        fingerprint=drafting.fingerprint(seen),
    )
    messages.success(request, "You approved this version of the draft.")


@_act
def discard(request: Request, seen: Draft) -> HttpResponse:
    now = timezone.now()
    drafts.discard(seen, now)
    audit.record(request.user, "trust_draft.discarded", str(seen), now, version=seen.version)
    messages.success(request, "The draft is discarded; what it said can still be read.")
    return redirect("drafts")


@_act
def collect(request: Request, seen: Draft) -> None:
    """Have revocation checked for the chains that lead to the draft's roots, before it is applied."""
    now = timezone.now()
    found = impact.Impact.of(seen, revisions.active_number())
    waiting = impact.Filters(waiting=True).groups(found.preview) if found else PreviewGroup.objects.none()
    material = drafts.material_of(drafts.content_of(seen))
    asked = revocation.follow_ahead(impact.chains_of(waiting), material, now)
    audit.record(request.user, "trust_draft.revocation_asked", str(seen), now, version=seen.version, chains=asked)
    transaction.on_commit(tasks.nudge_due, robust=True)
    messages.success(
        request, f"Revocation is being checked for {asked:,} chains. Preview again once the answers are there."
    )


@_act
def apply(request: Request, seen: Draft) -> HttpResponse | None:
    now, user = timezone.now(), _person(request)
    reason = request.POST.get("reason", seen.reason).strip()[:LONGEST_REASON]
    if not reason:
        messages.error(request, "Say why: the reason is kept with the revision.")
        return None
    review = review_now(seen)
    if review.is_missing:
        messages.error(request, review.why)
        return None
    if reason != seen.reason:
        drafts.explain(seen, reason)
        seen.reason = reason
    revision = drafts.apply(seen, user, now)
    audit.record(
        user,
        "trust_revision.applied",
        str(revision),
        now,
        reason=revision.reason,
        fingerprint=revision.fingerprint,
        draft=seen.pk,
        **_reviewed(seen, review),
    )
    transaction.on_commit(tasks.nudge_due, robust=True)
    messages.success(request, f"Revision {revision.number} is active. Every artifact is judged again under it.")
    return redirect("trust_policy")


def _reviewed(seen: Draft, review: reviewing.Review) -> dict[str, Any]:
    """Who looked at it beside the author, or why nobody did."""
    if review.given:
        return {"approved_by": seen.reviewer_name}
    return {"review": review.why, "setting": settings.REVIEW}


def _person(request: Request) -> User:
    assert isinstance(request.user, User), "only admins act"
    return request.user
