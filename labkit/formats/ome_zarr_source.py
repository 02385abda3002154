"""OME-Zarr 0.4 and 0.5 (and a plain zarr array) as something to import: level 0, whatever its codecs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import UnreadableImage
from labkit.formats.numpy_file import array_header
from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    StackAxis,
    answer_to,
    unreadable,
    unsupported,
)
from labkit.geometry import Box

__all__ = ["is_zarr", "open_ome_zarr", "read_ome_zarr"]

_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_STACK: dict[str, StackAxis] = {"t": "t", "c": "c", "z": "z"}
_UM = {"angstrom": 1e-4, "nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6}
_S = {"microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0}


def is_zarr(path: Path) -> bool:
    """Return whether `path` is the folder of a zarr group or array."""
    return path.is_dir() and any((path / name).is_file() for name in _FILES)


def read_ome_zarr(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the metadata of a store; see `labkit.formats.pictures.read_file`."""
    groups = _images_in(path)
    if not groups:
        if (array := _plain_array(path)) is not None:
            return PictureFile("Zarr", (_header(path, "", array, _default_axes(path, array), {}, {}, role),))
        raise unsupported(path, "is a zarr group without an OME-Zarr image", "Name the group that holds the image.")
    question = None
    chosen = list(groups)
    if len(groups) > 1:
        options = (Option("all", "all of them, an image each"), *(Option(str(k + 1), name) for k, name in enumerate(groups)))
        question = Question("series", f"The store holds {len(groups)} images. Which do you want?", options, "all")
        answer = answer_to(question, answers)
        chosen = chosen if answer == "all" else [chosen[int(answer) - 1]]
    headers = tuple(_image_header(path, name, groups[name], role, len(groups) > 1) for name in chosen)
    return PictureFile("OME-Zarr", headers, (question,) if question else ())


