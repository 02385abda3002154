"""Score an annotation document against a hidden one. Pure: bytes in, a `CheckResult` out; whatever is odd is said in words."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.annotations.agreement import confusion_of
from labkit.annotations.document import FINISHED, Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.overlap import count_pixels
from labkit.annotations.records import derived_id, object_from_feature
from labkit.annotations.sniffing import ForeignFile, sniff_annotations
from labkit.courses.annotation_files import check_document
from labkit.courses.annotation_findings import Findings, compare_objects
from labkit.courses.records import AnnotationTask, CheckResult
from labkit.errors import InvalidInput, NotFound
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Collection, read_geojson
from labkit.formats.labels import LabelFile, read_labels
from labkit.geometry import Box, vectorise
from labkit.storage import explain_os_errors, file_sha256

__all__ = ["score_annotation", "score_files"]

_GIVEN, _GOLD = "handed in", "gold"
_WORDS = {"iou": "The IoU", "dice": "The Dice score", "ap": "The average precision", "count_error": "The error of the count"}


def score_files(document: Path | None, gold: Path, task: AnnotationTask) -> CheckResult:
    """Score a document that was handed in; None where it was not.

    Raises
    ------
    InvalidInput, NotFound, UnreadableImage, UnsupportedFormat
        The hidden file cannot be used: that is no student's fault.
    """
    right = _gold_of_file(gold, task)
    _picture(right)
    if document is None:
        return CheckResult(check=task.id, points=0.0, note=f"There are no annotations of {task.image}: {task.path} was not handed in.")
    with explain_os_errors(document):
        return _score(document.read_bytes(), right, task)


def score_annotation(document: bytes, gold: bytes, task: AnnotationTask, image_shape: tuple[int, int] | None = None) -> CheckResult:
    """Score a document against a hidden one.

    A pixel without an object counts as background in what was handed in, whether it was marked as finished or not: who marks only
    what is easy gains nothing. In the hidden document it does unless that has annotated areas; then only these count.

    Parameters
    ----------
    document : bytes
        GeoJSON, as handed in.
    gold : bytes
        GeoJSON, or a label image with an id for each object (then the task names at most one class).
    image_shape : (int, int), optional
        Height and width of the image in pixels.

    Raises
    ------
    InvalidInput, UnreadableImage, UnsupportedFormat
        The hidden document cannot be used.
    """
    task = task if image_shape is None else task.model_copy(update={"shape": image_shape})
    with tempfile.TemporaryDirectory(prefix="labkit-gold-") as folder:
        path = Path(folder, "gold.geojson" if gold.lstrip()[:1] in (b"{", b"[") else "gold")
        path.write_bytes(gold)
        return _score(document, _gold_of_file(path, task), task)


@dataclass(frozen=True, slots=True)
class _Gold:
    """The hidden document with classes 1, 2, ... of `names`, and the shape of the image where it is known."""

    document: Document
    names: tuple[str, ...]
    shape: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Given:
    """What was handed in, as far as it counts, and what is to be said of the rest."""

    document: Document
    remarks: tuple[str, ...]


# What is hidden


def _gold_of_file(path: Path, task: AnnotationTask) -> _Gold:
    if not path.is_file():
        raise NotFound(f"There is no hidden/{task.gold or path.name}.", hint="Put the file there.")
    height, width = task.shape or (0, 0)
    with path.open("rb") as file:
        is_json = file.read(64).lstrip()[:1] in (b"{", b"[")
    if is_json and task.shape is None:
        collection = read_geojson(path.read_bytes(), name=path.name)
        return _gold_of_features(collection, task)
    found = sniff_annotations(path, Picture(task.image, height, width, 1), has_class=True, shift_auto=False)
    if isinstance(found, ForeignFile):
        return _gold_of_features(found.collection, task)
    if not isinstance(found, LabelFile):
        raise InvalidInput("The hidden annotations are a folder.", hint="Export them as GeoJSON, or as a label image in one file.")
    return _gold_of_labels(found, task)


def _gold_of_features(collection: Collection, task: AnnotationTask) -> _Gold:
    names = task.classes or ("object",)
    known = {_folded(name): number for number, name in enumerate(names, 1)} if task.classes else {}
    objects = []
    for number, feature in enumerate(collection.features, 1):
        made = object_from_feature(feature, foreign=True, namespace=_GOLD, number=number)
        class_id = known.get(_folded(feature.class_name or ""), 1 if len(names) == 1 and not feature.class_name else None) if known else 1
        if made.status == "accepted" and (made.kind == "area" or class_id is not None):
            objects.append(replace(made, class_id=None if made.kind == "area" else class_id, z=None))
    is_finished = not any(item.kind == "area" for item in objects)
    return _Gold(_document(objects, _GOLD, finished=is_finished), names, task.shape)


def _gold_of_labels(file: LabelFile, task: AnnotationTask) -> _Gold:
    names = task.classes or ("object",)
    if len(names) > 1:
        hint = "Export them as GeoJSON, which names the class of each object."
        raise InvalidInput(f"A label image does not say which of {len(names)} classes an object has.", hint=hint)
    labels = read_labels(file)
    if labels.size and int(labels.min()) < 0:
        raise InvalidInput("The hidden label image holds negative ids.", hint="Use 0 for background and positive ids.")
    space = file_sha256(file.path)
    objects = [AnnotationObject(derived_id(space, str(n)), "polygon", region, class_id=1) for n, region in vectorise(labels).items()]
    return _Gold(_document(objects, _GOLD, finished=True), names, file.shape)


def _document(objects: Sequence[AnnotationObject], author: str, *, finished: bool) -> Document:
    unique = {item.id: item for item in objects}
    return Document("image", author, completed_tasks=(FINISHED,) if finished else (), objects=tuple(unique.values()))


def _folded(name: str) -> str:
    return name.strip().casefold()


# What was handed in


def _given(data: bytes, task: AnnotationTask, names: Sequence[str], picture: Box | None) -> _Given:
    check_document(data, task.path)
    collection = read_geojson(data, name=task.path)
    known = {_folded(name): number for number, name in enumerate(names, 1)}
    objects: list[AnnotationObject] = []
    others: Counter[str] = Counter()
    outside = proposed = 0
    for number, feature in enumerate(collection.features, 1):
        made = object_from_feature(feature, foreign=True, namespace=_GIVEN, number=number)
        if made.kind == "area":
            continue
        name = feature.class_name or ""
        class_id = 1 if not task.classes or (len(names) == 1 and not name) else known.get(_folded(name))
        if made.status != "accepted":
            proposed += 1
        elif class_id is None:
            others[name] += 1
        elif picture is not None and not count_pixels(made.shape, picture):
            outside += 1
        else:
            objects.append(replace(made, class_id=class_id, z=None))
    remarks = [
        *(f"{_many(count)} of the class {name[:60]!r} {_does(count)} not count." for name, count in others.most_common(3) if name),
        *([f"{_many(others[''])} without a class {_does(others[''])} not count."] if others[""] else []),
        *([f"{_many(outside)} outside of the picture {_does(outside)} not count."] if outside else []),
        *([f"{_many(proposed)} that nobody accepted {_does(proposed)} not count."] if proposed else []),
    ]
    return _Given(_document(objects, _GIVEN, finished=True), tuple(remarks))


def _many(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"


def _does(count: int) -> str:
    return "does" if count == 1 else "do"


# The score


def _score(data: bytes, gold: _Gold, task: AnnotationTask) -> CheckResult:
    picture = _picture(gold)
    try:
        given = _given(data, task, gold.names, picture)
    except InvalidInput as error:
        return CheckResult(check=task.id, points=0.0, note=error.message[:2000])
    wanted = replace(gold.document, objects=tuple(o for o in gold.document.objects if o.kind == "area" or count_pixels(o.shape, picture)))
    found = compare_objects(wanted, given.document, picture, task, gold.names)
    value = _value(task, wanted, given.document, picture, found)
    points = _points(task, value)
    said = [f"{_WORDS[task.measure]} is {value:.4g}.", *_sentences(found, given.document), *given.remarks]
    return CheckResult(
        check=task.id, points=points, value=value, note=" ".join(said)[:2000], comments=found.comments if task.comments else ()
    )


def _picture(gold: _Gold) -> Box:
    """Return the image; where its shape is not known, what the hidden objects reach over, and as much again."""
    if gold.shape is not None:
        return Box.of_shape(*gold.shape)
    boxes = gold.document.boxes
    if not len(boxes):
        raise InvalidInput(
            "The hidden annotations hold no object, and the task does not say how large the image is.", hint="Give its shape."
        )
    return Box(0, 0, max(1, 2 * int(boxes[:, 2].max())), max(1, 2 * int(boxes[:, 3].max())))


def _value(task: AnnotationTask, gold: Document, given: Document, picture: Box, found: Findings) -> float:
    if task.measure == "ap":
        precision = found.average_precision
        return 1.0 if precision is None else precision  # nothing was to be found, and nothing was marked
    if task.measure == "count_error":
        wanted, drawn = (Counter(item.class_id for item in document.objects if item.kind != "area") for document in (gold, given))
        wrong = sum(abs(wanted[key] - drawn[key]) for key in wanted | drawn)
        return wrong / max(1, sum(wanted.values()))
    confusion = confusion_of(gold, given, picture)
    scores = confusion.iou() if task.measure == "iou" else confusion.dice()
    present = [score for score in scores[1:] if score is not None]
    return math.fsum(present) / len(present) if present else 1.0


def _points(task: AnnotationTask, value: float) -> float:
    if not task.thresholds:
        return task.points * (max(0.0, 1.0 - value) if task.measure == "count_error" else value)
    reached = [points for bound, points in task.thresholds if (value <= bound if task.measure == "count_error" else value >= bound)]
    return min(max(reached, default=0.0), task.points)


def _sentences(found: Findings, given: Document) -> list[str]:
    if not given.objects:
        return ["Nothing is annotated in it."]
    missed, extra = found.missed - found.badly, max(0, found.extra - found.badly)
    return [
        *([f"{_many(missed)} {_was(missed)} missed."] if missed > 0 else []),
        *([f"{_many(extra)} {_is(extra)} too many."] if extra else []),
        *([f"{_many(found.badly)} {_is(found.badly)} badly outlined, or of another class."] if found.badly else []),
    ]


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
