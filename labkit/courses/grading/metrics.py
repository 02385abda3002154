"""Metrics on hidden pictures: of masks that were handed in, or of a model that is shown pictures its maker never saw."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from labkit.analysis import ObjectMatcher
from labkit.courses.grading.arrays import IMAGE_SUFFIXES, Unusable, read_picture
from labkit.courses.records import Check, CheckResult
from labkit.datasets import Confusion

__all__ = ["measure"]

_MOST_CLASSES = 256
_LARGEST = (1 << 32) - 1


def measure(check: Check, hidden: Path, exports: dict[str, Path]) -> CheckResult:
    """Carry out a metric check.

    Parameters
    ----------
    exports : dict of Path
        The files or folders that the check needs; the first is what is measured.
    """
    truths = _truths(hidden / check.labels)
    exported = next(iter(exports.values()))
    try:
        if _is_model(exported):
            answers = _predicted(
                exported, hidden / check.pictures if check.pictures else None, truths, objects=check.metric in ("ap", "count_error")
            )
        else:
            answers = _masks(exported, truths)
        value = _value(check, truths, answers)
    except Unusable as error:
        return CheckResult(check=check.id, points=0.0, note=str(error)[:2000])
    if value is None:
        return CheckResult(check=check.id, points=0.0, note="There is nothing to measure: neither the truth nor the answer has an object.")
    points = _points(check, value)
    reached = "" if points >= check.points else f"{_WORDS[check.metric]} is {value:.4g}."
    return CheckResult(check=check.id, points=points, value=value, note=reached)


_WORDS = {"iou": "The IoU", "dice": "The Dice score", "ap": "The average precision", "count_error": "The error of the count", "": ""}


def _points(check: Check, value: float) -> float:
    reached = [points for bound, points in check.thresholds if (value <= bound if check.metric == "count_error" else value >= bound)]
    return min(max(reached, default=0.0), check.points)


def _truths(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the hidden label images by the names of their files, without suffixes."""
    found = {name: read_picture(path) for name, path in _files_of(folder).items()}
    if not found:
        raise FileNotFoundError(f"{folder.name} holds no label image")
    return found


def _files_of(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their names without suffixes, in order."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem: path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES}


def _is_model(path: Path) -> bool:
    """Whether an export is a model, and not masks."""
    return path.suffix in (".safetensors", ".zip") or (path.is_dir() and (path / "weights.safetensors").is_file())


def _masks(exported: Path, truths: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the masks that were handed in, one for each truth."""
    if exported.is_dir():
        files = _files_of(exported)
        if missing := sorted(set(truths) - set(files)):
            raise Unusable(f"The mask of {missing[0]} is missing.")
        answers = {name: read_picture(files[name]) for name in truths}
    else:
        array = read_picture(exported)
        several = array.ndim == 3 and len(array) == len(truths)
        if not several and len(truths) != 1:
            raise Unusable(f"{len(truths)} masks are needed: an array ({len(truths)}, y, x), or a folder.")
        answers = dict(zip(truths, array if several else [array], strict=True))
    for name, answer in answers.items():
        if answer.shape != truths[name].shape:
            raise Unusable(f"The mask of {name} has the shape {answer.shape}; it must be {truths[name].shape}.")
        answers[name] = _whole_numbers(answer, name)
    return answers


def _whole_numbers(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        if array.size and int(array.min()) < 0:
            raise Unusable(f"The mask of {name} has numbers below 0.")
    elif not (
        np.issubdtype(array.dtype, np.floating) and np.isfinite(array).all() and (array == np.rint(array)).all() and (array >= 0).all()
    ):
        raise Unusable(f"The mask of {name} must hold whole numbers from 0 on.")
    if array.size and int(array.max()) > _LARGEST:  # it would not be the same number any more
        raise Unusable(f"The mask of {name} has numbers above {_LARGEST}.")
    return array.astype(np.int64)


def _predicted(exported: Path, pictures: Path | None, truths: dict[str, NDArray[Any]], *, objects: bool) -> dict[str, NDArray[Any]]:
    """Show the hidden pictures to a model."""
    from labkit.courses.grading.models import load_model  # torch: only where a model is expected

    if pictures is None or not _files_of(pictures):
        raise Unusable("A model was handed in, but the check has no pictures to show it.")
    model = load_model(exported)
    files = _files_of(pictures)
    answers = {}
    for name, truth in truths.items():
        answer = model.answer(read_picture(files[name]), objects=objects)
        if answer.shape != truth.shape:
            raise Unusable(f"The model's answer for {name} has the shape {answer.shape}; it must be {truth.shape}.")
        answers[name] = answer
    return answers


def _value(check: Check, truths: dict[str, NDArray[Any]], answers: dict[str, NDArray[Any]]) -> float | None:
    if check.metric in ("iou", "dice"):
        return _overlap(check, truths, answers)
    matcher, error, objects = ObjectMatcher(), 0, 0
    for number, (name, truth) in enumerate(truths.items()):
        true, found = _objects(truth), _objects(answers[name])
        matcher.add(_apart(true, number), _apart(found, number))
        error += abs(len(np.unique(found[found > 0])) - len(np.unique(true[true > 0])))
        objects += len(np.unique(true[true > 0]))
    if check.metric == "count_error":
        return error / objects if objects else None
    return matcher.scores(check.iou_threshold).average_precision


def _overlap(check: Check, truths: dict[str, NDArray[Any]], answers: dict[str, NDArray[Any]]) -> float | None:
    """Return the mean over the classes that are there, in the truth or in the answer, without the background."""
    by_class = check.classes
    size = 2
    if by_class:
        size = 1 + max(int(array.max(initial=0)) for array in (*[t[t != 255] for t in truths.values()], *answers.values()))
        if size > _MOST_CLASSES:
            raise Unusable(f"The masks have classes up to {size - 1}.")
    confusion = Confusion(size)
    for name, truth in truths.items():
        answer = answers[name]
        if by_class:
            confusion.add(truth.astype(np.int64), answer)
        else:
            confusion.add((truth > 0).astype(np.int64), (answer > 0).astype(np.int64))
    scores = [score for score in (confusion.iou() if check.metric == "iou" else confusion.dice())[1:] if score is not None]
    return math.fsum(scores) / len(scores) if scores else None


def _objects(array: NDArray[Any]) -> NDArray[np.int64]:
    """Return object ids; of a mask that only says where something is, its connected parts."""
    ids: NDArray[np.int64] = array.astype(np.int64)
    return ndimage.label(ids)[0].astype(np.int64) if int(ids.max(initial=0)) == 1 else ids


def _apart(ids: NDArray[np.int64], picture: int) -> NDArray[np.int64]:
    return np.where(ids > 0, ids % (1 << 40) + picture * (1 << 41), 0)
