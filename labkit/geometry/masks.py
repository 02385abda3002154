"""Painted areas: sets of pixels, kept in tiles of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.geometry.boxes import Box

__all__ = ["MASK_TILE_PX", "Mask"]

MASK_TILE_PX = 256
_TILE_BYTES = MASK_TILE_PX * MASK_TILE_PX // 8
_EMPTY, _FULL = bytes(_TILE_BYTES), b"\xff" * _TILE_BYTES
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mask:
    """A set of pixels of any size and form; a change is a new mask, which shares the tiles that stayed as they were.

    Parameters
    ----------
    tiles : mapping of (int, int) to bytes
        Row and column of a tile of 256 x 256 pixels, and its pixels as bits, row by row (`numpy.packbits`); tiles without any pixel
        are left out.

    Raises
    ------
    InvalidInput
        It has no pixel, or a tile is not as long as it must be.
    """

    tiles: Mapping[tuple[int, int], bytes]
    _bounds: tuple[int, int, int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tiles = {at: bytes(bits) for at, bits in sorted(self.tiles.items()) if bits != _EMPTY}
        if not tiles:
            raise InvalidInput("A mask without a pixel is no object.", hint="Delete the object instead.")
        if any(len(bits) != _TILE_BYTES for bits in tiles.values()):
            raise InvalidInput(f"A tile of a mask has {_TILE_BYTES} bytes.", hint="Make masks with Mask.from_array().")
        object.__setattr__(self, "tiles", tiles)
        object.__setattr__(self, "_bounds", _bounds_of(tiles))

    def __hash__(self) -> int:
        return hash(tuple(self.tiles.items()))

    @classmethod
    def from_array(cls, inside: NDArray[np.bool_], y0: int = 0, x0: int = 0) -> Mask:
        """Return the mask of the pixels that are True; the first of them lies at (y0, x0) of the picture."""
        height, width = inside.shape
        area = Box(y0, x0, y0 + height, x0 + width)
        tiles = {}
        for at in _tiles_of(area):
            bits = np.zeros((MASK_TILE_PX, MASK_TILE_PX), dtype=np.bool_)
            place = _box_of(at)
            part = place.intersect(area)
            bits[part.shift(-place.y0, -place.x0).slices] = inside[part.shift(-y0, -x0).slices]
            tiles[at] = np.packbits(bits).tobytes()
        return cls(tiles)

    @property
    def box(self) -> Box:
        """The smallest box around all pixels."""
        return Box(*self._bounds)

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return sum(MASK_TILE_PX**2 if bits == _FULL else int.from_bytes(bits, "big").bit_count() for bits in self.tiles.values())

    def read(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of `box` are in the mask, shape (box.height_px, box.width_px)."""
        found = np.zeros(box.shape, dtype=np.bool_)
        for at in _tiles_of(box.intersect(self.box)):
            if at in self.tiles:
                place = _box_of(at)
                part = place.intersect(box)
                found[part.shift(-box.y0, -box.x0).slices] = _unpacked(self.tiles[at])[part.shift(-place.y0, -place.x0).slices]
        return found

    def moved(self, dy: int, dx: int) -> Mask:
        """Return the mask shifted by whole pixels."""
        parts: dict[tuple[int, int], Bits] = {}
        for at, bits in self.tiles.items():
            source, place = _unpacked(bits), _box_of(at).shift(dy, dx)
            for target in _tiles_of(place):
                home = _box_of(target)
                part = home.intersect(place)
                canvas = parts.setdefault(target, np.zeros((MASK_TILE_PX, MASK_TILE_PX), dtype=np.uint8))
                canvas[part.shift(-home.y0, -home.x0).slices] |= source[part.shift(-place.y0, -place.x0).slices]
        return Mask({at: np.packbits(canvas).tobytes() for at, canvas in parts.items()})

    def union(self, other: Mask) -> Mask:
        """Return the pixels of either."""
        return Mask(_combined(self, other, {*self.tiles, *other.tiles}, np.bitwise_or))

    def intersection(self, other: Mask) -> Mask | None:
        """Return the pixels of both; None where there is none."""
        return _or_none(_combined(self, other, self.tiles.keys() & other.tiles.keys(), np.bitwise_and))

    def difference(self, other: Mask) -> Mask | None:
        """Return the pixels that `other` does not have; None where there is none."""
        return _or_none(_combined(self, other, self.tiles.keys(), lambda a, b: np.bitwise_and(a, np.invert(b))))


def _or_none(tiles: dict[tuple[int, int], bytes]) -> Mask | None:
    return Mask(tiles) if any(bits != _EMPTY for bits in tiles.values()) else None


def _combined(a: Mask, b: Mask, places: Iterable[tuple[int, int]], combine: Callable[[Bits, Bits], Bits]) -> dict[tuple[int, int], bytes]:
    found = {}
    for at in places:
        ours, theirs = a.tiles.get(at, _EMPTY), b.tiles.get(at, _EMPTY)
        found[at] = combine(np.frombuffer(ours, np.uint8), np.frombuffer(theirs, np.uint8)).tobytes()
    return found


def _unpacked(bits: bytes) -> Bits:
    return np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(MASK_TILE_PX, MASK_TILE_PX)


def _box_of(at: tuple[int, int]) -> Box:
    y, x = at[0] * MASK_TILE_PX, at[1] * MASK_TILE_PX
    return Box(y, x, y + MASK_TILE_PX, x + MASK_TILE_PX)


def _tiles_of(box: Box) -> list[tuple[int, int]]:
    if not box.area_px:
        return []
    rows = range(box.y0 // MASK_TILE_PX, (box.y1 - 1) // MASK_TILE_PX + 1)
    columns = range(box.x0 // MASK_TILE_PX, (box.x1 - 1) // MASK_TILE_PX + 1)
    return [(row, column) for row in rows for column in columns]


def _bounds_of(tiles: Mapping[tuple[int, int], bytes]) -> tuple[int, int, int, int]:
    """Return the smallest box around all pixels: only tiles on the rim of those that there are can decide."""
    rows, columns = [y for y, _ in tiles], [x for _, x in tiles]
    top, left, bottom, right = min(rows), min(columns), max(rows), max(columns)
    y0 = min(_ends(bits, 1)[0] + y * MASK_TILE_PX for (y, _), bits in tiles.items() if y == top)
    x0 = min(_ends(bits, 0)[0] + x * MASK_TILE_PX for (_, x), bits in tiles.items() if x == left)
    y1 = max(_ends(bits, 1)[1] + y * MASK_TILE_PX for (y, _), bits in tiles.items() if y == bottom)
    x1 = max(_ends(bits, 0)[1] + x * MASK_TILE_PX for (_, x), bits in tiles.items() if x == right)
    return y0, x0, y1, x1


def _ends(bits: bytes, axis: int) -> tuple[int, int]:
    """Return the first row (`axis` 1) or column (0) of a tile with a pixel, and the one after the last."""
    used = np.flatnonzero(np.max(_unpacked(bits), axis=axis))
    return int(used[0]), int(used[-1]) + 1
