"""A repository: how indexing goes, what could not be had, and asking again."""

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import access, audit, work
from dashboard.paging import page_of
from dashboard.requests import Request
from dashboard.words import LOOKS
from registries import putting_back, tasks
from registries.credentials import CredentialsError
from registries.models import Fault, Presence, Repository, SchemaTag
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, OciError, as_sentence
from trust import revisions
from trust.models import ArtifactStatus


@require_safe
def repository(request: Request, repository_id: int) -> HttpResponse:
    now = timezone.now()
    visible = access.repositories_of(request.user)
    shown = get_object_or_404(visible.select_related("registry"), pk=repository_id)
    faults = page_of(Fault.objects.filter(repository=shown).order_by("-seen_at", "pk"), request.GET.get("page"))
    requests = work.Requests()
    requests.add(shown.requests)
    total = work.Requests()
    total.add(shown.requests_total)
    stands = work.condition(shown, now, in_part=work.in_part(shown, faults.total))
    context = {
        "at": now,
        "json_url": reverse("api_artifacts", query={"repository": shown.pk}),
        "repository": shown,
        "condition": stands,
        "busy": stands in (work.RUNNING, work.QUEUED),
        "faults": _with_artifacts(faults.rows, shown),
        "dropped": putting_back.number_of(shown) if access.is_admin(request.user) else 0,
        "may_put_back": bool(shown.registry.push_username or not shown.registry.username),
        "page": faults,
        "requests": requests,
        "requests_total": total,
        "words": _words(shown, now),
        "schema_tags": dict(
            SchemaTag.objects.filter(repository=shown, gone_at=None).values_list("scheme").annotate(number=Count("pk"))
        ),
        "is_admin": access.is_admin(request.user),
    }
    return render(request, "dashboard/repository.html" + ("#live" if request.htmx else ""), context)


def _with_artifacts(faults: list[Fault], shown: Repository) -> list[tuple[Fault, Digest | None]]:
    """The faults, each with the artifact that it is about, if that has a page: the subject, or the manifest itself."""
    named = [fault.subject or _digest_in(fault.digest) for fault in faults]
    held = set(
        Presence.objects.current()
        .filter(repository=shown, manifest__in=[digest for digest in named if digest])
        .values_list("manifest", flat=True)
    )
    return [(fault, digest if digest in held else None) for fault, digest in zip(faults, named, strict=True)]


def _digest_in(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except DigestError:
        return None  # a tag


def _words(shown: Repository, at: datetime) -> list[tuple[str, int]]:
    """How many artifacts have which word, in the order of the grammar."""
    statuses = ArtifactStatus.objects.filter(repository=shown).artifacts()
    statuses = statuses.with_word_at(revisions.active_number(), at).order_by()
    counted = dict(statuses.values_list("word_now").annotate(number=Count("pk")))  # type: ignore[misc]  # annotated
    return [(word.value, counted[word.value]) for word in LOOKS if word.value in counted]


@require_POST
@access.admin_required
def index_now(request: Request, repository_id: int) -> HttpResponse:
    """The repository is due now."""
    now = timezone.now()
    with transaction.atomic():
        visible = access.repositories_of(request.user)
        asked = get_object_or_404(visible.select_related("registry"), pk=repository_id)
        Repository.objects.filter(pk=asked.pk).ask_now(now)
        audit.record(request.user, "repository.index_asked", f"{asked.registry}/{asked.name}", now)
        transaction.on_commit(tasks.nudge_due, robust=True)
    return redirect("repository", repository_id)


@require_POST
@access.admin_required
def put_back(request: Request, repository_id: int) -> HttpResponse:
    """Have what others dropped from its referrers tags listed again, now."""
    asked = get_object_or_404(access.repositories_of(request.user).select_related("registry"), pk=repository_id)
    try:
        number = putting_back.put_back(asked)
    except (OciError, CredentialsError) as error:
        messages.error(request, as_sentence(str(error)))
        return redirect("repository", repository_id)
    with transaction.atomic():
        subject = f"{asked.registry}/{asked.name}"
        audit.record(request.user, "repository.referrers_put_back", subject, timezone.now(), referrers=number)
        transaction.on_commit(tasks.nudge_due, robust=True)
    messages.success(request, f"{number} listed again. The next index sees it.")
    return redirect("repository", repository_id)
