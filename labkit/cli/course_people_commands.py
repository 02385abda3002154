"""`labkit course ...` for students: what is to be done, fetched, tried, handed in, and what came back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from labkit.cli.app import command, long_command, stoppable
from labkit.cli.console import Answer
from labkit.client import CourseClient, service_address
from labkit.client.course_wire import AssignmentItem, GradeItem, Receipt
from labkit.client.feedback import fetch_feedback
from labkit.client.fetching import fetch_assignment
from labkit.client.finding import course_id_of, find_assignment, own_submissions, time_zone_of
from labkit.client.handing_in import Collected, collect, hand_in
from labkit.client.words import assignment_words, local_words
from labkit.client.workfolder import WorkFolder, find_work, work_at
from labkit.courses.annotation_files import TASKS_FILE
from labkit.courses.records import Problem
from labkit.courses.trial import Trial, TrialCell, TrialStep, try_notebooks
from labkit.errors import NotFound
from labkit.events import CancelToken, EventSink, Progress

__all__ = ["course_client", "course_option", "feedback", "grade_lines", "own_assignment"]


def course_client() -> CourseClient:
    """Return the client of the hub that this is part of.

    Raises
    ------
    NotFound
        There is no hub.
    """
    address = service_address()
    if address is None:
        raise NotFound(
            "There is no hub here.", hint="In a server of a hub it is known; elsewhere set LABKIT_SERVICE_URL and LABKIT_HUB_TOKEN."
        )
    return CourseClient(address)


def course_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --course."""
    return click.option("--course", default=None, help="Which of your courses, by its id; needed where it is not clear.")(function)


def own_assignment(client: CourseClient, name: str | None, course: str | None) -> AssignmentItem:
    """Return the assignment that is named, else that of the folder one is in."""
    if name is None:
        return client.assignment(work_at(Path.cwd()).record().assignment)
    return find_assignment(client, name, course)


def _own_folder(name: str | None, course: str | None) -> WorkFolder:
    """Return the folder of an assignment: the one that one is in, or a path, or what is called so."""
    if name is None:
        return work_at(Path.cwd())
    if Path(name).is_dir() and (Path(name) / ".labkit").is_dir():
        return work_at(Path(name))
    found = find_work(find_assignment(course_client(), name, course).id)
    if found is None:
        raise NotFound(f"{name} has not been fetched.", hint=f"Fetch it with: labkit course fetch {name!r}.")
    return found


@click.command("list")
@command
def list_() -> Answer:
    """List your courses."""
    courses = course_client().standing().courses
    rows = [{"id": one.id, "title": one.title, "role": one.role} for one in courses]
    return Answer({"courses": rows}, tuple(f"{one.id}  {one.title}  ({one.role})" for one in courses) or ("You are in no course.",))


@click.command("assignments")
@course_option
@command
def assignments(course: str | None) -> Answer:
    """List assignments with due times, of all your courses or one."""
    client = course_client()
    ids = [one.id for one in client.standing().courses] if course is None else [course_id_of(client, course)]
    items = [item for one in ids for item in client.assignments(one)]
    lines = []
    for one in ids:
        own = [item for item in items if item.course == one]
        lines += [one, *(f"  {line}" for item in own for line in assignment_words(item))] if own else [f"{one}: no assignments"]
    return Answer({"assignments": [item.model_dump(mode="json") for item in items]}, tuple(lines))


