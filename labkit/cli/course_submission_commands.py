"""`labkit course ...` for staff: what has been handed in."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.app import command, long_command
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option
from labkit.client.course_wire import SubmissionItem
from labkit.client.courses import CourseClient
from labkit.client.finding import find_assignment
from labkit.client.words import local_words
from labkit.errors import NotFound
from labkit.events import CancelToken, EventSink, Progress
from labkit.storage import plain_file_name


@click.command("submissions")
@click.argument("assignment")
@course_option
@click.option("--counting", is_flag=True, help="Only those that count.")
@command
def submissions(assignment: str, course: str | None, counting: bool) -> Answer:
    """List what has been handed in for ASSIGNMENT, the newest first."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    found = [one for one in client.submissions(item.id) if one.counts or not counting]
    lines = [_submission_line(one, item.time_zone) for one in found]
    return Answer({"submissions": [one.model_dump(mode="json") for one in found]}, tuple(lines) or ("Nothing has been handed in.",))


def _submission_line(one: SubmissionItem, time_zone: str) -> str:
    words = [one.id, ", ".join(one.group) or one.person, f"attempt {one.attempt}", local_words(one.submitted, time_zone), one.state]
    words += [f"{one.points:g} of {one.max_points or 0:g} points"] if one.points is not None else []
    words += [f"late by {one.late_s / 3600:.1f} h"] if one.late_s else []
    words += [f"{one.needs_hand} to be scored by hand"] if one.needs_hand else []
    words += ["counts"] if one.counts else []
    words += [f"{len(one.notes)} note(s)"] if one.notes else []
    return "  ".join(words)


@click.command("download")
@click.argument("assignment")
@click.argument("submissions", nargs=-1)
@course_option
@click.option("--to", "target", type=click.Path(path_type=Path), default=None, help="Folder; default: the name of the assignment.")
@long_command
def download(
    assignment: str, submissions: tuple[str, ...], course: str | None, target: Path | None, on_event: EventSink, cancel: CancelToken
) -> Answer:
    """Fetch what was handed in for ASSIGNMENT: what counts, or these SUBMISSIONS. Each person gets a folder; this is noted at the hub."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    chosen = [one for one in client.submissions(item.id) if (one.id in submissions if submissions else one.counts)]
    if missing := set(submissions) - {one.id for one in chosen}:
        raise NotFound(f"There is no submission {min(missing)}.", hint="List them with: labkit course submissions.")
    place = target or Path(plain_file_name(item.name))
    rows = []
    for number, one in enumerate(chosen):
        cancel.raise_if_cancelled()
        rows.append({"submission": one.id, "person": one.person, "folder": str(_download(client, one, place))})
        on_event(Progress(done=number + 1, total=len(chosen), unit="submissions", stage="fetching"))
    lines = tuple(f"{row['person']}: {row['folder']}" for row in rows)
    return Answer({"folder": str(place), "submissions": rows}, lines or ("Nothing has been handed in.",))


def _download(client: CourseClient, one: SubmissionItem, place: Path) -> Path:
    folder = place / plain_file_name(one.person) / f"attempt {one.attempt}"
    for file in client.receipt(one.id).files:
        client.fetch_submission_file(one.id, file, folder / file.path)
    return folder
