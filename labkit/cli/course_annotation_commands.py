"""`labkit course annotations|comments|pin`: annotations of an assignment out of a project, and comments on them back into it."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.annotations import resolve_author
from labkit.cli.app import command, project_option
from labkit.cli.console import Answer
from labkit.cli.project_commands import open_project
from labkit.client.annotating import choose_project, tasks_in
from labkit.client.workfolder import WorkFolder, work_at
from labkit.courses.annotation_tasks import comments_of, export_document, image_of, return_document
from labkit.courses.records import AnnotationTask, PinnedComment
from labkit.errors import NotFound
from labkit.project import ImageRecord, Project

__all__ = ["annotations_command", "comments_command", "pin_command"]

_FOLDER = click.option(
    "--folder", type=click.Path(readable=False, path_type=Path), default=None, help="Folder of the assignment; default: the one you are in."
)


@click.command("annotations")
@_FOLDER
@click.option("--author", default=None, help="Whose annotations; default: yours, or the only ones.")
@project_option
@command
def annotations_command(folder: Path | None, author: str | None, project_path: Path | None) -> Answer:
    """Write your annotations of the pictures of an assignment into its folder, and take them from this project from now on.

    Handing in does the same for projects that lie where projects do; this is for any other, and where several could be meant. Whose they
    are (--author) holds from now on, too, until you say it anew.
    """
    work, tasks = _tasks(folder)
    project = open_project(project_path)
    written, missing = [], []
    for task in tasks:
        try:
            file = export_document(project, task, work.root, author, sha256=_handed_out(work, task))
            written.append({"task": task.id, "image": task.image, "file": str(file)})
        except NotFound as error:
            missing.append({"task": task.id, "image": task.image, "reason": error.message})
    if not written:
        raise NotFound(f"Nothing was written: {missing[0]['reason']}", hint="Name the project that holds the pictures (--project).")
    choose_project(work, [row["task"] for row in written], project, author)
    lines = [f"{row['task']}: {row['file']}" for row in written]
    return Answer(
        {"written": written, "missing": missing}, tuple(lines), tuple(f"{row['task']}: not written. {row['reason']}" for row in missing)
    )


@click.command("comments")
@_FOLDER
@click.option("--author", default=None, help="Whose annotations; default: yours, or the only ones.")
@project_option
@command
def comments_command(folder: Path | None, author: str | None, project_path: Path | None) -> Answer:
    """Pin the comments that came back with an assignment to your annotations; they stand in the annotator's review."""
    from labkit.client.course_wire import GradeItem  # the wire's models are many, and only this needs them
    from labkit.storage import load_record

    work, tasks = _tasks(folder)
    grades = sorted(work.layout.feedback.glob("*/grade.json"), key=lambda path: path.stat().st_mtime)
    if not grades:
        raise NotFound("No feedback was fetched yet.", hint="Fetch it with: labkit course feedback fetch.")
    grade = load_record(grades[-1], GradeItem)
    project = open_project(project_path)
    rows = [
        {"task": task.id, **_pinned(project, image_of(project, task, _handed_out(work, task)), pins, author)}
        for task in tasks
        if (pins := grade.pins.get(f"/{task.id}", ()))
    ]
    lines = [f"{row['task']}: {row['comments']} comment(s) on {row['image']}" for row in rows]
    return Answer({"pinned": rows}, tuple(lines) or ("Nothing was said of any picture.",))


@click.command("pin")
@click.argument("submission")
@click.argument("task")
@click.argument("image")
@click.option("--author", required=True, help="Whose annotations you have commented on.")
@project_option
@command
def pin_command(submission: str, task: str, image: str, author: str, project_path: Path | None) -> Answer:
    """Send your comments on somebody's annotations of IMAGE back with SUBMISSION, in which they are those of TASK.

    They take the place of those that you pinned before, on the hub's page, too; what others pinned stays.
    """
    from labkit.cli.course_people_commands import course_client  # what speaks with a hub; the other commands need none
    from labkit.client.course_wire import HandScore

    project = open_project(project_path)
    pins = comments_of(project, project.image(image), author, by=resolve_author())
    course_client().score(submission, HandScore(item=f"/{task}", pins=pins))
    rows = [{"text": pin.text, "y": pin.y, "x": pin.x} for pin in pins]
    return Answer({"submission": submission, "task": task, "pins": rows}, (f"{len(pins)} comment(s) of yours go back with {task}.",))


def _pinned(project: Project, image: ImageRecord, pins: tuple[PinnedComment, ...], author: str | None) -> dict[str, object]:
    review = return_document(project, image, pins, author=author)
    return {"image": image.name, "comments": len(pins), "open": len(review.open_comments)}


def _handed_out(work: WorkFolder, task: AnnotationTask) -> str:
    """Return the hash of the picture of a task, by which it is known in a project; empty where it was not handed out as a file."""
    entry = work.record().manifest.entry(task.image)
    return entry.sha256 if entry else ""


def _tasks(folder: Path | None) -> tuple[WorkFolder, tuple[AnnotationTask, ...]]:
    work = work_at(Path.cwd() if folder is None else folder)
    tasks = tasks_in(work)
    if not tasks:
        raise NotFound("This assignment has no pictures to annotate.", hint="Fetch it again if it should have.")
    return work, tasks
