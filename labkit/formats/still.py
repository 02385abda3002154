"""JPEG, GIF, BMP, WebP, AVIF and HEIC: pictures of 8 bit that Pillow decodes as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labkit.errors import MissingDependency
from labkit.formats.pillow import decoded_source, frames_question, pillow_without_limit
from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    credible_size_um,
    in_array_order,
    unsupported,
    valid_orientation,
)
from labkit.geometry import Box

__all__ = ["open_still", "read_heif", "read_jpeg", "read_still"]

_EXIF_ORIENTATION = 0x0112
_KINDS = ["PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "AVIF", "HEIF"]
_NAMES = {"MPO": "JPEG", "DIB": "BMP", "WEBP": "WebP", "HEIF": "HEIC"}
_MODES = {"1": 1, "L": 1, "LA": 2, "La": 2, "P": 3, "PA": 4, "RGB": 3, "RGBA": 4, "RGBa": 4, "RGBX": 3, "CMYK": 3, "YCbCr": 3}


def read_jpeg(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG; see `labkit.formats.pictures.read_file`."""
    return read_still(path, role, answers)


def read_heif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a HEIC; see `labkit.formats.pictures.read_file`."""
    _know_heif()
    return read_still(path, role, answers)


def read_still(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read a header by Pillow; see `labkit.formats.pictures.read_file`."""
    with pillow_without_limit(), Image.open(path, formats=_KINDS) as picture:
        header = _header(path, picture, role)
        frames = int(getattr(picture, "n_frames", 1))
    if frames <= 1:
        return PictureFile(header.format, (header,))
    question = frames_question(frames)
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(header, part=str(k), title=f"frame {k + 1}") for k in range(frames))
        case "t":
            pictures = (replace(header, part="t", stack=(("t", frames),)),)
        case _:
            pictures = (replace(header, notes=(*header.notes, f"Only the first of {frames} frames was taken.")),)
    return PictureFile(header.format, pictures, (question,))


def open_still(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a picture; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    if header.format == "HEIC":
        _know_heif()
    if header.part == "t":
        return _Frames(path, header, role)
    return decoded_source(_frame(path, int(header.part or 0), header, role))


def _header(path: Path, picture: Image.Image, role: Role) -> RasterHeader:
    mode = picture.mode
    if mode not in _MODES:
        raise unsupported(path, f"is a picture of the unusual kind {mode}", "Save it as grey or RGB with 8 bits.")
    ids = mode in ("P", "1") and role == "labels"
    transparent = "transparency" in picture.info and not ids and mode not in ("LA", "RGBA", "PA")
    channels = 1 if ids else _MODES[mode] + transparent
    width, height = picture.size
    notes = []
    if mode == "CMYK":
        notes.append("CMYK was turned into RGB.")
    if mode == "P" and not ids:
        notes.append("A palette was expanded to colours.")
    profile = picture.info.get("icc_profile")
    if profile:
        notes.append("Its colour profile is kept, and colours are not converted.")
    dots = picture.info.get("dpi")
    credible = dots and all(isinstance(d, (int, float)) and d > 0 for d in dots[:2])
    return RasterHeader(
        format=_NAMES.get(picture.format or "", picture.format or ""),
        height_px=height,
        width_px=width,
        channels=channels,
        alpha=channels in (2, 4),
        dtype="uint8",
        bits=8,
        orientation=_orientation(picture),
        pixel_size_um=credible_size_um(25400 / dots[1], 25400 / dots[0]) if credible and dots else None,
        layout="whole",
        pages=int(getattr(picture, "n_frames", 1)),
        decode_bytes=2 * height * width * max(channels, 4 if mode == "CMYK" else 1),
        notes=tuple(notes),
        icc_profile=bytes(profile) if profile else None,
    )


def _orientation(picture: Image.Image) -> int:
    try:
        return valid_orientation(picture.getexif().get(_EXIF_ORIENTATION))
    except Exception:  # a broken block of metadata is no reason to refuse a picture
        return 1


def _frame(path: Path, number: int, header: RasterHeader, role: Role) -> NDArray[Any]:
    # Pillow notices a truncated file; other decoders of JPEG return a full array without a word.
    with pillow_without_limit(), Image.open(path, formats=_KINDS) as picture:
        picture.seek(number) if number else None
        picture.load()
        if role == "labels" and picture.mode in ("P", "1"):
            return np.asarray(picture).astype(np.uint8)
        wanted = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[header.channels]
        return in_array_order(np.asarray(picture if picture.mode == wanted else picture.convert(wanted)))


class _Frames:
    """A picture that moves, each frame a plane; the last two are kept."""

    def __init__(self, path: Path, header: RasterHeader, role: Role) -> None:
        self._path, self._header, self._role = path, header, role
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
                self._kept[plane] = _frame(self._path, plane, self._header, self._role)
            pixels = self._kept[plane]
        return pixels[(..., *box.slices)]

    def close(self) -> None:
        self._kept.clear()


def _know_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise MissingDependency(
            "HEIC pictures need a reader that is not installed.", hint="pip install 'labkit-studio[formats]'"
        ) from error
    register_heif_opener()
