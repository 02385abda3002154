"""Rows of a sharded Zarr array, a run of them by one read: what zarr-python does chunk by chunk through an event loop.

A shard that is not there is an error: zarr would take it for zeros.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import google_crc32c
import imagecodecs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec, ShardingCodec, ZstdCodec

from labkit.errors import CorruptStore

__all__ = ["ShardedRows"]

_INDEX_ENTRY_BYTES, _CHECKSUM_BYTES = 16, 4


class ShardedRows:
    """A local Zarr 3 array that is chunked along its first axis alone, one row a chunk, several rows a shard.

    Arrays of another make are read through zarr, slower and with the same result. Can be pickled; holds no open file.

    Parameters
    ----------
    path : Path
        The array's folder.

    Raises
    ------
    CorruptStore
        There is no array.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            array = zarr.open_array(path, mode="r")
        except (OSError, KeyError, ValueError) as error:
            raise _corrupt(path, "there is no array") from error
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)
        self._rows_per_shard = _rows_per_shard(array)
        self._indexes: dict[int, NDArray[np.uint64]] = {}

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in memory."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def read(self, begin: int, end: int) -> NDArray[Any]:
        """Return the rows from `begin` up to `end`, shape (end - begin, ...).

        Raises
        ------
        CorruptStore
            A shard is missing, cut short or damaged.
        """
        if self._rows_per_shard is None:
            return np.asarray(zarr.open_array(self.path, mode="r")[begin:end])
        rows = np.empty((end - begin, *self.shape[1:]), self.dtype)
        at = begin
        while at < end:
            shard, first = divmod(at, self._rows_per_shard)
            count = min(self._rows_per_shard - first, end - at)
            self._read_shard(shard, first, rows[at - begin : at - begin + count])
            at += count
        return rows

    def _read_shard(self, shard: int, first: int, rows: NDArray[Any]) -> None:
        file = self.path.joinpath("c", str(shard), *["0"] * (len(self.shape) - 1))
        try:
            with open(file, "rb") as opened:
                index = self._index(opened.fileno(), shard)[first : first + len(rows)].astype(np.int64)
                start, stop = int(index[:, 0].min()), int(index.sum(axis=1).max())
                data = os.pread(opened.fileno(), stop - start, start)
            for row, (offset, length) in zip(rows, index - [start, 0], strict=True):
                row.reshape(-1).view(np.uint8)[:] = np.frombuffer(imagecodecs.zstd_decode(data[offset : offset + length]), np.uint8)
        except FileNotFoundError as error:
            raise _corrupt(file, "it is missing") from error
        except (ValueError, RuntimeError, OverflowError, MemoryError) as error:  # codecs: RuntimeError and its kin
            raise _corrupt(file, f"it cannot be decoded ({type(error).__name__})") from error

    def _index(self, descriptor: int, shard: int) -> NDArray[np.uint64]:
        """Return (offset, length) of each row of a shard, from its end."""
        assert self._rows_per_shard is not None
        if shard not in self._indexes:
            length = self._rows_per_shard * _INDEX_ENTRY_BYTES + _CHECKSUM_BYTES
            size = os.fstat(descriptor).st_size
            if size < length:
                raise ValueError("it is cut short")
            data = os.pread(descriptor, length, size - length)
            if google_crc32c.value(data[:-_CHECKSUM_BYTES]).to_bytes(_CHECKSUM_BYTES, "little") != data[-_CHECKSUM_BYTES:]:
                raise ValueError("the checksum of the index differs")
            self._indexes[shard] = np.frombuffer(data[:-_CHECKSUM_BYTES], "<u8").reshape(-1, 2)
        return self._indexes[shard]


def _rows_per_shard(array: zarr.Array[Any]) -> int | None:
    """Return how many rows a shard has; None where only zarr knows how to read the array."""
    codecs = array.metadata.codecs  # type: ignore[union-attr]  # None of our sets is of format 2, whose metadata have none
    if array.shards is None or array.chunks != (1, *array.shape[1:]) or array.shards[1:] != array.shape[1:] or len(codecs) != 1:
        return None
    outer = codecs[0]
    if not isinstance(outer, ShardingCodec) or outer.index_location.value != "end" or len(outer.index_codecs) != 2:
        return None
    kinds = [type(codec) for codec in outer.codecs]
    plain_order = np.dtype(array.dtype).byteorder in "=|<"
    return int(array.shards[0]) if kinds == [BytesCodec, ZstdCodec] and plain_order else None


def _corrupt(path: Path, why: str) -> CorruptStore:
    return CorruptStore(f"{path} is damaged: {why}.", hint="Build the training set again.", path=str(path))
