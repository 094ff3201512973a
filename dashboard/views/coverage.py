"""Coverage: every repository, and the statement of the active policy that it falls under."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.coverage_page import HOWS, CoverageFilters, Slice, coverage_page
from dashboard.requests import Request
from trust import revisions
from trust.notary.errors import NotaryError


@require_safe
def coverage(request: Request) -> HttpResponse:
    """The map; without a revision the page says that there is nothing to fall under."""
    active = revisions.active()
    filters = CoverageFilters.parse(request.GET, also=("page",))
    context: dict[str, Any] = {
        "at": timezone.now(),
        "revision": active,
        "filters": filters,
        "sees_everything": access.sees_everything(request.user),
        "is_admin": access.is_admin(request.user),
    }
    if active is None:
        return render(request, "dashboard/trust_coverage.html", context)
    try:
        page = coverage_page(active, request.user, filters)
    except NotaryError as error:  # written by another version of Signboard
        return render(request, "dashboard/trust_coverage.html", context | {"fault": str(error)})
    query = filters.query()
    json_url = reverse("api_trust_coverage") + (f"?{query}" if query else "")
    context |= {
        "page": page,
        "slice": Slice.of(page.found, request.GET.get("page")),
        "hows": {how.value: said for how, said in HOWS.items()},
        "views": [
            ("All", f"?{filters.query(how='')}", page.tally.total(), not filters.how and not filters.unknown),
            *(
                (label, f"?{filters.query(how=how.value)}", page.tally[how], filters.how == how)
                for how, (label, _) in HOWS.items()
            ),
        ],
        "menu": [
            (row.name, f"?{filters.query(statement=row.name)}", row.reached.repositories) for row in page.statements
        ],
        "json_url": json_url,
        "csv_url": f"{json_url}{'&' if query else '?'}format=csv",
    }
    return render(request, "dashboard/trust_coverage.html", context)
