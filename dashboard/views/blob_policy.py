"""The trust policy for blobs: uploading the next one, and the document as it was uploaded."""

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, revising
from dashboard.forms.trust import BlobPolicyForm
from dashboard.requests import Request
from trust import revisions
from trust.models import TrustRevision


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
    active = revisions.active()
    if active is None:  # the first revision brings the policy for artifacts
        return redirect("trust_policy_upload")
    if request.method == "POST":
        form = BlobPolicyForm(request.POST, request.FILES)
        if form.is_valid() and _publish(request, form, active):
            return redirect("trust_policy")
    else:
        text = bytes(active.blob_policy).decode(errors="replace")
        form = BlobPolicyForm(initial={"text": text, "based_on": active.number})
    context = {"form": form, "active": active, "next_number": active.number + 1}
    return render(request, "dashboard/blob_policy_upload.html", context, status=400 if form.errors else 200)


def _publish(request: Request, form: BlobPolicyForm, active: TrustRevision) -> TrustRevision | None:
    """The next revision; None where it is refused (the form says why)."""
    known = bytes(active.blob_policy)
    policy = form.policy(known) if form.cleaned_data["document"] or form.cleaned_data["text"].strip() else b""
    if policy == known:
        said = f"This is the blob policy of revision {active.number} already: nothing would change."
        form.add_error(form.source, said if known else "Choose the file, or paste the text.")
        return None
    action = "trust_revision.blob_policy_uploaded" if policy else "trust_revision.blob_policy_removed"
    content = replace(revisions.content_of(active), blob_policy=policy)
    return revising.publish(request, form, action, content, policy_field=form.source)
