"""A small but whole assignment to begin from: find the nuclei of pictures by a threshold, and be scored on a truth that is kept hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import tifffile
from numpy.typing import NDArray

from labkit.courses.cells import CellKind, GradedCell, write_cell
from labkit.courses.names import check_assignment_name
from labkit.courses.notebook import Cell, Notebook, write_notebook
from labkit.courses.sheet import SHEET_FILE
from labkit.storage import new_folder

__all__ = ["Picture", "write_example"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture (y, x) and its label image (y, x)."""

    image: NDArray[Any]
    labels: NDArray[Any]


def write_example(folder: Path, pictures: Mapping[str, Picture]) -> Path:
    """Write the assignment into the new folder `folder`; pictures are public, their labels hidden.

    Raises
    ------
    InvalidInput
        The folder has a name that no assignment can have.
    AlreadyExists
        It is there already.
    """
    check_assignment_name(folder.name)
    with new_folder(folder) as made:
        for part in ("data", "hidden/labels"):
            (made / part).mkdir(parents=True)
        for name, picture in pictures.items():
            tifffile.imwrite(made / "data" / f"{name}.tif", picture.image, compression="zlib", metadata=None)
            tifffile.imwrite(made / "hidden" / "labels" / f"{name}.tif", picture.labels, compression="zlib", metadata=None)
        counts = {name: int(picture.labels.max()) for name, picture in pictures.items()}
        (made / "hidden" / "tests.py").write_text(_TESTS.replace("@COUNTS@", json.dumps(counts, sort_keys=True)), encoding="utf-8")
        (made / SHEET_FILE).write_text(_SHEET, encoding="utf-8")
        (made / "nuclei.ipynb").write_bytes(write_notebook(_notebook()))
    return folder


