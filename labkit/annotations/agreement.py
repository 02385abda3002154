"""How far two people agree on one image, and how far a document agrees with a reference.

Only pixels that both know count (the background rule): where one of them has not looked, there is nothing to agree on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from labkit.annotations.confusion import Confusion
from labkit.annotations.document import FINISHED, Document
from labkit.annotations.label_images import class_of_labels, upright_labels
from labkit.annotations.label_store import LabelStore, read_label_store
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.overlap import BLOCK_PX, Similar, count_pixels, match_pairs, similar_pairs
from labkit.annotations.raster import IGNORE, rasterise_classes
from labkit.annotations.records import derived_id, object_from_feature
from labkit.annotations.sniffing import ForeignFile, sniff_annotations
from labkit.errors import Conflict, InvalidInput
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Collection, Feature
from labkit.formats.labels import LabelFile
from labkit.geometry import Box, covering_box, iter_blocks, rasterise, vectorise
from labkit.project import ClassRecord, ImageRecord
from labkit.storage import Record

__all__ = ["MATCH_IOU", "Agreement", "ClassAgreement", "ObjectAgreement", "compare_documents", "compare_with_gold", "confusion_of", "knows"]

MATCH_IOU = 0.5
_GOLD = "gold"


class ClassAgreement(Record):
    """Agreement on one class over the pixels that both know; a class that neither has there is undefined (None), not 0 or 1."""

    class_id: int
    name: str
    iou: float | None
    dice: float | None
    first_px: int
    second_px: int
    both_px: int


class ObjectAgreement(Record):
    """Objects matched one to one at an IoU of at least ``threshold``, whatever their classes.

    ``missed`` are those of the first document without a partner, ``extra`` those of the second. An object without a partner counts
    only where the other document knows at least half of its pixels; otherwise it is one of the ``unjudged``. ``mean_iou`` is that of
    the matched, None if there are none.
    """

    threshold: float
    matched: int
    matched_same_class: int
    missed: int
    extra: int
    unjudged: int
    mean_iou: float | None


class Agreement(Record):
    """Agreement of two documents of one image; ``kappa`` is Cohen's over all classes and background, None if undefined.

    Undefined is a kappa without any pixel that both know, and one where both have the same single class everywhere. On ``agreed_px`` of the
    ``known_px`` both have the same class, background included.
    """

    format: Literal[1] = 1
    image_id: str
    first: str
    second: str
    known_px: int
    agreed_px: int
    kappa: float | None
    classes: tuple[ClassAgreement, ...]
    objects: ObjectAgreement


def compare_documents(first: Document, second: Document, image: ImageRecord, classes: Sequence[ClassRecord]) -> Agreement:
    """Return how far two documents of one image agree.

    Parameters
    ----------
    first, second : Document
        Of this image. Only accepted objects count.
    image : ImageRecord
        The image.
    classes : sequence of ClassRecord
        The classes to report on; others that occur are added under their number.

    Raises
    ------
    Conflict
        A document is of another image.
    """
    for document in (first, second):
        if document.image_id != image.id:
            raise Conflict(f"{document.author}'s annotations are of another image.", hint="Compare two documents of one image.")
    picture = Box.of_shape(image.height_px, image.width_px)
    confusion = confusion_of(first, second, picture)
    return Agreement(
        image_id=image.id,
        first=first.author,
        second=second.author,
        known_px=confusion.pixels,
        agreed_px=int(np.trace(confusion.counts)),
        kappa=_kappa(confusion),
        classes=_class_rows(confusion, classes),
        objects=_compare_objects(first, second, picture),
    )


def compare_with_gold(
    document: Document,
    gold_path: Path | str,
    image: ImageRecord,
    classes: Sequence[ClassRecord],
    *,
    class_name: str | None = None,
) -> Agreement:
    """Return how far a document agrees with a file; the document is the first, the file the second. The caller decides what is shown.

    Parameters
    ----------
    document : Document
        Of `image`.
    gold_path : path
        Whatever `import_annotations` reads; classes go by their names. A label image is finished.
    image : ImageRecord
        The image.
    classes : sequence of ClassRecord
        The classes of the document's project.
    class_name : str, optional
        Class of the objects that come without one. A label image needs it unless there is exactly one class.

    Raises
    ------
    NotFound, InvalidInput, UnreadableImage, UnsupportedFormat
        The file cannot be used, or does not fit the image.
    """
    picture = Picture(image.name, image.height_px, image.width_px, image.channels)
    source = sniff_annotations(Path(gold_path), picture, has_class=class_name is not None, shift_auto=False)
    if not isinstance(source, ForeignFile):
        return compare_documents(document, _gold_of_labels(source, image, classes, class_name), image, classes)
    names = [feature.class_name or class_name for feature in source.collection.features]
    known = _with_names(classes, names)
    return compare_documents(document, _gold_of_features(source.collection, image, known, names), image, known)


def confusion_of(first: Document, second: Document, picture: Box) -> Confusion:
    """Return how many pixels both know have which classes, by class (0-254) of the first and of the second.

    Counted block by block; blocks that one of them does not know, or that are background in both, are not rasterised.
    """
    found = Confusion(IGNORE)
    for block in iter_blocks(picture, BLOCK_PX, BLOCK_PX):
        empty = [not _has_objects(document, block) for document in (first, second)]
        if any(nothing and not document.finished for nothing, document in zip(empty, (first, second), strict=True)):
            continue
        if all(empty):
            found.counts[0, 0] += block.area_px
            continue
        a, b = rasterise_classes(first, block), rasterise_classes(second, block)
        found.add(np.where(b == IGNORE, b, a), b)
    return found


def _has_objects(document: Document, block: Box) -> bool:
    return any(document.objects[k].status == "accepted" for k in document.numbers_within(block))


def _kappa(confusion: Confusion) -> float | None:
    """Return Cohen's kappa (Cohen 1960, Educ. Psychol. Meas. 20:37), in whole numbers up to the one division."""
    rows, columns = (confusion.counts.sum(axis=axis).tolist() for axis in (1, 0))
    total, agreed = sum(rows), int(np.trace(confusion.counts))
    by_chance = sum(a * b for a, b in zip(rows, columns, strict=True))
    return (total * agreed - by_chance) / (total * total - by_chance) if total * total != by_chance else None


