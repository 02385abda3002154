"""The single depth-first pass that makes a pyramid.

Leaves (2048 x 2048 pixels, one shard) are visited in Z-order, chunk by chunk (512 x 512): a chunk is read, encoded, appended to
its shard, and averaged into its quarter of a chunk of the level above, which goes the same way as soon as it is complete. So
every source pixel is read once, every shard is written once by one writer, and what is kept is one chunk per level, whatever
the size of the picture.

The unit of work is a subtree (4096 pixels a side), so that threads or a cluster can carry several; what lies above the subtrees
is made by the caller as their results arrive, in the same order.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labkit.compute import Compute, ComputeSpec, available_workers, open_compute
from labkit.errors import Cancelled
from labkit.events import CancelToken, EventSink, Progress
from labkit.formats.ome_zarr import CHUNK_PX, SHARD_PX
from labkit.geometry import Box
from labkit.storage import Objects, open_objects
from labkit.tiling.blocks import FinishedBlock, read_block_half, write_block
from labkit.tiling.ledger import BlockFacts, Ledger
from labkit.tiling.plan import Node, PyramidPlan

__all__ = ["Opener", "PixelSource", "build_pyramid"]

_SUBTREE_LEVELS = 1  # a subtree covers 4096 pixels a side, where the picture is large enough to share out so
_COMMITTERS = 2  # threads that wait for the disk, or for the object store, while the others compute


class PixelSource(Protocol):
    """What a pyramid is made from: `shape` (y, x) or (c, y, x) of a plane, `dtype`, and `read` of any box, in that order of axes.

    A source may also have ``read_into(box, out, plane=0)``, which spares a copy, and ``piece_px``, the sides of the pieces that
    it decodes at once: where they divide a chunk, it is asked chunk by chunk, else shard by shard.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a plane, (y, x) or (c, y, x); alpha, where the plan has it, is the last channel."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the pixels."""

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of `box`; sources of several planes take the number of the plane as well."""


Opener = Callable[[], Any]
Halves = Iterator[tuple[Box, NDArray[Any]]]  # the chunks of a block at half its size, in Z-order, and where each lies in it


def build_pyramid(
    opener: Opener,
    plan: PyramidPlan,
    target: Path | str,
    ledger: Ledger,
    *,
    alpha_target: Path | str | None = None,
    compute: ComputeSpec,
    memory_bytes: int,
    stage: str,
    on_event: EventSink,
    cancel: CancelToken,
) -> None:
    """Make the blocks of `plan`, leaving out those that `ledger` has.

    Parameters
    ----------
    opener : callable
        Opens the source, a `PixelSource`; several threads read it at once. For a cluster it can be pickled.
    plan : PyramidPlan
        What to make.
    target, alpha_target : path or address
        The group of the image, and that of its alpha where `plan` has any; shards only, no metadata.
    ledger : Ledger
        Finished blocks are noted in it once they are on the disk.
    compute : ComputeSpec
        Where the work is done.
    memory_bytes : int
        Bounds what is kept beside the source: fewer workers where it is small, never less than one.
    stage : str
        Named in the progress events (unit "tiles").
    on_event, cancel
        Told of progress; looked at between chunks.

    Raises
    ------
    Cancelled
        The token was set; finished blocks stay in store and ledger.
    WorkerLost
        A worker of the cluster died.
    """
    job = _Job(os.urandom(8).hex(), opener, plan, str(target), None if alpha_target is None else str(alpha_target))
    progress = _ProgressReport(plan.leaves, stage, on_event)
    with open_compute(_within(compute, plan, memory_bytes)) as workers:
        _Building(job, ledger, workers, progress, cancel).run()


def _within(compute: ComputeSpec, plan: PyramidPlan, memory_bytes: int) -> ComputeSpec:
    """Return `compute` with as many workers as the memory bears."""
    channels = (plan.channels or 1) + plan.alpha
    shard_bytes = channels * SHARD_PX**2 * np.dtype(plan.dtype).itemsize
    each = 2 * shard_bytes  # a shard as it is read, and quarters on the way up
    wanted = compute.workers or available_workers()
    return ComputeSpec(compute.kind, max(1, min(wanted, memory_bytes // each)), compute.address)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker needs to know; can be pickled where the opener can."""

    id: str
    opener: Opener
    plan: PyramidPlan
    target: str
    alpha_target: str | None

    def open(self) -> _Opened:
        stores = (open_objects(self.target), None if self.alpha_target is None else open_objects(self.alpha_target))
        return _Opened(self.plan, self.opener(), *stores)


