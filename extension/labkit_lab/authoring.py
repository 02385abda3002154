"""What is said to who writes an assignment: what is wrong with it, what students get, what its solution earns, what a release changes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from labkit.client.course_wire import AssignmentChange, AssignmentItem, LateRule
from labkit.client.words import local_text
from labkit.client.workfolder import WorkFolder
from labkit.courses.assignment import Assignment
from labkit.courses.grading.solution import lacking
from labkit.courses.notebook import cells_of, place_of
from labkit.courses.records import CellScore, GradeResult, Manifest, Problem
from labkit.courses.student import lay_out_student, manifest_of
from labkit.errors import AlreadyExists
from labkit.storage import AuthorLayout, publish_folder, remove_tree, scratch_folder, utc_now, write_text
from labkit_lab.homes import shown_path
from labkit_lab.places import browser_path
from labkit_lab.wire_authoring import AuthorProblem, CheckedReport, PreviewItem, ReleaseAsk, ReleasePlan, TestedReport, TestedRow
from labkit_lab.wire_sending import SendFile

__all__ = ["change_of", "checked_report", "given_out", "release_plan", "tested_report", "write_preview"]


def checked_report(assignment: Assignment, root: Path) -> CheckedReport:
    """Return what is wrong with an assignment, each problem with the file and cell that it is about."""
    return CheckedReport(
        errors=len(assignment.errors),
        items=len(assignment.items),
        max_points=assignment.max_points,
        by_hand=sum(item.max_points for item in assignment.items if item.how == "hand"),
        problems=tuple(_problem(problem, assignment, root) for problem in assignment.problems),
    )


def _problem(problem: Problem, assignment: Assignment, root: Path) -> AuthorProblem:
    file, index, grade_id = place_of(problem.where)
    return AuthorProblem(**problem.model_dump(), path=_shown(file, assignment, root), index=index, grade_id=grade_id)


def _shown(file: str, assignment: Assignment, root: Path) -> str | None:
    """Return a file of the assignment as the file browser names it; None for what is none or cannot be shown."""
    place = WorkFolder(assignment.root).on_disk(file) if file else assignment.root
    return browser_path(root, place) if place.is_file() else None


def write_preview(assignment: Assignment, root: Path) -> PreviewItem:
    """Write what students get beside the folder of the assignment, in place of an earlier preview.

    Raises
    ------
    InvalidInput
        The assignment has errors.
    AlreadyExists
        Something is there that is no preview.
    """
    place = AuthorLayout(assignment.root).preview
    if place.exists() and not AuthorLayout(place).preview_mark.is_file():
        raise AlreadyExists(
            f"{shown_path(place)} is there already, and is no preview.", hint="Move or rename that folder, then look again."
        )
    with scratch_folder(place.parent) as scratch:
        made = lay_out_student(assignment, scratch / "made")
        files = tuple(file.path for file in manifest_of(made).files)
        write_text(AuthorLayout(made).preview_mark, "{}\n")
        remove_tree(place)
        publish_folder(made, place)
    first = next((place / f"{name}.ipynb" for name in assignment.notebooks), None)
    return PreviewItem(
        folder=browser_path(root, place),
        place=shown_path(place),
        files=files,
        open=browser_path(root, first) if first else None,
    )


def release_plan(assignment: Assignment, item: AssignmentItem, root: Path) -> ReleasePlan:
    """Return what students would get of an assignment, and what holds for it now; nothing is sent."""
    manifest = Manifest() if assignment.errors else given_out(assignment)
    return ReleasePlan(
        checked=checked_report(assignment, root),
        sha256="" if assignment.errors else manifest.sha256,
        files=tuple(SendFile(path=file.path, size=file.size, cells=_cells(assignment, file.path), objects=None) for file in manifest.files),
        hidden=len(assignment.hidden),
        release=item.release,
        draft=item.state == "draft",
        submissions=item.submissions,
        now=local_text(utc_now(), item.time_zone),
        time_zone=item.time_zone,
        due=local_text(item.due, item.time_zone),
        closes=local_text(item.closes, item.time_zone),
        grace_min=item.grace_min,
        accepts_late=item.late.accept,
        percent_per_day=item.late.percent_per_day,
        floor_percent=item.late.floor_percent,
        attempts=item.attempts,
        counts=item.counts,
    )


def given_out(assignment: Assignment) -> Manifest:
    """Return the files that students get: made as for a release, so that what is said is what is done.

    Raises
    ------
    InvalidInput
        The assignment has errors.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-plan-") as scratch:
        return manifest_of(lay_out_student(assignment, Path(scratch) / "student"))


def _cells(assignment: Assignment, path: str) -> int | None:
    notebook = assignment.notebooks.get(path.removesuffix(".ipynb"))
    return len(cells_of(notebook)) if notebook is not None and path.endswith(".ipynb") else None


def change_of(asked: ReleaseAsk, item: AssignmentItem) -> AssignmentChange | None:
    """Return what is to hold from now on and does not hold yet; None for nothing."""
    late = LateRule(accept=asked.accepts_late, percent_per_day=asked.percent_per_day, floor_percent=asked.floor_percent)
    wanted: dict[str, Any] = {"due": asked.due, "closes": asked.closes, "grace_min": asked.grace_min, "late": late, "counts": asked.counts}
    known = {name: getattr(item, name) for name in ("grace_min", "late", "counts")}
    known |= {name: local_text(getattr(item, name), item.time_zone) for name in ("due", "closes")}
    change = {name: value for name, value in wanted.items() if value != known[name]}
    if asked.attempts != item.attempts:
        change |= {"unlimited_attempts": True} if asked.attempts is None else {"attempts": asked.attempts}
    return AssignmentChange(**change) if change else None


def tested_report(result: GradeResult, assignment: Assignment, root: Path) -> TestedReport:
    """Return what the solution earned, item by item."""
    return TestedReport(
        full=result.state == "graded" and not lacking(result),
        failed=result.state == "failed",
        points=result.points,
        max_points=sum(score.item.max_points for score in result.scores),
        seconds=result.seconds,
        rows=tuple(_row(score, assignment, root) for score in result.scores),
        notes=tuple(f"{note.where}: {note.text}".removeprefix(": ") for note in result.notes),
    )


def _row(score: CellScore, assignment: Assignment, root: Path) -> TestedRow:
    item = score.item
    return TestedRow(
        title=item.title or item.id,
        how=item.how,
        points=score.points,
        max_points=item.max_points,
        note=score.note,
        path=_shown(f"{item.notebook}.ipynb", assignment, root) if item.notebook else None,
        grade_id=item.id if item.notebook else "",
    )
