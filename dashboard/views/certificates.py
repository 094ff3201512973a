"""Certificates: the list, one certificate with what rests on it, and what would turn if it were trusted no more."""

from collections.abc import Iterator

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access, certificate_list, turning
from dashboard.certificate_list import STATES, Filters
from dashboard.certificate_page import Supposal, certificate_page, sight_of
from dashboard.requests import Request
from dashboard.trust_pages import expiry_word
from trust import samples
from trust.seen import Role

VIEWS = {"valid": "Valid", "soon": "Expire within 30 days", "expired": "Expired", "all": "All"}
ROLES = {Role.leaf: "Leaf", Role.intermediate: "Intermediate", Role.root: "Root", Role.tsa: "TSA"}


@require_safe
def certificates(request: Request) -> HttpResponse:
    """The list, the soonest deadline first."""
    now = timezone.now()
    filters = Filters.parse(request.GET)
    sight = sight_of(request.user)
    rows = sight.certificates.filter(filters.place(sight.stores))
    figures = certificate_list.figures(rows, now)
    found = certificate_list.page(
        sight,
        rows.filter(filters.when(now)),
        filters,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    query = filters.query(unknown=filters.unknown)
    api = reverse("api_certificates")
    context = {
        "at": now,
        "filters": filters,
        "page": found,
        "rows": [(row, ROLES[row.role], expiry_word(row.certificate, now)) for row in found.rows],
        "views": [
            (VIEWS[name], f"?{filters.query(state=name)}", figures[name], name == filters.state) for name in STATES
        ],
        "selected": figures[filters.state],
        "roles": [(label, f"?{filters.query(role=role.value)}") for role, label in ROLES.items()],
        "stores": sorted({name for names in sight.stores.values() for name in names}),
        "store_urls": [
            (name, f"?{filters.query(store=name)}")
            for name in ("any", "none", *sorted({one for names in sight.stores.values() for one in names}))
        ],
        "chips": list(_chips(filters)),
        "previous_url": f"?{_with(query, 'before', found.previous)}" if found.previous else "",
        "next_url": f"?{_with(query, 'after', found.next)}" if found.next else "",
        "json_url": api + (f"?{query}" if query else ""),
        "csv_url": f"{api}?{_with(query, 'format', 'csv')}",
    }
    return render(request, "dashboard/certificates.html", context)


def _with(query: str, name: str, value: str) -> str:
    return f"{query}&{name}={value}" if query else f"{name}={value}"


def _chips(filters: Filters) -> Iterator[tuple[str, str, str]]:
    """The filters in force, each with the URL that takes it away; first those that nobody understands."""
    for name, value in filters.unknown:
        others = tuple(each for each in filters.unknown if each != (name, value))
        yield "Unknown filter", f"{name}={value}"[:100], f"?{filters.query(unknown=others)}"
    if filters.role in ROLES:
        yield "Role", ROLES[Role(filters.role)], f"?{filters.query(role='')}"
    if filters.store:
        yield "Store", filters.store, f"?{filters.query(store='')}"


@require_safe
def certificate(request: Request, thumbprint: str) -> HttpResponse:
    """One certificate; `if` asks what would follow if it were `removed`, or `revoked` on a day."""
    now = timezone.now()
    sight = sight_of(request.user)
    row = get_object_or_404(sight.certificates, pk=thumbprint)
    supposal = Supposal.parse(request.GET, now)
    page = certificate_page(request.user, sight, row, supposal, now)
    query = request.GET.urlencode()
    context = {
        "at": now,
        "page": page,
        "role": ROLES[page.role],
        "expiry": expiry_word(row, now),
        "query": query,
        "json_url": reverse("api_certificate", args=[thumbprint]) + (f"?{query}" if query else ""),
    }
    return render(request, "dashboard/certificate.html", context)


@require_safe
def certificate_turning(request: Request, thumbprint: str) -> HttpResponse:
    """The artifacts that would turn if the certificate were trusted no more."""
    now = timezone.now()
    row = get_object_or_404(sight_of(request.user).certificates, pk=thumbprint)
    supposal = Supposal.parse(request.GET, now)
    supposed = supposal.answered(samples.take(access.repositories_of(request.user), now), thumbprint, now)
    if supposed is None:
        raise Http404
    asked = {name: value for name, value in request.GET.items() if name in ("if", "on")}
    found = turning.page(
        request.user, supposed.steps, now, after=request.GET.get("after", ""), before=request.GET.get("before", "")
    )
    context = {
        "at": now,
        "certificate": row,
        "supposal": supposal,
        "supposed": supposed,
        "page": found,
        "total": supposed.number,
        "json_url": reverse("api_certificate_turning", args=[thumbprint], query=asked),
        "csv_url": reverse("api_certificate_turning", args=[thumbprint], query={**asked, "format": "csv"}),
    }
    return render(request, "dashboard/certificate_turning.html", context)
