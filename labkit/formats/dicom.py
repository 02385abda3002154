"""DICOM: single pictures and several frames, read one frame at a time; what is compressed is decoded by imagecodecs or pydicom.

Names of patients are never copied, neither into titles nor into notes: only the pixels and what describes them is looked at.
Source: DICOM PS3.3 (C.7.6.3 Image Pixel Module, C.7.6.16.2.1 Pixel Measures) and PS3.5 (A.4 encapsulated transfer syntaxes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.extras import extra
from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    in_array_order,
    unreadable,
    unsupported,
)
from labkit.formats.sources import array_header, loaded_source, stack_question

__all__ = ["open_dicom", "read_dicom"]

_PIXELS = {"PixelData": "", "FloatPixelData": "float32", "DoubleFloatPixelData": "float64"}
_GREY = ("MONOCHROME1", "MONOCHROME2")
_NEEDED = ("Rows", "Columns", "PhotometricInterpretation")
_COPY = "Copy it again from where it came from."
_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
# Pillow, on which pydicom falls back, decodes neither 12 bits nor lossless JPEG nor JPEG-LS, and takes 16-bit colours for 8.
_BY_IMAGECODECS: dict[str, Callable[[bytes], Any]] = {
    "1.2.840.10008.1.2.4.51": imagecodecs.jpeg8_decode,  # extended, 8 or 12 bits
    "1.2.840.10008.1.2.4.57": imagecodecs.ljpeg_decode,  # lossless
    "1.2.840.10008.1.2.4.70": imagecodecs.ljpeg_decode,  # lossless, first order prediction
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.81": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,  # lossless
    "1.2.840.10008.1.2.4.91": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.110": imagecodecs.jpegxl_decode,
    "1.2.840.10008.1.2.4.111": imagecodecs.jpegxl_decode,
    "1.2.840.10008.1.2.4.112": imagecodecs.jpegxl_decode,
}
# Of these the colours come out as they were put in; the decoders of the others turn YBR into RGB.
_KEEPS_YBR = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (57, 70, 80, 81))


def read_dicom(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a DICOM file; see `labkit.formats.pictures.read_file`."""
    dataset = _described(path)
    frames = int(dataset.get("NumberOfFrames") or 1)
    header = _header(path, dataset, role, frames)
    if frames <= 1:
        return PictureFile("DICOM", (replace(header, part="0"),))
    question = stack_question(frames, "file holds # frames")
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(header, part=str(k), title=f"frame {k + 1}") for k in range(frames))
        case "first":
            pictures = (replace(header, part="0", notes=(*header.notes, f"Only the first of {frames} frames was taken.")),)
        case "z":
            pictures = (replace(header, part="stack", stack=(("z", frames),), z_step_um=_z_step(dataset)),)
        case _:
            pictures = (replace(header, part="stack", stack=(("t", frames),), t_step_s=_t_step(dataset)),)
    return PictureFile("DICOM", pictures, (question,))


