"""An artifact as of an instant, ready to be shown; and its history in words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.urls import reverse

from dashboard.artifact_pages import Place
from dashboard.as_of import AsOf, text_of
from registries.models import Manifest
from registries.oci.digest import Digest
from trust.history import Happening, Kind, tags_at
from trust.models import StatusChange
from trust.past import Past, judge_past

JUST_BEFORE = timedelta(microseconds=1)
CAUSES: dict[str, str] = {
    StatusChange.Cause.FIRST: "first judged",
    StatusChange.Cause.REVISION: "another trust revision",
    StatusChange.Cause.CLOCK: "time passed",
    StatusChange.Cause.EVIDENCE: "other signatures, listing or answers",
    StatusChange.Cause.VERSION: "a newer Signboard",
}
ICONS = {
    Kind.status: "check",
    Kind.signatures: "signature",
    Kind.listing: "registry",
    Kind.tag: "label",
    Kind.presence: "artifact",
    Kind.revision: "policy",
}


def judge_as_of(place: Place, as_of: AsOf) -> Past:
    """The answer; Http404 for an artifact that never was there."""
    try:
        return judge_past(place.repository, place.digest, as_of.at, as_of.asked)
    except Manifest.DoesNotExist as error:
        raise Http404 from error


def status_then(place: Place, past: Past) -> dict[str, Any]:
    """What stands above the tabs, of then: only what is kept with its dates; nothing before it was first seen."""
    since = place.status.since if place.status else None
    if past.judged is None or (since and past.at < since):
        return {}
    where = place.repository.pk, place.digest
    return {
        "tags": tags_at([where], past.at)[where],
        "since": since,
        "is_artifact": bool(place.status and place.status.is_artifact),
        "present": past.present,
    }


def past_as_json(past: Past, as_of: AsOf) -> dict[str, Any]:
    """What an answer of the API says of the past beside the verdict."""
    recorded = past.recorded
    return {
        "at": text_of(as_of.at),
        "known": as_of.asked.value,
        "question": as_of.said,
        "seen": past.judged is not None,
        "present": past.present,
        "recorded": {"status": recorded.after, "reason": recorded.reason, "since": recorded.at} if recorded else None,
        "cannot_be_known": [{"code": note.code, "message": note.message} for note in past.gaps],
    }


def cause_text(cause: str, revision: int | None) -> str:
    """Why a word changed, in a few words; what this version does not know is told as it is written."""
    if cause == StatusChange.Cause.REVISION and revision:
        return f"revision {revision:,}"
    return CAUSES.get(cause, cause)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history, with the instants just before it and just after."""

    happening: Happening
    place: Place

    @property
    def icon(self) -> str:
        return ICONS[self.happening.kind]

    @property
    def cause(self) -> str:
        """Why a word changed."""
        return cause_text(self.happening.cause, self.happening.revision)

    @property
    def before_url(self) -> str:
        return self._url(self.happening.at - JUST_BEFORE)

    @property
    def after_url(self) -> str:
        return self._url(self.happening.at)

    def _url(self, at: datetime) -> str:
        page = reverse("artifact", args=[self.place.repository.pk, self.place.digest])
        return f"{page}?{AsOf(at).query}"

    @property
    def signatures(self) -> Iterator[tuple[Digest, str]]:
        """Those that are named, each with its page as of an instant at which it was listed."""
        withdrawn = self.happening.code == "signature_withdrawn"
        at = self.happening.at - JUST_BEFORE if withdrawn else self.happening.at
        for digest in self.happening.digests:
            page = reverse("signature", args=[self.place.repository.pk, self.place.digest, digest])
            yield digest, f"{page}?{AsOf(at).query}"

    @property
    def more(self) -> int:
        return self.happening.number - len(self.happening.digests)


def line_as_json(happening: Happening) -> dict[str, Any]:
    fields = {
        "at": happening.at,
        "kind": happening.kind.value,
        "what": happening.code,
        "before": happening.before,
        "after": happening.after,
        "reason": happening.reason,
        "cause": happening.cause,
        "name": happening.name,
        "revision": happening.revision,
        "digests": [str(digest) for digest in happening.digests],
        "number": happening.number or None,
    }
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def without_present(place: Place) -> Place:
    """The place without what is known of it now."""
    return replace(place, status=None)
