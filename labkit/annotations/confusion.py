"""Scores of class masks, counted over known pixels only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.raster import IGNORE

__all__ = ["Confusion", "mean_score"]


class Confusion:
    """Counts of (true, predicted) pixels, added up tile by tile; each known pixel weighs 1.

    Parameters
    ----------
    size : int
        Number of classes, background included; values are 0..size-1.

    Notes
    -----
    A class that is neither in the truth nor in the prediction has no score (None) and is left out of means.
    """

    def __init__(self, size: int) -> None:
        self.counts = np.zeros((size, size), np.int64)

    def add(self, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Count the pixels of two masks of one shape; where `truth` is 255, nothing is counted."""
        size = len(self.counts)
        known = truth != IGNORE
        pairs = truth[known].astype(np.int64) * size + predicted[known].astype(np.int64)
        self.counts += np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size)

    @property
    def pixels(self) -> int:
        """Known pixels so far."""
        return int(self.counts.sum())

    def dice(self) -> tuple[float | None, ...]:
        """Return 2 |A and B| / (|A| + |B|) per class."""
        return self._scores(2)

    def iou(self) -> tuple[float | None, ...]:
        """Return |A and B| / |A or B| per class (Jaccard)."""
        return self._scores(1)

    def _scores(self, weight: int) -> tuple[float | None, ...]:
        both = np.diag(self.counts)
        sizes = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        below = sizes if weight == 2 else sizes - both
        return tuple(float(weight * b / s) if s else None for b, s in zip(both, below, strict=True))

    def foreground(self) -> Confusion:
        """Return the counts of anything (1) against background (0)."""
        merged = Confusion(2)
        c = self.counts
        merged.counts[:] = [[c[0, 0], c[0, 1:].sum()], [c[1:, 0].sum(), c[1:, 1:].sum()]]
        return merged


def mean_score(scores: tuple[float | None, ...]) -> float | None:
    """Return the mean of the scores that exist, background (the first) left out; None if there is none."""
    present = [s for s in scores[1:] if s is not None]
    return sum(present) / len(present) if present else None
