"""Time travel: an artifact as of an instant, and its history."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.artifact_pages import Place, head, trust_page
from dashboard.as_of import AsOf, NotAnInstantError, text_of
from dashboard.past_page import Line, judge_as_of, status_then, without_present
from dashboard.requests import Request
from dashboard.words import look_of
from registries.oci.digest import Digest
from trust.history import history_of
from trust.past import Past, without_deadline


def of_an_instant[**Arguments](
    view: Callable[Concatenate[Request, Arguments], HttpResponse],
) -> Callable[Concatenate[Request, Arguments], HttpResponse]:
    """A view that may be asked as of an instant: what is none is refused, and nothing of the present shown in its place."""

    @wraps(view)
    def asked(request: Request, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotAnInstantError as error:
            return render(request, "dashboard/past_refused.html", {"fault": str(error)}, status=400)

    return asked


def banner(place: Place, as_of: AsOf, past: Past) -> dict[str, Any]:
    """The context of what says as of when a page is."""
    return {
        "at": as_of.at,
        "as_of": as_of,
        "past": past,
        "past_query": f"?{as_of.query}",
        "recorded_look": look_of(past.recorded.after) if past.recorded else None,
        "history_url": reverse("artifact_history", args=[place.repository.pk, place.digest]),
    }


def artifact_as_of(request: Request, place: Place, as_of: AsOf) -> HttpResponse:
    """The Trust tab as of an instant."""
    past = judge_as_of(place, as_of)
    context = head(request.user, place, place.manifest(), "artifact") | banner(place, as_of, past)
    api = reverse("api_artifact_trust", args=[place.repository.pk, place.digest])
    context |= {"status": status_then(place, past), "rechecking": False, "json_url": f"{api}?{as_of.query}"}
    if past.judged is None:
        return render(request, "dashboard/artifact_unseen.html", context)
    judged = without_deadline(past.judged)
    everything = request.GET.get("signatures") == "all"
    chosen = request.GET.get("signature", "")
    context["judged"] = judged
    context["trust"] = trust_page(
        request.user, without_present(place), judged, chosen, everything=everything, also=f"&{as_of.query}"
    )
    return render(request, "dashboard/artifact_trust.html", context)


@require_safe
@of_an_instant
def history(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """The History tab: what happened to the artifact, newest first, each with the artifact as of before and after."""
    place = Place.of(request.user, repository_id, digest)
    older = AsOf.parse({"at": request.GET.get("before", "")})
    page = history_of(place.repository, digest, older.at if older else None)
    api = reverse("api_artifact_history", args=[repository_id, digest])
    context = head(request.user, place, place.manifest(), "artifact_history") | {
        "at": timezone.now(),
        "lines": [Line(happening, place) for happening in page.rows],
        "older": f"?before={text_of(page.older)}" if page.older else "",
        "newest": older is None,
        "json_url": api,
    }
    return render(request, "dashboard/artifact_history.html", context)
