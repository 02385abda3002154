"""`labkit course ...` for staff: grading by the hub, points by hand, and the release of feedback."""

from __future__ import annotations

import time
from typing import Any, Literal

import click

from labkit.cli.app import asked, command, long_command
from labkit.cli.console import Answer
from labkit.cli.course_people_commands import course_client, course_option, feedback, grade_lines
from labkit.client.course_wire import BatchItem, FeedbackAsk, GradeAsk, HandScore
from labkit.client.finding import find_assignment
from labkit.client.wire import HUB_END_STATES
from labkit.errors import Cancelled
from labkit.events import CancelToken, EventSink, Progress

_LOOK_EVERY_S = 1.0
_Which = Literal["ungraded", "all", "these"]


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
