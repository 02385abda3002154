"""Pictures out: OME-Zarr 0.4 and 0.5, tiled OME-TIFF with its pyramid, a region as PNG.

What is written is whole or not there, and memory does not grow with the picture.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from tifffile import TiffWriter

from labkit.errors import AlreadyExists, InvalidInput, UnsupportedFormat
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.formats.ome_zarr import CHUNK_PX, ChannelDisplay, multiscale_attributes
from labkit.geometry import Box
from labkit.storage import explain_os_errors, new_folder, open_objects, scratch_folder, write_bytes
from labkit.tiling.reading import Image

__all__ = ["export_ome_tiff", "export_ome_zarr", "export_png"]

_BIG_TIFF_BYTES = 3 * 2**30
_MOST_PNG_PX = 2**28
_RGB = ("FF0000", "00FF00", "0000FF")


def export_ome_zarr(
    image: Image,
    target: Path | str,
    *,
    version: Literal["0.4", "0.5"] = "0.4",
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Path:
    """Write an image with all its levels as an OME-Zarr group.

    Parameters
    ----------
    image : Image
        What to write.
    target : path
        The new folder.
    version : {"0.4", "0.5"}
        0.4 (zarr v2, a file per chunk) is what most programs of today read; 0.5 is a copy of the store as it is.
    on_event, cancel
        Progress in unit "chunks" (0.4) or "objects" (0.5).

    Raises
    ------
    AlreadyExists
        `target` is there.
    Cancelled, StorageFull
        Nothing is left behind.
    """
    target = Path(target).expanduser()
    token = cancel or CancelToken()
    with explain_os_errors(target), new_folder(target) as folder:
        if version == "0.5":
            _copy(image, folder, on_event, token)
        else:
            _write_v2(image, folder, on_event, token)
    return target


def _copy(image: Image, folder: Path, on_event: EventSink, cancel: CancelToken) -> None:
    source = open_objects(image.url)
    keys = sorted(source.keys())
    for done, key in enumerate(keys):
        cancel.raise_if_cancelled()
        on_event(Progress(done, len(keys), "objects", "export"))
        write_bytes(folder / key, source.read(key))
    on_event(Progress(len(keys), len(keys), "objects", "export"))


def _write_v2(image: Image, folder: Path, on_event: EventSink, cancel: CancelToken) -> None:
    import zarr

    group = zarr.create_group(folder, zarr_format=2, attributes=_attributes_v2(image))
    total = sum(sum(1 for _ in _places(image, level)) for level in range(len(image.shapes)))
    done = 0
    for level, shape in enumerate(image.shapes):
        lead = tuple(n if axis == "c" else 1 for axis, n in zip(image.axes, shape[:-2], strict=False))
        array = group.create_array(
            str(level),
            shape=shape,
            dtype=image.dtype,
            chunks=(*lead, min(CHUNK_PX, shape[-2]), min(CHUNK_PX, shape[-1])),
            chunk_key_encoding={"name": "v2", "separator": "/"},
            fill_value=0,
        )
        for at, box in _places(image, level):
            cancel.raise_if_cancelled()
            index = tuple(slice(None) if axis == "c" else at[axis] for axis in image.axes[:-2])
            array[(*index, *box.slices)] = image.read(box, level, z=at.get("z"), t=at.get("t"))
            done += 1
            on_event(Progress(done, total, "chunks", "export"))


def _places(image: Image, level: int) -> Iterator[tuple[dict[str, int], Box]]:
    """Yield plane by plane, chunk by chunk, what is read at once."""
    axes = [axis for axis, _ in image.stack]
    height, width = image.levels[level]
    for at in itertools.product(*(range(length) for _, length in image.stack)):
        for y, x in itertools.product(range(0, height, CHUNK_PX), range(0, width, CHUNK_PX)):
            yield dict(zip(axes, at, strict=True)), Box(y, x, min(y + CHUNK_PX, height), min(x + CHUNK_PX, width))


def _attributes_v2(image: Image) -> dict[str, Any]:
    """Return the attributes of the group as the specification 0.4 has them: those of 0.5, one level higher."""
    names = image.record.channel_names if image.record else ()
    windows = image.windows if len(image.windows) == image.channels else ()
    colours = _RGB if image.channels == 3 and not names else ("FFFFFF",) * image.channels
    highest = float(np.iinfo(image.dtype).max) if image.dtype.kind in "iu" else 1.0
    displays = [
        ChannelDisplay(names[k] if k < len(names) else f"channel {k + 1}", colours[k], 0.0, max(highest, end), start, end)
        for k, (start, end) in enumerate(windows)
    ]
    ome = multiscale_attributes(
        name=image.name,
        axes=image.axes,
        levels=len(image.shapes),
        pixel_size_um=image.pixel_size_um,
        role=image.role,
        z_step_um=image.z_step_um,
        t_step_s=image.t_step_s,
        channels=() if image.role == "labels" else displays,
        nodata=image.nodata,
        image_label={"version": "0.4"} if image.role == "labels" else None,
    )["ome"]
    multiscale = {**ome["multiscales"][0], "version": "0.4"}
    multiscale["metadata"] = {k: v for k, v in multiscale["metadata"].items() if k != "every_shard_is_stored"}
    found: dict[str, Any] = {"multiscales": [multiscale]}
    if "omero" in ome:
        found["omero"] = {**ome["omero"], "version": "0.4"}
    if "image-label" in ome:
        found["image-label"] = ome["image-label"]
    return found


def export_ome_tiff(image: Image, target: Path | str, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> Path:
    """Write an image as a tiled OME-TIFF (deflate) with its levels as sub-resolutions.

    Parameters
    ----------
    image : Image
        What to write; alpha becomes a fourth sample of colours, and is left out elsewhere.
    target : path
        The new file.
    on_event, cancel
        Progress in unit "chunks".

    Raises
    ------
    AlreadyExists
        `target` is there.
    Cancelled, StorageFull
        Nothing is left behind.
    """
    target = _free(target)
    token = cancel or CancelToken()
    with explain_os_errors(target), scratch_folder(target.parent) as folder:
        file = folder / "image.ome.tiff"
        total = sum(_tiles(image, level) for level in range(len(image.shapes)))
        counted = _Counted(total, on_event, token)
        big = math.prod(image.shape) * image.dtype.itemsize > _BIG_TIFF_BYTES
        with TiffWriter(file, bigtiff=big, ome=True) as writer:
            for level, shape in enumerate(image.shapes):
                options = _tiff_options(image, level)
                writer.write(
                    counted.of(_tiff_tiles(image, level)),
                    shape=_tiff_shape(image, shape),
                    dtype=image.dtype,
                    tile=(CHUNK_PX, CHUNK_PX),
                    compression="zlib",
                    maxworkers=2,
                    **options,
                )
        _publish(file, target)
    return target


def _interleaved(image: Image) -> bool:
    return "c" in image.axes and image.channels == 3 and not image.stack and image.dtype.kind == "u" and image.dtype.itemsize <= 2


def _tiff_shape(image: Image, shape: tuple[int, ...]) -> tuple[int, ...]:
    if _interleaved(image):
        return (*shape[-2:], 4 if image.alpha() else 3)
    return shape


def _tiff_options(image: Image, level: int) -> dict[str, Any]:
    interleaved = _interleaved(image)
    found: dict[str, Any] = {"photometric": "rgb" if interleaved else "minisblack"}
    if interleaved and image.alpha():
        found["extrasamples"] = ["unassalpha"]
    if level:
        return {**found, "subfiletype": 1}
    metadata: dict[str, Any] = {"axes": "YXS" if interleaved else "".join(image.axes).upper(), "Name": image.name}
    if image.pixel_size_um:
        y, x = image.pixel_size_um
        metadata |= {"PhysicalSizeY": y, "PhysicalSizeYUnit": "µm", "PhysicalSizeX": x, "PhysicalSizeXUnit": "µm"}
    if image.z_step_um and "z" in image.axes:
        metadata |= {"PhysicalSizeZ": image.z_step_um, "PhysicalSizeZUnit": "µm"}
    if image.t_step_s and "t" in image.axes:
        metadata |= {"TimeIncrement": image.t_step_s, "TimeIncrementUnit": "s"}
    if image.record and image.record.channel_names and not interleaved:
        metadata["Channel"] = {"Name": list(image.record.channel_names)}
    return {**found, "subifds": len(image.shapes) - 1, "metadata": metadata}


def _tiles(image: Image, level: int) -> int:
    height, width = image.levels[level]
    planes = math.prod(length for _, length in image.stack) * (1 if _interleaved(image) else image.channels)
    return planes * math.ceil(height / CHUNK_PX) * math.ceil(width / CHUNK_PX)


def _tiff_tiles(image: Image, level: int) -> Iterator[NDArray[Any]]:
    """Yield the tiles of a level in the order of the file: plane by plane, row by row, each whole."""
    if _interleaved(image):
        alpha = image.alpha()
        for _, box in _places(image, level):
            pixels = np.moveaxis(image.read(box, level), 0, -1)
            if alpha:
                pixels = np.concatenate((pixels, alpha.read(box, level)[..., np.newaxis]), axis=-1)
            yield _whole_tile(pixels)
        return
    axes, shape = image.axes[:-2], image.shapes[level]
    height, width = image.levels[level]
    for at in itertools.product(*(range(n) for n in shape[:-2])):
        where = dict(zip(axes, at, strict=True))
        for y, x in itertools.product(range(0, height, CHUNK_PX), range(0, width, CHUNK_PX)):
            box = Box(y, x, min(y + CHUNK_PX, height), min(x + CHUNK_PX, width))
            pixels = image.read(box, level, z=where.get("z"), t=where.get("t"))
            yield _whole_tile(pixels[where["c"]] if "c" in where else pixels)


def _whole_tile(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.shape[:2] == (CHUNK_PX, CHUNK_PX):
        return np.ascontiguousarray(pixels)
    tile = np.zeros((CHUNK_PX, CHUNK_PX, *pixels.shape[2:]), dtype=pixels.dtype)
    tile[: pixels.shape[0], : pixels.shape[1]] = pixels
    return tile


class _Counted:
    """Counts what passes through, over several iterators."""

    def __init__(self, total: int, on_event: EventSink, cancel: CancelToken) -> None:
        self._done, self._total, self._on_event, self._cancel = 0, total, on_event, cancel

    def of(self, tiles: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        for tile in tiles:
            self._cancel.raise_if_cancelled()
            yield tile
            self._done += 1
            self._on_event(Progress(self._done, self._total, "chunks", "export"))


def export_png(
    image: Image, target: Path | str, *, box: Box | None = None, level: int = 0, z: int | None = None, t: int | None = None
) -> Path:
    """Write a region of a level as PNG, with its 8 or 16 bits as they are.

    Parameters
    ----------
    image : Image
        Grey, or red, green and blue; alpha goes along.
    target : path
        The new file.
    box : Box, optional
        In pixels of `level`; by default all of it.
    level, z, t
        As for `Image.read`.

    Raises
    ------
    AlreadyExists
        `target` is there.
    InvalidInput
        The region is too large for a PNG, or is not in the picture.
    UnsupportedFormat
        PNG cannot hold such pixels.
    """
    target = _free(target)
    if image.dtype.name not in ("uint8", "uint16") or image.channels not in (1, 3):
        raise UnsupportedFormat(
            f"PNG cannot hold {image.channels} channels of {image.dtype.name}.", hint="Export it as OME-TIFF.", path=str(target)
        )
    wanted = box or Box.of_shape(*image.levels[min(level, len(image.levels) - 1)])
    if wanted.height_px * wanted.width_px > _MOST_PNG_PX:
        raise InvalidInput(
            f"{wanted.height_px} x {wanted.width_px} pixels are too many for a PNG.",
            hint="Export a region (--box), a coarser level (--level), or OME-TIFF.",
        )
    pixels = image.read(box, level, z=z, t=t)
    planes = [pixels] if pixels.ndim == 2 else list(pixels)
    if alpha := image.alpha():
        planes.append(alpha.read(box, level))
    data = imagecodecs.png_encode(np.ascontiguousarray(np.stack(planes, axis=-1) if len(planes) > 1 else planes[0]))
    with explain_os_errors(target):
        write_bytes(target, bytes(data))
    return target


def _free(target: Path | str) -> Path:
    path = Path(target).expanduser()
    with explain_os_errors(path):
        if path.exists():
            raise AlreadyExists(f"{path} is there already.", hint="Choose another name.", path=str(path))
    return path


def _publish(file: Path, target: Path) -> None:
    with explain_os_errors(target):
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())
        try:
            target.hardlink_to(file)  # unlike a rename, this never replaces what appeared meanwhile
        except FileExistsError:
            _free(target)
