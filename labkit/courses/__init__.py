"""Assignments: notebooks in nbgrader's cell format, handed out, handed in, run apart from everything else, and scored."""

from labkit.courses.records import (
    AssignmentSheet,
    CellScore,
    Check,
    CheckResult,
    FileEntry,
    GradeResult,
    Item,
    Limits,
    Manifest,
    Note,
    NotebookOutcome,
    Problem,
    RubricButton,
)

__all__ = [
    "AssignmentSheet",
    "CellScore",
    "Check",
    "CheckResult",
    "FileEntry",
    "GradeResult",
    "Item",
    "Limits",
    "Manifest",
    "Note",
    "NotebookOutcome",
    "Problem",
    "RubricButton",
]
