"""The list of artifacts as of an instant."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dashboard import access
from dashboard.as_of import NAMES, AsOf
from dashboard.listing import Filters
from dashboard.past_listing import COUNTED, GAPS, ONE_AT_A_TIME, WORST_FIRST, found_at, page_at
from dashboard.requests import Request
from dashboard.words import look_of, reason_text
from registries.models import Repository
from trust.models import StatusChange
from trust.past import Asked, revision_at


def artifacts_as_of(request: Request, as_of: AsOf) -> HttpResponse:
    """The list as it was on record; what is known now of then is asked of one artifact at a time."""
    filters = Filters.parse(request.GET, also=NAMES)
    narrowed = filters.query()
    context: dict[str, Any] = {
        "at": as_of.at,
        "as_of": as_of,
        "past_query": f"?{as_of.query}",
        "revision": revision_at(as_of.at),
        "filters": filters,
        "gaps": GAPS,
        "one_at_a_time": ONE_AT_A_TIME,
        "now_url": f"?{narrowed}" if narrowed else "?",
    }
    if as_of.asked is Asked.now:
        return render(request, "dashboard/artifacts_past.html", context)
    after = request.GET.get("after", "")
    repositories = access.repositories_of(request.user)
    found = found_at(repositories, filters, as_of.at)
    page = page_at(found, filters, as_of.at, after)
    tally = found.tally()
    api = f"{reverse('api_artifacts')}?{_joined(narrowed, as_of)}"
    context |= {
        "page": page,
        "after": after,
        "registries": access.registries_of(request.user).count(),
        "views": list(_views(filters, tally, as_of)),
        "chips": list(_chips(filters, as_of)),
        "kept": [(name, value) for name, value in _kept(filters).items() if value],
        "first_url": f"?{_joined(narrowed, as_of)}",
        "next_url": f"?{_joined(narrowed, as_of)}&after={quote(page.next)}" if page.next else "",
        "first_record": None if page.rows else _first_record(repositories),
        "json_url": api,
        "csv_url": f"{api}&format=csv",
    }
    return render(request, "dashboard/artifacts_past.html", context)


def _first_record(repositories: QuerySet[Repository]) -> datetime | None:
    """When the first word was put on record, of what the reader sees."""
    rows = StatusChange.objects.filter(status__repository__in=repositories).order_by("at")
    return rows.values_list("at", flat=True).first()


def _kept(filters: Filters) -> dict[str, Any]:
    """What the form for another instant or another text keeps."""
    return {
        "registry": filters.registry,
        "repository": filters.repository,
        "name": filters.name,
        "reason": filters.reason,
        "certificate": filters.certificate,
        "status": ",".join(filters.words),
    }


def _joined(narrowed: str, as_of: AsOf) -> str:
    return f"{narrowed}&{as_of.query}" if narrowed else as_of.query


def _views(
    filters: Filters, tally: Mapping[str, int], as_of: AsOf
) -> Iterator[tuple[str, str, int | None, bool, bool]]:
    """Each word with its address and how many had it, as far as they were counted."""
    numbers = tally.values()
    total = sum(numbers) if tally else None
    yield "All", f"?{_joined(filters.query(words=()), as_of)}", total, COUNTED in numbers, not filters.words
    for word in WORST_FIRST:
        number, chosen = tally.get(word), filters.words == (word,)
        if number or chosen or not tally:
            url = f"?{_joined(filters.query(words=(word,)), as_of)}"
            yield look_of(word).label, url, number, number == COUNTED, chosen


def _chips(filters: Filters, as_of: AsOf) -> Iterator[tuple[str, str, str]]:
    """The other filters in force, each with the address that takes it away."""
    if filters.reason:
        yield "Reason", reason_text(filters.reason), f"?{_joined(filters.query(reason=''), as_of)}"
    if filters.registry is not None:
        yield "Registry", str(filters.registry), f"?{_joined(filters.query(registry=None), as_of)}"
    if filters.repository is not None:
        yield "Repository", str(filters.repository), f"?{_joined(filters.query(repository=None), as_of)}"
    if filters.name:
        yield "Repository", filters.name, f"?{_joined(filters.query(name=''), as_of)}"
    if filters.certificate:  # who decided then is not kept
        yield "Decides now", filters.certificate[:12], f"?{_joined(filters.query(certificate=''), as_of)}"
