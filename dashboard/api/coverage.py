"""The coverage map of the active policy and of a draft, as JSON and CSV."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access
from dashboard.api.renderers import RowsCsv
from dashboard.coverage_page import PARAMETERS, CoverageFilters, CoveragePage, coverage_page, page_as_json
from trust import drafts, revisions
from trust.draft_rows import Draft
from trust.notary.errors import NotaryError


@api_view(["GET"])
@renderer_classes([JSONRenderer, RowsCsv])
def coverage(request: Request) -> Response:
    """Every repository with its statement: `q`, `how`, `statement` narrow it. 404 where there is no revision."""
    filters = _filters(request)
    active = revisions.active()
    if active is None:
        raise Http404
    page = coverage_page(revisions.material(active), request.user, filters)
    return _answer(request, page, {"revision": active.number}, "coverage")


@api_view(["GET"])
@renderer_classes([JSONRenderer, RowsCsv])
def of_draft(request: Request, draft_id: int) -> Response:
    """The same as it would be; 404 for a draft that breaks rules: its page says which."""
    if not access.sees_everything(request.user):
        raise Http404
    draft, filters = get_object_or_404(Draft, pk=draft_id), _filters(request)
    try:
        material = drafts.material_of(drafts.content_of(draft))
    except NotaryError as error:
        raise Http404 from error
    page = coverage_page(material, request.user, filters, is_active=False)
    return _answer(request, page, {"draft": draft.pk, "version": draft.version}, f"draft-{draft.pk}-coverage")


def _filters(request: Request) -> CoverageFilters:
    """What the address asks for; refused where it is not understood."""
    query = request.query_params.copy()
    query.pop("format", None)
    filters = CoverageFilters.parse(query)
    if filters.unknown:
        raise ValidationError({name: [_not_understood(name, value)] for name, value in filters.unknown})
    return filters


def _answer(request: Request, page: CoveragePage, about: dict[str, Any], name: str) -> Response:
    is_csv = request.accepted_renderer.format == RowsCsv.format
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'} if is_csv else {}
    return Response(about | page_as_json(page), headers=headers)


def _not_understood(name: str, value: str) -> str:
    if name not in PARAMETERS:
        return f"There is no such parameter. There are {', '.join((*PARAMETERS, 'format'))}."
    return f"“{value[:80]}” is not understood. It may be {PARAMETERS[name]}."
