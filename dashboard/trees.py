"""Trees drawn with lines, for terminals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """A text and what hangs below it."""

    text: str
    children: Sequence["Node"] = field(default=())

    def lines(self) -> Iterator[str]:
        yield self.text
        for number, child in enumerate(self.children, 1):
            is_last = number == len(self.children)
            first, *rest = child.lines()
            yield ("└── " if is_last else "├── ") + first
            yield from (("    " if is_last else "│   ") + line for line in rest)