def _class_rows(confusion: Confusion, classes: Sequence[ClassRecord]) -> tuple[ClassAgreement, ...]:
    names = {item.id: item.name for item in classes}
    first, second = (confusion.counts.sum(axis=axis).tolist() for axis in (1, 0))
    iou, dice = confusion.iou(), confusion.dice()
    ids = [*names, *(number for number in range(1, IGNORE) if iou[number] is not None and number not in names)]
    return tuple(
        ClassAgreement(
            class_id=number,
            name=names.get(number, f"class {number}"),
            iou=iou[number],
            dice=dice[number],
            first_px=first[number],
            second_px=second[number],
            both_px=int(confusion.counts[number, number]),
        )
        for number in ids
    )


# Objects


@dataclass(frozen=True, slots=True)
class _Side:
    """The objects of one document that count, and how many pixels of the picture each covers."""

    document: Document
    objects: list[AnnotationObject]

    @classmethod
    def of(cls, document: Document, picture: Box) -> _Side:
        """Leave out annotated areas, proposals, and what covers no pixel of the picture."""
        own = [item for item in document.objects if item.status == "accepted" and item.kind != "area"]
        return cls(document, [item for item in own if count_pixels(item.shape, picture)])


def _compare_objects(first: Document, second: Document, picture: Box) -> ObjectAgreement:
    ours, theirs = _Side.of(first, picture), _Side.of(second, picture)
    matched = match_pairs(similar_pairs(ours.objects, theirs.objects, picture, MATCH_IOU))
    alone = _without(ours, {pair.first for pair in matched}), _without(theirs, {pair.second for pair in matched})
    missed = sum(knows(second, item, picture) for item in alone[0])
    extra = sum(knows(first, item, picture) for item in alone[1])
    return ObjectAgreement(
        threshold=MATCH_IOU,
        matched=len(matched),
        matched_same_class=sum(_one_class(pair, ours, theirs) for pair in matched),
        missed=missed,
        extra=extra,
        unjudged=len(alone[0]) + len(alone[1]) - missed - extra,
        mean_iou=sum(pair.iou for pair in matched) / len(matched) if matched else None,
    )


def _without(side: _Side, partnered: set[int]) -> list[AnnotationObject]:
    return [item for k, item in enumerate(side.objects) if k not in partnered]


def _one_class(pair: Similar, ours: _Side, theirs: _Side) -> bool:
    class_id = ours.objects[pair.first].class_id
    return class_id is not None and class_id == theirs.objects[pair.second].class_id


def knows(document: Document, item: AnnotationObject, picture: Box) -> bool:
    """Return whether a document knows at least half of the pixels of somebody else's object."""
    known = total = 0
    for block in iter_blocks(covering_box(item.shape).intersect(picture), BLOCK_PX, BLOCK_PX):
        inside = rasterise(item.shape, block)
        total += int(np.count_nonzero(inside))
        known += int(np.count_nonzero(inside & (rasterise_classes(document, block) != IGNORE)))
    return 2 * known >= total


# The reference


def _with_names(classes: Sequence[ClassRecord], names: Sequence[str | None]) -> list[ClassRecord]:
    """Return the classes and, under ids that are free, those that only the reference has."""
    known = {item.name for item in classes}
    missing = [name for name in dict.fromkeys(names) if name is not None and name not in known]
    free = [number for number in range(IGNORE - 1, 0, -1) if number not in {item.id for item in classes}]
    if len(missing) > len(free):
        raise InvalidInput("The reference has too many classes.", hint="At most 254 can be told apart.")
    return [*classes, *(ClassRecord(id=number, name=name) for number, name in zip(free, missing, strict=False))]


def _gold_of_features(collection: Collection, image: ImageRecord, classes: Sequence[ClassRecord], names: Sequence[str | None]) -> Document:
    ids = {item.name: item.id for item in classes}
    objects = [
        _gold_object(feature, number, None if name is None else ids[name])
        for number, (feature, name) in enumerate(zip(collection.features, names, strict=True), 1)
    ]
    tasks = collection.labkit.get("completed_tasks")
    return Document(
        image_id=image.id,
        author=_GOLD,
        completed_tasks=tuple(str(task) for task in tasks) if isinstance(tasks, list) else (),
        objects=tuple({item.id: item for item in objects}.values()),
    )


def _gold_object(feature: Feature, number: int, class_id: int | None) -> AnnotationObject:
    made = object_from_feature(feature, foreign=True, namespace=_GOLD, number=number)
    return made if made.kind == "area" else replace(made, class_id=class_id)


def _gold_of_labels(source: LabelFile | LabelStore, image: ImageRecord, classes: Sequence[ClassRecord], class_name: str | None) -> Document:
    class_id = class_of_labels(classes, class_name)
    labels = upright_labels(image, source)[0] if isinstance(source, LabelFile) else read_label_store(source, image)
    objects = (
        AnnotationObject(id=derived_id(_GOLD, str(number)), kind="polygon", shape=region, class_id=class_id)
        for number, region in vectorise(labels).items()
    )
    return Document(image_id=image.id, author=_GOLD, completed_tasks=(FINISHED,), objects=tuple(objects))
