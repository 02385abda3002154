"""Pictures for tests, made by code from a seed, and files of every kind that people bring."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from labkit.formats.pictures import open_raster
from labkit.formats.raster import RasterHeader, Role
from labkit.geometry import Box

__all__ = [
    "corner_picture",
    "noise_picture",
    "oriented",
    "read_planes",
    "two_disc_labels",
    "two_disc_picture",
    "write_bomb_tiff",
    "write_jpeg",
    "write_png",
    "write_tiff",
]


def noise_picture(height_px: int, width_px: int, *, channels: int | None = None, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Return random pixels (y, x) or (y, x, c) over the whole range of an integer dtype."""
    shape = (height_px, width_px) if channels is None else (height_px, width_px, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def two_disc_labels(height_px: int = 96, width_px: int = 128) -> NDArray[np.uint16]:
    """Return a label image with two discs, ids 1 (left) and 2 (right)."""
    y, x = np.ogrid[:height_px, :width_px]
    labels = np.zeros((height_px, width_px), dtype=np.uint16)
    for k, centre in ((1, 0.3), (2, 0.7)):
        labels[np.hypot(y + 0.5 - height_px / 2, x + 0.5 - width_px * centre) <= min(height_px, width_px) * 0.16] = k
    return labels


def two_disc_picture(height_px: int = 96, width_px: int = 128, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return a grey picture of the discs of `two_disc_labels`: 200 on 50, with noise."""
    light = np.where(two_disc_labels(height_px, width_px) > 0, 200.0, 50.0)
    noise = np.random.default_rng(seed).normal(0, 8, light.shape)
    return np.clip(np.rint(light + noise), 0, 255).astype(np.uint8)


def corner_picture(height_px: int = 37, width_px: int = 91) -> NDArray[np.uint8]:
    """Return a grey-blue RGB picture with red, green and blue corners (top left, top right, bottom left)."""
    picture = np.full((height_px, width_px, 3), (90, 100, 120), dtype=np.uint8)
    size = min(height_px, width_px) // 3
    picture[:size, :size] = (255, 0, 0)
    picture[:size, -size:] = (0, 255, 0)
    picture[-size:, :size] = (0, 0, 255)
    return picture


def oriented(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return how `upright` (y, x[, c]) lies in a file whose EXIF orientation is `orientation`."""
    transforms = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(transforms[orientation](upright))


def read_planes(path: Path, header: RasterHeader, role: Role = "image", *, memory_bytes: int | None = None) -> list[NDArray[Any]]:
    """Return all planes of a picture in a file, each (y, x) or (y, x, c)."""
    source = open_raster(path, header, role, path.with_suffix(".scratch"), memory_bytes=memory_bytes)
    try:
        planes = [source.read(Box.of_shape(*source.shape[-2:]), plane) for plane in range(header.planes)]
    finally:
        source.close()
    return [np.moveaxis(plane, 0, -1) if plane.ndim == 3 else plane for plane in planes]


def write_tiff(path: Path, pixels: NDArray[Any], *, tile_px: int | None = 256, orientation: int | None = None, **options: Any) -> Path:
    """Write (y, x) or (y, x, c) pixels as TIFF: tiled, or in strips where `tile_px` is None; `options` go to tifffile."""
    tags = [] if orientation is None else [(274, "H", 1, orientation, True)]
    layout: dict[str, Any] = {"tile": (tile_px, tile_px)} if tile_px else {"rowsperstrip": 32}
    colour = pixels.ndim == 3 and pixels.shape[-1] in (3, 4)
    defaults = {"photometric": "rgb" if colour else "minisblack", "metadata": None, "extratags": tags}
    tifffile.imwrite(path, pixels, **{**defaults, **layout, **options})
    return path


def write_png(path: Path, pixels: NDArray[Any]) -> Path:
    """Write pixels of 8 or 16 bits, grey, RGB or RGBA, as PNG."""
    path.write_bytes(imagecodecs.png_encode(pixels, out=2 * pixels.nbytes + 100_000))  # its own guess is too small for one column
    return path


def write_jpeg(path: Path, pixels: NDArray[np.uint8], *, orientation: int | None = None, quality: int = 95) -> Path:
    """Write 8-bit pixels as JPEG."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, "JPEG", quality=quality, subsampling=0, exif=exif)
    return path


def write_bomb_tiff(path: Path, side_px: int = 200_000) -> Path:
    """Write a small TIFF that declares `side_px` squared pixels in tiles that all share the same few bytes."""
    tile_px = 4096
    count = (-(-side_px // tile_px)) ** 2
    tile = zlib.compress(bytes(tile_px * tile_px), 9)
    tiles_at = 8
    table_at = tiles_at + len(tile) + len(tile) % 2
    directory_at = table_at + 8 * count
    entries = [(256, 4, 1, side_px), (257, 4, 1, side_px), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    entries += [(322, 4, 1, tile_px), (323, 4, 1, tile_px), (324, 4, count, table_at), (325, 4, count, table_at + 4 * count)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    table = struct.pack(f"<{count}I", *[tiles_at] * count) + struct.pack(f"<{count}I", *[len(tile)] * count)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, directory_at) + tile + bytes(len(tile) % 2) + table + directory)
    return path
