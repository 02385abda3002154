"""Opening a picture of any kind that LabKit reads: sniffed by its first bytes, never by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import NotFound, UnreadableImage, UnsupportedFormat
from labkit.formats.ome_zarr_source import is_zarr
from labkit.formats.raster import PictureFile, RasterHeader, RasterSource, Role, decoder_errors, unsupported
from labkit.geometry import Box
from labkit.storage import explain_os_errors

__all__ = ["READERS", "Reader", "is_picture", "open_raster", "read_file", "sniff"]

DEFAULT_MEMORY_BYTES = 2**30
_SNIFFED_BYTES = 256


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of file: how it is told, and how it is read.

    Attributes
    ----------
    name : str
        What people call it.
    endings : tuple of str
        Usual ends of its names; only compared with the name, to notice a wrong one.
    magic : tuple of (int, bytes)
        Any of these bytes at its offset tells the kind.
    reads, opens : str
        ``module:function`` in `labkit.formats`; loaded when the first such file comes.
    """

    name: str
    endings: tuple[str, ...]
    magic: tuple[tuple[int, bytes], ...]
    reads: str
    opens: str

    @property
    def read(self) -> Callable[[Path, Role, Mapping[str, str]], PictureFile]:
        """``(path, role, answers) -> PictureFile``."""
        found: Callable[[Path, Role, Mapping[str, str]], PictureFile] = _loaded(self.reads)
        return found

    @property
    def open(self) -> Callable[[Path, RasterHeader, Role, Path, int], RasterSource]:
        """``(path, header, role, scratch, memory_bytes) -> RasterSource``."""
        found: Callable[[Path, RasterHeader, Role, Path, int], RasterSource] = _loaded(self.opens)
        return found


def _loaded(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(f"labkit.formats.{module}"), function)


_BOXES = ("avif", "avis")
_HEIF = ("heic", "heix", "hevc", "heim", "heis", "mif1", "msf1")
READERS: tuple[Reader, ...] = (
    # First, since the 128 bytes before its magic may hold those of a TIFF.
    Reader("DICOM", (".dcm", ".dicom", ".ima"), ((128, b"DICM"),), "dicom:read_dicom", "dicom:open_dicom"),
    Reader("PNG", (".png", ".apng"), ((0, b"\x89PNG\r\n\x1a\n"),), "png:read_png", "png:open_png"),
    Reader("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), ((0, b"\xff\xd8\xff"),), "jpeg:read_jpeg", "jpeg:open_jpeg"),
    Reader(
        "TIFF",
        (".tif", ".tiff", ".btf", ".svs", ".ndpi", ".scn", ".bif", ".lsm", ".stk", ".qptiff"),
        ((0, b"II*\x00"), (0, b"MM\x00*"), (0, b"II+\x00"), (0, b"MM\x00+")),
        "tiff:read_tiff",
        "tiff:open_tiff",
    ),
    Reader("GIF", (".gif",), ((0, b"GIF87a"), (0, b"GIF89a")), "still:read_gif", "still:open_still"),
    Reader("BMP", (".bmp", ".dib"), ((0, b"BM"),), "still:read_bmp", "still:open_still"),
    Reader("WebP", (".webp",), ((8, b"WEBP"),), "still:read_webp", "still:open_still"),
    Reader("AVIF", (".avif", ".avifs"), tuple((4, b"ftyp" + kind.encode()) for kind in _BOXES), "heif:read_avif", "heif:open_heif"),
    Reader("HEIC", (".heic", ".heif", ".hif"), tuple((4, b"ftyp" + kind.encode()) for kind in _HEIF), "heif:read_heif", "heif:open_heif"),
    Reader(
        "JPEG 2000",
        (".jp2", ".j2k", ".jpx", ".j2c", ".jpc", ".jpf"),
        ((0, b"\x00\x00\x00\x0cjP  "), (0, b"\xff\x4f\xff\x51")),
        "jpeg_2000:read_jpeg2k",
        "jpeg_2000:open_jpeg2k",
    ),
    Reader("JPEG XL", (".jxl",), ((0, b"\xff\x0a"), (4, b"JXL ")), "jpeg_xl:read_jpegxl", "jpeg_xl:open_jpegxl"),
    Reader("NumPy", (".npy",), ((0, b"\x93NUMPY"),), "numpy_file:read_npy", "numpy_file:open_npy"),
    Reader("CZI", (".czi",), ((0, b"ZISRAWFILE"),), "czi:read_czi", "czi:open_czi"),
    Reader("ND2", (".nd2",), ((0, b"\xda\xce\xbe\x0a"),), "microscopes:read_nd2", "microscopes:open_nd2"),
    Reader("LIF", (".lif",), ((0, b"\x70\x00\x00\x00"),), "microscopes:read_lif", "microscopes:open_lif"),
)
OME_ZARR = Reader("OME-Zarr", (".zarr",), (), "ome_zarr_source:read_ome_zarr", "ome_zarr_source:open_ome_zarr")
# First bytes of what people bring and LabKit does not read.
_NOT_READ: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF\r\n", "HDF5"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"DDS ", "DDS"),
    (0, b"\xd0\xcf\x11\xe0", "OLE (such as ZVI, OIB or FlashPix)"),
)


