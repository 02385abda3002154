"""OME-Zarr 0.4 and 0.5, and a plain zarr array, as something to import: level 0, tile by tile.

Sources: OME-Zarr 0.4 and 0.5 (multiscales, omero, plate), zarr 2 and 3 (metadata of arrays). A store is a folder that anyone may
have written: only paths inside it are followed, and of its codecs only those that cannot run code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import UnreadableImage
from labkit.formats.raster import (
    Option,
    PictureFile,
    Question,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    unreadable,
    unsupported,
)
from labkit.formats.sources import array_header, stack_question
from labkit.geometry import Box

__all__ = ["ZARR_FILES", "image_label", "is_zarr", "open_ome_zarr", "read_ome_zarr"]

ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_METADATA = {*ZARR_FILES, ".zmetadata"}
_UM = {"angstrom": 1e-4, "picometer": 1e-6, "nanometer": 1e-3, "micrometer": 1.0, "millimeter": 1e3}
_UM |= {"centimeter": 1e4, "meter": 1e6, "inch": 25400.0}
_S = {"microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0}
_RGB = ("FF0000", "00FF00", "0000FF")
_MOST_JSON_BYTES = 64 * 2**20
# What unpacks bytes and nothing else. "pickle", among others, would run whatever its chunks say.
_HARMLESS = {"bytes", "blosc", "gzip", "zstd", "zlib", "lz4", "bz2", "lzma", "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3"}
_HARMLESS |= {"shuffle", "bitround", "delta", "fixedscaleoffset", "packbits", "quantize", "astype", "zfpy", "pcodec", "transpose"}
_HARMLESS |= {"sharding_indexed", "endian"}


@dataclass(frozen=True, slots=True)
class _Described:
    """What the metadata of an image says of its level 0: axes with scale and unit, names and colours of channels."""

    place: str
    axes: tuple[str, ...]
    scale: Mapping[str, float]
    units: Mapping[str, str]
    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()


def is_zarr(path: Path) -> bool:
    """Return whether `path` is the folder of a zarr group or array."""
    return path.is_dir() and any((path / name).is_file() for name in ZARR_FILES)


def image_label(path: Path) -> dict[str, Any] | None:
    """Return the ``image-label`` object of a label image, of either version; None where the folder is no label image."""
    found = _ome(path)
    label = found.get("image-label")
    return label if isinstance(label, dict) and found.get("multiscales") else None


def read_ome_zarr(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the metadata of a store; see `labkit.formats.pictures.read_file`."""
    groups = _images_in(path)
    if not groups:
        return _read_plain(path, role, answers)
    questions: list[Question] = []
    names = list(groups)
    if len(groups) > 1:
        options = (Option("all", "all of them, an image each"), *(Option(str(k + 1), name) for k, name in enumerate(groups)))
        questions.append(Question("series", f"The store holds {len(groups)} images. Which do you want?", options, "all"))
        answer = answer_to(questions[0], answers)
        names = names if answer == "all" else [names[int(answer) - 1]]
    headers = []
    for name in names:
        described = _describe(path, name, groups[name])
        header, question = _header(path, described, role, answers)
        title = str(groups[name]["multiscales"][0].get("name") or name) if len(groups) > 1 else ""
        headers.append(replace(header, title=title, pages=len(groups)))
        questions += [question] if question and question.key not in {q.key for q in questions} else []
    return PictureFile("OME-Zarr", tuple(headers), tuple(questions), _labels_note(path, names))


