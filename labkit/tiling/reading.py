"""Reading an image: boxes, lazy xarray, thumbnails."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray
from PIL import Image as PillowImage

from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.formats.ome_zarr import SHARD_PX, Role, index_size, shard_key, shard_px
from labkit.geometry import Box
from labkit.project import ImageRecord, Project

if TYPE_CHECKING:
    import xarray

__all__ = ["Image", "open_image", "open_store"]

_BLOCK_PX = 1024  # of the lazy arrays: 2 x 2 chunks
_STRETCH_PERCENT = (0.1, 99.9)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An open image, or any other OME-Zarr store of ours (labels, probabilities).

    Attributes
    ----------
    path : Path
        The OME-Zarr group.
    record : ImageRecord or None
        The image's record; None for a store that is no image of a project.
    axes : tuple of {"c", "y", "x"}
        In the order of the arrays.
    levels : tuple of (int, int)
        (height, width) in pixels of each level, full resolution first.
    dtype : numpy.dtype
        Of all levels.
    pixel_size_um : (float, float) or None
        Size (y, x) of a full-resolution pixel in micrometres.
    role : {"image", "labels"}
        Whether the pixels are ids.
    """

    path: Path
    record: ImageRecord | None
    axes: tuple[str, ...]
    levels: tuple[tuple[int, int], ...]
    dtype: np.dtype[Any]
    pixel_size_um: tuple[float, float] | None
    role: Role
    complete: bool
    _arrays: tuple[zarr.Array[Any], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of level 0 in the order of `axes`."""
        return tuple(self._arrays[0].shape)

    @property
    def height_px(self) -> int:
        """Rows at full resolution."""
        return self.levels[0][0]

    @property
    def width_px(self) -> int:
        """Columns at full resolution."""
        return self.levels[0][1]

    @property
    def channels(self) -> int:
        """Number of channels; 1 where there is no channel axis."""
        return self.shape[0] if "c" in self.axes else 1

    def read(self, box: Box | None = None, level: int = 0) -> NDArray[Any]:
        """Return pixels in the order of `axes`.

        Parameters
        ----------
        box : Box, optional
            In pixels of `level`; by default all of it.
        level : int
            0 is full resolution.

        Raises
        ------
        InvalidInput
            There is no such level, or the box leaves the picture.
        CorruptStore
            A shard is missing or damaged.
        """
        array, whole = self._level(level)
        box = whole if box is None else box
        if not whole.contains(box):
            raise InvalidInput(
                f"The box {box.as_tuple()} leaves level {level}, which is {whole.height_px} x {whole.width_px} pixels.",
                hint="Cut the box to the picture first.",
            )
        self._check_shards(level, box)
        try:
            return np.asarray(array[(..., *box.slices)])
        except Exception as error:  # zarr and its codecs raise many kinds for damaged bytes
            raise self._corrupt(f"level {level} cannot be decoded ({type(error).__name__})") from error

    def to_xarray(self, level: int = 0) -> xarray.DataArray:
        """Return a level as a lazy (dask-backed) array with coordinates.

        Parameters
        ----------
        level : int
            0 is full resolution.

        Returns
        -------
        xarray.DataArray
            Dims are `axes`. ``y`` and ``x`` hold the centres of the pixels, from the corner of the picture, in micrometres
            where the pixel size is known, else in full-resolution pixels; ``attrs["unit"]`` of both says which.
        """
        import dask.array
        import xarray

        array, _ = self._level(level)
        chunks = (*array.shape[:-2], _BLOCK_PX, _BLOCK_PX)
        lazy = dask.array.from_array(  # type: ignore[no-untyped-call]
            _LazyLevel(self, level), chunks=chunks, asarray=False, fancy=False, name=False
        )
        unit = "px" if self.pixel_size_um is None else "micrometer"
        coords: dict[str, Any] = {}
        for axis, count, size in zip("yx", array.shape[-2:], self.pixel_size_um or (1.0, 1.0), strict=True):
            coords[axis] = (axis, (np.arange(count) + 0.5) * 2**level * size, {"unit": unit})
        if "c" in self.axes:
            coords["c"] = ["red", "green", "blue"] if self.channels == 3 else list(range(self.channels))
        name = self.record.name if self.record else self.path.name
        return xarray.DataArray(lazy, dims=self.axes, coords=coords, name=name, attrs={"level": level})

    def thumbnail(self, max_px: int = 256) -> NDArray[np.uint8]:
        """Return a small picture for people, uint8 (height, width, 3), its longer side at most `max_px`.

        Pixels of more than 8 bits are stretched between their 0.1 and 99.9 percentiles; labels get colours.
        """
        level = max((k for k, size in enumerate(self.levels) if max(size) >= max_px), default=0)
        pixels = self.read(level=level)
        height, width = self.levels[level]
        factor = min(1.0, max_px / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        if self.role == "labels":
            picture = PillowImage.fromarray(_coloured(pixels))
            return np.asarray(picture.resize(size, PillowImage.Resampling.NEAREST))
        rgb = pixels[[0, 1, 2]] if "c" in self.axes and self.channels >= 3 else np.stack([pixels.reshape(-1, height, width)[0]] * 3)
        picture = PillowImage.fromarray(np.ascontiguousarray(np.moveaxis(_eight_bit(rgb), 0, -1)))
        return np.asarray(picture.resize(size, PillowImage.Resampling.BOX))

    def thumbnail_png(self, max_px: int = 256) -> bytes:
        """Return `thumbnail` as the bytes of a PNG file."""
        file = io.BytesIO()
        PillowImage.fromarray(self.thumbnail(max_px)).save(file, "PNG")
        return file.getvalue()

    def _level(self, level: int) -> tuple[zarr.Array[Any], Box]:
        if not 0 <= level < len(self.levels):
            raise InvalidInput(f"There is no level {level}.", hint=f"The levels are 0 to {len(self.levels) - 1}.")
        return self._arrays[level], Box.of_shape(*self.levels[level])

    def _check_shards(self, level: int, box: Box) -> None:
        """Raise where a shard is missing: zarr would read it as zeros."""
        if not self.complete:
            return
        least = index_size((shard_px(self.levels[level][0]), shard_px(self.levels[level][1])))
        for y in range(box.y0 // SHARD_PX, math.ceil(box.y1 / SHARD_PX)):
            for x in range(box.x0 // SHARD_PX, math.ceil(box.x1 / SHARD_PX)):
                key = shard_key(level, (0,) * (len(self.axes) - 2), y, x)
                try:
                    length = (self.path / key).stat().st_size
                except FileNotFoundError:
                    raise self._corrupt(f"the shard {key} is missing") from None
                if length < least:
                    raise self._corrupt(f"the shard {key} is cut short")

    def _corrupt(self, why: str) -> CorruptStore:
        return CorruptStore(
            f"{self.path} is damaged: {why}.",
            hint="Run 'labkit verify' on it; restore it from a backup or import it again.",
            path=str(self.path),
        )


class _LazyLevel:
    """A level as dask wants it: shape, dtype, and slices."""

    def __init__(self, image: Image, level: int) -> None:
        self._image = image
        self._level = level
        self.shape = (*image.shape[:-2], *image.levels[level])
        self.ndim = len(self.shape)
        self.dtype = image.dtype

    def __getitem__(self, key: tuple[slice | int, ...]) -> NDArray[Any]:
        (y0, y1, in_y), (x0, x1, in_x) = (_extent(n, part) for n, part in zip(self.shape[-2:], key[-2:], strict=True))
        return self._image.read(Box(y0, x0, y1, x1), self._level)[(*key[:-2], in_y, in_x)]


def _extent(length: int, key: slice | int) -> tuple[int, int, slice | int]:
    """Return first and last-plus-one of what `key` picks along an axis, and how to pick it from that stretch."""
    if not isinstance(key, slice):
        at = range(length)[key]
        return at, at + 1, 0
    picked = range(length)[key]
    if not picked:
        return 0, 0, slice(0, 0)
    return min(picked[0], picked[-1]), max(picked[0], picked[-1]) + 1, slice(None, None, picked.step)


def open_image(project: Project, key: str) -> Image:
    """Open the image of `project` with this id, or this name if only one has it.

    Raises
    ------
    NotFound
        No image is called so.
    InvalidInput
        Several images have this name.
    CorruptStore
        Its store cannot be opened.
    """
    record = project.image(key)
    return _open(project.layout.image(record.id).store, record)


def open_store(path: Path | str) -> Image:
    """Open an OME-Zarr group by its path: an image, a label image, a probability map.

    Raises
    ------
    NotFound
        There is no zarr group.
    CorruptStore
        It is no OME-Zarr 0.5 multiscale group.
    """
    return _open(Path(path).expanduser(), None)


def _open(path: Path, record: ImageRecord | None) -> Image:
    if not (path / "zarr.json").is_file():
        raise NotFound(f"{path} is not an OME-Zarr store.", hint="Check the path; it is a folder with a zarr.json.", path=str(path))
    try:
        ome = json.loads((path / "zarr.json").read_bytes())["attributes"]["ome"]
        multiscale = ome["multiscales"][0]
        axes = tuple(axis["name"] for axis in multiscale["axes"])
        arrays = tuple(_open_array(path / dataset["path"]) for dataset in multiscale["datasets"])
        scale = multiscale["datasets"][0]["coordinateTransformations"][0]["scale"]
        has_unit = multiscale["axes"][-1].get("unit") == "micrometer"
        levels = tuple((int(a.shape[-2]), int(a.shape[-1])) for a in arrays)
        dtype = np.dtype(arrays[0].dtype)
    except Exception as error:  # broken JSON, a key that is not there, a level that zarr refuses
        raise CorruptStore(
            f"{path} is not an OME-Zarr 0.5 image.", hint="Run 'labkit verify' on it to see what is wrong.", path=str(path)
        ) from error
    return Image(
        path=path,
        record=record,
        axes=axes,
        levels=levels,
        dtype=dtype,
        pixel_size_um=(float(scale[-2]), float(scale[-1])) if has_unit else None,
        role="labels" if "image-label" in ome else "image",
        complete=bool(multiscale.get("metadata", {}).get("every_shard_is_stored")),
        _arrays=arrays,
    )


def _open_array(path: Path) -> zarr.Array[Any]:
    return zarr.open_array(path, mode="r")


def _eight_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    low, high = np.percentile(pixels, _STRETCH_PERCENT)
    scaled = (pixels.astype(np.float32) - low) * (255.0 / max(high - low, 1e-12))
    return np.asarray(np.clip(np.rint(np.nan_to_num(scaled)), 0, 255), dtype=np.uint8)


def _coloured(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Give each id a colour of its own that depends on the id only; 0 stays black."""
    ids = labels.astype(np.uint32)
    mixed = ids * np.uint32(2654435761)  # Knuth's multiplicative hash spreads neighbouring ids
    rgb = np.stack([(mixed >> shift & np.uint32(0xFF)) | np.uint32(0x40) for shift in (8, 16, 24)], axis=-1).astype(np.uint8)
    rgb[ids == 0] = 0
    return rgb
