"""The coverage map of the active policy, as JSON and CSV."""

from django.http import Http404
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard.api.renderers import RowsCsv
from dashboard.coverage_page import PARAMETERS, CoverageFilters, coverage_page, page_as_json
from trust import revisions


@api_view(["GET"])
@renderer_classes([JSONRenderer, RowsCsv])
def coverage(request: Request) -> Response:
    """Every repository with its statement: `q`, `how`, `statement` narrow it. 404 where there is no revision."""
    query = request.query_params.copy()
    query.pop("format", None)
    filters = CoverageFilters.parse(query)
    if filters.unknown:
        raise ValidationError({name: [_not_understood(name, value)] for name, value in filters.unknown})
    active = revisions.active()
    if active is None:
        raise Http404
    is_csv = request.accepted_renderer.format == RowsCsv.format
    headers = {"Content-Disposition": 'attachment; filename="coverage.csv"'} if is_csv else {}
    return Response(
        page_as_json(coverage_page(revisions.material(active), request.user, filters), active), headers=headers
    )


def _not_understood(name: str, value: str) -> str:
    if name not in PARAMETERS:
        return f"There is no such parameter. There are {', '.join((*PARAMETERS, 'format'))}."
    return f"“{value[:80]}” is not understood. It may be {PARAMETERS[name]}."
