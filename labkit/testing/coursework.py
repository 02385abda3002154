"""A small assignment with an odd name, as its author keeps it, and what a student makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labkit.client import CourseClient
from labkit.client.course_wire import AssignmentItem, NewAssignment, Receipt
from labkit.client.fetching import fetch_assignment
from labkit.client.handing_in import hand_in
from labkit.client.releasing import release_folder
from labkit.testing.course_service import COURSE

__all__ = ["ASSIGNMENT", "edit_notebook", "hand_in_as", "hand_out", "write_author_folder"]

ASSIGNMENT = "Übung 1 (a) [x]+b"


def _cell(source: str, kind: str = "", grade_id: str = "", points: float = 0.0) -> dict[str, Any]:
    flags = {"answer": (False, True, False), "test": (True, False, True), "hand": (True, True, False)}
    metadata: dict[str, Any] = {}
    if kind:
        grade, solution, locked = flags[kind]
        mark = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked, "task": False}
        metadata = {"nbgrader": mark | ({"points": points} if grade else {})}
    shown = "markdown" if kind == "hand" else "code"
    cell = {"cell_type": shown, "id": grade_id or f"c{abs(hash(source)) % 10**8}", "metadata": metadata, "source": source}
    return cell | ({} if shown == "markdown" else {"outputs": [], "execution_count": None})


def write_author_folder(place: Path, *, hint: str = "", picture: bytes = b"") -> Path:
    """Write the folder of the assignment below `place`: one notebook, data with a space in its name, a helper.

    With the bytes of a `picture` students annotate that, too, for one point; nothing of it is hidden but an empty gold.
    """
    folder = place / ASSIGNMENT
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "my data.csv").write_text("cell,area\n1,20\n2,40\n")
    (folder / "helper.py").write_text("def area(line):\n    return float(line.split(',')[1])\n")
    (folder / "assignment.yaml").write_text("title: Areas of cells\n")
    if picture:
        (folder / "hidden").mkdir(exist_ok=True)
        (folder / "data" / "field.png").write_bytes(picture)
        (folder / "hidden" / "field.geojson").write_text('{"type": "FeatureCollection", "features": []}')
        task = {"id": "field", "title": "Nuclei in the field", "image": "data/field.png", "points": 1, "gold": "field.geojson"}
        (folder / "assignment.yaml").write_text(f"title: Areas of cells\nannotations: [{json.dumps(task)}]\n")
    cells = [
        _cell(f"from helper import area\n# {hint}"),
        _cell(
            "def mean_area(lines):\n    ### BEGIN SOLUTION\n    return sum(map(area, lines)) / len(lines)\n    ### END SOLUTION",
            "answer",
            "mean",
        ),
        _cell("lines = open('data/my data.csv').read().splitlines()[1:]\nassert mean_area(lines) == 30", "test", "mean_test", 4),
        _cell("Why is the mean not enough?\n\n### BEGIN SOLUTION\nOne large cell moves it.\n### END SOLUTION", "hand", "why", 2),
    ]
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "ps1.ipynb").write_text(json.dumps(notebook, indent=1))
    return folder


def hand_out(client: CourseClient, folder: Path, name: str = ASSIGNMENT) -> AssignmentItem:
    """Release an assignment, which is made if it is not there yet."""
    known = [item for item in client.assignments(COURSE) if item.name == name]
    item = known[0] if known else client.create_assignment(COURSE, NewAssignment(name=name))
    release_folder(client, item, folder)
    return client.assignment(item.id)


def edit_notebook(path: Path, source: str, *, cell: int = 1) -> None:
    """Write a student's code into a cell."""
    notebook = json.loads(path.read_text())
    notebook["cells"][cell]["source"] = source
    path.write_text(json.dumps(notebook, indent=1))


def hand_in_as(client: CourseClient, item: AssignmentItem, base: Path) -> Receipt:
    """Fetch an assignment below `base` and hand it in, each notebook with a cell more: all is sent, data too."""
    folder = fetch_assignment(client, client.assignment(item.id), base=base).folder
    for path in folder.root.glob("*.ipynb"):
        notebook = json.loads(path.read_text())
        extra: dict[str, Any] = {
            "cell_type": "code",
            "id": f"more-{base.name}",
            "metadata": {},
            "source": f"{base.name!r}",
            "outputs": [],
            "execution_count": None,
        }
        notebook["cells"].append(extra)
        path.write_text(json.dumps(notebook))
    return hand_in(client, folder)
