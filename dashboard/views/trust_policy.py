"""Trust policy: the revisions, the active one first, and putting another document into a draft."""

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, drafting, starting
from dashboard.drafting import Base
from dashboard.forms.trust import PolicyForm
from dashboard.paging import page_of
from dashboard.requests import Request
from dashboard.trust_pages import Reading
from trust import revisions
from trust.draft_rows import Draft
from trust.drafts import StaleDraftError
from trust.models import TrustRevision
from trust.notary.errors import TrustPolicyError, TrustStoreError
from trust.notary.trust_policy import TrustPolicy


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
    is_admin = access.is_admin(request.user)
    context = {
        "at": timezone.now(),
        "signers": starting.signers() if is_admin and shown is None else None,
        "new_scopes": starting.new_scopes(shown) if is_admin and shown and shown.number == active else {},
        "reading": Reading.of(shown, request.user) if shown else None,
        "revision": shown,
        "active": active,
        "is_active": bool(shown and shown.number == active),
        "following": following,
        "page": page_of(
            TrustRevision.objects.defer("policy", "blob_policy").order_by("-number"), request.GET.get("page")
        ),
        "is_admin": is_admin,
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
    base = drafting.base_of(request)
    if request.method == "POST":
        form = PolicyForm(request.POST, request.FILES)
        if form.is_valid() and form.is_of(base) and (draft := _put(request, form, base)):
            return redirect("draft", draft.pk)
    else:
        form = PolicyForm(initial={"text": base.content.policy.decode(errors="replace"), "seen": base.seen})
    context = {"form": form, "base": base}
    return render(request, "dashboard/trust_policy_upload.html", context, status=400 if form.errors else 200)


def _put(request: Request, form: PolicyForm, base: Base) -> Draft | None:
    """The draft with the document and what came with it; None where it is refused (the form says why)."""
    policy, added, known = form.policy(base.content.policy), form.store_files(), base.content.files
    if twice := next((key for key in added if key in known and known[key] != added[key]), None):
        form.add_error("certificates", f"{twice[0]}:{twice[1]} already has a file {twice[2]}. Rename one of them.")
        return None
    if policy == base.content.policy and known == known | added:
        form.add_error(form.source, "This is the policy already: nothing would change.")
        return None
    files = [f"{store_type}:{store}/{name}" for store_type, store, name in added]
    try:
        TrustPolicy.parse(policy)
        revisions.check_files(added)
        content = replace(base.content, policy=policy, files=known | added)
        return drafting.put(request, base.draft, content, "policy_uploaded", added=files)
    except TrustPolicyError as error:
        form.add_error(form.source, f"{error} (rule {error.rule})")
    except TrustStoreError as error:
        form.add_error("certificates", str(error))
    except StaleDraftError as error:
        form.add_error(None, str(error))
    return None
