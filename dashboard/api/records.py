"""What the overview, activity and audit show, as JSON."""

from typing import Any, cast

from django.db.models import Q
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access, audit, work
from dashboard.api.serializers import registry_as_json
from dashboard.listing import PAGE_SIZE, Cursor
from dashboard.models import AuditEntry
from dashboard.requests import Request as PageRequest
from dashboard.views import activity as activity_page
from dashboard.views import overview as overview_page
from registries.models import Event, Repository, Survey
from trust import revisions
from trust.models import ArtifactStatus, Judgement
from trust.notary.outcome import Word


@api_view(["GET"])
def overview(request: Request) -> Response:
    """How many artifacts read what, what turned lately, and how the registries are."""
    only(request)
    now, revision = timezone.now(), revisions.active_number()
    repositories = access.repositories_of(request.user)
    rows = ArtifactStatus.objects.within(repositories).artifacts().with_word_at(revision, now)
    groups = overview_page.grouped(rows)
    registries = work.registry_rows(access.registries_of(request.user), repositories, now)
    return Response(
        {
            "at": now,
            "revision": revision,
            "total": sum(group.number for group in groups),
            "statuses": {word: sum(group.number for group in groups if group.word is word) for word in Word},
            "reasons": [
                {
                    "status": group.word,
                    "reason": group.reason,
                    "number": group.number,
                    "covered_by_index": group.covered,
                }
                for group in groups
            ],
            "turned": [_turn_as_json(turn) for turn in overview_page.turns(repositories, revision, now)],
            "registries": [registry_as_json(row) for row in registries],
        }
    )


def _turn_as_json(turn: overview_page.Turn) -> dict[str, Any]:
    return {
        **_place(turn.status.repository),
        "digest": str(turn.status.manifest_id),
        "status": turn.word,
        "reason": turn.status.reason,
        "before": turn.change.before,
        "cause": turn.change.cause,
        "at": turn.change.at,
    }


@api_view(["GET"])
def activity(request: Request) -> Response:
    """The work that is due, running or waiting; `results` is what vanished, newest first, and `before` pages it."""
    only(request, "before")
    now = timezone.now()
    shown = activity_page.context_of(cast(PageRequest, request), now)
    progress: work.Progress = shown["progress"]
    events = Event.objects.within(access.repositories_of(request.user)).select_related("repository__registry")
    if before := request.query_params.get("before"):
        events = events.filter(_earlier(before))
    found = list(events.order_by("-at", "-pk")[: PAGE_SIZE + 1])
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    return Response(
        {
            "at": now,
            "repositories": progress.repositories,
            "due_or_running": progress.waiting,
            "running": progress.running,
            "failing": progress.failing,
            "to_be_judged": shown["judging_due"],
            "surveys": [
                {"registry_id": survey.registry_id, "registry": survey.registry.reference_name}
                | _stands(survey, stands.word)
                for survey, stands in shown["surveys"]
            ],
            "indexing": [
                _place(row.repository) | {"done": row.repository.progress_done, "total": row.repository.progress_total}
                for row in shown["running"]
            ],
            "failed": [_place(row.repository) | _stands(row.repository, row.condition.word) for row in shown["failed"]],
            "judging_failed": [_place(row.repository) | _stands(row, "waits") for row in shown["judging_failed"]],
            "next": _before(request, str(Cursor(0, last.at, last.pk))) if last else None,
            "results": [_event_as_json(event) for event in found[:PAGE_SIZE]],
        }
    )


def _earlier(text: str) -> Q:
    place = Cursor.parse(text)
    if place is None:
        raise ValidationError({"before": ["It may be what an answer's next page has there."]})
    return Q(at__lt=place.changed_at) | Q(at=place.changed_at, pk__lt=place.pk)


def _stands(row: Survey | Repository | Judgement, condition: str) -> dict[str, Any]:
    return {
        "condition": condition.lower(),
        "error": row.last_error,
        "attempts": row.attempts,
        "failed_at": row.failed_at,
        "next_attempt_at": row.due_at,
    }


def _event_as_json(event: Event) -> dict[str, Any]:
    said = {"kind": event.kind, "digest": str(event.digest), "thing": event.thing, "at": event.at}
    return _place(event.repository) | said


def _place(repository: Repository) -> dict[str, Any]:
    return {
        "registry": repository.registry.reference_name,
        "repository": repository.name,
        "repository_id": repository.pk,
    }


@api_view(["GET"])
def audit_record(request: Request) -> Response:
    """What people did, newest first, for admins; `before` pages it. `broken` is an entry that was edited afterwards."""
    if not access.is_admin(request.user):
        raise PermissionDenied("Only an admin may read this.")
    only(request, "before")
    page = audit.page_before(_entry(request.query_params.get("before")))
    return Response(
        {
            "broken": page.broken.pk if page.broken else None,
            "next": _before(request, str(page.older)) if page.older else None,
            "results": [_entry_as_json(entry) for entry in page.entries],
        }
    )


def _entry(text: str | None) -> int | None:
    number = audit.entry_number(text or "")
    if text and number is None:
        raise ValidationError({"before": ["It may be the number of an entry."]})
    return number


def _entry_as_json(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry": entry.pk,
        "at": entry.at,
        "actor": entry.actor_name,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def only(request: Request, *known: str) -> None:
    """Refuse parameters that nobody reads: a misspelt one must not look as if it had been heeded."""
    if unknown := [name for name in request.query_params if name not in (*known, "format")]:
        raise ValidationError({name: ["There is no such parameter."] for name in unknown})


def _before(request: Request, place: str) -> str:
    return request.build_absolute_uri(f"{request.path}?before={place}")
