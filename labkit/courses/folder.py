"""The folder of an assignment, read.

``*.ipynb`` at the top are its notebooks, with solutions; ``assignment.yaml`` is the sheet; ``hidden/`` holds what never leaves for
students (tests, pictures, labels, and in ``hidden/solution/`` files that a full solution has); every other file is public.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labkit.courses.assignment import HIDDEN, Assignment, items_of
from labkit.courses.names import check_assignment_name
from labkit.courses.notebook import read_notebook
from labkit.courses.problems import problems_of
from labkit.courses.records import Problem
from labkit.courses.sheet import SHEET_FILE, read_sheet
from labkit.courses.submitted import check_notebook
from labkit.errors import InvalidInput, NotFound
from labkit.storage import explain_os_errors

__all__ = ["Assignment", "load_assignment"]

_LEFT_OUT = ("__pycache__",)


def load_assignment(path: Path) -> Assignment:
    """Read an assignment and look for problems; only what cannot be read as an assignment at all is raised.

    Raises
    ------
    NotFound
        There is no such folder.
    InvalidInput
        The folder has a name that no assignment can have.
    """
    with explain_os_errors(path):
        if not path.is_dir():
            raise NotFound(f"{path} is no folder.", hint="Name the folder of an assignment; 'labkit course new' makes one.", path=str(path))
        root = path.resolve()
        name = check_assignment_name(root.name)
        sheet, problems = read_sheet(root / SHEET_FILE)
        files = dict(sorted(_files(root, problems)))
        notebooks = {}
        for file in [file for file in files if "/" not in file and file.endswith(".ipynb")]:
            data = files.pop(file).read_bytes()
            try:
                check_notebook(data, file)
                notebooks[file.removesuffix(".ipynb")] = read_notebook(data)
            except InvalidInput as error:
                problems.append(Problem(where=file, text=error.message, hint=error.hint))
    found = Assignment(
        root=root,
        name=name,
        sheet=sheet,
        notebooks=notebooks,
        items=tuple(items_of(notebooks, sheet)),
        hidden=tuple(path for file, path in files.items() if file.startswith(f"{HIDDEN}/")),
        public={file: path for file, path in files.items() if file != SHEET_FILE and not file.startswith(f"{HIDDEN}/")},
    )
    return replace(found, problems=(*problems, *problems_of(found)))


def _files(root: Path, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """Yield the files that count, by their path in NFC; hidden ones do not, and links are no files of an assignment."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part.startswith(".") or part in _LEFT_OUT for part in parts):
            continue
        name = unicodedata.normalize("NFC", "/".join(parts))
        if path.is_symlink():
            problems.append(Problem(where=name, text="It is a link.", hint="Put a copy of the file here."))
        elif path.is_file():
            yield name, path
