"""Objects out of label images: files, and OME-Zarr stores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from labkit.annotations.label_store import LabelStore, read_label_store
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.records import derived_id, is_uuid
from labkit.errors import InvalidInput
from labkit.formats.labels import LabelFile, orient_labels, read_labels
from labkit.geometry import Region, vectorise
from labkit.project import ImageRecord, Project
from labkit.storage import file_sha256

__all__ = ["label_objects", "store_objects", "with_classes"]


def label_objects(
    project: Project, image: ImageRecord, file: LabelFile, class_name: str | None, author: str
) -> tuple[list[AnnotationObject], list[str]]:
    """Return the objects of a label image file, and warnings.

    Raises
    ------
    InvalidInput
        It is of another size, holds negative ids, or needs a class.
    UnreadableImage
        It is broken.
    """
    turned = _needed_turn(image, file)
    labels = read_labels(file)
    warnings = []
    if turned > 1:
        labels = orient_labels(labels, turned)
        warnings.append(f"{file.path.name} lies on its side; it was turned as the image was (orientation {turned}).")
    if labels.size and int(labels.min()) < 0:
        raise InvalidInput(f"{file.path.name} holds negative ids.", hint="Use 0 for background and positive ids.", path=str(file.path))
    class_id = _class_of_labels(project, class_name)
    namespace = f"{image.id}/{file_sha256(file.path)}"
    objects = [
        _outlined(derived_id(namespace, str(number)), region, class_id, f"import:{file.kind}", author, number)
        for number, region in vectorise(labels).items()
    ]
    return objects, warnings


def _outlined(object_id: str, region: Region, class_id: int | None, source: str, author: str, number: int) -> AnnotationObject:
    attributes = {"source_id": number}
    return AnnotationObject(object_id, "polygon", region, class_id=class_id, source=source, author=author, attributes=attributes)


def store_objects(project: Project, image: ImageRecord, store: LabelStore, class_name: str | None, author: str) -> list[AnnotationObject]:
    """Return the objects of an OME-Zarr label image, of the classes and with the ids that it names.

    Raises
    ------
    InvalidInput
        It is of another size or kind, or needs a class.
    UnreadableImage, UnsupportedFormat
        It cannot be decoded.
    """
    labels = read_label_store(store, image)
    regions = vectorise(labels)
    names = {number: store.class_name(number) or class_name for number in regions}
    otherwise = _class_of_labels(project, None) if regions and not any(names.values()) else None
    classes = {item.name: item.id for item in with_classes(project, list(names.values())).classes}
    namespace = f"{image.id}/{hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest()}"
    found: dict[str, AnnotationObject] = {}
    for number, region in regions.items():
        own, name = store.object_id(number), names[number]
        object_id = own if own is not None and is_uuid(own) and own not in found else derived_id(namespace, str(number))
        class_id = otherwise if name is None else classes[name]
        found[object_id] = _outlined(object_id, region, class_id, "import:ome-zarr", author, number)
    return list(found.values())


def _needed_turn(image: ImageRecord, file: LabelFile) -> int:
    """Return the orientation to apply so that the labels lie on the image; 1 is as they are."""
    shape = (image.height_px, image.width_px)
    if file.shape == shape:
        return 1
    facts = f"{file.path.name} is {file.shape[0]} x {file.shape[1]} pixels (height x width), the image {shape[0]} x {shape[1]}"
    if file.shape != shape[::-1]:
        raise InvalidInput(f"{facts}.", hint="Give the label image of this very picture.", labels=file.shape, image=shape)
    turn = image.source.get("orientation")
    if file.orientation == 1 and isinstance(turn, int) and 5 <= turn <= 8:  # labels of the picture as stored, before it was turned
        return turn
    raise InvalidInput(
        f"{facts}: height and width are swapped.", hint="Turn the label image by 90 degrees.", labels=file.shape, image=shape
    )


def _class_of_labels(project: Project, class_name: str | None) -> int:
    classes = Project.open(project.path).classes
    if class_name is None:
        if len(classes) == 1:
            return classes[0].id
        known = ", ".join(item.name for item in classes) or "none yet"
        raise InvalidInput("A label image does not say of what class its objects are.", hint=f"Name one (--class NAME). Known: {known}.")
    return project.add_classes([class_name]).class_named(class_name).id


def with_classes(project: Project, names: Sequence[str | None]) -> Project:
    """Return the project with the classes of these names added that it lacks."""
    wanted = [name for name in dict.fromkeys(names) if name is not None]
    return project.add_classes(wanted) if wanted else project
