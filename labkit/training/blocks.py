"""Blocks of training chips, read from a set's store and made ready to cut samples from, in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.datasets import Chips, Part, TrainingSet
from labkit.errors import CorruptStore
from labkit.formats.row_shards import ShardedRows
from labkit.project import ClassRecord
from labkit.training.order import block_bounds
from labkit.training.targets import make_targets

__all__ = ["Block", "BlockCache", "BlockReader", "iter_chips"]

_CHIPS_AT_ONCE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Chips as they are stored, (n, c, y, x) in the images' dtype, and what is to be learned, (n, y, x) uint8 output indices."""

    pixels: NDArray[Any]
    targets: NDArray[np.uint8]

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return int(self.pixels.nbytes + self.targets.nbytes)


class BlockReader:
    """Reads blocks of one part of a training set. Can be pickled, so that workers read for themselves.

    Parameters
    ----------
    data : TrainingSet
    part : {"train", "val", "test"}
    classes : sequence of ClassRecord
    border_index : int or None
        As for `make_targets`.

    Raises
    ------
    CorruptStore
        The store does not hold what the manifest says.
    """

    def __init__(self, data: TrainingSet, part: Part, classes: tuple[ClassRecord, ...], border_index: int | None) -> None:
        self.classes, self.border_index = classes, border_index
        folder = data.layout.store / part
        self._pixels, self._masks, self._objects = (ShardedRows(folder / key) for key in ("chips", "masks", "objects"))
        expected = data.record.parts[part].chips
        if any(len(rows) != expected for rows in (self._pixels, self._masks, self._objects)):
            raise CorruptStore(f"{data.key} holds other than the {expected} {part} chips of its manifest.", hint="Build the set again.")
        self.bounds = block_bounds(expected, self.chip_bytes) if expected else np.zeros(1, np.int64)

    @property
    def chip_bytes(self) -> int:
        """Memory that a chip of a block takes."""
        return self._pixels.row_bytes + self._masks.row_bytes

    def read(self, block: int) -> Block:
        """Return a block."""
        begin, end = int(self.bounds[block]), int(self.bounds[block + 1])
        pixels, masks = self._pixels.read(begin, end), self._masks.read(begin, end)
        objects = None if self.border_index is None else self._objects.read(begin, end)
        return Block(pixels, make_targets(masks, objects, self.classes, self.border_index))


class BlockCache:
    """The blocks that were used last, up to a number of bytes (and always the newest one). A small set stays as a whole."""

    def __init__(self, reader: BlockReader, capacity_bytes: int) -> None:
        self.reader, self.capacity_bytes = reader, capacity_bytes
        self._kept: OrderedDict[int, Block] = OrderedDict()
        self._bytes = 0

    def block(self, number: int) -> Block:
        """Return a block, read now or kept."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        block = self._kept[number] = self.reader.read(number)
        self._bytes += block.size_bytes
        while self._bytes > self.capacity_bytes and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].size_bytes
        return block


def iter_chips(data: TrainingSet, part: Part) -> Iterator[Chips]:
    """Yield all chips of a part in order, some at a time, so that no more than a bounded memory is taken."""
    folder = data.layout.store / part
    rows = [ShardedRows(folder / key) for key in ("chips", "masks", "objects", "positions")]
    step = max(1, _CHIPS_AT_ONCE_BYTES // max(1, math.ceil(sum(r.row_bytes for r in rows))))
    for begin in range(0, len(rows[0]), step):
        pixels, masks, objects, positions = (r.read(begin, min(begin + step, len(r))) for r in rows)
        yield Chips(pixels, masks, objects, positions)
