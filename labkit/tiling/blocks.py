"""One block of a pyramid: written chunk by chunk, and read back at half its size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from labkit.errors import CorruptStore
from labkit.formats.ome_zarr import CHUNK_PX, Role, ShardEncoder, decode_chunk, index_size, read_index, shard_px
from labkit.geometry import Box
from labkit.storage import Objects, PendingObject
from labkit.tiling.halving import halve
from labkit.tiling.ledger import BlockFacts, ShardFacts
from labkit.tiling.plan import Node, PyramidPlan

__all__ = ["FinishedBlock", "read_block", "read_block_half", "write_block"]


class _ShardWriter:
    """A shard being written: each chunk is encoded and appended at once."""

    def __init__(self, store: Objects, plan: PyramidPlan, node: Node, role: Role, key: str) -> None:
        self._encoder = ShardEncoder(plan.sizes[node.level], role)
        self.pending: PendingObject = store.begin(key)
        self._length = self._crc32c = 0

    def chunk(self, row: int, column: int, pixels: NDArray[Any]) -> None:
        self._write(self._encoder.chunk(row, column, pixels))

    def close(self) -> ShardFacts:
        self._write(self._encoder.index())
        return ShardFacts(self._length, self._crc32c)

    def _write(self, part: bytes) -> None:
        self.pending.write(part)
        self._length += len(part)
        self._crc32c = google_crc32c.extend(self._crc32c, part)


@dataclass(frozen=True, slots=True)
class FinishedBlock:
    """A block all of whose chunks are written, but not yet on the disk for certain."""

    node: Node
    facts: BlockFacts
    pending: tuple[PendingObject, ...]

    def commit(self) -> None:
        """Wait until its shards are on the disk, under their names."""
        for one in self.pending:
            one.commit()

    def discard(self) -> None:
        """Give it up."""
        for one in self.pending:
            one.discard()


def write_block(
    store: Objects,
    alpha_store: Objects | None,
    plan: PyramidPlan,
    node: Node,
    chunks: Iterator[tuple[Box, NDArray[Any]]],
    finish: Callable[[FinishedBlock], None],
) -> Iterator[tuple[Box, NDArray[Any]]]:
    """Write the chunks of a block, and yield it at half its size, chunk by chunk, as soon as each is complete.

    Parameters
    ----------
    store, alpha_store : Objects
        Where the shards go.
    plan, node
        Which block of which pyramid.
    chunks : iterator of (Box, ndarray)
        In Z-order: where each lies in the block, and its pixels with alpha as the last channel if `plan` has it.
    finish : callable
        Takes the block when all its chunks are written; it is still to be committed.

    Yields
    ------
    Box, ndarray
        Where a chunk lies in the halved block, and its pixels, (y, x) or (c, y, x), alpha included; nothing for a block of the
        last level, which nothing is made of.
    """
    writers: list[_ShardWriter] = []
    opaque = True
    quarters = _Quarters(plan, node)
    try:
        writers.append(_ShardWriter(store, plan, node, plan.role, plan.shard_key(node)))
        if plan.alpha:
            if alpha_store is None:
                raise ValueError("a plan with alpha needs a store for it")
            writers.append(_ShardWriter(alpha_store, plan, node, "image", alpha_plan(plan).shard_key(node)))
        for box, pixels in chunks:
            at = box.y0 // CHUNK_PX, box.x0 // CHUNK_PX
            complete = quarters.take(box, pixels) if node.level < plan.top else None  # first, while the caches hold the pixels
            writers[0].chunk(*at, _without_alpha(plan, pixels))
            if plan.alpha:
                writers[1].chunk(*at, pixels[-1])
                opaque = opaque and bool((pixels[-1] == _opaque_value(plan.dtype)).all())
            if complete:
                yield complete
        facts = [writer.close() for writer in writers]
    except BaseException:
        for writer in writers:
            writer.pending.discard()
        raise
    block = BlockFacts(facts[0], facts[1] if plan.alpha else None, opaque)
    finish(FinishedBlock(node, block, tuple(writer.pending for writer in writers)))


def alpha_plan(plan: PyramidPlan) -> PyramidPlan:
    """Return the plan of the store that holds the alpha of `plan`: no channels, the same planes but for channels."""
    stack = tuple((axis, length) for axis, length in plan.stack if axis != "c")
    return PyramidPlan(plan.sizes, None, plan.dtype, "image", stack)


class _Quarters:
    """Puts the halves of chunks together: four (fewer at a far edge) are one chunk of the level above."""

    def __init__(self, plan: PyramidPlan, node: Node) -> None:
        self._plan = plan
        height, width = plan.box(node).shape
        self._half = math.ceil(height / 2), math.ceil(width / 2)
        self._pixels: NDArray[Any] = np.empty(0)
        self._missing = 0

    def take(self, box: Box, pixels: NDArray[Any]) -> tuple[Box, NDArray[Any]] | None:
        """Take a chunk, and return the chunk above when it is complete."""
        half = halve(pixels, self._plan.role, alpha=self._plan.alpha, nodata=self._plan.nodata)
        y, x = box.y0 // 2, box.x0 // 2
        top, left = y // CHUNK_PX * CHUNK_PX, x // CHUNK_PX * CHUNK_PX
        whole = Box(top, left, min(top + CHUNK_PX, self._half[0]), min(left + CHUNK_PX, self._half[1]))
        if not self._missing:
            self._pixels = np.empty((*half.shape[:-2], *whole.shape), dtype=half.dtype)
            self._missing = whole.height_px * whole.width_px
        self._pixels[..., y - whole.y0 : y - whole.y0 + half.shape[-2], x - whole.x0 : x - whole.x0 + half.shape[-1]] = half
        self._missing -= half.shape[-2] * half.shape[-1]
        return None if self._missing else (whole, self._pixels)


def _without_alpha(plan: PyramidPlan, pixels: NDArray[Any]) -> NDArray[Any]:
    if not plan.alpha:
        return pixels
    return pixels[0] if plan.channels is None else pixels[:-1]


def _opaque_value(dtype: str) -> float:
    return float(np.iinfo(dtype).max) if np.dtype(dtype).kind in "iu" else 1.0


def read_block(store: Objects, plan: PyramidPlan, node: Node) -> NDArray[Any]:
    """Return the pixels of a block that was written before, (y, x) or (c, y, x).

    Raises
    ------
    CorruptStore
        Its shard is missing, or not as it was written.
    """
    key, size = plan.shard_key(node), plan.sizes[node.level]
    extent = plan.box(node).shape
    data = store.read(key)
    length = index_size((shard_px(size[0]), shard_px(size[1])))
    chunk_shape = (*(() if plan.channels is None else (plan.channels,)), CHUNK_PX, CHUNK_PX)
    pixels = np.empty(plan.block_shape(node), dtype=plan.dtype)
    try:
        index = read_index(data[-length:], size)
        for row in range(math.ceil(extent[0] / CHUNK_PX)):
            for column in range(math.ceil(extent[1] / CHUNK_PX)):
                offset, count = (int(n) for n in index[row, column])
                chunk = decode_chunk(data[offset : offset + count], chunk_shape, pixels.dtype, plan.role)
                y, x = row * CHUNK_PX, column * CHUNK_PX
                out = pixels[..., y : y + CHUNK_PX, x : x + CHUNK_PX]
                out[...] = chunk[..., : out.shape[-2], : out.shape[-1]]
    except Exception as error:  # codecs raise many kinds for damaged bytes
        raise CorruptStore(
            f"The shard {key} is damaged.", hint="Run 'labkit verify'; restore it from a backup or import again.", key=key
        ) from error
    return pixels


def read_block_half(store: Objects, alpha_store: Objects | None, plan: PyramidPlan, node: Node) -> NDArray[Any]:
    """Return a block that was written before at half its size, as `write_block` did."""
    pixels = read_block(store, plan, node)
    if plan.alpha:
        if alpha_store is None:
            raise ValueError("a plan with alpha needs a store for it")
        alpha = read_block(alpha_store, alpha_plan(plan), node)
        pixels = np.concatenate((pixels[np.newaxis] if plan.channels is None else pixels, alpha[np.newaxis]))
    return halve(pixels, plan.role, alpha=plan.alpha, nodata=plan.nodata)
