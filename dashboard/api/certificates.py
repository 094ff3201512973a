"""Certificates and the forecast, as JSON and CSV: the same queries as the pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dashboard import access, certificate_list, forecast_page, turning
from dashboard.api.paging import SIZES, limit_of, neighbour
from dashboard.api.renderers import RowsCsv
from dashboard.api.serializers import ArtifactSerializer
from dashboard.certificate_list import Filters, Row
from dashboard.certificate_page import CertificatePage, Supposal, certificate_page, sight_of
from dashboard.forecast_page import Asked, deadline_of, names_of, narrowed
from dashboard.renewals import Renewal, renewals
from trust import samples
from trust.forecast import Deadline, Step
from trust.models import Certificate
from trust.notary.outcome import Word

BOTH = [JSONRenderer, RowsCsv]


@api_view(["GET"])
@renderer_classes(BOTH)
def certificates(request: Request) -> Response:
    """The certificates within sight: `q`, `state`, `role` and `store` narrow it; `after` pages it."""
    now = timezone.now()
    filters = Filters.parse(request.query_params, also=("limit", "format"))
    _refuse(filters.unknown, certificate_list.PARAMETERS)
    sight = sight_of(request.user)
    page = certificate_list.page(
        sight,
        sight.certificates.filter(filters.place(sight.stores), filters.when(now)),
        filters,
        after=request.query_params.get("after", ""),
        before=request.query_params.get("before", ""),
        size=limit_of(request.query_params.get("limit"), *SIZES[request.accepted_renderer.format]),
    )
    answer = {
        "next": neighbour(request, "after", page.next),
        "previous": neighbour(request, "before", page.previous),
        "results": [_row_as_json(request, row) for row in page.rows],
    }
    return Response(answer, headers=_file(request, "certificates"))


def _row_as_json(request: Request, row: Row) -> dict[str, Any]:
    return {
        **_certificate_as_json(row.certificate),
        "role": row.role,
        "proven": not row.claimed,
        "stores": row.stores,
        "chains": row.chains,
        "artifacts": row.resting.number,
        "green": row.resting.green,
        "page": request.build_absolute_uri(reverse("certificate", args=[row.certificate.pk])),
    }


def _certificate_as_json(row: Certificate) -> dict[str, Any]:
    names = ("thumbprint", "subject", "issuer", "serial", "not_before", "not_after", "is_ca", "self_signed", "key")
    return {name: getattr(row, name) for name in names}


@api_view(["GET"])
def certificate(request: Request, thumbprint: str) -> Response:
    """One certificate; `if=removed`, or `if=revoked` with `on`, says how many artifacts would turn."""
    now = timezone.now()
    sight = sight_of(request.user)
    row = get_object_or_404(sight.certificates, pk=thumbprint)
    page = certificate_page(request.user, sight, row, _supposal(request), now)
    return Response(_page_as_json(page))


def _page_as_json(page: CertificatePage) -> dict[str, Any]:
    supposed = page.supposed
    return {
        **_certificate_as_json(page.certificate),
        "role": page.role,
        "proven": not page.claimed,
        "ocsp_urls": page.certificate.ocsp_urls,
        "crl_urls": page.certificate.crl_urls,
        "stores": page.stores,
        "artifacts": page.resting.number,
        "green": page.resting.green,
        "chains": [[one.thumbprint for one in chain.certificates] for chain in page.chains],
        "more_chains": page.more_chains,
        "expires": _deadline_as_json(page.ends.deadline, {}) if page.ends else None,
        "supposed": {
            "if": page.supposal.kind,
            "at": supposed.at,
            "number": supposed.number,
            "turns": _turns_as_json(supposed.turns),
            "stores": supposed.stores,
            "emptied": supposed.emptied,
            "sources": supposed.sources,
        }
        if supposed
        else None,
    }


@api_view(["GET"])
@renderer_classes(BOTH)
def certificate_turning(request: Request, thumbprint: str) -> Response:
    """The artifacts that would turn if the certificate were removed, or revoked on a day."""
    now = timezone.now()
    get_object_or_404(sight_of(request.user).certificates, pk=thumbprint)
    supposed = _supposal(request).answered(samples.take(access.repositories_of(request.user), now), thumbprint, now)
    if supposed is None:
        raise ValidationError({"if": ["It says what to suppose: removed or revoked."]})
    return _turning(request, supposed.steps)


def _supposal(request: Request) -> Supposal:
    supposal = Supposal.parse(request.query_params, timezone.now())
    if supposal.fault:
        raise ValidationError({"if": [supposal.fault]})
    return supposal


@api_view(["GET"])
@renderer_classes(BOTH)
def forecast(request: Request) -> Response:
    """Every deadline ahead: `days`, `q`, `repository` and `certificate` narrow it; and the answers that must be renewed."""
    now = timezone.now()
    asked = Asked.parse(request.query_params, also=("format",))
    _refuse(asked.unknown, forecast_page.PARAMETERS)
    found = narrowed(access.repositories_of(request.user), asked, now)
    taken = found.forecast.samples
    answer = {
        "at": now,
        "until": found.forecast.until,
        "assumed": "answers about revocation are renewed unchanged",
        "short_lived_left_out": len(found.forecast.short_lived),
        "not_looked_at": taken.rarer + taken.waiting,
        "results": [_deadline_as_json(deadline, found.names) for deadline in found.deadlines],
        "renewals": [_renewal_as_json(one) for one in renewals(sight_of(request.user), asked.certificate)],
    }
    return Response(answer, headers=_file(request, "forecast"))


def _deadline_as_json(deadline: Deadline, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "key": deadline.key,
        "at": deadline.at,
        "kind": deadline.kind,
        "thumbprint": deadline.certificate.thumbprint,
        "subject": deadline.certificate.subject,
        "turning": deadline.number,
        "turns": _turns_as_json(deadline.turns),
        "stays": {why.value: number for why, number in deadline.stays.items()},
        "repositories": {names[pk]: number for pk, number in deadline.repositories.items() if pk in names},
        "stores": deadline.stores,
    }


def _turns_as_json(turns: Mapping[tuple[Word, Word], int]) -> dict[str, int]:
    return {f"{before}>{after}": number for (before, after), number in turns.items()}


def _renewal_as_json(renewal: Renewal) -> dict[str, Any]:
    source = renewal.source
    return {
        "kind": source.kind,
        "url": source.url,
        "about": source.certificate_id or source.issuer_id,
        "holds_until": renewal.holds_until,
        "asked_again_at": source.due_at,
        "last_error": source.last_error,
        "artifacts": renewal.number,
    }


@api_view(["GET"])
@renderer_classes(BOTH)
def deadline(request: Request, key: str) -> Response:
    """One deadline, and the artifacts that turn then; `after` pages them."""
    repositories = access.repositories_of(request.user)
    found = deadline_of(repositories, key, timezone.now())
    if found is None:
        raise Http404
    return _turning(request, found.turning, deadline=_deadline_as_json(found, names_of(repositories)))


def _turning(request: Request, steps: Iterable[Step], **more: Any) -> Response:
    page = turning.page(
        request.user,
        steps,
        timezone.now(),
        after=request.query_params.get("after", ""),
        before=request.query_params.get("before", ""),
        size=limit_of(request.query_params.get("limit"), *SIZES[request.accepted_renderer.format]),
    )
    rows = ArtifactSerializer([one.row for one in page.rows], many=True, context={"request": request}).data
    answer = {
        **more,
        "next": neighbour(request, "after", page.next),
        "previous": neighbour(request, "before", page.previous),
        "results": [
            {**row, "then": one.then, "then_reason": one.reason} for row, one in zip(rows, page.rows, strict=True)
        ],
    }
    return Response(answer, headers=_file(request, "artifacts"))


def _refuse(unknown: tuple[tuple[str, str], ...], known: Mapping[str, str]) -> None:
    """Refuse what nobody understands: a misspelt parameter must not look as if it had been heeded."""
    if unknown:
        told = {
            name: [f"“{value[:80]}” is not understood. It may be {known[name]}."]
            if name in known
            else [f"There is no such parameter. There are {', '.join((*known, 'format'))}."]
            for name, value in unknown
        }
        raise ValidationError(told)


def _file(request: Request, name: str) -> dict[str, str]:
    is_csv = request.accepted_renderer.format == RowsCsv.format
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'} if is_csv else {}