def _notebook() -> Notebook:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {"cells": list(_cells()), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cells() -> list[Cell]:
    return [
        _words("intro", _INTRO),
        _code("parameters", 'data = "data"  # a graded run sets data, seed, time_s and device here', tags=["parameters"]),
        _code("setup", _SETUP, "locked"),
        _words(
            "part-1",
            "## 1. A threshold\n\nWrite `threshold(picture)`: the brightness above which a pixel belongs to a nucleus, by Otsu's rule.",
        ),
        _code("threshold", _THRESHOLD, "answer"),
        _code("look-1", "threshold(pictures[names[0]])"),
        _code("threshold_test", _THRESHOLD_TEST, "test", 3),
        _words("part-2", "## 2. Nuclei\n\nWrite `segment(picture)`: a label image, 0 for background and 1, 2, 3, ... for the nuclei."),
        _code("segment", _SEGMENT, "answer"),
        _code("segment_test", _SEGMENT_TEST, "test", 2),
        _code("exports", _EXPORTS, "locked"),
        _words("part-3", "## 3. In words\n\nWhere does a single threshold for the whole picture fail, and what would you do about it?"),
        _words("limits", _ANSWER, "hand", 3),
        _words("figure", _TASK, "task", 2),
    ]


def _words(grade_id: str, text: str, kind: CellKind | None = None, points: float | None = None) -> Cell:
    return _cell({"cell_type": "markdown", "id": grade_id, "metadata": {}, "source": dedent(text).strip()}, kind, points)


def _code(grade_id: str, text: str, kind: CellKind | None = None, points: float | None = None, tags: list[str] | None = None) -> Cell:
    metadata = {"tags": tags} if tags else {}
    cell: Cell = {
        "cell_type": "code",
        "id": grade_id,
        "metadata": metadata,
        "source": dedent(text).strip(),
        "outputs": [],
        "execution_count": None,
    }
    return _cell(cell, kind, points)


def _cell(cell: Cell, kind: CellKind | None, points: float | None) -> Cell:
    if kind is None:
        return cell
    return write_cell(cell, GradedCell(kind=kind, grade_id=cell["id"], points=points, locked=kind in ("test", "locked", "task")))


_INTRO = """
    # Nuclei by a threshold

    In `data/` are pictures of nuclei under the fluorescence microscope. You are to find the nuclei in them.

    Fill in what says `YOUR CODE HERE` or `YOUR ANSWER HERE`. Some tests you see; others are run when you have handed in, on what your
    notebook exports.
"""
_SETUP = """
    from pathlib import Path

    import numpy as np
    import tifffile
    from scipy import ndimage

    names = sorted(path.stem for path in Path(data).glob("*.tif"))
    pictures = {name: tifffile.imread(Path(data) / f"{name}.tif") for name in names}
"""
_THRESHOLD = '''
    def threshold(picture):
        """Return the brightness that separates nuclei and background best."""
        ### BEGIN SOLUTION
        counts, edges = np.histogram(picture, bins=256)
        middles = (edges[:-1] + edges[1:]) / 2
        below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
        mean_below = np.cumsum(counts * middles) / np.maximum(below, 1)
        mean_above = (np.cumsum((counts * middles)[::-1]) / np.maximum(above[::-1], 1))[::-1]
        between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
        return middles[np.argmax(between)]
        ### END SOLUTION
'''
_THRESHOLD_TEST = '''
    """The threshold lies between two clear brightnesses."""
    two = np.array([[10] * 50 + [200] * 50])
    assert 10 <= threshold(two) < 200
    ### BEGIN HIDDEN TESTS
    rng = np.random.default_rng(1)
    mixed = np.concatenate([rng.normal(100, 10, 3000), rng.normal(300, 10, 1000)])
    assert 130 < threshold(mixed) < 270, "It must work for any share of bright pixels."
    assert abs(threshold(mixed + 1000) - threshold(mixed) - 1000) < 5, "It must follow a brighter picture."
    ### END HIDDEN TESTS
'''
_SEGMENT = '''
    def segment(picture):
        """Return a label image of the nuclei."""
        ### BEGIN SOLUTION
        smooth = ndimage.gaussian_filter(picture.astype(float), 1.5)
        bright = ndimage.binary_opening(smooth > 0.6 * threshold(smooth), iterations=2)
        labels, _ = ndimage.label(bright)
        return labels
        ### END SOLUTION
'''
_SEGMENT_TEST = '''
    """A label image has the picture's shape, whole numbers, and something in it."""
    found = segment(pictures[names[0]])
    assert found.shape == pictures[names[0]].shape
    assert np.issubdtype(found.dtype, np.integer) and found.min() == 0 and found.max() > 3
'''
_EXPORTS = """
    masks = np.stack([segment(pictures[name]) for name in names])  # (picture, y, x), in the order of the names
    counts = {name: int(len(np.unique(mask)) - 1) for name, mask in zip(names, masks)}
"""
_ANSWER = "Nuclei differ in brightness, and the light is uneven: one threshold loses the dark ones or joins the bright ones."
_TASK = """
    ## 4. A figure

    Below, show one picture with the outlines of your nuclei over it, in as many cells as you like.

    === BEGIN MARK SCHEME ===
    1 point for outlines that fit the picture, 1 for a figure that can be read without its code.
    === END MARK SCHEME ===
"""
_TESTS = '''"""Checks of what is exported. Students never see this file, and their code never runs beside it."""

TRUE_COUNTS = @COUNTS@


def test_counts(counts):
    """At least half of the nuclei are counted, and not half as many again."""
    for name, true in TRUE_COUNTS.items():
        assert name in counts, f"There is no count for {name}."
        assert 0.5 * true <= counts[name] <= 1.5 * true, f"{counts[name]} nuclei in {name} are far from the truth."
'''
_SHEET = """\
title: Nuclei by a threshold
# What leaves a submission as data: a variable of a notebook, or file:PATH for a file that it writes.
exports:
  masks: nuclei:masks
  counts: nuclei:counts
# Carried out on exports only, where no student code is: they cannot be talked round.
checks:
  - id: counts
    title: The number of nuclei
    kind: assertion
    points: 2
    function: tests.py:test_counts
    exports: [counts]
  - id: overlap
    title: Overlap with the true nuclei
    kind: metric
    points: 4
    metric: iou
    labels: labels
    exports: [masks]
    thresholds: [[0.4, 1], [0.5, 2], [0.6, 4]]
limits:
  cell_s: 30
  submission_s: 300
rubric:
  - item: nuclei/limits
    text: Names uneven light or uneven brightness.
    points: 2
  - item: nuclei/limits
    text: Proposes a local threshold, or learning from annotations.
    points: 1
"""
