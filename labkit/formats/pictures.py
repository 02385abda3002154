"""Opening a picture of any kind that LabKit reads: sniffed by its first bytes, never by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import NotFound, UnreadableImage, UnsupportedFormat
from labkit.formats.ome_zarr import Role
from labkit.formats.png_jpeg import open_whole, read_whole_header
from labkit.formats.raster import RasterHeader, RasterSource, decoder_errors, unsupported
from labkit.formats.tiff import open_tiff, read_tiff_header
from labkit.geometry import Box
from labkit.storage import explain_os_errors

__all__ = ["open_raster", "read_header"]

# First bytes of what people bring and this version does not read.
_KNOWN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL ", "JPEG XL"),
    (128, b"DICM", "DICOM"),
    (0, b"ZISRAWFILE", "CZI"),
    (0, b"\xda\xce\xbe\x0a", "ND2"),
    (0, b"\x70\x00\x00\x00", "LIF"),
    (0, b"\x93NUMPY", "NumPy"),
    (0, b"\x89HDF\r\n", "HDF5"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
)


def read_header(path: Path, role: Role = "image") -> RasterHeader:
    """Read what the header of a picture says; no pixel is decoded.

    Parameters
    ----------
    path : Path
        The file.
    role : {"image", "labels"}
        A palette is expanded to colours in an image, and kept as ids in labels.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableImage
        It is empty, no picture, or cut short.
    UnsupportedFormat
        It is a picture of a kind that this version does not read.
    """
    kind = _sniff(path)
    with decoder_errors(path):
        header = read_tiff_header(path, role) if kind == "TIFF" else read_whole_header(path, kind, role)
    if role == "labels":
        _check_labels(path, header)
    return header


def open_raster(path: Path, header: RasterHeader, role: Role, scratch: Path) -> RasterSource:
    """Open a picture for reading: upright, alpha removed, colour as (c, y, x).

    Parameters
    ----------
    path : Path
        The file.
    header : RasterHeader
        What `read_header` said of it.
    role : {"image", "labels"}
        As for `read_header`.
    scratch : Path
        Where pixels may be put that do not fit memory and cannot be read piece by piece; removed on close.

    Raises
    ------
    UnreadableImage
        The pixels cannot be decoded, or the file is cut short.
    UnsupportedFormat
        The picture is partly transparent.
    """
    with decoder_errors(path):
        source = open_tiff(path, header, role, scratch) if header.layout != "whole" else open_whole(path, header, role)
    return _Upright(source, header, path)


def _check_labels(path: Path, header: RasterHeader) -> None:
    if header.format == "JPEG":
        raise unsupported(
            path, "is a JPEG, which changes the values of its pixels, so it cannot hold ids", "Save the labels as PNG or TIFF."
        )
    if header.channels - header.alpha != 1:
        raise unsupported(path, f"holds {header.channels} channels, and labels have one", "Save the ids as one grey channel.")


def _sniff(path: Path) -> str:
    with explain_os_errors(path):
        if not path.exists():
            raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path))
        if not path.is_file():  # a pipe would be waited for for ever
            raise UnreadableImage(f"{path} is a folder or a device, not a picture.", hint="Name one picture file.", path=str(path))
        try:
            with open(path, "rb") as file:
                start = file.read(256)
        except PermissionError as error:
            raise UnreadableImage(f"{path} may not be read by you.", hint="Ask its owner, or copy it.", path=str(path)) from error
    if not start:
        raise UnreadableImage(f"{path.name} is empty (zero bytes).", hint="Copy it again from where it came from.", path=str(path))
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF"
    for offset, magic, name in _KNOWN:
        if start[offset:].startswith(magic):
            raise UnsupportedFormat(
                f"{path.name} is a {name} file, which this version does not read.", hint="Save it as PNG or TIFF.", path=str(path)
            )
    raise UnreadableImage(f"{path.name} is not a picture.", hint="LabKit reads PNG, JPEG and TIFF.", path=str(path))


class _Upright:
    """A source seen upright, in native byte order and without its (opaque) alpha."""

    def __init__(self, inner: RasterSource, header: RasterHeader, path: Path) -> None:
        self._inner = inner
        self._orientation = header.orientation
        self._path = path
        self._alpha = header.alpha
        channels, height, width = (1, *inner.shape)[-3:]
        channels -= self._alpha
        if self._orientation >= 5:
            height, width = width, height
        self._stored = inner.shape[-2:]
        self.shape: tuple[int, ...] = (height, width) if channels == 1 else (channels, height, width)
        self.dtype = inner.dtype.newbyteorder("=")

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        with decoder_errors(self._path):
            pixels = self._inner.read(self._stored_box(box), plane)
        if self._alpha:
            pixels = self._without_alpha(pixels)
        return np.ascontiguousarray(_turn(pixels, self._orientation), dtype=self.dtype)

    def close(self) -> None:
        self._inner.close()

    def _without_alpha(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if not (pixels[-1] == np.iinfo(self.dtype).max).all():
            raise UnsupportedFormat(
                f"{self._path.name} is partly transparent, which this version does not keep.",
                hint="Flatten it onto a background, or remove its alpha channel.",
                path=str(self._path),
            )
        return pixels[0] if len(pixels) == 2 else pixels[:-1]

    def _stored_box(self, box: Box) -> Box:
        """Return where in the file the pixels of an upright `box` lie: `_turn` undone."""
        y0, x0, y1, x1 = box.as_tuple()
        if self._orientation >= 5:
            y0, x0, y1, x1 = x0, y0, x1, y1
        height, width = self._stored
        if self._orientation in (3, 4, 6, 7):
            y0, y1 = height - y1, height - y0
        if self._orientation in (2, 3, 7, 8):
            x0, x1 = width - x1, width - x0
        return Box(y0, x0, y1, x1)


def _turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels (..., y, x) as they are to be seen, by the EXIF orientation 1 to 8."""
    if orientation in (3, 4, 6, 7):
        pixels = pixels[..., ::-1, :]
    if orientation in (2, 3, 7, 8):
        pixels = pixels[..., ::-1]
    return np.swapaxes(pixels, -1, -2) if orientation >= 5 else pixels
