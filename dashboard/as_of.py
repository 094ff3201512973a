"""`?at=` and `?known=` of an address: as of which instant a page is asked for, and which of the two questions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from django.utils import timezone
from django.utils.http import urlencode

from trust.notary.rfc3339 import parse_rfc3339
from trust.past import Asked

NAMES = ("at", "known")
SAID = {Asked.then: "What Signboard knew then", Asked.now: "What is known now of then"}
MEANS = {
    Asked.then: "The listing, the answers about revocation and the trust revision of that instant.",
    Asked.now: "All that was collected since, judged at that instant, by the revision that was active then.",
}
WANTED = "It may be a time in UTC, as 2026-03-01T14:00, or RFC 3339."

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")


class NotAnInstantError(Exception):
    """The address names no instant of the past; the text says what it may name. `name`: the parameter."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class AsOf:
    """An instant of the past, and what is asked of it."""

    at: datetime
    asked: Asked = Asked.then

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Self | None:
        """What the query asks for; None: the present. Raises NotAnInstantError."""
        at, known = query.get("at", "").strip(), query.get("known", "").strip()
        if known not in ("", *Asked):
            raise NotAnInstantError("known", f"“{known[:80]}” is not understood. It may be one of {', '.join(Asked)}.")
        if not at:
            if known:
                raise NotAnInstantError("known", "It asks about an instant: name that with at=.")
            return None
        moment = _instant(at)
        if moment > timezone.now():
            raise NotAnInstantError("at", f"“{at[:80]}” has not come yet.")
        return cls(moment, Asked(known or Asked.then))

    @property
    def query(self) -> str:
        """The two parameters, for an address that has no others."""
        return urlencode({"at": text_of(self.at), "known": self.asked.value})

    @property
    def other(self) -> "AsOf":
        """The other question about the same instant."""
        return AsOf(self.at, Asked.now if self.asked is Asked.then else Asked.then)

    @property
    def said(self) -> str:
        return SAID[self.asked]

    @property
    def means(self) -> str:
        return MEANS[self.asked]

    @property
    def field(self) -> str:
        """What the field of a form holds."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S}"


def text_of(at: datetime) -> str:
    """The instant as an address has it, exactly."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    try:
        if _DAY.fullmatch(text) or _MINUTE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return parse_rfc3339(text)
    except ValueError as error:
        raise NotAnInstantError("at", f"“{text[:80]}” is no instant. {WANTED}") from error
