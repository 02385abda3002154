"""Batches made ready while the network learns: by a thread beside a CPU, by worker programs beside a GPU. Both give the same."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from labkit.errors import LabKitError
from labkit.training.batches import BatchSource

__all__ = ["open_batches"]

_AHEAD = 3  # batches that wait for the network
_AHEAD_OF_WORKER = 2
_POLL_S = 0.5
_SHARED_MEMORY = Path("/dev/shm")

Batch = tuple[Tensor, Tensor]


@contextmanager
def open_batches(source: BatchSource, *, first_step: int, device: str) -> Iterator[Iterator[Batch]]:
    """Give the batches from `first_step` to the last one, in order and on `device`; on exit, whoever prepares them has ended.

    Parameters
    ----------
    source : BatchSource
        Its plan says how many workers there are: programs that end with this one, also when it is killed. Where shared memory is
        too small for what they hand over (containers often have 64 MB), a thread does their work.
    first_step : int
        Counted from 0 over the whole training.
    device : str
        Where pixels (b, c, y, x) float32 and targets (b, y, x) uint8 are put.
    """
    pin = device.startswith("cuda")
    prepared = _from_workers if source.plan.workers and _has_room(source) else _from_thread
    with prepared(source, first_step, pin) as batches:
        yield (_moved(batch, device) for batch in batches)


def _moved(batch: Batch, device: str) -> Batch:
    pixels, targets = batch
    return pixels.to(device, non_blocking=True), targets.to(device, non_blocking=True)


def _has_room(source: BatchSource) -> bool:
    plan = source.plan
    batch_bytes = plan.batch_size * plan.crop_px**2 * (4 * plan.channels + 1)
    waiting = plan.workers * (_AHEAD_OF_WORKER + 1)
    return _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > waiting * batch_bytes


class _Excused(Dataset[Any]):
    """Hands an error over as it is: the loader would make its text a traceback."""

    def __init__(self, source: BatchSource) -> None:
        self._source = source

    def __getitem__(self, step: int) -> Batch | LabKitError:
        try:
            return self._source[step]
        except LabKitError as error:
            return error


@contextmanager
def _from_workers(source: BatchSource, first_step: int, pin: bool) -> Iterator[Iterator[Batch]]:
    loader = DataLoader(
        _Excused(source),
        batch_size=None,
        sampler=range(first_step, len(source)),
        num_workers=source.plan.workers,
        prefetch_factor=_AHEAD_OF_WORKER,
        pin_memory=pin,
        multiprocessing_context="fork",  # scripts without a main guard work too; reading blocks takes no lock that a thread may hold
        worker_init_fn=_begin_work,
    )
    prepared = iter(loader)

    def batches() -> Iterator[Batch]:
        for item in prepared:
            if isinstance(item, LabKitError):
                raise item
            yield item[0], item[1]

    try:
        yield batches()
    finally:
        prepared._shutdown_workers()  # type: ignore[attr-defined]  # otherwise they live until the iterator is collected


def _begin_work(worker: int) -> None:
    """End with the program that asked for batches, however it ends."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _from_thread(source: BatchSource, first_step: int, pin: bool) -> Iterator[Iterator[Batch]]:
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def prepare() -> None:
        try:
            for step in range(first_step, len(source)):
                pixels, targets = source[step]
                put((pixels.pin_memory(), targets.pin_memory()) if pin else (pixels, targets))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # it is raised where the batch is asked for
            put(error)

    def batches() -> Iterator[Batch]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=prepare, name="batches", daemon=True)
    thread.start()
    try:
        yield batches()
    finally:
        stopped.set()
        thread.join()
