"""The single depth-first pass that makes a pyramid.

Leaves (2048 x 2048 pixels, one shard) are visited in Z-order. A finished block is written, then averaged into the buffer of
its parent, and a parent is written when its four children are done: every source pixel is read once, every shard is written
once by one writer, and memory is about one block per level. The unit of work is a subtree, so that threads (or a cluster) can
carry several; what lies above the subtrees is made by the caller as their results arrive, in the same order.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import zarr
from numpy.typing import NDArray

from labkit.errors import Cancelled
from labkit.events import CancelToken, EventSink, Progress
from labkit.formats.ome_zarr import SHARD_PX, encode_shard
from labkit.geometry import Box
from labkit.storage import write_bytes
from labkit.tiling.halving import halve
from labkit.tiling.ledger import Ledger, ShardFacts
from labkit.tiling.plan import Node, PyramidPlan

__all__ = ["PixelSource", "PyramidBuilder", "write_shard"]

_SUBTREE_LEVELS = 2  # a subtree covers 8192 pixels a side, where the picture is large enough to share out so


class PixelSource(Protocol):
    """What a pyramid is made from: `shape` (y, x) or (c, y, x), `dtype`, and `read` of any box, in that order of axes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole, (y, x) or (c, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the pixels."""

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of `box`."""


def write_shard(store: Path, plan: PyramidPlan, node: Node, block: NDArray[Any]) -> ShardFacts:
    """Encode one block and write it as one object, whole or not at all."""
    data = encode_shard(block, plan.shape(node.level), plan.role)
    write_bytes(store / plan.shard_key(node), data)
    return ShardFacts.of(data)


class PyramidBuilder:
    """Makes the blocks of `plan` from `source` in `store`, leaving out those that `ledger` has."""

    def __init__(
        self,
        plan: PyramidPlan,
        source: PixelSource,
        store: Path,
        ledger: Ledger,
        *,
        stage: str,
        on_event: EventSink,
        cancel: CancelToken,
    ) -> None:
        self._plan = plan
        self._source = source
        self._store = store
        self._ledger = ledger
        self._stage = stage
        self._on_event = on_event
        self._cancel = cancel
        self._failed = threading.Event()
        self._lock = threading.Lock()
        self._leaves_done = 0

    def build(self, workers: int) -> None:
        """Make all blocks, `workers` subtrees at a time.

        Raises
        ------
        Cancelled
            The token was set; finished blocks stay in store and ledger.
        """
        self._report(0)
        if workers <= 1 or self._plan.leaves == 1:
            for root in self._plan.roots():
                self._build(root)
            return
        cut = self._subtree_level(workers)
        with ThreadPoolExecutor(workers, thread_name_prefix="labkit-tiling") as pool:
            results = self._results(pool, cut, window=2 * workers)
            try:
                for root in self._plan.roots():
                    self._join(root, cut, results)
            except BaseException:
                self._failed.set()
                results.close()
                raise

    def _subtree_level(self, workers: int) -> int:
        for level in range(min(_SUBTREE_LEVELS, self._plan.top), 0, -1):
            if math.prod(self._plan.grid(level)) >= 2 * workers:
                return level
        return 0

    def _build(self, node: Node) -> NDArray[Any]:
        """Return the pixels of a block after it has been written; on the thread that calls."""
        if node in self._ledger:
            self._report(self._plan.leaves_below(node))
            return self._read_back(node)
        if node.level == 0:
            return self._build_leaf(node)
        return self._build_parent(node, lambda child: halve(self._build(child), self._plan.role))

    def _build_leaf(self, node: Node) -> NDArray[Any]:
        self._cancel.raise_if_cancelled()
        if self._failed.is_set():
            raise Cancelled("Another part of the work failed.")
        block = self._source.read(self._plan.box(node))
        self._finish(node, block)
        self._report(1)
        return block

    def _build_parent(self, node: Node, half_of: Callable[[Node], NDArray[Any]]) -> NDArray[Any]:
        buffer = np.empty(self._plan.block_shape(node), dtype=self._plan.dtype)
        half_px = SHARD_PX // 2
        for child in self._plan.children(node):
            half = half_of(child)
            y, x = (child.y - 2 * node.y) * half_px, (child.x - 2 * node.x) * half_px
            buffer[..., y : y + half.shape[-2], x : x + half.shape[-1]] = half
        self._finish(node, buffer)
        return buffer

    def _finish(self, node: Node, block: NDArray[Any]) -> None:
        self._ledger.add(node, write_shard(self._store, self._plan, node, block))

    def _results(self, pool: ThreadPoolExecutor, cut: int, window: int) -> Generator[Any]:
        """Yield the halved subtrees in the order in which `_join` asks for them, at most `window` at work or waiting."""
        waiting: deque[Future[NDArray[Any]]] = deque()
        try:
            for root in self._plan.roots():
                for node in self._nodes_to_build(root, cut):
                    waiting.append(pool.submit(self._build_subtree, node))
                    if len(waiting) >= window:
                        yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _build_subtree(self, node: Node) -> NDArray[Any]:
        block = self._build(node)
        return halve(block, self._plan.role) if node.level < self._plan.top else block

    def _nodes_to_build(self, node: Node, cut: int) -> Iterator[Node]:
        if node.level == cut:
            yield node
        elif node not in self._ledger:
            for child in self._plan.children(node):
                yield from self._nodes_to_build(child, cut)

    def _join(self, node: Node, cut: int, results: Iterator[NDArray[Any]]) -> NDArray[Any]:
        """Return a block at half size (whole at the top): from a subtree, from the store, or from its children."""
        if node.level == cut:
            return next(results)
        if node in self._ledger:
            self._report(self._plan.leaves_below(node))
            block = self._read_back(node)
        else:
            block = self._build_parent(node, lambda child: self._join(child, cut, results))
        return halve(block, self._plan.role) if node.level < self._plan.top else block

    def _read_back(self, node: Node) -> NDArray[Any]:
        array = zarr.open_array(self._store / str(node.level), mode="r")
        return np.asarray(array[(..., *self._plan.box(node).slices)])

    def _report(self, leaves: int) -> None:
        with self._lock:
            self._leaves_done += leaves
            self._on_event(Progress(self._leaves_done, self._plan.leaves, "tiles", stage=self._stage))