def open_ome_zarr(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open level 0 of a store; see `labkit.formats.pictures.open_raster`."""
    place, axes = header.part.split("|")
    return _Stored(_open_array(path, place), axes.split(",") if axes else [], header)


def _images_in(path: Path) -> dict[str, dict[str, Any]]:
    """Return the metadata of the images in a store, by the path of their group."""
    own = _ome(path)
    if own.get("multiscales"):
        return {"": own}
    return {child.name: found for child in sorted(path.iterdir()) if child.is_dir() and (found := _ome(child)).get("multiscales")}


def _ome(group: Path) -> dict[str, Any]:
    """Return the OME metadata of a group of either version; empty where it has none."""
    for name in ("zarr.json", ".zattrs"):
        try:
            found = json.loads((group / name).read_bytes())
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise UnreadableImage(f"{group / name} is no JSON.", hint="Make the store again.", path=str(group)) from error
        found = found.get("attributes") or {} if name == "zarr.json" else found
        found = found.get("ome", found)
        return found if isinstance(found, dict) else {}
    return {}


def _image_header(path: Path, group: str, ome: dict[str, Any], role: Role, several: bool) -> RasterHeader:
    multiscale = ome["multiscales"][0]
    dataset = multiscale["datasets"][0]
    place = "/".join(filter(None, (group, str(dataset["path"]))))
    array = _open_array(path, place)
    axes = [str(axis["name"] if isinstance(axis, dict) else axis) for axis in multiscale.get("axes", [])] or ["t", "c", "z", "y", "x"]
    if len(axes) != array.ndim:
        raise unreadable(path, f"its axes {axes} do not fit its array of shape {array.shape}")
    scale = next((step["scale"] for step in dataset.get("coordinateTransformations", []) if step.get("type") == "scale"), [1.0] * len(axes))
    units = {a["name"]: a.get("unit") for a in multiscale.get("axes", []) if isinstance(a, dict)}
    header = _header(path, place, array, axes, dict(zip(axes, map(float, scale), strict=True)), units, role)
    names = tuple(str(c.get("label") or "") for c in (ome.get("omero") or {}).get("channels", []))
    colours = tuple(str(c.get("color") or "").upper() for c in (ome.get("omero") or {}).get("channels", []))
    count = dict(header.stack).get("c", header.channels)
    title = str(multiscale.get("name") or group) if several else ""
    named = len(names) == count and header.channels == 1
    return replace(
        header,
        title=title,
        channel_names=names if named else (),
        channel_colours=colours if named and all(len(c) == 6 for c in colours) else (),
    )


def _header(
    path: Path, place: str, array: Any, axes: list[str], scale: dict[str, float], units: dict[str, str | None], role: Role
) -> RasterHeader:
    if axes[-2:] != ["y", "x"] or any(a not in "tczyx" for a in axes):
        raise unsupported(path, f"has the axes {axes}", "Its last axes must be y and x, the others t, c and z.")
    if array.dtype.kind not in "uifb":
        raise unsupported(path, f"holds values of type {array.dtype}", "Save whole numbers or floats.")
    if not all(array.shape):
        raise unreadable(path, f"its array of shape {array.shape} is empty")
    lengths = dict(zip(axes, (int(n) for n in array.shape), strict=True))
    colour = (
        lengths.get("c") == 3
        and array.dtype.name in ("uint8", "uint16")
        and role == "image"
        and not {"t", "z"} & {a for a in axes if lengths[a] > 1}
    )
    stack = tuple((_STACK[a], lengths[a]) for a in ("t", "c", "z") if lengths.get(a, 1) > 1 and not (a == "c" and colour))
    part = f"{place}|{','.join(axes[:-2])}"
    header = array_header("OME-Zarr", array.shape[-2:], array.dtype, channels=3 if colour else 1, stack=stack, part=part)
    known = [units.get(a) in _UM for a in "yx"]
    size = (scale["y"] * _UM[str(units["y"])], scale["x"] * _UM[str(units["x"])]) if all(known) else None
    chunk = array.chunks
    return replace(
        header,
        pixel_size_um=size,
        z_step_um=scale["z"] * _UM[str(units["z"])] if units.get("z") in _UM else None,
        t_step_s=scale["t"] * _S[str(units["t"])] if units.get("t") in _S else None,
        layout="tiled",
        decode_bytes=2 * int(np.prod(chunk)) * array.dtype.itemsize,
    )


def _plain_array(path: Path) -> Any:
    try:
        return _open_array(path, "")
    except Exception:  # a group, or no array that zarr knows
        return None


def _default_axes(path: Path, array: Any) -> list[str]:
    if array.ndim == 2:
        return ["y", "x"]
    if array.ndim == 3:
        return ["c", "y", "x"] if array.shape[0] <= 4 else ["z", "y", "x"]
    raise unsupported(path, f"is an array of shape {array.shape}", "Give it as OME-Zarr, which names its axes.")


def _open_array(path: Path, place: str) -> Any:
    import zarr

    return zarr.open_array(path / place if place else path, mode="r")


class _Stored:
    """Level 0 of a store, each plane by its position."""

    def __init__(self, array: Any, lead: list[str], header: RasterHeader) -> None:
        self._array, self._lead, self._header = array, lead, header
        self._lengths = [length for _, length in header.stack]
        size = header.height_px, header.width_px
        self.shape: tuple[int, ...] = size if header.channels == 1 else (header.channels, *size)
        self.dtype = np.dtype(header.dtype)
        self.piece_px = tuple(int(n) for n in array.chunks[-2:])

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        at = dict(zip((axis for axis, _ in self._header.stack), np.unravel_index(plane, self._lengths or (1,)), strict=False))
        index = [slice(None) if axis == "c" and self._header.channels > 1 else int(at.get(axis, 0)) for axis in self._lead]  # type: ignore[call-overload]
        return np.asarray(self._array[(*index, *box.slices)]).astype(self.dtype, copy=False)

    def close(self) -> None:
        return
