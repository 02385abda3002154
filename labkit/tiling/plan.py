"""What a pyramid will look like, before a pixel is read: levels, blocks and the order in which they are visited."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from labkit.formats.ome_zarr import SHARD_PX, Role, shard_key
from labkit.formats.raster import StackAxis
from labkit.geometry import Box

__all__ = ["Node", "PyramidPlan", "level_sizes"]

_SMALLEST_PX = 256  # levels are added until the longer side is at most this


class Node(NamedTuple):
    """One block of one level of one plane, which is one shard: row `y` and column `x` of its grid."""

    level: int
    y: int
    x: int
    plane: int = 0


def level_sizes(height_px: int, width_px: int, levels: int | None = None) -> tuple[tuple[int, int], ...]:
    """Return (height, width) of each level from full resolution up, every side halved upwards.

    Parameters
    ----------
    height_px, width_px : int
        Size of level 0.
    levels : int, optional
        How many; by default until the longer side is at most 256 pixels.
    """
    sizes = [(height_px, width_px)]
    while len(sizes) < levels if levels is not None else max(sizes[-1]) > _SMALLEST_PX:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    return tuple(sizes)


@dataclass(frozen=True, slots=True)
class PyramidPlan:
    """The blocks of a pyramid.

    Attributes
    ----------
    sizes : tuple of (int, int)
        (height, width) of each level.
    channels : int or None
        Number of channels that lie together in one chunk (red, green and blue; the classes of a probability map); None if
        there is no channel axis, or if each channel is a plane of the `stack`.
    dtype : str
        Name of the dtype.
    role : {"image", "labels"}
        How levels go down.
    stack : tuple of (axis, length)
        Leading axes of which each position is a plane of its own, of "t", "c", "z" in this order.
    alpha : bool
        Whether the blocks that the source gives have alpha as a further, last channel. It weighs the averages, and is written
        to a store of its own.
    nodata : float or None
        The value that stands for "nothing was measured"; it is left out of averages. NaN always is.
    """

    sizes: tuple[tuple[int, int], ...]
    channels: int | None
    dtype: str
    role: Role
    stack: tuple[tuple[StackAxis, int], ...] = ()
    alpha: bool = False
    nodata: float | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes in the order of the array: time, channel, z, y, x."""
        present = {axis for axis, _ in self.stack} | ({"c"} if self.channels is not None else set())
        return (*(axis for axis in ("t", "c", "z") if axis in present), "y", "x")

    @property
    def planes(self) -> int:
        """Number of planes."""
        return math.prod(length for _, length in self.stack)

    @property
    def top(self) -> int:
        """The last level."""
        return len(self.sizes) - 1

    @property
    def leaves(self) -> int:
        """Number of blocks of level 0, of all planes."""
        rows, columns = self.grid(0)
        return rows * columns * self.planes

    def shape(self, level: int) -> tuple[int, ...]:
        """Return the shape of a level in the order of `axes`."""
        lengths: dict[str, int] = {**dict(self.stack), **({} if self.channels is None else {"c": self.channels})}
        return (*(lengths[axis] for axis in self.axes[:-2]), *self.sizes[level])

    def lead(self, plane: int) -> tuple[int, ...]:
        """Return the position of a plane along the leading axes, in chunks: 0 along channels that lie together."""
        found: dict[str, int] = {"c": 0}
        for axis, length in reversed(self.stack):
            plane, found[axis] = divmod(plane, length)
        return tuple(found[axis] for axis in self.axes[:-2])

    def shard_key(self, node: Node) -> str:
        """Return the key of a block's shard in the store."""
        return shard_key(node.level, self.lead(node.plane), node.y, node.x)

    def block_shape(self, node: Node) -> tuple[int, ...]:
        """Return the shape of a block, (y, x) or (c, y, x), alpha not counted."""
        size = self.box(node).shape
        return size if self.channels is None else (self.channels, *size)

    def grid(self, level: int) -> tuple[int, int]:
        """Return how many rows and columns of blocks a level has."""
        height, width = self.sizes[level]
        return math.ceil(height / SHARD_PX), math.ceil(width / SHARD_PX)

    def box(self, node: Node) -> Box:
        """Return the pixels of a block, in pixels of its level."""
        height, width = self.sizes[node.level]
        y, x = node.y * SHARD_PX, node.x * SHARD_PX
        return Box(y, x, min(y + SHARD_PX, height), min(x + SHARD_PX, width))

    def roots(self) -> Iterator[Node]:
        """Yield the blocks of the last level, plane by plane (one each, unless fewer levels were asked for)."""
        rows, columns = self.grid(self.top)
        return (Node(self.top, y, x, plane) for plane in range(self.planes) for y in range(rows) for x in range(columns))

    def children(self, node: Node) -> Iterator[Node]:
        """Yield the blocks of the level below that `node` is made of, in Z-order."""
        if node.level == 0:
            return
        rows, columns = self.grid(node.level - 1)
        for y in range(2 * node.y, min(2 * node.y + 2, rows)):
            for x in range(2 * node.x, min(2 * node.x + 2, columns)):
                yield Node(node.level - 1, y, x, node.plane)

    def leaves_below(self, node: Node) -> int:
        """Count the blocks of level 0 that `node` is made of."""
        rows, columns = self.grid(0)
        side: int = 2**node.level
        down = min((node.y + 1) * side, rows) - node.y * side
        along = min((node.x + 1) * side, columns) - node.x * side
        return int(max(down, 0) * max(along, 0))
