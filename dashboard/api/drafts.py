"""What a draft would change, as JSON or CSV."""

from itertools import islice
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access, impact
from dashboard.api.renderers import RowsCsv
from trust import revisions
from trust.draft_rows import Draft

PAGE_SIZE = 200
MOST_LINES = 1_000_000  # of the CSV


@api_view(["GET"])
@renderer_classes([JSONRenderer, RowsCsv])
def changes(request: Request, draft_id: int) -> Response:
    """The artifacts whose word a draft changes: `before`, `after`, `reason`, `repository`, `signer`, `waiting` narrow it."""
    if not access.sees_everything(request.user):
        raise Http404
    found = impact.Impact.of(get_object_or_404(Draft, pk=draft_id), revisions.active_number())
    if found is None:
        raise Http404
    filters = impact.Filters.parse(request.query_params)
    is_csv = request.accepted_renderer.format == RowsCsv.format
    if is_csv:
        page = impact.Page(list(islice(impact.every(filters, found.preview), MOST_LINES)))
    else:
        page = impact.page(filters, found.preview, request.query_params.get("page", ""), PAGE_SIZE)
    answer = {
        "at": found.preview.at,
        "against": found.preview.against,
        "complete": not found.runs,
        "outdated": found.is_outdated,
        "next": _next(request, page.next),
        "results": [_as_json(row) for row in page.rows],
    }
    headers = {"Content-Disposition": f'attachment; filename="draft-{draft_id}-changes.csv"'} if is_csv else {}
    return Response(answer, headers=headers)


def _next(request: Request, place: str) -> str | None:
    if not place:
        return None
    query = request.query_params.copy()
    query["page"] = place
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _as_json(row: impact.Row) -> dict[str, Any]:
    status, group = row.status, row.group
    return {
        "repository": status.repository.reference,
        "digest": str(status.manifest_id),
        "tags": status.tags,
        "before": group.before,
        "after": group.after,
        "reason": group.reason,
        "message": group.message,
        "signer": group.signer,
        "statement": group.statement,
        "waits_for_evidence": bool(group.hinges_on),
    }
