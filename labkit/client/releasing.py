"""Releases the folder of an assignment: what students get and the whole, sent and named once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from labkit.client.authoring import note_author_folder
from labkit.client.course_wire import AssignmentItem, NewRelease, ReleaseItem
from labkit.client.courses import CourseClient
from labkit.courses.folder import load_assignment
from labkit.courses.previews import make_previews
from labkit.courses.records import Manifest, Preview
from labkit.courses.student import make_release
from labkit.errors import Conflict
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.storage import content_hash

__all__ = ["refuse_changed", "release_folder"]


def release_folder(
    client: CourseClient,
    assignment: AssignmentItem,
    folder: Path,
    *,
    message: str = "",
    seen: str = "",
    when_sent: Callable[[], object] = lambda: None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> ReleaseItem:
    """Make the student version of the folder, send both, and release them to students.

    What the hub has is not sent again; releasing what has not changed since the last release makes no other one. The folder remembers
    as which assignment it was released. Of pictures to be annotated that browsers do not show previews are made, for the pages at the hub;
    what cannot be made is told in a warning (`labkit.events.Log`).

    Parameters
    ----------
    seen : str
        `Manifest.sha256` of what students are to get, as it was confirmed; empty for whatever it is now.
    when_sent : callable
        Called once all is made and sent, and nothing is released yet: for what is to hold with the release, and not without it.
    on_event, cancel
        Told of progress and warnings; looked at while previews are made.

    Raises
    ------
    InvalidInput
        The assignment has errors.
    Conflict
        It is not what was confirmed.
    Cancelled
        The token was set, or `on_event` raised it, in time: nothing was released.
    """
    read = load_assignment(folder)
    with tempfile.TemporaryDirectory(prefix="labkit-release-") as scratch:
        out = Path(scratch) / "release"
        student, source = make_release(read, out)
        refuse_changed(student, seen)
        before = client.source(assignment.id, assignment.release) if assignment.release else None
        previews, drawn = make_previews(
            read, student, out / "student", Path(scratch), known=before.previews if before else (), on_event=on_event, cancel=cancel
        )
        asked = NewRelease(
            key=_key(assignment, student, source, read.sheet.model_dump_json(), message, previews),
            student=student,
            source=source,
            items=read.items,
            limits=read.sheet.limits,
            rubric=read.sheet.rubric,
            required=read.sheet.required,
            message=message,
            title=read.sheet.title,
            previews=previews,
        )
        if before is not None and _is_same(before, asked):
            when_sent()
            note_author_folder(read.root, assignment)
            return client.release(assignment.id, assignment.release)
        places = {file.sha256: out / name / file.path for name, part in (("student", student), ("source", source)) for file in part.files}
        _send(client, places | drawn, on_event)
        when_sent()
        done = client.add_release(assignment.id, asked)
    note_author_folder(read.root, assignment)
    return done


def refuse_changed(student: Manifest, seen: str) -> None:
    """Raise `Conflict` if what students get is not what was confirmed; `seen` is as in `release_folder`."""
    if seen and student.sha256 != seen:
        raise Conflict("A file has changed since you confirmed what is released.", hint="Begin again: you are told what students get now.")


def _is_same(before: NewRelease, asked: NewRelease) -> bool:
    return before.model_copy(update={"key": asked.key, "message": asked.message}) == asked


def _send(client: CourseClient, places: dict[str, Path], on_event: EventSink) -> None:
    missing = client.missing_files(tuple(places))
    total, done = sum(places[sha256].stat().st_size for sha256 in missing), 0
    on_event(Progress(done=done, total=total, unit="bytes", stage="sending"))  # who wants it stopped says so here, also if nothing is sent
    for sha256 in missing:
        client.put_file(sha256, places[sha256])
        done += places[sha256].stat().st_size
        on_event(Progress(done=done, total=total, unit="bytes", stage="sending"))


def _key(assignment: AssignmentItem, student: Manifest, source: Manifest, sheet: str, message: str, previews: tuple[Preview, ...]) -> str:
    drawn = [preview.sha256 for preview in previews]
    return content_hash([assignment.id, assignment.release, student.sha256, source.sha256, sheet, message, drawn], 40)
