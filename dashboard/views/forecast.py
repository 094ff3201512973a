"""The forecast: every date on which a verdict turns by itself, its calendar, and the artifacts of one such date."""

from collections.abc import Iterator, Mapping

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access, turning
from dashboard.certificate_page import sight_of
from dashboard.forecast_page import HORIZONS, KINDS, Asked, Row, deadline_of, names_of, narrowed, picture, row_of
from dashboard.icalendar import Event, calendar
from dashboard.renewals import renewals
from dashboard.requests import Request
from trust.verification import due_judgements

SIZE = 100  # deadlines of a page; the calendar, the CSV and the JSON have all


@require_safe
def forecast(request: Request) -> HttpResponse:
    """Deadlines and renewals, as far ahead as one asks."""
    now = timezone.now()
    asked = Asked.parse(request.GET, also=("page",))
    repositories = access.repositories_of(request.user)
    found = narrowed(repositories, asked, now)
    pages = max(1, -(-len(found.deadlines) // SIZE))
    number = _page(request.GET.get("page", ""), pages)
    rows = [row_of(deadline, found.names) for deadline in found.deadlines]
    query = asked.query()
    sight = sight_of(request.user)
    api = reverse("api_forecast")
    context = {
        "at": now,
        "asked": asked,
        "forecast": found.forecast,
        "rows": rows[(number - 1) * SIZE : number * SIZE],
        "total": len(rows),
        "turning": sum(row.deadline.number for row in rows),
        "timeline": picture(rows, now, found.forecast.until) if rows else None,
        "horizons": [(label, f"?{asked.query(days=days)}", days == asked.days) for days, label in HORIZONS.items()],
        "chips": list(_chips(asked, found.names)),
        "renewals": renewals(sight, asked.certificate) if not asked.unknown else [],
        "judgements": due_judgements(now).filter(repository__in=repositories).count(),
        "previous_url": f"?{_with(query, number - 1)}" if number > 1 else "",
        "next_url": f"?{_with(query, number + 1)}" if number < pages else "",
        "calendar_url": reverse("forecast_calendar") + (f"?{query}" if query else ""),
        "csv_url": f"{api}?{query}{'&' if query else ''}format=csv",
        "json_url": api + (f"?{query}" if query else ""),
    }
    return render(request, "dashboard/forecast.html", context)


def _page(text: str, last: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
    return min(max(1, number), last)


def _with(query: str, number: int) -> str:
    return f"{query}&page={number}" if query else f"page={number}"


def _chips(asked: Asked, names: Mapping[int, str]) -> Iterator[tuple[str, str, str]]:
    """The filters in force, each with the URL that takes it away; first those that nobody understands."""
    for name, value in asked.unknown:
        others = tuple(each for each in asked.unknown if each != (name, value))
        yield "Unknown filter", f"{name}={value}"[:100], f"?{asked.query(unknown=others)}"
    if asked.repository is not None:
        name = names.get(asked.repository, "none that you see")
        yield "Repository", name, f"?{asked.query(repository=None)}"
    if asked.certificate:
        yield "Certificate", asked.certificate[:12], f"?{asked.query(certificate='')}"


@require_safe
def forecast_calendar(request: Request) -> HttpResponse:
    """The deadlines as a calendar file; each keeps its name for as long as it lies ahead."""
    now = timezone.now()
    asked = Asked.parse(request.GET)
    if asked.unknown:
        raise Http404
    found = narrowed(access.repositories_of(request.user), asked, now)
    events = (_event(request, row_of(deadline, found.names)) for deadline in found.deadlines)
    headers = {"Content-Disposition": 'attachment; filename="forecast.ics"'}
    return HttpResponse(
        calendar("Signboard forecast", events, now), content_type="text/calendar; charset=utf-8", headers=headers
    )


def _event(request: Request, row: Row) -> Event:
    places = [f"{share.name}: {share.number:,}" for share in row.shares]
    more = [f"{row.others:,} more repositories"] if row.others else []
    said = [row.deadline.certificate.subject, row.nothing, *row.stays, *places, *more]
    return Event(
        uid=f"{row.deadline.key}@signboard",
        at=row.deadline.at,
        summary=row.summary,
        description="\n".join(filter(None, said)),
        url=request.build_absolute_uri(row.url),
        category=KINDS[row.deadline.kind],
    )


@require_safe
def deadline(request: Request, key: str) -> HttpResponse:
    """One deadline, and the artifacts that turn then."""
    now = timezone.now()
    repositories = access.repositories_of(request.user)
    found = deadline_of(repositories, key, now)
    if found is None:
        raise Http404
    names = names_of(repositories)
    page = turning.page(
        request.user, found.turning, now, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    context = {
        "at": now,
        "deadline": found,
        "row": row_of(found, names),
        "places": [(pk, names.get(pk, ""), number) for pk, number in list(found.repositories.items())[:10]],
        "more_places": max(0, len(found.repositories) - 10),
        "page": page,
        "total": found.number,
        "json_url": reverse("api_deadline", args=[key]),
        "csv_url": reverse("api_deadline", args=[key], query={"format": "csv"}),
    }
    return render(request, "dashboard/deadline.html", context)
