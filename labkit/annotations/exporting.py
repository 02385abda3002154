"""Annotations to files: GeoJSON, label images and masks; repeated exports are byte-identical."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from labkit.annotations.document import Document
from labkit.annotations.raster import rasterise_classes, rasterise_objects
from labkit.annotations.records import document_bytes
from labkit.annotations.store import authors, open_document, resolve_author
from labkit.errors import AlreadyExists, InvalidInput, NotFound
from labkit.events import EventSink, Log, ignore_events
from labkit.formats.labels import LABEL_SUFFIXES, write_labels
from labkit.geometry import Box
from labkit.project import ImageRecord, Project
from labkit.storage import explain_os_errors, write_bytes

__all__ = ["EXPORT_FORMATS", "ExportFormat", "export_annotations"]

ExportFormat = Literal["geojson", "labels", "mask"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("geojson", "labels", "mask")
_GEOJSON_SUFFIXES = (".geojson", ".json")


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
    """Write the author's document of an image to a file.

    Parameters
    ----------
    project, image
        Where from.
    path : path
        The file to write.
    author : str, optional
        Whose document; by default that of `resolve_author`, or the only one there is.
    format : {"geojson", "labels", "mask"}, optional
        ``geojson`` holds everything, as QuPath reads it. ``labels`` is a label image: object n of the document has the
        number n (uint16, or uint32 in a TIFF or ``.npy`` of more than 65535 objects). ``mask`` is the class of each pixel
        (uint8; 0 background, 255 not known). By default ``geojson`` or ``labels``, by the suffix.
    overwrite : bool
        Replace a file that is there.
    on_event : function
        Gets a warning for each object that the format cannot show.

    Returns
    -------
    Path
        The file, which is whole.

    Raises
    ------
    AlreadyExists
        The file is there, and `overwrite` is not given.
    InvalidInput
        The format is unknown, or does not fit the suffix or the number of objects.
    NotFound
        The author has no document of this image.
    """
    path = Path(path)
    kind = _resolve_format(path, format)
    document = _existing_document(project, image, author)
    _check_target(path, overwrite)
    shape = (image.height_px, image.width_px)
    match kind:
        case "geojson":
            write_bytes(path, document_bytes(document, Project.open(project.path).classes))
        case "labels":
            _write_object_numbers(path, shape, document, on_event)
        case "mask":
            write_labels(path, shape, np.uint8, lambda box: rasterise_classes(document, box))
    return path


def _resolve_format(path: Path, wanted: str | None) -> ExportFormat:
    suffix = path.suffix.lower()
    kind = wanted or ("geojson" if suffix in _GEOJSON_SUFFIXES else "labels" if suffix in LABEL_SUFFIXES else "")
    for known in EXPORT_FORMATS:
        if kind == known:
            if kind != "geojson" and suffix not in LABEL_SUFFIXES:
                raise InvalidInput(f"{path.name} cannot be a label image.", hint=f"Use one of {', '.join(LABEL_SUFFIXES)}.")
            return known
    if wanted is None:
        suffixes = ", ".join((*_GEOJSON_SUFFIXES, *LABEL_SUFFIXES))
        raise InvalidInput(f"The suffix of {path.name} names no format.", hint=f"Use one of {suffixes}.", path=str(path))
    raise InvalidInput(f"There is no format {wanted!r}.", hint=f"Known formats: {', '.join(EXPORT_FORMATS)}.")


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


def _write_object_numbers(path: Path, shape: tuple[int, int], document: Document, on_event: EventSink) -> None:
    count = len(document.objects)
    shown = np.zeros(count + 1, dtype=np.bool_)

    def numbers(box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
        labels = rasterise_objects(document, box)
        shown[labels.reshape(-1)] = True
        return labels

    write_labels(path, shape, np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32, numbers)
    for number, item in enumerate(document.objects, 1):
        if not shown[number]:
            reason = "is an annotated area" if item.kind == "area" else "has no pixel of its own"
            on_event(Log(f"object {item.id} {reason}: it is not in {path.name}", "warning"))
