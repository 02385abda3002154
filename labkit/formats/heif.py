"""HEIC and AVIF: pictures of phones, with 8, 10 or 12 bits.

HEIC comes from libheif, which turns pictures upright by itself and then says so; AVIF from libavif, which leaves it to us.
Sources: ISO/IEC 14496-12 (the box `ftyp`), AV1 in ISO base media, section 2.3 (the box `av1C`).
"""

from __future__ import annotations

from collections.abc import Mapping
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
from labkit.formats.sources import array_header, decoded_source, frames_question, kept_profile_note, loaded_source
from labkit.formats.still import open_still, read_stills

__all__ = ["open_heif", "read_avif", "read_heif"]

_SEARCHED_BYTES = 2**20
_HIGH_BITS, _TWELVE_BITS = 0x40, 0x20
_CHANNELS = {"L": 1, "I": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def read_heif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a HEIC; see `labkit.formats.pictures.read_file`."""
    if _says_avif(path):
        return read_avif(path, role, answers)
    file = _opened(path)
    headers = [_heic_header(path, file, number) for number in range(len(file))]
    if len(headers) == 1:
        return PictureFile("HEIC", (headers[0],))
    alike = len({(h.height_px, h.width_px, h.channels, h.dtype) for h in headers}) == 1
    question = frames_question(len(headers), alike=alike)
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(h, title=f"frame {k + 1}") for k, h in enumerate(headers))
        case "t":
            pictures = (replace(headers[0], part="t", stack=(("t", len(headers)),)),)
        case _:
            shown = headers[int(file.primary_index)]
            pictures = (replace(shown, notes=(*shown.notes, f"Only the main one of {len(headers)} pictures was taken.")),)
    return PictureFile("HEIC", pictures, (question,))


def read_avif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of an AVIF; see `labkit.formats.pictures.read_file`."""
    bits = _avif_bits(path)
    found = read_stills(path, "AVIF", role, answers if bits == 8 else {**answers, "frames": "first"})
    if bits == 8:
        return found
    (header,) = found.pictures
    deep = replace(header, part="deep", dtype="uint16", bits=16, significant_bits=bits, decode_bytes=4 * header.declared_bytes)
    return PictureFile("AVIF", (deep,))


def open_heif(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a HEIC or AVIF; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    if header.format == "HEIC":
        return _open_heic(path, header)
    if header.part != "deep":
        return open_still(path, header, role, scratch, memory_bytes)
    pixels: NDArray[Any] = np.asarray(imagecodecs.avif_decode(path.read_bytes(), index=0))
    return decoded_source(in_array_order(_without_spare_channels(pixels, header)))


def _open_heic(path: Path, header: RasterHeader) -> RasterSource:
    def load(number: int) -> NDArray[Any]:
        return in_array_order(np.asarray(_opened(path)[number]))  # opened anew, since the file keeps what it decoded

    if header.part == "t":
        return loaded_source(load, header)
    return loaded_source(lambda _: load(int(header.part)), header)


def _opened(path: Path) -> Any:
    heif = extra("pillow_heif", "HEIC", "pillow-heif")
    try:  # by default it would make 10 and 12 bits 8
        return heif.open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    except (ValueError, SyntaxError, EOFError) as error:
        why = " ".join(str(error).split()).removeprefix("Invalid input: ")
        raise unreadable(path, f"it is cut short or damaged ({why[:80]})", "Copy it again from where it came from.") from error


def _heic_header(path: Path, file: Any, number: int) -> RasterHeader:
    picture = file[number]
    kind, _, deep = str(picture.mode).partition(";")
    if kind not in _CHANNELS:
        raise unsupported(path, f"is a HEIC of the unusual kind {picture.mode}", "Save it as RGB.")
    width, height = picture.size
    bits = int(picture.info.get("bit_depth") or 8)
    dtype = np.dtype(np.uint16 if deep else np.uint8)
    profile = picture.info.get("icc_profile")
    header = array_header("HEIC", (height, width), dtype, channels=_CHANNELS[kind], part=str(number))
    return replace(
        header,
        significant_bits=bits if deep and bits < 16 else None,
        pages=len(file),
        decode_bytes=3 * height * width * header.channels * dtype.itemsize,
        notes=(kept_profile_note,) if profile else (),
        icc_profile=bytes(profile) if profile else None,
    )


def _says_avif(path: Path) -> bool:
    """Return whether the file's list of kinds names AVIF, whichever it names first."""
    with open(path, "rb") as file:
        start = file.read(_SEARCHED_BYTES)
    kinds = start[8 : int.from_bytes(start[:4], "big")]
    return b"avif" in kinds and b"av1C" in start


def _avif_bits(path: Path) -> int:
    """Return the depth that the configuration of the codec says; 8 where there is none to be seen."""
    with open(path, "rb") as file:
        start = file.read(_SEARCHED_BYTES)
    at = start.find(b"av1C")
    flags = start[at + 6] if 0 <= at < len(start) - 6 else 0
    return (12 if flags & _TWELVE_BITS else 10) if flags & _HIGH_BITS else 8


def _without_spare_channels(pixels: NDArray[Any], header: RasterHeader) -> NDArray[Any]:
    """Return decoded pixels (y, x[, c]) with the channels of the header: grey may come as three equal ones, and the reverse."""
    found = pixels.shape[2] if pixels.ndim == 3 else 1
    if found == header.channels:
        return pixels
    if found == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), header.channels, axis=2)
    return pixels[..., : header.channels]
