"""An assignment as its author keeps it: notebooks with solutions, the sheet, what is hidden, what is public, and what earns points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labkit.courses.cells import graded_cells
from labkit.courses.notebook import Notebook
from labkit.courses.records import AssignmentSheet, Item, Problem

__all__ = ["HIDDEN", "SOLUTION", "Assignment", "items_of"]

HIDDEN = "hidden"
SOLUTION = f"{HIDDEN}/solution"


@dataclass(frozen=True, slots=True)
class Assignment:
    """An assignment as it lies in its folder.

    Attributes
    ----------
    root : Path
    name : str
        Of the folder, in NFC.
    sheet : AssignmentSheet
    notebooks : dict of name to notebook
        Those at the top, without ``.ipynb``, in the order of their names, as written by the author.
    items : tuple of Item
        What earns points: cells in the order of the notebooks, then the checks of the sheet.
    problems : tuple of Problem
        All that was found; with an error among them it cannot be released.
    hidden : tuple of Path
        The files in ``hidden/``, whole paths.
    public : dict of path to Path
        The other files that are released, by their path in the release.
    """

    root: Path
    name: str
    sheet: AssignmentSheet = field(default_factory=AssignmentSheet)
    notebooks: dict[str, Notebook] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()
    hidden: tuple[Path, ...] = ()
    public: dict[str, Path] = field(default_factory=dict)

    @property
    def max_points(self) -> float:
        """The points of all items together."""
        return sum(item.max_points for item in self.items)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those of the problems that keep it from being released."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def items_of(notebooks: dict[str, Notebook], sheet: AssignmentSheet) -> Iterator[Item]:
    """Yield what earns points: graded cells, each id once, then the checks and the annotation tasks."""
    for name, notebook in notebooks.items():
        seen: set[str] = set()
        for _, _, graded in graded_cells(notebook):
            if graded.scored and graded.points is not None and 0 < len(graded.grade_id) <= 200 and graded.grade_id not in seen:
                seen.add(graded.grade_id)
                how = "cell" if graded.kind == "test" else "hand"
                yield Item(id=graded.grade_id, notebook=name, how=how, max_points=min(graded.points, 1_000_000), title=graded.grade_id)
    for check in sheet.checks:
        yield Item(id=check.id, how=check.kind, max_points=check.points, title=check.title or check.id)
    for task in sheet.annotations:
        yield Item(id=task.id, how="metric", max_points=task.points, title=task.title or task.id)
