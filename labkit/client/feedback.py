"""Fetches what came back for an assignment into its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.client.course_wire import AssignmentItem, GradeItem
from labkit.client.courses import CourseClient
from labkit.client.finding import own_submissions
from labkit.client.workfolder import work_for
from labkit.errors import NotFound
from labkit.storage import file_sha256, plain_file_name, save_record

__all__ = ["Feedback", "counting_submission", "fetch_feedback"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A grade, and the files that were fetched with it."""

    grade: GradeItem
    files: tuple[Path, ...]


def counting_submission(client: CourseClient, assignment: AssignmentItem) -> str:
    """Return the id of the caller's submission that counts and whose feedback is released, else of the last one with feedback.

    Raises
    ------
    NotFound
        Nothing was released.
    """
    own = [one for one in own_submissions(client, assignment.id) if one.feedback]
    chosen = next((item for item in own if item.counts), own[0] if own else None)
    if chosen is None:
        raise NotFound(f"There is no feedback for {assignment.name} yet.", hint="It comes when the professor releases it.")
    return chosen.id


def fetch_feedback(client: CourseClient, assignment: AssignmentItem, *, base: Path | None = None) -> Feedback:
    """Put grade, pages and executed notebooks into ``feedback/<attempt>/`` of the folder of the assignment."""
    grade = client.grade(counting_submission(client, assignment))
    folder = work_for(assignment, base).layout.feedback / f"attempt {grade.submission.attempt}"
    files = [folder / "grade.json"]
    save_record(files[0], grade)
    for outcome in grade.notebooks:
        for sha256, ending in ((outcome.html, ".html"), (outcome.executed, ".ipynb")):
            if sha256 is None:
                continue
            target = folder / plain_file_name(f"{outcome.notebook}{ending}")
            if not (target.is_file() and file_sha256(target) == sha256):
                client.fetch_result_file(grade.submission.id, sha256, target)
            files.append(target)
    return Feedback(grade, tuple(files))