@dataclass(frozen=True, slots=True)
class _Opened:
    plan: PyramidPlan
    source: Any
    store: Objects
    alpha_store: Objects | None

    def close(self) -> None:
        if hasattr(self.source, "close"):
            self.source.close()


class _ProgressReport:
    """Counts leaves and tells of them, with the time to go by the rate so far."""

    def __init__(self, total: int, stage: str, on_event: EventSink) -> None:
        self._total, self._stage, self._on_event = total, stage, on_event
        self._done = self._known = 0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.add(0)

    def add(self, leaves: int, *, known: bool = False) -> None:
        """Count leaves as finished; `known` ones were so before and say nothing about the rate."""
        with self._lock:
            self._done += leaves
            self._known += leaves if known else 0
            now = time.monotonic()
            made = self._done - self._known
            remaining = (now - self._started) / made * (self._total - self._done) if made else None
            self._on_event(Progress(self._done, self._total, "tiles", self._stage, None if remaining is None else round(remaining, 1)))


class _Stop:
    """Why workers stop early: somebody cancelled, or another worker failed."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self.failed = False

    def check(self) -> None:
        self._cancel.raise_if_cancelled()
        if self.failed:
            raise Cancelled("Another part of the work failed.")


class _SubtreeBuilder:
    """Makes blocks one after the other, on the thread that calls.

    `finish` takes each finished block; `check` raises when the work is to stop; `count` takes the number of leaves that are done.
    """

    def __init__(
        self,
        opened: _Opened,
        done: Container[Node],
        finish: Callable[[FinishedBlock], None],
        check: Callable[[], None],
        count: Callable[..., None],
    ) -> None:
        self._opened, self._plan, self._done = opened, opened.plan, done
        self._finish, self._check, self._count = finish, check, count

    def half_of(self, node: Node) -> Halves:
        """Make a block, and yield it at half its size, chunk by chunk."""
        if node in self._done:
            self._count(self._plan.leaves_below(node), known=True)
            yield from self._read_back(node)
        elif node.level == 0:
            yield from self._write(node, self._chunks_of_leaf(node))
            self._count(1)
        else:
            yield from self.parent(node, self.half_of)

    def parent(self, node: Node, half_of: Callable[[Node], Halves]) -> Halves:
        """Make a block from the halves of its children."""
        return self._write(node, self._chunks_of_children(node, half_of))

    def _write(self, node: Node, chunks: Halves) -> Halves:
        return write_block(self._opened.store, self._opened.alpha_store, self._plan, node, chunks, self._finish)

    def _read_back(self, node: Node) -> Halves:
        if node.level == self._plan.top:
            return
        half = read_block_half(self._opened.store, self._opened.alpha_store, self._plan, node)
        for part in chunk_boxes(half.shape[-2:]):
            yield part, half[(..., *part.slices)]

    def _chunks_of_leaf(self, node: Node) -> Halves:
        """Yield the chunks of a leaf and where they lie in it, in Z-order."""
        box = self._plan.box(node)
        whole = None if self._reads_chunks() else self._read(box, node.plane)
        for part in chunk_boxes(box.shape):
            self._check()
            yield part, self._read(part.shift(box.y0, box.x0), node.plane) if whole is None else whole[(..., *part.slices)]

    def _reads_chunks(self) -> bool:
        piece = getattr(self._opened.source, "piece_px", None)
        return piece is not None and all(CHUNK_PX % side == 0 for side in piece)

    def _read(self, box: Box, plane: int) -> NDArray[Any]:
        source = self._opened.source
        if hasattr(source, "read_into"):
            channels = (self._plan.channels or 1) + self._plan.alpha
            lead = () if self._plan.channels is None and not self._plan.alpha else (channels,)
            pixels = np.empty((*lead, *box.shape), dtype=self._plan.dtype)
            source.read_into(box, pixels, plane)
            return pixels
        found: NDArray[Any] = source.read(box) if self._plan.planes == 1 else source.read(box, plane)
        return found

    def _chunks_of_children(self, node: Node, half_of: Callable[[Node], Halves]) -> Halves:
        half_px = SHARD_PX // 2
        for child in self._plan.children(node):
            y, x = (child.y - 2 * node.y) * half_px, (child.x - 2 * node.x) * half_px
            for part, pixels in half_of(child):
                yield part.shift(y, x), pixels


def chunk_boxes(shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield the chunks of an area (height, width) at the corner of a shard, in Z-order."""
    rows, columns = math.ceil(shape[0] / CHUNK_PX), math.ceil(shape[1] / CHUNK_PX)
    for row, column in sorted(((r, c) for r in range(rows) for c in range(columns)), key=lambda at: _z_order(*at)):
        y, x = row * CHUNK_PX, column * CHUNK_PX
        yield Box(y, x, min(y + CHUNK_PX, shape[0]), min(x + CHUNK_PX, shape[1]))


