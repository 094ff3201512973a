"""Coverage: every repository, and the statement of the active policy, or of a draft's, that it falls under."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access
from dashboard.coverage_page import HOWS, CoverageFilters, CoveragePage, Slice, coverage_page
from dashboard.requests import Request
from dashboard.views.drafts import for_readers
from trust import drafts, revisions
from trust.draft_rows import Draft
from trust.notary.errors import NotaryError


@require_safe
def coverage(request: Request) -> HttpResponse:
    """The map; without a revision the page says that there is nothing to fall under."""
    active = revisions.active()
    filters = CoverageFilters.parse(request.GET, also=("page",))
    context = _about(request, filters) | {"revision": active}
    if active is not None:
        try:
            page = coverage_page(revisions.material(active), request.user, filters)
        except NotaryError as error:  # written by another version of Signboard
            context["fault"] = str(error)
        else:
            context |= _shown(request, page) | _exports(filters, reverse("api_trust_coverage"))
    return render(request, "dashboard/trust_coverage.html", context)


@require_safe
@for_readers
def of_draft(request: Request, draft_id: int) -> HttpResponse:
    """The map as it would be; a draft that breaks rules has none."""
    draft = get_object_or_404(Draft, pk=draft_id)
    filters = CoverageFilters.parse(request.GET, also=("page",))
    context = _about(request, filters) | {"draft": draft}
    try:
        material = drafts.material_of(drafts.content_of(draft))
    except NotaryError as error:
        context["fault"] = str(error)
    else:
        page = coverage_page(material, request.user, filters, is_active=False)
        context |= _shown(request, page) | _exports(filters, reverse("api_draft_coverage", args=[draft.pk]))
    return render(request, "dashboard/draft_coverage.html", context)


def _about(request: Request, filters: CoverageFilters) -> dict[str, Any]:
    return {
        "at": timezone.now(),
        "filters": filters,
        "sees_everything": access.sees_everything(request.user),
        "is_admin": access.is_admin(request.user),
    }


def _shown(request: Request, page: CoveragePage) -> dict[str, Any]:
    filters = page.filters
    return {
        "page": page,
        "slice": Slice.of(page.found, request.GET.get("page")),
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
    }


def _exports(filters: CoverageFilters, url: str) -> dict[str, str]:
    query = filters.query()
    json_url = url + (f"?{query}" if query else "")
    return {"json_url": json_url, "csv_url": f"{json_url}{'&' if query else '?'}format=csv"}
