"""CZI (Zeiss): scenes, stacks and mosaics at full size, put together plane by plane.

Source: ZEN file format for CZI (directory entries, pixel types, compressions 0, 1, 2, 4, 5 and 6). The small reader that is used
knows no Zstandard, so pieces are decoded here.
"""

from __future__ import annotations

import math
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.extras import extra
from labkit.formats.microscopes import chosen_series, plane_position, stacked_header
from labkit.formats.raster import PictureFile, RasterHeader, RasterSource, Role, check_memory, unreadable, unsupported
from labkit.formats.sources import loaded_source

__all__ = ["open_czi", "read_czi"]

_RAW, _JPEG, _LZW, _JPEG_XR, _ZSTD, _ZSTD_WITH_HEADER = 0, 1, 2, 4, 5, 6
_KNOWN = (_RAW, _JPEG, _LZW, _JPEG_XR, _ZSTD, _ZSTD_WITH_HEADER)
_METRES_UM = 1e6


def read_czi(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a Zeiss file; see `labkit.formats.pictures.read_file`."""
    with _opened(path) as file:
        scenes = _scenes(path, file)
        xml = str(file.metadata() or "")
    headers = [_header(path, number, entries, xml) for number, entries in sorted(scenes.items())]
    return chosen_series("CZI", headers, answers)


def open_czi(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a Zeiss file; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    file = _opened(path)
    entries = _scenes(path, file)[int(header.part)]
    first = {axis: min(_starts(entry).get(axis, 0) for entry in entries) for axis in "TCZYX"}
    planes: dict[tuple[int, ...], list[Any]] = defaultdict(list)
    for entry in entries:
        planes[tuple(_starts(entry).get(axis, 0) - first[axis] for axis in "TCZ")].append(entry)

    def load(number: int) -> NDArray[Any]:
        at = plane_position(header, number)
        pixels = np.zeros((header.height_px, header.width_px, header.channels), dtype=header.dtype)
        for entry in planes.get(tuple(at.get(axis, 0) for axis in "TCZ"), ()):
            piece, starts = _decoded(path, entry), _starts(entry)
            y, x = starts["Y"] - first["Y"], starts["X"] - first["X"]
            pixels[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
        return np.moveaxis(pixels, -1, 0) if header.channels > 1 else pixels[..., 0]

    return loaded_source(load, header, file.close)


def _opened(path: Path) -> Any:
    czifile = extra("czifile", "CZI")
    try:
        return czifile.CziFile(str(path), multifile=False)
    except (ValueError, struct.error, AssertionError) as error:
        raise unreadable(path, "it is cut short or damaged", "Copy it again from where it came from.") from error


def _scenes(path: Path, file: Any) -> dict[int, list[Any]]:
    """Return the entries of full size, by scene, in the order in which they are to be put over one another."""
    found: dict[int, list[Any]] = defaultdict(list)
    size = path.stat().st_size
    for entry in file.subblock_directory:
        if entry.stored_shape != entry.shape:
            continue  # a level of the pyramid
        if entry.file_position >= size:
            raise unreadable(path, "it is cut short", "Copy it again from where it came from.")
        found[max(_starts(entry).get("S", 0), 0)].append(entry)
    if not found:
        raise unreadable(path, "it holds no picture")
    for entries in found.values():
        entries.sort(key=lambda entry: entry.mosaic_index or 0)
    return dict(found)


def _header(path: Path, scene: int, entries: list[Any], xml: str) -> RasterHeader:
    kinds = {np.dtype(entry.dtype).base for entry in entries}
    samples = {int(entry.shape[-1]) for entry in entries}
    strange = sorted({int(entry.compression) for entry in entries} - {*_KNOWN})
    if len(kinds) > 1 or len(samples) > 1:
        raise unsupported(path, "has channels with pixels of different kinds", "Export it as OME-TIFF.")
    if strange:
        raise unsupported(path, f"is compressed in an unknown way ({strange[0]})", "Export it as OME-TIFF.")
    ranges = [(_starts(entry), _lengths(entry)) for entry in entries]
    axes = sorted({axis for starts, _ in ranges for axis in starts if axis != "S"})
    ends = {axis: max(starts.get(axis, 0) + lengths.get(axis, 1) for starts, lengths in ranges) for axis in axes}
    sizes = {axis: ends[axis] - min(starts.get(axis, 0) for starts, _ in ranges) for axis in axes}
    header = stacked_header(path, "CZI", sizes, next(iter(kinds)), samples=samples.pop(), series="S")
    size = {axis: _distance_um(xml, axis) for axis in "YXZ"}
    names = _channel_names(xml)
    piece = max(math.prod(entry.shape) for entry in entries) * np.dtype(header.dtype).itemsize
    return replace(
        header,
        part=str(scene),
        title=f"scene {scene + 1}",
        pixel_size_um=(size["Y"], size["X"]) if size["Y"] and size["X"] else None,
        z_step_um=size["Z"] if "z" in dict(header.stack) else None,
        significant_bits=_significant_bits(xml, header.bits),
        channel_names=names if len(names) == dict(header.stack).get("c", 1) and header.channels == 1 else (),
        decode_bytes=2 * header.declared_bytes // header.planes + 2 * piece,
    )


def _starts(entry: Any) -> dict[str, int]:
    return {str(dimension.dimension): int(dimension.start) for dimension in entry.dimension_entries if dimension.dimension != "M"}


def _lengths(entry: Any) -> dict[str, int]:
    return {str(dimension.dimension): int(dimension.size) for dimension in entry.dimension_entries}


def _decoded(path: Path, entry: Any) -> NDArray[Any]:
    """Return the pixels of an entry, (y, x, c)."""
    block = entry.data_segment()
    data = block.data(raw=True)
    if len(data) < block.data_size:
        raise unreadable(path, "it is cut short", "Copy it again from where it came from.")
    lengths, samples, kind = _lengths(entry), int(entry.shape[-1]), np.dtype(entry.dtype).base
    pixels = _unpacked(data, int(entry.compression), kind)
    pixels = np.asarray(pixels.reshape(-1, lengths["Y"], lengths["X"], samples)[0])
    if samples >= 3 and int(entry.compression) not in (_JPEG, _JPEG_XR):
        return np.asarray(pixels[..., [2, 1, 0, *range(3, samples)]])  # blue comes first
    return pixels


def _unpacked(data: bytes, compression: int, kind: np.dtype[Any]) -> NDArray[Any]:
    if compression == _JPEG:
        return np.asarray(imagecodecs.jpeg8_decode(data))
    if compression == _JPEG_XR:
        return np.asarray(imagecodecs.jpegxr_decode(data))
    unpack: dict[int, Callable[[bytes], Any]] = {
        _RAW: bytes,
        _LZW: imagecodecs.lzw_decode,
        _ZSTD: imagecodecs.zstd_decode,
        _ZSTD_WITH_HEADER: _zstd_with_header,
    }
    data = unpack[compression](data)
    return np.frombuffer(data, dtype=kind)


def _zstd_with_header(data: bytes) -> bytes:
    """Unpack Zstandard behind a small header, which may say that low and high bytes lie apart."""
    head = data[0]
    apart = head >= 3 and data[1] == 1 and bool(data[2] & 1)
    plain = imagecodecs.zstd_decode(data[head:])
    if not apart:
        return bytes(plain)
    return np.frombuffer(plain, dtype=np.uint8).reshape(2, -1).T.tobytes()


def _distance_um(xml: str, axis: str) -> float | None:
    match = re.search(rf'<Distance Id="{axis}">\s*<Value>([0-9.eE+-]+)</Value>', xml)
    try:
        value = float(match[1]) * _METRES_UM if match else 0.0
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _significant_bits(xml: str, bits: int) -> int | None:
    match = re.search(r"<ComponentBitCount>(\d+)</ComponentBitCount>", xml)
    found = int(match[1]) if match else bits
    return found if 1 < found < bits else None


def _channel_names(xml: str) -> tuple[str, ...]:
    match = re.search(r"<Dimensions>.*?<Channels>(.*?)</Channels>", xml, re.DOTALL)
    return tuple(re.findall(r'<Channel\b[^>]*\bName="([^"]*)"', match[1])) if match else ()
