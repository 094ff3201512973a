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
from dashboard.api.paging import SIZES, limit_of, neighbour
from dashboard.api.past import artifacts_as_of, as_of
from dashboard.api.renderers import RowsCsv
from dashboard.api.serializers import (
    ArtifactSerializer,
    registry_as_json,
    revision_as_json,
    signature_as_json,
    trust_as_json,
)
from dashboard.artifact_pages import Place
from dashboard.as_of import NAMES, AsOf
from dashboard.listing import Filters
from dashboard.past_page import judge_as_of, past_as_json
from dashboard.trust_pages import Reading, stores_of
from dashboard.why import path_of
from registries import questions, tasks
from registries.models import Manifest
from registries.oci.digest import Digest
from trust import revisions, verification
from trust.models import TrustRevision
from trust.on_the_spot import JudgedArtifact
from trust.past import Past, without_deadline


@api_view(["GET"])
@renderer_classes([JSONRenderer, RowsCsv])
def artifacts(request: Request) -> Response:
    """The list of artifacts: `q`, `registry`, `repository`, `name`, `status`, `reason` narrow it; `after` pages it."""
    now = timezone.now()
    filters = Filters.parse(request.query_params, also=("limit", "format", *NAMES))
    if filters.unknown:
        raise ValidationError({name: [_not_understood(name, value)] for name, value in filters.unknown})
    if asked := as_of(request):
        return artifacts_as_of(request, asked, filters)
    rows = listing.artifacts(access.repositories_of(request.user), revisions.active_number(), now)
    found = listing.found_in(rows, filters).filter(filters.verdict())
    is_csv = request.accepted_renderer.format == RowsCsv.format
    page = listing.page(
        found,
        after=request.query_params.get("after", ""),
        before=request.query_params.get("before", ""),
        size=limit_of(request.query_params.get("limit"), *SIZES[request.accepted_renderer.format]),
    )
    answer = {
        "next": neighbour(request, "after", page.next),
        "previous": neighbour(request, "before", page.previous),
        "results": ArtifactSerializer(page.rows, many=True, context={"request": request}).data,
    }
    headers = {"Content-Disposition": 'attachment; filename="artifacts.csv"'} if is_csv else {}
    return Response(answer, headers=headers)


def _not_understood(name: str, value: str) -> str:
    if name not in listing.PARAMETERS:
        return f"There is no such parameter. There are {', '.join((*listing.PARAMETERS, 'limit', 'format'))}."
    return f"“{value[:80]}” is not understood. It may be {listing.PARAMETERS[name]}."


@api_view(["GET"])
def trust(request: Request, repository_id: int, digest: Digest) -> Response:
    """Whether an artifact may be trusted and why (not), judged now from what is stored, or as of `at`."""
    if asked := as_of(request):
        past = _past(request, repository_id, digest, asked)
        answer = _trust(request, without_deadline(past.judged)) if past.judged else {"at": asked.at, "status": None}
        return Response(answer | {"as_of": past_as_json(past, asked)})
    return Response(_trust(request, _judged(request, repository_id, digest)))


def _trust(request: Request, judged: JudgedArtifact) -> dict[str, object]:
    path = path_of(request.user, judged, judged.signatures[0] if judged.signatures else None)
    return trust_as_json(judged) | {"path": path.as_json()}


@api_view(["GET"])
def signatures(request: Request, repository_id: int, digest: Digest) -> Response:
    """The signatures of an artifact, the best first, as of now or of `at`."""
    if asked := as_of(request):
        past = _past(request, repository_id, digest, asked)
        found = past.judged.signatures if past.judged else ()
        shown = [signature_as_json(signature) for signature in found]
        return Response({"as_of": past_as_json(past, asked), "results": shown})
    judged = _judged(request, repository_id, digest)
    return Response({"results": [signature_as_json(signature) for signature in judged.signatures]})


def _past(request: Request, repository_id: int, digest: Digest, asked: AsOf) -> Past:
    return judge_as_of(Place.of(request.user, repository_id, digest), asked)


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
