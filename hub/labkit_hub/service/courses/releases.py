"""What is handed out: each release is a version that never changes, with the part that students get and the whole."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import NewRelease, ReleaseItem
from labkit.courses.names import FEEDBACK, is_for_feedback
from labkit.courses.records import FileEntry, Manifest
from labkit.errors import Conflict, InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import uploads
from labkit_hub.service.courses.access import Seat, lock_assignment, make_once, seat_at
from labkit_hub.service.courses.office import Smell, hidden
from labkit_hub.service.courses.tables import AssignmentRow, FetchRow, ReleaseRow

__all__ = [
    "asked_of",
    "expected_of",
    "get_release",
    "given_to_students",
    "make_release",
    "note_fetch",
    "release_file",
    "release_of",
    "source_of",
]

_HIDDEN = "hidden/"
_MOST_VERSIONS = 1_000_000  # a larger number is none that a database could be asked for


def asked_of(row: ReleaseRow) -> NewRelease:
    """Return what a release was asked for as."""
    return NewRelease.model_validate(row.asked)


def release_of(session: Session, assignment_id: str, version: int) -> ReleaseRow:
    """Return a release.

    Raises
    ------
    NotFound
    """
    row = session.get(ReleaseRow, (assignment_id, version)) if 0 < version <= _MOST_VERSIONS else None
    if row is None:
        raise hidden("release")
    return row


def expected_of(asked: NewRelease) -> tuple[str, ...]:
    """Return the paths that a submission must have: the notebooks of the release, and what the sheet names."""
    notebooks = tuple(f"{name}.ipynb" for name in asked.student.notebooks)
    return (*notebooks, *(path for path in asked.required if path not in notebooks))


def make_release(session: Session, assignment_id: str, ask: NewRelease, who: Identity, now: datetime) -> ReleaseItem:
    """Hand out a new version; a draft is seen by students from then on.

    Raises
    ------
    NotFound, NotWritable
    Conflict
        The same key was used for something else.
    InvalidInput
        A file was not sent, or something is in it that students must not get.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_professor()
    row = lock_assignment(session, assignment_id)
    known = session.scalar(select(ReleaseRow).where(ReleaseRow.assignment_id == row.id, ReleaseRow.key == ask.key))
    if known is not None:
        if asked_of(known) != ask:
            raise Conflict("Another release was made with this key.", hint="Release again.")
        return _item(known)
    _check(ask)
    uploads.claim(session, who.name, _files_of(ask), _given(session, row.id), now)
    row.version += 1
    release = ReleaseRow(
        assignment_id=row.id,
        version=row.version,
        key=ask.key,
        asked=ask.model_dump(mode="json"),
        released=now,
        released_by=who.name,
    )
    session.add(release)
    row.title = ask.title.strip() or row.title
    row.max_points = sum(item.max_points for item in ask.items)
    row.state = "released" if row.state == "draft" else row.state
    note(
        session,
        who.name,
        "release.create",
        row.id,
        course_id=row.course_id,
        assignment=row.name,
        version=row.version,
        sha256=ask.student.sha256,
    )
    return _item(release)


def get_release(session: Session, assignment_id: str, version: int, who: Identity) -> ReleaseItem:
    """Return a release as students get it.

    Raises
    ------
    NotFound
    """
    row, _ = seat_at(session, assignment_id, who)
    return _item(release_of(session, row.id, version))


def note_fetch(session: Session, assignment_id: str, version: int, who: Identity, now: datetime) -> None:
    """Write down that somebody fetched a release."""
    key = {"assignment_id": assignment_id, "username": who.name}
    row = make_once(session, FetchRow, key, version=version, first=now, last=now)
    row.version, row.last = version, now


def source_of(session: Session, assignment_id: str, version: int, who: Identity) -> NewRelease:
    """Return the whole of a release, hidden part included, to staff.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    return asked_of(release_of(session, row.id, version))


def release_file(session: Session, assignment_id: str, version: int, sha256: str, who: Identity) -> str:
    """Return the name of a file of a release that `who` may read: the student's part, or any to staff.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    return _file_in(asked_of(release_of(session, row.id, version)), sha256, row, seat)


def given_to_students(session: Session, assignment_id: str) -> dict[str, int]:
    """Return the files of the student's part of all releases, by hash, with their sizes: a submission may have them without sending."""
    return {file.sha256: file.size for asked in _all(session, assignment_id) for file in asked.student.files}


def _given(session: Session, assignment_id: str) -> dict[str, int]:
    return {file.sha256: file.size for asked in _all(session, assignment_id) for file in _files_of(asked)}


def _files_of(asked: NewRelease) -> tuple[FileEntry, ...]:
    return (*asked.student.files, *asked.source.files, *(preview.entry for preview in asked.previews))


def _all(session: Session, assignment_id: str) -> list[NewRelease]:
    return [asked_of(row) for row in session.scalars(select(ReleaseRow).where(ReleaseRow.assignment_id == assignment_id))]


def _check(ask: NewRelease) -> None:
    notebooks = set(ask.student.notebooks)
    if not notebooks:
        raise InvalidInput("The release has no notebook.", hint="Put at least one .ipynb into the assignment's folder.")
    leaked = [file.path for file in ask.student.files if file.path.casefold().startswith(_HIDDEN)]
    hidden_files = {file.sha256 for file in ask.source.files if file.path.casefold().startswith(_HIDDEN) and file.size}
    leaked += [file.path for file in ask.student.files if file.sha256 in hidden_files]
    leaked += [preview.task for preview in ask.previews if preview.sha256 in hidden_files]
    if leaked:
        raise InvalidInput(
            f"Students would get {leaked[0]}, which the assignment keeps hidden.",
            hint="Make the release again from the assignment's folder.",
        )
    if taken := next((path for path in (*(file.path for file in ask.student.files), *ask.required) if is_for_feedback(path)), None):
        raise InvalidInput(
            f"{taken} lies where students find what came back: it would never be handed in.",
            hint=f"Call it something else than {FEEDBACK}, and release again.",
        )
    keys = [item.key for item in ask.items]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInput(f"Two items are called {twice}.", hint="Give each graded cell and each check a name of its own.")
    if odd := next((item for item in ask.items if item.notebook and item.notebook not in notebooks), None):
        raise InvalidInput(f"The item {odd.id} is of the notebook {odd.notebook}, which is not in the release.", hint="Release it again.")


def _file_in(asked: NewRelease, sha256: str, row: AssignmentRow, seat: Seat) -> str:
    name = _named(asked.student, sha256) or (_named(asked.source, sha256) if seat.is_staff else None)
    if name is None:
        raise hidden("file", Smell("file.peek", row.id, row.course_id))
    return name


def _named(manifest: Manifest, sha256: str) -> str | None:
    return next((file.path.rsplit("/", 1)[-1] for file in manifest.files if file.sha256 == sha256), None)


def _item(row: ReleaseRow) -> ReleaseItem:
    asked = asked_of(row)
    return ReleaseItem(
        assignment=row.assignment_id,
        version=row.version,
        released=row.released,
        released_by=row.released_by,
        message=asked.message,
        manifest=asked.student,
        items=asked.items,
        limits=asked.limits,
    )
