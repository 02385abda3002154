"""A wish, looked at with the project's data: which images, boxes and tiles; or why there can be no such set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labkit.annotations import resolve_author
from labkit.compute import Compute
from labkit.datasets.findings import Findings
from labkit.datasets.identical import identical_pictures
from labkit.datasets.parts import Part, PartBox
from labkit.datasets.records import SetSpec
from labkit.datasets.sources import ANYBODY, Source, find_sources
from labkit.datasets.split import resolve_split
from labkit.datasets.tiles import TileGrid, count_tiles, parts_of_tiles, pick_number
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink, Progress
from labkit.geometry import Box
from labkit.project import ClassRecord, Project
from labkit.storage import check_name

__all__ = ["MAX_CHIP_PX", "MIN_CHIP_PX", "Draft", "chip_boxes", "draft_set"]

MIN_CHIP_PX, MAX_CHIP_PX = 16, 1024  # a shard of 64 chips is held in memory


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything but pixels.

    Attributes
    ----------
    spec : SetSpec
        The wish, with the author and the images by their own names.
    classes : tuple of ClassRecord
        Those of the project, as they are now.
    sources : tuple of Source
        The images, in the order of their import.
    pictures : mapping
        What names the pixels of each image, by its id.
    boxes : tuple of PartBox
        The split; empty where there can be none.
    grids : mapping of TileGrid
        By the image's id; empty where nobody needs them.
    chosen : mapping of ndarray of bool (rows, columns)
        The tiles that are taken, by the image's id; an image that is not in it is taken as it is.
    findings : Findings
        What is wrong.
    """

    spec: SetSpec
    classes: tuple[ClassRecord, ...]
    sources: tuple[Source, ...]
    pictures: Mapping[str, str]
    boxes: tuple[PartBox, ...]
    grids: Mapping[str, TileGrid]
    chosen: Mapping[str, NDArray[np.bool_]]
    findings: Findings

    def chips(self, part: Part) -> Iterator[tuple[int, PartBox, list[Box]]]:
        """Yield the rows of chips of a part in the order of the set: number of the source, box of the split, chips side by side."""
        numbers = {source.record.id: number for number, source in enumerate(self.sources)}
        for item in self.boxes:
            if item.part == part:
                row: list[Box] = []
                for chip in chip_boxes(item.as_box, self.spec.chip_px, overlap=part == "train"):
                    if row and chip.y0 != row[0].y0:
                        yield numbers[item.image], item, row
                        row = []
                    row.append(chip)
                yield numbers[item.image], item, row


