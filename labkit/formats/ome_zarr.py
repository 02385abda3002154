"""OME-Zarr 0.5: the metadata of a multiscale group, and its shards as bytes.

Sources: the OME-NGFF specification 0.5 (multiscales, image-label) and the Zarr v3 sharding codec (chunks, then an index of
little-endian offset and length pairs with a CRC-32C).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import google_crc32c
import imagecodecs
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CHUNK_PX",
    "SHARD_PX",
    "VERSION",
    "ChannelDisplay",
    "Role",
    "ShardEncoder",
    "decode_chunk",
    "encode_shard",
    "index_size",
    "level_scale",
    "level_translation",
    "multiscale_attributes",
    "read_index",
    "shard_key",
    "shard_px",
    "store_metadata",
]

VERSION = "0.5"
CHUNK_PX = 512
SHARD_PX = 2048
Role = Literal["image", "labels"]
_ABSENT = np.uint64(2**64 - 1)  # how the index names a chunk that lies wholly outside the array
_AXIS_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_RGB = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))


@dataclass(frozen=True, slots=True)
class ChannelDisplay:
    """How a channel is shown: its name, its colour (six hex digits), the range of its values and the window to stretch."""

    name: str
    colour: str
    lowest: float
    highest: float
    start: float
    end: float

    def as_omero(self) -> dict[str, Any]:
        """Return the entry of ``omero.channels``."""
        window = {"min": self.lowest, "max": self.highest, "start": self.start, "end": self.end}
        return {"label": self.name, "color": self.colour, "active": True, "window": window}


def level_scale(level: int, base: float) -> float:
    """Return the size of a pixel of `level`: exactly 2^level pixels of the full picture."""
    return float(base * 2**level)


def level_translation(level: int, base: float) -> float:
    """Return where the centre of the first pixel of `level` lies, measured from that of level 0."""
    return float(base * (2**level - 1) / 2)


def shard_px(side_px: int) -> int:
    """Return the extent of a shard along a side of a level: whole chunks, at most `SHARD_PX`."""
    return min(SHARD_PX, math.ceil(side_px / CHUNK_PX) * CHUNK_PX)


def shard_key(level: int, lead: Sequence[int], y: int, x: int) -> str:
    """Return the key, relative to the group, of the shard in row `y` and column `x`, at `lead` (in chunks) along the leading axes."""
    return "/".join(map(str, (level, "c", *lead, y, x)))


def multiscale_attributes(
    *,
    name: str,
    axes: Sequence[str],
    levels: int,
    pixel_size_um: tuple[float, float] | None,
    role: Role,
    bits: int | None = None,
    image_label: dict[str, Any] | None = None,
    z_step_um: float | None = None,
    t_step_s: float | None = None,
    channels: Sequence[ChannelDisplay] = (),
    nodata: float | None = None,
) -> dict[str, Any]:
    """Return the attributes of the group: ``{"ome": {...}}`` as the specification 0.5 asks for.

    Parameters
    ----------
    name : str
        Name of the image.
    axes : sequence of {"t", "c", "z", "y", "x"}
        In the order of the array.
    levels : int
        Number of levels.
    pixel_size_um : (float, float) or None
        Size (y, x) of a pixel in micrometres; None is written as scale 1 without a unit.
    role : {"image", "labels"}
        Labels go down by mode, images by mean.
    bits : int, optional
        Significant bits, for the display window of an RGB picture.
    image_label : dict, optional
        The ``image-label`` object of a label image.
    z_step_um, t_step_s : float, optional
        Distance between planes, time between frames; scale 1 without a unit where they are not known.
    channels : sequence of ChannelDisplay
        How each channel is shown; by default red, green and blue of an RGB picture, and nothing else.
    nodata : float, optional
        The value that stands for "nothing was measured".
    """
    base = {"c": 1.0, "t": t_step_s or 1.0, "z": z_step_um or 1.0, **dict(zip("yx", pixel_size_um or (1.0, 1.0), strict=True))}
    units = {"t": t_step_s and "second", "z": z_step_um and "micrometer", **dict.fromkeys("yx", pixel_size_um and "micrometer")}
    multiscale: dict[str, Any] = {
        "name": name,
        "type": "mode" if role == "labels" else "mean",
        "axes": [{"name": a, "type": _AXIS_TYPES[a]} | ({"unit": units[a]} if units.get(a) else {}) for a in axes],
        "datasets": [{"path": str(k), "coordinateTransformations": _transformations(k, axes, base)} for k in range(levels)],
        "metadata": {"software": "labkit-studio", "blocks": "2x2, ceil-halving", "every_shard_is_stored": True},
    }
    ome: dict[str, Any] = {"version": VERSION, "multiscales": [multiscale]}
    if role == "labels":
        ome["image-label"] = image_label or {}
    elif not channels and "c" in axes and bits:
        channels = [ChannelDisplay(label, colour, 0, 2**bits - 1, 0, 2**bits - 1) for label, colour in _RGB]
    if channels:
        ome["omero"] = {"channels": [channel.as_omero() for channel in channels]}
    if nodata is not None:
        multiscale["metadata"]["nodata"] = nodata if math.isfinite(nodata) else str(nodata)
    return {"ome": ome}


def _transformations(level: int, axes: Sequence[str], base: dict[str, float]) -> list[dict[str, Any]]:
    scale = [level_scale(level if a in "yx" else 0, base[a]) for a in axes]
    translation = [level_translation(level if a in "yx" else 0, base[a]) for a in axes]
    return [{"type": "scale", "scale": scale}, {"type": "translation", "translation": translation}]


def store_metadata(
    attributes: dict[str, Any],
    shapes: Sequence[tuple[int, ...]],
    dtype: str,
    axes: Sequence[str],
    role: Role,
    *,
    channels_together: bool = True,
    fill_value: float = 0,
) -> dict[str, bytes]:
    """Return the ``zarr.json`` objects of a group and of its levels, by key.

    Parameters
    ----------
    attributes : dict
        Those of the group.
    shapes : sequence of tuple
        Shape of each level in the order of `axes`.
    dtype : str
        Of all levels.
    axes : sequence of str
        Names of the dimensions.
    role : {"image", "labels"}
        Chooses the codec: blosc-zstd-1 with shuffle for images, zstd-3 for labels.
    channels_together : bool
        Whether a chunk holds all channels, as it does for red, green and blue; else each is a plane of its own, as "t" and "z" are.
    fill_value : float
        What a chunk that is not stored means.
    """
    found: dict[str, Any] = {"zarr.json": {"attributes": attributes, "zarr_format": 3, "node_type": "group"}}
    for k, shape in enumerate(shapes):
        lead = [n if axis == "c" and channels_together else 1 for axis, n in zip(axes, shape[:-2], strict=False)]
        found[f"{k}/zarr.json"] = {
            "shape": list(shape),
            "data_type": dtype,
            "chunk_grid": _named("regular", chunk_shape=[*lead, shard_px(shape[-2]), shard_px(shape[-1])]),
            "chunk_key_encoding": _named("default", separator="/"),
            "fill_value": fill_value,
            "codecs": [_sharding([*lead, CHUNK_PX, CHUNK_PX], np.dtype(dtype).itemsize, role)],
            "attributes": {},
            "dimension_names": list(axes),
            "zarr_format": 3,
            "node_type": "array",
            "storage_transformers": [],
        }
    return {key: json.dumps(value, indent=2, allow_nan=False).encode() for key, value in found.items()}


def _sharding(chunk_shape: list[int], itemsize: int, role: Role) -> dict[str, Any]:
    little = _named("bytes", endian="little")
    packing = (
        _named("zstd", level=3, checksum=False)
        if role == "labels"
        else _named("blosc", typesize=itemsize, cname="zstd", clevel=1, shuffle="shuffle", blocksize=0)
    )
    index = [little, {"name": "crc32c"}]
    return _named("sharding_indexed", chunk_shape=chunk_shape, codecs=[little, packing], index_codecs=index, index_location="end")


def _named(name: str, **configuration: Any) -> dict[str, Any]:
    return {"name": name, "configuration": configuration}


class ShardEncoder:
    """The chunks of one shard, encoded one after the other; the index comes last.

    Parameters
    ----------
    level_size : (int, int)
        Height and width of the level in pixels; decides the extent of its shards.
    role : {"image", "labels"}
        Chooses the codec, as in `store_metadata`.
    """

    def __init__(self, level_size: Sequence[int], role: Role) -> None:
        grid = shard_px(level_size[0]) // CHUNK_PX, shard_px(level_size[1]) // CHUNK_PX
        self._index = np.full((*grid, 2), _ABSENT, dtype="<u8")
        self._offset = 0
        self._role: Role = role

    def chunk(self, row: int, column: int, pixels: NDArray[Any]) -> bytes:
        """Return the bytes of one chunk, to be written next.

        Parameters
        ----------
        row, column : int
            Where it lies in the shard, in chunks.
        pixels : ndarray, shape (y, x) or (c, y, x)
            Smaller than a chunk at the far edges of the level; filled up with zeros.
        """
        part = _encode_chunk(_filled_up(pixels), self._role)
        self._index[row, column] = self._offset, len(part)
        self._offset += len(part)
        return part

    def index(self) -> bytes:
        """Return what ends the shard: where each chunk lies, and the checksum of that."""
        table = self._index.tobytes()
        return bytes(table + google_crc32c.value(table).to_bytes(4, "little"))


def encode_shard(block: NDArray[Any], level_shape: tuple[int, ...], role: Role) -> bytes:
    """Return a whole shard as bytes: all chunks that touch the picture, then the index.

    Parameters
    ----------
    block : ndarray
        The pixels, (y, x) or (c, y, x); smaller than a shard at the far edges of the level.
    level_shape : tuple
        Shape of the level; decides the extent of its shards.
    role : {"image", "labels"}
        Chooses the codec, as in `store_metadata`.
    """
    encoder = ShardEncoder(level_shape[-2:], role)
    parts = []
    for row in range(math.ceil(block.shape[-2] / CHUNK_PX)):
        for column in range(math.ceil(block.shape[-1] / CHUNK_PX)):
            y, x = row * CHUNK_PX, column * CHUNK_PX
            parts.append(encoder.chunk(row, column, block[..., y : y + CHUNK_PX, x : x + CHUNK_PX]))
    return b"".join((*parts, encoder.index()))


def decode_chunk(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], role: Role) -> NDArray[Any]:
    """Return the pixels of one chunk of our own stores, read-only.

    Raises
    ------
    ValueError
        The bytes are not those of such a chunk.
    """
    raw = imagecodecs.zstd_decode(data) if role == "labels" else imagecodecs.blosc_decode(data, numthreads=1)
    return np.frombuffer(raw, dtype=dtype.newbyteorder("<")).reshape(shape)


def read_index(data: bytes, level_size: Sequence[int]) -> NDArray[np.uint64]:
    """Return (offset, length) of each chunk of a shard, shape (rows, columns, 2), from the shard's last `index_size` bytes.

    Raises
    ------
    ValueError
        The checksum is not that of the index.
    """
    if len(data) < 4 or google_crc32c.value(data[:-4]).to_bytes(4, "little") != data[-4:]:
        raise ValueError("the checksum of the index differs")
    grid = shard_px(level_size[0]) // CHUNK_PX, shard_px(level_size[1]) // CHUNK_PX
    return np.frombuffer(data[:-4], dtype="<u8").reshape(*grid, 2)


def _filled_up(pixels: NDArray[Any]) -> NDArray[Any]:
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    if little.shape[-2:] == (CHUNK_PX, CHUNK_PX):
        return np.ascontiguousarray(little)
    chunk = np.zeros((*little.shape[:-2], CHUNK_PX, CHUNK_PX), dtype=little.dtype)
    chunk[..., : little.shape[-2], : little.shape[-1]] = little
    return chunk


def _encode_chunk(chunk: Any, role: Role) -> bytes:  # Any: the codecs take every buffer, their annotations only some
    if role == "labels":
        return bytes(imagecodecs.zstd_encode(chunk, level=3))
    shuffle = imagecodecs.BLOSC.SHUFFLE.SHUFFLE
    size = chunk.dtype.itemsize
    return bytes(imagecodecs.blosc_encode(chunk, level=1, compressor="zstd", shuffle=shuffle, typesize=size, numthreads=1))


def index_size(shard_shape: Sequence[int]) -> int:
    """Return how many bytes the index of a shard takes, checksum included."""
    rows, columns = shard_shape[-2] // CHUNK_PX, shard_shape[-1] // CHUNK_PX
    return rows * columns * 16 + 4
