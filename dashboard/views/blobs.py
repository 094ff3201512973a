"""Verify a blob: a detached signature, judged by the active revision on the spot. Nothing is kept."""

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from dashboard import access
from dashboard.blob_page import BlobPage
from dashboard.blob_upload import BlobUploadHandler, is_too_large
from dashboard.forms.blob import BlobForm
from dashboard.requests import Request
from dashboard.revocation_now import lacking
from trust import revisions
from trust.blobs import judge_blob
from trust.models import TrustRevision
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.evidence import examine
from trust.notary.judge import Question
from trust.revocation_rows import answers_of


@csrf_exempt  # only until `_verify_blob`: the handler must be there before the form, and so its token, is read
@require_http_methods(["GET", "HEAD", "POST"])
def verify_blob(request: Request) -> HttpResponse:
    handlers: list[FileUploadHandler] = [BlobUploadHandler(request)]
    request.upload_handlers = handlers
    if is_too_large(request):
        return HttpResponse("The request is larger than what Signboard reads.\n", "text/plain", status=413)
    return _verify_blob(request)


@csrf_protect
def _verify_blob(request: Request) -> HttpResponse:
    revision = revisions.active()
    policy = revisions.material(revision).blob_policy if revision else None
    if revision is None or policy is None:
        nothing = {"is_admin": access.is_admin(request.user), "revision": revision}
        status = 409 if request.method == "POST" else 200
        return render(request, "dashboard/verify_blob.html", nothing, status=status)
    form = BlobForm(policy, request.POST, request.FILES) if request.method == "POST" else BlobForm(policy)
    page = _page(form, revision, policy) if form.is_bound and form.is_valid() else None
    context = {"form": form, "revision": revision, "page": page, "at": timezone.now()}
    return render(request, "dashboard/verify_blob.html", context, status=400 if form.errors else 200)


def _page(form: BlobForm, revision: TrustRevision, policy: BlobTrustPolicy) -> BlobPage:
    """The answer to a form that holds all that is needed."""
    data = form.cleaned_data
    evidence = examine(data["signature"].read(), form.envelope_type())
    question = Question(data["statement"], form.target(), data["user_metadata"])
    stores, now = revisions.material(revision).stores, timezone.now()
    judged = judge_blob(question, evidence, policy, stores, now)
    if missing := list(lacking(evidence.chain, judged.outcome)):  # what is known of artifacts; nobody is asked
        judged = judge_blob(question, evidence, policy, stores, now, answers_of(missing))
    return BlobPage.of(data["blob"].name if data["blob"] else "", judged, revision)
