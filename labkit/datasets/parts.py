"""The parts of a split, and how somebody wants to be split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from labkit.geometry import Box
from labkit.storage import Record

__all__ = ["AUTHOR_GROUP", "PARTS", "Part", "PartBox", "SplitKind", "SplitSpec"]

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
SplitKind = Literal["auto", "images", "groups", "blocks", "bands", "boxes"]
AUTHOR_GROUP = "author"  # the key of a group that nobody needs to set: who annotated the image


class PartBox(Record):
    """A box (y0, x0, y1, x1) of one image, and the part of the split that it belongs to."""

    image: str
    part: Part
    box: tuple[int, int, int, int]

    @property
    def as_box(self) -> Box:
        """The box as a `Box`."""
        return Box(*self.box)


class SplitSpec(Record):
    """How to split.

    Attributes
    ----------
    kind : {"auto", "images", "groups", "blocks", "bands", "boxes"}
        ``images``: whole images; ``groups``: all images of a slide, an animal, an author stay together; ``blocks``: each image is
        cut into a grid of blocks with gaps, and its blocks are dealt out so that each part has some of every region; ``bands``:
        each image is cut across its longer side, with gaps; ``boxes``: as given. ``auto``: by groups if `group` is given, by images
        if at least three different ones are there, else by blocks, or by bands where it is too small for blocks.
    fractions : (train, val, test)
        Shares of the images, blocks, or of the longer side; they add up to 1.
    gap_px : int
        Pixels left out between two bands or blocks, so that neighbouring texture does not leak.
    seed : int
        Which images or blocks go where.
    boxes : tuple of PartBox
        For ``boxes`` only.
    block_px : int or None
        Smallest side of a block in pixels; None follows from the sizes of image and chips.
    group : str
        Key of an image's group ("slide", "animal", ...) for ``groups``; "author" is who annotated it.
    """

    kind: SplitKind = "auto"
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    gap_px: Annotated[int, Field(ge=0)] = 32
    seed: int = 0
    boxes: tuple[PartBox, ...] = ()
    block_px: Annotated[int, Field(ge=16)] | None = None
    group: str = ""

    @model_validator(mode="after")
    def _sensible(self) -> SplitSpec:
        if not (abs(sum(self.fractions) - 1) <= 1e-6 and min(self.fractions) >= 0 and self.fractions[0] > 0):  # NaN fails too
            raise ValueError("the fractions of train, val and test must add up to 1, with something to train on")
        if (self.kind == "boxes") != bool(self.boxes):
            raise ValueError("boxes go with kind 'boxes', and only with it")
        if self.kind == "groups" and not self.group:
            raise ValueError("a split by groups needs the key of the group, such as 'slide'")
        if self.group and self.kind not in ("auto", "groups"):
            raise ValueError("a group goes with kind 'groups', and only with it")
        return self

    @property
    def wanted(self) -> tuple[tuple[Part, float], ...]:
        """The parts that get something, with their shares."""
        return tuple((part, share) for part, share in zip(PARTS, self.fractions, strict=True) if share > 0)
