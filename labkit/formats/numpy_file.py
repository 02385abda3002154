"""`.npy`: one array, mapped into memory; pickled objects are never loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    StackAxis,
    answer_to,
    unreadable,
    unsupported,
)
from labkit.geometry import Box

__all__ = ["array_header", "array_source", "open_npy", "read_npy"]

_AXES: dict[str, StackAxis] = {"z": "z", "t": "t", "c": "c"}


def read_npy(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of an array; see `labkit.formats.pictures.read_file`."""
    array = _mapped(path)
    if array.dtype.kind not in "uifb":
        hint = "Save its magnitude." if array.dtype.kind == "c" else "Save whole numbers or floats."
        raise unsupported(path, f"holds values of type {array.dtype}", hint)
    shape = array.shape
    if len(shape) == 2:
        return PictureFile("NumPy", (array_header("NumPy", shape, array.dtype),))
    if len(shape) != 3:
        raise unsupported(path, f"holds an array of shape {shape}", "Save it as (y, x), (y, x, 3) or (pages, y, x).")
    if shape[2] in (3, 4) and role == "image":
        text = f"The array has the shape {shape}. Is it a picture in colour?"
        question = Question("colour", text, (Option("colour", "yes"), Option("pages", "no, the first axis counts pages")), "colour")
        if answer_to(question, answers) == "colour":
            return PictureFile("NumPy", (array_header("NumPy", shape[:2], array.dtype, channels=shape[2], part="yxc"),), (question,))
        found = _pages(shape, array.dtype, answers)
        return PictureFile("NumPy", found.pictures, (question, *found.questions))
    return _pages(shape, array.dtype, answers)


def _pages(shape: tuple[int, ...], dtype: np.dtype[Any], answers: Mapping[str, str]) -> PictureFile:
    pages = shape[0]
    options = (
        Option("separate", "separate pictures: an image each"),
        Option("z", "a stack in depth (z)"),
        Option("t", "frames in time (t)"),
        Option("c", "channels of one picture (c)"),
        Option("first", "only the first is wanted"),
    )
    question = Question("pages", f"The array holds {pages} pages of {shape[1]} x {shape[2]} values. What are they?", options, "separate")
    answer = answer_to(question, answers) if pages > 1 else "first"
    if answer == "separate":
        headers = [array_header("NumPy", shape[1:], dtype, part=str(k), title=f"page {k + 1}") for k in range(pages)]
    elif answer == "first":
        headers = [array_header("NumPy", shape[1:], dtype, part="0")]
    else:
        headers = [array_header("NumPy", shape[1:], dtype, stack=((_AXES[answer], pages),))]
    return PictureFile("NumPy", tuple(headers), (question,) if pages > 1 else ())


def open_npy(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open an array; see `labkit.formats.pictures.open_raster`."""
    array = _mapped(path)
    if header.part == "yxc":
        return array_source([np.moveaxis(array, -1, 0)], header)
    if header.stack:
        return array_source(list(array), header)
    return array_source([array[int(header.part)] if array.ndim == 3 else array], header)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise unreadable(path, "it holds Python objects, or is cut short", "Save it with numpy.save from an array of numbers.") from error
    if not array.size:
        raise unreadable(path, f"its array of shape {array.shape} is empty")
    return np.asarray(array) if not isinstance(array, np.memmap) else array


def array_header(
    name: str,
    size: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    channels: int = 1,
    stack: tuple[tuple[StackAxis, int], ...] = (),
    part: str = "",
    title: str = "",
) -> RasterHeader:
    """Return the header of a picture that is an array already."""
    plain = np.dtype(np.uint8) if dtype.kind == "b" else dtype
    return RasterHeader(
        format=name,
        height_px=int(size[0]),
        width_px=int(size[1]),
        channels=channels,
        alpha=channels in (2, 4),
        dtype=plain.newbyteorder("=").name,
        bits=1 if dtype.kind == "b" else 8 * dtype.itemsize,
        orientation=1,
        pixel_size_um=None,
        layout="whole",
        pages=1,
        decode_bytes=0,
        part=part,
        title=title,
        stack=stack,
    )


def array_source(planes: list[NDArray[Any]], header: RasterHeader) -> RasterSource:
    """Return arrays (y, x) or (c, y, x), one a plane, as a source; they may be mapped files."""
    return _Arrays(planes, header)


class _Arrays:
    def __init__(self, planes: list[NDArray[Any]], header: RasterHeader) -> None:
        self._planes = planes
        self.shape = planes[0].shape
        self.dtype = np.dtype(header.dtype)
        self.piece_px = (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return np.asarray(self._planes[plane][(..., *box.slices)]).astype(self.dtype)

    def close(self) -> None:
        self._planes = []
