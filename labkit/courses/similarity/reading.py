"""The code and the files of submissions, as they lie in folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.cells import read_cell
from labkit.courses.notebook import cell_text, cells_of, read_notebook
from labkit.courses.records import Note
from labkit.courses.submitted import check_notebook
from labkit.errors import InvalidInput, NotFound
from labkit.storage import explain_os_errors, file_sha256

__all__ = ["Code", "HashedFile", "iter_files", "read_code", "read_files", "submission_folders"]

_LARGEST = 20_000_000  # bytes of a notebook or Python file: outputs can make it large
_SMALLEST = 16  # bytes of a file that can be anybody's own: an empty file is the same everywhere


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one cell, or of one Python file; ``cell`` is counted from 1."""

    path: str
    cell: int
    source: str


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file of a submission and what it hashes to."""

    path: str
    sha256: str
    size: int


def submission_folders(root: Path) -> dict[str, Path]:
    """Return the folders directly in `root`, each of which is one submission, by name.

    Raises
    ------
    NotFound
        There is no such folder.
    InvalidInput
        It holds fewer than two of them.
    """
    with explain_os_errors(root):
        if not root.is_dir():
            raise NotFound(f"{root} is not a folder.", hint="Name the folder that holds one folder for each submission.", path=str(root))
        found = {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")}
    if len(found) < 2:
        raise InvalidInput(f"{root} holds {len(found)} submission(s).", hint="It needs two or more folders, one for each submission.")
    return found


def iter_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield (relative path, path) of regular files, by name; neither links nor hidden files, which nobody hands in."""
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__pycache__")
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path


def read_code(root: Path, *, everything: bool = False) -> tuple[list[Code], list[Note]]:
    """Return the code that a person wrote in a folder, and what could not be read.

    Parameters
    ----------
    root : Path
        A submission or a release.
    everything : bool
        Take cells that nobody may change (tests, locked ones), too.
    """
    found: list[Code] = []
    notes: list[Note] = []
    for name, path in iter_files(root):
        if path.suffix not in (".ipynb", ".py"):
            continue
        try:
            found += _code_of(name, path, everything)
        except InvalidInput as error:
            notes.append(Note(kind="unreadable", where=f"{root.name}/{name}"[:500], text=error.message[:2000]))
    return found, notes


def _code_of(name: str, path: Path, everything: bool) -> list[Code]:
    with explain_os_errors(path):
        if path.stat().st_size > _LARGEST:
            raise InvalidInput(f"{name} is larger than {_LARGEST // 1_000_000} MB, and was not compared.", hint="Look at it by hand.")
        data = path.read_bytes()
    if path.suffix == ".py":
        return [Code(name, 1, data.decode("utf-8-sig", "replace"))]
    check_notebook(data, name)
    cells = enumerate(cells_of(read_notebook(data)), 1)
    return [
        Code(name, number, cell_text(cell)) for number, cell in cells if cell.get("cell_type") == "code" and (everything or _is_own(cell))
    ]


def _is_own(cell: dict[str, object]) -> bool:
    said = read_cell(cell)
    return said is None or not said.fixed


def read_files(root: Path) -> list[HashedFile]:
    """Return the files of a folder that are no code, hashed."""
    with explain_os_errors(root):
        return [
            HashedFile(name, file_sha256(path), path.stat().st_size)
            for name, path in iter_files(root)
            if path.suffix not in (".ipynb", ".py") and path.stat().st_size >= _SMALLEST
        ]
