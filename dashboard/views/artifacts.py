"""Artifacts: the list, and one artifact with its tabs."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from dashboard import access, listing
from dashboard.listing import NEEDS_A_LOOK, Filters
from dashboard.requests import Request
from trust import revisions
from trust.notary.outcome import Word


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
def artifacts(request: Request) -> HttpResponse:
    """The list. A request of htmx is answered with the list alone."""
    at = timezone.now()
    filters = Filters.parse(request.GET)
    revision = revisions.active_number()
    rows = listing.found_in(listing.artifacts(access.repositories_of(request.user), revision, at), filters)
    tally = listing.tally(rows, filters, revision, at)
    page = listing.page(
        rows.filter(filters.verdict()), after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    registries = list(access.registries_of(request.user).order_by("reference_name", "address").distinct())
    query = filters.query()
    context = {
        "at": at,
        "filters": filters,
        "revision": revision,
        "page": page,
        "tally": tally,
        "views": [
            {"label": view.label, "url": f"?{filters.query(words=_ordered(view.words), reason='')}",
             "count": tally.of(view.words) if view.words else tally.total,
             "current": _ordered(view.words) == filters.words and not filters.reason}
            for view in VIEWS
        ],
        "chips": list(_chips(filters, page.rows, {registry.pk: str(registry) for registry in registries})),
        "word_choices": [(word, f"?{filters.query(words=(word,), reason='')}", tally.words.get(word, 0)) for word in Word],
        "reason_choices": [(reason, f"?{filters.query(reason=reason)}", count) for reason, count in tally.reasons.items()],
        "registry_choices": [(str(registry), f"?{filters.query(registry=registry.pk, repository=None)}") for registry in registries],
        "previous_url": f"?{_joined(query, 'before', page.previous)}" if page.previous else "",
        "next_url": f"?{_joined(query, 'after', page.next)}" if page.next else "",
        "json_url": f"{reverse('api_artifacts')}?{query}" if query else reverse("api_artifacts"),
        "csv_url": f"{reverse('api_artifacts')}?{_joined(query, 'format', 'csv')}",
    }  # fmt: skip
    response = render(request, "dashboard/artifacts.html" + ("#results" if request.htmx else ""), context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _ordered(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(word for word in Word if word in words)


def _joined(query: str, name: str, value: str) -> str:
    return f"{query}&{name}={value}" if query else f"{name}={value}"


def _chips(filters: Filters, rows, registries):  # type: ignore[no-untyped-def]
    """The filters in force, each with the URL that takes it away."""
    if filters.words:
        names = ", ".join(word.value.replace("_", " ") for word in filters.words)
        yield "Status", names, f"?{filters.query(words=())}"
    if filters.reason:
        yield "Reason", filters.reason.replace("_", " "), f"?{filters.query(reason='')}"
    if filters.registry is not None:
        yield "Registry", registries.get(filters.registry, "unknown"), f"?{filters.query(registry=None)}"
    if filters.repository is not None:
        name = rows[0].repository.name if rows else "one repository"
        yield "Repository", name, f"?{filters.query(repository=None)}"
    if filters.name:
        yield "Repository", filters.name, f"?{filters.query(name='')}"
