"""The plan of a pyramid."""

from __future__ import annotations

from labkit.tiling.plan import Node, PyramidPlan, level_sizes


def test_sides_are_halved_upwards() -> None:
    """8193 pixels are 257 at level 5: no edge pixel is ever lost."""
    assert [size[0] for size in level_sizes(8193, 8193)][:6] == [8193, 4097, 2049, 1025, 513, 257]


def test_the_last_level_fits_a_thumbnail() -> None:
    """Levels end when the longer side is at most 256, or at the number that was asked for."""
    assert level_sizes(200, 256) == ((200, 256),)
    assert level_sizes(1, 4099)[-1] == (1, 129)
    assert len(level_sizes(100, 100, levels=4)) == 4


def _leaves(plan: PyramidPlan, node: Node) -> list[Node]:
    return [node] if node.level == 0 else [leaf for child in plan.children(node) for leaf in _leaves(plan, child)]


def test_leaves_are_visited_in_z_order_and_once() -> None:
    """Depth first, the blocks of level 0 come in Z-order, each once, whatever the size."""
    plan = PyramidPlan(level_sizes(5000, 9000), None, "uint8", "image")
    leaves = [leaf for root in plan.roots() for leaf in _leaves(plan, root)]
    assert [(n.y, n.x) for n in leaves[:6]] == [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (0, 3)]
    assert len(set(leaves)) == len(leaves) == plan.leaves == 15
    assert sum(plan.leaves_below(child) for child in plan.children(Node(3, 0, 0))) == 15
    assert sum(plan.box(leaf).area_px for leaf in leaves) == 5000 * 9000
