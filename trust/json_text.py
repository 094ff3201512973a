"""JSON as text: where each value stands, and edits that leave every character alone that they are not about.

Only for text that `strict_json` took: nothing here is checked again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Strings are consumed whole, ended or not, so the scan is linear whatever the text is.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},:]|[^ \t\r\n\[\]{},:"]++', re.DOTALL)
_INDENT = re.compile(r"\n([ \t]+)")
DEFAULT_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value stands in a text, and what is in it: the items of an array, the members of an object."""

    start: int
    end: int
    items: "tuple[Value, ...]" = ()
    members: "tuple[Member, ...]" = ()

    def member(self, name: str) -> "Member | None":
        return next((member for member in self.members if member.name == name), None)

    @property
    def parts(self) -> "tuple[Value, ...] | tuple[Member, ...]":
        """What commas stand between."""
        return self.items or self.members


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, from its name to the end of its value."""

    name: str
    start: int
    value: Value

    @property
    def end(self) -> int:
        return self.value.end


def read(text: str) -> Value:
    """The whole of a JSON text."""
    tokens = ((match[0], match.start(), match.end()) for match in _TOKEN.finditer(text))
    return _value(next(tokens), tokens)


type _Token = tuple[str, int, int]


def _value(token: _Token, tokens: Iterator[_Token]) -> Value:
    """The value that begins with a token; what nests deeper than the stack goes was refused before."""
    kind, start, end = token
    if kind == "[":
        items: list[Value] = []
        for following in tokens:
            if following[0] == "]":
                return Value(start, following[2], tuple(items))
            if following[0] != ",":
                items.append(_value(following, tokens))
    if kind == "{":
        members: list[Member] = []
        for name, begin, end in tokens:
            if name == "}":
                return Value(start, end, members=tuple(members))
            if name != ",":
                next(tokens)  # the colon
                members.append(Member(json.loads(name), begin, _value(next(tokens), tokens)))
    return Value(start, end)


# edits: each gives the text anew


def replace(text: str, value: Value, written: str) -> str:
    return text[: value.start] + written + text[value.end :]


def set_member(text: str, where: Value, name: str, value: object) -> str:
    """The member of that name with another value; where there is none, a new one behind the others."""
    found = where.member(name)
    if found is None:
        written = f"{json.dumps(name)}: {write(value, text, _indent_in(text, where))}"
        return _insert(text, where, len(where.members), written)
    if isinstance(value, list) and text[found.value.start] == "[":
        return replace(text, found.value, _list(text, found.value, value))
    return replace(text, found.value, write(value, text, _indent_at(text, found.start)))


def remove_member(text: str, where: Value, name: str) -> str:
    position = next((index for index, member in enumerate(where.members) if member.name == name), None)
    return text if position is None else remove(text, where, position)


def insert_item(text: str, where: Value, position: int, value: object) -> str:
    return _insert(text, where, position, write(value, text, _indent_in(text, where)))


def repeat_item(text: str, where: Value, position: int) -> str:
    """The item a second time, behind itself, letter by letter."""
    item = where.items[position]
    return _insert(text, where, position + 1, text[item.start : item.end])


def swap_items(text: str, where: Value, first: int) -> str:
    """The item and the one behind it, each in the place of the other."""
    one, other = where.items[first], where.items[first + 1]
    between = text[one.end : other.start]
    return text[: one.start] + text[other.start : other.end] + between + text[one.start : one.end] + text[other.end :]


def remove(text: str, where: Value, position: int) -> str:
    """Without one item or member, and one of the commas beside it."""
    parts = where.parts
    if len(parts) == 1:
        return text[: where.start + 1] + text[where.end - 1 :]
    if position + 1 < len(parts):
        return text[: parts[position].start] + text[parts[position + 1].start :]
    return text[: parts[position - 1].end] + text[parts[position].end :]


def write(value: object, text: str, indent: str) -> str:
    """A value in the manner of the text: in lines where that has lines. `indent`: of the line in which it begins."""
    if "\n" not in text.strip():
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, ensure_ascii=False, indent=_unit(text)).split("\n")
    return f"{_line_break(text)}{indent}".join(lines)


def _insert(text: str, where: Value, position: int, written: str) -> str:
    parts = where.parts
    if not parts:
        outer = _indent_at(text, where.start)
        lead, trail = ("", "")
        if "\n" in text.strip():
            lead, trail = f"{_line_break(text)}{outer}{_unit(text)}", f"{_line_break(text)}{outer}"
        return f"{text[: where.start + 1]}{lead}{written}{trail}{text[where.end - 1 :]}"
    blank = _blank_before(text, where, position)
    if position < len(parts):
        at = parts[position].start
        return f"{text[:at]}{written},{blank}{text[at:]}"
    at = parts[-1].end
    return f"{text[:at]},{blank}{written}{text[at:]}"


def _blank_before(text: str, where: Value, position: int) -> str:
    """What stands between a comma and what follows it, thereabouts."""
    parts = where.parts
    if len(parts) == 1:
        blank = text[where.start + 1 : parts[0].start]
        return blank or " "
    following = min(max(position, 1), len(parts) - 1)
    return text[parts[following - 1].end : parts[following].start].replace(",", "", 1)


def _list(text: str, where: Value, values: Sequence[object]) -> str:
    """A list in place of another; what is in both stays as it is spelt there."""
    if not values:
        return "[]"
    if not where.items:
        return write(values, text, _indent_at(text, where.start))
    spelt = _spelt(text, where)
    written = [spelt[key].pop(0) if spelt.get(key := json.dumps(value)) else _scalar(value) for value in values]
    first, last = where.items[0], where.items[-1]
    lead, trail = text[where.start + 1 : first.start], text[last.end : where.end - 1]
    blanks = [text[one.end : other.start].replace(",", "", 1) for one, other in pairwise(where.items)]
    blank = blanks[0] if blanks else (lead if "\n" in lead else " ")
    return f"[{lead}{f',{blank}'.join(written)}{trail}]"


def _spelt(text: str, where: Value) -> Mapping[str, list[str]]:
    spelt: dict[str, list[str]] = {}
    for item in where.items:
        raw = text[item.start : item.end]
        spelt.setdefault(json.dumps(json.loads(raw)), []).append(raw)
    return spelt


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _indent_in(text: str, where: Value) -> str:
    """The indent of what is in an object or array."""
    if where.parts:
        return _indent_at(text, where.parts[0].start)
    return _indent_at(text, where.start) + _unit(text)


def _indent_at(text: str, position: int) -> str:
    """The blanks at the beginning of the line in which something stands."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """By how much the text indents."""
    found = _INDENT.search(text)
    return found[1] if found else DEFAULT_INDENT


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
