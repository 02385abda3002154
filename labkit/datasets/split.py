"""Which pixels a model may learn from, which choose its checkpoint, and which only measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit.datasets.blocks import split_bands, split_blocks
from labkit.datasets.dealing import deal_by_rank
from labkit.datasets.parts import PARTS, Part, PartBox, SplitKind, SplitSpec
from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.project import ImageRecord

__all__ = ["PARTS", "Part", "PartBox", "SplitSpec", "resolve_split", "split_bands", "split_kind"]

_CHIP_PX = 128


def resolve_split(
    images: Sequence[ImageRecord],
    spec: SplitSpec,
    *,
    pictures: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
    chip_px: int = _CHIP_PX,
) -> tuple[PartBox, ...]:
    """Return the boxes of each part for `images`; no pixel, and no picture that is there twice, is in two parts.

    Parameters
    ----------
    images : sequence of ImageRecord
        What to split. Their order, names and ids decide nothing.
    spec : SplitSpec
        How.
    pictures : mapping, optional
        What names the pixels of an image, by its id: images of one name are the same picture. Default: the hash of their files.
    groups : mapping, optional
        The group of an image, by its id, for a split by groups; an image that is not in it is a group of its own.
    chip_px : int
        Side of the chips that will be cut; blocks are whole chips where there is room.

    Raises
    ------
    InvalidInput
        A box lies outside its image, boxes of two parts overlap, or there are too few images.
    """
    named = {image.id: (pictures or {}).get(image.id, image.sha256) for image in images}
    kind = split_kind(spec, set(named.values()))
    match kind:
        case "boxes":
            return _checked(spec.boxes, {image.id: image for image in images}, named)
        case "images":
            return _whole(images, named, spec, "image")
        case "groups":
            return _whole(images, _clusters(images, named, groups or {}), spec, "group")
        case "blocks":
            return tuple(box for image in images for box in _parts_of(image, spec, named[image.id], chip_px))
        case _:
            return tuple(box for image in images for box in split_bands(image, spec.fractions, spec.gap_px))


def split_kind(spec: SplitSpec, pictures: set[str]) -> SplitKind:
    """Return what "auto" comes to for so many different pictures; any other kind is itself."""
    if spec.kind != "auto":
        return spec.kind
    if spec.group:
        return "groups"
    return "images" if len(pictures) >= 3 else "blocks"


def _parts_of(image: ImageRecord, spec: SplitSpec, content: str, chip_px: int) -> tuple[PartBox, ...]:
    try:
        return split_blocks(image, spec, content=content, chip_px=chip_px)
    except InvalidInput:
        if spec.kind != "auto":
            raise
        return split_bands(image, spec.fractions, spec.gap_px)


def _whole(images: Sequence[ImageRecord], names: Mapping[str, str], spec: SplitSpec, what: str) -> tuple[PartBox, ...]:
    weights: dict[str, int] = {}
    for image in images:
        weights[names[image.id]] = weights.get(names[image.id], 0) + 1
    if what == "image":
        weights = dict.fromkeys(weights, 1)  # a picture that is there twice counts once
    if len(weights) < len(spec.wanted):
        raise InvalidInput(
            f"{len(weights)} different {what}(s) cannot be split by {what}s into {len(spec.wanted)} parts.",
            hint="Add images, or split each image by blocks.",
        )
    dealt = deal_by_rank(weights, spec.wanted, spec.seed)
    order = {part: number for number, part in enumerate(PARTS)}
    boxes = [PartBox(image=i.id, part=dealt[names[i.id]], box=Box.of_shape(*i.levels[0]).as_tuple()) for i in images]
    return tuple(sorted(boxes, key=lambda item: order[item.part]))


def _clusters(images: Sequence[ImageRecord], pictures: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """Return a name for each image so that a group, and a picture that is there twice, have one name; joined groups have one too."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.get(name, name) != name:
            name = above[name]
        return name

    for image in images:
        one, other = sorted((top(f"picture {pictures[image.id]}"), top(f"group {groups[image.id]}" if image.id in groups else "")))
        if one:
            above[other] = one  # "group ..." comes before "picture ...", so that a group keeps its name when an image joins it
    return {image.id: top(f"picture {pictures[image.id]}") for image in images}


def _checked(boxes: Sequence[PartBox], images: Mapping[str, ImageRecord], pictures: Mapping[str, str]) -> tuple[PartBox, ...]:
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
            same_picture = pictures[one.image] == pictures[other.image]
            if same_picture and one.part != other.part and one.as_box.intersect(other.as_box).area_px:
                raise InvalidInput(f"Boxes of {one.part} and {other.part} share pixels.", hint="Leave a gap between the parts.")
    return tuple(boxes)
