"""Scores that ``nbgrader export`` wrote as ``grades.csv``."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from pathlib import Path

from labkit.courses.exchange.records import SubmissionRecord

__all__ = ["add_scores_of_csv", "read_time"]


def add_scores_of_csv(path: Path, submissions: dict[tuple[str, str], SubmissionRecord], *, has_gradebook: bool) -> list[str]:
    """Compare a CSV with the scores of the gradebook; add its totals where there is no gradebook.

    Parameters
    ----------
    path : Path
        It need not be there.
    submissions : dict of (assignment, student) to SubmissionRecord
        Is added to.

    Returns
    -------
    list of str
        What differs or cannot be read, in words.
    """
    if not path.is_file():
        return []
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig", errors="replace"))))
    if rows and not {"assignment", "student_id", "raw_score"} <= rows[0].keys():
        return [f"{path.name} is none that 'nbgrader export' writes, and was not read."]
    different = 0
    for row in rows:
        key, points = (row["assignment"] or "", row["student_id"] or ""), _number(row["raw_score"])
        known = submissions.get(key)
        if known is not None and points is not None and not math.isclose(known.points or 0.0, points, abs_tol=1e-9):
            different += 1
        elif known is None and not has_gradebook and all(key) and row.get("timestamp"):
            time, penalty = read_time(row["timestamp"] or ""), _number(row.get("late_submission_penalty"))
            submissions[key] = SubmissionRecord(
                assignment=key[0], student=key[1], submitted=time, penalty=penalty or 0.0, csv_points=points
            )
    return [f"{path.name} differs from gradebook.db in {different} row(s); the gradebook counts."] if different else []


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_time(text: str) -> datetime | None:
    """Read a time as nbgrader writes it, ``2026-02-02 15:58:23.948203 UTC``; without an offset it is UTC."""
    for known in (text.removesuffix(" UTC"), text.replace(" +", "+").replace(" -", "-")):
        try:
            time = datetime.fromisoformat(known)
        except ValueError:
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return None
