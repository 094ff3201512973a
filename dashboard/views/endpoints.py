"""Endpoints for notifications: what a registry sends to, and making and revoking them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from dashboard import access, audit
from dashboard.requests import Request
from registries import credentials, endpoints, notifications, tasks
from registries.endpoints import Endpoint, EndpointKind, Proof
from registries.notifications import NotificationError


@require_POST
@never_cache
@access.admin_required
def create(request: Request, registry_id: int) -> HttpResponse:
    """A new endpoint of a registry; its secret is on this one page and nowhere else."""
    registry = get_object_or_404(access.registries_of(request.user), pk=registry_id)
    wanted = request.POST.get("kind", EndpointKind.DISTRIBUTION.value)
    if wanted not in EndpointKind.values:
        raise Http404
    now = timezone.now()
    try:
        with transaction.atomic():
            endpoint, secret = notifications.create(registry, EndpointKind(wanted), now)
            audit.record(
                request.user, "endpoint.created", str(registry), now, kind=wanted, endpoint=str(endpoint.public_id)
            )
    except credentials.CredentialsError as error:
        messages.error(request, f"No endpoint was made: {error}.")
        return redirect("registry", registry_id)
    arguments = [endpoint.public_id, *([secret] if EndpointKind(wanted).proof is Proof.URL else [])]
    url = request.build_absolute_uri(reverse("hook_with_secret" if len(arguments) > 1 else "hook", args=arguments))
    context = {"registry": registry, "endpoint": endpoint, "secret": secret, "url": url}
    return render(request, "dashboard/registry_endpoint.html", context | {"proof": EndpointKind(wanted).proof.value})


@require_POST
@access.admin_required
def revoke(request: Request, registry_id: int, endpoint_id: int) -> HttpResponse:
    """From now on the endpoint takes nothing; its row stays, for the record."""
    registry = get_object_or_404(access.registries_of(request.user), pk=registry_id)
    now = timezone.now()
    with transaction.atomic():
        endpoint = get_object_or_404(Endpoint, pk=endpoint_id, registry=registry)
        if Endpoint.objects.filter(pk=endpoint.pk, revoked_at=None).update(
            revoked_at=now, secret_hash="", sealed_secret=b""
        ):
            audit.record(request.user, "endpoint.revoked", str(registry), now, endpoint=str(endpoint.public_id))
    return redirect("registry", registry_id)


@csrf_exempt
@login_not_required
@never_cache
@require_POST
def hook(request: HttpRequest, public_id: UUID, secret: str = "") -> HttpResponse:
    """A registry says that something changed. Who cannot prove to be it learns nothing, not even that this exists."""
    endpoint = Endpoint.objects.select_related("registry").filter(public_id=public_id, revoked_at=None).first()
    if endpoint is None:
        raise Http404
    now = timezone.now()
    body = request.read(notifications.MAX_BODY + 1)
    try:
        if not notifications.is_proven(endpoint, request.headers, secret, body):
            raise Http404
    except credentials.CredentialsError as error:
        notifications.note(endpoint, now, str(error))
        raise Http404 from error
    if endpoints.is_too_much(endpoint, now):
        wait = {"Retry-After": "60"}
        return HttpResponse("too many notifications\n", status=429, content_type="text/plain", headers=wait)
    if len(body) > notifications.MAX_BODY:
        return _refused(endpoint, f"a notification has at most {notifications.MAX_BODY:,} bytes", 413)
    try:
        notifications.take(endpoint, request.headers, body, now)
    except NotificationError as error:
        return _refused(endpoint, str(error), 400)
    notifications.note(endpoint, now)
    transaction.on_commit(tasks.nudge_indexing, robust=True)  # a nudge that gets lost costs two seconds
    return HttpResponse("taken\n", status=202, content_type="text/plain")


def _refused(endpoint: Endpoint, problem: str, status: int) -> HttpResponse:
    notifications.note(endpoint, timezone.now(), problem)
    return HttpResponse(f"{problem}\n", status=status, content_type="text/plain")
