from itertools import pairwise
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.graph import BETWEEN_LEVELS, BETWEEN_SIBLINGS, HEIGHT, WIDTH, Tree, layered, tidy

trees = st.recursive(
    st.builds(lambda: Tree("leaf")),
    lambda inner: st.builds(lambda below: Tree("node", tuple(below)), st.lists(inner, max_size=6)),
    max_leaves=60,
)


def size(tree):
    return 1 + sum(size(child) for child in tree.children)


def columns(drawing):
    found = {}
    for node in drawing.nodes:
        found.setdefault(node.x, []).append(node.y)
    return found


def assert_nothing_touches(drawing, gap=BETWEEN_SIBLINGS):
    for column in columns(drawing).values():
        for upper, lower in pairwise(sorted(column)):
            assert lower - upper >= HEIGHT + gap


@given(trees)
def test_no_two_nodes_of_a_tree_touch(tree):
    assert_nothing_touches(tidy(tree))


@given(trees)
def test_a_parent_stands_in_the_middle_of_its_children_and_left_of_them(tree):
    drawing = tidy(tree)
    below = {}
    for edge in drawing.edges:
        below.setdefault(edge.start, []).append(drawing.nodes[edge.end])
    for parent, children in below.items():
        node = drawing.nodes[parent]
        assert abs(2 * node.y - children[0].y - children[-1].y) <= 1
        assert {child.x for child in children} == {node.x + WIDTH + BETWEEN_LEVELS}


@given(trees)
def test_children_keep_their_order(tree):
    drawing = tidy(tree)
    order = {}
    for edge in drawing.edges:
        order.setdefault(edge.start, []).append(drawing.nodes[edge.end].y)
    assert all(places == sorted(places) for places in order.values())


@given(trees)
def test_everything_lies_inside_the_drawing(tree):
    drawing = tidy(tree)
    assert all(node.x >= 0 and node.right <= drawing.width for node in drawing.nodes)
    assert all(node.y >= 0 and node.y + HEIGHT <= drawing.height for node in drawing.nodes)
    assert len(drawing.nodes) == size(tree) == len(drawing.edges) + 1


@given(trees)
def test_the_same_tree_is_drawn_alike_each_time(tree):
    assert tidy(tree) == tidy(tree)


def test_a_subtree_moves_into_the_free_space_beside_a_shorter_one():
    wide = Tree("wide", tuple(Tree(f"{n}") for n in range(5)))
    drawing = tidy(Tree("root", (Tree("short"), wide, Tree("short"))))
    short, middle, last = (node for node in drawing.nodes if node.level == 1)
    assert middle.y - short.y == last.y - middle.y == HEIGHT + BETWEEN_SIBLINGS


def test_five_hundred_nodes_are_placed_at_once():
    chain = Tree("end")
    for _ in range(499):
        chain = Tree("link", (chain,))
    bushy = Tree("root", tuple(Tree("branch", tuple(Tree("leaf") for _ in range(24))) for _ in range(20)))
    began = process_time()
    assert len(tidy(chain).nodes) == 500
    assert len(tidy(bushy).nodes) == 501
    assert process_time() - began < 1


@settings(max_examples=50)
@given(st.data())
def test_no_two_nodes_of_a_layer_touch(data):
    layers = [[f"{level}.{n}" for n in range(data.draw(st.integers(1, 6)))] for level in range(4)]
    links = [
        (data.draw(st.sampled_from(left)), data.draw(st.sampled_from(right)))
        for left, right in pairwise(layers)
        for _ in range(5)
    ]
    drawing = layered(layers, links, [150, 160, 170, 180])
    assert_nothing_touches(drawing)
    assert drawing == layered(layers, links, [150, 160, 170, 180])
    assert {(drawing.nodes[e.start].value, drawing.nodes[e.end].value) for e in drawing.edges} == set(links)
