"""Label images as files: PNG, TIFF and ``.npy`` with an object id (or a class id) per pixel.

Ids are kept exactly: a palette PNG gives its indices, greys of fewer than 8 bits their stored values, wide integers stay wide.
A file that says how it is turned (EXIF, TIFF orientation) comes back upright.
"""

from __future__ import annotations

import io
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput, LabKitError, NotFound, UnreadableImage, UnsupportedFormat
from labkit.geometry import Box, iter_blocks
from labkit.storage import explain_os_errors, fsync_folder, scratch_folder, write_bytes

__all__ = ["LABEL_SUFFIXES", "LabelFile", "orient_labels", "probe_labels", "read_labels", "write_labels"]

LABEL_SUFFIXES = (".tif", ".tiff", ".png", ".npy")
_KIND_BY_MAGIC: dict[bytes, Literal["png", "tiff", "npy"]] = {
    b"\x89PNG": "png",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"\x93NUM": "npy",
}
_HINT = "Save object ids as an 8 or 16 bit grey or palette PNG, as a one-channel TIFF, or as a two-dimensional integer .npy."
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, RuntimeError, KeyError, IndexError, TypeError, struct.error, zlib.error)
_TILE_PX = 512
_EXIF_ORIENTATION = 274


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What the head of a label image file says; ``shape`` is (height, width) of the upright picture."""

    path: Path
    kind: Literal["png", "tiff", "npy"]
    shape: tuple[int, int]
    orientation: int = 1


def probe_labels(path: Path | str) -> LabelFile:
    """Look at the head of a label image file, by content and whatever its name; no pixel is decoded.

    Raises
    ------
    NotFound
        There is no such file.
    UnsupportedFormat
        It is of no kind that holds labels exactly.
    UnreadableImage
        It is empty or broken.
    InvalidInput
        It is a picture, but not one integer per pixel.
    """
    path = Path(path)
    with explain_os_errors(path):
        if not path.is_file():
            raise NotFound(f"{path} is no file.", hint="Check the path.", path=str(path))
        with open(path, "rb") as file:
            magic = file.read(4)
    if not magic:
        raise UnreadableImage(f"{path.name} is empty (0 bytes).", hint="Copy or export the file again.", path=str(path))
    kind = _KIND_BY_MAGIC.get(magic)
    if kind is None:
        lossy = " (JPEG changes ids)" if magic[:2] == b"\xff\xd8" else ""
        raise UnsupportedFormat(f"{path.name} is no PNG, TIFF or .npy label image{lossy}.", hint=_HINT, path=str(path))
    with _explain_decoding(path):
        return {"png": _probe_png, "tiff": _probe_tiff, "npy": _probe_npy}[kind](path)


def read_labels(source: LabelFile | Path | str) -> NDArray[np.integer]:
    """Read a label image.

    Parameters
    ----------
    source : LabelFile or path
        What `probe_labels` returned, or the file.

    Returns
    -------
    ndarray of integers, shape (height, width)
        The ids, upright, in the file's own integer type.

    Raises
    ------
    UnreadableImage
        The file is cut short or broken.
    InvalidInput
        It holds fractions.
    """
    file = source if isinstance(source, LabelFile) else probe_labels(source)
    with _explain_decoding(file.path):
        labels = {"png": _read_png, "tiff": _read_tiff, "npy": _read_npy}[file.kind](file.path)
    return orient_labels(_as_integers(labels, file.path), file.orientation)


def orient_labels(labels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return a stored picture (height, width, ...) upright; `orientation` is the EXIF number 1-8 (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        labels = np.swapaxes(labels, 0, 1)
    if orientation in (3, 4, 7, 8):
        labels = labels[::-1]
    if orientation in (2, 3, 6, 7):
        labels = labels[:, ::-1]
    return labels


def write_labels(
    path: Path | str, shape: tuple[int, int], dtype: type[np.unsignedinteger[Any]], read: Callable[[Box], NDArray[np.integer]]
) -> None:
    """Write a label image, whole or not at all and with the same bytes for the same pixels; the suffix says the format.

    Parameters
    ----------
    path : path
        Ends in ``.tif``, ``.tiff``, ``.png`` or ``.npy``. A TIFF is written tile by tile in little memory.
    shape : (int, int)
        Height and width in pixels.
    dtype : numpy unsigned integer type
        Type of a pixel; a PNG takes 8 or 16 bits.
    read : function
        Returns the ids within a box.

    Raises
    ------
    InvalidInput
        The suffix is unknown, or the format cannot hold the type.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in LABEL_SUFFIXES:
        raise InvalidInput(f"{path.name} does not end in {', '.join(LABEL_SUFFIXES)}.", hint="Name the file accordingly.", path=str(path))
    if suffix in (".tif", ".tiff"):
        _write_tiff(path, shape, np.dtype(dtype), read)
        return
    labels = np.ascontiguousarray(read(Box.of_shape(*shape)).astype(dtype, copy=False))
    if suffix == ".png":
        write_bytes(path, _png_bytes(labels))
        return
    buffer = io.BytesIO()
    np.save(buffer, labels, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


@contextmanager
def _explain_decoding(path: Path) -> Iterator[None]:
    """Turn what a decoder says of a broken file into one line; errors of the disk and of LabKit pass."""
    with explain_os_errors(path):
        try:
            yield
        except LabKitError:
            raise
        except _DECODER_ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = " ".join(str(error).split()).rstrip(".")[:120]
            raise UnreadableImage(
                f"{path.name} is cut short or broken: {reason}.", hint="Copy or export the file again.", path=str(path)
            ) from error


def _as_integers(labels: NDArray[Any], path: Path) -> NDArray[np.integer]:
    if labels.dtype.kind in "iu":
        return labels
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if (
        labels.dtype.kind == "f"
        and np.isfinite(labels).all()
        and (labels == np.rint(labels)).all()
        and np.abs(labels).max(initial=0) < 2**53
    ):
        return labels.astype(np.int64)  # some programs store ids as floats
    raise InvalidInput(f"{path.name} holds {labels.dtype} values that are not object ids.", hint=_HINT, path=str(path))


def _upright(shape: tuple[int, int], orientation: int) -> tuple[int, int]:
    return shape[::-1] if orientation >= 5 else shape


def _valid_orientation(value: Any) -> int:
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


# PNG


def _open_png(path: Path) -> Any:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(str(path))  # not Image.open, whose limit of pixels is below the size of our pictures


def _probe_png(path: Path) -> LabelFile:
    from PIL import Image

    with _open_png(path) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise InvalidInput(f"{path.name} is a colour picture ({image.mode}), not a label image.", hint=_HINT, path=str(path))
        exif = Image.Exif()
        exif.load(image.info.get("exif") or b"")
        orientation = _valid_orientation(exif.get(_EXIF_ORIENTATION, 1))
        return LabelFile(path, "png", _upright((image.height, image.width), orientation), orientation)


def _read_png(path: Path) -> NDArray[Any]:
    with open(path, "rb") as file:
        bits, colour_type = file.read(26)[24:26]
    with _open_png(path) as image:
        labels = np.array(image)
    if colour_type == 0 and bits in (2, 4):  # the decoder stretches such greys to 0-255
        labels //= 255 // (2**bits - 1)
    return labels


def _png_bytes(labels: NDArray[np.integer]) -> bytes:
    if labels.dtype.itemsize > 2:
        raise InvalidInput("A PNG holds ids up to 65535.", hint="Export to a file that ends in .tif.")
    import imagecodecs

    return bytes(imagecodecs.png_encode(labels))


# TIFF


@contextmanager
def _first_series(path: Path) -> Iterator[Any]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        if len(file.series) != 1:
            raise InvalidInput(f"{path.name} holds {len(file.series)} pictures, not one.", hint=_HINT, path=str(path))
        yield file.series[0]


def _probe_tiff(path: Path) -> LabelFile:
    with _first_series(path) as series:
        shape = tuple(int(n) for n in series.shape if n != 1) if len(series.shape) > 2 else series.shape
        if len(shape) != 2:
            raise InvalidInput(f"{path.name} has the shape {series.shape}, not (height, width).", hint=_HINT, path=str(path))
        tag = series.keyframe.tags.get(_EXIF_ORIENTATION)
        orientation = _valid_orientation(int(tag.value) if tag is not None else 1)
        return LabelFile(path, "tiff", _upright((shape[0], shape[1]), orientation), orientation)


def _read_tiff(path: Path) -> NDArray[Any]:
    size = path.stat().st_size
    with _first_series(path) as series:
        for page in series.pages:
            if any(start + count > size for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)):
                raise UnreadableImage(f"{path.name} is cut short.", hint="Copy or export the file again.", path=str(path))
        labels: NDArray[Any] = series.asarray()
        return labels.reshape([n for n in labels.shape if n != 1]) if labels.ndim > 2 else labels


