"""A calendar as RFC 5545 has it: escaped, folded, and with names that stay, so that a subscription moves no event. No Django."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST = 75  # octets of a line, without its end (3.1)
ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})  # 3.3.11


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at an instant."""

    uid: str
    at: datetime
    summary: str
    description: str
    url: str
    category: str


def calendar(name: str, events: Iterable[Event], made_at: datetime) -> bytes:
    """The calendar as a file."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Signboard//Forecast//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{escaped(name)}",
    ]
    for event in events:
        lines += _event(event, made_at)
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def _event(event: Event, made_at: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escaped(event.uid)}"
    yield f"DTSTAMP:{_moment(made_at)}"
    yield f"DTSTART:{_moment(event.at)}"
    yield f"SUMMARY:{escaped(event.summary)}"
    yield f"DESCRIPTION:{escaped(event.description)}"
    yield f"URL:{''.join(character for character in event.url if character.isprintable())}"
    yield f"CATEGORIES:{escaped(event.category)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def escaped(text: str) -> str:
    """A TEXT value. Control characters may not stand in one; what divides lines elsewhere divides none here."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c == "\n" or c.isprintable() else "\ufffd" for c in unified).translate(ESCAPES)


def folded(line: str) -> bytes:
    """The line with its end, in pieces of at most 75 octets, no character divided."""
    pieces: list[bytes] = []
    piece = b""
    for character in line:
        octets = character.encode(errors="replace")
        if len(piece) + len(octets) > LONGEST:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece]) + b"\r\n"


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"
