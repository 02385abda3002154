"""Training sets between the library's words and those of the browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from labkit.annotations import authors
from labkit.errors import InvalidInput
from labkit.project import ClassRecord, Project
from labkit_lab.wire_sets import (
    ClassItem,
    ComparedImage,
    ComparedSetting,
    ComparisonReport,
    Part,
    PartBoxItem,
    PartItem,
    PixelChange,
    PlannedItem,
    PlanReport,
    SetAsk,
    SetChoice,
    SetItem,
    SetProblemItem,
    SplitWish,
    TileWish,
)

if TYPE_CHECKING:  # labkit.datasets loads zarr, which the server does only when somebody asks for sets
    from labkit.datasets import (
        ImageChange,
        PartSummary,
        PlannedImage,
        SetComparison,
        SetPlan,
        SetSpec,
        SplitSpec,
        TileRef,
        TileRule,
        TrainingSet,
    )

__all__ = ["choices", "class_items", "comparison_report", "plan_report", "set_item", "spec_of"]

_Change = Literal["added", "removed", "annotated", "moved"]
_LETTERS: Mapping[str, str] = {"train": "t", "val": "v", "test": "e", "": "-"}


def spec_of(project: Project, asked: SetAsk) -> SetSpec:
    """Return the wish of a browser as the library knows it.

    Raises
    ------
    InvalidInput
        A part of it cannot be.
    """
    from labkit.datasets import SetSpec

    try:
        return SetSpec(
            name=asked.name,
            images=asked.images,
            author=asked.author,
            chip_px=asked.chip_px,
            split=_split_spec(asked.split),
            tiles=_tile_rule(project, asked),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = " ".join(str(part) for part in first["loc"]).replace("_px", "")
        raise InvalidInput(f"This set cannot be: {where}: {first['msg']}.".replace(": :", ":"), hint="Change what you wish.") from error


def _split_spec(wish: SplitWish) -> SplitSpec:
    from labkit.datasets import SplitSpec

    fractions = (wish.train, wish.val, wish.test)
    return SplitSpec(kind=wish.kind, fractions=fractions, gap_px=wish.gap_px, seed=wish.seed, block_px=wish.block_px, group=wish.group)


def _tile_rule(project: Project, asked: SetAsk) -> TileRule:
    from labkit.datasets import TileRule

    wish = asked.tiles
    tiles = tuple(_tiles_of(project, asked)) if wish.kind == "hand" else ()
    return TileRule(
        tile_px=wish.tile_px, kind=wish.kind, min_coverage=wish.min_coverage, classes=wish.classes, count=wish.count, tiles=tiles
    )


def _tiles_of(project: Project, asked: SetAsk) -> Iterable[TileRef]:
    """Yield the tiles that were chosen in the images of the wish; a choice in others is kept in the browser and has no say."""
    from labkit.datasets import TileRef

    wish = asked.tiles
    for image in project.images():
        text = wish.chosen.get(image.id, "")
        if "1" not in text or (asked.images and image.id not in asked.images):
            continue
        height, width = image.levels[0]
        rows, columns = ceil(height / wish.tile_px), ceil(width / wish.tile_px)
        if len(text) != rows * columns:
            raise InvalidInput(
                f"The choice in {image.name!r} names {len(text)} tiles; there are {rows} x {columns} of {wish.tile_px} px.",
                hint="Choose the tiles of this image again.",
                image_id=image.id,
            )
        yield from (TileRef(image=image.id, row=k // columns, column=k % columns) for k, letter in enumerate(text) if letter == "1")


def _ask_of(project: Project, spec: SetSpec) -> SetAsk | None:
    """Return a wish as a browser knows it; None for boxes by hand, which its form has not."""
    if spec.split.kind == "boxes":
        return None
    train, val, test = spec.split.fractions
    split = {"train": train, "val": val, "test": test, **spec.split.model_dump(include={"kind", "gap_px", "seed", "block_px", "group"})}
    tiles = {**spec.tiles.model_dump(include={"tile_px", "kind", "min_coverage", "classes", "count"}), "chosen": _chosen(project, spec)}
    return SetAsk(
        name=spec.name,
        images=spec.images,
        author=spec.author,
        chip_px=spec.chip_px,
        split=SplitWish.model_validate(split),
        tiles=TileWish.model_validate(tiles),
    )


def _chosen(project: Project, spec: SetSpec) -> dict[str, str]:
    tiles: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for tile in spec.tiles.tiles:
        tiles[tile.image].add((tile.row, tile.column))
    side = spec.tiles.tile_px
    sizes = {image.id: image.levels[0] for image in project.images()}
    return {
        image: "".join(
            "01"[(row, column) in own] for row in range(ceil(sizes[image][0] / side)) for column in range(ceil(sizes[image][1] / side))
        )
        for image, own in tiles.items()
        if image in sizes
    }


def plan_report(plan: SetPlan) -> PlanReport:
    """Return what a wish would give."""
    return PlanReport(
        images=tuple(_planned_item(image, plan) for image in plan.images),
        parts=_part_items(plan.parts),
        size_bytes=plan.size_bytes,
        problems=tuple(SetProblemItem(**problem.model_dump()) for problem in plan.problems),
    )


def _planned_item(image: PlannedImage, plan: SetPlan) -> PlannedItem:
    ids = sorted({class_id for tile in image.classes for class_id in tile if class_id})
    shared = ("id", "name", "author", "height_px", "width_px", "group", "rows", "columns")
    return PlannedItem(
        **image.model_dump(include=set(shared)),
        coverage="".join(f"{percent:02x}" for percent in image.coverage),
        parts="".join(_LETTERS[part] for part in image.part),
        chosen="".join("01"[chosen] for chosen in image.chosen),
        classes={class_id: "".join("01"[class_id in tile] for tile in image.classes) for class_id in ids},
        boxes=tuple(
            PartBoxItem(part=item.part, **dict(zip(("y0", "x0", "y1", "x1"), item.box, strict=True)))
            for item in plan.boxes
            if item.image == image.id
        ),
    )


def _part_items(parts: Mapping[Part, PartSummary]) -> tuple[PartItem, ...]:
    return tuple(PartItem(part=part, **summary.model_dump(include=set(PartItem.model_fields))) for part, summary in parts.items())


def class_items(classes: Iterable[ClassRecord]) -> tuple[ClassItem, ...]:
    """Return classes with their colours."""
    return tuple(ClassItem(id=item.id, name=item.name, colour=item.colour) for item in classes)


def choices(project: Project) -> tuple[SetChoice, ...]:
    """Return the images that a set can be made of."""
    groups = project.groups()
    return tuple(
        SetChoice(id=image.id, name=image.name, authors=tuple(authors(project, image.id)), groups=groups.get(image.id, {}))
        for image in project.images()
        if image.role == "image"
    )


def set_item(project: Project, data: TrainingSet) -> SetItem:
    """Return a set as the list shows it."""
    record = data.record
    names = sorted({image.author for image in record.images})
    return SetItem(
        key=data.key,
        **record.model_dump(include={"name", "version", "hash", "created", "chip_px", "dropped_chips"}),
        classes=class_items(record.classes),
        images=tuple(image.name for image in record.images),
        author=", ".join(names),
        parts=_part_items(record.parts),
        boxes=len(record.split),
        wish=None if record.spec is None else _ask_of(project, record.spec),
    )


def comparison_report(found: SetComparison) -> ComparisonReport:
    """Return how two sets differ."""
    changes: tuple[tuple[_Change, tuple[ImageChange, ...]], ...] = (
        ("added", found.added),
        ("removed", found.removed),
        ("annotated", found.annotated_anew),
        ("moved", found.moved),
    )
    return ComparisonReport(
        **found.model_dump(include={"one", "other", "same", "lines", "problems"}),
        images=tuple(
            ComparedImage(name=i.name, change=change, before=i.before, after=i.after) for change, images in changes for i in images
        ),
        settings=tuple(ComparedSetting(**setting.model_dump()) for setting in found.settings),
        pixels=tuple(PixelChange(part=p.part, class_name=p.name, before=p.before, after=p.after) for p in found.pixels),
    )
