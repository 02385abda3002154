"""GIF, BMP, WebP and AVIF of 8 bit, and the frames of moving PNG and JPEG: what Pillow decodes as a whole.

Pillow makes 16-bit colours 8-bit without a word, so nothing deeper is ever given to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    credible_size_um,
    in_array_order,
    unreadable,
    unsupported,
    valid_orientation,
)
from labkit.formats.sources import decoded_source, frames_question, kept_profile_note, loaded_source

__all__ = ["exif_orientation", "open_still", "pillow_without_limit", "read_bmp", "read_gif", "read_stills", "read_webp"]

_EXIF_ORIENTATION = 0x0112
# What Pillow calls the decoders of each of our kinds. Only they are tried: whatever a file says it is, no other decoder sees it.
_DECODERS = {
    "PNG": ("PNG",),
    "JPEG": ("JPEG", "MPO"),
    "GIF": ("GIF",),
    "BMP": ("BMP", "DIB"),
    "WebP": ("WEBP",),
    "AVIF": ("AVIF",),
}
_MODES = {"1": 1, "L": 1, "LA": 2, "La": 2, "P": 3, "PA": 4, "RGB": 3, "RGBA": 4, "RGBa": 4, "RGBX": 3, "CMYK": 3, "YCbCr": 3}
_IN_PILLOW = {"1": 1, "L": 1, "P": 1}  # bytes of a pixel in its memory; 4 in all other modes
_AS_IS = ("L", "LA", "RGB", "RGBA")  # modes that need no conversion
_LIMIT = threading.Lock()


@contextmanager
def pillow_without_limit() -> Iterator[None]:
    """Lift Pillow's own limit of pixels (a global), which honest slides exceed; ours is on disk and memory."""
    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def read_gif(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a GIF; see `labkit.formats.pictures.read_file`."""
    return read_stills(path, "GIF", role, answers)


def read_bmp(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a BMP; see `labkit.formats.pictures.read_file`."""
    return read_stills(path, "BMP", role, answers)


def read_webp(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a WebP; see `labkit.formats.pictures.read_file`."""
    return read_stills(path, "WebP", role, answers)


def read_stills(path: Path, kind: str, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read by Pillow the headers of all frames of a file.

    Parameters
    ----------
    path, role, answers
        As for `labkit.formats.pictures.read_file`.
    kind : str
        Our name of the format.
    """
    with _open(path, kind) as picture:
        header = _header(path, picture, kind, role)
        if header.pages <= 1 or role == "labels":  # later frames of palette files come as colours, which are no ids
            notes = (*header.notes, f"Only the first of {header.pages} frames was taken.") if header.pages > 1 else header.notes
            return PictureFile(kind, (replace(header, notes=notes),))
        headers = [header] * header.pages if kind in ("GIF", "PNG", "WebP", "AVIF") else _all_frames(path, picture, kind, role)
    if lost := header.pages - len(headers):
        header = replace(header, pages=len(headers), notes=(*header.notes, f"{lost} of {header.pages} frames cannot be read."))
        if header.pages == 1:
            return PictureFile(kind, (header,))
        headers[0] = header
    alike = len({(h.height_px, h.width_px, h.channels, h.orientation) for h in headers}) == 1
    question = frames_question(header.pages, alike=alike)
    if kind == "GIF":  # frames after the first may be transparent where the first is not
        headers = [replace(h, channels=4, alpha=True, decode_bytes=max(h.decode_bytes, 8 * h.height_px * h.width_px)) for h in headers]
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(h, part=str(k), title=f"frame {k + 1}") for k, h in enumerate(headers))
        case "t":
            pictures = (replace(headers[0], part="t", stack=(("t", header.pages),)),)
        case _:
            pictures = (replace(header, notes=(*header.notes, f"Only the first of {header.pages} frames was taken.")),)
    return PictureFile(kind, pictures, (question,))


def open_still(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a picture; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    if header.part != "t":
        with _open(path, header.format) as picture:
            return decoded_source(_frame(picture, int(header.part) if header.part else None, header, role))
    picture = Image.open(path, formats=_DECODERS[header.format])

    def load(number: int) -> NDArray[Any]:
        with pillow_without_limit():
            return _frame(picture, number, header, role)

    return loaded_source(load, header, picture.close)


@contextmanager
def _open(path: Path, kind: str) -> Iterator[Image.Image]:
    with pillow_without_limit():
        try:
            picture = Image.open(path, formats=_DECODERS[kind])
        except UnidentifiedImageError as error:
            raise unreadable(path, f"it begins like a {kind} file, but its header is damaged or of a kind that is not known") from error
        with picture:
            yield picture


def _all_frames(path: Path, picture: Image.Image, kind: str, role: Role) -> list[RasterHeader]:
    """Return the headers of all frames up to the first that the file only promises."""
    headers = [_header(path, picture, kind, role)]
    for number in range(1, int(getattr(picture, "n_frames", 1))):
        try:
            picture.seek(number)
        except (EOFError, SyntaxError, ValueError):
            break
        headers.append(_header(path, picture, kind, role))
    return headers


def _header(path: Path, picture: Image.Image, kind: str, role: Role) -> RasterHeader:
    mode = picture.mode
    if mode not in _MODES:
        raise unsupported(path, f"is a {kind} of the unusual kind {mode}", "Save it as grey or RGB with 8 bits.")
    ids = mode in ("P", "1") and role == "labels"
    transparent = "transparency" in picture.info and not ids and mode not in ("LA", "RGBA", "PA")
    channels = 1 if ids else _MODES[mode] + transparent
    width, height = picture.size
    if not width or not height:
        raise unreadable(path, "it holds no picture")
    profile = picture.info.get("icc_profile")
    return RasterHeader(
        format=kind,
        height_px=height,
        width_px=width,
        channels=channels,
        alpha=channels in (2, 4),
        dtype="uint8",
        bits=1 if mode == "1" else 8,
        orientation=_orientation(picture),
        pixel_size_um=_pixel_size(picture.info.get("dpi")),
        layout="whole",
        pages=int(getattr(picture, "n_frames", 1)),
        decode_bytes=height * width * (_IN_PILLOW.get(mode, 4) + channels + (0 if mode in _AS_IS or ids else 4)),
        notes=_notes(mode, ids, bool(profile)),
        icc_profile=bytes(profile) if profile else None,
    )


def _notes(mode: str, ids: bool, profile: bool) -> tuple[str, ...]:
    found = {
        "CMYK was turned into RGB.": mode == "CMYK",
        "A palette was expanded to colours.": mode in ("P", "PA") and not ids,
        kept_profile_note: profile,
    }
    return tuple(note for note, true in found.items() if true)


def _pixel_size(dots: Any) -> tuple[float, float] | None:
    try:
        x, y = float(dots[0]), float(dots[1])
        return credible_size_um(25400 / y, 25400 / x)
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None


def _orientation(picture: Image.Image) -> int:
    try:
        return valid_orientation(picture.getexif().get(_EXIF_ORIENTATION))
    except Exception:  # a broken block of metadata is no reason to refuse a picture
        return 1


def exif_orientation(exif: bytes) -> int:
    """Return the orientation that a block of EXIF says; 1 where it says none, or nonsense."""
    tags = Image.Exif()
    try:
        tags.load(exif)
        return valid_orientation(tags.get(_EXIF_ORIENTATION))
    except Exception:  # a broken block of metadata is no reason to refuse a picture
        return 1


def _frame(picture: Image.Image, number: int | None, header: RasterHeader, role: Role) -> NDArray[Any]:
    """Return a frame as (y, x) or (c, y, x); without a number the one that the file shows first."""
    if number is not None:
        picture.seek(number)
    picture.load()
    if role == "labels" and picture.mode in ("P", "1"):  # a palette's indices, and bilevel masks, are ids as they stand
        return np.asarray(picture).astype(np.uint8)
    wanted = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[header.channels]
    return in_array_order(np.asarray(picture if picture.mode == wanted else picture.convert(wanted)))
