"""Trust stores: whose certificates the active revision trusts; each upload or removal makes the next revision."""

from dataclasses import replace

from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, revising
from dashboard.forms.trust import CertificatesForm, RevisionForm
from dashboard.requests import Request
from dashboard.trust_pages import Reading, Store, expiry_word, stores_of
from trust import revisions
from trust.models import TrustRevision
from trust.notary.certificates import Certificate, read_certificates
from trust.notary.errors import CertificateError, TrustStoreError

type Files = dict[tuple[str, str, str], bytes]


@require_safe
def trust_stores(request: Request) -> HttpResponse:
    now = timezone.now()
    active = revisions.active()
    stores = stores_of(Reading.of(active, request.user)) if active else []
    context = {
        "at": now,
        "active": active,
        "json_url": reverse("api_trust_revision") if active else "",
        "stores": stores,
        "outdated": sum(
            expiry_word(certificate, now) == "expired"
            for store in stores
            for file in store.files
            for certificate in file.certificates
        ),
        "is_admin": access.is_admin(request.user),
    }
    return render(request, "dashboard/trust_stores.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def upload(request: Request) -> HttpResponse:
    active = revisions.active()
    if request.method == "POST":
        form = CertificatesForm(request.POST, request.FILES)
        if form.is_valid() and active and _add(request, form, active):
            return redirect("trust_stores")
    else:
        store_type, _, store_name = request.GET.get("store", "").partition(":")
        initial = {"store_type": store_type or "ca", "store_name": store_name}
        form = CertificatesForm(initial={**initial, "based_on": active.number if active else None})
    context = {"form": form, "active": active, "next_number": (active.number if active else 0) + 1}
    return render(request, "dashboard/trust_stores_upload.html", context, status=400 if form.errors else 200)


def _add(request: Request, form: CertificatesForm, active: TrustRevision) -> TrustRevision | None:
    """The revision with the added certificates; None where it is refused (the form says why)."""
    content, added = revisions.content_of(active), form.store_files()
    try:
        thumbprints = _check_added(content.files, added)
    except TrustStoreError as error:
        form.add_error("certificates", str(error))
        return None
    next_content = replace(content, files=content.files | added)
    return _publish(request, form, "trust_revision.certificates_added", next_content, added, thumbprints)


def _check_added(known: Files, added: Files) -> list[str]:
    """The thumbprints of what is added; raises where the store has it already, under this or another file name."""
    thumbprints = []
    for (store_type, store_name, file_name), content in added.items():
        if (store_type, store_name, file_name) in known:
            raise TrustStoreError(f"{store_type}:{store_name} already has a file {file_name}. Rename the new one.")
        held = {
            certificate.thumbprint: name
            for (other_type, other_store, name), other in known.items()
            if (other_type, other_store) == (store_type, store_name)
            for certificate in read_certificates(other)
        }
        for certificate in _read(file_name, content):
            if certificate.thumbprint in held:
                where = f"{store_type}:{store_name} has it already, in {held[certificate.thumbprint]}"
                raise TrustStoreError(f"{certificate.subject}: {where}.")
            thumbprints.append(certificate.thumbprint)
    return thumbprints


def _read(file_name: str, content: bytes) -> tuple[Certificate, ...]:
    try:
        return read_certificates(content)
    except CertificateError as error:
        raise TrustStoreError(f"{file_name} cannot be read: {error}.") from error


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def remove(request: Request) -> HttpResponse:
    active = revisions.active()
    if not active:
        raise Http404
    store, file_name = _named(request, active)
    key = (store.type, store.name, file_name)
    form = RevisionForm(request.POST or None, initial={"based_on": active.number})
    if request.method == "POST" and form.is_valid():
        content = revisions.content_of(active)
        removed = {key: content.files.pop(key)}
        if _publish(request, form, "trust_revision.certificates_removed", content, removed, []):
            return redirect("trust_stores")
    context = {
        "at": timezone.now(),
        "form": form,
        "active": active,
        "store": store,
        "file": next(file for file in store.files if file.name == file_name),
        "is_last": len(store.files) == 1,
        "next_number": active.number + 1,
    }
    return render(request, "dashboard/trust_stores_remove.html", context, status=400 if form.errors else 200)


def _named(request: Request, active: TrustRevision) -> tuple[Store, str]:
    """The store and the file that the address names; 404 for what the active revision does not have."""
    wanted, file_name = request.GET.get("store", ""), request.GET.get("file", "")
    for store in stores_of(Reading.of(active, request.user)):
        if str(store) == wanted and any(file.name == file_name for file in store.files):
            return store, file_name
    raise Http404


def _publish(
    request: Request, form: Form, action: str, content: revisions.Content, changed: Files, thumbprints: list[str]
) -> TrustRevision | None:
    files = [f"{store_type}:{store}/{name}" for store_type, store, name in changed]
    return revising.publish(request, form, action, content, files=files, thumbprints=thumbprints)
