"""Reading our own stores: the index of a shard once, then the chunks that are needed, each by one read.

A shard that is not there is an error: zarr would take it for zeros.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import CorruptStore
from labkit.formats.ome_zarr import CHUNK_PX, SHARD_PX, Role, decode_chunk, index_size, read_index, shard_key, shard_px
from labkit.geometry import Box
from labkit.storage import Objects

__all__ = ["ShardReader"]

_KEPT_INDEXES = 4096  # of 260 bytes each


@dataclass(frozen=True, slots=True, eq=False)
class ShardReader:
    """Reads the levels of one store that `labkit.tiling` wrote.

    Attributes
    ----------
    objects : Objects
        The group.
    sizes : tuple of (int, int)
        (height, width) of each level.
    lead_chunks : tuple of int
        Extent of a chunk along each leading axis: all channels where they lie together, else 1.
    dtype : numpy.dtype
        Of all levels.
    role : {"image", "labels"}
        Decides the codec.
    """

    objects: Objects
    sizes: tuple[tuple[int, int], ...]
    lead_chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    role: Role
    _indexes: OrderedDict[str, NDArray[np.uint64]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, level: int, lead: tuple[int, ...], box: Box) -> NDArray[Any]:
        """Return the pixels of `box` in one chunk of the leading axes.

        Parameters
        ----------
        level : int
            Which level.
        lead : tuple of int
            Position along the leading axes, in chunks.
        box : Box
            Inside the level, in its pixels.

        Returns
        -------
        ndarray, shape (*lead_chunks, height, width)

        Raises
        ------
        CorruptStore
            A shard is missing or damaged.
        """
        pixels = np.empty((*self.lead_chunks, *box.shape), dtype=self.dtype)
        for row in range(box.y0 // CHUNK_PX, math.ceil(box.y1 / CHUNK_PX)):
            for column in range(box.x0 // CHUNK_PX, math.ceil(box.x1 / CHUNK_PX)):
                place = Box(0, 0, CHUNK_PX, CHUNK_PX).shift(row * CHUNK_PX, column * CHUNK_PX)
                part = place.intersect(box)
                chunk = self._chunk(level, lead, row, column)
                pixels[(..., *part.shift(-box.y0, -box.x0).slices)] = chunk[(..., *part.shift(-place.y0, -place.x0).slices)]
        return pixels

    def _chunk(self, level: int, lead: tuple[int, ...], row: int, column: int) -> NDArray[Any]:
        across = SHARD_PX // CHUNK_PX
        key = shard_key(level, lead, row // across, column // across)
        try:
            offset, length = (int(n) for n in self._index(level, key)[row % across, column % across])
            data = self.objects.read(key, offset, length)
            return decode_chunk(data, (*self.lead_chunks, CHUNK_PX, CHUNK_PX), self.dtype, self.role)
        except CorruptStore as error:
            raise self._corrupt(f"the shard {key} is missing") from error
        except (ValueError, IndexError, RuntimeError, MemoryError, OverflowError) as error:  # codecs: RuntimeError and its kin
            raise self._corrupt(f"the shard {key} cannot be decoded ({type(error).__name__})") from error

    def _index(self, level: int, key: str) -> NDArray[np.uint64]:
        with self._lock:
            if key in self._indexes:
                self._indexes.move_to_end(key)
                return self._indexes[key]
        size = self.sizes[level]
        length = index_size((shard_px(size[0]), shard_px(size[1])))
        total = self.objects.size(key)
        if total < length:
            raise ValueError("it is cut short")
        index = read_index(self.objects.read(key, total - length, length), size)
        with self._lock:
            self._indexes[key] = index
            while len(self._indexes) > _KEPT_INDEXES:
                self._indexes.popitem(last=False)
        return index

    def _corrupt(self, why: str) -> CorruptStore:
        return CorruptStore(
            f"{self.objects.url} is damaged: {why}.",
            hint="Run 'labkit verify' on it; restore it from a backup or import it again.",
            path=self.objects.url,
        )