def open_ome_zarr(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open level 0 of a store; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    place, axes, number = header.part.split("|")
    return _Stored(_open_array(path, place), axes.split(",") if axes else [], header, int(number or 0))


def _images_in(path: Path) -> dict[str, dict[str, Any]]:
    """Return the metadata of the images in a store, by the path of their group."""
    own = _ome(path)
    if own.get("multiscales"):
        return {"": own}
    if "plate" in own or "well" in own:
        hint = "Name the folder of one field in it, such as A/1/0."
        raise unsupported(path, "is a plate or well of many fields, which is not imported as a whole", hint)
    children = sorted(path.iterdir(), key=lambda child: (len(child.name), child.name))  # 2 before 10
    return {child.name: found for child in children if child.is_dir() and (found := _ome(child)).get("multiscales")}


def _ome(group: Path) -> dict[str, Any]:
    """Return the OME metadata of a group of either version; empty where it has none."""
    for name in ("zarr.json", ".zattrs"):
        file = group / name
        if not file.is_file():
            continue
        found = _load_json(group, file)
        attributes = found.get("attributes") if name == "zarr.json" else found
        attributes = attributes if isinstance(attributes, dict) else {}
        ome = attributes.get("ome", attributes)
        return ome if isinstance(ome, dict) else {}
    return {}


def _load_json(store: Path, file: Path) -> dict[str, Any]:
    broken = UnreadableImage(f"{file.name} in {store.name} is no JSON.", hint="Make the store again.", path=str(store))
    if file.stat().st_size > _MOST_JSON_BYTES:
        raise broken
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise broken from error
    if not isinstance(found, dict):
        raise broken
    return found


def _describe(path: Path, group: str, ome: Mapping[str, Any]) -> _Described:
    multiscale = ome["multiscales"][0]
    dataset = multiscale["datasets"][0]
    axes = multiscale.get("axes") or ["t", "c", "z", "y", "x"]  # 0.1 and 0.2 had always these five
    names = tuple(str(axis["name"] if isinstance(axis, dict) else axis) for axis in axes)
    units = {str(axis["name"]): str(axis["unit"]) for axis in axes if isinstance(axis, dict) and axis.get("unit")}
    own, shared = _scale_of(dataset), _scale_of(multiscale)
    if len(names) < 2 or any(scale is not None and len(scale) != len(names) for scale in (own, shared)):
        raise unreadable(path, f"its axes ({', '.join(names)}) do not fit its scale")
    scale = {} if own is None else {name: own[k] * (shared[k] if shared else 1.0) for k, name in enumerate(names)}
    channels = (ome.get("omero") or {}).get("channels") or []
    return _Described(
        place="/".join(filter(None, (group, str(dataset["path"])))),
        axes=names,
        scale=scale,
        units=units,
        names=tuple(str(channel.get("label") or "") for channel in channels),
        colours=tuple(str(channel.get("color") or "").upper() for channel in channels),
    )


def _scale_of(node: Mapping[str, Any]) -> list[float] | None:
    for step in node.get("coordinateTransformations") or []:
        if step.get("type") == "scale" and "scale" in step:
            return [float(value) for value in step["scale"]]
    return None


def _header(path: Path, said: _Described, role: Role, answers: Mapping[str, str]) -> tuple[RasterHeader, Question | None]:
    array = _open_array(path, said.place)
    _check_array(path, said.place, array, role)
    lead = said.axes[:-2]
    if len(said.axes) != array.ndim:
        raise unreadable(path, f"its axes ({', '.join(said.axes)}) do not fit its array of shape {array.shape}")
    if said.axes[-2:] != ("y", "x") or not {*lead} <= {"t", "c", "z"} or len({*lead}) < len(lead):
        raise unsupported(path, f"has the axes {', '.join(said.axes)}", "Its last axes must be y and x, the others t, c and z.")
    lengths = dict(zip(said.axes, map(int, array.shape), strict=True))
    coloured, question = _is_coloured(said, lengths, array.dtype, role, answers)
    stack = tuple((axis, lengths[axis]) for axis in ("t", "c", "z") if lengths.get(axis, 1) > 1 and not (axis == "c" and coloured))
    header = array_header("OME-Zarr", array.shape[-2:], array.dtype, channels=3 if coloured else 1, stack=stack)
    named = not coloured and len(said.names) == lengths.get("c", 1)
    return (
        replace(
            header,
            part=f"{said.place}|{','.join(lead)}|",
            pixel_size_um=_pixel_size(said),
            z_step_um=_measure(said, "z", _UM) if lengths.get("z", 1) > 1 else None,
            t_step_s=_measure(said, "t", _S) if lengths.get("t", 1) > 1 else None,
            channel_names=said.names if named and any(said.names) else (),
            channel_colours=said.colours if named and all(len(colour) == 6 for colour in said.colours) else (),
            **_layout(array),
        ),
        question,
    )


def _layout(array: Any) -> dict[str, Any]:
    return {"layout": "tiled", "decode_bytes": 2 * math.prod(map(int, array.chunks)) * int(array.dtype.itemsize)}


def _is_coloured(
    said: _Described, lengths: Mapping[str, int], dtype: np.dtype[Any], role: Role, answers: Mapping[str, str]
) -> tuple[bool, Question | None]:
    """Return whether three channels are red, green and blue: the colours say it, or a question."""
    if role == "labels" or lengths.get("c") != 3 or dtype.name not in ("uint8", "uint16"):
        return False, None
    if said.colours:
        return said.colours == _RGB and dtype.name == "uint8", None
    text = "The image has three channels without colours. Are they red, green and blue?"
    default = "colour" if dtype.name == "uint8" else "pages"
    question = Question("colour", text, (Option("colour", "yes"), Option("pages", "no, three channels of their own")), default)
    return answer_to(question, answers) == "colour", question


def _pixel_size(said: _Described) -> tuple[float, float] | None:
    y, x = _measure(said, "y", _UM), _measure(said, "x", _UM)
    return (y, x) if y and x else None


def _measure(said: _Described, axis: str, factors: Mapping[str, float]) -> float | None:
    """Return the step of an axis; None where it has no scale or no unit."""
    value, factor = said.scale.get(axis, 0.0), factors.get(said.units.get(axis, ""))
    return value * factor if factor and 0 < value < math.inf else None


def _labels_note(path: Path, names: list[str]) -> tuple[str, ...]:
    with_labels = any((path / name / "labels").is_dir() for name in names)
    return ("Label images in the store are not imported with it; name their folders for that.",) if with_labels else ()


def _read_plain(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read a zarr array without OME metadata, or refuse."""
    version_3 = path / "zarr.json"
    is_array = _load_json(path, version_3).get("node_type") == "array" if version_3.is_file() else (path / ".zarray").is_file()
    if not is_array:
        raise unsupported(path, "is a zarr group without an OME-Zarr image", "Name the group that holds the image.")
    array = _open_array(path, "")
    _check_array(path, "", array, role)
    header = replace(array_header("Zarr", array.shape[-2:], array.dtype), **_layout(array))
    if array.ndim == 2:
        return PictureFile("Zarr", (replace(header, part="||"),))
    if array.ndim != 3:
        raise unsupported(path, f"is an array of shape {array.shape}", "Give it as OME-Zarr, which names its axes.")
    count = int(array.shape[0])
    if count == 1:
        return PictureFile("Zarr", (replace(header, part="|n|0"),))
    question = stack_question(count, f"array holds # pages of {array.shape[1]} x {array.shape[2]} values", channels=True)
    match answer_to(question, answers):
        case "separate":
            pictures = tuple(replace(header, part=f"|n|{k}", title=f"page {k + 1}", pages=count) for k in range(count))
        case "first":
            pictures = (replace(header, part="|n|0", pages=count, notes=(f"Only the first of {count} pages was taken.",)),)
        case "z":
            pictures = (replace(header, part="|z|", stack=(("z", count),)),)
        case "t":
            pictures = (replace(header, part="|t|", stack=(("t", count),)),)
        case _:
            pictures = (replace(header, part="|c|", stack=(("c", count),)),)
    return PictureFile("Zarr", pictures, (question,))


def _open_array(path: Path, place: str) -> Any:
    """Open an array of a store, once its metadata has been seen to be harmless."""
    folder = (path / place).resolve()
    if not folder.is_relative_to(path.resolve()):
        raise unreadable(path, "it refers to something outside of itself", "Make the store again.")
    for codec in _codecs(path, folder):
        if codec.removeprefix("numcodecs.") not in _HARMLESS:
            raise unsupported(path, f"is packed by {codec!r}, which is not unpacked", "Write it again with blosc, zstd or gzip.")
    import zarr

    return zarr.open_array(folder, mode="r")


def _codecs(path: Path, folder: Path) -> Iterator[str]:
    """Yield the names of all codecs of an array, also of those in shards."""
    if (folder / "zarr.json").is_file():
        waiting = list(_load_json(path, folder / "zarr.json").get("codecs") or [])
    elif (folder / ".zarray").is_file():
        found = _load_json(path, folder / ".zarray")
        waiting = [*(found.get("filters") or []), *filter(None, [found.get("compressor")])]
    else:
        raise unreadable(path, "its array of full size is missing", "Copy the whole folder again.")
    while waiting:
        codec = waiting.pop()
        if not isinstance(codec, dict):
            codec = {"name": codec}
        yield str(codec.get("name") or codec.get("id"))
        configuration = codec.get("configuration")
        if isinstance(configuration, dict):
            waiting += [*(configuration.get("codecs") or []), *(configuration.get("index_codecs") or [])]


def _check_array(path: Path, place: str, array: Any, role: Role) -> None:
    if array.dtype.kind not in "uifb":
        hint = "Save its magnitude." if array.dtype.kind == "c" else "Save whole numbers or floats."
        raise unsupported(path, f"holds values of type {array.dtype}", hint)
    if array.ndim < 2 or not all(array.shape):
        raise unreadable(path, f"its array of shape {array.shape} holds no picture")
    folder = path / place
    # Single chunks may be missing, which stands for the fill value, and so may all of a label image without an object; an image
    # without any was copied without its pixels.
    if role == "image" and all(file.name in _METADATA for file in folder.rglob("*") if file.is_file()):
        raise unreadable(path, "its pixels are missing: there is only metadata", "Copy the whole folder again.")


class _Stored:
    """Level 0 of a store, each plane by its position."""

    def __init__(self, array: Any, lead: list[str], header: RasterHeader, number: int) -> None:
        self._array, self._lead, self._header, self._number = array, lead, header, number
        self._lengths = [length for _, length in header.stack]
        size = header.height_px, header.width_px
        self.shape: tuple[int, ...] = size if header.channels == 1 else (header.channels, *size)
        self.dtype = np.dtype(header.dtype)
        self.piece_px = tuple(int(n) for n in array.chunks[-2:])

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        indices = np.unravel_index(plane, self._lengths) if self._lengths else ()
        at: dict[str, int] = {axis: int(index) for (axis, _), index in zip(self._header.stack, indices, strict=True)}
        inside = [slice(None) if axis == "c" and self._header.channels > 1 else at.get(axis, self._number) for axis in self._lead]
        return np.asarray(self._array[(*inside, *box.slices)]).astype(self.dtype, copy=False)

    def close(self) -> None:
        return
