"""How much each person keeps: measured in the background when somebody wants to know, and remembered."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit_hub.homes import home_name
from labkit_hub.settings import Settings

__all__ = ["Measured", "Sizes", "folder_bytes", "measure_homes", "measurer"]

log = logging.getLogger(__name__)

_FRESH_S = 600.0
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Measured:
    """Bytes by person, the largest first, and when they were measured."""

    people: tuple[tuple[str, int], ...]
    when: datetime

    @property
    def total(self) -> int:
        """Bytes of all together."""
        return sum(size for _, size in self.people)


class Sizes:
    """Gives what was measured last, and measures anew beside it when that is old.

    Parameters
    ----------
    measure : callable
        Returns bytes by person; may take minutes.
    """

    def __init__(self, measure: Callable[[], Mapping[str, int]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._measure = measure
        self._clock = clock
        self._lock = threading.Lock()
        self._measured: Measured | None = None
        self._old_at = 0.0
        self._thread: threading.Thread | None = None

    def last(self) -> Measured | None:
        """Return what is known now; None before the first measurement has ended."""
        with self._lock:
            if self._clock() >= self._old_at and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._work, name="sizes", daemon=True)
                self._thread.start()
            return self._measured

    def wait(self) -> None:
        """Wait until a measurement that has begun is over."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            sizes = self._measure()
        except Exception:
            log.exception("Storage could not be measured")
            sizes = None
        with self._lock:
            self._old_at = self._clock() + _FRESH_S
            if sizes is not None:
                largest_first = tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
                self._measured = Measured(largest_first, datetime.now(UTC))


def measurer(settings: Settings, names: Callable[[], Iterable[str]]) -> Callable[[], Mapping[str, int]]:
    """Return what measures all homes where they are: in folders of this machine, or in volumes of its Docker.

    Parameters
    ----------
    names : callable
        Returns the names of all people.
    """
    if settings.spawner == "docker":
        from labkit_hub.volumes import measure_volumes  # the other shapes do without Docker's library

        return lambda: measure_volumes(settings.containers.prefix, names())
    return lambda: measure_homes(settings.layout.homes, names())


def measure_homes(homes: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the bytes of each home below `homes`; folders of nobody in `names` go by their own name."""
    owners = {home_name(name): name for name in names}
    try:
        folders = [entry for entry in os.scandir(homes) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return {}
    return {owners.get(entry.name, entry.name): folder_bytes(Path(entry.path)) for entry in folders}


def folder_bytes(folder: Path) -> int:
    """Return what a folder takes up on the disk; links are not followed, what cannot be read or vanishes counts nothing."""
    total, pending = 0, [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    try:
                        total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                    except OSError:
                        continue
        except OSError:
            continue
    return total
