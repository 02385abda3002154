"""`labkit course ...` for professors and assistants: assignments, extensions, groups, grading, feedback, the class."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any, Literal

import click

from labkit.cli.app import asked, command, long_command, stoppable
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option, feedback, grade_lines
from labkit.client.course_wire import (
    AssignmentChange,
    AssignmentItem,
    BatchItem,
    ClassCell,
    ExtensionAsk,
    FeedbackAsk,
    GradeAsk,
    GroupAsk,
    HandScore,
    LateRule,
    NewAssignment,
    SubmissionItem,
)
from labkit.client.courses import CourseClient
from labkit.client.finding import course_id_of, find_assignment
from labkit.client.wire import HUB_END_STATES
from labkit.client.words import assignment_words, local_words
from labkit.errors import Cancelled, InvalidInput, NotFound
from labkit.events import CancelToken, EventSink, Progress
from labkit.storage import plain_file_name, write_bytes

_LOOK_EVERY_S = 1.0
_Which = Literal["ungraded", "all", "these"]


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


@click.command("extend")
@click.argument("assignment")
@click.argument("person")
@course_option
@click.option("--due", default=None, help="Local time of the course, such as 2026-10-27T23:59.")
@click.option("--attempts", type=click.IntRange(min=1), default=None, help="How many attempts this person has.")
@click.option("--reason", default="", help="Why; staff see it.")
@click.option("--end", is_flag=True, help="Take the extension away.")
@command
def extend(assignment: str, person: str, course: str | None, due: str | None, attempts: int | None, reason: str, end: bool) -> Answer:
    """Give PERSON another due time, or other attempts, for ASSIGNMENT."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    if end:
        client.end_extension(item.id, person)
        return Answer({"person": person, "due": None, "attempts": None}, (f"{person} has no extension for {item.name} any more.",))
    if due is None and attempts is None:
        raise InvalidInput("Nothing is extended.", hint="Give --due or --attempts, or --end to take an extension away.")
    said: dict[str, Any] = {"due": due, "attempts": attempts, "reason": reason}
    given = client.extend(item.id, person, asked(ExtensionAsk, **{key: value for key, value in said.items() if value}))
    words = [f"due {local_words(given.due, item.time_zone)}"] if given.due else []
    words += [f"{given.attempts} attempts"] if given.attempts else []
    return Answer(given, (f"{person}: {', '.join(words)}",))


