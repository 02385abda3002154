"""A small picture of a large one, or of one that browsers do not show: read once, piece by piece, and kept nowhere at full size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from labkit.errors import StorageFull
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.formats.ome_zarr import SHARD_PX
from labkit.formats.pictures import open_raster
from labkit.formats.raster import RasterHeader, RasterSource
from labkit.geometry import Box
from labkit.storage import explain_os_errors
from labkit.storage.room import room_bytes
from labkit.tiling.building import plan_of
from labkit.tiling.decoder import Decoder
from labkit.tiling.eye import for_the_eye, over_white
from labkit.tiling.halving import halve
from labkit.tiling.plan import PyramidPlan
from labkit.tiling.probing import read_header_of
from labkit.tiling.windows import window_of

__all__ = ["PreviewFacts", "draw_preview", "write_preview"]

_SHOWN_CHANNELS = 3
_JPEG_QUALITY = 90
_SLOWEST_BYTES_PER_S = 5e6  # as for an import: a picture that is decoded as a whole makes no progress meanwhile


@dataclass(frozen=True, slots=True)
class PreviewFacts:
    """What a preview is of.

    Attributes
    ----------
    height_px, width_px : int
        Of the picture itself at full resolution, upright.
    pictures : int
        How many the file holds; the preview is of the first.
    planes : int
        How many planes along z and t that has; the preview is of the middle one.
    """

    height_px: int
    width_px: int
    pictures: int
    planes: int


def write_preview(
    path: Path, target: Path, decoder: Decoder, *, max_px: int, on_event: EventSink = ignore_events, cancel: CancelToken | None = None
) -> PreviewFacts:
    """Write a small picture of the picture file `path` to `target`: a JPEG of colours, a PNG of grey.

    It is what people see of an image that was imported: upright, stretched by the same percentiles, on white. The file is read in a
    process of its own, under the limits of imports, a piece at a time.

    Parameters
    ----------
    target : Path
        The new file; beside it lies for a while what cannot be decoded in pieces and does not fit the memory.
    decoder : Decoder
        The process to use.
    max_px : int
        Longest side of the preview.
    on_event, cancel
        Told of progress (unit "tiles"); looked at between pieces.

    Raises
    ------
    NotFound, UnreadableImage, UnsupportedFormat, StorageFull, Cancelled
        As `labkit.tiling.import_file`.
    """
    found = read_header_of(decoder, path, "image", {})
    header = found.pictures[0]
    _check_room(header, target, decoder.limits.memory_mb * 10**6)
    arguments = {"path": str(path), "header": header, "target": str(target), "max_px": max_px}
    longest = decoder.limits.stall_s + (0 if header.layout == "tiled" else header.declared_bytes / _SLOWEST_BYTES_PER_S)
    decoder.run("labkit.tiling.previews:draw_preview", arguments, what=path.name, stall_s=longest, on_event=on_event, cancel=cancel)
    height, width = plan_of(header, "image").sizes[0]
    planes = math.prod(length for axis, length in header.stack if axis != "c")
    return PreviewFacts(height, width, len(found.pictures), planes)


def _check_room(header: RasterHeader, target: Path, memory_bytes: int) -> None:
    """Refuse by the declared size what would fill the disk before it is a picture."""
    plane = header.declared_bytes // header.planes
    needed = plane if header.layout != "tiled" and 2 * plane > memory_bytes else 0
    if needed and needed > (room := room_bytes(target.parent)):
        raise StorageFull(
            f"It needs {needed / 1e9:.2f} GB to be unpacked, and there is room for {max(room, 0) / 1e9:.2f} GB.",
            hint="Save it as a tiled TIFF, which is read piece by piece, or free some disk.",
            needed_bytes=needed,
            room_bytes=room,
        )


def draw_preview(
    path: str, header: RasterHeader, target: str, max_px: int, *, memory_bytes: int, on_event: EventSink, cancel: CancelToken
) -> None:
    """Read a picture and write its preview: what the decoding process does."""
    plan, place = plan_of(header, "image"), Path(target)
    level = _level_for(plan, max_px)
    source = open_raster(Path(path), header, "image", place.with_suffix(".scratch"), memory_bytes=memory_bytes)
    try:
        pixels = _read_small(source, plan, level, on_event, cancel)
    finally:
        source.close()
    height, width = plan.sizes[0]
    factor = min(1.0, max_px / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    whole = (0, 0, width / 2**level, height / 2**level)  # the last pixels of a level may cover less than others
    picture = PillowImage.fromarray(_shown(pixels, plan)).resize(size, PillowImage.Resampling.BOX, box=whole)
    with explain_os_errors(place):
        if len(pixels) - plan.alpha == 1:
            picture.convert("L").save(place, "PNG")
        else:
            picture.save(place, "JPEG", quality=_JPEG_QUALITY, subsampling=0)


def _level_for(plan: PyramidPlan, max_px: int) -> int:
    """Return the coarsest level that is not smaller than what is wanted."""
    return max((level for level, size in enumerate(plan.sizes) if max(size) >= max_px), default=0)


def _read_small(source: RasterSource, plan: PyramidPlan, level: int, on_event: EventSink, cancel: CancelToken) -> NDArray[Any]:
    """Return a level of the shown planes, (c, y, x), alpha last where there is any; each piece is halved as soon as it is read."""
    planes, boxes = _shown_planes(plan), list(_pieces(plan))
    small = [np.empty(0)] * len(planes)
    for number, plane in enumerate(planes):
        lead = () if plan.channels is None and not plan.alpha else ((plan.channels or 1) + plan.alpha,)
        small[number] = np.empty((*lead, *plan.sizes[level]), dtype=plan.dtype)
        for done, box in enumerate(boxes, number * len(boxes)):
            cancel.raise_if_cancelled()
            on_event(Progress(done, len(planes) * len(boxes), "tiles", "preview"))
            pixels = source.read(box, plane)
            for _ in range(level):
                pixels = halve(pixels, "image", alpha=plan.alpha, nodata=plan.nodata)
            y, x = box.y0 >> level, box.x0 >> level
            small[number][..., y : y + pixels.shape[-2], x : x + pixels.shape[-1]] = pixels
    if len(planes) == 1:
        return small[0].reshape(-1, *plan.sizes[level])
    return np.stack([one[0] if plan.alpha else one for one in small] + ([small[0][-1]] if plan.alpha else []))


def _pieces(plan: PyramidPlan) -> Iterator[Box]:
    """Yield the blocks of the full resolution row by row, as most files have them; their sides can be halved many times."""
    height, width = plan.sizes[0]
    for y in range(0, height, SHARD_PX):
        for x in range(0, width, SHARD_PX):
            yield Box(y, x, min(y + SHARD_PX, height), min(x + SHARD_PX, width))


def _shown_planes(plan: PyramidPlan) -> list[int]:
    """Return the planes in the middle of z and t: one, or those of the first channels."""
    lengths = [length for _, length in plan.stack]
    channels = min(dict(plan.stack).get("c", 1), _SHOWN_CHANNELS)
    places = [[channel if axis == "c" else length // 2 for axis, length in plan.stack] for channel in range(channels)]
    return [int(np.ravel_multi_index(place, lengths)) if lengths else 0 for place in places]


def _shown(pixels: NDArray[Any], plan: PyramidPlan) -> NDArray[np.uint8]:
    """Return (c, y, x) as a picture for people, (y, x, 3)."""
    colours = pixels[: len(pixels) - plan.alpha][:_SHOWN_CHANNELS]
    if plan.channels == _SHOWN_CHANNELS and plan.dtype == "uint8":
        windows = [(0.0, 255.0)] * _SHOWN_CHANNELS
    else:
        coarse = halve(colours, "image", nodata=plan.nodata) if max(colours.shape[-2:]) > SHARD_PX else colours
        windows = [window_of(channel, plan.nodata) for channel in coarse]
    shown = np.ascontiguousarray(np.moveaxis(for_the_eye(colours, windows), 0, -1))
    return over_white(shown, pixels[-1]) if plan.alpha else shown
