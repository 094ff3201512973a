"""Trees and layers as placed nodes for a drawing: which goes where, and nothing about what they mean. No Django.

`tidy` is the classic contour layout: a parent stands in the middle of its children, subtrees stand as close as their
outlines allow, and the same tree always gives the same drawing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 200, 44  # of a node
BETWEEN_LEVELS = 76  # of a tree
BETWEEN_LAYERS = 26
BETWEEN_SIBLINGS, BETWEEN_FAMILIES = 8, 16
MARGIN, HEAD = 24, 38


@dataclass(frozen=True, slots=True)
class Tree[Value]:
    """A node and what hangs on it."""

    value: Value
    children: "tuple[Tree[Value], ...]" = ()


@dataclass(frozen=True, slots=True)
class Placed[Value]:
    """A node at its place: the upper left corner."""

    value: Value
    x: int
    y: int
    level: int
    width: int = WIDTH

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def room(self) -> int:
        """How many letters of a title fit beside its icon."""
        return (self.width - 44) // 7

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between the nodes at two indexes."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Drawing[Value]:
    """Placed nodes, parents before children, and the lines between them."""

    nodes: tuple[Placed[Value], ...]
    edges: tuple[Edge, ...]
    width: int
    height: int

    @property
    def paths(self) -> list[str]:
        return [self.path(edge) for edge in self.edges]

    def path(self, edge: Edge) -> str:
        """The line as an SVG path: it leaves to the right and arrives from the left, both level."""
        start, end = self.nodes[edge.start], self.nodes[edge.end]
        bend = (start.right + end.x) // 2
        return f"M{start.right} {start.middle}C{bend} {start.middle} {bend} {end.middle} {end.x} {end.middle}"


def tidy[Value](root: Tree[Value]) -> Drawing[Value]:
    """The tree from left to right."""
    trees, parents, levels = _flatten(root)
    offsets = _offsets(trees, parents)
    absolute = [0] * len(trees)
    for index in range(1, len(trees)):
        absolute[index] = absolute[parents[index]] + offsets[index]
    top = min(absolute)
    nodes = tuple(
        Placed(tree.value, MARGIN + level * (WIDTH + BETWEEN_LEVELS), HEAD + y - top, level)
        for tree, level, y in zip(trees, levels, absolute, strict=True)
    )
    return _drawing(nodes, tuple(Edge(parent, child) for child, parent in enumerate(parents) if child))


def _flatten[Value](root: Tree[Value]) -> tuple[list[Tree[Value]], list[int], list[int]]:
    """All nodes, parents first and siblings in their order, with the index of each one's parent and its level."""
    trees, parents, levels = [root], [0], [0]
    for index, tree in enumerate(trees):  # grows while it runs
        trees.extend(tree.children)
        parents.extend([index] * len(tree.children))
        levels.extend([levels[index] + 1] * len(tree.children))
    return trees, parents, levels


def _offsets[Value](trees: Sequence[Tree[Value]], parents: Sequence[int]) -> list[int]:
    """How much lower each node stands than its parent, so that no two outlines touch."""
    offsets = [0] * len(trees)
    outlines: list[list[tuple[int, int]]] = [
        [] for _ in trees
    ]  # by level below: first and last y, relative to the node
    children: list[list[int]] = [[] for _ in trees]
    for index in range(1, len(trees)):
        children[parents[index]].append(index)
    for index in range(len(trees) - 1, -1, -1):
        outline: list[tuple[int, int]] = []
        places = []
        for child in children[index]:
            places.append(place := _beside(outline, outlines[child]))
            outline = _joined(outline, outlines[child], place)
            outlines[child] = []
        middle = (places[0] + places[-1]) // 2 if places else 0
        for child, place in zip(children[index], places, strict=True):
            offsets[child] = place - middle
        outlines[index] = [(0, 0), *((first - middle, last - middle) for first, last in outline)]
    return offsets


def _beside(above: Sequence[tuple[int, int]], below: Sequence[tuple[int, int]]) -> int:
    """The least y at which the second outline stands clear of the first."""
    if not above:
        return 0
    gaps = (BETWEEN_SIBLINGS if level == 0 else BETWEEN_FAMILIES for level in range(len(below)))
    return max(last + HEIGHT + gap - first for (_, last), (first, _), gap in zip(above, below, gaps, strict=False))


def _joined(above: Sequence[tuple[int, int]], below: Sequence[tuple[int, int]], place: int) -> list[tuple[int, int]]:
    moved = [(first + place, last + place) for first, last in below]
    both = [(one[0], other[1]) for one, other in zip(above, moved, strict=False)]
    return [*both, *above[len(both) :], *moved[len(both) :]]


def layered[Value](
    layers: Sequence[Sequence[Value]], links: Sequence[tuple[Value, Value]], widths: Sequence[int]
) -> Drawing[Value]:
    """Layers from left to right; each node as near as it fits to those that lead to it. Values are told apart by ==."""
    places: dict[int, int] = {}
    flat = [(level, value) for level, layer in enumerate(layers) for value in layer]
    index_of = {id(value): index for index, (_, value) in enumerate(flat)}
    ends = [(_find(flat, start, index_of), _find(flat, end, index_of)) for start, end in links]
    for level in range(len(layers)):
        wanted = []
        for index, (own, _) in enumerate(flat):
            if own == level:
                before = [places[start] for start, end in ends if end == index and start in places]
                wanted.append((sum(before) // len(before) if before else 0, index))
        free = 0
        for goal, index in sorted(wanted):
            places[index] = max(goal, free)
            free = places[index] + HEIGHT + BETWEEN_FAMILIES
    lefts = [MARGIN + sum(widths[:level]) + level * BETWEEN_LAYERS for level in range(len(layers))]
    nodes = tuple(
        Placed(value, lefts[level], HEAD + places[index], level, widths[level])
        for index, (level, value) in enumerate(flat)
    )
    return _drawing(nodes, tuple(Edge(start, end) for start, end in dict.fromkeys(ends)))


def _find[Value](flat: Sequence[tuple[int, Value]], value: Value, index_of: dict[int, int]) -> int:
    known = index_of.get(id(value))
    return known if known is not None else next(i for i, (_, other) in enumerate(flat) if other == value)


def _drawing[Value](nodes: tuple[Placed[Value], ...], edges: tuple[Edge, ...]) -> Drawing[Value]:
    width = max(node.right for node in nodes) + MARGIN if nodes else 0
    height = max(node.y for node in nodes) + HEIGHT + MARGIN if nodes else 0
    return Drawing(nodes, edges, width, height)
