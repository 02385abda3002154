"""Pictures of microscopes and of medicine: DICOM, CZI, ND2, LIF; each by a small reader that is installed as an extra.

Names of patients are never copied: neither into titles nor into notes.
"""

from __future__ import annotations

import importlib
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import MissingDependency
from labkit.formats.numpy_file import array_header, array_source
from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    StackAxis,
    answer_to,
    check_memory,
    in_array_order,
    unreadable,
    unsupported,
)
from labkit.geometry import Box

__all__ = ["open_dicom", "open_planes", "read_czi", "read_dicom", "read_lif", "read_nd2"]

_AXES: dict[str, StackAxis] = {"T": "t", "C": "c", "Z": "z"}


def _package(name: str, kind: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        hint = "pip install 'labkit-studio[formats]'"
        raise MissingDependency(f"{kind} files need the package {name}, which is not installed.", hint=hint) from error


def read_dicom(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a DICOM file; see `labkit.formats.pictures.read_file`."""
    dataset = _package("pydicom", "DICOM").dcmread(path, stop_before_pixels=False, defer_size=1024)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise unreadable(path, "it holds no picture", "It may be a report or a plan; import a file with pixels.")
    height, width = int(dataset.Rows), int(dataset.Columns)
    kind, samples = str(dataset.PhotometricInterpretation), int(dataset.get("SamplesPerPixel", 1))
    frames = int(dataset.get("NumberOfFrames") or 1)
    colour = samples == 3 or kind == "PALETTE COLOR"
    dtype = _dicom_dtype(dataset)
    notes = []
    if kind == "MONOCHROME1":
        notes.append("White was stored as the lowest value; it is shown as white.")
    if float(dataset.get("RescaleSlope") or 1) != 1 or float(dataset.get("RescaleIntercept") or 0) != 0:
        notes.append("Its values are as stored: the file's rescaling was not applied.")
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    bits = int(dataset.get("BitsStored") or 8 * dtype.itemsize)
    header = replace(
        array_header("DICOM", (height, width), dtype, channels=3 if colour else 1),
        pixel_size_um=(float(spacing[0]) * 1e3, float(spacing[1]) * 1e3) if spacing else None,
        significant_bits=bits if 1 < bits < 8 * dtype.itemsize else None,
        notes=tuple(notes),
        pages=frames,
        decode_bytes=2 * height * width * (3 if colour else 1) * dtype.itemsize,
    )
    return _frames(header, frames, answers)


def _frames(header: RasterHeader, frames: int, answers: Mapping[str, str]) -> PictureFile:
    if frames <= 1:
        return PictureFile("DICOM", (replace(header, part="0"),))
    options = (
        Option("separate", "separate pictures: an image each"),
        Option("z", "a stack in depth (z)"),
        Option("t", "frames in time (t)"),
        Option("first", "only the first is wanted"),
    )
    question = Question("pages", f"The file holds {frames} frames of the same size. What are they?", options, "separate")
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(header, part=str(k), title=f"frame {k + 1}") for k in range(frames))
        case "first":
            pictures = (replace(header, part="0", notes=(*header.notes, f"Only the first of {frames} frames was taken.")),)
        case axis:
            pictures = (replace(header, part="stack", stack=(("z" if axis == "z" else "t", frames),)),)
    return PictureFile("DICOM", pictures, (question,))


def _dicom_dtype(dataset: Any) -> np.dtype[Any]:
    if "FloatPixelData" in dataset:
        return np.dtype(np.float32)
    if "DoubleFloatPixelData" in dataset:
        return np.dtype(np.float64)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        depth = dataset.get("RedPaletteColorLookupTableDescriptor", [0, 0, 16])[2]
        return np.dtype(np.uint8 if int(depth) == 8 else np.uint16)
    bits = int(dataset.BitsAllocated)
    return np.dtype(np.uint8) if bits == 1 else np.dtype(f"{'int' if int(dataset.get('PixelRepresentation', 0)) else 'uint'}{bits}")


def open_dicom(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a DICOM file; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    pydicom, pixels_of = _package("pydicom", "DICOM"), _package("pydicom.pixels", "DICOM")
    dataset = pydicom.dcmread(path)

    def frame(number: int) -> NDArray[Any]:
        pixels = np.asarray(pixels_of.pixel_array(dataset, index=number))
        kind = str(dataset.PhotometricInterpretation)
        if kind == "PALETTE COLOR":
            pixels = np.asarray(pixels_of.apply_color_lut(pixels, dataset))
        elif kind == "MONOCHROME1" and role == "image":
            pixels = _inverted(pixels, int(dataset.BitsStored))
        return in_array_order(pixels)

    return _Loaded(frame if header.part == "stack" else lambda plane: frame(int(header.part)), header)


def _inverted(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    if pixels.dtype.kind == "f":
        return np.asarray(-pixels)
    return np.asarray(pixels.dtype.type(2**bits - 1 if pixels.dtype.kind == "u" else -1) - pixels)


def read_nd2(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Nikon file; see `labkit.formats.pictures.read_file`."""
    with _package("nd2", "ND2").ND2File(path) as file:
        sizes = {str(axis): int(length) for axis, length in file.sizes.items()}
        voxel = file.voxel_size()
        names = tuple(str(c.channel.name) for c in (getattr(file.metadata, "channels", None) or ()))
        header = _stacked(path, "ND2", sizes, np.dtype(file.dtype), samples=sizes.get("S", 1))
    size = (float(voxel.y), float(voxel.x)) if voxel.y > 0 and voxel.x > 0 else None
    named = names if len(names) == dict(header.stack).get("c", 1) else ()
    header = replace(header, pixel_size_um=size, z_step_um=float(voxel.z) if voxel.z and "Z" in sizes else None, channel_names=named)
    return _scenes("ND2", header, sizes.get("P", 1), answers)


def read_czi(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Zeiss file; see `labkit.formats.pictures.read_file`."""
    with _package("czifile", "CZI").CziFile(path) as file:
        sizes = {str(axis): int(length) for axis, length in zip(file.axes, file.shape, strict=True)}
        header = _stacked(path, "CZI", sizes, np.dtype(file.dtype), samples=sizes.get("0", 1))
        xml = str(file.metadata() or "")
    header = replace(header, pixel_size_um=_czi_size(xml), decode_bytes=2 * math.prod(sizes.values()) * np.dtype(header.dtype).itemsize)
    return _scenes("CZI", header, sizes.get("S", 1), answers)


def _czi_size(xml: str) -> tuple[float, float] | None:
    found = {axis: re.search(rf'<Distance Id="{axis}">\s*<Value>([0-9.eE+-]+)</Value>', xml) for axis in "YX"}
    sizes = [float(match[1]) * 1e6 for match in found.values() if match]
    return (sizes[0], sizes[1]) if len(sizes) == 2 and min(sizes) > 0 else None


def read_lif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Leica file; see `labkit.formats.pictures.read_file`."""
    with _package("liffile", "LIF").LifFile(path) as file:
        headers = [_lif_header(path, k, image) for k, image in enumerate(file.images)]
    if not headers:
        raise unreadable(path, "it holds no picture")
    if len(headers) == 1:
        return PictureFile("LIF", (replace(headers[0], title=""),))
    options = (Option("all", "all of them, an image each"), *(Option(str(k + 1), header.title) for k, header in enumerate(headers)))
    question = Question("series", f"The file holds {len(headers)} pictures. Which do you want?", options, "all")
    answer = answer_to(question, answers)
    return PictureFile("LIF", tuple(headers) if answer == "all" else (headers[int(answer) - 1],), (question,))


def _lif_header(path: Path, number: int, image: Any) -> RasterHeader:
    sizes = {str(axis): int(length) for axis, length in image.sizes.items()}
    header = _stacked(path, "LIF", sizes, np.dtype(image.dtype), samples=sizes.get("S", 1))
    size = math.prod(sizes.values()) * np.dtype(header.dtype).itemsize
    return replace(header, part=str(number), title=str(image.name), decode_bytes=2 * size)


def _stacked(path: Path, kind: str, sizes: Mapping[str, int], dtype: np.dtype[Any], samples: int) -> RasterHeader:
    """Return the header of an array with named axes."""
    if "Y" not in sizes or "X" not in sizes or dtype.kind not in "uifb":
        raise unsupported(path, f"holds an array with the axes {', '.join(sizes)} of type {dtype}", "Export it as OME-TIFF.")
    foreign = [axis for axis, length in sizes.items() if length > 1 and axis not in "TCZYX" and axis not in ("S", "0", "P")]
    if foreign:
        raise unsupported(path, f"has the axes {', '.join(foreign)}", "Export the part that you need as OME-TIFF.")
    if samples not in (1, 3, 4):
        raise unsupported(path, f"has {samples} samples a pixel", "Export it as OME-TIFF.")
    stack = tuple((_AXES[axis], sizes[axis]) for axis in "TCZ" if sizes.get(axis, 1) > 1)
    header = array_header(kind, (sizes["Y"], sizes["X"]), dtype, channels=samples, stack=stack)
    return replace(header, decode_bytes=2 * sizes["Y"] * sizes["X"] * samples * dtype.itemsize)


def _scenes(kind: str, header: RasterHeader, scenes: int, answers: Mapping[str, str]) -> PictureFile:
    if scenes <= 1:
        return PictureFile(kind, (replace(header, part="0"),))
    options = (Option("all", "all of them, an image each"), *(Option(str(k + 1), f"position {k + 1}") for k in range(scenes)))
    question = Question("series", f"The file holds {scenes} positions. Which do you want?", options, "all")
    answer = answer_to(question, answers)
    wanted = range(scenes) if answer == "all" else [int(answer) - 1]
    return PictureFile(kind, tuple(replace(header, part=str(k), title=f"position {k + 1}") for k in wanted), (question,))


def open_planes(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a CZI, ND2 or LIF; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    if header.format == "ND2":
        return _Loaded(_nd2_planes(path, header), header)
    if header.format == "CZI":
        with _package("czifile", "CZI").CziFile(path) as file:
            array, axes = file.asarray(), str(file.axes)
        return array_source(_planes(_at_scene(array, axes, "S", int(header.part)), axes.replace("S", ""), header), header)
    with _package("liffile", "LIF").LifFile(path) as file:
        image = file.images[int(header.part)]
        array, axes = image.asarray(), "".join(str(axis) for axis in image.sizes)
    return array_source(_planes(array, axes.replace("S", "0"), header), header)


def _nd2_planes(path: Path, header: RasterHeader) -> Callable[[int], NDArray[Any]]:
    file = _package("nd2", "ND2").ND2File(path)
    loops = [str(axis) for axis in file.sizes if axis in ("T", "P", "Z")]
    counts = [int(file.sizes[axis]) for axis in loops]
    names, lengths = [axis for axis, _ in header.stack], [length for _, length in header.stack]

    def plane(number: int) -> NDArray[Any]:
        at = dict(zip(names, (int(n) for n in np.unravel_index(number, lengths or (1,))), strict=False))
        index = [int(header.part) if axis == "P" else at.get(_AXES[axis], 0) for axis in loops]
        frame = np.asarray(file.read_frame(int(np.ravel_multi_index(index, counts)) if loops else 0))
        if header.channels > 1:
            return in_array_order(frame)
        return np.asarray(frame[at.get("c", 0)] if frame.ndim == 3 else frame)

    return plane


def _at_scene(array: NDArray[Any], axes: str, axis: str, number: int) -> NDArray[Any]:
    return np.take(array, number, axis=axes.index(axis)) if axis in axes else array


def _planes(array: NDArray[Any], axes: str, header: RasterHeader) -> list[NDArray[Any]]:
    """Return the planes of an array in the order of the header's stack, each (y, x) or (c, y, x)."""
    inner = ["0", "Y", "X"] if header.channels > 1 else ["Y", "X"]
    wanted = [axis.upper() for axis, _ in header.stack] + inner
    for position in reversed(range(array.ndim)):
        if axes[position] not in wanted:
            array, axes = np.take(array, 0, axis=position), axes[:position] + axes[position + 1 :]
    array = np.transpose(array, [axes.index(axis) for axis in wanted])
    return list(array.reshape(-1, *array.shape[len(header.stack) :]))


class _Loaded:
    """Planes that are decoded when they are asked for; the last two are kept."""

    def __init__(self, load: Callable[[int], NDArray[Any]], header: RasterHeader) -> None:
        self._load = load
        self._kept: dict[int, NDArray[Any]] = {}
        self._lock = threading.Lock()
        size = header.height_px, header.width_px
        self.shape: tuple[int, ...] = size if header.channels == 1 else (header.channels, *size)
        self.dtype = np.dtype(header.dtype)
        self.piece_px = (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        with self._lock:
            if plane not in self._kept:
                while len(self._kept) > 1:
                    del self._kept[next(iter(self._kept))]
                self._kept[plane] = self._load(plane).astype(self.dtype, copy=False)
            return self._kept[plane][(..., *box.slices)]

    def close(self) -> None:
        self._kept.clear()