def open_dicom(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a DICOM file; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    dataset = _described(path)
    decode = _decoder(path, dataset)
    lut = extra("pydicom.pixels", "DICOM", "pydicom").apply_color_lut if _is_palette(dataset) and role == "image" else None

    def frame(number: int) -> NDArray[Any]:
        pixels = decode(number)
        if lut is not None:
            pixels = np.asarray(lut(pixels, dataset))
        elif str(dataset.PhotometricInterpretation) == "MONOCHROME1" and role == "image":
            pixels = _inverted(pixels, int(dataset.get("BitsStored") or 8))
        return in_array_order(pixels)

    return loaded_source(frame if header.part == "stack" else lambda _: frame(int(header.part)), header)


def _described(path: Path) -> Any:
    """Return what the file says of its picture, without the pixels.

    Raises
    ------
    UnreadableImage, UnsupportedFormat
        It holds no picture, or the tiles of a slide.
    """
    pydicom = extra("pydicom", "DICOM")
    dataset = pydicom.dcmread(path, defer_size=2**16)
    if not any(name in dataset for name in _PIXELS) or not all(name in dataset for name in _NEEDED):
        raise unreadable(path, "it holds no picture", "It may be a report or a plan; import a file with pixels.")
    tiled = int(dataset.get("TotalPixelMatrixColumns") or 0) > int(dataset.Columns)
    if tiled or str(dataset.get("SOPClassUID", "")) == _SLIDE:
        raise unsupported(path, "is a slide in tiles of DICOM, which are not put together", "Export the slide as a tiled TIFF or SVS.")
    if not int(dataset.Rows) or not int(dataset.Columns):
        raise unreadable(path, "its header gives it no size")
    return dataset


def _header(path: Path, dataset: Any, role: Role, frames: int) -> RasterHeader:
    samples = int(dataset.get("SamplesPerPixel") or 1)
    kind = str(dataset.PhotometricInterpretation)
    palette = _is_palette(dataset)
    if not (palette or (samples == 1 and kind in _GREY) or (samples == 3 and (kind == "RGB" or kind.startswith("YBR")))):
        raise unsupported(path, f"is a DICOM of the kind {kind[:20]} with {samples} samples a pixel", "Export it as PNG or TIFF.")
    channels = 3 if samples == 3 or (palette and role == "image") else 1
    dtype = _palette_dtype(dataset) if palette and role == "image" else _dtype(path, dataset)
    height, width = int(dataset.Rows), int(dataset.Columns)
    stored = int(dataset.get("BitsStored") or 8 * dtype.itemsize)
    return replace(
        array_header("DICOM", (height, width), dtype, channels=channels),
        pixel_size_um=_pixel_size(dataset),
        significant_bits=stored if 1 < stored < 8 * dtype.itemsize and not palette else None,
        notes=_notes(dataset, kind, role),
        pages=frames,
        decode_bytes=3 * height * width * channels * dtype.itemsize,
    )


def _notes(dataset: Any, kind: str, role: Role) -> tuple[str, ...]:
    rescaled = _number(dataset.get("RescaleSlope"), 1.0) != 1 or _number(dataset.get("RescaleIntercept"), 0.0) != 0
    found = {
        "White was stored as the lowest value; it is shown as white.": kind == "MONOCHROME1" and role == "image",
        "A palette was expanded to colours.": _is_palette(dataset) and role == "image",
        "Its values are as stored: the file's rescaling was not applied.": rescaled,
    }
    return tuple(note for note, true in found.items() if true)


def _is_palette(dataset: Any) -> bool:
    return str(dataset.PhotometricInterpretation) == "PALETTE COLOR"


def _palette_dtype(dataset: Any) -> np.dtype[Any]:
    descriptor = dataset.get("RedPaletteColorLookupTableDescriptor") or [0, 0, 16]
    return np.dtype(np.uint8 if int(descriptor[2]) == 8 else np.uint16)


def _dtype(path: Path, dataset: Any) -> np.dtype[Any]:
    for name, kind in _PIXELS.items():
        if kind and name in dataset:
            return np.dtype(kind)
    bits = int(dataset.get("BitsAllocated") or 0)
    if bits == 1:
        return np.dtype(np.uint8)
    if bits not in (8, 16, 32):
        raise unsupported(path, f"holds pixels of {bits} bits", "Export it as PNG or TIFF.")
    return np.dtype(f"{'int' if int(dataset.get('PixelRepresentation') or 0) else 'uint'}{bits}")


def _pixel_size(dataset: Any) -> tuple[float, float] | None:
    spacing = _measures(dataset).get("PixelSpacing") or dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    y, x = (_number(spacing[0], 0.0), _number(spacing[1], 0.0)) if spacing is not None and len(spacing) == 2 else (0.0, 0.0)
    return (y * 1e3, x * 1e3) if y > 0 and x > 0 else None  # from millimetres


def _z_step(dataset: Any) -> float | None:
    measures = _measures(dataset)
    step = abs(_number(measures.get("SpacingBetweenSlices") or dataset.get("SpacingBetweenSlices"), 0.0))
    if not step and (offsets := dataset.get("GridFrameOffsetVector")) and len(offsets) > 1:
        step = abs(_number(offsets[1], 0.0) - _number(offsets[0], 0.0))
    return step * 1e3 if step > 0 else None


def _t_step(dataset: Any) -> float | None:
    step = _number(dataset.get("FrameTime"), 0.0)
    return step * 1e-3 if step > 0 else None  # from milliseconds


def _measures(dataset: Any) -> Any:
    """Return the measures that all frames share; empty where the file has none."""
    shared = dataset.get("SharedFunctionalGroupsSequence")
    measures = shared[0].get("PixelMeasuresSequence") if shared else None
    return measures[0] if measures else {}


def _number(value: Any, otherwise: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return otherwise


def _decoder(path: Path, dataset: Any) -> Callable[[int], NDArray[Any]]:
    """Return a function that decodes frame k, (y, x) or (y, x, 3)."""
    syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", ""))
    if syntax in _BY_IMAGECODECS and "PixelData" in dataset:
        return _encapsulated(path, dataset, syntax)
    pixels_of = extra("pydicom.pixels", "DICOM", "pydicom")
    source = path if syntax in _PLAIN else dataset  # of plain pixels one frame can be read alone

    def frame(number: int) -> NDArray[Any]:
        try:
            return np.asarray(pixels_of.pixel_array(source, index=number))
        except ValueError as error:
            if syntax in _PLAIN:
                raise unreadable(path, f"frame {number + 1} is cut short or not as its header says", _COPY) from error
            raise

    return frame


def _encapsulated(path: Path, dataset: Any, syntax: str) -> Callable[[int], NDArray[Any]]:
    encaps = extra("pydicom.encaps", "DICOM", "pydicom")
    frames = int(dataset.get("NumberOfFrames") or 1)
    decode = _BY_IMAGECODECS[syntax]
    wanted = _dtype(path, dataset)
    kind = str(dataset.PhotometricInterpretation)

    def frame(number: int) -> NDArray[Any]:
        data = encaps.get_frame(dataset.PixelData, number, number_of_frames=frames)
        pixels = np.asarray(decode(data))
        if pixels.dtype != wanted:
            pixels = _as_stored(pixels, int(dataset.get("BitsStored") or 8 * wanted.itemsize), wanted)
        if syntax in _KEEPS_YBR and kind.startswith("YBR") and pixels.ndim == 3:
            convert = extra("pydicom.pixels", "DICOM", "pydicom").convert_color_space
            pixels = np.asarray(convert(pixels, kind, "RGB"))
        return pixels

    return frame


def _as_stored(pixels: NDArray[Any], bits: int, wanted: np.dtype[Any]) -> NDArray[Any]:
    """Return decoded values in the dtype of the file: code streams do not say whether the numbers in them are signed."""
    if wanted.kind == "i" and pixels.dtype.kind == "u" and bits < 8 * wanted.itemsize:
        raised = pixels.astype(np.int64)
        raised[raised >= 2 ** (bits - 1)] -= 2**bits
        return raised.astype(wanted)
    if pixels.dtype.itemsize == wanted.itemsize:
        return pixels.view(wanted)
    return pixels.astype(wanted)


def _inverted(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    if pixels.dtype.kind == "f":
        return np.asarray(-pixels)
    return np.asarray(pixels.dtype.type(2**bits - 1 if pixels.dtype.kind == "u" else -1) - pixels)
