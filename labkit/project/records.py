"""What is saved of a project and of its images."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from labkit.errors import InvalidInput
from labkit.storage import Record

__all__ = ["CLASS_COLOURS", "ClassRecord", "ImageRecord", "ProjectRecord", "ProjectSummary", "classes_from_names"]

# Okabe and Ito's palette (2008), which colour-blind eyes tell apart.
CLASS_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


class ClassRecord(Record):
    """One class of objects; its id (1-254) is the value in a mask and is never reused."""

    id: Annotated[int, Field(ge=1, le=254)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] = CLASS_COLOURS[0]
    source_id: int | None = None


class ProjectRecord(Record):
    """``project.json``; ``images_url`` is the ``s3://`` address below which its images live, None for its own folder."""

    format: Literal[1] = 1
    id: str
    title: str
    classes: tuple[ClassRecord, ...] = ()
    next_class_id: int = 1
    images_url: Annotated[str, Field(pattern=r"^s3://[^/]+(/.*)?$")] | None = None
    created: datetime

    @field_validator("classes")
    @classmethod
    def _unique(cls, classes: tuple[ClassRecord, ...]) -> tuple[ClassRecord, ...]:
        if len({c.id for c in classes}) < len(classes) or len({c.name for c in classes}) < len(classes):
            raise ValueError("class ids and names must be unique")
        return classes


class ImageRecord(Record):
    """``image.json``: an imported picture; the file is written once, after the last pixel.

    ``shape`` is that of level 0 in the order of ``axes``; ``levels`` lists (height, width) from level 0 up.
    ``sha256`` is that of the source file, ``pixel_size_um`` the size of a pixel (y, x) in micrometres, None when the
    file did not say. ``source`` holds facts of the file (format, bits, orientation, ...). ``alpha`` says that a store of its own
    holds the alpha of each pixel; ``nodata`` is the value that stands for "nothing was measured". ``url`` is the address of the
    folder that holds the stores, None when they lie beside this file.
    """

    format: Literal[1] = 1
    id: str
    name: str
    sha256: str
    axes: tuple[Literal["t", "c", "z", "y", "x"], ...]
    shape: tuple[int, ...]
    dtype: str
    levels: tuple[tuple[int, int], ...]
    pixel_size_um: tuple[float, float] | None = None
    role: Literal["image", "labels"] = "image"
    channel_names: tuple[str, ...] = ()
    z_step_um: float | None = None
    t_step_s: float | None = None
    alpha: bool = False
    nodata: float | None = None
    url: str | None = None
    source: dict[str, str | int | float | bool | None] = {}
    software: str
    imported: datetime

    @property
    def height_px(self) -> int:
        """Rows at full resolution."""
        return self.levels[0][0]

    @property
    def width_px(self) -> int:
        """Columns at full resolution."""
        return self.levels[0][1]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[self.axes.index("c")] if "c" in self.axes else 1

    @property
    def stack(self) -> tuple[tuple[str, int], ...]:
        """The axes "t" and "z" that it has, with their lengths; empty for a flat picture."""
        return tuple((axis, length) for axis, length in zip(self.axes, self.shape, strict=True) if axis in ("t", "z"))


class ProjectSummary(Record):
    """What a list of projects shows."""

    id: str
    title: str
    path: str
    images: int
    annotated_images: int
    training_sets: int
    runs: int
    models: int
    predictions: int
    classes: tuple[str, ...]
    cover_image: str | None
    created: datetime
    modified: datetime


def classes_from_names(names: tuple[str, ...] | list[str], first_id: int = 1) -> tuple[ClassRecord, ...]:
    """Return classes with ids from `first_id` up and colours of the palette, in the order of `names`."""
    if first_id + len(names) - 1 > 254:
        raise InvalidInput("A project can have at most 254 classes.", hint="Merge classes that need not be told apart.")
    return tuple(
        ClassRecord(id=first_id + k, name=name, colour=CLASS_COLOURS[(first_id + k - 1) % len(CLASS_COLOURS)])
        for k, name in enumerate(names)
    )