def read_file(path: Path, role: Role = "image", answers: Mapping[str, str] | None = None) -> PictureFile:
    """Read what the header of a file says of the pictures in it; no pixel is decoded.

    Parameters
    ----------
    path : Path
        The file; for OME-Zarr the folder.
    role : {"image", "labels"}
        A palette is expanded to colours in an image, and kept as ids in labels.
    answers : mapping, optional
        Answers to the file's questions, by key; what is not answered takes its default.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableImage
        It is empty, no picture, or cut short.
    UnsupportedFormat
        It is a picture of a kind that is not read.
    InvalidInput
        An answer is none of the options.
    """
    reader = sniff(path)
    with decoder_errors(path):
        found = reader.read(path, role, answers or {})
    if role == "labels":
        for header in found.pictures:
            _check_labels(path, header)
    return replace(found, notes=(*_about_the_name(path, reader), *found.notes))


def open_raster(path: Path, header: RasterHeader, role: Role, scratch: Path, *, memory_bytes: int | None = None) -> RasterSource:
    """Open a picture for reading: upright, in native byte order, colour as (c, y, x), alpha as the last channel.

    Parameters
    ----------
    path : Path
        The file.
    header : RasterHeader
        One of the pictures that `read_file` found in it.
    role : {"image", "labels"}
        As for `read_file`.
    scratch : Path
        Name for files of pixels that do not fit memory and cannot be read piece by piece.
    memory_bytes : int, optional
        What may be kept decoded; 1 GiB by default.

    Raises
    ------
    UnreadableImage
        The pixels cannot be decoded, or the file is cut short.
    UnsupportedFormat
        It cannot be decoded within the memory.
    """
    reader = sniff(path)
    with decoder_errors(path):
        source = reader.open(path, header, role, scratch, memory_bytes or DEFAULT_MEMORY_BYTES)
    return _Upright(source, header, path)


def is_picture(path: Path) -> bool:
    """Return whether `path` looks like something that LabKit reads."""
    try:
        sniff(path)
    except (NotFound, UnreadableImage, UnsupportedFormat):
        return False
    return True


def sniff(path: Path) -> Reader:
    """Return the reader for a file, by its first bytes.

    Raises
    ------
    NotFound, UnreadableImage, UnsupportedFormat
        As for `read_file`.
    """
    start = _first_bytes(path)
    if start is None:
        return OME_ZARR
    for reader in READERS:
        if any(start[offset:].startswith(magic) for offset, magic in reader.magic):
            return reader
    for offset, magic, name in _NOT_READ:
        if start[offset:].startswith(magic):
            raise UnsupportedFormat(f"{path.name} is a {name} file, which is not read.", hint="Save it as TIFF or PNG.", path=str(path))
    known = ", ".join(reader.name for reader in READERS)
    raise UnreadableImage(f"{path.name} is not a picture.", hint=f"LabKit reads {known} and OME-Zarr.", path=str(path))


