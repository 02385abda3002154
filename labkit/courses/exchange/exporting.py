"""Assignments written as a course directory that nbgrader 0.9 opens, gradebook included."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from labkit.courses.assignment import Assignment
from labkit.courses.cells import read_cell, write_cell
from labkit.courses.exchange.course_config import CONFIG_FILE, config_text
from labkit.courses.exchange.gradebook_writing import write_gradebook
from labkit.courses.exchange.importing import EXTRAS
from labkit.courses.exchange.records import CourseRecords
from labkit.courses.notebook import Notebook, cell_text, cells_of, write_notebook
from labkit.courses.regions import TEXT_STUB, code_stub, cut_region
from labkit.courses.sheet import SHEET_FILE
from labkit.courses.student import language_of, refuse_errors, student_version
from labkit.errors import InvalidInput
from labkit.storage import new_folder

__all__ = ["export_course"]

_RELEASE_ENDINGS = ("submitted", "autograded", "feedback")


def export_course(
    assignments: Sequence[Assignment], out: Path, *, course: str = "", records: CourseRecords | None = None, files: Path | None = None
) -> list[str]:
    """Write a course directory for nbgrader: ``source/``, ``release/``, ``submitted/``, ``gradebook.db``, ``nbgrader_config.py``.

    Parameters
    ----------
    assignments : sequence of Assignment
    out : Path
        A folder that is not there yet.
    course : str
        nbgrader's ``course_id``; by default that of the records.
    records : CourseRecords, optional
        People, submissions and scores.
    files : Path, optional
        Folder that the paths of the records' submissions are relative to.

    Returns
    -------
    list of str
        What nbgrader has no place for, in words. Hidden files and sheets are kept in ``labkit/NAME/``, where `import_course` finds them.

    Raises
    ------
    InvalidInput
        An assignment has errors, or two have the same name.
    AlreadyExists
        `out` is there already.
    """
    records = records or CourseRecords()
    course = course or records.course or "course"
    complaints: list[str] = []
    names = {assignment.name: _nbgrader_name(assignment.name, complaints) for assignment in assignments}
    if len(set(names.values())) < len(assignments):
        raise InvalidInput("Two of the assignments have the same name.", hint="Rename the folder of one of them.")
    for assignment in assignments:
        refuse_errors(assignment)
    with new_folder(out) as folder:
        (folder / CONFIG_FILE).write_text(config_text(course), encoding="utf-8")
        for assignment in assignments:
            complaints += _write_assignment(assignment, folder, names[assignment.name])
        if files is not None:
            _write_submissions(records, files, folder, names)
        sources = {names[one.name]: {key: _kept_source(notebook) for key, notebook in one.notebooks.items()} for one in assignments}
        complaints += write_gradebook(folder / "gradebook.db", course, sources, _renamed(records, names))
    return complaints


def _nbgrader_name(name: str, complaints: list[str]) -> str:
    plain = name.replace("+", "_").replace("[", "(").replace("]", ")")
    if plain != name:
        complaints.append(f"{name}: nbgrader does not take '+', '[' and ']' in names; it is called {plain} there.")
    return plain


def _renamed(records: CourseRecords, names: dict[str, str]) -> CourseRecords:
    assignments = tuple(one.model_copy(update={"name": names.get(one.name, one.name)}) for one in records.assignments)
    submissions = tuple(one.model_copy(update={"assignment": names.get(one.assignment, one.assignment)}) for one in records.submissions)
    return records.model_copy(update={"assignments": assignments, "submissions": submissions})


def _write_assignment(assignment: Assignment, folder: Path, name: str) -> list[str]:
    for stage, version in (("source", _upgraded), ("release", student_version)):
        below = folder / stage / name
        below.mkdir(parents=True)
        for notebook_name, notebook in assignment.notebooks.items():
            (below / f"{notebook_name}.ipynb").write_bytes(write_notebook(version(notebook)))
        for path, file in assignment.public.items():
            _copy(file, below / path)
    extras = folder / EXTRAS / name
    sheet = assignment.root / SHEET_FILE
    for file in (*assignment.hidden, *([sheet] if sheet.is_file() else [])):
        _copy(file, extras / file.relative_to(assignment.root))
    checks = assignment.sheet.checks
    if not checks:
        return []
    points = sum(check.points for check in checks)
    return [
        f"{assignment.name}: nbgrader has no checks on exports; {len(checks)} of them with {points:g} points are only in {EXTRAS}/{name}/."
    ]


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _upgraded(notebook: Notebook) -> Notebook:
    cells = [cell if (graded := read_cell(cell)) is None else write_cell(cell, graded) for cell in cells_of(notebook)]
    return notebook | {"cells": cells}


def _kept_source(notebook: Notebook) -> Notebook:
    """Return what nbgrader's gradebook keeps of a source: answers cut to stubs, hidden tests and mark schemes still in."""
    language, cells = language_of(notebook), []
    for cell in cells_of(notebook):
        graded, stub = read_cell(cell), code_stub(language) if cell["cell_type"] == "code" else TEXT_STUB
        text, cut = cut_region(cell_text(cell), "solution", stub)
        whole = graded is not None and graded.kind in ("answer", "hand") and not cut
        cells.append(cell | {"source": stub if whole else text})
    return notebook | {"cells": cells}


def _write_submissions(records: CourseRecords, files: Path, folder: Path, names: dict[str, str]) -> None:
    for submission in records.submissions:
        if submission.assignment not in names or "/" in submission.student or submission.student.startswith("."):
            continue
        for stage, below in zip(_RELEASE_ENDINGS, (submission.files, submission.graded, submission.feedback), strict=True):
            source, target = files / below, folder / stage / submission.student / names[submission.assignment]
            inside = below and source.resolve().is_relative_to(files.resolve()) and target.resolve().is_relative_to(folder.resolve())
            if inside and source.is_dir():
                shutil.copytree(source, target, symlinks=True)
                if submission.submitted and stage != "feedback":
                    (target / "timestamp.txt").write_text(submission.submitted.strftime("%Y-%m-%d %H:%M:%S.%f UTC\n"))
