"""Files of microscopes: ND2 and LIF, read plane by plane, each by a small reader that is installed as an extra."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.extras import extra
from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    unreadable,
    unsupported,
)
from labkit.formats.sources import array_header, loaded_source

__all__ = ["chosen_series", "open_lif", "open_nd2", "plane_position", "read_lif", "read_nd2", "stacked_header"]

_STACK = {"T": "t", "C": "c", "Z": "z"}


def read_nd2(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Nikon file; see `labkit.formats.pictures.read_file`."""
    with extra("nd2", "ND2").ND2File(path) as file:
        sizes = {str(axis): int(length) for axis, length in file.sizes.items()}
        header = stacked_header(path, "ND2", sizes, np.dtype(file.dtype), samples=sizes.get("S", 1), series="P")
        bits = int(getattr(file.attributes, "bitsPerComponentSignificant", 0) or 0)
        header = replace(header, significant_bits=bits if header.dtype != "float32" and 1 < bits < header.bits else None)
        header = _with_nd2_metadata(file, header)
    count = sizes.get("P", 1)
    return chosen_series("ND2", [replace(header, part=str(k), title=f"position {k + 1}") for k in range(count)], answers)


def _with_nd2_metadata(file: Any, header: RasterHeader) -> RasterHeader:
    try:
        voxel = file.voxel_size()
        channels = [item.channel for item in (getattr(file.metadata, "channels", None) or ())]
    except Exception:  # what it says of optics and stage has many versions, and pixels can be read without
        return replace(header, notes=(*header.notes, "The size of its pixels and the names of its channels could not be read."))
    named = len(channels) == dict(header.stack).get("c", 1) and header.channels == 1
    known = voxel.y > 0 and voxel.x > 0 and (voxel.y, voxel.x) != (1, 1)  # 1 is what the reader says where the file says nothing
    return replace(
        header,
        pixel_size_um=(float(voxel.y), float(voxel.x)) if known else None,
        z_step_um=float(voxel.z) if known and voxel.z > 0 and "z" in dict(header.stack) else None,
        channel_names=tuple(str(channel.name) for channel in channels) if named else (),
    )


