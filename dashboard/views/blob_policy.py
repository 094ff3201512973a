"""The trust policy for blobs: putting another one into a draft, and the document as it was uploaded."""

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, drafting
from dashboard.drafting import Base
from dashboard.forms.trust import BlobPolicyForm
from dashboard.requests import Request
from trust.draft_rows import Draft
from trust.drafts import StaleDraftError
from trust.models import TrustRevision
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import TrustPolicyError


@require_safe
def document(_request: Request, number: int) -> HttpResponse:
    """The document, byte for byte as it was uploaded. It names no repository, so whoever signed in may read it."""
    shown = get_object_or_404(TrustRevision, number=number)
    if not shown.blob_policy:
        raise Http404
    headers = {"Content-Disposition": 'attachment; filename="trustpolicy.blob.json"'}
    return HttpResponse(bytes(shown.blob_policy), content_type="application/json", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def upload(request: Request) -> HttpResponse:
    base = drafting.base_of(request)
    if request.method == "POST":
        form = BlobPolicyForm(request.POST, request.FILES)
        if form.is_valid() and form.is_of(base) and (draft := _put(request, form, base)):
            return redirect("draft", draft.pk)
    else:
        text = base.content.blob_policy.decode(errors="replace")
        form = BlobPolicyForm(initial={"text": text, "seen": base.seen})
    context = {"form": form, "base": base}
    return render(request, "dashboard/blob_policy_upload.html", context, status=400 if form.errors else 200)


def _put(request: Request, form: BlobPolicyForm, base: Base) -> Draft | None:
    """The draft with the document; None where it is refused (the form says why)."""
    known = base.content.blob_policy
    policy = form.policy(known) if form.cleaned_data["document"] or form.cleaned_data["text"].strip() else b""
    if policy == known:
        form.add_error(form.source, "Nothing would change." if known else "Choose the file, or paste the text.")
        return None
    what = "blob_policy_uploaded" if policy else "blob_policy_removed"
    try:
        if policy:
            BlobTrustPolicy.parse(policy)
        return drafting.put(request, base.draft, replace(base.content, blob_policy=policy), what)
    except TrustPolicyError as error:
        form.add_error(form.source, f"{error} (rule {error.rule})")
    except StaleDraftError as error:
        form.add_error(None, str(error))
    return None
