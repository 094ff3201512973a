"""Registries: which are connected, how indexing goes, connecting, testing and asking again."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import access, audit, work
from dashboard.forms.layouts import LayoutForm
from dashboard.forms.registries import ConnectionForm, RegistryForm
from dashboard.paging import page_of
from dashboard.requests import Request
from registries import capabilities, connections, credentials, disconnecting, tasks
from registries.credentials import PUSHING, READING
from registries.endpoints import EndpointKind
from registries.models import Registry, Survey
from registries.oci.errors import as_sentence
from registries.providers import PROVIDERS, provider_of


@require_safe
def registries(request: Request) -> HttpResponse:
    now = timezone.now()
    repositories = access.repositories_of(request.user)
    rows = work.registry_rows(access.registries_of(request.user), repositories, now)
    context = {
        "at": now,
        "rows": rows,
        "busy": any(row.condition in (work.RUNNING, work.QUEUED) for row in rows),
        "is_admin": access.is_admin(request.user),
        "json_url": reverse("api_registries"),
    }
    return render(request, "dashboard/registries.html" + ("#live" if request.htmx else ""), context)


@require_safe
def registry(request: Request, registry_id: int) -> HttpResponse:
    shown = get_object_or_404(access.registries_of(request.user).select_related("survey"), pk=registry_id)
    part = "#live" if request.htmx else ""
    return render(request, "dashboard/registry.html" + part, _registry_context(request, shown))


def _registry_context(request: Request, shown: Registry) -> dict[str, Any]:
    now = timezone.now()
    repositories = access.repositories_of(request.user).filter(registry=shown)
    wanted = request.GET.get("q", "").strip()
    matching = repositories.filter(name__icontains=wanted) if wanted else repositories
    page = page_of(work.faults_first(matching.select_related("registry"), now), request.GET.get("page"))
    progress = work.Progress.of(repositories, now)
    survey: Survey | None = getattr(shown, "survey", None)
    requests, total = work.Requests(), work.Requests()
    if not request.htmx:
        for counts, all_counts in repositories.values_list("requests", "requests_total"):
            requests.add(counts)
            total.add(all_counts)
    return {
        "at": now,
        "json_url": reverse("api_registries"),
        "registry": shown,
        "survey": survey,
        "sees_whole": access.sees_whole(request.user, shown),
        "survey_condition": work.survey_condition(survey, now),
        "progress": progress,
        "nobody_works": work.nobody_works(progress, now),
        "busy": bool(progress.waiting or (survey and work.condition(survey, now) in (work.RUNNING, work.QUEUED))),
        "rows": work.repository_rows(page.rows, now),
        "page": page,
        "wanted": wanted,
        "requests": requests,
        "requests_total": total,
        "capabilities": capabilities.known(shown),
        "is_admin": access.is_admin(request.user),
        "endpoints": shown.endpoints.filter(revoked_at=None).order_by("pk") if access.is_admin(request.user) else [],
        "endpoint_kinds": EndpointKind.choices if shown.source == Registry.Source.REGISTRY else [],
    }


@sensitive_post_parameters("password", "docker_config", "push_password")
@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def add(request: Request) -> HttpResponse:
    kind = LayoutForm if settings.LAYOUT_ROOT and request.GET.get("source") == "layout" else RegistryForm
    form = kind(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        connected = _save(request, form, Registry())
        if connected:
            messages.success(request, f"{connected} is connected. Its repositories are being looked up.")
            suggested = provider_of(connected.address)
            if suggested and suggested.product and not connected.vendor:
                text = f"The address looks like {suggested.name}: chosen as the product of the connection, it saves requests."
                messages.info(request, text)
            return redirect("registry", connected.pk)
    return _form_page(request, form, None)


@sensitive_post_parameters("password", "docker_config", "push_password")
@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def edit(request: Request, registry_id: int) -> HttpResponse:
    known = get_object_or_404(access.registries_of(request.user), pk=registry_id)
    kind = LayoutForm if known.source == Registry.Source.LAYOUT else RegistryForm
    form = kind(request.POST or None, request.FILES or None, instance=known)
    if request.method == "POST" and form.is_valid():
        cleared = any(not form.secrets.get(purpose) for purpose in form.forgotten)
        if _save(request, form, Registry.objects.get(pk=known.pk)):
            messages.success(request, "The connection was changed. What failed before is tried again now.")
            if cleared:
                messages.warning(
                    request, "The stored password was forgotten: it was given for another address, user or way."
                )
            return redirect("registry", registry_id)
    return _form_page(request, form, known)


def _form_page(request: Request, form: ConnectionForm, known: Registry | None) -> HttpResponse:
    context = {
        "form": form,
        "registry": known,
        "layouts": bool(settings.LAYOUT_ROOT),
        "is_layout": isinstance(form, LayoutForm),
        "providers": PROVIDERS,
        "provider": provider_of(known.address) if known else None,
    }
    return render(request, "dashboard/registry_form.html", context, status=400 if form.errors else 200)


def _save(request: Request, form: ConnectionForm, target: Registry) -> Registry | None:
    """The saved connection, asked again at once; None where the password cannot be kept (the form says why)."""
    now = timezone.now()
    is_new = target.pk is None
    before = _audited(target)
    given = {purpose: secret for purpose, secret in form.secrets.items() if secret}
    try:
        with transaction.atomic():
            for purpose in form.forgotten:
                setattr(target, purpose.column, b"")
            form.fill(target)
            target.save()
            for purpose, secret in given.items():  # sealed for this very row, so it needs the row's id
                setattr(target, purpose.column, credentials.seal(purpose, target, secret))
                target.save(update_fields=[purpose.column])
            Survey.objects.update_or_create(registry=target, defaults={"due_at": now})
            target.repositories.exclude(last_error="").update(due_at=now)
            changes = {name: value for name, value in _audited(target).items() if is_new or value != before[name]}
            action = "registry.connected" if is_new else "registry.changed"
            secrets = {"password_given": READING in given} | ({"push_password_given": True} if PUSHING in given else {})
            audit.record(request.user, action, str(target), now, **secrets, **changes)
            _nudge()
    except credentials.CredentialsError as error:
        form.add_error("password", as_sentence(str(error)))
        return None
    return target


def _audited(target: Registry) -> dict[str, Any]:
    """What an audit entry says of a connection: all but the secrets."""
    names = ("source", "address", "reference_name", "plain_http", "allowed_networks", "tls_ca", "username")
    more = ("repository_patterns", "token_services", "follow_redirects", "credential_helper", "push_username")
    product = ("vendor", "api_host", "notation_compatible", "password_file")
    return {name: getattr(target, name) for name in (*names, *more, *product)}


@require_POST
@access.admin_required
def test(request: Request, registry_id: int) -> HttpResponse:
    """Ask the registry now, and show its answer."""
    tested = get_object_or_404(access.registries_of(request.user).select_related("survey"), pk=registry_id)
    report = connections.test(tested)
    if request.htmx:
        return render(request, "dashboard/registry.html#report", {"report": report, "registry": tested})
    return render(request, "dashboard/registry.html", {**_registry_context(request, tested), "report": report})


@require_POST
@access.admin_required
def index_now(request: Request, registry_id: int) -> HttpResponse:
    """The registry's survey and all its repositories are due now."""
    now = timezone.now()
    with transaction.atomic():
        asked = get_object_or_404(access.registries_of(request.user), pk=registry_id)
        Survey.objects.update_or_create(registry=asked, defaults={"due_at": now})
        number = asked.repositories.ask_now(now)
        audit.record(request.user, "registry.index_asked", str(asked), now, repositories=number)
        _nudge()
    return redirect("registry", registry_id)


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def disconnect(request: Request, registry_id: int) -> HttpResponse:
    """Say what goes with the connection; after a POST it is gone."""
    with transaction.atomic():
        known = get_object_or_404(access.registries_of(request.user), pk=registry_id)
        going = work.going_with(known)
        if request.method == "POST":
            name = str(known)
            audit.record(request.user, "registry.disconnected", name, None, address=known.address, **going)
            disconnecting.disconnect(known)
            messages.success(request, f"{name} is disconnected. What was known of it is gone.")
            return redirect("registries")
    return render(request, "dashboard/registry_disconnect.html", {"registry": known, **going})


def _nudge() -> None:
    """Tell the workers after commit; a lost nudge costs two seconds, never the act."""
    transaction.on_commit(tasks.nudge_due, robust=True)
