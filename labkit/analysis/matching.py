"""Which predicted objects are which true ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from labkit.storage import Record

__all__ = ["MatchScores", "ObjectMatcher"]


class MatchScores(Record):
    """Objects matched at an IoU of at least `threshold`, each at most once.

    ``average_precision`` is true positives / (true positives + false positives + false negatives), as in the 2018 Data
    Science Bowl and StarDist; None when there is no object at all.
    """

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None


class ObjectMatcher:
    """Counts common pixels of true and predicted objects, tile by tile, and matches objects at the end."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[int, int], int] = {}
        self._true: dict[int, int] = {}
        self._predicted: dict[int, int] = {}

    def add(self, truth: NDArray[Any], predicted: NDArray[Any]) -> None:
        """Count the pixels of two maps of object ids of one shape; 0 is no object."""
        pairs, counts = np.unique(np.stack([truth.ravel(), predicted.ravel()]), axis=1, return_counts=True)
        for (t, p), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            if t:
                self._true[t] = self._true.get(t, 0) + count
            if p:
                self._predicted[p] = self._predicted.get(p, 0) + count
            if t and p:
                self._pairs[t, p] = self._pairs.get((t, p), 0) + count

    @property
    def true_objects(self) -> int:
        """True objects seen so far."""
        return len(self._true)

    @property
    def predicted_objects(self) -> int:
        """Predicted objects seen so far."""
        return len(self._predicted)

    def scores(self, threshold: float = 0.5) -> MatchScores:
        """Match so that the number of pairs with an IoU of at least `threshold` is largest."""
        matched = self._matched(threshold)
        false_positives, false_negatives = len(self._predicted) - matched, len(self._true) - matched

        def share(part: float, whole: float) -> float | None:
            return part / whole if whole else None

        return MatchScores(
            threshold=threshold,
            true_positives=matched,
            false_positives=false_positives,
            false_negatives=false_negatives,
            precision=share(matched, matched + false_positives),
            recall=share(matched, matched + false_negatives),
            f1=share(2 * matched, 2 * matched + false_positives + false_negatives),
            average_precision=share(matched, matched + false_positives + false_negatives),
        )

    def _matched(self, threshold: float) -> int:
        good = [(t, p) for (t, p), both in self._pairs.items() if both / (self._true[t] + self._predicted[p] - both) >= threshold]
        if threshold > 0.5 or not good:
            return len(good)  # above one half, an object can have only one partner
        trues, predictions = ({k: i for i, k in enumerate(sorted({pair[side] for pair in good}))} for side in (0, 1))
        weights = coo_array((np.ones(len(good)), ([trues[t] for t, _ in good], [predictions[p] for _, p in good])))
        dense = weights.toarray()
        rows, columns = linear_sum_assignment(dense, maximize=True)
        return int(dense[rows, columns].sum())
