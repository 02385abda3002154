"""What a file of annotations is: told by its content, never by its name alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labkit.annotations.label_store import LabelStore, open_label_store
from labkit.errors import InvalidInput, NotFound, UnsupportedFormat
from labkit.formats.coco import is_coco, read_coco
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Collection, features_from_json, parse_json
from labkit.formats.labeller import is_labeller, read_labeller
from labkit.formats.labels import LabelFile, probe_labels
from labkit.formats.ome_zarr_source import is_zarr
from labkit.formats.voc import read_voc
from labkit.formats.yolo import CLASSES_NAME, is_yolo, read_class_names, read_yaml_names, read_yolo
from labkit.storage import explain_os_errors

__all__ = ["ForeignFile", "sniff_annotations"]

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_YAML_NAME = "data.yaml"


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """The objects of a file whose format is that of some program, the name of the file and of the format."""

    name: str
    format: Literal["geojson", "labeller", "coco", "yolo", "voc"]
    collection: Collection


def sniff_annotations(path: Path, picture: Picture, *, has_class: bool, shift_auto: bool) -> LabelFile | LabelStore | ForeignFile:
    """Find out what a file of annotations is, and read it unless it is a label image.

    Parameters
    ----------
    path : Path
        A file, or the folder of an OME-Zarr label image.
    picture : Picture
        The image that it is about.
    has_class : bool
        Whether the caller has a class for objects without one.
    shift_auto : bool
        See `labkit.formats.labeller.read_labeller`.

    Raises
    ------
    NotFound
        There is nothing.
    InvalidInput, UnreadableImage, UnsupportedFormat
        It cannot be used.
    """
    with explain_os_errors(path):
        if is_zarr(path):
            return open_label_store(path)
        if not path.is_file():
            raise NotFound(f"{path} is no file.", hint="Check the path.", path=str(path))
        with open(path, "rb") as file:
            head = file.read(64)
        start = head.removeprefix(_BOM).lstrip()[:1]
        if start in (b"{", b"["):
            return _from_json(parse_json(path.read_bytes(), path.name), picture, path.name, shift_auto)
        if start == b"<" or (head[:2] in _UTF_16 and head[2:4].strip(b"\0") == b"<"):
            return ForeignFile(path.name, "voc", read_voc(path.read_bytes(), picture, name=path.name))
        if path.suffix.lower() == ".txt" and _looks_like_yolo(path):
            return ForeignFile(path.name, "yolo", read_yolo(path.read_bytes(), picture, _class_names(path, has_class), name=path.name))
    return _label_file(path)


def _from_json(root: Any, picture: Picture, name: str, shift_auto: bool) -> ForeignFile:
    if is_coco(root):
        return ForeignFile(name, "coco", read_coco(root, picture, name=name))
    if is_labeller(root):
        return ForeignFile(name, "labeller", read_labeller(root, picture, name=name, shift_auto=shift_auto))
    if isinstance(root, list) and any(isinstance(item, dict) and "category_id" in item for item in root):
        raise InvalidInput(f"{name} holds results of COCO, without images and classes.", hint="Put them into a file of COCO instances.")
    return ForeignFile(name, "geojson", features_from_json(root, name=name))


def _looks_like_yolo(path: Path) -> bool:
    with open(path, "rb") as file:
        return is_yolo(file.read(1 << 16).removeprefix(_BOM).decode("utf-8", errors="replace"))


def _class_names(path: Path, has_class: bool) -> tuple[str, ...] | None:
    """Return the names of the classes beside a file of YOLO; None where there are none, and the caller has a class."""
    readers: dict[str, Callable[..., tuple[str, ...]]] = {CLASSES_NAME: read_class_names, _YAML_NAME: read_yaml_names}
    for name, read in readers.items():
        file = path.parent / name
        if file.is_file():
            return read(file.read_bytes(), name=name)
    if has_class:
        return None
    raise InvalidInput(
        f"{path.name} has numbers of classes, and there are no names beside it.",
        hint=f"Put {CLASSES_NAME} (a name per line) or {_YAML_NAME} into its folder, or name the class of all objects (--class NAME).",
    )


def _label_file(path: Path) -> LabelFile:
    try:
        return probe_labels(path)
    except UnsupportedFormat as error:
        message = error.message.replace("label image", "label image and no GeoJSON, Labeller, COCO, VOC or YOLO file")
        raise UnsupportedFormat(message, hint=error.hint, path=str(path)) from error
