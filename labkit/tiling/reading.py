"""Reading an image: boxes, lazy xarray, thumbnails."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from labkit.errors import CorruptStore, InvalidInput, LabKitError, NotFound
from labkit.formats.ome_zarr import CHUNK_PX, Role, shard_px
from labkit.geometry import Box
from labkit.project import ImageRecord, Project
from labkit.storage import ImageLayout, ObjectMissing, Objects, is_remote, open_objects
from labkit.tiling.eye import coloured, for_the_eye, over_white
from labkit.tiling.shards import ShardReader

if TYPE_CHECKING:
    import xarray

__all__ = ["Image", "open_flat_image", "open_image", "open_store"]

_BLOCK_PX = 1024  # of the lazy arrays: 2 x 2 chunks
_METADATA = "zarr.json"
_STRETCH_PERCENT = (0.1, 99.9)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An open image, or any other OME-Zarr store (labels, probabilities).

    Attributes
    ----------
    url : str
        Where the OME-Zarr group lies: a path, or an ``s3://`` address.
    record : ImageRecord or None
        The image's record; None for a store that is no image of a project.
    axes : tuple of {"t", "c", "z", "y", "x"}
        In the order of the arrays.
    shapes : tuple of tuple of int
        Shape of each level in the order of `axes`, full resolution first.
    dtype : numpy.dtype
        Of all levels.
    pixel_size_um : (float, float) or None
        Size (y, x) of a full-resolution pixel in micrometres.
    z_step_um, t_step_s : float or None
        Distance between planes, time between frames.
    role : {"image", "labels"}
        Whether the pixels are ids.
    nodata : float or None
        The value that stands for "nothing was measured".
    windows : tuple of (float, float)
        Range of values to show, for each channel; empty where the store does not say.
    colours : tuple of str
        Six hex digits for each channel, in which it is shown; empty where the store does not say.
    """

    url: str
    record: ImageRecord | None
    axes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype[Any]
    pixel_size_um: tuple[float, float] | None
    z_step_um: float | None
    t_step_s: float | None
    role: Role
    nodata: float | None
    windows: tuple[tuple[float, float], ...]
    colours: tuple[str, ...]
    complete: bool
    _reader: ShardReader | _ForeignReader

    @property
    def path(self) -> Path:
        """The folder of the OME-Zarr group.

        Raises
        ------
        InvalidInput
            It lies on an object store.
        """
        if is_remote(self.url):
            raise InvalidInput(f"{self.url} is no folder of this machine.", hint="Use its url.")
        return Path(self.url)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of level 0 in the order of `axes`."""
        return self.shapes[0]

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(height, width) in pixels of each level, full resolution first."""
        return tuple((shape[-2], shape[-1]) for shape in self.shapes)

    @property
    def height_px(self) -> int:
        """Rows at full resolution."""
        return self.shape[-2]

    @property
    def width_px(self) -> int:
        """Columns at full resolution."""
        return self.shape[-1]

    @property
    def channels(self) -> int:
        """Number of channels; 1 where there is no channel axis."""
        return self.shape[self.axes.index("c")] if "c" in self.axes else 1

    @property
    def stack(self) -> tuple[tuple[str, int], ...]:
        """The axes "t" and "z" that it has, with their lengths; empty for a flat picture."""
        return tuple((axis, n) for axis, n in zip(self.axes, self.shape, strict=True) if axis in ("t", "z"))

    @property
    def name(self) -> str:
        """What people call it."""
        return self.record.name if self.record else self.url.rstrip("/").rsplit("/", 1)[-1]

    def read(self, box: Box | None = None, level: int = 0, *, z: int | None = None, t: int | None = None) -> NDArray[Any]:
        """Return pixels (y, x), or (c, y, x) where there is a channel axis.

        Parameters
        ----------
        box : Box, optional
            In pixels of `level`; by default all of it.
        level : int
            0 is full resolution.
        z, t : int, optional
            Which plane and which frame; needed where the image has that axis.

        Raises
        ------
        InvalidInput
            There is no such level or plane, the box leaves the picture, or a plane must be named.
        CorruptStore
            A shard is missing or damaged.
        """
        whole = self._box(level)
        box = whole if box is None else box
        if not whole.contains(box):
            raise InvalidInput(
                f"The box {box.as_tuple()} leaves level {level}, which is {whole.height_px} x {whole.width_px} pixels.",
                hint="Cut the box to the picture first.",
            )
        at = {"z": self._position("z", z), "t": self._position("t", t)}
        lead = tuple(at[axis] for axis in self.axes[:-2] if axis != "c")
        return self._reader.read_planes(self, level, lead, box) if isinstance(self._reader, _ForeignReader) else self._own(level, at, box)

    def _own(self, level: int, at: dict[str, int], box: Box) -> NDArray[Any]:
        reader = self._reader
        if not isinstance(reader, ShardReader):
            raise TypeError("not one of our stores")
        together = dict(zip(self.axes[:-2], reader.lead_chunks, strict=True)).get("c", 0)
        if "c" not in self.axes or together == self.channels:
            found = reader.read(level, tuple(at.get(axis, 0) for axis in self.axes[:-2]), box)
            return found.reshape(((self.channels,) if "c" in self.axes else ()) + box.shape)
        channels = [reader.read(level, tuple(c if axis == "c" else at[axis] for axis in self.axes[:-2]), box) for c in range(self.channels)]
        return np.stack([channel.reshape(box.shape) for channel in channels])

    def _position(self, axis: str, index: int | None) -> int:
        length = dict(self.stack).get(axis)
        if length is None:
            if index:
                raise InvalidInput(f"{self.name} has no axis {axis}.", hint=f"Leave {axis} out.")
            return 0
        if index is None:
            raise InvalidInput(f"{self.name} has {length} planes along {axis}.", hint=f"Say which: {axis}=0 to {axis}={length - 1}.")
        if not 0 <= index < length:
            raise InvalidInput(f"{self.name} has no plane {axis}={index}.", hint=f"There are {axis}=0 to {axis}={length - 1}.")
        return index

    def alpha(self) -> Image | None:
        """Return the alpha of each pixel as an image of one channel; None where all pixels are opaque."""
        if self.record is None or not self.record.alpha:
            return None
        return _open(self.url.rstrip("/").rsplit("/", 1)[0] + "/" + ImageLayout(Path()).alpha.name, None)

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
            where the pixel size is known, else in full-resolution pixels; ``z`` and ``t`` hold positions in micrometres and seconds,
            else numbers; ``attrs["unit"]`` of each says which.
        """
        import dask.array
        import xarray

        self._box(level)
        shape = self.shapes[level]
        chunks = (*(n if axis == "c" else 1 for axis, n in zip(self.axes, shape[:-2], strict=False)), _BLOCK_PX, _BLOCK_PX)
        lazy = dask.array.from_array(  # type: ignore[no-untyped-call]
            _LazyLevel(self, level), chunks=chunks, asarray=False, fancy=False, name=False
        )
        unit = "px" if self.pixel_size_um is None else "micrometer"
        coords: dict[str, Any] = {}
        for axis, count, size in zip("yx", shape[-2:], self.pixel_size_um or (1.0, 1.0), strict=True):
            coords[axis] = (axis, (np.arange(count) + 0.5) * 2**level * size, {"unit": unit})
        for axis, step, unit in (("z", self.z_step_um, "micrometer"), ("t", self.t_step_s, "second")):
            if axis in self.axes:
                count = shape[self.axes.index(axis)]
                coords[axis] = (axis, np.arange(count) * (step or 1), {"unit": unit if step else "index"})
        if "c" in self.axes:
            names = self.record.channel_names if self.record else ()
            usual = ["red", "green", "blue"] if self.channels == 3 else list(range(self.channels))
            coords["c"] = list(names) if len(names) == self.channels else usual
        return xarray.DataArray(lazy, dims=self.axes, coords=coords, name=self.name, attrs={"level": level})

    def thumbnail(self, max_px: int = 256) -> NDArray[np.uint8]:
        """Return a small picture for people, uint8 (height, width, 3), its longer side at most `max_px`.

        Pixels of more than 8 bits are stretched between their 0.1 and 99.9 percentiles, labels get colours, what is transparent
        is white. Of a stack it is the middle plane; of several channels the first three as red, green and blue.
        """
        level = max((k for k, size in enumerate(self.levels) if max(size) >= max_px), default=0)
        middle: dict[str, int] = {axis: length // 2 for axis, length in self.stack}
        pixels = self.read(level=level, z=middle.get("z"), t=middle.get("t"))
        height, width = self.levels[level]
        factor = min(1.0, max_px / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        if self.role == "labels":
            picture = PillowImage.fromarray(coloured(pixels))
            return np.asarray(picture.resize(size, PillowImage.Resampling.NEAREST))
        shown = np.moveaxis(self._for_the_eye(pixels.reshape(-1, height, width)), 0, -1)
        if alpha := self.alpha():
            shown = over_white(shown, alpha.read(level=level))
        return np.asarray(PillowImage.fromarray(np.ascontiguousarray(shown)).resize(size, PillowImage.Resampling.BOX))

    def _for_the_eye(self, pixels: NDArray[Any]) -> NDArray[np.uint8]:
        """Return (c, y, x) of any type as red, green and blue of 8 bits."""
        return for_the_eye(pixels, self.windows or (self._percentiles(pixels[:3]),))

    def _percentiles(self, pixels: NDArray[Any]) -> tuple[float, float]:
        if pixels.dtype == np.uint8:
            return 0.0, 255.0
        valid = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
        valid = valid if self.nodata is None else valid[valid != np.asarray(self.nodata).astype(valid.dtype)]
        low, high = np.percentile(valid, _STRETCH_PERCENT) if valid.size else (0.0, 1.0)
        return float(low), float(high)

    def thumbnail_png(self, max_px: int = 256) -> bytes:
        """Return `thumbnail` as the bytes of a PNG file."""
        file = io.BytesIO()
        PillowImage.fromarray(self.thumbnail(max_px)).save(file, "PNG")
        return file.getvalue()

    def _box(self, level: int) -> Box:
        if not 0 <= level < len(self.shapes):
            raise InvalidInput(f"There is no level {level}.", hint=f"The levels are 0 to {len(self.shapes) - 1}.")
        return Box.of_shape(*self.levels[level])


@dataclass(frozen=True, slots=True)
class _ForeignReader:
    """Reads a store that something else wrote, by zarr; what is not stored are zeros there."""

    arrays: tuple[Any, ...]

    def read_planes(self, image: Image, level: int, lead: tuple[int, ...], box: Box) -> NDArray[Any]:
        at = iter(lead)
        index = [slice(None) if axis == "c" else next(at) for axis in image.axes[:-2]]
        try:
            return np.asarray(self.arrays[level][(*index, *box.slices)])
        except Exception as error:  # zarr and its codecs raise many kinds for damaged bytes
            raise _not_readable(image.url, f"level {level} cannot be decoded ({type(error).__name__})") from error


def _not_readable(url: str, why: str) -> CorruptStore:
    return CorruptStore(
        f"{url} is damaged: {why}.", hint="Run 'labkit verify' on it; restore it from a backup or import it again.", path=url
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
        picked = [_picked(n, part) for n, part in zip(self.shape, key, strict=True)]
        if not all(picked):
            return np.empty([len(p) for p, part in zip(picked, key, strict=True) if isinstance(part, slice)], dtype=self.dtype)
        rows, columns = picked[-2:]
        box = Box(min(rows), min(columns), max(rows) + 1, max(columns) + 1)
        axes = self._image.axes
        planes = {axis: positions for axis, positions in zip(axes, picked, strict=True) if axis in "tz"}
        found = [self._image.read(box, self._level, **dict(zip(planes, at, strict=True))) for at in itertools.product(*planes.values())]
        pixels = np.stack(found).reshape(*(len(p) for p in planes.values()), *found[0].shape)  # (t, z, c, y, x)
        if "c" in axes:
            pixels = np.moveaxis(pixels, len(planes), axes.index("c"))
            pixels = np.take(pixels, picked[axes.index("c")], axis=axes.index("c"))
        pixels = pixels[..., :: rows.step, :: columns.step]
        return pixels[tuple(slice(None) if isinstance(part, slice) else 0 for part in key)]


def _picked(length: int, part: slice | int) -> range:
    """Return the positions along an axis that a slice or an index picks."""
    everything = range(length)
    return everything[part] if isinstance(part, slice) else range(everything[part], everything[part] + 1)


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
    store = project.layout.image(record.id).store
    return _open(str(store) if record.url is None else f"{record.url}/{store.name}", record)


def open_flat_image(project: Project, key: str) -> Image:
    """Open an image as `open_image` does, for work that knows no planes along z or t.

    Raises
    ------
    InvalidInput
        It is a stack; the errors of `open_image` besides.
    """
    image = open_image(project, key)
    if image.stack:
        axis, length = image.stack[-1]
        raise InvalidInput(
            f"{image.name} has {length} planes along {axis}, and this works on flat pictures.",
            hint="Import its planes as separate images: --pages separate.",
            image_id=image.record.id if image.record else "",
        )
    return image


def open_store(path: Path | str) -> Image:
    """Open an OME-Zarr group by its path or ``s3://`` address: an image, a label image, a probability map.

    Raises
    ------
    NotFound
        There is no zarr group.
    CorruptStore
        It is no OME-Zarr 0.5 multiscale group.
    """
    return _open(str(path) if is_remote(path) else str(Path(path).expanduser()), None)


def _open(url: str, record: ImageRecord | None) -> Image:
    objects = open_objects(url)
    try:
        group = objects.read(_METADATA)
    except ObjectMissing as error:
        raise NotFound(f"{url} is not an OME-Zarr store.", hint="Check the path; it is a folder with a zarr.json.", path=url) from error
    try:
        return _image(url, objects, json.loads(group)["attributes"]["ome"], record)
    except LabKitError:
        raise
    except Exception as error:  # broken JSON, a key that is not there, a level that zarr refuses
        raise CorruptStore(
            f"{url} is not an OME-Zarr 0.5 image.", hint="Run 'labkit verify' on it to see what is wrong.", path=url
        ) from error


def _image(url: str, objects: Objects, ome: dict[str, Any], record: ImageRecord | None) -> Image:
    multiscale = ome["multiscales"][0]
    axes = tuple(str(axis["name"]) for axis in multiscale["axes"])
    units = {axis["name"]: axis.get("unit") for axis in multiscale["axes"]}
    scale = dict(zip(axes, multiscale["datasets"][0]["coordinateTransformations"][0]["scale"], strict=True))
    levels = [json.loads(objects.read(f"{dataset['path']}/{_METADATA}")) for dataset in multiscale["datasets"]]
    shapes = tuple(tuple(int(n) for n in level["shape"]) for level in levels)
    if any(len(shape) != len(axes) for shape in shapes):
        raise ValueError("a level has not the axes of the group")
    role: Role = "labels" if "image-label" in ome else "image"
    metadata = multiscale.get("metadata") or {}
    ours = bool(metadata.get("every_shard_is_stored")) and all(_is_ours(level) for level in levels)
    dtype = np.dtype(str(levels[0]["data_type"]))
    reader: ShardReader | _ForeignReader
    if ours:
        chunk = levels[0]["codecs"][0]["configuration"]["chunk_shape"]
        reader = ShardReader(objects, tuple((s[-2], s[-1]) for s in shapes), tuple(int(n) for n in chunk[:-2]), dtype, role)
    else:
        reader = _ForeignReader(tuple(_open_array(url, str(dataset["path"])) for dataset in multiscale["datasets"]))
    channels = (ome.get("omero") or {}).get("channels", [])
    nodata = metadata.get("nodata")
    return Image(
        url=url,
        record=record,
        axes=axes,
        shapes=shapes,
        dtype=dtype,
        pixel_size_um=(float(scale["y"]), float(scale["x"])) if units["x"] == "micrometer" else None,
        z_step_um=float(scale["z"]) if units.get("z") == "micrometer" else None,
        t_step_s=float(scale["t"]) if units.get("t") == "second" else None,
        role=role,
        nodata=None if nodata is None else float(nodata),
        windows=tuple((float(c["window"]["start"]), float(c["window"]["end"])) for c in channels),
        colours=tuple(str(c.get("color", "FFFFFF")) for c in channels),
        complete=ours,
        _reader=reader,
    )


def _is_ours(level: dict[str, Any]) -> bool:
    """Return whether a level is stored as `labkit.tiling` stores it."""
    shard = level["chunk_grid"]["configuration"]["chunk_shape"][-2:]
    codec = level["codecs"][0]
    inner = codec["configuration"]["chunk_shape"][-2:] if codec["name"] == "sharding_indexed" else None
    return bool(inner == [CHUNK_PX, CHUNK_PX] and list(shard) == [shard_px(n) for n in level["shape"][-2:]])


def _open_array(url: str, level: str) -> Any:
    import zarr

    if not is_remote(url):
        return zarr.open_array(Path(url) / level, mode="r")
    raise InvalidInput(f"{url} was not written by LabKit.", hint="Copy it to this machine and import it.")
