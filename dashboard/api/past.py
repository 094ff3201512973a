"""The history of an artifact as JSON, and what every endpoint shares that may be asked as of an instant."""

from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access
from dashboard.api.paging import SIZES, limit_of, neighbour
from dashboard.api.records import only
from dashboard.api.renderers import RowsCsv
from dashboard.artifact_pages import Place
from dashboard.as_of import AsOf, NotAnInstantError, text_of
from dashboard.listing import Filters
from dashboard.past_listing import GAPS, ONE_AT_A_TIME, found_at, page_at, row_as_json
from dashboard.past_page import line_as_json
from registries.oci.digest import Digest
from trust.history import history_of
from trust.past import Asked


def as_of(request: Request) -> AsOf | None:
    """As of which instant; None: now. What is none is refused by name."""
    try:
        return AsOf.parse(request.query_params)
    except NotAnInstantError as error:
        raise ValidationError({error.name: [str(error)]}) from error


def artifacts_as_of(request: Request, asked: AsOf, filters: Filters) -> Response:
    """The list as it was on record at an instant."""
    if asked.asked is Asked.now:
        raise ValidationError({"known": [ONE_AT_A_TIME]})
    if before := request.query_params.get("before"):
        raise ValidationError({"before": [f"“{before[:80]}”: a list of the past is paged forward only."]})
    found = found_at(access.repositories_of(request.user), filters, asked.at)
    renderer = request.accepted_renderer.format
    size = limit_of(request.query_params.get("limit"), *SIZES[renderer])
    page = page_at(found, filters, asked.at, request.query_params.get("after", ""), size)
    answer = {
        "as_of": {"at": text_of(asked.at), "known": asked.asked.value, "question": asked.said, "cannot_be_known": GAPS},
        "next": neighbour(request, "after", page.next),
        "previous": None,
        "results": [row_as_json(row) for row in page.rows],
    }
    is_csv = renderer == RowsCsv.format
    return Response(answer, headers={"Content-Disposition": 'attachment; filename="artifacts.csv"'} if is_csv else {})


@api_view(["GET"])
def history(request: Request, repository_id: int, digest: Digest) -> Response:
    """What happened to an artifact, newest first; `before` pages it."""
    only(request, "before")
    place = Place.of(request.user, repository_id, digest)
    place.manifest()
    try:
        older = AsOf.parse({"at": request.query_params.get("before", "")})
    except NotAnInstantError as error:
        raise ValidationError({"before": [str(error)]}) from error
    page = history_of(place.repository, digest, older.at if older else None)
    following = request.build_absolute_uri(f"{request.path}?before={text_of(page.older)}") if page.older else None
    return Response({"next": following, "results": [line_as_json(each) for each in page.rows]})
