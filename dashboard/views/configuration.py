"""notation's configuration folder: importing one as a draft, exporting a revision or a draft."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, audit, drafting
from dashboard.forms.trust import ConfigurationForm
from dashboard.private_keys import holds_private_key
from dashboard.requests import Request
from trust import configuration, drafts, revisions
from trust.configuration import Configuration, ConfigurationError
from trust.draft_rows import Draft
from trust.models import TrustRevision
from trust.revisions import Content

MOST_NAMED = 5


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def upload(request: Request) -> HttpResponse:
    form = ConfigurationForm(request.POST, request.FILES) if request.method == "POST" else ConfigurationForm()
    if request.method == "POST" and form.is_valid() and (draft := _import(request, form)):
        return redirect("draft", draft.pk)
    context = {"form": form, "active": revisions.active_number()}
    return render(request, "dashboard/trust_import.html", context, status=400 if form.errors else 200)


def _import(request: Request, form: ConfigurationForm) -> Draft | None:
    """A new draft with what was given in the place of what is active; None where it is refused (the form says why)."""
    active = revisions.active()
    before = revisions.content_of(active) if active else Content(b"", {})
    try:
        found = configuration.read(form.cleaned_data["uploads"])
        content = found.over(before)
        if secret := _private_key(content, before):
            raise ConfigurationError(f"{secret} holds a private key. Nothing was kept.")
        if content == before:
            raise ConfigurationError("This is what is active already: nothing would change.")
    except ConfigurationError as error:
        form.add_error("uploads", str(error))
        return None
    names = list(form.cleaned_data["uploads"])
    with transaction.atomic():
        draft = drafting.begin(request, content, f"Imported from {', '.join(names[:MOST_NAMED])}.")
        details = {"files": names[:100], "left_out": list(found.left_out[:100]), "edited": list(found.edited[:100])}
        audit.record(request.user, "trust_draft.imported", str(draft), None, **details)
    for text in _said(found):
        messages.info(request, text)
    return draft


def _private_key(content: Content, before: Content) -> str:
    """The first file that came with the import and holds a private key."""
    known = configuration.paths_of(before)
    new = ((path, one) for path, one in configuration.paths_of(content).items() if known.get(path) != one)
    return next((path for path, one in new if holds_private_key(one)), "")


def _said(found: Configuration) -> list[str]:
    said = []
    if found.left_out:
        names = ", ".join(found.left_out[:MOST_NAMED])
        more = f" and {len(found.left_out) - MOST_NAMED:,} more" if len(found.left_out) > MOST_NAMED else ""
        said.append(f"Not taken, since it belongs to no trust revision: {names}{more}.")
    if found.edited:
        said.append(f"Edited since it was exported: {', '.join(found.edited[:MOST_NAMED])}.")
    return said


@require_safe
def of_revision(request: Request, number: int) -> HttpResponse:
    """A tar of the folder; it names repositories, so it is for those who see all."""
    if not access.sees_everything(request.user):
        raise Http404
    shown = get_object_or_404(TrustRevision, number=number)
    about = {"revision": shown.number, "author": shown.author_name, "reason": shown.reason}
    return _tar(configuration.write(revisions.content_of(shown), shown.created_at, **about), f"revision-{shown.number}")


@require_safe
@access.admin_required
def of_draft(_request: Request, draft_id: int) -> HttpResponse:
    shown = get_object_or_404(Draft, pk=draft_id)
    about = {
        "draft": shown.pk,
        "version": shown.version,
        "based_on": shown.based_on,
        "author": shown.author_name,
        "reason": shown.reason,
    }
    return _tar(configuration.write(drafts.content_of(shown), shown.saved_at, **about), f"draft-{shown.pk}")


def _tar(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="signboard-trust-{name}.tar"'}
    return HttpResponse(content, content_type="application/x-tar", headers=headers)
