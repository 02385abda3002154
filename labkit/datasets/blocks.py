"""One picture for all parts: bands, or a grid of blocks, with gaps that no part has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from labkit.datasets.dealing import deal_spread
from labkit.datasets.parts import PARTS, Part, PartBox, SplitSpec
from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.project import ImageRecord

__all__ = ["gap_between", "split_bands", "split_blocks"]

_ENOUGH_BLOCKS = 36  # so that each part has blocks in every region of a picture
_MOST_BLOCKS = 10_000
_SMALLEST_PX = 16


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
            hint="Use a smaller gap, or add more images and split by images.",
        )
    boxes, start, total = [], 0, 0.0
    for k, (part, share) in enumerate(shares):
        total += share
        stop = extent if k == len(shares) - 1 else round(usable * total) + gap_px * k
        box = (0, start, height, stop) if across_columns else (start, 0, stop, width)
        boxes.append(PartBox(image=image.id, part=part, box=box))
        start = stop + gap_px
    return tuple(boxes)


def split_blocks(image: ImageRecord, spec: SplitSpec, *, content: str, chip_px: int) -> tuple[PartBox, ...]:
    """Cut one image into a grid of blocks and deal them out; blocks of one part that lie side by side become one box.

    Parameters
    ----------
    image : ImageRecord
        What to split.
    spec : SplitSpec
        Shares, gap, seed and the smallest side of a block; by default exactly whole chips, as many as leave enough blocks for each part
        to have some in every region, and what is left over widens the gaps.
    content : str
        What names the picture's pixels: with the seed it decides which block goes where.
    chip_px : int
        Side of the chips that will be cut.

    Returns
    -------
    tuple of PartBox
        Boxes of two parts are at least `gap_px` apart, along y or along x.

    Raises
    ------
    InvalidInput
        There is no room for a block of each part.
    """
    height, width = image.levels[0]
    side = spec.block_px or _block_px((height, width), spec, chip_px)
    # chips to measure on lie side by side: of one that holds some leftover pixels of a block, nearly nothing would be known
    whole_px = chip_px if spec.block_px is None and side >= chip_px else None
    rows, columns = (_pieces(extent, side, spec.gap_px, whole_px=whole_px) for extent in (height, width))
    if len(rows) * len(columns) < len(spec.wanted):
        raise InvalidInput(
            f"The image {image.name!r} is too small to be split into blocks of {side} px with gaps of {spec.gap_px} px.",
            hint="Use a smaller gap or smaller blocks, or add more images and split by images.",
        )
    if len(rows) * len(columns) > _MOST_BLOCKS:
        raise InvalidInput(
            f"The image {image.name!r} would be cut into {len(rows) * len(columns)} blocks of {side} px.",
            hint=f"Use larger blocks: at most {_MOST_BLOCKS} blocks can be told apart.",
        )
    dealt = deal_spread(len(rows) * len(columns), spec.wanted, spec.seed, content)
    boxes: list[PartBox] = []
    for number, (y0, y1) in enumerate(rows):
        line = dealt[number * len(columns) : (number + 1) * len(columns)]
        line = line[::-1] if number % 2 else line  # to and fro, so that a stretch of the row of blocks is one region
        for part, x0, x1 in _joined(line, columns):
            stop = x1 if whole_px is None or part == "train" else _cut_to_whole(x0, x1, whole_px)
            boxes.append(PartBox(image=image.id, part=part, box=(y0, x0, y1, stop)))
    return tuple(boxes)


def _block_px(size: tuple[int, int], spec: SplitSpec, chip_px: int) -> int:
    def count(side: int) -> int:
        return len(_pieces(size[0], side, spec.gap_px)) * len(_pieces(size[1], side, spec.gap_px))

    chips = 1
    while count((chips + 1) * chip_px) >= _ENOUGH_BLOCKS:
        chips += 1
    side = chips * chip_px
    least = min(_ENOUGH_BLOCKS, max(len(spec.wanted), round(1 / min(share for _, share in spec.wanted))))
    while side > _SMALLEST_PX and count(side) < least:  # rather small blocks than a part without any
        side = max(_SMALLEST_PX, side * 3 // 4)
    return side


def _pieces(extent: int, side: int, gap_px: int, *, whole_px: int | None = None) -> list[tuple[int, int]]:
    """Return (start, stop) of as many pieces as fit with their gaps.

    What is left over is shared among the pieces, or, with `whole_px`, goes to them in such whole steps, and the rest to the gaps.
    """
    count = (extent + gap_px) // (side + gap_px)
    if count < 1:
        return [(0, extent)] if extent >= _SMALLEST_PX else []
    usable = extent - gap_px * (count - 1)
    step = whole_px or 1
    ends = [usable // step * k // count * step for k in range(count + 1)]
    spare = [(usable - ends[-1]) * (k + 1) // (count + 1) for k in range(count)]
    return [(ends[k] + gap_px * k + spare[k], ends[k + 1] + gap_px * k + spare[k]) for k in range(count)]


def _cut_to_whole(start: int, stop: int, whole_px: int) -> int:
    """Return where a box ends that holds whole chips only, or less than one."""
    return stop if stop - start < whole_px else stop - (stop - start) % whole_px


def _joined(line: Sequence[Part], columns: Sequence[tuple[int, int]]) -> list[tuple[Part, int, int]]:
    joined = []
    for part, run in itertools.groupby(range(len(line)), key=lambda k: line[k]):
        places = list(run)
        joined.append((part, columns[places[0]][0], columns[places[-1]][1]))
    return joined


def gap_between(one: Box, other: Box) -> int:
    """Return how many pixels lie between two boxes, along y or along x, whichever are more; negative where they overlap."""
    return max(one.y0 - other.y1, other.y0 - one.y1, one.x0 - other.x1, other.x0 - one.x1)
