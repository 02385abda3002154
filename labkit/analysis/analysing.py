"""Compare a prediction with what people annotated, measure its objects, and write it all down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from labkit import __version__
from labkit.analysis.baseline import otsu_threshold
from labkit.analysis.matching import MatchScores, ObjectMatcher
from labkit.analysis.measure import ObjectMeasurer, ObjectRow, objects_csv
from labkit.analysis.outlining import as_png, overlay
from labkit.analysis.report import render_report
from labkit.annotations import Document, authors, open_document, rasterise_classes, rasterise_objects
from labkit.datasets import IGNORE, Confusion, TrainingSet, mean_score, open_training_set
from labkit.errors import NotFound
from labkit.events import Artefact, CancelToken, EventSink, Progress, ignore_events
from labkit.geometry import Box, iter_blocks
from labkit.inference import Prediction
from labkit.project import Project
from labkit.storage import Record, save_record, utc_now, write_bytes, write_text
from labkit.tiling import Image, open_flat_image

__all__ = ["Analysis", "AnalysisRecord", "ClassScores", "analyse"]

_TILE_PX = 1024
_OVERLAY_PX = 1024
_SAMPLE_PIXELS = 4_000_000


class ClassScores(Record):
    """Scores of one class; None where it is neither in the truth nor in the prediction."""

    class_id: int
    name: str
    iou: float | None
    dice: float | None


class AnalysisRecord(Record):
    """``analysis.json``. Scores are None without annotations to compare with.

    ``region`` says where scores were taken: ``test``, the boxes that the model never saw; or ``all``, everything annotated
    (then `seen_in_training` says whether the model learned from this picture).
    """

    format: Literal[1] = 1
    prediction: str
    image: str
    model: str
    author: str | None
    region: Literal["test", "all"]
    boxes: tuple[tuple[int, int, int, int], ...]
    seen_in_training: bool
    scored_pixels: int
    dice: float | None
    iou: float | None
    mean_iou: float | None
    classes: tuple[ClassScores, ...]
    otsu_dice: float | None
    objects_true: int | None
    objects_predicted: int
    matching: MatchScores | None
    objects_in_picture: int
    pixel_size_um: tuple[float, float] | None
    software: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Analysis:
    """The numbers, and the rows of the table of objects."""

    record: AnalysisRecord
    objects: tuple[ObjectRow, ...]
    prediction: Prediction


def analyse(
    project: Project,
    prediction: Prediction,
    *,
    author: str | None = None,
    region: Literal["auto", "all"] = "auto",
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Analysis:
    """Score a prediction against an author's annotations, measure every object, and write table, overlay and report.

    Parameters
    ----------
    author : str, optional
        Whose annotations are the truth; default: the author of the model's training set if it holds the image, else the
        only one who annotated it.
    region : {"auto", "all"}
        ``auto`` scores only the test boxes of the model's training set if the image is in it; ``all`` everything annotated.

    Returns
    -------
    Analysis
        Also written beside the prediction: ``analysis.json``, ``objects.csv``, ``overlay.png``, ``report.html``.

    Raises
    ------
    NotFound
        `author` has annotated nothing in the image.
    """
    cancel = cancel or CancelToken()
    image = open_flat_image(project, prediction.record.image)
    data = _training_set(project, prediction)
    document = _truth(project, prediction, author, data)
    whole = Box.of_shape(*image.levels[0])
    test = data.boxes("test", prediction.record.image) if data and region == "auto" else ()
    seen = data is not None and any(item.image == prediction.record.image for item in data.record.split)
    boxes = test or (whole,)
    rows = _measure(image, prediction, on_event, cancel)
    scores = _Scores(image, prediction, document, on_event, cancel)
    for box in boxes:
        scores.add(box, boxes)
    record = scores.record(region="test" if test else "all", boxes=boxes, seen=seen and not test, measured=len(rows))
    layout = prediction.layout
    view = _view(image, boxes)
    picture = _picture(image, prediction, document, view)
    write_text(layout.objects, objects_csv(rows))
    write_bytes(layout.overlay, as_png(picture))
    write_text(layout.report, render_report(record, prediction.record, rows, as_png(picture), view))
    save_record(layout.analysis, record)
    for name, path in (("objects", layout.objects), ("overlay", layout.overlay), ("report", layout.report)):
        on_event(Artefact(name, str(path.relative_to(project.path))))
    return Analysis(record, rows, prediction)


def _training_set(project: Project, prediction: Prediction) -> TrainingSet | None:
    try:
        return open_training_set(project, prediction.record.training_set)
    except NotFound:
        return None


def _truth(project: Project, prediction: Prediction, author: str | None, data: TrainingSet | None) -> Document | None:
    image = prediction.record.image
    known = authors(project, image)
    if author is None:
        trained = [i.author for i in data.record.images if i.id == image] if data else []
        author = trained[0] if trained else known[0] if len(known) == 1 else None
        if author is None:
            return None
    document = open_document(project, image, author)
    if not document.objects and not document.finished:
        raise NotFound(
            f"{author} has annotated nothing in {prediction.record.image_name!r}.",
            hint="Authors who have: " + (", ".join(known) or "none") + ".",
            author=author,
        )
    return document


def _measure(image: Image, prediction: Prediction, on_event: EventSink, cancel: CancelToken) -> tuple[ObjectRow, ...]:
    labels, classes = prediction.labels, prediction.classes
    measurer = ObjectMeasurer(prediction.record.objects)
    tiles = list(iter_blocks(Box.of_shape(*image.levels[0]), _TILE_PX, _TILE_PX))
    for number, tile in enumerate(tiles, start=1):
        cancel.raise_if_cancelled()
        measurer.add(tile, labels.read(tile), classes.read(tile), _first_channel(image.read(tile)))
        on_event(Progress(number, len(tiles), "tiles", "measuring"))
    return measurer.rows(image.pixel_size_um)


class _Scores:
    """What is counted over the scored boxes."""

    def __init__(self, image: Image, prediction: Prediction, document: Document | None, on_event: EventSink, cancel: CancelToken) -> None:
        self.image, self.prediction, self.document = image, prediction, document
        self.on_event, self.cancel = on_event, cancel
        size = 1 + max((c.id for c in prediction.record.classes), default=0)
        self.confusion, self.otsu = Confusion(max(2, size)), Confusion(2)
        self.matcher = ObjectMatcher()
        self.threshold: float | None = None

    def add(self, box: Box, scored: Sequence[Box]) -> None:
        labels, classes = self.prediction.labels, self.prediction.classes
        for tile in iter_blocks(box, _TILE_PX, _TILE_PX):
            self.cancel.raise_if_cancelled()
            predicted = labels.read(tile)
            if self.document is None:
                self.matcher.add(np.zeros_like(predicted), predicted)
                continue
            truth = rasterise_classes(self.document, tile)
            truth[truth >= len(self.confusion.counts)] = IGNORE  # classes that the model was never taught
            known = truth != IGNORE
            self.confusion.add(truth, classes.read(tile))
            self.matcher.add(rasterise_objects(self.document, tile) * known, predicted * known)
            if self.threshold is None:
                self.threshold = self._threshold(scored)
            above = _first_channel(self.image.read(tile)) > self.threshold
            self.otsu.add(np.where(known, truth > 0, IGNORE), above.astype(np.uint8))

    def _threshold(self, scored: Sequence[Box]) -> float:
        """Return Otsu's threshold of the pixels that are not scored; of all, if nothing else is left."""
        level = next((k for k, (h, w) in enumerate(self.image.levels) if h * w <= _SAMPLE_PIXELS), len(self.image.levels) - 1)
        pixels = _first_channel(self.image.read(level=level))
        rest, scale = np.ones(pixels.shape, bool), 2**level
        for box in scored:
            rest[box.y0 // scale : -(-box.y1 // scale), box.x0 // scale : -(-box.x1 // scale)] = False
        return otsu_threshold(pixels[rest] if rest.any() else pixels)

    def record(self, *, region: Literal["test", "all"], boxes: Sequence[Box], seen: bool, measured: int) -> AnalysisRecord:
        known = self.confusion.pixels > 0
        dice, iou = self.confusion.dice(), self.confusion.iou()
        merged = self.confusion.foreground()
        return AnalysisRecord(
            prediction=self.prediction.key,
            image=self.prediction.record.image_name,
            model=self.prediction.record.model,
            author=self.document.author if self.document else None,
            region=region,
            boxes=tuple(b.as_tuple() for b in boxes),
            seen_in_training=seen,
            scored_pixels=self.confusion.pixels,
            dice=merged.dice()[1] if known else None,
            iou=merged.iou()[1] if known else None,
            mean_iou=mean_score(iou) if known else None,
            classes=tuple(ClassScores(class_id=c.id, name=c.name, iou=iou[c.id], dice=dice[c.id]) for c in self.prediction.record.classes)
            if known
            else (),
            otsu_dice=self.otsu.dice()[1] if known else None,
            objects_true=self.matcher.true_objects if self.document else None,
            objects_predicted=self.matcher.predicted_objects,
            matching=self.matcher.scores() if known else None,
            objects_in_picture=measured,
            pixel_size_um=self.image.pixel_size_um,
            software=f"labkit-studio {__version__}",
            created=utc_now(),
        )


def _view(image: Image, boxes: Sequence[Box]) -> Box:
    """Return the part that is drawn: the whole picture if it is small, else a piece around the middle of the scored region."""
    whole = Box.of_shape(*image.levels[0])
    if max(whole.shape) <= _OVERLAY_PX:
        return whole
    middle = boxes[0]
    y, x = (middle.y0 + middle.y1) // 2, (middle.x0 + middle.x1) // 2
    y0 = max(0, min(y - _OVERLAY_PX // 2, whole.y1 - _OVERLAY_PX))
    x0 = max(0, min(x - _OVERLAY_PX // 2, whole.x1 - _OVERLAY_PX))
    return Box(y0, x0, y0 + _OVERLAY_PX, x0 + _OVERLAY_PX).intersect(whole)


def _picture(image: Image, prediction: Prediction, document: Document | None, view: Box) -> NDArray[np.uint8]:
    truth = rasterise_objects(document, view) if document else None
    return overlay(image.read(view), prediction.labels.read(view), truth, scale=2 if max(view.shape) <= _OVERLAY_PX // 2 else 1)


def _first_channel(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 2 else pixels[0]
