"""`labkit course ...` for professors: an assignment is made, released, changed and deleted."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from labkit.cli.app import asked, command, long_command, stoppable
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option
from labkit.client.course_wire import AssignmentChange, AssignmentItem, LateRule, NewAssignment
from labkit.client.courses import CourseClient
from labkit.client.finding import course_id_of, find_assignment
from labkit.client.words import assignment_words
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink


@click.command("create")
@click.argument("name")
@course_option
@command
def create(name: str, course: str | None) -> Answer:
    """Make the assignment NAME in a course; it is a draft until it is released."""
    client = course_client()
    item = client.create_assignment(course_id_of(client, course), asked(NewAssignment, name=name))
    return Answer(item, tuple(assignment_words(item)))


@click.command("delete")
@click.argument("assignment")
@course_option
@command
def delete(assignment: str, course: str | None) -> Answer:
    """Delete the draft ASSIGNMENT, with its releases; it must be one for which nobody has handed in."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    client.delete_assignment(item.id)
    return Answer({"id": item.id, "name": item.name}, (f"The draft {item.name} is deleted.",))


@click.command("release")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@course_option
@click.option(
    "--assignment", default=None, help="Which assignment; default: the one called as the folder, which is made if it is not there."
)
@click.option("--message", default="", help="What has changed; students see it.")
@long_command
def release(folder: Path, course: str | None, assignment: str | None, message: str, on_event: EventSink, cancel: CancelToken) -> Answer:
    """Release FOLDER (notebooks with solutions, assignment.yaml, hidden/) as a new version of its assignment."""
    from labkit.client.releasing import release_folder

    client = course_client()
    item = _released_as(client, folder, course, assignment)
    done = release_folder(client, item, folder, message=message, on_event=stoppable(on_event, cancel), cancel=cancel)
    points = sum(one.max_points for one in done.items)
    lines = [f"{item.name}: release {done.version}, {len(done.manifest.files)} file(s) for students, {points:g} points"]
    return Answer(done, tuple(lines))


def _released_as(client: CourseClient, folder: Path, course: str | None, name: str | None) -> AssignmentItem:
    if name is not None:
        return find_assignment(client, name, course)
    own = folder.resolve().name
    try:
        return find_assignment(client, own, course)
    except NotFound:
        course_id = course_id_of(client, course)
        _refuse_other(client, folder, course_id)
        return client.create_assignment(course_id, asked(NewAssignment, name=own))


def _refuse_other(client: CourseClient, folder: Path, course: str) -> None:
    """Raise if a folder is of an assignment that is called otherwise: students would see a second one at once."""
    from labkit.client.authoring import remembered_assignment

    if (known := remembered_assignment(folder, course)) is None:
        return
    other = next((item for item in client.assignments(course) if item.id == known), None)
    if other is not None:
        raise InvalidInput(
            f"The folder {folder.resolve().name} is of the assignment {other.name}, and there is none of its own name.",
            hint=f"If it was renamed: --assignment {shlex.quote(other.name)}. If it is a copy for another one: "
            f"labkit course create {shlex.quote(folder.resolve().name)} --course {course}, then release it again.",
        )


@click.command("set")
@click.argument("assignment")
@course_option
@click.option("--name", default=None, help="Another name.")
@click.option("--due", default=None, help="Local time of the course, such as 2026-10-25T23:59; 'none' takes it away.")
@click.option("--closes", default=None, help="After this nothing is accepted at all; 'none' takes it away.")
@click.option("--grace-min", type=click.IntRange(min=0), default=None, help="Minutes after the due time that do not count as late.")
@click.option("--late/--no-late", "late", default=None, help="Whether late work is accepted.")
@click.option("--percent-per-day", type=click.FloatRange(0, 100), default=None, help="What late work loses for each begun day.")
@click.option("--floor-percent", type=click.FloatRange(0, 100), default=None, help="What late work keeps at least.")
@click.option("--attempts", default=None, help="How often it may be handed in: a number, or 'unlimited'.")
@click.option("--counts", type=click.Choice(["best", "last"]), default=None, help="Which attempt counts.")
@click.option("--group-size", type=click.IntRange(min=1, max=50), default=None, help="How many may hand in together.")
@click.option("--state", type=click.Choice(["draft", "released", "closed"]), default=None, help="Whether students see it and may hand in.")
@command
def set_(
    assignment: str,
    course: str | None,
    late: bool | None,
    percent_per_day: float | None,
    floor_percent: float | None,
    attempts: str | None,
    **plain: Any,
) -> Answer:
    """Change what holds for ASSIGNMENT; what is not named stays."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    change = {key: value for key, value in plain.items() if value is not None}
    for key in ("due", "closes"):
        if change.get(key) == "none":
            change[key] = ""
    if (late, percent_per_day, floor_percent) != (None, None, None):
        change["late"] = LateRule(
            accept=item.late.accept if late is None else late,
            percent_per_day=item.late.percent_per_day if percent_per_day is None else percent_per_day,
            floor_percent=item.late.floor_percent if floor_percent is None else floor_percent,
        )
    if attempts is not None:
        change |= _attempts(attempts)
    if not change:
        raise InvalidInput("Nothing is to be changed.", hint="See 'labkit course set --help' for what can be.")
    changed = client.change_assignment(item.id, asked(AssignmentChange, **change))
    return Answer(changed, tuple(assignment_words(changed)))


def _attempts(text: str) -> dict[str, Any]:
    if text == "unlimited":
        return {"unlimited_attempts": True}
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInput(f"{text!r} is no number of attempts.", hint="Give a number from 1, or 'unlimited'.")
    return {"attempts": int(text)}
