"""The REST API: the same sets, filters and judgements as the pages, as JSON."""

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access, listing, work
from dashboard.api.renderers import ArtifactsCsv
from dashboard.api.serializers import (
    ArtifactSerializer,
    registry_as_json,
    revision_as_json,
    signature_as_json,
    trust_as_json,
)
from dashboard.listing import Filters
from dashboard.trust_pages import Reading, stores_of
from dashboard.why import path_of
from registries import questions, tasks
from registries.models import Manifest
from registries.oci.digest import Digest
from trust import revisions, verification
from trust.models import TrustRevision
from trust.on_the_spot import JudgedArtifact

SIZES = {  # rows of a page: usually, and at most
    JSONRenderer.format: (listing.PAGE_SIZE, 200),
    ArtifactsCsv.format: (listing.COUNTED, listing.COUNTED),
}


@api_view(["GET"])
@renderer_classes([JSONRenderer, ArtifactsCsv])
def artifacts(request: Request) -> Response:
    """The list of artifacts: `q`, `registry`, `repository`, `name`, `status`, `reason` narrow it; `after` pages it."""
    now = timezone.now()
    filters = Filters.parse(request.query_params, also=("limit", "format"))
    if filters.unknown:
        raise ValidationError({name: [_not_understood(name, value)] for name, value in filters.unknown})
    rows = listing.artifacts(access.repositories_of(request.user), revisions.active_number(), now)
    found = listing.found_in(rows, filters).filter(filters.verdict())
    is_csv = request.accepted_renderer.format == ArtifactsCsv.format
    page = listing.page(
        found,
        after=request.query_params.get("after", ""),
        before=request.query_params.get("before", ""),
        size=_limit(request.query_params.get("limit"), *SIZES[request.accepted_renderer.format]),
    )
    answer = {
        "next": _neighbour(request, "after", page.next),
        "previous": _neighbour(request, "before", page.previous),
        "results": ArtifactSerializer(page.rows, many=True, context={"request": request}).data,
    }
    headers = {"Content-Disposition": 'attachment; filename="artifacts.csv"'} if is_csv else {}
    return Response(answer, headers=headers)


def _limit(text: str | None, usual: int, most: int) -> int:
    """How many rows a page has."""
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise ValidationError({"limit": [f"“{text[:80]}” is not understood. It may be a number from 1 on."]})
    return min(int(text), most)


def _not_understood(name: str, value: str) -> str:
    if name not in listing.PARAMETERS:
        return f"There is no such parameter. There are {', '.join((*listing.PARAMETERS, 'limit', 'format'))}."
    return f"“{value[:80]}” is not understood. It may be {listing.PARAMETERS[name]}."


def _neighbour(request: Request, name: str, cursor: str) -> str | None:
    """The address of a neighbouring page of the same query."""
    if not cursor:
        return None
    query = request.query_params.copy()
    for old in ("after", "before"):
        query.pop(old, None)
    query[name] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


@api_view(["GET"])
def trust(request: Request, repository_id: int, digest: Digest) -> Response:
    """Whether an artifact may be trusted and why (not), judged now from what is stored."""
    judged = _judged(request, repository_id, digest)
    path = path_of(request.user, judged, judged.signatures[0] if judged.signatures else None)
    return Response(trust_as_json(judged) | {"path": path.as_json()})


@api_view(["GET"])
def signatures(request: Request, repository_id: int, digest: Digest) -> Response:
    """The signatures of an artifact, the best first."""
    judged = _judged(request, repository_id, digest)
    return Response({"results": [signature_as_json(signature) for signature in judged.signatures]})


def _judged(request: Request, repository_id: int, digest: Digest) -> JudgedArtifact:
    visible = access.repositories_of(request.user).select_related("registry")
    repository = get_object_or_404(visible, pk=repository_id)
    now = timezone.now()
    try:
        judged = verification.judge_artifact(repository, digest, now)
    except Manifest.DoesNotExist as error:
        raise Http404 from error
    if questions.asked_about(judged.listing, now):
        transaction.on_commit(tasks.nudge_indexing, robust=True)
    return judged


@api_view(["GET"])
def registries(request: Request) -> Response:
    """The registries, and how indexing goes."""
    rows = work.registry_rows(access.registries_of(request.user), access.repositories_of(request.user), timezone.now())
    return Response({"results": [registry_as_json(row) for row in rows]})


@api_view(["GET"])
def trust_revision(request: Request, number: int | None = None) -> Response:
    """A revision, the active one unless it is numbered: its statements and trust stores."""
    shown = revisions.active() if number is None else TrustRevision.objects.filter(number=number).first()
    if shown is None:
        raise Http404
    reading = Reading.of(shown, request.user)
    return Response(revision_as_json(reading, stores_of(reading)))
