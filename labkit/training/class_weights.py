"""How much each class counts, and what a person should know of the classes of a set before training on it."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.datasets import TrainingSetRecord
from labkit.training.config import TrainConfig

__all__ = ["class_weights", "part_warnings"]

_BORDER_WEIGHT = 2.0  # walls are thin: with 1 they are learned late, with 4 at the cost of the outlines
_LARGEST_WEIGHT = 10.0  # a class of a few pixels must not drown all others
_FEW_CHIPS = 8


def class_weights(wish: str, record: TrainingSetRecord, border_index: int | None) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the weight of each output, each finite and above 0, and warnings.

    Notes
    -----
    "balanced": total / (classes x pixels of the class), as scikit-learn does it, at most ten; over the classes that occur, the
    weighted pixels add up to the pixels. A class that does not occur gets the largest weight, which nothing uses.
    """
    pixels = record.parts["train"].pixels
    counts = [pixels.get(k, 0) for k in (0, *(c.id for c in record.classes))]
    names = ["background", *(c.name for c in record.classes)]
    warnings = []
    if wish == "equal":
        weights = [1.0] * len(counts)
    else:
        present = [count for count in counts if count]
        exact = [sum(present) / (len(present) * count) if count else float("inf") for count in counts]
        weights = [min(weight, _LARGEST_WEIGHT) for weight in exact]
        capped = [f"{name} ({count:,} px)" for name, count, weight in zip(names, counts, exact, strict=True) if weight > _LARGEST_WEIGHT]
        if capped:
            warnings.append(f"Rare in the training chips, and weighted {_LARGEST_WEIGHT:g} times at most: {', '.join(capped)}.")
    return (*weights, *([] if border_index is None else [_BORDER_WEIGHT])), tuple(warnings)


def part_warnings(record: TrainingSetRecord, config: TrainConfig) -> Iterator[str]:
    """Yield what is likely to disappoint: few chips, nothing to validate with, a class that is missing."""
    train, val = record.parts["train"], record.parts["val"]
    if train.chips < _FEW_CHIPS:
        yield f"There are only {train.chips} training chips: the model will know little else. Annotate more."
    missing = [c.name for c in record.classes if not train.pixels.get(c.id)]
    if missing:
        yield f"In no training chip, so it cannot be learned: {', '.join(missing)}."
    if not train.pixels.get(0):
        yield "No training chip has background: everything will be found to be some class."
    if not val.chips:
        yield "There is no validation part: the last epoch is kept, whether it is the best or not."
        if config.patience is not None:
            yield "Without a validation part there is no score, and patience never ends a training."
        return
    unseen = [c.name for c in record.classes if train.pixels.get(c.id) and not val.pixels.get(c.id)]
    if unseen:
        yield f"In no validation chip, so its score is not known: {', '.join(unseen)}."
