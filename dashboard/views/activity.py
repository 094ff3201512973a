"""Activity: the work that is due, running or waiting after a failure, of what the reader may see."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access, work
from dashboard.requests import Request
from registries.models import Event, Survey
from trust import verification
from trust.models import Judgement

SHOWN = 50


@require_safe
def activity(request: Request) -> HttpResponse:
    now = timezone.now()
    return render(request, "dashboard/activity.html" + ("#live" if request.htmx else ""), context_of(request, now))


def context_of(request: Request, now: datetime) -> dict[str, Any]:
    repositories = access.repositories_of(request.user)
    listed = repositories.select_related("registry").order_by("due_at", "pk")
    running = listed.filter(leased_until__gt=now)
    failed = repositories.exclude(last_error="").select_related("registry").order_by("-failed_at", "pk")
    judgements = Judgement.objects.filter(repository__in=repositories).select_related("repository__registry")
    surveys = Survey.objects.filter(registry__in=access.registries_of(request.user)).select_related("registry")
    at_work = Q(leased_until__gt=now) | Q(due_at__lte=now)
    looking = surveys.aggregate(waiting=Count("pk", filter=at_work), failing=Count("pk", filter=~Q(last_error="")))
    progress = work.Progress.of(repositories, now)
    figures = judgements.aggregate(
        running=Count("pk", filter=Q(leased_until__gt=now)), failing=Count("pk", filter=~Q(last_error=""))
    )
    judging_due = verification.due_judgements(now).filter(repository__in=repositories).count()
    return {
        "at": now,
        "progress": progress,
        "due_or_running": progress.waiting + looking["waiting"],
        "waiting": work.Waiting(looking["failing"], progress.failing, figures["failing"]),
        "nobody_works": work.nobody_works(progress, now),
        "surveys": [
            (survey, work.condition(survey, now)) for survey in surveys.filter(at_work | ~Q(last_error=""))[:SHOWN]
        ],
        "events": Event.objects.within(repositories)
        .select_related("repository__registry")
        .order_by("-at", "-pk")[:SHOWN],
        "running": work.repository_rows(running[:SHOWN], now),
        "failed": work.repository_rows(failed[:SHOWN], now),
        "judging": judgements.filter(leased_until__gt=now).order_by("pk")[:SHOWN],
        "judging_failed": judgements.exclude(last_error="").order_by("-failed_at", "pk")[:SHOWN],
        "judgements": figures,
        "judging_due": judging_due,
        "busy": bool(progress.waiting or looking["waiting"] or figures["running"] or judging_due),
        "shown": SHOWN,
    }
