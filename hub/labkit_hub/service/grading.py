"""What the queue and the courses room agree on about grading runs."""

from __future__ import annotations

from labkit_hub.service.tables import RunRow

__all__ = ["GRADING_KIND", "GRADING_PATH", "is_grading"]

GRADING_KIND = "grade"
GRADING_PATH = "grading/runs"
"""The folder of runs in the grader's home."""


def is_grading(row: RunRow, grader: str) -> bool:
    """Whether a run is one that the courses room asked for: nobody else has the grader's name."""
    return row.owner == grader and row.kind == GRADING_KIND
