"""What looks wrong in a document; it never blocks the rest."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.geometry import Box, bounds, covering_box, rasterise
from labkit.project import ImageRecord

__all__ = ["object_warnings", "validate"]


def validate(document: Document, image: ImageRecord) -> tuple[str, ...]:
    """Return warnings, each naming its object: no pixel, outside the image, no class, a duplicate."""
    duplicates = []
    seen: dict[object, str] = {}
    for item in document.objects:
        first = seen.setdefault((item.kind, item.class_id, item.shape), item.id)
        if first != item.id:
            duplicates.append(f"object {item.id} is the same as object {first}")
    unclassified = [f"object {item.id} has no class" for item in document.objects if item.class_id is None and item.kind != "area"]
    return (*object_warnings(document.objects, image), *duplicates, *unclassified)


def object_warnings(objects: Iterable[AnnotationObject], image: ImageRecord) -> tuple[str, ...]:
    """Return warnings of objects of which no pixel, or not every pixel, is in the image; they are kept as they are."""
    picture = Box.of_shape(image.height_px, image.width_px)
    return tuple(text for item in objects if (text := _place_warning(item, picture)))


def _place_warning(item: AnnotationObject, picture: Box) -> str:
    y0, x0, y1, x1 = bounds(item.shape)
    if y1 < 0 or x1 < 0 or y0 >= picture.y1 or x0 >= picture.x1:
        return f"object {item.id} lies outside the image: rasterises to nothing"
    part = covering_box(item.shape).intersect(picture)
    if not part.area_px or not rasterise(item.shape, part).any():
        return f"object {item.id} covers the centre of no pixel: rasterises to nothing"
    if y0 < 0 or x0 < 0 or y1 > picture.y1 or x1 > picture.x1:
        return f"object {item.id} reaches beyond the image and is clipped there"
    return ""
