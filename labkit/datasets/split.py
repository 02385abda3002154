"""Which pixels a model may learn from, which choose its checkpoint, and which only measure it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.project import ImageRecord
from labkit.storage import Record

__all__ = ["PARTS", "Part", "PartBox", "SplitSpec", "resolve_split", "split_bands"]

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


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
    kind : {"auto", "images", "bands", "boxes"}
        ``images``: whole images; ``bands``: each image is cut across its longer side, with gaps; ``boxes``: as given;
        ``auto``: by images if at least three different ones are there, else by bands.
    fractions : (train, val, test)
        Shares of the images or of the longer side; they add up to 1.
    gap_px : int
        Pixels left out between two bands, so that neighbouring texture does not leak.
    seed : int
        Which images go where.
    boxes : tuple of PartBox
        For ``boxes`` only.
    """

    kind: Literal["auto", "images", "bands", "boxes"] = "auto"
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    gap_px: Annotated[int, Field(ge=0)] = 32
    seed: int = 0
    boxes: tuple[PartBox, ...] = ()

    @model_validator(mode="after")
    def _sensible(self) -> SplitSpec:
        if not (abs(sum(self.fractions) - 1) <= 1e-6 and min(self.fractions) >= 0 and self.fractions[0] > 0):  # NaN fails too
            raise ValueError("the fractions of train, val and test must add up to 1, with something to train on")
        if (self.kind == "boxes") != bool(self.boxes):
            raise ValueError("boxes go with kind 'boxes', and only with it")
        return self


def split_bands(image: ImageRecord, fractions: Sequence[float], gap_px: int) -> tuple[PartBox, ...]:
    """Cut one image into a train, a val and a test band across its longer side.

    Raises
    ------
    InvalidInput
        The image is too small for the gaps.
    """
    height, width = image.levels[0]
    across_columns = width >= height
    extent = width if across_columns else height
    shares = [(part, share) for part, share in zip(PARTS, fractions, strict=True) if share > 0]
    usable = extent - gap_px * (len(shares) - 1)
    if usable < 2 * len(shares):
        raise InvalidInput(
            f"The image {image.name!r} is too small to be split into bands with gaps of {gap_px} px.",
            hint="Use a smaller --gap, or add more images and split by images.",
        )
    boxes, start, total = [], 0, 0.0
    for k, (part, share) in enumerate(shares):
        total += share
        stop = extent if k == len(shares) - 1 else round(usable * total) + gap_px * k
        box = (0, start, height, stop) if across_columns else (start, 0, stop, width)
        boxes.append(PartBox(image=image.id, part=part, box=box))
        start = stop + gap_px
    return tuple(boxes)


def resolve_split(images: Sequence[ImageRecord], spec: SplitSpec) -> tuple[PartBox, ...]:
    """Return the boxes of each part for `images`; no pixel, and no picture that is there twice, is in two parts.

    Raises
    ------
    InvalidInput
        A box lies outside its image, boxes of two parts overlap, or there are too few images.
    """
    groups: dict[str, list[ImageRecord]] = {}
    for image in images:
        groups.setdefault(image.sha256, []).append(image)
    if spec.kind == "boxes":
        return _checked(spec.boxes, {image.id: image for image in images})
    if spec.kind == "images" or (spec.kind == "auto" and len(groups) >= 3):
        return _by_images(groups, spec)
    return tuple(box for image in images for box in split_bands(image, spec.fractions, spec.gap_px))


def _by_images(groups: Mapping[str, Sequence[ImageRecord]], spec: SplitSpec) -> tuple[PartBox, ...]:
    wanted = [part for part, share in zip(PARTS, spec.fractions, strict=True) if share > 0]
    if len(groups) < len(wanted):
        raise InvalidInput(
            f"{len(groups)} different image(s) cannot be split by images into {len(wanted)} parts.",
            hint="Add images, or split by bands (--split bands).",
        )
    # The order depends on seed and content only: a new annotation does not move an image.
    order = sorted(groups)
    random.Random(spec.seed).shuffle(order)
    counts = [max(1, round(share * len(order))) if share > 0 else 0 for share in spec.fractions]
    counts[0] = len(order) - counts[1] - counts[2]
    while counts[0] < 1:
        counts[1 if counts[1] >= counts[2] else 2] -= 1
        counts[0] += 1
    parts = [part for part, count in zip(PARTS, counts, strict=True) for _ in range(count)]
    return tuple(
        PartBox(image=image.id, part=part, box=Box.of_shape(*image.levels[0]).as_tuple())
        for key, part in zip(order, parts, strict=True)
        for image in groups[key]
    )


def _checked(boxes: Sequence[PartBox], images: Mapping[str, ImageRecord]) -> tuple[PartBox, ...]:
    for item in boxes:
        image = images.get(item.image)
        if image is None:
            raise InvalidInput(f"The split names the image {item.image!r}, which is not in the set.", hint="Name images of the set.")
        if not Box.of_shape(*image.levels[0]).contains(item.as_box) or item.as_box.area_px == 0:
            raise InvalidInput(
                f"The box {item.box} is empty or outside {image.name!r}.", hint="Give boxes as y0, x0, y1, x1 within the image."
            )
    for k, one in enumerate(boxes):
        for other in boxes[k + 1 :]:
            same_picture = images[one.image].sha256 == images[other.image].sha256
            if same_picture and one.part != other.part and one.as_box.intersect(other.as_box).area_px:
                raise InvalidInput(f"Boxes of {one.part} and {other.part} share pixels.", hint="Leave a gap between the parts.")
    return tuple(boxes)
