"""Masks as run lengths, as COCO writes them.

Source: the mask interface of COCO. Pixels are counted column by column; runs of background and object alternate, beginning with background.
Compressed, each number (from the fourth on less the one two before it) stands in groups of five bits, lowest first, as characters from
"0" on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.geometry import Box, Mask

__all__ = ["decode_mask", "encode_mask", "pack_runs", "unpack_runs"]

_HINT = "Correct the file or export it again."
_GROUP, _MORE, _FIRST = 5, 0x20, 48


def encode_mask(mask: Mask, within: Box) -> dict[str, Any]:
    """Return the pixels of a mask as compressed run lengths; `within` is the box of the picture."""
    area = mask.box.intersect(within)
    height = within.height_px
    columns = np.zeros((area.width_px, area.height_px + 2), dtype=np.int8)
    columns[:, 1:-1] = mask.read(area).T
    steps = np.diff(columns, axis=1)
    column, start = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    first = (column + area.x0).astype(np.int64) * height + area.y0
    edges = np.stack((first + start, first + end), axis=1).reshape(-1)
    meet = edges[1:-1:2] == edges[2::2]  # a run that goes on at the top of the next column
    keep = np.ones(len(edges), dtype=np.bool_)
    keep[1:-1:2][meet] = keep[2::2][meet] = False
    runs = np.diff(np.concatenate(([0], edges[keep], [height * within.width_px])))
    return {"size": [height, within.width_px], "counts": pack_runs((runs if runs[-1] else runs[:-1]).tolist())}


def decode_mask(record: Mapping[str, Any], shape: tuple[int, int]) -> Mask | None:
    """Return the mask that run lengths describe, compressed or not; None where they have no pixel.

    `shape` is (height, width) of the picture.

    Raises
    ------
    InvalidInput
        The size is not that of the picture, or the runs do not fill it.
    """
    size, counts = record.get("size"), record.get("counts")
    if size != list(shape):
        raise InvalidInput(f"its mask is of a picture of {size} pixels (height, width), not {list(shape)}.", hint=_HINT)
    runs = unpack_runs(counts) if isinstance(counts, str) else counts
    total = shape[0] * shape[1]
    if not isinstance(runs, list) or not all(type(n) is int and 0 <= n <= total for n in runs) or sum(runs) != total:
        raise InvalidInput("the runs of its mask do not fill the picture.", hint=_HINT)
    return _from_edges(np.cumsum([*runs, *([0] * (len(runs) % 2))], dtype=np.int64), shape[0])


def _from_edges(ends: NDArray[np.int64], height: int) -> Mask | None:
    starts, stops = ends[0::2], ends[1::2]
    used = stops > starts
    starts, stops = starts[used], stops[used]
    if not len(starts):
        return None
    first, last = int(starts[0]) // height, (int(stops[-1]) - 1) // height + 1
    steps = np.zeros((last - first) * height + 1, dtype=np.int8)
    np.add.at(steps, starts - first * height, 1)
    np.add.at(steps, stops - first * height, -1)
    inside = np.cumsum(steps[:-1], dtype=np.int8).astype(np.bool_).reshape(-1, height).T
    rows = np.flatnonzero(inside.any(axis=1))
    return Mask.from_array(inside[rows[0] : rows[-1] + 1], int(rows[0]), first)


def pack_runs(runs: Sequence[int]) -> str:
    """Return run lengths as the compressed string of COCO."""
    letters = []
    for k, run in enumerate(runs):
        value = run - runs[k - 2] if k > 2 else run
        more = True
        while more:
            group = value & 0x1F
            value >>= _GROUP
            more = value != (-1 if group & 0x10 else 0)
            letters.append(chr(_FIRST + (group | _MORE if more else group)))
    return "".join(letters)


def unpack_runs(text: str) -> list[int]:
    """Return the run lengths of a compressed string.

    Raises
    ------
    InvalidInput
        It ends within a number, or has other characters.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        group = ord(letter) - _FIRST
        if not 0 <= group < 2 * _MORE or shift > 60:
            raise InvalidInput("the string of its mask is no run lengths.", hint=_HINT)
        value |= (group & 0x1F) << shift
        shift += _GROUP
        if not group & _MORE:
            value -= (1 << shift) if group & 0x10 else 0
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise InvalidInput("the string of its mask is cut short.", hint=_HINT)
    return runs
