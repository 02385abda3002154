"""What one model says of one image, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from labkit.errors import NotFound
from labkit.project import ClassRecord, ImageRecord, Project
from labkit.storage import PredictionLayout, Record, load_record
from labkit.tiling import Image, open_store

__all__ = ["PredictSettings", "Prediction", "PredictionRecord", "list_predictions", "open_prediction"]


class PredictSettings(Record):
    """What changes the answer, apart from weights and picture.

    Attributes
    ----------
    min_area_px : int
        Smaller objects are dropped.
    grow_px : float
        How far the inside of an object may grow into the border class.
    """

    min_area_px: Annotated[int, Field(ge=0)] = 16
    grow_px: Annotated[float, Field(ge=0, le=64)] = 3.0


class PredictionRecord(Record):
    """``prediction.json``, written last. The hash depends on weights, picture and settings alone."""

    format: Literal[1] = 1
    hash: str
    image: str
    image_name: str
    image_sha256: str
    model: str
    weights_sha256: str
    training_set: str
    settings: PredictSettings
    classes: tuple[ClassRecord, ...]
    objects: int
    pixel_size_um: tuple[float, float] | None
    seconds: float
    software: str
    created: datetime

    @property
    def key(self) -> str:
        """``<image-id>/<hash>``."""
        return f"{self.image}/{self.hash}"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A finished prediction."""

    layout: PredictionLayout
    record: PredictionRecord

    @property
    def key(self) -> str:
        """``<image-id>/<hash>``."""
        return self.record.key

    @property
    def labels(self) -> Image:
        """Object ids, uint32, 0 none."""
        return open_store(self.layout.labels)

    @property
    def classes(self) -> Image:
        """Class ids of the project, uint8, 0 background."""
        return open_store(self.layout.classes)

    @property
    def probability(self) -> Image:
        """Probability of anything but background, uint8 (255 is 1.0)."""
        return open_store(self.layout.probability)


def list_predictions(project: Project, image: ImageRecord | None = None) -> tuple[Prediction, ...]:
    """Return the predictions of one image, or of all, oldest first."""
    root = project.layout.predictions
    pattern = f"{image.id}/*" if image else "*/*"
    layouts = [PredictionLayout(p) for p in root.glob(pattern) if not p.name.startswith(".")] if root.is_dir() else []
    found = [Prediction(lay, load_record(lay.record, PredictionRecord)) for lay in layouts if lay.record.is_file()]
    return tuple(sorted(found, key=lambda p: (p.record.created, p.key)))


def open_prediction(project: Project, key: str | None = None) -> Prediction:
    """Open a prediction by ``<image-id>/<hash>``, by its hash, or the newest one of an image (by id or name) or of all.

    Raises
    ------
    NotFound
        There is none.
    """
    found = [p for p in list_predictions(project) if key in (None, p.key, p.record.hash, p.record.image, p.record.image_name)]
    if not found:
        known = ", ".join(p.key for p in list_predictions(project)) or "none"
        what = f"no prediction {key!r}" if key else "no prediction"
        raise NotFound(f"The project has {what}.", hint=f"Make one with 'labkit predict'. Its predictions: {known}.", key=key)
    return found[-1]
