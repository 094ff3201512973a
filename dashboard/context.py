"""What stands round every page: who is here, the active revision, how many registries, how much is being indexed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Model, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from dashboard import access
from trust.models import TrustRevision

VERSION = "0.1"

SECTIONS = {  # which entry of the side a page belongs to, by the name of its URL
    "overview": "overview",
    "artifacts": "artifacts",
    "artifact": "artifacts",
    "signature": "artifacts",
    "registries": "registries",
    "registry": "registries",
    "repository": "registries",
    "certificate": "certificates",
    "certificates": "certificates",
    "forecast": "certificates",
    "deadline": "certificates",
    "trust_policy": "trust_policy",
    "trust_revision": "trust_policy",
    "draft": "trust_policy",
    "drafts": "trust_policy",
    "trust_import": "trust_policy",
    "trust_coverage": "trust_policy",
    "blob_policy": "trust_policy",
    "verify_blob": "verify_blob",
    "trust_stores": "trust_stores",
    "activity": "activity",
    "audit": "audit",
}


@dataclass(frozen=True, slots=True)
class Chrome:
    """The frame of a page. `person` is empty for somebody who has not signed in: then there is no frame."""

    version: str = VERSION
    section: str = ""
    person: str = ""
    initials: str = ""
    role: str = ""
    registries: int = 0
    indexing: int = 0
    revision: int | None = None
    revision_since: datetime | None = None


def chrome(request: HttpRequest) -> dict[str, Any]:
    """A part of a page that shows no frame costs no query."""
    return {"chrome": SimpleLazyObject(lambda: _chrome(request)), "now": timezone.now()}


def _chrome(request: HttpRequest) -> Chrome:
    user = getattr(request, "user", None)  # a fault before the middleware ran leaves none
    if not isinstance(user, User):
        return Chrome(section=section_of(request))
    name = user.get_full_name() or user.get_username()
    counts = _counts(user)
    return Chrome(
        section=section_of(request),
        person=name,
        initials=_initials(name),
        role="Admin" if access.is_admin(user) else "Reviewer",
        **counts,
    )


def _counts(user: User) -> dict[str, Any]:
    """All figures of the frame, in one query."""
    newest = TrustRevision.objects.order_by("-number")
    working = access.repositories_of(user).filter(leased_until__gt=timezone.now())
    return dict(
        User.objects.values(
            registries=_count(access.registries_of(user)),
            indexing=_count(working),
            revision=newest.values("number")[:1],
            revision_since=newest.values("created_at")[:1],
        ).get(pk=user.pk)
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many rows, as a subquery."""
    model: type[Model] = rows.model
    one = model._default_manager.filter(pk__in=rows.values("pk")).order_by().annotate(one=Value(1)).values("one")
    return Coalesce(one.annotate(number=Count("pk")).values("number"), 0)


def _initials(name: str) -> str:
    words = name.replace(".", " ").replace("-", " ").replace("_", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


def section_of(request: HttpRequest) -> str:
    name = request.resolver_match.url_name if request.resolver_match else None
    parts = (name or "").split("_")
    known = ("_".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((SECTIONS[part] for part in known if part in SECTIONS), "")
