"""The one reader of foreign JSON: what two parsers could read differently is refused."""

import json
import math
import re
from collections.abc import Iterator

LARGEST_INTEGER = 2**53 - 1
"Above this, readers that hold numbers as floating point (JavaScript, Go's interface{}) see another number than we do."

# Strings are consumed whole, ended or not, so the scan is linear whatever the bytes are.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """The bytes are not JSON, or not JSON that every parser reads alike."""


def loads(content: bytes, *, max_depth: int = 64, max_containers: int = 500_000) -> object:
    """The value of UTF-8 JSON; duplicate keys, NaN, depth, huge numbers and lone surrogates are refused."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"byte {error.start} is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise StrictJsonError("it begins with a byte order mark")
    _check_nesting(text, max_depth, max_containers)
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise StrictJsonError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:  # cannot happen below max_depth; json's own limit is not ours to know
        raise StrictJsonError("it is nested too deeply") from error
    if "\\" in text and _MAYBE_SURROGATE.search(text):
        _refuse_lone_surrogates(value)
    return value


def _check_nesting(text: str, max_depth: int, max_containers: int) -> None:
    if _opens_at_most(text, min(max_depth, max_containers)):
        return
    depth = containers = 0
    for bracket in _brackets(text):
        if bracket in "[{":
            depth += 1
            containers += 1
            if depth > max_depth:
                raise StrictJsonError(f"it is nested deeper than {max_depth} levels")
            if containers > max_containers:
                raise StrictJsonError(f"it holds more than {max_containers} objects and arrays")
        else:
            depth -= 1


def _opens_at_most(text: str, most: int) -> bool:
    """Whether there are so few opening brackets, wherever they stand; `str.count` takes ten times as long."""
    found = 0
    for bracket in "[{":
        position = text.find(bracket)
        while position >= 0:
            found += 1
            if found > most:
                return False
            position = text.find(bracket, position + 1)
    return True


def _brackets(text: str) -> Iterator[str]:
    return (token for match in _TOKEN.finditer(text) if (token := match.group())[0] != '"')


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise StrictJsonError(f"the key {_shown(name)} appears twice")
            seen.add(name)
    return fields


def _refuse_constant(text: str) -> object:
    raise StrictJsonError(f"{text} is not a JSON value")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(value := int(text)) > LARGEST_INTEGER:
        raise StrictJsonError(f"the number {text[:20]} is larger than 2^53-1")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise StrictJsonError(f"the number {text[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_number
)


def _refuse_lone_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictJsonError("a string holds half of a surrogate pair, which is no character") from error


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else name[:80] + "…")
