"""What looks wrong in a document; it never blocks the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from labkit.annotations.crossings import first_crossing
from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.overlap import count_pixels, similar_pairs
from labkit.geometry import Box, Region, bounds, covering_box, rasterise
from labkit.project import ImageRecord
from labkit.storage import Record

__all__ = ["FaultKind", "ObjectFault", "object_warnings", "validate", "validation_report"]

FaultKind = Literal["outside", "no-pixel", "clipped", "tiny", "self-crossing", "duplicate", "near-duplicate", "no-class", "not-checked"]
_TINY_PX = 2
_NEAR_IOU = 0.95


class ObjectFault(Record):
    """What looks wrong in one object; `words` are for a person and name the object. A ``note`` may well be meant so."""

    object_id: str
    fault: FaultKind
    words: str
    level: Literal["warning", "note"] = "warning"


def validation_report(document: Document, image: ImageRecord) -> tuple[ObjectFault, ...]:
    """Return what looks wrong in the accepted objects of a document: by object, then what two of them share, then missing classes.

    Looked for are objects outside the image, without any pixel, clipped, of two pixels or fewer, with rings that cross; objects
    that are there twice, or nearly so (IoU over 0.95, same class); and objects without a class. An object that cannot be checked
    is a finding itself, and the others are checked all the same.
    """
    objects = [item for item in document.objects if item.status == "accepted"]
    picture = Box.of_shape(image.height_px, image.width_px)
    single = [fault for item in objects for fault in _checked(item, lambda it: [*_place_faults(it, picture), *_ring_faults(it)])]
    broken = {fault.object_id for fault in single if fault.fault == "not-checked"}
    sound = [item for item in objects if item.id not in broken]
    unclassified = [_fault(item, "no-class", "has no class") for item in objects if item.class_id is None and item.kind != "area"]
    return (*single, *_twins(sound, picture), *unclassified)


def validate(document: Document, image: ImageRecord) -> tuple[str, ...]:
    """Return the words of all warnings of `validation_report`; notes are left out."""
    return tuple(fault.words for fault in validation_report(document, image) if fault.level == "warning")


def object_warnings(objects: Iterable[AnnotationObject], image: ImageRecord) -> tuple[str, ...]:
    """Return warnings of objects of which no pixel, or not every pixel, is in the image; they are kept as they are."""
    picture = Box.of_shape(image.height_px, image.width_px)
    return tuple(fault.words for item in objects for fault in _place_faults(item, picture) if fault.level == "warning")


def _fault(item: AnnotationObject, fault: FaultKind, words: str, level: Literal["warning", "note"] = "warning") -> ObjectFault:
    return ObjectFault(object_id=item.id, fault=fault, words=f"object {item.id} {words}", level=level)


def _checked(item: AnnotationObject, check: Callable[[AnnotationObject], Iterable[ObjectFault]]) -> list[ObjectFault]:
    """Return what `check` finds; if it fails on this object, that is what is found."""
    try:
        return list(check(item))
    except Exception as error:  # whatever it is: one bad object must not hide the state of all others
        return [_fault(item, "not-checked", f"cannot be checked ({type(error).__name__})")]


def _place_faults(item: AnnotationObject, picture: Box) -> Iterator[ObjectFault]:
    y0, x0, y1, x1 = bounds(item.shape)
    if y1 < 0 or x1 < 0 or y0 >= picture.y1 or x0 >= picture.x1:
        yield _fault(item, "outside", "lies outside the image: rasterises to nothing")
        return
    pixels = _pixels_up_to(item, picture)
    if not pixels:
        yield _fault(item, "no-pixel", "covers the centre of no pixel: rasterises to nothing")
        return
    if y0 < 0 or x0 < 0 or y1 > picture.y1 or x1 > picture.x1:
        yield _fault(item, "clipped", "reaches beyond the image and is clipped there")
    if pixels <= _TINY_PX and item.kind != "point":
        yield _fault(item, "tiny", f"covers only {pixels} pixel{'s' if pixels > 1 else ''}", "note")


def _pixels_up_to(item: AnnotationObject, picture: Box) -> int:
    """Return how many pixels an object covers; of one that surely has more than a few, not all are counted."""
    part = covering_box(item.shape).intersect(picture)
    middle = Box((part.y0 + part.y1) // 2, (part.x0 + part.x1) // 2, part.y1, part.x1).intersect(part)
    sample = Box(middle.y0, middle.x0, min(middle.y0 + 8, part.y1), min(middle.x0 + 8, part.x1))
    seen = int(rasterise(item.shape, sample).sum()) if sample.area_px else 0
    return seen if seen > _TINY_PX else count_pixels(item.shape, picture)


def _ring_faults(item: AnnotationObject) -> Iterator[ObjectFault]:
    place = first_crossing(item.shape.rings) if isinstance(item.shape, Region) else None
    if place is not None:
        yield _fault(item, "self-crossing", f"crosses its own outline near y {place[0]:.1f}, x {place[1]:.1f}")


def _twins(objects: Sequence[AnnotationObject], picture: Box) -> Iterator[ObjectFault]:
    """Yield objects that are the same as an earlier one, then those that are nearly so."""
    seen: dict[object, str] = {}
    fresh = []
    for item in objects:
        first = seen.setdefault((item.kind, item.class_id, item.z, item.shape), item.id)
        if first == item.id:
            fresh.append(item)
        else:
            yield _fault(item, "duplicate", f"is the same as object {first}")
    for same in _by_class(fresh):
        for pair in similar_pairs(same, None, picture, _NEAR_IOU):
            if pair.iou > _NEAR_IOU:
                earlier, later = same[pair.first], same[pair.second]
                words = f"is nearly the same as object {earlier.id} (they share {100 * pair.iou:.0f} % of their pixels)"
                yield _fault(later, "near-duplicate", words)


def _by_class(objects: Iterable[AnnotationObject]) -> list[list[AnnotationObject]]:
    groups: dict[object, list[AnnotationObject]] = {}
    for item in objects:
        groups.setdefault((item.kind == "area", item.class_id), []).append(item)
    return list(groups.values())
