"""Artifacts: the list, and one artifact with its tabs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import access, listing, starting
from dashboard.artifact_pages import Place, head, trust_page
from dashboard.as_of import NAMES, AsOf
from dashboard.listing import NEEDS_A_LOOK, Filters
from dashboard.manifest_page import manifest_page
from dashboard.requests import Request
from dashboard.tree_page import tree_page
from dashboard.views.past import artifact_as_of, of_an_instant
from dashboard.views.past_list import artifacts_as_of
from dashboard.words import reason_text
from registries import exporting, questions, tasks
from registries.models import Claim, Manifest
from registries.oci.digest import Digest
from trust import revisions
from trust.holdings import is_signature_of
from trust.models import ArtifactStatus
from trust.notary.outcome import Word
from trust.on_the_spot import JudgedArtifact, judge_listed


@dataclass(frozen=True, slots=True)
class View:
    """A selection that people ask for again and again."""

    label: str
    words: tuple[Word, ...]


VIEWS = (
    View("All", ()),
    View("Needs a look", NEEDS_A_LOOK),
    View("Verified", (Word.verified, Word.verified_with_exceptions)),
    View("Unsigned", (Word.unsigned,)),
    View("Not checked", (Word.not_checked,)),
)


@require_safe
@of_an_instant
def artifacts(request: Request) -> HttpResponse:
    """The list, now or as of an instant. A request of htmx is answered with the list alone."""
    if as_of := AsOf.parse(request.GET):
        return artifacts_as_of(request, as_of)
    now = timezone.now()
    filters = Filters.parse(request.GET, also=NAMES)  # empty ones, or it were another page
    active = revisions.active_number()
    rows = listing.found_in(listing.artifacts(access.repositories_of(request.user), active, now), filters)
    tally = listing.tally(rows, filters, active, now)
    page = listing.page(
        rows.filter(filters.verdict()), after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    registries = {registry.pk: str(registry) for registry in access.registries_of(request.user)}
    query = filters.query(unknown=filters.unknown)
    context = {
        "at": now,
        "filters": filters,
        "revision": active,
        "page": page,
        "tally": tally,
        "views": [
            (
                view.label,
                f"?{filters.query(words=_ordered(view.words), reason='')}",
                _count(view, tally),
                _is(view, filters),
            )
            for view in VIEWS
        ],
        "chips": list(_chips(filters, page.rows, registries)),
        "words": [(word, f"?{filters.query(words=(word,), reason='')}", tally.words.get(word, 0)) for word in Word],
        "reasons": [
            (reason, f"?{filters.query(reason=reason)}", count)
            for reason, count in tally.reasons.items()
            if reason not in list(Word)  # it says no more than the status
        ],
        "registries": [
            (name, f"?{filters.query(registry=pk, repository=None)}")
            for pk, name in sorted(registries.items(), key=lambda item: item[1])
        ],
        "previous_url": f"?{_with(query, 'before', page.previous)}" if page.previous else "",
        "next_url": f"?{_with(query, 'after', page.next)}" if page.next else "",
        "json_url": reverse("api_artifacts") + (f"?{query}" if query else ""),
        "csv_url": f"{reverse('api_artifacts')}?{_with(query, 'format', 'csv')}",
    }
    response = render(request, "dashboard/artifacts.html" + ("#results" if request.htmx else ""), context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _ordered(words: Sequence[Word]) -> tuple[Word, ...]:
    return tuple(word for word in Word if word in words)


def _count(view: View, tally: listing.Tally) -> int:
    return tally.of(view.words) if view.words else tally.total


def _is(view: View, filters: Filters) -> bool:
    return _ordered(view.words) == filters.words and not filters.reason and not filters.unknown


def _with(query: str, name: str, value: str) -> str:
    return f"{query}&{name}={value}" if query else f"{name}={value}"


def _chips(
    filters: Filters, rows: Sequence[ArtifactStatus], registries: Mapping[int, str]
) -> Iterator[tuple[str, str, str]]:
    """The filters in force, each with the URL that takes it away; first those that nobody understands."""
    for name, value in filters.unknown:
        others = tuple(each for each in filters.unknown if each != (name, value))
        yield "Unknown filter", f"{name}={value}"[:100], f"?{filters.query(unknown=others)}"
    if filters.words and not any(_is(view, filters) for view in VIEWS):
        names = ", ".join(word.value.replace("_", " ") for word in filters.words)
        yield "Status", names, f"?{filters.query(words=())}"
    if filters.reason:
        yield "Reason", reason_text(filters.reason), f"?{filters.query(reason='')}"
    if filters.registry is not None:
        yield "Registry", registries.get(filters.registry, "none that you see"), f"?{filters.query(registry=None)}"
    if filters.repository is not None:
        name = rows[0].repository.name if rows else "one without such artifacts"
        yield "Repository", name, f"?{filters.query(repository=None)}"
    if filters.certificate:
        yield "Certificate", filters.certificate[:12], f"?{filters.query(certificate='')}"
    if filters.name:
        yield "Repository", filters.name, f"?{filters.query(name='')}"


@require_safe
@of_an_instant
def artifact(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """The Trust tab: the verdict, judged now or as of an instant, and why."""
    place = Place.of(request.user, repository_id, digest)
    if as_of := AsOf.parse(request.GET):
        return _of_a_signature(place, place.manifest(), f"?{as_of.query}") or artifact_as_of(request, place, as_of)
    judged = judge(place)
    _heard(place, judged.at)
    if elsewhere := _of_a_signature(place, judged.manifest):
        return elsewhere
    everything = request.GET.get("signatures") == "all"
    page = trust_page(request.user, place, judged, request.GET.get("signature", ""), everything=everything)
    context = head(request.user, place, judged.manifest, "artifact") | {
        "at": judged.at,
        "trust": page,
        "judged": judged,
        "may_trust": access.is_admin(request.user) and page.selected and starting.signer_of(page.selected) is not None,
        "claim": Claim.objects.filter(repository=place.repository, digest=digest).first(),
    }
    return render(request, "dashboard/artifact_trust.html", context)


def _of_a_signature(place: Place, manifest: Manifest, query: str = "") -> HttpResponse | None:
    """Where what is no artifact but a signature is shown."""
    if manifest.kind != "signature" or not manifest.subject or place.status:
        return None
    if is_signature_of(manifest, manifest.subject):
        return redirect(reverse("signature", args=[place.repository.pk, manifest.subject, place.digest]) + query)
    return redirect(
        "artifact_manifest", place.repository.pk, place.digest
    )  # of another kind: it has no page of its own


def judge(place: Place) -> JudgedArtifact:
    """The artifact judged on the spot; Http404 for one that never was there."""
    try:
        return judge_listed(place.repository, place.digest, place.listing, timezone.now())
    except Manifest.DoesNotExist as error:
        raise Http404 from error


def _heard(place: Place, at: datetime) -> None:
    """Whoever looks at an older listing has it read again; this answer does not wait for it."""
    if questions.asked_about(place.listing, at):
        transaction.on_commit(tasks.nudge_indexing, robust=True)


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """GET: whether the registry is still being asked; a page that waits is loaded anew when it is not. POST: ask and wait."""
    place = Place.of(request.user, repository_id, digest)
    place.manifest()
    now = timezone.now()
    if request.method == "POST":
        error = questions.check_now(place.repository, digest)
        if error:
            messages.warning(request, f"The registry could not be asked to the end. {error}")
        return redirect("artifact", repository_id, digest)
    asked = questions.is_checked_again(place.repository, place.listing, now)
    context = {"place": place, "rechecking": asked}
    response = render(request, "dashboard/parts/rechecking.html", context)
    if request.htmx and not asked:
        response.headers["HX-Refresh"] = "true"
    return response


@require_safe
def export(request: Request, repository_id: int, digest: Digest) -> StreamingHttpResponse:
    """The artifact with its whole referrer tree as an OCI layout. `blobs=fetch`: what is not kept is asked of the registry."""
    place = Place.of(request.user, repository_id, digest)
    place.manifest()
    try:
        planned = exporting.plan(place.repository, digest)
    except Manifest.DoesNotExist as error:
        raise Http404 from error
    content = exporting.write(planned, timezone.now(), fetch=request.GET.get("blobs") == "fetch")
    response = StreamingHttpResponse(content, content_type="application/x-tar")
    response.headers["Content-Disposition"] = f'attachment; filename="{digest.short}.tar"'
    return response


@require_safe
def tree(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """The Tree tab: what hangs on the artifact, in text and as two pictures."""
    place = Place.of(request.user, repository_id, digest)
    judged = judge(place)
    _heard(place, judged.at)
    context = {
        "at": judged.at,
        "tree": tree_page(place, judged, request.GET.get("unfold", ""), request.GET.get("signature", "")),
        "judged": judged,
    }
    part = "#tree" if request.htmx else ""
    response = render(
        request,
        "dashboard/artifact_tree.html" + part,
        head(request.user, place, judged.manifest, "artifact_tree") | context,
    )
    patch_vary_headers(response, ("HX-Request",))
    return response


@require_safe
def manifest(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """The Manifest tab: the very bytes, and what they say."""
    place = Place.of(request.user, repository_id, digest)
    row = place.manifest()
    content = place.content()
    context = {"at": timezone.now(), "page": manifest_page(place, row, content)}
    return render(
        request, "dashboard/artifact_manifest.html", head(request.user, place, row, "artifact_manifest") | context
    )


@require_safe
def manifest_raw(request: Request, repository_id: int, digest: Digest) -> HttpResponse:
    """The exact bytes, as a file: a browser is never asked to interpret what a registry sent."""
    place = Place.of(request.user, repository_id, digest)
    place.manifest()
    content = place.content()
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{digest.short}.json"'
    return response
