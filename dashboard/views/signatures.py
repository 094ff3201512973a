"""One signature of one artifact: its ladder, its certificates, what it says."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import access, starting
from dashboard.artifact_pages import Place
from dashboard.as_of import AsOf
from dashboard.past_page import judge_as_of
from dashboard.requests import Request
from dashboard.signature_page import signature_page
from dashboard.views.artifacts import judge
from dashboard.views.past import banner, of_an_instant
from registries.oci.digest import Digest


@require_safe
@of_an_instant
def signature(request: Request, repository_id: int, digest: Digest, signature: Digest) -> HttpResponse:
    """A signature that is listed for the artifact, or was as of an instant; Http404 for any other."""
    place = Place.of(request.user, repository_id, digest)
    as_of = AsOf.parse(request.GET)
    past = judge_as_of(place, as_of) if as_of else None
    judged = past.judged if past else judge(place)
    found = next((each for each in judged.signatures if each.manifest.digest == signature), None) if judged else None
    if judged is None or found is None:
        raise Http404
    api = reverse("api_artifact_signatures", args=[repository_id, digest])
    context = {
        "at": judged.at,
        "place": place,
        "judged": judged,
        "page": signature_page(request.user, place, judged, found),
        "may_trust": not as_of and access.is_admin(request.user) and starting.signer_of(found) is not None,
        "json_url": f"{api}?{as_of.query}" if as_of else api,
    }
    if as_of and past:
        context |= banner(place, as_of, past)
    return render(request, "dashboard/signature.html", context)
