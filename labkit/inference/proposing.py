"""A model's answer as proposals in somebody's document: each to be accepted, corrected or rejected."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labkit.annotations import AnnotationObject, Document
from labkit.annotations.edits import Edit, put
from labkit.annotations.records import derived_id
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.geometry import Box, Region, iter_blocks, vectorise
from labkit.geometry.combining import simplified
from labkit.inference.prediction import Prediction
from labkit.tiling import Image

__all__ = ["proposals"]

_BLOCK_PX = 2048
_TOLERANCE_PX = 0.75  # outlines lose the stairs of their pixels, and no more


def proposals(
    prediction: Prediction,
    document: Document,
    *,
    author: str,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Edit:
    """Return the edit that adds the objects of a prediction as proposals.

    Parameters
    ----------
    prediction : Prediction
        Of the document's image.
    document : Document
        Objects of this prediction that it knows already, accepted, rejected or still proposed, do not come again.
    author : str
        Whose document it is; the objects' source is ``model:<name>/<version>``.
    on_event, cancel
        Told of progress (unit "objects"); looked at between objects.

    Raises
    ------
    InvalidInput
        The prediction is one of another image.
    Cancelled
        The token was set.
    """
    record = prediction.record
    if record.image != document.image_id:
        raise InvalidInput(f"This prediction is one of {record.image_name}.", hint="Choose a prediction of the image at hand.")
    known = {item.id for item in document.objects}
    labels, classes = prediction.labels, prediction.classes
    cancel = cancel or CancelToken()
    found = []
    for done, (number, region) in enumerate(_outlines(labels), 1):
        cancel.raise_if_cancelled()
        on_event(Progress(done, record.objects, "objects", "propose"))
        object_id = derived_id(f"{record.image}/{record.hash}", str(number))
        if object_id not in known:
            found.append(
                AnnotationObject(
                    id=object_id,
                    kind="polygon",
                    shape=simplified(region, _TOLERANCE_PX),
                    class_id=_class_of(classes, labels, number, region),
                    source=f"model:{record.model}",
                    author=author,
                    created=record.created,
                    status="proposed",
                )
            )
    return put(*found)


def _outlines(labels: Image) -> Iterator[tuple[int, Region]]:
    """Yield the number and exact outline of each object, by number; block by block, so that any picture fits memory."""
    boxes: dict[int, Box] = {}
    for block in iter_blocks(Box.of_shape(labels.height_px, labels.width_px), _BLOCK_PX, _BLOCK_PX):
        for number, box in _boxes(labels.read(block), block):
            boxes[number] = _around(boxes[number], box) if number in boxes else box
    for number in sorted(boxes):
        box = boxes[number]
        inside = (labels.read(box) == number).view(np.uint8)
        yield number, vectorise(inside, (box.y0, box.x0))[1]


def _boxes(pixels: NDArray[np.uint32], block: Box) -> Iterator[tuple[int, Box]]:
    """Yield (number, box) of what is in a block, in pixels of the picture."""
    from scipy import ndimage

    numbers, places = np.unique(pixels, return_inverse=True)
    for number, found in zip(numbers.tolist(), ndimage.find_objects(places.reshape(pixels.shape) + 1), strict=True):
        if number and found is not None:
            rows, columns = found
            yield number, Box(rows.start, columns.start, rows.stop, columns.stop).shift(block.y0, block.x0)


def _around(a: Box, b: Box) -> Box:
    return Box(min(a.y0, b.y0), min(a.x0, b.x0), max(a.y1, b.y1), max(a.x1, b.x1))


def _class_of(classes: Image, labels: Image, number: int, region: Region) -> int | None:
    """Return the commonest class on the object's pixels; None where it has none."""
    y0, x0 = (int(v) for v in np.min([ring.min(axis=0) for ring in region.rings], axis=0))
    y1, x1 = (int(v) for v in np.max([ring.max(axis=0) for ring in region.rings], axis=0))
    box = Box(y0, x0, y1, x1)
    values = classes.read(box)[labels.read(box) == number]
    counts = np.bincount(values[values > 0], minlength=1)
    return int(counts.argmax()) if counts.any() else None
