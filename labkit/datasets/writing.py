"""Writing chips into the store of a set: whole shards, by one writer, in one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from labkit.annotations import IGNORE
from labkit.datasets.cutting import CutChips, count_objects
from labkit.datasets.records import Normalisation, PartSummary

__all__ = ["SHARD_CHIPS", "PartWriter", "ValueSample", "summary_of"]

SHARD_CHIPS = 64
_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.8
_SAMPLE_VALUES = 4_000_000


class PartWriter:
    """Writes the chips of one part, a whole shard at a time, and counts what is in them.

    Parameters
    ----------
    group : zarr.Group
        Of the part.
    channels, dtype, chip_px
        Of the chips.
    digest : hash
        Is fed with pixels, mask and objects of each chip, in order.
    """

    def __init__(self, group: zarr.Group, channels: int, dtype: np.dtype[Any], chip_px: int, digest: Any) -> None:
        self._digest = digest
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._shapes = {"chips": ((channels, chip_px, chip_px), dtype), "masks": ((chip_px, chip_px), np.dtype(np.uint8))}
        self._shapes |= {"objects": ((chip_px, chip_px), np.dtype(np.uint32)), "positions": ((3,), np.dtype(np.int64))}
        for key, (shape, kind) in self._shapes.items():
            self._arrays[key] = group.create_array(
                key, shape=(0, *shape), dtype=kind, chunks=(1, *shape), shards=(SHARD_CHIPS, *shape), config={"write_empty_chunks": True}
            )
        self._buffer: dict[str, list[NDArray[Any]]] = {key: [] for key in self._shapes}
        self._count = self._objects = 0
        self._pixels = np.zeros(256, np.int64)

    def add(self, cut: CutChips) -> None:
        """Take chips; they are written when a shard is full."""
        for pixels, mask, objects, position in zip(cut.pixels, cut.masks, cut.objects, cut.positions, strict=True):
            for key, value in zip(self._shapes, (pixels, mask, objects, position), strict=True):
                self._buffer[key].append(value)
                if key != "positions":
                    self._digest.update(np.ascontiguousarray(value).tobytes())
            self._pixels += np.bincount(mask.reshape(-1), minlength=256)
            self._objects += count_objects(objects)
            if len(self._buffer["chips"]) == SHARD_CHIPS:
                self._flush()

    def _flush(self) -> None:
        number = len(self._buffer["chips"])
        if number:
            for key, rows in self._buffer.items():
                array = self._arrays[key]
                array.resize((self._count + number, *array.shape[1:]))
                array[self._count :] = np.stack(rows)
                rows.clear()
            self._count += number

    def finish(self) -> PartSummary:
        """Write what is left, and return what there is."""
        self._flush()
        return summary_of(self._count, self._pixels, self._objects)


def summary_of(chips: int, counts: NDArray[np.int64], objects: int) -> PartSummary:
    """Return the summary of a part by how many pixels of each value its masks have."""
    pixels = {int(k): int(counts[k]) for k in np.flatnonzero(counts) if k != IGNORE}
    return PartSummary(chips=chips, pixels=pixels, ignored_pixels=int(counts[IGNORE]), objects=objects)


class ValueSample:
    """Grey values of the train chips, for the scale: of each chip a grid of pixels, wider where there are many chips.

    Parameters
    ----------
    chips : int
        How many there can be at most.
    channels, chip_px : int
        Of the chips.
    """

    def __init__(self, chips: int, channels: int, chip_px: int) -> None:
        self._step = 2
        while self._step < chip_px and chips * channels * -((-chip_px // self._step) ** 2) > _SAMPLE_VALUES:
            self._step += 1
        self._channels = channels
        self._values: list[NDArray[Any]] = []

    def add(self, chips: NDArray[Any]) -> None:
        """Look at chips (n, c, y, x)."""
        if len(chips):
            seen = chips[:, :, :: self._step, :: self._step]
            self._values.append(np.moveaxis(seen, 1, 0).reshape(self._channels, -1))

    def __len__(self) -> int:
        return len(self._values)

    def normalisation(self) -> Normalisation:
        """Return the scale, by percentiles."""
        values = np.concatenate(self._values, axis=1).astype(np.float64)
        low, high = np.nanpercentile(values, [_LOW_PERCENT, _HIGH_PERCENT], axis=1)
        high = np.where(high > low, high, low + 1)  # a flat picture: keep the division finite
        return Normalisation(low=tuple(low.tolist()), high=tuple(high.tolist()))