def _write_tiff(path: Path, shape: tuple[int, int], dtype: np.dtype[Any], read: Callable[[Box], NDArray[np.integer]]) -> None:
    import tifffile

    def tiles() -> Iterator[NDArray[np.integer]]:
        for block in iter_blocks(Box.of_shape(*shape), _TILE_PX, shape[1]):  # a row of tiles at a time
            row = read(block).astype(dtype, copy=False)
            for tile in iter_blocks(Box.of_shape(*block.shape), _TILE_PX, _TILE_PX):
                padded = np.zeros((_TILE_PX, _TILE_PX), dtype=dtype)
                padded[: tile.height_px, : tile.width_px] = row[tile.slices]
                yield padded

    with _whole_file(path) as incoming:
        tifffile.imwrite(
            incoming,
            tiles(),
            shape=shape,
            dtype=dtype,
            tile=(_TILE_PX, _TILE_PX),
            photometric="minisblack",
            compression="zlib",
            bigtiff=math.prod(shape) * dtype.itemsize > 2**31,
            metadata=None,
            software=False,
        )


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour of `path` to write; on a clean exit it takes its place."""
    with explain_os_errors(path), scratch_folder(path.parent) as folder:
        incoming = folder / "labels.tif"
        yield incoming
        with open(incoming, "rb") as file:
            os.fsync(file.fileno())
        os.replace(incoming, path)
        fsync_folder(path.parent)


# NumPy


def _probe_npy(path: Path) -> LabelFile:
    labels = np.load(path, mmap_mode="r", allow_pickle=False)  # refuses a file shorter than its head says
    if labels.ndim != 2:
        raise InvalidInput(f"{path.name} has the shape {labels.shape}, not (height, width).", hint=_HINT, path=str(path))
    return LabelFile(path, "npy", (int(labels.shape[0]), int(labels.shape[1])))


def _read_npy(path: Path) -> NDArray[Any]:
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
