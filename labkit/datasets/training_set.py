"""An immutable training set, opened to be learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from labkit.datasets.parts import Part
from labkit.datasets.records import TrainingSetRecord
from labkit.errors import CorruptStore, InvalidInput
from labkit.geometry import Box
from labkit.project import Project
from labkit.storage import TrainingSetLayout, load_record

__all__ = ["Chips", "TrainingSet", "list_training_sets"]


@dataclass(frozen=True, slots=True)
class Chips:
    """The chips of one part, in memory.

    Attributes
    ----------
    pixels : ndarray (n, c, y, x)
        In the dtype of the images.
    masks : ndarray (n, y, x) uint8
        Class ids; 0 background, 255 ignore.
    objects : ndarray (n, y, x) uint32
        Object numbers, unique within a chip; 0 none.
    positions : ndarray (n, 3) int64
        Index of the image in the manifest, y and x of the chip's corner.
    """

    pixels: NDArray[Any]
    masks: NDArray[np.uint8]
    objects: NDArray[np.uint32]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A training set on disk: its manifest, and its chips on demand."""

    layout: TrainingSetLayout
    record: TrainingSetRecord

    @property
    def key(self) -> str:
        """``name@hash``."""
        return self.record.key

    def chips(self, part: Part) -> Chips:
        """Read the chips of one part.

        Raises
        ------
        CorruptStore
            The store does not hold what the manifest says.
        """
        summary = self.record.parts.get(part)
        if summary is None:
            raise InvalidInput(f"A training set has no part {part!r}.", hint="Its parts are train, val and test.")
        try:
            keys = ("chips", "masks", "objects", "positions")
            arrays: dict[str, NDArray[Any]] = {
                key: np.asarray(zarr.open_array(self.layout.store / part / key, mode="r")[...]) for key in keys
            }
        except (KeyError, OSError, ValueError) as error:
            raise CorruptStore(f"The {part} chips of {self.key} cannot be read.", hint="Build the training set again.") from error
        if any(len(values) != summary.chips for values in arrays.values()):
            raise CorruptStore(
                f"{self.key} holds other than the {summary.chips} {part} chips of its manifest.", hint="Build the set again."
            )
        return Chips(arrays["chips"], arrays["masks"], arrays["objects"], arrays["positions"])

    def boxes(self, part: Part, image_id: str) -> tuple[Box, ...]:
        """Return the boxes of `part` in one image: none if the image, or the part, is not in the set."""
        return tuple(item.as_box for item in self.record.split if item.part == part and item.image == image_id)


def list_training_sets(project: Project) -> tuple[TrainingSet, ...]:
    """Return the project's training sets, oldest first."""
    root = project.layout.training_sets
    if not root.is_dir():
        return ()
    layouts = [TrainingSetLayout(p) for p in root.iterdir() if not p.name.startswith(".")]
    sets = [TrainingSet(lay, load_record(lay.manifest, TrainingSetRecord)) for lay in layouts if lay.manifest.is_file()]
    return tuple(sorted(sets, key=lambda s: (s.record.created, s.key)))