@click.command("group")
@click.argument("assignment")
@click.argument("name", required=False)
@click.argument("members", nargs=-1)
@course_option
@click.option("--dissolve", is_flag=True, help="Dissolve the group.")
@command
def group(assignment: str, name: str | None, members: tuple[str, ...], course: str | None, dissolve: bool) -> Answer:
    """Let MEMBERS hand ASSIGNMENT in together as the group NAME; without a name, list the groups."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    if name is None:
        groups = client.groups(item.id)
    elif dissolve or members:
        groups = (client.set_group(item.id, name, asked(GroupAsk, members=() if dissolve else members)),)
    else:
        raise InvalidInput(f"Nobody is named for the group {name}.", hint="Name its members, or give --dissolve.")
    lines = tuple(f"{one.name}: {', '.join(one.members) or 'dissolved'}" for one in groups)
    return Answer({"groups": [one.model_dump(mode="json") for one in groups]}, lines or ("There are no groups.",))


@click.command("grade")
@click.argument("assignment")
@click.argument("submissions", nargs=-1)
@course_option
@click.option("--all", "everything", is_flag=True, help="Grade again what is graded, too.")
@click.option("--drop-hand", is_flag=True, help="Forget points that people gave.")
@click.option("--newest", is_flag=True, help="By the newest release, also what was handed in for an older one.")
@click.option("--wait", is_flag=True, help="Stay until the batch has ended.")
@long_command
def grade(
    assignment: str,
    submissions: tuple[str, ...],
    course: str | None,
    everything: bool,
    drop_hand: bool,
    newest: bool,
    wait: bool,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Let the hub grade what counts for ASSIGNMENT and is not graded yet, or these SUBMISSIONS."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    which: _Which = "these" if submissions else "all" if everything else "ungraded"
    batch = client.start_grading(item.id, asked(GradeAsk, which=which, submissions=submissions, drop_hand=drop_hand, newest=newest))
    while wait and batch.state not in HUB_END_STATES:
        if cancel.cancelled:
            raise Cancelled("The batch goes on at the hub.", hint=f"See how far it is with: labkit course batches {assignment!r}.")
        on_event(Progress(done=batch.graded + batch.failed, total=batch.total, unit="submissions", stage="grading"))
        time.sleep(_LOOK_EVERY_S)
        batch = next((one for one in client.batches(item.id) if one.id == batch.id), batch)
    code = 1 if wait and batch.state in ("failed", "lost") else 130 if batch.state == "cancelled" else 0
    return Answer(batch, (_batch_line(batch),), exit_code=code)


def _batch_line(batch: BatchItem) -> str:
    words = f"{batch.id}  {batch.state}  {batch.graded} of {batch.total} graded, {batch.failed} failed"
    return words + "".join(f"  {text}" for text in (batch.progress, batch.reason) if text)


@click.command("batches")
@click.argument("assignment")
@course_option
@command
def batches(assignment: str, course: str | None) -> Answer:
    """List the grading batches of ASSIGNMENT, the newest first."""
    client = course_client()
    found = client.batches(find_assignment(client, assignment, course).id)
    rows = [one.model_dump(mode="json") for one in found]
    return Answer({"batches": rows}, tuple(_batch_line(one) for one in found) or ("Nothing has been graded yet.",))


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


@click.command("score")
@click.argument("submission")
@click.argument("item", required=False)
@click.option("--points", type=click.FloatRange(min=0), default=None, help="What the item earned.")
@click.option("--clear", is_flag=True, help="Go back to what the grading run found.")
@click.option("--comment", default=None, help="Students read it when feedback is released.")
@click.option("--reason", default=None, help="Why; staff see it.")
@command
def score(submission: str, item: str | None, points: float | None, clear: bool, comment: str | None, reason: str | None) -> Answer:
    """Give the points of ITEM (its key, such as ps1/q1) of SUBMISSION, or a comment.

    Without ITEM the comment is about the whole; without anything to change the grade is shown.
    """
    client = course_client()
    said: dict[str, Any] = {"item": item or ""}
    said |= {"points": None} if clear else {} if points is None else {"points": points}
    said |= {key: value for key, value in (("comment", comment), ("reason", reason)) if value is not None}
    found = client.score(submission, asked(HandScore, **said)) if len(said) > 1 else client.grade(submission)
    lines = grade_lines(found) + [f"  note: {note.where}: {note.text}" for note in found.notes]
    return Answer(found, tuple(lines))


@feedback.command("release")
@click.argument("assignment")
@click.argument("submissions", nargs=-1)
@course_option
@click.option("--take-back", is_flag=True, help="Let students not read it any more.")
@command
def feedback_release(assignment: str, submissions: tuple[str, ...], course: str | None, take_back: bool) -> Answer:
    """Let students read what they earned in ASSIGNMENT: all that is graded, or these SUBMISSIONS."""
    client = course_client()
    item = find_assignment(client, assignment, course)
    outcome = client.release_feedback(item.id, asked(FeedbackAsk, release=not take_back, submissions=submissions))
    verb = "taken back" if take_back else "released"
    lines = [f"Feedback of {len(outcome.submissions)} submission(s) is {verb}."]
    lines += [f"  {outcome.not_graded} are not graded and were left out."] if outcome.not_graded else []
    return Answer(outcome, tuple(lines))


@click.command("gradebook")
@click.argument("assignment", required=False)
@course_option
@click.option("--format", "form", type=click.Choice(["labkit", "canvas", "moodle"]), default="labkit", help="For whom.", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=None, help="File; by default it is printed.")
@command
def gradebook(assignment: str | None, course: str | None, form: str, output: Path | None) -> Answer:
    """Write points as a table (CSV), for people, or to be imported by Canvas or Moodle: of ASSIGNMENT, or without one of the course."""
    client = course_client()
    if assignment is None:
        table = client.course_gradebook(course_id_of(client, course), form)
    else:
        table = client.gradebook(find_assignment(client, assignment, course).id, form)
    text = table.decode("utf-8-sig")
    if output is None:
        return Answer({"format": form, "csv": text, "output": None}, tuple(text.splitlines()))
    write_bytes(output, table)
    return Answer({"format": form, "csv": text, "output": str(output)}, (f"Written: {output}",))


@click.command("statistics")
@click.argument("assignment")
@course_option
@command
def statistics(assignment: str, course: str | None) -> Answer:
    """Say how the class did in ASSIGNMENT."""
    client = course_client()
    found = client.statistics(find_assignment(client, assignment, course).id)
    lines = [f"{found.submitted} handed in, {found.graded} graded"]
    if found.mean is not None and found.median is not None:
        lines.append(
            f"mean {found.mean:.2f}, median {found.median:.2f} of {found.max_points:g}, best {found.best:g}, worst {found.worst:g}"
        )
    lines += [f"{10 * k:3}-{10 * k + 10} %  {'#' * count} {count}" for k, count in enumerate(found.histogram)]
    return Answer(found, tuple(lines))


@click.command("class")
@course_option
@command
def class_(course: str | None) -> Answer:
    """Show how far each student of a course is, and on which cell somebody is stuck."""
    client = course_client()
    found = client.class_view(course_id_of(client, course))
    names = {item.id: item.name for item in found.assignments}
    lines = []
    for row in found.students:
        lines.append(f"{row.full_name or row.person}: {row.trainings} training(s), {row.device_hours:.1f} device-hours")
        for cell in row.cells:
            words: list[str] = [cell.state or ("started" if cell.started else "fetched" if cell.fetched else "not fetched")]
            words += [f"{cell.points:g} points"] if cell.points is not None else []
            words += _drawn(cell)
            words += [f"stuck at {cell.stuck_cell} ({cell.stuck_times} times): {cell.stuck_error}"] if cell.stuck_cell else []
            lines.append(f"  {names.get(cell.assignment, cell.assignment)}: {', '.join(words)}")
    return Answer(found, tuple(lines) or ("Nobody is in this course.",))


def _drawn(cell: ClassCell) -> list[str]:
    if not cell.pictures_asked or cell.objects is None:
        return []
    return [f"{cell.objects} object(s) annotated in {cell.pictures or 0} of {cell.pictures_asked} picture(s)"]


@click.command("audit")
@course_option
@click.option("--before", type=click.IntRange(min=0), default=None, help="Go on where `next` of an answer says.")
@command
def audit(course: str | None, before: int | None) -> Answer:
    """List who did what in a course, the last first."""
    client = course_client()
    found = client.audit(course_id_of(client, course), before=before)
    lines = [f"{row.time:%Y-%m-%d %H:%M:%S}  {row.actor}  {row.action}  {row.subject}" for row in found.rows]
    lines += [f"Further: --before {found.next}"] if found.next is not None else []
    return Answer(found, tuple(lines) or ("Nothing has been done yet.",))