def chip_boxes(box: Box, chip_px: int, *, overlap: bool) -> Iterator[Box]:
    """Yield square boxes of `chip_px` that cover `box`.

    With `overlap` (for training) they step by half a chip and the last one ends at the box's edge; without (to measure)
    they lie side by side, so that each pixel counts once, and the last one may reach beyond the box.
    """
    step = max(1, chip_px // 2) if overlap else chip_px

    def starts(begin: int, end: int) -> list[int]:
        if not overlap or end - begin <= chip_px:
            return list(range(begin, end, chip_px))
        return sorted({*range(begin, end - chip_px, step), end - chip_px})

    for y in starts(box.y0, box.y1):
        for x in starts(box.x0, box.x1):
            yield Box(y, x, y + chip_px, x + chip_px)


def draft_set(
    project: Project, spec: SetSpec, compute: Compute, on_event: EventSink, cancel: CancelToken, *, with_grids: bool = False
) -> Draft:
    """Look at a wish with the project's data; nothing is raised for what is wrong with it, it stands in the findings.

    Parameters
    ----------
    with_grids : bool
        Count the tiles even where the rule does not need them.
    """
    project = Project.open(project.path)  # with the classes of now
    findings = Findings()
    _check_words(project, spec, findings)
    sources = find_sources(project, spec, findings)
    spec = _named(spec, sources)
    pictures: Mapping[str, str] = {}
    boxes: tuple[PartBox, ...] = ()
    if sources and not findings.refused:
        with findings.noting("unreadable"):
            pictures = identical_pictures(project, [source.record for source in sources])
        with findings.noting("split"):
            boxes = resolve_split(
                [source.record for source in sources],
                spec.split,
                pictures=pictures,
                groups={source.record.id: source.group for source in sources if source.group},
                chip_px=spec.chip_px,
            )
    grids: Mapping[str, TileGrid] = {}
    if with_grids or (boxes and spec.tiles.kind not in ("all", "hand")):
        grids = _grids(sources, spec.tiles.tile_px, compute, on_event, cancel)
    chosen: Mapping[str, NDArray[np.bool_]] = {}
    if sources and not findings.refused:
        with findings.noting("tiles"):
            chosen = _choose(project, spec, sources, pictures, boxes, grids)
            if chosen and not any(tiles.any() for tiles in chosen.values()):
                raise InvalidInput(_WHY_NONE[spec.tiles.kind], hint="Choose other tiles, or take all that are annotated (rule 'all').")
    return Draft(spec, project.classes, tuple(sources), pictures, boxes, grids, chosen, findings)


def _check_words(project: Project, spec: SetSpec, findings: Findings) -> None:
    with findings.noting("name"):
        check_name(spec.name, what="name of the training set")
        if "@" in spec.name:
            raise InvalidInput("The name of a training set cannot hold '@'.", hint="Use a name like 'nuclei'.")
    if not MIN_CHIP_PX <= spec.chip_px <= MAX_CHIP_PX:
        what = "small" if spec.chip_px < MIN_CHIP_PX else "large"
        hint = f"Use {MIN_CHIP_PX} to {MAX_CHIP_PX}, 128 as a rule."
        findings.refuse("chip-size", InvalidInput(f"Chips of {spec.chip_px} px are too {what}.", hint=hint))
    for name in spec.tiles.classes if spec.tiles.kind == "classes" else ():
        with findings.noting("unknown-class"):
            project.class_named(name)


def _named(spec: SetSpec, sources: list[Source]) -> SetSpec:
    """Return the wish so that it means the same later, and for somebody else: ids instead of names, the author by name."""
    author = ANYBODY if spec.author == ANYBODY else resolve_author(spec.author)
    return spec.model_copy(update={"author": author, "images": tuple(s.record.id for s in sources) if spec.images else ()})


def _grids(sources: list[Source], tile_px: int, compute: Compute, on_event: EventSink, cancel: CancelToken) -> dict[str, TileGrid]:
    found = {}
    for number, source in enumerate(sources):
        on_event(Progress(number, len(sources), "images", "tiles"))
        found[source.record.id] = count_tiles(source.document, source.record.levels[0], tile_px, compute, cancel)
    on_event(Progress(len(sources), len(sources), "images", "tiles"))
    return found


def _choose(
    project: Project,
    spec: SetSpec,
    sources: list[Source],
    pictures: Mapping[str, str],
    boxes: tuple[PartBox, ...],
    grids: Mapping[str, TileGrid],
) -> dict[str, NDArray[np.bool_]]:
    """Return the tiles that the rule takes; nothing where it takes all.

    Raises
    ------
    InvalidInput, NotFound
        The rule names what is not there.
    """
    rule = spec.tiles
    match rule.kind:
        case "all":
            return {}
        case "annotated":
            chosen = {key: (g.known_px > 0) & (g.known_px >= rule.min_coverage * g.area_px) for key, g in grids.items()}
        case "reviewed":
            accepted = {source.record.id for source in sources if source.state == "accepted"}
            chosen = {key: (g.known_px > 0) if key in accepted else np.zeros(g.shape, np.bool_) for key, g in grids.items()}
        case "classes":
            ids = [project.class_named(name).id for name in rule.classes]
            chosen = {key: np.asarray(g.present[..., ids].any(axis=-1)) for key, g in grids.items()}
        case "number":
            if rule.count is None:
                raise InvalidInput("The rule 'number' does not say how many tiles.", hint="Give a count.")
            parts = {key: parts_of_tiles(g.shape, rule.tile_px, [b for b in boxes if b.image == key]) for key, g in grids.items()}
            chosen = pick_number(grids, pictures, parts, rule.count, spec.split.seed)
        case "hand":
            chosen = _by_hand(spec, sources)
    return chosen


_WHY_NONE = {
    "annotated": "No tile is annotated as far as that.",
    "reviewed": "No annotations were accepted in review.",
    "classes": "No tile has any of these classes.",
    "number": "No tile has a known pixel.",
    "hand": "No tile was chosen.",
}


def _by_hand(spec: SetSpec, sources: list[Source]) -> dict[str, NDArray[np.bool_]]:
    side = spec.tiles.tile_px
    chosen = {s.record.id: np.zeros((-(-s.record.height_px // side), -(-s.record.width_px // side)), np.bool_) for s in sources}
    for tile in spec.tiles.tiles:
        grid = chosen.get(tile.image)
        if grid is None:
            raise NotFound(f"The tiles name the image {tile.image!r}, which is not in the set.", hint="Name images of the set.")
        if tile.row >= grid.shape[0] or tile.column >= grid.shape[1]:
            raise InvalidInput(
                f"There is no tile at row {tile.row}, column {tile.column}.",
                hint=f"The image has {grid.shape[0]} rows and {grid.shape[1]} columns of {side} px.",
            )
        grid[tile.row, tile.column] = True
    return chosen
