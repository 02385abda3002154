"""Messages about training sets: the wish, what would come of it, and the sets that are there.

Grids of tiles may be large, and go as texts of one or two letters for each tile, row by row from the top left.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from labkit_lab.wire import WireModel

__all__ = [
    "SETS_REPLIES",
    "SETS_REQUESTS",
    "ChipItem",
    "ClassItem",
    "ComparedImage",
    "ComparedSetting",
    "ComparisonReport",
    "PartBoxItem",
    "PartItem",
    "PixelChange",
    "PlanReport",
    "PlannedItem",
    "PreviewAsk",
    "PreviewReport",
    "SetAsk",
    "SetChoice",
    "SetItem",
    "SetList",
    "SetProblemItem",
    "SetsQuery",
    "SplitWish",
    "TileWish",
]

Part = Literal["train", "val", "test"]  # not from labkit.datasets, which loads zarr
_Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class SplitWish(WireModel):
    """How to split; the shares of train, val and test add up to 1. ``group`` is the key by which images belong together."""

    kind: Literal["auto", "images", "groups", "blocks", "bands"] = "auto"
    train: _Share = 0.6
    val: _Share = 0.2
    test: _Share = 0.2
    gap_px: Annotated[int, Field(ge=0, le=100_000)] = 32
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    block_px: Annotated[int | None, Field(ge=1, le=100_000)] = None
    group: str = ""


class TileWish(WireModel):
    """Which tiles are taken. For ``hand``, ``chosen`` has for each image a text of 1 (taken) and 0; images that it lacks give none."""

    tile_px: Annotated[int, Field(ge=16, le=4096)] = 256
    kind: Literal["all", "annotated", "reviewed", "classes", "number", "hand"] = "all"
    min_coverage: _Share = 0
    classes: tuple[str, ...] = ()
    count: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    chosen: dict[str, str] = {}


class SetAsk(WireModel):
    """The wish for a training set; no image named means all that the author has annotated, no author means you."""

    name: str
    images: tuple[str, ...] = ()
    author: str | None = None
    chip_px: Annotated[int, Field(ge=1, le=100_000)] = 128
    split: SplitWish = SplitWish()
    tiles: TileWish = TileWish()


class PreviewAsk(WireModel):
    """Show chips that the wish would give, each beside what training makes of it."""

    wish: SetAsk
    chips: Annotated[int, Field(ge=1, le=8)] = 3
    variants: Annotated[int, Field(ge=1, le=8)] = 4
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0


class SetsQuery(WireModel):
    """Two sets to compare, by their keys."""

    one: str
    other: str


class SetProblemItem(WireModel):
    """What is wrong with a wish, and what to do; with an error it would be refused."""

    level: Literal["error", "warning"]
    code: str
    message: str
    hint: str


class PartBoxItem(WireModel):
    """A box of an image that belongs to a part, in pixels of the image."""

    part: Part
    y0: int
    x0: int
    y1: int
    x1: int


class PlannedItem(WireModel):
    """The grid of tiles over one image.

    ``coverage`` has two hexadecimal digits for each tile: percent of it that is annotated; ``parts`` a letter: t (train), v (val),
    e (test) or - (gap); ``chosen`` and each of ``classes`` (by id) 1 or 0.
    """

    id: str
    name: str
    author: str
    height_px: int
    width_px: int
    group: str
    rows: int
    columns: int
    coverage: str
    parts: str
    chosen: str
    classes: dict[int, str]
    boxes: tuple[PartBoxItem, ...]


class PartItem(WireModel):
    """What a part holds: chips, pixels of each class (by id; 0 is background), pixels to ignore, objects."""

    part: Part
    chips: int
    pixels: dict[int, int]
    ignored_pixels: int
    objects: int


class PlanReport(WireModel):
    """What a wish would give; nothing was written."""

    images: tuple[PlannedItem, ...]
    parts: tuple[PartItem, ...]
    size_bytes: int
    problems: tuple[SetProblemItem, ...]


class ClassItem(WireModel):
    """A class: its number in masks, its name, its colour."""

    id: int
    name: str
    colour: str


class SetItem(WireModel):
    """A training set; ``wish`` is what it was built from, null where it was built before that was kept."""

    key: str
    name: str
    version: int
    hash: str
    created: datetime
    chip_px: int
    classes: tuple[ClassItem, ...]
    images: tuple[str, ...]
    author: str
    parts: tuple[PartItem, ...]
    boxes: int
    dropped_chips: int
    wish: SetAsk | None


class SetChoice(WireModel):
    """An image that a set can be made of: who has annotated it, and what it belongs to by each key."""

    id: str
    name: str
    authors: tuple[str, ...]
    groups: dict[str, str]


class SetList(WireModel):
    """The sets of a project, the newest first, and what can be chosen for another; ``me`` is who asks."""

    title: str
    me: str
    classes: tuple[ClassItem, ...]
    images: tuple[SetChoice, ...]
    group_keys: tuple[str, ...]
    sets: tuple[SetItem, ...]


class PixelChange(WireModel):
    """Pixels of a class in a part, before and after."""

    part: Part
    class_name: str
    before: int
    after: int


class ComparedImage(WireModel):
    """An image that is not the same in both sets: how, and what it was and is."""

    name: str
    change: Literal["added", "removed", "annotated", "moved"]
    before: str
    after: str


class ComparedSetting(WireModel):
    """A setting that differs, as words."""

    name: str
    before: str
    after: str


class ComparisonReport(WireModel):
    """How the second set differs from the first; ``lines`` say it in words, ``problems`` what would keep it from being built again."""

    one: str
    other: str
    same: bool
    lines: tuple[str, ...]
    images: tuple[ComparedImage, ...]
    settings: tuple[ComparedSetting, ...]
    pixels: tuple[PixelChange, ...]
    problems: tuple[str, ...]


class ChipItem(WireModel):
    """Where a chip of the preview lies, in pixels of its image; ``image`` counts the images of the plan from 0."""

    image: int
    y: int
    x: int


class PreviewReport(WireModel):
    """A picture (PNG, in base64) with a row for each chip: as it is, then as training would see it."""

    png: str
    width_px: int
    height_px: int
    chips: tuple[ChipItem, ...]
    variants: int


SETS_REQUESTS: tuple[type[WireModel], ...] = (SetAsk, PreviewAsk, SetsQuery)
SETS_REPLIES: tuple[type[WireModel], ...] = (SetList, ComparisonReport)
