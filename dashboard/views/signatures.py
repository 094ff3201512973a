"""One signature of one artifact: its ladder, its certificates, what it says."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.artifact_pages import Place
from dashboard.requests import Request
from dashboard.signature_page import signature_page
from dashboard.views.artifacts import judge
from registries.oci.digest import Digest


@require_safe
def signature(request: Request, repository_id: int, digest: Digest, signature: Digest) -> HttpResponse:
    """A signature that is listed for the artifact; Http404 for any other."""
    place = Place.of(request.user, repository_id, digest)
    judged = judge(place)
    found = next((each for each in judged.signatures if each.manifest.digest == signature), None)
    if found is None:
        raise Http404
    context = {
        "at": judged.at,
        "place": place,
        "judged": judged,
        "page": signature_page(request.user, place, judged, found),
        "json_url": reverse("api_artifact_signatures", args=[repository_id, digest]),
    }
    return render(request, "dashboard/signature.html", context)
