"""Two JSON documents side by side, line by line. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3  # lines kept round a difference
MOST = 6000  # lines of one document; longer ones are not compared line by line


@dataclass(frozen=True, slots=True)
class Line:
    """A line of either document; `mark` is "ins", "del" or ""; `skipped`: how many equal lines it stands for."""

    text: str
    mark: str = ""
    skipped: int = 0


def compare(before: bytes, after: bytes) -> list[Line] | None:
    """The lines that differ and some round them; None where the documents are too long for that."""
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > MOST:
        return None
    found: list[Line] = []
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            found += _equal(new[start:end], is_first=start == 0, is_last=end == len(new))
        else:
            found += [Line(text, "del") for text in old[first:last]]
            found += [Line(text, "ins") for text in new[start:end]]
    return found


def _lines(content: bytes) -> list[str]:
    """The document as everybody would indent it; what is no JSON as it is."""
    text = content.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines() if text.strip() else []
    except (ValueError, RecursionError):
        return text.splitlines()


def _equal(lines: list[str], *, is_first: bool, is_last: bool) -> Iterator[Line]:
    head = 0 if is_first else CONTEXT
    tail = 0 if is_last else CONTEXT
    skipped = len(lines) - head - tail
    if skipped <= 1:
        yield from (Line(text) for text in lines)
        return
    yield from (Line(text) for text in lines[:head])
    yield Line("", skipped=skipped)
    yield from (Line(text) for text in lines[len(lines) - tail :])