def _z_order(row: int, column: int) -> int:
    return sum((row >> bit & 1) << (2 * bit + 1) | (column >> bit & 1) << (2 * bit) for bit in range(2))


class _Committer:
    """Waits for the disk in threads of its own; a block is noted in the ledger when its shards are on the disk."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._pool = ThreadPoolExecutor(_COMMITTERS, thread_name_prefix="labkit-commit")
        self._room = threading.BoundedSemaphore(2 * _COMMITTERS)
        self._error: BaseException | None = None

    def put(self, block: FinishedBlock) -> None:
        """Take a finished block; blocks while too many wait, raises what went wrong with an earlier one."""
        self._room.acquire()
        if self._error is not None:
            self._room.release()
            block.discard()
            raise self._error
        self._pool.submit(self._commit, block)

    def _commit(self, block: FinishedBlock) -> None:
        try:
            if self._error is None:
                block.commit()
                self._ledger.add((block.node, block.facts))
            else:
                block.discard()
        except BaseException as error:
            self._error = error
        finally:
            self._room.release()

    def close(self) -> None:
        """Wait until all are on the disk."""
        self._pool.shutdown(wait=True)
        if self._error is not None:
            raise self._error


class _Building:
    """One pyramid being made: hands out subtrees, joins what comes back."""

    def __init__(self, job: _Job, ledger: Ledger, compute: Compute, progress: _ProgressReport, cancel: CancelToken) -> None:
        self._job, self._plan, self._ledger, self._compute = job, job.plan, ledger, compute
        self._progress = progress
        self._stop = _Stop(cancel)

    def run(self) -> None:
        opened = self._job.open()
        committer = _Committer(self._ledger)
        builder = _SubtreeBuilder(opened, self._ledger, committer.put, self._stop.check, self._progress.add)
        try:
            if self._compute.workers <= 1 and self._compute.shares_memory:
                for root in self._plan.roots():
                    _exhaust(builder.half_of(root))
            else:
                self._share_out(builder)
        except BaseException:
            self._stop.failed = True
            raise
        finally:
            try:
                committer.close()
            finally:
                opened.close()

    def _share_out(self, builder: _SubtreeBuilder) -> None:
        cut = self._subtree_level()
        results = self._results(builder, cut, window=2 * self._compute.workers)
        try:
            for root in self._plan.roots():
                _exhaust(self._join(builder, root, cut, results))
        except BaseException:
            self._stop.failed = True
            raise
        finally:
            results.close()

    def _subtree_level(self) -> int:
        for level in range(min(_SUBTREE_LEVELS, self._plan.top), 0, -1):
            if math.prod(self._plan.grid(level)) * self._plan.planes >= 2 * self._compute.workers:
                return level
        return 0

    def _submit(self, builder: _SubtreeBuilder, node: Node) -> Future[Any]:
        if self._compute.shares_memory:
            return self._compute.submit(_listed, builder, node)
        below = {n for n, _ in self._ledger.entries() if _is_below(n, node)}
        return self._compute.submit(_build_on_worker, self._job, node, below)

    def _results(self, builder: _SubtreeBuilder, cut: int, window: int) -> Generator[list[tuple[Box, NDArray[Any]]]]:
        """Yield the halved subtrees in the order in which `_join` asks for them, at most `window` at work or waiting."""
        waiting: deque[Future[Any]] = deque()
        try:
            for root in self._plan.roots():
                for node in self._nodes_to_build(root, cut):
                    waiting.append(self._submit(builder, node))
                    if len(waiting) >= window:
                        yield self._taken(waiting.popleft())
            while waiting:
                yield self._taken(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def _taken(self, future: Future[Any]) -> list[tuple[Box, NDArray[Any]]]:
        if self._compute.shares_memory:
            halves: list[tuple[Box, NDArray[Any]]] = future.result()
            return halves
        built: _Built = future.result()
        self._stop.check()
        self._ledger.add(*built.blocks)
        self._progress.add(built.leaves)
        return list(built.halves)

    def _nodes_to_build(self, node: Node, cut: int) -> Iterator[Node]:
        if node.level == cut:
            yield node
        elif node not in self._ledger:
            for child in self._plan.children(node):
                yield from self._nodes_to_build(child, cut)

    def _join(self, builder: _SubtreeBuilder, node: Node, cut: int, results: Iterator[list[tuple[Box, NDArray[Any]]]]) -> Halves:
        """Yield a block at half its size: from a subtree, from the store, or from its children."""
        if node.level == cut:
            yield from next(results)
        elif node in self._ledger:
            yield from builder.half_of(node)
        else:
            yield from builder.parent(node, lambda child: self._join(builder, child, cut, results))


def _listed(builder: _SubtreeBuilder, node: Node) -> list[tuple[Box, NDArray[Any]]]:
    return list(builder.half_of(node))


def _exhaust(halves: Halves) -> None:
    for _ in halves:  # nothing is made of the last level
        pass


def _is_below(node: Node, above: Node) -> bool:
    up = above.level - node.level
    return up >= 0 and node.plane == above.plane and (node.y >> up, node.x >> up) == (above.y, above.x)


@dataclass(frozen=True, slots=True)
class _Built:
    """What a worker of a cluster sends back."""

    halves: tuple[tuple[Box, NDArray[Any]], ...]
    blocks: tuple[tuple[Node, BlockFacts], ...]
    leaves: int


_OPENED_HERE: OrderedDict[str, _Opened] = OrderedDict()  # by job; a worker opens a source once for all its tasks
_MOST_OPENED = 2
_OPENING = threading.Lock()


def _build_on_worker(job: _Job, node: Node, done: Container[Node]) -> _Built:
    """Make one subtree in a process of a cluster."""
    opened = _opened_here(job)
    blocks: list[tuple[Node, BlockFacts]] = []
    counted: list[int] = []

    def finish(block: FinishedBlock) -> None:
        block.commit()
        blocks.append((block.node, block.facts))

    builder = _SubtreeBuilder(opened, done, finish, lambda: None, lambda leaves, known=False: counted.append(leaves))
    halves = tuple(builder.half_of(node))
    return _Built(halves, tuple(blocks), sum(counted))


def _opened_here(job: _Job) -> _Opened:
    with _OPENING:
        if job.id not in _OPENED_HERE:
            _OPENED_HERE[job.id] = job.open()
            while len(_OPENED_HERE) > _MOST_OPENED:
                _OPENED_HERE.popitem(last=False)[1].close()
        return _OPENED_HERE[job.id]
