"""What students get: solutions cut to stubs, hidden tests and mark schemes cut out, nothing else that could tell them.

Only what is known to be harmless is kept of metadata; outputs go, and attachments that nothing shown refers to.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.courses.annotation_files import TASKS_FILE, write_tasks
from labkit.courses.assignment import HIDDEN, SOLUTION, Assignment
from labkit.courses.cells import read_cell, tags_of, write_cell
from labkit.courses.notebook import Cell, Notebook, cell_text, cells_of, write_notebook
from labkit.courses.records import FileEntry, Manifest
from labkit.courses.regions import TEXT_STUB, code_stub, cut_region
from labkit.courses.sheet import SHEET_FILE
from labkit.errors import InvalidInput
from labkit.storage import file_sha256, new_folder

__all__ = [
    "language_of",
    "lay_out_student",
    "make_release",
    "manifest_of",
    "public_metadata",
    "refuse_errors",
    "refuse_inside",
    "solution_submission",
    "solved_version",
    "student_version",
]

_KERNEL_KEYS = ("name", "display_name", "language")
_LANGUAGE_KEYS = ("name", "version", "file_extension", "mimetype", "nbconvert_exporter", "pygments_lexer", "codemirror_mode")


def student_version(notebook: Notebook) -> Notebook:
    """Return the notebook as students get it, with nbgrader's checksums.

    Raises
    ------
    InvalidInput
        A region is opened and not closed.
    """
    return _version(notebook, _without_solution)


def solved_version(notebook: Notebook) -> Notebook:
    """Return what a student would hand in who has the author's solutions: they are in, hidden tests and mark schemes are not."""
    return _version(notebook, lambda cell, language: cell_text(cell))


def _version(notebook: Notebook, answer: Callable[[Cell, str], str]) -> Notebook:
    language = language_of(notebook)
    cells = [_student_cell(cell, answer(cell, language)) for cell in cells_of(notebook)]
    return {"cells": cells, "metadata": public_metadata(notebook), "nbformat": 4, "nbformat_minor": 5}


