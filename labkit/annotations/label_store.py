"""Objects as an OME-Zarr label image, and back.

Source: OME-NGFF 0.5, "image-label": the colour and the properties of each value, and the image that it lies on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.raster import rasterise_objects
from labkit.errors import AlreadyExists, InvalidInput
from labkit.events import EventSink, Log
from labkit.formats.ome_zarr_source import image_label, open_ome_zarr, read_ome_zarr
from labkit.formats.raster import decoder_errors
from labkit.geometry import Box
from labkit.project import ClassRecord, ImageRecord, Project
from labkit.storage import explain_os_errors, is_remote, publish_folder, scratch_folder
from labkit.tiling import write_pyramid

__all__ = ["LabelStore", "open_label_store", "read_label_store", "write_label_store"]

_CLASS_KEYS = ("class", "class_name", "class-name", "label", "name")
_MEMORY_BYTES = 2**40  # chunk by chunk: the caller takes the whole picture anyway
_UNKNOWN_RGB = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class LabelStore:
    """A label image in a folder; what it says of its values, by value, and of the whole."""

    path: Path
    properties: Mapping[int, Mapping[str, Any]]
    completed_tasks: tuple[str, ...] | None

    def class_name(self, value: int) -> str | None:
        """Return the class of the object of a value, where the store says it."""
        found = self.properties.get(value, {})
        return next((found[key] for key in _CLASS_KEYS if isinstance(found.get(key), str) and found[key].strip()), None)

    def object_id(self, value: int) -> str | None:
        """Return the id of the object of a value, where the store says it."""
        found = self.properties.get(value, {}).get("object-id")
        return found if isinstance(found, str) else None


# Out


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The number of the object on each pixel, as the pyramid writer wants it; notes which ones there are."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    document: Document
    shown: NDArray[np.bool_]

    def read(self, box: Box) -> NDArray[np.uint32]:
        """Return the numbers in `box`."""
        labels = rasterise_objects(self.document, box)
        self.shown[labels.reshape(-1)] = True
        return labels


def write_label_store(
    project: Project, image: ImageRecord, document: Document, path: Path, on_event: EventSink, *, overwrite: bool
) -> NDArray[np.bool_]:
    """Write the objects as a label image with the levels of the image; object n has the value n.

    Parameters
    ----------
    document : Document
        Without those objects that stay here.
    path : Path
        The folder to write.
    on_event : function
        Gets progress.
    overwrite : bool
        Replace a label image that is there; nothing else is ever replaced.

    Returns
    -------
    ndarray of bool, shape (objects + 1,)
        Which values are in it.

    Raises
    ------
    AlreadyExists
        Something is there.
    """
    path = path.absolute()
    replaces = path.exists()
    if replaces and not (overwrite and path.is_dir() and image_label(path) is not None):
        raise AlreadyExists(f"{path} is there already.", hint="Choose another name, or overwrite a label image on purpose.", path=str(path))
    numbers = _Numbers((image.height_px, image.width_px), np.dtype(np.uint32), document, np.zeros(len(document.objects) + 1, np.bool_))
    facts = _image_label(project, image, document, path)
    with explain_os_errors(path), scratch_folder(path.parent) as scratch:
        write_pyramid(
            numbers,
            scratch / "new",
            role="labels",
            name=path.stem,
            pixel_size_um=image.pixel_size_um,
            levels=len(image.levels),
            image_label=facts,
            on_event=lambda event: None if isinstance(event, Log) else on_event(event),
        )
        if replaces:
            path.rename(scratch / "old")
        try:
            publish_folder(scratch / "new", path)
        except BaseException:
            if replaces:
                (scratch / "old").rename(path)
            raise
    return numbers.shown


def _image_label(project: Project, image: ImageRecord, document: Document, path: Path) -> dict[str, Any]:
    classes = {item.id: item for item in Project.open(project.path).classes}
    numbered = [(number, item) for number, item in enumerate(document.objects, 1) if item.kind != "area"]
    return {
        "version": "0.5",
        "colors": [{"label-value": number, "rgba": [*_rgb(item, classes), 255]} for number, item in numbered],
        "properties": [{"label-value": number, **_properties(item, classes)} for number, item in numbered],
        "source": {"image": _place_of_image(project, image, path)},
        "labkit": {"completed_tasks": list(document.completed_tasks)},
    }


def _rgb(item: AnnotationObject, classes: Mapping[int, ClassRecord]) -> Sequence[int]:
    known = classes.get(item.class_id or 0)
    return _UNKNOWN_RGB if known is None else tuple(bytes.fromhex(known.colour.removeprefix("#")))


def _properties(item: AnnotationObject, classes: Mapping[int, ClassRecord]) -> dict[str, Any]:
    known = classes.get(item.class_id or 0)
    return ({} if known is None else {"class": known.name}) | {"object-id": item.id}


def _place_of_image(project: Project, image: ImageRecord, path: Path) -> str:
    store = project.layout.image(image.id).store
    if image.url is not None and is_remote(image.url):
        return f"{image.url}/{store.name}"
    return os.path.relpath(store if image.url is None else Path(image.url) / store.name, path)


# In


def open_label_store(path: Path) -> LabelStore:
    """Read what a label image in a folder says of itself.

    Raises
    ------
    InvalidInput
        It is another kind of zarr.
    UnreadableImage
        Its metadata is broken.
    """
    with decoder_errors(path):
        label = image_label(path)
    if label is None:
        found = sorted(child.name for child in (path / "labels").iterdir() if child.is_dir()) if (path / "labels").is_dir() else []
        inside = f"Its label images are: {', '.join(f'labels/{name}' for name in found)}." if found else "Name the folder of a label image."
        raise InvalidInput(f"{path.name} is a zarr store, but no label image.", hint=inside, path=str(path))
    records = label.get("properties")
    records = [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []
    own = label.get("labkit")
    tasks = own.get("completed_tasks") if isinstance(own, dict) else None
    return LabelStore(
        path,
        {record["label-value"]: record for record in records if type(record.get("label-value")) is int},
        tuple(task for task in tasks if isinstance(task, str)) if isinstance(tasks, list) else None,
    )


def read_label_store(store: LabelStore, image: ImageRecord) -> NDArray[np.integer]:
    """Return the values of all pixels, shape (height, width).

    Raises
    ------
    InvalidInput
        It is not of the size of the image, or has several planes or fractions.
    UnreadableImage, UnsupportedFormat
        It cannot be decoded.
    """
    with decoder_errors(store.path):
        header = read_ome_zarr(store.path, "labels", {}).pictures[0]
    shape = (header.height_px, header.width_px)
    if shape != (image.height_px, image.width_px):
        facts = f"{store.path.name} is {shape[0]} x {shape[1]} pixels (height x width), the image {image.height_px} x {image.width_px}"
        raise InvalidInput(f"{facts}.", hint="Give the label image of this very picture.", labels=shape)
    if header.planes > 1 or header.channels > 1 or np.dtype(header.dtype).kind not in "iub":
        raise InvalidInput(f"{store.path.name} is not one whole number per pixel.", hint="Give a flat label image.")
    with decoder_errors(store.path), closing(open_ome_zarr(store.path, header, "labels", store.path, _MEMORY_BYTES)) as source:
        labels = source.read(Box.of_shape(*shape))
    if labels.size and int(labels.min()) < 0:
        raise InvalidInput(f"{store.path.name} holds negative ids.", hint="Use 0 for background and positive ids.", path=str(store.path))
    return labels