@click.command("fetch")
@click.argument("assignment", required=False)
@course_option
@long_command
def fetch(assignment: str | None, course: str | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Bring ASSIGNMENT (by default that of this folder) into ~/courses/COURSE/ASSIGNMENT; what you have changed is kept."""
    client = course_client()
    fetched = fetch_assignment(client, own_assignment(client, assignment, course), on_event=stoppable(on_event, cancel))
    lines = [f"Release {fetched.release} is in {fetched.folder.root}"]
    lines += [f"  new: {path}" for path in fetched.new]
    lines += [f"  renewed: {path}" for path in fetched.renewed]
    lines += [f"  kept, you have changed it: {path}" for path in fetched.kept if path not in fetched.beside]
    lines += [f"  kept, you have changed it: {path}; the new one is {beside}" for path, beside in fetched.beside.items()]
    data = {
        "folder": str(fetched.folder.root),
        "release": fetched.release,
        "new": fetched.new,
        "renewed": fetched.renewed,
        "kept": fetched.kept,
        "beside": fetched.beside,
    }
    return Answer(data, tuple(lines))


@click.command("validate")
@click.argument("assignment", required=False)
@course_option
@long_command
def validate(assignment: str | None, course: str | None, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Run the notebooks of ASSIGNMENT (by default that of this folder) from the top, and say which of its tests fail.

    Only the tests that you can see are run; there may be more when it is graded. Your annotations of the pictures that it asks for are
    written into its folder and looked at.
    """
    folder = _own_folder(assignment, course)
    files = folder.notebook_files()
    objects, faults = _annotated(folder)

    def tell(step: TrialStep) -> None:
        on_event(Progress(done=step.done, total=step.total, unit="cells", stage="notebook"))

    trial = try_notebooks(folder.root, files, cell_s=folder.record().cell_s, on_step=tell, cancel=cancel)
    passed = trial.passed and not any(fault.severity == "error" for fault in faults)
    data = {
        "passed": passed,
        "notebooks": [one.model_dump(mode="json") for one in trial.notebooks],
        "objects": objects,
        "problems": [fault.model_dump(mode="json") for fault in faults],
    }
    lines = [*_trial_lines(trial), *(f"{path}: {_objects(count)}" for path, count in sorted(objects.items()))]
    return Answer(data, tuple(lines), tuple(f"{fault.text} {fault.hint}" for fault in faults), exit_code=0 if passed else 3)


def _annotated(folder: WorkFolder) -> tuple[dict[str, int], tuple[Problem, ...]]:
    """Bring the annotations of an assignment into its folder; return their objects, and what is to be said of them."""
    if not folder.on_disk(TASKS_FILE).is_file():
        return {}, ()
    from labkit.client.annotating import look_at_annotations  # what reads projects; most assignments and commands need none

    return look_at_annotations(folder)


def _collected(folder: WorkFolder) -> Collected:
    """Look through a folder; the annotations that it is to hold are brought first."""
    if not folder.on_disk(TASKS_FILE).is_file():
        return collect(folder)
    from labkit.client.annotating import collect_work  # as above

    return collect_work(folder)[0]


def _objects(count: int) -> str:
    return f"{count} object" if count == 1 else f"{count} objects"


def _trial_lines(trial: Trial) -> list[str]:
    lines = []
    for one in trial.notebooks:
        tests = [cell for cell in one.cells if cell.state != "stopped"]
        passed = sum(cell.state == "passed" for cell in tests)
        lines.append(f"{one.notebook}: {passed} of {len(tests)} tests pass")
        lines += [f"  {_cell_words(cell)}" for cell in one.cells if cell.state != "passed"]
        lines += [f"  {one.problem}"] if one.problem else []
    return lines


def _cell_words(cell: TrialCell) -> str:
    name = f"cell {cell.index + 1}" + (f" ({cell.grade_id})" if cell.grade_id else "")
    if cell.state == "not-run":
        return f"{name} was not run"
    return f"{name} {'fails' if cell.state == 'failed' else 'stops'}: {cell.message}"


@click.command("submit")
@click.argument("assignment", required=False)
@course_option
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@long_command
def submit(assignment: str | None, course: str | None, dry_run: bool, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Hand in what lies in the folder of ASSIGNMENT (by default this folder), and print the receipt.

    Notebooks that are open in JupyterLab are taken as they were saved last. Your annotations of the pictures that it asks for are brought
    into the folder first, out of your projects.
    """
    folder = _own_folder(assignment, course)
    collected = _collected(folder)
    left_out = [{"path": one.path, "why": one.why} for one in collected.left_out]
    skipped = [f"  not sent: {one.path} ({one.why})" for one in collected.left_out]
    said = [problem.model_dump(mode="json") for problem in collected.problems]
    problems = tuple(f"{problem.where}: {problem.text} {problem.hint}".removeprefix(": ") for problem in collected.problems)
    if dry_run:
        data = {
            "files": [file.model_dump(mode="json") for file in collected.manifest.files],
            "sha256": collected.manifest.sha256,
            "cells": collected.cells,
            "objects": collected.objects,
            "left_out": left_out,
            "problems": said,
        }
        lines = [f"  {file.path}  {file.size / 1000:.1f} kB" for file in collected.manifest.files]
        return Answer(data, ("Would be sent:", *lines, *skipped), problems, exit_code=3 if collected.errors else 0)
    client = course_client()
    receipt = hand_in(client, folder, collected=collected, on_event=stoppable(on_event, cancel))
    path = folder.kept_receipt(receipt)
    data = receipt.model_dump(mode="json") | {"kept": str(path) if path else None, "left_out": left_out, "problems": said}
    kept = f"kept in {path}" if path else "at the hub; it could not be written here"
    lines = _receipt_lines(receipt, time_zone_of(client, receipt.assignment))
    return Answer(data, (*lines, *skipped, f"  The receipt is {kept}"), problems)


def _receipt_lines(receipt: Receipt, time_zone: str) -> list[str]:
    lines = [f"Handed in: {receipt.assignment_name}, attempt {receipt.attempt}, {local_words(receipt.submitted, time_zone)}"]
    lines.append(f"  receipt {receipt.submission}, by {', '.join(receipt.group or (receipt.person,))}")
    lines.append(f"  SHA-256 {receipt.sha256}")
    lines.append(f"  {len(receipt.files)} file(s), {sum(receipt.cells.values())} cells")
    lines += [f"    {name}: {count} cells" for name, count in sorted(receipt.cells.items())]
    if receipt.objects:
        lines.append(f"  {len(receipt.objects)} picture(s), {_objects(sum(receipt.objects.values()))}")
        lines += [f"    {name}: {_objects(count)}" for name, count in sorted(receipt.objects.items())]
    if receipt.late_s:
        lines.append(f"  late by {receipt.late_s / 3600:.1f} h")
    lines += [f"  {note.text}" for note in receipt.notes]
    return lines


@click.command("history")
@click.argument("assignment", required=False)
@course_option
@command
def history(assignment: str | None, course: str | None) -> Answer:
    """List what you have handed in for ASSIGNMENT (by default that of this folder), the newest first."""
    client = course_client()
    item = own_assignment(client, assignment, course)
    own = own_submissions(client, item.id)
    lines = []
    for one in own:
        points = "" if one.points is None else f"  {one.points:g} of {one.max_points or 0:g} points"
        late = f"  late by {one.late_s / 3600:.1f} h" if one.late_s else ""
        counts = "  counts" if one.counts else ""
        lines.append(f"{one.id}  attempt {one.attempt}  {local_words(one.submitted, item.time_zone)}  {one.state}{points}{late}{counts}")
    return Answer({"submissions": [one.model_dump(mode="json") for one in own]}, tuple(lines) or ("Nothing has been handed in.",))


@click.command("receipt")
@click.argument("submission", required=False)
@command
def receipt(submission: str | None) -> Answer:
    """Show a receipt: of SUBMISSION as the hub has it, or the last one that is kept in this folder."""
    time_zone = "UTC"  # of a receipt that is kept here, which can be read while the hub is away
    if submission is not None:
        client = course_client()
        found = client.receipt(submission)
        time_zone = time_zone_of(client, found.assignment)
    else:
        kept = work_at(Path.cwd()).receipts()
        if not kept:
            raise NotFound("Nothing has been handed in from here.", hint="Hand it in with: labkit course submit.")
        found = kept[0]
    return Answer(found, tuple(_receipt_lines(found, time_zone)))


@click.group("feedback")
def feedback() -> None:
    """Fetch what came back; for professors, release it."""


@feedback.command("fetch")
@click.argument("assignment", required=False)
@course_option
@command
def feedback_fetch(assignment: str | None, course: str | None) -> Answer:
    """Show what ASSIGNMENT (by default that of this folder) earned, and put its pages into its folder feedback/.

    What you have changed there is kept.
    """
    client = course_client()
    item = own_assignment(client, assignment, course)
    found = fetch_feedback(client, item)
    beside = {str(path): str(place) for path, place in found.beside.items()}
    files = {"files": [str(path) for path in found.files], "kept": [str(path) for path in found.kept], "beside": beside}
    lines = [*grade_lines(found.grade), *(f"  {path}" for path in found.files)]
    lines += [f"  kept, you have changed it: {path}" for path in files["kept"] if path not in beside]
    lines += [f"  kept, you have changed it: {path}; the new one is {place}" for path, place in beside.items()]
    return Answer(found.grade.model_dump(mode="json") | files, tuple(lines))


def grade_lines(grade: GradeItem) -> list[str]:
    """Return a grade in lines: the whole, then item by item with comments."""
    one = grade.submission
    total = "not graded" if one.points is None else f"{one.points:g} of {one.max_points or 0:g} points"
    lines = [f"{one.full_name or one.person}, attempt {one.attempt}: {total}"]
    lines += [f"  late: {one.penalty:g} points less"] if one.penalty else []
    for score in grade.scores:
        points = "-" if score.points is None else f"{score.points:g}"
        lines.append(
            f"  {score.item.title or score.item.key}: {points} of {score.item.max_points:g}{f'  {score.note}' if score.note else ''}"
        )
        if comment := grade.comments.get(score.item.key):
            lines.append(f"    {comment}")
    if comment := grade.comments.get(""):
        lines.append(f"  {comment}")
    return lines
