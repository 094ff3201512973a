"""Text in parts: some of it is a name that nobody vouches for, some of it differs from what is wanted. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BEFORE_ATTRIBUTE = re.compile(r"(,\s*(?=[A-Za-z0-9.]+=)| or (?=x509\.subject:))")
_PREFIX = re.compile(r"(x509\.subject:\s*)")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text; `name`: it comes from outside, `marked`: here two values differ."""

    text: str
    name: bool = False
    marked: bool = False


def plain(text: str) -> tuple[Part, ...]:
    return (Part(text),) if text else ()


def text_of(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts)


def compare_names(seen: str, wanted: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Distinguished names, with the attributes marked in which they differ."""
    ours, theirs = _attributes(seen), _attributes(wanted)
    have = {_canonical(piece) for piece in ours}
    asked = {_canonical(piece) for piece in theirs}
    keys = {key for key, value in asked if value is not None}
    seen_parts = (Part(piece, marked=_canonical(piece)[0] in keys and _canonical(piece) not in asked) for piece in ours)
    wanted_parts = (
        Part(piece, marked=_canonical(piece)[1] is not None and _canonical(piece) not in have) for piece in theirs
    )
    return tuple(seen_parts), tuple(wanted_parts)


def compare_lists(seen: str, wanted: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Two texts with commas, compared place by place."""
    ours, theirs = seen.split(", "), wanted.split(", ")
    if len(ours) != len(theirs):
        return plain(seen), plain(wanted)
    differ = [one != other for one, other in zip(ours, theirs, strict=True)]
    return _listed(ours, differ), _listed(theirs, differ)


def _listed(pieces: list[str], marked: list[bool]) -> tuple[Part, ...]:
    parts = []
    for index, (piece, mark) in enumerate(zip(pieces, marked, strict=True)):
        if index:
            parts.append(Part(", "))
        parts.append(Part(piece, marked=mark))
    return tuple(part for part in parts if part.text)


def _attributes(text: str) -> list[str]:
    pieces = (piece for chunk in _BEFORE_ATTRIBUTE.split(text) for piece in _PREFIX.split(chunk))
    return [piece for piece in pieces if piece]


def _canonical(piece: str) -> tuple[str, str | None]:
    """An attribute as (name, value), S and ST being one; anything else as (text, None)."""
    key, equals, value = piece.partition("=")
    if not equals:
        return piece, None
    name = key.strip().upper()
    return ("ST" if name == "S" else name), value.strip()
