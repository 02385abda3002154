"""Which objects of a student's document are which of the hidden one, and what is to be said of the others, where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from labkit.annotations.agreement import knows
from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.overlap import Similar, match_pairs, similar_pairs
from labkit.courses.records import AnnotationTask, PinnedComment
from labkit.geometry import Box, Point, Shape, bounds, covering_box, rasterise

__all__ = ["MOST_COMMENTS", "Findings", "compare_objects", "place_of"]

MOST_COMMENTS = 60
_TOUCHES = 0.1  # from this IoU on two objects are meant to be the same, however badly one is outlined
_GOOD = 0.7
_LARGEST_PX = 2048


@dataclass(frozen=True, slots=True)
class Findings:
    """How the objects of two documents go together.

    Attributes
    ----------
    matched : int
        Objects that are there in both, of one class.
    missed, extra : int
        Objects of the hidden document without a partner, and of the student's.
    badly : int
        Of both, those that nearly are a pair: of another class, or with another outline.
    comments : tuple of PinnedComment
        At most `MOST_COMMENTS`.
    """

    matched: int
    missed: int
    extra: int
    badly: int
    comments: tuple[PinnedComment, ...]

    @property
    def average_precision(self) -> float | None:
        """Matched / (matched + missed + extra), as in `labkit.analysis.matching`; None without any object."""
        total = self.matched + self.missed + self.extra
        return self.matched / total if total else None


def compare_objects(gold: Document, given: Document, picture: Box, task: AnnotationTask, names: Sequence[str]) -> Findings:
    """Match the objects of the hidden document with those that were handed in.

    Parameters
    ----------
    gold, given : Document
        Of one image. What the hidden one does not know (see `labkit.annotations.raster`) is not judged.
    picture : Box
        The image.
    names : sequence of str
        Names of the classes 1, 2, ...
    """
    ours, theirs = ([item for item in document.objects if item.kind != "area"] for document in (gold, given))
    pairs = [*_near(ours, theirs, task), *_touching(ours, theirs, picture)]
    same = [pair for pair in pairs if ours[pair.first].class_id == theirs[pair.second].class_id]
    matched = match_pairs([pair for pair in same if pair.iou >= task.iou_threshold])
    firsts, seconds = {pair.first for pair in matched}, {pair.second for pair in matched}
    nearly = match_pairs([pair for pair in pairs if pair.first not in firsts and pair.second not in seconds])
    near = {pair.first for pair in nearly}, {pair.second for pair in nearly}
    missed = [k for k in range(len(ours)) if k not in firsts]
    alone = [k for k in range(len(theirs)) if k not in seconds]
    extra = alone if gold.finished else [k for k in alone if k in near[1] or knows(gold, theirs[k], picture)]
    loose = [pair for pair in matched if pair.iou < _GOOD and not _is_point(ours[pair.first]) and not _is_point(theirs[pair.second])]
    said = [
        *((ours[k], _there_is(names, ours[k])) for k in missed if k not in near[0]),
        *((theirs[pair.second], _nearly(pair, names, ours, theirs)) for pair in nearly),
        *((theirs[k], "There is no such object here.") for k in extra if k not in near[1]),
        *((theirs[pair.second], f"The outline could be closer: {_share(pair)}.") for pair in sorted(loose, key=lambda pair: pair.iou)),
    ]
    comments = tuple(_comment(item, text) for item, text in said[:MOST_COMMENTS])
    return Findings(len(matched), len(missed), len(extra), len(nearly), comments)


def _touching(ours: Sequence[AnnotationObject], theirs: Sequence[AnnotationObject], picture: Box) -> Iterator[Similar]:
    """Yield the pairs of objects that are no points and touch."""
    first, second = ([k for k, item in enumerate(items) if not _is_point(item)] for items in (ours, theirs))
    for pair in similar_pairs([ours[k] for k in first], [theirs[k] for k in second], picture, _TOUCHES):
        yield Similar(first[pair.first], second[pair.second], pair.iou)


def _near(ours: Sequence[AnnotationObject], theirs: Sequence[AnnotationObject], task: AnnotationTask) -> Iterator[Similar]:
    """Yield the pairs of which one is a point and that lie near each other, as if their IoU were the larger the nearer they are."""
    if not ours or not theirs:
        return
    first, second = (KDTree([_centre(item.shape) for item in items]) for items in (ours, theirs))
    for i, neighbours in enumerate(first.query_ball_tree(second, task.tolerance_px)):
        for j in neighbours:
            if _is_point(ours[i]) or _is_point(theirs[j]):
                away = math.dist(first.data[i], second.data[j]) / task.tolerance_px
                yield Similar(i, j, 1.0 - (1.0 - task.iou_threshold) * min(1.0, away))


def _is_point(item: AnnotationObject) -> bool:
    return isinstance(item.shape, Point)


def _centre(shape: Shape) -> tuple[float, float]:
    y0, x0, y1, x1 = bounds(shape)
    return (y0 + y1) / 2, (x0 + x1) / 2


def place_of(shape: Shape) -> tuple[float, float]:
    """Return a place (y, x) on a shape, in pixels: the pixel nearest to its middle, so that a pin never stands in a hole."""
    box = covering_box(shape)
    if isinstance(shape, Point) or not box.area_px or max(box.shape) > _LARGEST_PX:
        return _centre(shape)
    y, x = np.nonzero(rasterise(shape, box))
    if not len(y):
        return _centre(shape)
    nearest = np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2)
    return float(y[nearest] + box.y0 + 0.5), float(x[nearest] + box.x0 + 0.5)


# Words


def _comment(item: AnnotationObject, text: str) -> PinnedComment:
    y, x = place_of(item.shape)
    return PinnedComment(text=text, y=round(y, 2), x=round(x, 2))


def _there_is(names: Sequence[str], item: AnnotationObject) -> str:
    name = _name(names, item)
    return f"An object is missing here ({name})." if name else "An object is missing here."


def _nearly(pair: Similar, names: Sequence[str], ours: Sequence[AnnotationObject], theirs: Sequence[AnnotationObject]) -> str:
    right, said = _name(names, ours[pair.first]), _name(names, theirs[pair.second])
    return f"This is {right}, not {said}." if right != said else f"The outline does not fit: {_share(pair)}."


def _share(pair: Similar) -> str:
    return f"it shares {math.floor(100 * pair.iou)} % with the right one (IoU)"


def _name(names: Sequence[str], item: AnnotationObject) -> str:
    return names[item.class_id - 1] if item.class_id is not None and item.class_id <= len(names) else ""
