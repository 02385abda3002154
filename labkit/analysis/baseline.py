"""Otsu's threshold: what can be had without learning anything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["otsu_threshold"]


def otsu_threshold(values: NDArray[Any]) -> float:
    """Return the grey value that best parts `values` in two (Otsu, 1979); pixels above it are foreground."""
    from skimage.filters import threshold_otsu  # heavy: most who import the room never ask for it

    return float(threshold_otsu(np.asarray(values)))  # type: ignore[no-untyped-call]
