"""Tiles of a picture with the halo that a network needs to answer as if it saw the whole picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.errors import InvalidInput
from labkit.geometry import Box, iter_blocks

__all__ = ["Window", "iter_windows"]


@dataclass(frozen=True, slots=True)
class Window:
    """`core` is what is kept of the answer, `read` what the network is shown; both within the picture."""

    core: Box
    read: Box

    @property
    def keep(self) -> tuple[slice, slice]:
        """Slices (y, x) that cut the core out of the answer for `read`."""
        return self.core.shift(-self.read.y0, -self.read.x0).slices


def iter_windows(height_px: int, width_px: int, tile_px: int, halo_px: int, stride_px: int) -> Iterator[Window]:
    """Yield windows whose cores cover the picture once, row by row.

    Origins of all windows are multiples of the stride: one off moves the pooling grid and changes the answer. At the
    picture's edge a window ends with the picture, so that the network's own padding begins where it would for the whole.

    Raises
    ------
    InvalidInput
        Tile or halo is not a multiple of the stride, or the tile is empty.
    """
    if tile_px < 1 or tile_px % stride_px or halo_px % stride_px or halo_px < 0:
        raise InvalidInput(
            f"Tiles of {tile_px} px with a halo of {halo_px} px do not fit a network of stride {stride_px}.",
            hint=f"Use multiples of {stride_px}.",
        )
    whole = Box.of_shape(height_px, width_px)
    for core in iter_blocks(whole, tile_px, tile_px):
        yield Window(core, core.grow(halo_px).intersect(whole))
