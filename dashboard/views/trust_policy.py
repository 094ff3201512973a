"""Trust policy: the revisions, the active one first, and uploading the next."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, revising
from dashboard.forms.trust import PolicyForm
from dashboard.paging import page_of
from dashboard.requests import Request
from dashboard.trust_pages import Reading
from trust import revisions
from trust.models import TrustRevision


@require_safe
def trust_policy(request: Request) -> HttpResponse:
    return _page(request, revisions.active())


@require_safe
def revision(request: Request, number: int) -> HttpResponse:
    return _page(request, get_object_or_404(TrustRevision, number=number))


def _page(request: Request, shown: TrustRevision | None) -> HttpResponse:
    active = revisions.active_number()
    following = (
        TrustRevision.objects.filter(number=shown.number + 1).defer("policy", "blob_policy").first() if shown else None
    )
    context = {
        "at": timezone.now(),
        "reading": Reading.of(shown, request.user) if shown else None,
        "revision": shown,
        "active": active,
        "is_active": bool(shown and shown.number == active),
        "following": following,
        "page": page_of(
            TrustRevision.objects.defer("policy", "blob_policy").order_by("-number"), request.GET.get("page")
        ),
        "is_admin": access.is_admin(request.user),
        "sees_everything": access.sees_everything(request.user),
        "json_url": _json_url(shown, active),
    }
    return render(request, "dashboard/trust_policy.html", context)


def _json_url(shown: TrustRevision | None, active: int | None) -> str:
    if shown is None:
        return ""
    if shown.number == active:
        return reverse("api_trust_revision")
    return reverse("api_numbered_trust_revision", args=[shown.number])


@require_safe
def document(request: Request, number: int) -> HttpResponse:
    """The policy document, byte for byte as it was uploaded; it names repositories, so it is for those who see all."""
    if not access.sees_everything(request.user):
        raise Http404
    shown = get_object_or_404(TrustRevision, number=number)
    headers = {"Content-Disposition": 'attachment; filename="trustpolicy.oci.json"'}
    return HttpResponse(bytes(shown.policy), content_type="application/json", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def upload(request: Request) -> HttpResponse:
    active = revisions.active()
    if request.method == "POST":
        form = PolicyForm(request.POST, request.FILES)
        if form.is_valid() and _publish(request, form, active):
            return redirect("trust_policy")
    else:
        text = bytes(active.policy).decode(errors="replace") if active else ""
        form = PolicyForm(initial={"text": text, "based_on": active.number if active else None})
    context = {"form": form, "active": active, "next_number": (active.number if active else 0) + 1}
    return render(request, "dashboard/trust_policy_upload.html", context, status=400 if form.errors else 200)


def _publish(request: Request, form: PolicyForm, active: TrustRevision | None) -> TrustRevision | None:
    """The next revision; None where it is refused (the form says why)."""
    policy = form.policy(bytes(active.policy) if active else b"")
    added = form.store_files()
    known = revisions.files_of(active.pk) if active else {}
    if twice := next((key for key in added if key in known and known[key] != added[key]), None):
        form.add_error("certificates", f"{twice[0]}:{twice[1]} already has a file {twice[2]}. Rename one of them.")
        return None
    if active and policy == bytes(active.policy) and known == known | added:
        form.add_error(form.source, f"This is the policy of revision {active.number} already: nothing would change.")
        return None
    return revising.publish(
        request,
        form,
        "trust_revision.policy_uploaded",
        revisions.Content(policy, known | added, bytes(active.blob_policy) if active else b""),
        policy_field=form.source,
        stores_field="certificates",
        added=[f"{store_type}:{store}/{name}" for store_type, store, name in added],
    )
