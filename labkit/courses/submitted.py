"""A first look at what is handed in, by nothing but its bytes and names: the service takes it with every submission."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.courses.records import Manifest, Problem
from labkit.errors import InvalidInput

__all__ = ["NotebookFacts", "check_notebook", "check_submission", "is_like"]

_DEEPEST = 100
_HINT = "Open it in JupyterLab, save it and hand it in again; if it does not open, take an older copy of it."
# ps1 (1).ipynb, ps1(2).ipynb, ps1-Copy1.ipynb, ps1_copy.ipynb, ps1 - Kopie.ipynb, Kopie von ps1.ipynb, ps1.ipynb.txt
_COPY = re.compile(r"^(?:copy of |kopie von )?(.+?)(?:[-_\s]*(?:\(\d+\)|copy\s*\d*|kopie\s*\d*|checkpoint))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NotebookFacts:
    """What was seen of a notebook: the number of its cells, nbgrader's ids in their order (one may stand twice), its metadata."""

    cells: int
    grade_ids: tuple[str, ...]
    metadata: dict[str, Any]


def check_notebook(data: bytes, name: str) -> NotebookFacts:
    """Return what a submitted file is, if it is a notebook.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call it in a message, such as ``ps1.ipynb``.

    Raises
    ------
    InvalidInput
        It is empty, cut short, no JSON, nested too deeply, of an old format, or has no list of cells.
    """
    notebook = _parse(data, name)
    version = notebook.get("nbformat")
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput(f"{name} is JSON, but no notebook: it does not say its format.", hint=_HINT, name=name)
    if version != 4:
        raise InvalidInput(
            f"{name} has notebook format {version}, which is {'older' if version < 4 else 'newer'} than 4.",
            hint="Open it in JupyterLab and save it there: that writes format 4.",
            name=name,
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise InvalidInput(f"{name} has no list of cells.", hint=_HINT, name=name)
    bad = next((index for index, cell in enumerate(cells) if not isinstance(cell, dict)), None)
    if bad is not None:
        raise InvalidInput(f"{name}: cell {bad + 1} is no cell.", hint=_HINT, name=name)
    metadata = notebook.get("metadata")
    return NotebookFacts(len(cells), tuple(_grade_ids(cells)), metadata if isinstance(metadata, dict) else {})


def _parse(data: bytes, name: str) -> dict[str, Any]:
    if not data.strip():
        raise InvalidInput(f"{name} is empty ({len(data)} bytes).", hint=_HINT, name=name)
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        _check_depth(notebook)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is no text in UTF-8 (byte {error.start}).", hint=_HINT, name=name) from error
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
        what = "ends in the middle: it was cut short" if cut else f"is no JSON: {error.msg}"
        raise InvalidInput(f"{name} {what} (line {error.lineno}, column {error.colno}).", hint=_HINT, name=name) from error
    except (RecursionError, MemoryError) as error:
        raise InvalidInput(f"{name} is nested too deeply to be a notebook.", hint=_HINT, name=name) from error
    except ValueError as error:  # a number of more digits than Python reads
        raise InvalidInput(f"{name} is no JSON that can be read.", hint=_HINT, name=name) from error
    if not isinstance(notebook, dict):
        raise InvalidInput(f"{name} is JSON, but no notebook.", hint=_HINT, name=name)
    return notebook


def _check_depth(value: object) -> None:
    """Whoever reads it after us walks it by recursion, from a stack that may be deep already."""
    layer: list[Any] = [value]
    for _ in range(_DEEPEST):
        layer = [
            item for holder in layer for item in (holder.values() if isinstance(holder, dict) else holder) if isinstance(item, dict | list)
        ]
        if not layer:
            return
    raise RecursionError


def _grade_ids(cells: Iterable[dict[str, Any]]) -> Iterable[str]:
    for cell in cells:
        metadata = cell.get("metadata")
        said = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(said, dict) and isinstance(said.get("grade_id"), str) and said["grade_id"]:
            yield said["grade_id"]


def check_submission(expected_notebooks: Sequence[str], required: Sequence[str], manifest: Manifest, upload_mb: float) -> list[Problem]:
    """Return what keeps a submission from being accepted, or should be said of it.

    Parameters
    ----------
    expected_notebooks : sequence of str
        Names of the assignment's notebooks, with or without ``.ipynb``.
    required : sequence of str
        Paths of further files that must be there.
    manifest : Manifest
        What is handed in.
    upload_mb : float
        Most that all files together may have, in MB of a million bytes.
    """
    notebooks = [f"{name.removesuffix('.ipynb')}.ipynb" for name in expected_notebooks]
    problems = [_missing(path, manifest, set(notebooks)) for path in notebooks if manifest.entry(path) is None]
    problems += [
        Problem(where=path, text=f"The file {path} is missing.", hint=f"This assignment needs it; it must be called exactly {path}.")
        for path in required
        if manifest.entry(path) is None and path not in notebooks
    ]
    if manifest.size > upload_mb * 1_000_000:
        largest = max(manifest.files, key=lambda file: file.size)
        problems.append(
            Problem(
                where=largest.path,
                text=f"All files together have {manifest.size / 1e6:.1f} MB; {upload_mb:g} MB may be handed in.",
                hint=f"The largest is {largest.path} with {largest.size / 1e6:.1f} MB; outputs of a notebook can be cleared before saving.",
            )
        )
    return problems


def _missing(path: str, manifest: Manifest, expected: set[str]) -> Problem:
    like = next((file.path for file in manifest.files if file.path not in expected and is_like(file.path, path)), None)
    if like is None:
        return Problem(where=path, text=f"The notebook {path} is missing.", hint=f"It must be called exactly {path}.")
    return Problem(where=like, text=f"{like} is not {path}, which is missing.", hint=f"Rename it to {path} if it is the right one.")


def is_like(path: str, wanted: str) -> bool:
    """Return whether a file is called as browsers and file managers call a copy of the notebook `wanted`, or like it but for capitals."""
    name = path.rsplit("/", 1)[-1].casefold()
    name = re.sub(r"\.ipynb(\.txt|\.json|\.ipynb)?$", "", name) if ".ipynb" in name else name
    found = _COPY.match(name)
    stem = wanted.removesuffix(".ipynb").casefold()
    return name == stem or (found is not None and found[1] in (stem, f"{stem}.ipynb"))
