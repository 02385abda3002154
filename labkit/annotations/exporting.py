"""Annotations to files: GeoJSON, label images and masks, and the formats of other programs; repeated exports are byte-identical."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.document import Document
from labkit.annotations.label_store import write_label_store
from labkit.annotations.raster import rasterise_classes, rasterise_objects
from labkit.annotations.records import document_bytes, feature_of
from labkit.annotations.store import authors, open_document, resolve_author
from labkit.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from labkit.events import EventSink, Log, ignore_events
from labkit.formats.coco import write_coco
from labkit.formats.exchange import Picture, Tell, lost_facts
from labkit.formats.geojson import Collection, Feature
from labkit.formats.labeller import write_labeller
from labkit.formats.labels import LABEL_SUFFIXES, write_labels
from labkit.formats.voc import write_voc
from labkit.formats.yolo import CLASSES_NAME, read_class_names, write_class_names, write_yolo
from labkit.geometry import Box
from labkit.project import ImageRecord, Project
from labkit.storage import explain_os_errors, write_bytes

__all__ = ["EXPORT_FORMATS", "ExportFormat", "export_annotations"]

ExportFormat = Literal["geojson", "labels", "mask", "labeller", "coco", "yolo", "yolo-seg", "voc", "ome-zarr"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
_SUFFIXES: Mapping[ExportFormat, tuple[str, ...]] = {
    "geojson": (".geojson", ".json"),
    "labels": LABEL_SUFFIXES,
    "mask": LABEL_SUFFIXES,
    "labeller": (".json",),
    "coco": (".json",),
    "yolo": (".txt",),
    "yolo-seg": (".txt",),
    "voc": (".xml",),
    "ome-zarr": (".zarr", ""),
}
_LABELLER_END = "__labels.json"  # beside an image, where Labeller looks for them


def export_annotations(
    project: Project,
    image: ImageRecord,
    path: Path | str,
    *,
    author: str | None = None,
    format: ExportFormat | None = None,  # noqa: A002 - the word that people know from the command line
    overwrite: bool = False,
    on_event: EventSink = ignore_events,
) -> Path:
    """Write the author's document of an image to a file: the objects that are accepted, no proposals.

    Parameters
    ----------
    project, image
        Where from.
    path : path
        The file to write.
    author : str, optional
        Whose document; by default that of `resolve_author`, or the only one there is.
    format : {"geojson", "labels", "mask", "labeller", "coco", "yolo", "yolo-seg", "voc", "ome-zarr"}, optional
        ``geojson`` holds everything, as QuPath reads it. ``labels`` is a label image: object n of the document has the
        number n (uint16, or uint32 in a TIFF or ``.npy`` of more than 65535 objects). ``mask`` is the class of each pixel
        (uint8; 0 background, 255 not known). ``labeller`` is a file of Django Labeller, ``coco`` the instances of COCO, ``voc`` the boxes
        of Pascal VOC. ``yolo`` are boxes, ``yolo-seg`` outlines; the names of the classes go into ``classes.txt`` beside the file.
        ``ome-zarr`` is a folder: a label image with the levels of the image. By default the format follows from the ending.
    overwrite : bool
        Replace a file that is there.
    on_event : function
        Gets a warning for each object of which the format cannot hold something, or all.

    Returns
    -------
    Path
        The file, which is whole.

    Raises
    ------
    AlreadyExists
        The file is there, and `overwrite` is not given.
    Conflict
        For YOLO: the folder has a ``classes.txt`` with other names.
    InvalidInput
        The format is unknown, or does not fit the suffix or the number of objects.
    NotFound
        The author has no document of this image.
    """
    path = Path(path)
    kind = _resolve_format(path, format)
    document = _existing_document(project, image, author)
    if kind != "ome-zarr":
        _check_target(path, overwrite)
    _WRITERS[kind](_Export(project, image, document, path, kind, overwrite, on_event))
    return path


@dataclass(frozen=True, slots=True)
class _Export:
    """What is written where."""

    project: Project
    image: ImageRecord
    document: Document
    path: Path
    format: ExportFormat
    overwrite: bool
    on_event: EventSink

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self.image.height_px, self.image.width_px

    @property
    def picture(self) -> Picture:
        """The image as the formats know it."""
        return Picture(self.image.name, *self.shape, self.image.channels)

    @property
    def accepted(self) -> Document:
        """The document without what somebody still has to decide on, or has rejected."""
        return replace(self.document, objects=tuple(item for item in self.document.objects if item.status == "accepted"))

    @property
    def tell(self) -> Tell:
        """Where remarks on objects go."""
        return lambda text: self.on_event(Log(text, "warning"))

    def class_names(self) -> tuple[str, ...]:
        """Return all classes, in the order of the project."""
        return tuple(item.name for item in Project.open(self.project.path).classes)

    def features(self) -> tuple[Feature, ...]:
        """Return the accepted objects as features."""
        classes = {item.id: item for item in Project.open(self.project.path).classes}
        return tuple(feature_of(item, classes) for item in self.accepted.objects)


def _resolve_format(path: Path, wanted: str | None) -> ExportFormat:
    kind = wanted or _usual_format(path)
    for known in EXPORT_FORMATS:
        if kind == known:
            _check_name(path, known)
            return known
    if wanted is None:
        suffixes = ", ".join(dict.fromkeys(suffix for known in EXPORT_FORMATS for suffix in _SUFFIXES[known] if suffix))
        raise InvalidInput(f"The suffix of {path.name} names no format.", hint=f"Use one of {suffixes}.", path=str(path))
    raise InvalidInput(f"There is no format {wanted!r}.", hint=f"Known formats: {', '.join(EXPORT_FORMATS)}.")


def _usual_format(path: Path) -> str:
    """Return the format that an ending stands for; the first in the list where it may be several."""
    if path.name.endswith(_LABELLER_END):
        return "labeller"
    suffix = path.suffix.lower()
    return next((known for known in EXPORT_FORMATS if suffix and suffix in _SUFFIXES[known]), "")


def _check_name(path: Path, kind: ExportFormat) -> None:
    suffix = path.suffix.lower()
    if kind != "geojson" and suffix not in _SUFFIXES[kind]:
        what = "a label image" if kind in ("labels", "mask") else f"a file of the format {kind}"
        hint = f"Use one of {', '.join(suffix for suffix in _SUFFIXES[kind] if suffix)}."
        raise InvalidInput(f"{path.name} cannot be {what}.", hint=hint)
    if kind in ("yolo", "yolo-seg") and path.name.lower() == CLASSES_NAME:
        raise InvalidInput(f"{path.name} is the name of the file with the classes.", hint="Name the file after the image.")


def _check_target(path: Path, overwrite: bool) -> None:
    with explain_os_errors(path):
        if path.exists() and (path.is_dir() or not overwrite):
            raise AlreadyExists(f"{path} is there already.", hint="Choose another name, or overwrite it on purpose.", path=str(path))
        if path.parent.exists() and not path.parent.is_dir():
            raise NotFound(f"{path.parent} is not a folder.", hint="Check the path.", path=str(path))


def _existing_document(project: Project, image: ImageRecord, author: str | None) -> Document:
    known = authors(project, image.id)
    chosen = known[0] if author is None and len(known) == 1 else resolve_author(author)
    if chosen not in known:
        names = ", ".join(known) or "nobody"
        raise NotFound(f"{chosen} has no annotations of {image.name}.", hint=f"Annotated by: {names}.", author=chosen)
    return open_document(project, image.id, chosen)


# Writers


def _write_geojson(export: _Export) -> None:
    write_bytes(export.path, document_bytes(export.accepted, Project.open(export.project.path).classes))


def _write_object_numbers(export: _Export) -> None:
    document = export.document
    count = len(document.objects)
    shown = np.zeros(count + 1, dtype=np.bool_)

    def numbers(box: Box) -> NDArray[np.uint32]:
        labels = rasterise_objects(document, box)
        shown[labels.reshape(-1)] = True
        return labels

    write_labels(export.path, export.shape, np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32, numbers)
    _tell_of_pixels(export, document, shown)


def _write_class_mask(export: _Export) -> None:
    write_labels(export.path, export.shape, np.uint8, lambda box: rasterise_classes(export.document, box))
    for feature in export.features():
        _tell_of_facts(export, feature)


def _write_store(export: _Export) -> None:
    document = export.accepted
    shown = write_label_store(export.project, export.image, document, export.path, export.on_event, overwrite=export.overwrite)
    _tell_of_pixels(export, document, shown)


def _write_labeller(export: _Export) -> None:
    document = export.accepted
    facts: dict[str, Any] = {"completed_tasks": document.completed_tasks, "metadata": document.metadata}
    collection = Collection(export.features(), facts)
    write_bytes(export.path, write_labeller(collection, export.picture, export.tell, target=export.path.name))


def _write_coco(export: _Export) -> None:
    data = write_coco(export.features(), export.picture, export.class_names(), export.tell, target=export.path.name)
    write_bytes(export.path, data)


def _write_voc(export: _Export) -> None:
    write_bytes(export.path, write_voc(export.features(), export.picture, export.tell, target=export.path.name))


def _write_yolo(export: _Export) -> None:
    names = export.class_names()
    classes = export.path.parent / CLASSES_NAME
    _check_class_names(classes, names)
    form: Literal["boxes", "segments"] = "segments" if export.format == "yolo-seg" else "boxes"
    data = write_yolo(export.features(), export.picture, names, export.tell, form=form, target=export.path.name)
    write_bytes(classes, write_class_names(names))  # first: numbers without names say nothing
    write_bytes(export.path, data)


def _check_class_names(path: Path, names: tuple[str, ...]) -> None:
    """Refuse to give other label files of the folder other classes."""
    with explain_os_errors(path):
        if path.is_file() and read_class_names(path.read_bytes()) != names:
            raise Conflict(
                f"{path} has other classes than the project, and tells the classes of all label files in its folder.",
                hint="Export to another folder, or remove that file if the label files there are exported again.",
                path=str(path),
            )


_WRITERS: Mapping[ExportFormat, Callable[[_Export], None]] = {
    "geojson": _write_geojson,
    "labels": _write_object_numbers,
    "mask": _write_class_mask,
    "labeller": _write_labeller,
    "coco": _write_coco,
    "yolo": _write_yolo,
    "yolo-seg": _write_yolo,
    "voc": _write_voc,
    "ome-zarr": _write_store,
}


def _tell_of_pixels(export: _Export, document: Document, shown: NDArray[np.bool_]) -> None:
    """Tell which objects a label image does not show, and what it does not say of the others."""
    features = {feature.id: feature for feature in export.features()}
    for number, item in enumerate(document.objects, 1):
        if item.status != "accepted":
            continue
        if shown[number]:
            _tell_of_facts(export, features[item.id])
        else:
            reason = "is an annotated area" if item.kind == "area" else "has no pixel of its own"
            export.tell(f"object {item.id} {reason}: it is not in {export.path.name}")


def _tell_of_facts(export: _Export, feature: Feature) -> None:
    if lost := lost_facts(feature, set(), source=False):
        export.tell(f"object {feature.id}: its {', its '.join(lost)} cannot be kept in {export.path.name}")
