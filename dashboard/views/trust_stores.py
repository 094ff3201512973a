"""Trust stores: those of the active revision, those of a draft, and the acts that change the latter."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, drafting
from dashboard.drafting import Base
from dashboard.forms.trust import CertificatesForm, DraftingForm, MoveForm
from dashboard.requests import Request
from dashboard.trust_pages import Reading, Store, expiry_word, stores_in, stores_of
from trust import drafts, revisions
from trust.draft_rows import Draft
from trust.drafts import StaleDraftError
from trust.models import Certificate as Row
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.certificates import Certificate, read_certificates
from trust.notary.errors import CertificateError, TrustPolicyError, TrustStoreError
from trust.notary.trust_policy import Statement, TrustPolicy
from trust.resting import resting_on
from trust.revisions import Content

type Files = Mapping[tuple[str, str, str], bytes]


@require_safe
def trust_stores(request: Request) -> HttpResponse:
    active = revisions.active()
    stores = stores_of(Reading.of(active, request.user)) if active else []
    context = {"active": active, "json_url": reverse("api_trust_revision") if active else ""}
    return render(request, "dashboard/trust_stores.html", context | _shown(request, stores))


@require_safe
@access.admin_required
def draft_stores(request: Request, draft_id: int) -> HttpResponse:
    draft = get_object_or_404(Draft, pk=draft_id)
    if not draft.is_open:
        return redirect("draft", draft.pk)
    content = drafts.content_of(draft)
    stores = stores_in(content.files, _statements(content))
    return render(request, "dashboard/draft_stores.html", {"draft": draft} | _shown(request, stores))


def _shown(request: Request, stores: Sequence[Store]) -> dict[str, Any]:
    now = timezone.now()
    certificates = [certificate for store in stores for file in store.files for certificate in file.certificates]
    thumbprints = {certificate.thumbprint for certificate in certificates}
    return {
        "at": now,
        "stores": stores,
        "outdated": sum(expiry_word(certificate, now) == "expired" for certificate in certificates),
        "resting": resting_on(thumbprints, access.repositories_of(request.user)),
        # One that only a draft has, and nobody ever signed with, has no page.
        "listed": frozenset(Row.objects.filter(pk__in=thumbprints).values_list("pk", flat=True)),
        "is_admin": access.is_admin(request.user),
    }


def _statements(content: Content) -> list[Statement]:
    """The statements of a content, as far as it can be read."""
    found: list[Statement] = []
    for read, written in ((TrustPolicy.parse, content.policy), (BlobTrustPolicy.parse, content.blob_policy)):
        try:
            found += read(written).statements if written else ()
        except TrustPolicyError:  # it is said where the policy is edited
            continue
    return found


# acts


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def upload(request: Request) -> HttpResponse:
    base = drafting.base_of(request)
    if request.method == "POST":
        form = CertificatesForm(request.POST, request.FILES)
        if form.is_valid() and form.is_of(base) and (draft := _add(request, form, base)):
            return redirect("draft", draft.pk)
    else:
        store_type, _, store_name = request.GET.get("store", "").partition(":")
        form = CertificatesForm(initial={"store_type": store_type or "ca", "store_name": store_name, "seen": base.seen})
    context = {"form": form, "base": base}
    return render(request, "dashboard/trust_stores_upload.html", context, status=400 if form.errors else 200)


def _add(request: Request, form: CertificatesForm, base: Base) -> Draft | None:
    """The draft with the added certificates; None where they are refused (the form says why)."""
    added = form.store_files()
    try:
        thumbprints = _check_added(base.content.files, added)
    except TrustStoreError as error:
        form.add_error("certificates", str(error))
        return None
    content = replace(base.content, files=base.content.files | added)
    return _put(request, form, base, content, "certificates_added", added, thumbprints=thumbprints[:100])


def _check_added(known: Files, added: Files) -> list[str]:
    """The thumbprints of what is added; raises for what notation would refuse, or what the store has already."""
    thumbprints = []
    held = _held(known, {key[:2] for key in added})
    for (store_type, store_name, file_name), content in added.items():
        if (store_type, store_name, file_name) in known:
            raise TrustStoreError(f"{store_type}:{store_name} already has a file {file_name}. Rename the new one.")
        for certificate in _read(file_name, content):
            if there := held.get((store_type, store_name, certificate.thumbprint)):
                raise TrustStoreError(f"{certificate.subject}: {store_type}:{store_name} has it already, in {there}.")
            thumbprints.append(certificate.thumbprint)
    revisions.check_files(added)
    return thumbprints


def _held(known: Files, stores: set[tuple[str, str]]) -> dict[tuple[str, str, str], str]:
    """The file in which each certificate of these stores is."""
    held: dict[tuple[str, str, str], str] = {}
    for (store_type, store_name, file_name), content in known.items():
        if (store_type, store_name) in stores:
            try:
                certificates = read_certificates(content)
            except CertificateError:  # a draft may hold what is refused
                continue
            held |= {(store_type, store_name, certificate.thumbprint): file_name for certificate in certificates}
    return held


def _read(file_name: str, content: bytes) -> tuple[Certificate, ...]:
    try:
        return read_certificates(content)
    except CertificateError as error:
        raise TrustStoreError(f"{file_name} cannot be read: {error}.") from error


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def remove(request: Request) -> HttpResponse:
    base = drafting.base_of(request)
    store, key = _named(request, base)
    form = DraftingForm(request.POST if request.method == "POST" else None, initial={"seen": base.seen})
    if request.method == "POST" and form.is_valid() and form.is_of(base):
        files = dict(base.content.files)
        removed = {key: files.pop(key)}
        if draft := _put(request, form, base, replace(base.content, files=files), "certificates_removed", removed):
            return redirect("draft", draft.pk)
    context = _about(base, store, key) | {"form": form, "is_last": len(store.files) == 1}
    return render(request, "dashboard/trust_stores_remove.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def move(request: Request) -> HttpResponse:
    base = drafting.base_of(request)
    store, key = _named(request, base)
    initial = {"seen": base.seen, "store_type": store.type, "store_name": store.name}
    form = MoveForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and form.is_of(base) and (draft := _move(request, form, base, key)):
        return redirect("draft", draft.pk)
    context = _about(base, store, key) | {"form": form}
    return render(request, "dashboard/trust_stores_move.html", context, status=400 if form.errors else 200)


def _move(request: Request, form: MoveForm, base: Base, key: tuple[str, str, str]) -> Draft | None:
    data = form.cleaned_data
    goal = (data["store_type"], data["store_name"], key[2])
    files = dict(base.content.files)
    content = files.pop(key)
    try:
        if goal == key:
            raise TrustStoreError("It is in this store already.")
        _check_added(files, {goal: content})
    except TrustStoreError as error:
        form.add_error("store_name", str(error))
        return None
    moved = replace(base.content, files={**files, goal: content})
    return _put(request, form, base, moved, "certificates_moved", {goal: content}, before="{}:{}/{}".format(*key))


def _about(base: Base, store: Store, key: tuple[str, str, str]) -> dict[str, Any]:
    file = next(file for file in store.files if file.name == key[2])
    return {"at": timezone.now(), "base": base, "store": store, "file": file}


def _named(request: Request, base: Base) -> tuple[Store, tuple[str, str, str]]:
    """The store and the file that the address names; 404 for what is not there."""
    wanted, file_name = request.GET.get("store", ""), request.GET.get("file", "")
    for store in stores_in(base.content.files, _statements(base.content)):
        if str(store) == wanted and any(file.name == file_name for file in store.files):
            return store, (store.type, store.name, file_name)
    raise Http404


def _put(
    request: Request, form: DraftingForm, base: Base, content: Content, what: str, changed: Files, **details: object
) -> Draft | None:
    files = [f"{store_type}:{store}/{name}" for store_type, store, name in changed]
    try:
        draft = drafting.put(request, base.draft, content, what, files=files, **details)
    except StaleDraftError as error:
        form.add_error(None, str(error))
        return None
    messages.success(request, f"It is in draft {draft.pk}. Nothing rests on it until that is applied.")
    return draft
