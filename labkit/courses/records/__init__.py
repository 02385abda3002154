"""What is said of assignments and grades, wherever it is said: files, the wire, the database.

An *item* is anything that earns points: a test cell, a cell graded by hand, a check of the sheet. What student code prints, raises or
reports is a claim; an item says by `how` it is scored, and only ``assertion`` and ``metric`` are out of that code's reach.
"""

from labkit.courses.records.files import FileEntry, Manifest
from labkit.courses.records.items import Item, RubricButton
from labkit.courses.records.kinds import SHA256_PATTERN, How, Sha256
from labkit.courses.records.notes import Note, Problem
from labkit.courses.records.previews import Preview
from labkit.courses.records.results import CellScore, CheckResult, GradeResult, NotebookOutcome, PinnedComment
from labkit.courses.records.sheet import AnnotationTask, AssignmentSheet, Check, Limits

__all__ = [
    "SHA256_PATTERN",
    "AnnotationTask",
    "AssignmentSheet",
    "CellScore",
    "Check",
    "CheckResult",
    "FileEntry",
    "GradeResult",
    "How",
    "Item",
    "Limits",
    "Manifest",
    "Note",
    "NotebookOutcome",
    "PinnedComment",
    "Preview",
    "Problem",
    "RubricButton",
    "Sha256",
]
