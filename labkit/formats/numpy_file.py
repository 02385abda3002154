"""`.npy`: one array, mapped into memory; pickled objects are never loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import Option, PictureFile, Question, RasterHeader, RasterSource, Role, answer_to, unreadable, unsupported
from labkit.formats.sources import array_header, decoded_source, stack_question

__all__ = ["open_npy", "read_npy"]

_COLOURS = (3, 4)
_SHAPES = "Save it as (y, x), (y, x, 3), (pages, y, x) or (pages, y, x, 3)."


def read_npy(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of an array; see `labkit.formats.pictures.read_file`."""
    array = _mapped(path)
    if array.dtype.kind not in "uifb":
        hint = "Save its magnitude, or its real and imaginary parts." if array.dtype.kind == "c" else "Save whole numbers or floats."
        raise unsupported(path, f"holds values of type {array.dtype}", hint)
    questions: list[Question] = []
    coloured = array.ndim == 4 and array.shape[3] in _COLOURS and role == "image"
    if array.ndim == 3 and array.shape[2] in _COLOURS and role == "image":
        questions.append(_colour_question(array.shape))
        coloured = answer_to(questions[0], answers) == "colour"
    size = array.shape[:-1] if coloured else array.shape
    channels = array.shape[-1] if coloured else 1
    if len(size) not in (2, 3):
        raise unsupported(path, f"holds an array of shape {array.shape}", _SHAPES)
    header = array_header("NumPy", size[-2:], array.dtype, channels=channels, part="c|" if coloured else "|")
    if len(size) == 2:
        return PictureFile("NumPy", (header,), tuple(questions))
    pages = replace(header, pages=size[0])
    if size[0] == 1:
        return PictureFile("NumPy", (replace(pages, part=header.part + "0"),), tuple(questions))
    question = stack_question(size[0], f"array holds # pages of {size[1]} x {size[2]} values", channels=not coloured)
    return PictureFile("NumPy", _pages(pages, answer_to(question, answers)), (*questions, question))


def open_npy(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open an array; see `labkit.formats.pictures.open_raster`."""
    array = _mapped(path)
    coloured, number = header.part.split("|")
    planes = np.moveaxis(array, -1, -3) if coloured else array
    if header.stack:
        return decoded_source(*planes)
    return decoded_source(planes[int(number)] if number else planes)


def _colour_question(shape: tuple[int, ...]) -> Question:
    text = f"The array has the shape {' x '.join(map(str, shape))}. Is it one picture in colour?"
    return Question("colour", text, (Option("colour", "yes"), Option("pages", "no, the first axis counts pages")), "colour")


def _pages(header: RasterHeader, answer: str) -> tuple[RasterHeader, ...]:
    count = header.pages
    match answer:
        case "separate":
            return tuple(replace(header, part=f"{header.part}{k}", title=f"page {k + 1}") for k in range(count))
        case "first":
            return (replace(header, part=f"{header.part}0", notes=(f"Only the first of {count} pages was taken.",)),)
        case "z":
            return (replace(header, stack=(("z", count),)),)
        case "t":
            return (replace(header, stack=(("t", count),)),)
        case _:
            return (replace(header, stack=(("c", count),)),)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise unreadable(path, "it holds Python objects, or is cut short", "Save it with numpy.save from an array of numbers.") from error
    if not array.size:
        raise unreadable(path, f"its array of shape {array.shape} is empty")
    return np.asarray(array) if not isinstance(array, np.memmap) else array
