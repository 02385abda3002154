"""The report as one HTML page that stands alone: no script, nothing from elsewhere, all that people wrote escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2

from labkit.courses.similarity.reading import read_code, submission_folders
from labkit.courses.similarity.records import Pair, Place, SimilarityReport

__all__ = ["similarity_page"]

_MOST_PASSAGES = 30  # of a pair
_MOST_LINES = 150  # of a passage
_MOST_CHARACTERS = 400  # of a line


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of code: its number, its text, and whether a cell begins with it that is not the first."""

    number: int
    text: str
    new_cell: int


Sources = Mapping[str, Mapping[tuple[str, int], list[str]]]


def similarity_page(report: SimilarityReport, folder: Path | str, *, title: str = "") -> str:
    """Return the page; `folder` is the one that was compared: its code is shown side by side."""
    folders = submission_folders(Path(folder))
    shown = {name for pair in report.pairs for name in (pair.first, pair.second)}
    sources = {name: _sources(folders[name]) for name in sorted(shown & folders.keys())}
    template = resources.files("labkit.courses.similarity").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    return environment.from_string(template).render(
        report=report,
        title=title or Path(folder).name,
        pairs=[(pair, _shown(pair, sources), max(0, len(pair.passages) - _MOST_PASSAGES)) for pair in report.pairs],
    )


def _sources(folder: Path) -> dict[tuple[str, int], list[str]]:
    codes, _ = read_code(folder)
    return {(code.path, code.cell): code.source.split("\n") for code in codes}


def _shown(pair: Pair, sources: Sources) -> list[tuple[Place, list[_Row], Place, list[_Row], int]]:
    return [
        (p.first, _rows(p.first, sources.get(pair.first, {})), p.second, _rows(p.second, sources.get(pair.second, {})), p.tokens)
        for p in pair.passages[:_MOST_PASSAGES]
    ]


def _rows(place: Place, cells: Mapping[tuple[str, int], list[str]]) -> list[_Row]:
    """Return the lines of a place, those of the cells between its first and its last, too."""
    rows: list[_Row] = []
    for cell in range(place.cell, place.last_cell + 1):
        lines = cells.get((place.path, cell), [])
        first = place.line if cell == place.cell else 1
        last = place.last_line if cell == place.last_cell else len(lines)
        for number in range(first, min(last, len(lines)) + 1):
            new_cell = cell if number == first and cell != place.cell else 0
            rows.append(_Row(number, _cut(lines[number - 1]), new_cell))
        if len(rows) > _MOST_LINES:
            return [*rows[:_MOST_LINES], _Row(0, f"… {place.words} goes on", 0)]
    return rows


def _cut(line: str) -> str:
    return line if len(line) <= _MOST_CHARACTERS else line[:_MOST_CHARACTERS] + " …"
