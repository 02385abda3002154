"""Arrays that may be larger than memory: in memory where they fit a budget, else in a file that has no name any more."""

from __future__ import annotations

import itertools
import math
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_within", "is_mapped", "let_go"]

_NUMBERS = itertools.count()


def array_within(shape: Sequence[int], dtype: np.dtype[Any], memory_bytes: int, scratch: Path) -> NDArray[Any]:
    """Return an array to be filled.

    Parameters
    ----------
    shape, dtype
        Of the array.
    memory_bytes : int
        Up to this size it lies in memory.
    scratch : Path
        Name for the file of a larger one. The file is claimed whole, since a full disk would otherwise kill the process at the
        first touch, and its name is removed at once: it vanishes with the array, or with the process.

    Raises
    ------
    OSError
        The disk has no room.
    """
    size = math.prod(shape) * dtype.itemsize
    if size <= memory_bytes:
        return np.empty(shape, dtype=dtype)
    name = scratch.with_name(f"{scratch.name}.{next(_NUMBERS)}")
    try:
        with open(name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(name, dtype=dtype, mode="r+", shape=tuple(shape))
    finally:
        name.unlink(missing_ok=True)


def is_mapped(array: NDArray[Any]) -> bool:
    """Return whether the values of an array lie in a file."""
    return _mapping(array) is not None


def let_go(array: NDArray[Any]) -> None:
    """Give back the memory that the pages of a mapped file take; what is written stays in the file. Other arrays stay as they are."""
    mapping = _mapping(array)
    if mapping is not None:
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(array: NDArray[Any]) -> mmap.mmap | None:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