def open_nd2(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a Nikon file; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    file = extra("nd2", "ND2").ND2File(path)
    loops = [str(axis) for axis in file.sizes if axis in ("T", "P", "Z")]
    counts = [int(file.sizes[axis]) for axis in loops]
    stored = _nd2_frames(file, path.stat().st_size)

    def load(number: int) -> NDArray[Any]:
        at = {**plane_position(header, number), "P": int(header.part)}
        index = int(np.ravel_multi_index([at.get(axis, 0) for axis in loops], counts)) if loops else 0
        if stored is not None and index not in stored:
            raise unreadable(path, f"its frame {index + 1} is missing", "Copy it again, or export the frames that there are.")
        frame = np.asarray(file.read_frame(index))
        if header.channels > 1:
            return np.moveaxis(frame, -1, 0) if frame.shape[-1] == header.channels else frame
        return np.asarray(frame.reshape(-1, *frame.shape[-2:])[at.get("C", 0)])  # channels come first

    return loaded_source(load, header, file.close)


def _nd2_frames(file: Any, size: int) -> set[int] | None:
    """Return which frames the file really holds, for the reader gives zeros for others; None where that is not to be seen."""
    chunks = getattr(getattr(file, "_rdr", None), "chunkmap", None)  # not public, and absent in files of before 2010
    if not isinstance(chunks, dict):
        return None
    prefix = b"ImageDataSeq|"
    return {int(name[len(prefix) : -1]) for name, (offset, _) in chunks.items() if name.startswith(prefix) and offset < size}


def read_lif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Leica file; see `labkit.formats.pictures.read_file`."""
    with extra("liffile", "LIF").LifFile(path) as file:
        headers = [header for k, image in enumerate(file.images) for header in _lif_headers(path, k, image)]
    if not headers:
        raise unreadable(path, "it holds no picture")
    return chosen_series("LIF", headers, answers)


def open_lif(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a Leica file; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    file = extra("liffile", "LIF").LifFile(path)
    number, position = map(int, header.part.split("|"))
    image = file.images[number]

    def load(plane: int) -> NDArray[Any]:
        at = {**plane_position(header, plane), "M": position}
        frame = np.asarray(image.frame(**{axis: at.get(axis, 0) for axis in image.sizes if axis not in ("Y", "X", "S")}))
        return np.moveaxis(frame, -1, 0) if header.channels > 1 else frame.reshape(header.height_px, header.width_px)

    return loaded_source(load, header, file.close)


def _lif_headers(path: Path, number: int, image: Any) -> list[RasterHeader]:
    """Return the headers of a picture: one for each position of a mosaic."""
    sizes = {str(axis): int(length) for axis, length in image.sizes.items()}
    if math.prod(sizes.values()) == 0 or not {"Y", "X"} <= sizes.keys():  # series of points and lines are no pictures
        return []
    header = stacked_header(path, "LIF", sizes, np.dtype(image.dtype), samples=sizes.get("S", 1), series="M")
    steps = {axis: _step_um(image.coords.get(axis)) for axis in "YXZ"}
    size = (steps["Y"], steps["X"])
    header = replace(
        header,
        pixel_size_um=(size[0], size[1]) if size[0] and size[1] else None,
        z_step_um=steps["Z"] if "z" in dict(header.stack) else None,
        t_step_s=_step(image.coords.get("T")) if "t" in dict(header.stack) else None,
    )
    name, tiles = str(image.name), sizes.get("M", 1)
    titles = [name] if tiles == 1 else [f"{name}, tile {k + 1}" for k in range(tiles)]
    return [replace(header, part=f"{number}|{k}", title=title) for k, title in enumerate(titles)]


def _step(places: Any) -> float | None:
    if places is None or len(places) < 2:
        return None
    step = abs(float(places[-1]) - float(places[0])) / (len(places) - 1)
    return step if 0 < step < math.inf else None


def _step_um(places: Any) -> float | None:
    step = _step(places)
    return None if step is None else step * 1e6  # from metres


def stacked_header(path: Path, kind: str, sizes: Mapping[str, int], dtype: np.dtype[Any], *, samples: int, series: str) -> RasterHeader:
    """Return the header of an array with named axes.

    Parameters
    ----------
    path, kind
        For messages, and the name of the format.
    sizes : mapping
        Length of each axis; "S" holds the samples of a pixel.
    dtype : numpy.dtype
        Of the array.
    samples : int
        1, or 3 or 4 for colours.
    series : str
        Axis of which each position is a picture of its own.

    Raises
    ------
    UnsupportedFormat
        There are axes that LabKit has no word for, or pixels of a kind that it does not keep.
    """
    if not {"Y", "X"} <= sizes.keys() or dtype.kind not in "uif" or samples not in (1, 3, 4):
        raise unsupported(path, f"holds an array with the axes {', '.join(sizes)} of type {dtype}", "Export it as OME-TIFF.")
    foreign = [axis for axis, length in sizes.items() if length > 1 and axis not in {*"TCZYXS", series}]
    if foreign:
        raise unsupported(path, f"has the axes {', '.join(foreign)}", "Export the part that you need as OME-TIFF.")
    stack = tuple((_STACK[axis], sizes[axis]) for axis in "TCZ" if sizes.get(axis, 1) > 1)
    header = array_header(kind, (sizes["Y"], sizes["X"]), dtype, channels=samples, stack=stack)
    channels = sizes.get("C", 1) if samples == 1 else samples  # some keep all channels of a plane together
    return replace(header, decode_bytes=4 * sizes["Y"] * sizes["X"] * channels * dtype.itemsize)


def plane_position(header: RasterHeader, plane: int) -> dict[str, int]:
    """Return where in its stack a plane lies, by axis in capitals."""
    lengths = [length for _, length in header.stack]
    indices = np.unravel_index(plane, lengths) if lengths else ()
    return {axis.upper(): int(index) for (axis, _), index in zip(header.stack, indices, strict=True)}


def chosen_series(kind: str, headers: Sequence[RasterHeader], answers: Mapping[str, str]) -> PictureFile:
    """Return what an import makes of a file with several pictures, all by default."""
    if len(headers) == 1:
        return PictureFile(kind, (replace(headers[0], title="", pages=1),))
    headers = [replace(header, pages=len(headers)) for header in headers]
    numbered = zip(itertools.count(1), headers, strict=False)
    options = (Option("all", "all of them, an image each"), *(Option(str(k), header.title or f"picture {k}") for k, header in numbered))
    question = Question("series", f"The file holds {len(headers)} pictures. Which do you want?", options, "all")
    answer = answer_to(question, answers)
    return PictureFile(kind, tuple(headers) if answer == "all" else (headers[int(answer) - 1],), (question,))
