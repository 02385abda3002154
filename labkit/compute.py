"""The only door to Dask clusters: threads of this process, a cluster on this machine, or one that already runs somewhere.

Long work is cut into tasks by whoever calls; a task is a function of a module with arguments that can be pickled, so that the
same code runs everywhere.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from labkit.errors import InvalidInput, LabKitError, WorkerLost
from labkit.events import CancelToken

__all__ = ["THREADS", "Compute", "ComputeSpec", "available_workers", "iter_results", "open_compute"]

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 20
_MOST_THREADS = 8


def available_workers() -> int:
    """Return how many threads to use: one per core that this process may use, at most 8."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class ComputeSpec:
    """Where tasks run.

    Attributes
    ----------
    kind : {"threads", "dask"}
        Threads of this process, or the workers of a Dask cluster.
    workers : int or None
        How many; None means one per core. Of a cluster that runs already it is left as it is.
    address : str or None
        The scheduler of a cluster that runs already ("tcp://10.0.0.5:8786"); None starts one on this machine.
    """

    kind: Literal["threads", "dask"] = "threads"
    workers: int | None = None
    address: str | None = None

    @classmethod
    def parse(cls, text: str | None, workers: int | None = None) -> ComputeSpec:
        """Return what ``--dask`` asks for: nothing (threads), "local", or the address of a scheduler.

        Raises
        ------
        InvalidInput
            It is none of these, or `workers` is below 1.
        """
        if workers is not None and workers < 1:
            raise InvalidInput(f"{workers} workers cannot do anything.", hint="Give 1 or more.")
        if text is None:
            return cls("threads", workers)
        if text == "local":
            return cls("dask", workers)
        if "://" not in text:
            raise InvalidInput(f"{text!r} is no address of a Dask scheduler.", hint="Give one such as tcp://127.0.0.1:8786, or 'local'.")
        return cls("dask", workers, text)


THREADS = ComputeSpec()  # one per core, in this process


class Compute(Protocol):
    """Something that carries out tasks."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    @property
    def shares_memory(self) -> bool:
        """Whether tasks run in this process, so that they may be given what cannot be pickled."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Start a task; its result, or what it raised, comes by the future."""


@contextmanager
def open_compute(spec: ComputeSpec) -> Iterator[Compute]:
    """Give what `spec` describes, and close it at the end; tasks that have not begun are dropped.

    Raises
    ------
    InvalidInput
        No scheduler answers at the address.
    WorkerLost
        A worker died several times with the same task (out of memory, or a decoder crashed).
    """
    if spec.kind == "threads":
        with _threads(spec.workers or available_workers()) as threads:
            yield threads
    else:
        with _cluster(spec) as cluster:
            yield cluster


@dataclass(frozen=True, slots=True)
class _Threads:
    pool: ThreadPoolExecutor
    workers: int
    shares_memory: bool = True

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return self.pool.submit(function, *arguments)


@contextmanager
def _threads(workers: int) -> Iterator[Compute]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="labkit-compute")
    try:
        yield _Threads(pool, workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Cluster:
    client: Any
    workers: int
    shares_memory: bool = False

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        # pure=False: equal arguments are two tasks, because tasks write files
        return _Waiting(self.client.submit(function, *arguments, pure=False))


class _Waiting(Future[Any]):
    """A future of the cluster, as one of the standard library: with its `result` and `cancel` only."""

    def __init__(self, remote: Any) -> None:
        super().__init__()
        self._remote = remote

    def result(self, timeout: float | None = None) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            return self._remote.result(timeout)
        except KilledWorker as error:
            raise WorkerLost(
                "A worker of the cluster died while it was at work, several times with the same task.",
                hint="Look into the log of the workers: memory is the usual cause, a broken picture another.",
            ) from error
        except CancelledError as error:
            raise WorkerLost("The cluster went away while it was at work.", hint="Start it again, then go on.") from error

    def cancel(self) -> bool:
        self._remote.cancel()
        return True


@contextmanager
def _cluster(spec: ComputeSpec) -> Iterator[Compute]:
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT_TIMEOUT_S}s"}):
        if spec.address is not None:
            with _connected(Client, spec.address) as client:
                yield _Cluster(client, max(1, sum(client.nthreads().values())))
            return
        count = spec.workers or available_workers()
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            yield _Cluster(client, count)


def _connected(client: Any, address: str) -> Any:
    try:
        return client(address, timeout=_CONNECT_TIMEOUT_S)
    except LabKitError:
        raise
    except Exception as error:  # timeouts, unknown hosts and schemes: distributed raises many kinds
        raise InvalidInput(
            f"No Dask scheduler answers at {address}.", hint="Check the address, and that the scheduler runs.", address=address
        ) from error


def iter_results(compute: Compute, function: Callable[..., T], arguments: Iterable[tuple[Any, ...]], cancel: CancelToken) -> Iterator[T]:
    """Carry out a task for each tuple of arguments, and yield the results in that order.

    Only twice as many tasks as there are workers are under way or waiting to be taken, so that memory is bounded.

    Raises
    ------
    Cancelled
        The token was set; what has not begun is dropped.
    """
    waiting: deque[Future[T]] = deque()
    try:
        for one in arguments:
            cancel.raise_if_cancelled()
            waiting.append(compute.submit(function, *one))
            if len(waiting) >= 2 * compute.workers:
                yield waiting.popleft().result()
        while waiting:
            cancel.raise_if_cancelled()
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