def language_of(notebook: Notebook) -> str:
    """Return the language that its kernel speaks; Python where nothing is said."""
    kernel = notebook["metadata"].get("kernelspec") if isinstance(notebook.get("metadata"), dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    return language if isinstance(language, str) else "python"


def public_metadata(notebook: Notebook) -> dict[str, Any]:
    """Return what students see of a notebook's metadata: kernel and language, no state of widgets, no parameters of earlier runs."""
    metadata = notebook["metadata"] if isinstance(notebook.get("metadata"), dict) else {}
    found = {}
    for key, known in (("kernelspec", _KERNEL_KEYS), ("language_info", _LANGUAGE_KEYS)):
        if isinstance(metadata.get(key), dict):
            found[key] = {name: metadata[key][name] for name in known if name in metadata[key]}
    return found


def _without_solution(cell: Cell, language: str) -> str:
    graded, code = read_cell(cell), cell["cell_type"] == "code"
    stub = code_stub(language) if code else TEXT_STUB
    text, cut = cut_region(cell_text(cell), "solution", stub)
    is_answer = graded is not None and graded.kind in ("answer", "hand")
    return stub if is_answer and not cut else text


def _student_cell(cell: Cell, text: str) -> Cell:
    text, _ = cut_region(text, "hidden tests")
    text, _ = cut_region(text, "mark scheme")
    metadata: dict[str, Any] = {"tags": list(tags)} if (tags := tags_of(cell)) else {}
    shown: Cell = {"cell_type": cell["cell_type"], "id": cell["id"], "metadata": metadata, "source": text}
    if cell["cell_type"] == "code":
        shown |= {"execution_count": None, "outputs": []}
    elif attachments := _referred(cell, text):
        shown["attachments"] = attachments
    graded = read_cell(cell)
    if graded is None:
        return shown
    metadata["deletable"] = False
    if graded.fixed:
        metadata["editable"] = False
    return write_cell(shown, replace(graded, checksum=None), with_checksum=True)


def _referred(cell: Cell, text: str) -> dict[str, Any]:
    attachments = cell.get("attachments")
    if not isinstance(attachments, dict):
        return {}
    named = set(re.findall(r"attachment:([^)\s\"'>]+)", text))
    spaced = {name for name in attachments if " " in name and f"attachment:{name}" in text}
    return {name: data for name, data in attachments.items() if name in spaced or {name, quote(name)} & named}


def make_release(assignment: Assignment, out: Path) -> tuple[Manifest, Manifest]:
    """Lay out a release in the new folder `out`: ``student/`` is what students fetch, ``source/`` the whole, hidden part included.

    The same assignment gives the same bytes. The paths of the two manifests are below ``student/`` and ``source/``.

    Raises
    ------
    InvalidInput
        The assignment has errors, or `out` lies in it.
    AlreadyExists
        `out` is there already.
    """
    refuse_errors(assignment)
    refuse_inside(assignment, out)
    with new_folder(out) as folder:
        _lay_out_public(assignment, folder / "student")
        source = folder / "source"
        _lay_out(assignment, source, lambda notebook: notebook)
        for path in (*assignment.hidden, *([sheet] if (sheet := assignment.root / SHEET_FILE).is_file() else [])):
            _copy(path, source / _below(path, assignment.root))
        return manifest_of(folder / "student"), manifest_of(source)


def lay_out_student(assignment: Assignment, out: Path) -> Path:
    """Lay out, in the new folder `out`, what students would fetch.

    Raises
    ------
    InvalidInput
        The assignment has errors, or `out` lies in it.
    AlreadyExists
        `out` is there already.
    """
    refuse_errors(assignment)
    refuse_inside(assignment, out)
    with new_folder(out) as folder:
        _lay_out_public(assignment, folder)
    return out


def refuse_errors(assignment: Assignment) -> None:
    """Raise the first error of an assignment that has one."""
    if assignment.errors:
        first, others = assignment.errors[0], len(assignment.errors) - 1
        more = f" ({others} more: 'labkit course check' lists all)" if others else ""
        raise InvalidInput(f"{first.where}: {first.text}{more}".removeprefix(": "), hint=first.hint or "Mend it, then try again.")


def refuse_inside(assignment: Assignment, out: Path) -> None:
    """Raise if `out` lies in the folder of the assignment: what is written there would be handed out with the next release."""
    if out.resolve().is_relative_to(assignment.root):
        raise InvalidInput(f"{out} lies in the assignment, and would be handed out with it.", hint="Name a folder outside of it.")


def solution_submission(assignment: Assignment, out: Path) -> Path:
    """Lay out, in the new folder `out`, what a student would hand in who solved all as the author did.

    Files in ``hidden/solution/`` are put in their place: a trained model that the assignment requires, say. The right annotations are
    handed in as they are, where they are GeoJSON.

    Raises
    ------
    InvalidInput
        The assignment has errors, or `out` lies in it.
    AlreadyExists
        `out` is there already.
    """
    refuse_errors(assignment)
    refuse_inside(assignment, out)
    with new_folder(out) as folder:
        _lay_out(assignment, folder, solved_version)
        solution = assignment.root / SOLUTION
        for task in assignment.sheet.annotations:
            gold = assignment.root / HIDDEN / task.gold
            if gold.suffix in (".geojson", ".json"):
                _copy(gold, folder / task.path)
        for path in assignment.hidden:
            if path.is_relative_to(solution):
                _copy(path, folder / _below(path, solution))
    return out


def _lay_out_public(assignment: Assignment, folder: Path) -> None:
    _lay_out(assignment, folder, student_version)
    if assignment.sheet.annotations:
        tasks = folder / TASKS_FILE
        tasks.parent.mkdir(exist_ok=True)
        tasks.write_bytes(write_tasks(assignment.sheet.annotations))


def _lay_out(assignment: Assignment, folder: Path, version: Callable[[Notebook], Notebook]) -> None:
    folder.mkdir(exist_ok=True)
    for name, notebook in assignment.notebooks.items():
        (folder / f"{name}.ipynb").write_bytes(write_notebook(version(notebook)))
    for name, path in assignment.public.items():
        _copy(path, folder / name)


def _below(path: Path, root: Path) -> str:
    """Return where a file lies in a folder, in NFC as manifests have it."""
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def manifest_of(folder: Path) -> Manifest:
    """Return the files below `folder`, without hidden ones and links."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    entries = [(path.relative_to(folder).as_posix(), path) for path in paths]
    return Manifest(
        files=tuple(
            FileEntry(path=name, sha256=file_sha256(path), size=path.stat().st_size)
            for name, path in entries
            if not any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))
        )
    )