def _first_bytes(path: Path) -> bytes | None:
    """Return the first bytes of a file; None for the folder of a zarr store."""
    with explain_os_errors(path):
        if not path.exists():
            raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path))
        if is_zarr(path):
            return None
        if not path.is_file():  # a pipe would be waited for for ever
            raise UnreadableImage(f"{path} is a folder or a device, not a picture.", hint="Name one picture file.", path=str(path))
        try:
            with open(path, "rb") as file:
                start = file.read(_SNIFFED_BYTES)
        except PermissionError as error:
            raise UnreadableImage(f"{path} may not be read by you.", hint="Ask its owner, or copy it.", path=str(path)) from error
    if not start:
        raise UnreadableImage(f"{path.name} is empty (zero bytes).", hint="Copy it again from where it came from.", path=str(path))
    return start


def _about_the_name(path: Path, reader: Reader) -> tuple[str, ...]:
    """Return a note where the name says another kind than the content."""
    ending = path.suffix.lower()
    known = {end for other in READERS for end in other.endings}
    if ending in known and ending not in reader.endings:
        return (f"The name ends in {ending}, but it is a {reader.name} file; it is read as that.",)
    return ()


def _check_labels(path: Path, header: RasterHeader) -> None:
    if header.format == "JPEG":
        raise unsupported(
            path, "is a JPEG, which changes the values of its pixels, so it cannot hold ids", "Save the labels as PNG or TIFF."
        )
    if header.channels - header.alpha != 1 or any(axis == "c" for axis, _ in header.stack):
        count = max(header.channels - header.alpha, dict(header.stack).get("c", 1))
        raise unsupported(path, f"holds {count} channels, and labels have one", "Save the ids as one grey channel.")
    if header.alpha:
        raise unsupported(path, "has an alpha channel, which labels do not", "Save the ids without alpha.")
    if np.dtype(header.dtype).kind not in "iu":
        raise unsupported(path, f"holds {header.dtype} pixels, and ids are whole numbers", "Save the ids as integers.")


class _Upright:
    """A source seen upright, in native byte order."""

    def __init__(self, inner: Any, header: RasterHeader, path: Path) -> None:
        self._inner = inner
        self._orientation = header.orientation
        self._path = path
        *lead, height, width = inner.shape
        if self._orientation >= 5:
            height, width = width, height
        self._stored = inner.shape[-2:]
        self.shape: tuple[int, ...] = (*lead, height, width)
        self.dtype = inner.dtype.newbyteorder("=")
        if (lead[0] if lead else 1, self.dtype) != (header.channels, np.dtype(header.dtype)) or self._stored != (
            header.height_px,
            header.width_px,
        ):
            raise UnreadableImage(
                f"{path.name} cannot be read: its pixels are not as its header says.",
                hint="Open it in the program that made it and save it again.",
                path=str(path),
            )
        piece = getattr(inner, "piece_px", None)
        self.piece_px: tuple[int, int] | None = piece if self._orientation == 1 or piece == (1, 1) else None

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        with decoder_errors(self._path):
            pixels = self._inner.read(self._stored_box(box), plane)
        return np.ascontiguousarray(_turn(pixels, self._orientation), dtype=self.dtype)

    def read_into(self, box: Box, out: NDArray[Any], plane: int = 0) -> None:
        """Put the pixels of `box` into `out`."""
        if self._orientation == 1 and hasattr(self._inner, "read_into"):
            with decoder_errors(self._path):
                self._inner.read_into(box, out, plane)
        else:
            with decoder_errors(self._path):
                out[...] = _turn(self._inner.read(self._stored_box(box), plane), self._orientation)

    def close(self) -> None:
        self._inner.close()

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
