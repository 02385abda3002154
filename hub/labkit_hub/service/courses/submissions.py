"""Handing in: looked at before anything is accepted, written once, never changed; a receipt says what it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import NewRelease, NewSubmission, Receipt
from labkit.courses.annotation_files import DOCUMENT, check_document
from labkit.courses.records import Manifest
from labkit.courses.submitted import check_notebook, check_submission
from labkit.errors import Conflict, InvalidInput, NotFound, NotWritable
from labkit.storage import new_id
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, uploads
from labkit_hub.service.courses.access import Seat, lock_assignment, seat_at, submission_for
from labkit_hub.service.courses.activity import note_handed_in
from labkit_hub.service.courses.annotated import documents_of
from labkit_hub.service.courses.counting import Ledger, open_ledger
from labkit_hub.service.courses.office import Office, Smell, hidden
from labkit_hub.service.courses.rules import group_of
from labkit_hub.service.courses.tables import AssignmentRow, ReleaseRow, SubmissionRow

__all__ = ["manifest_of", "note_download", "receipt_of", "submission_file", "submit"]

_SHOWN = 5


def submit(office: Office, assignment_id: str, ask: NewSubmission, who: Identity, arrived: datetime) -> tuple[Receipt, bool]:
    """Hand in; return the receipt, and whether it is new: asking twice with one key is handing in once.

    Parameters
    ----------
    arrived : datetime
        When the request came: what counts for the due time, however long the files are looked at.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        Something of it cannot be accepted: what was handed in before stays valid.
    Conflict
        It is too late, too often, or not open; or the key was used for something else.
    """
    with office.reading(who) as session:
        row, seat = seat_at(session, assignment_id, who)
        known = _known(session, row, ask, who)
        if known is not None:
            return known, False
        _require_possible(office, open_ledger(session, row), seat, group_of(session, row, who.name)[1], arrived)
        uploads.claimable(session, who.name, ask.manifest.files, releases.given_to_students(session, row.id))
        release = _release(session, row, ask.release)
        asked = releases.asked_of(release)
    _check_names(asked, ask.manifest)
    seen = _look_into(office, ask.manifest, asked.limits.upload_mb)
    wanted = documents_of(office.store, release)
    with office.changing(who) as session:
        row = lock_assignment(session, assignment_id)  # of two that hand in at once, the second sees the first
        _, seat = seat_at(session, assignment_id, who)
        known = _known(session, row, ask, who)
        if known is not None:
            return known, False
        receipt = _accept(office, session, row, seat, ask, seen, arrived)
        if wanted:
            drawn = (count for path, count in seen.objects.items() if path in wanted)
            note_handed_in(session, row, who.name, receipt.group or (who.name,), drawn, arrived)
        return receipt, True


def receipt_of(session: Session, submission_id: str, who: Identity) -> Receipt:
    """Return the receipt of a submission, as it was given.

    Raises
    ------
    NotFound
    """
    row, _, _ = submission_for(session, submission_id, who)
    return Receipt.model_validate(row.receipt)


def manifest_of(row: SubmissionRow) -> Manifest:
    """Return what was handed in."""
    return Manifest.model_validate({"files": row.receipt["files"]})


def submission_file(session: Session, submission_id: str, sha256: str, who: Identity) -> tuple[str, bool]:
    """Return the name of a file of a submission, and whether it is another person's.

    Raises
    ------
    NotFound
        It is not in this submission, or `who` may not know of it.
    """
    row, assignment, _ = submission_for(session, submission_id, who)
    name = next((file.path.rsplit("/", 1)[-1] for file in manifest_of(row).files if file.sha256 == sha256), None)
    if name is None:
        raise hidden("file", Smell("file.peek", row.id, assignment.course_id))
    return name, who.name not in row.members


def note_download(session: Session, submission_id: str, sha256: str, name: str, who: Identity) -> None:
    """Write down that somebody read another person's work."""
    row, assignment, _ = submission_for(session, submission_id, who)
    note(
        session, who.name, "submission.download", row.id, course_id=assignment.course_id, person=row.person, file=name[:200], sha256=sha256
    )


def _known(session: Session, row: AssignmentRow, ask: NewSubmission, who: Identity) -> Receipt | None:
    query = select(SubmissionRow).where(
        SubmissionRow.assignment_id == row.id, SubmissionRow.person == who.name, SubmissionRow.key == ask.key
    )
    known = session.scalar(query)
    if known is None:
        return None
    if known.sha256 != ask.manifest.sha256 or known.release != ask.release:
        raise Conflict("Something else was handed in with this key.", hint="Hand in again.")
    return Receipt.model_validate(known.receipt)


def _release(session: Session, row: AssignmentRow, version: int) -> ReleaseRow:
    try:
        return releases.release_of(session, row.id, version)
    except NotFound as error:
        raise InvalidInput(f"There is no release {version} of this assignment.", hint="Fetch the assignment again.") from error


def _require_possible(office: Office, ledger: Ledger, seat: Seat, people: tuple[str, ...], arrived: datetime) -> None:
    """Return if these people may hand in now."""
    row, deadline = ledger.assignment, ledger.deadline(people)
    if seat.role is None:
        raise NotWritable("You are not in this course.", hint="Whoever hands in is on its roster.")
    seat.require_open()
    if row.state != "released":
        raise Conflict("Nothing is accepted for this assignment.", hint="It is closed, or not released yet; ask your professor.")
    refusal, hint = deadline.refusal(arrived, seat.course.time_zone)
    if refusal:
        raise Conflict(refusal, hint=hint)
    most = office.settings.submissions if deadline.attempts is None else deadline.attempts
    if ledger.attempts_used(people) >= most:
        times = "once" if most == 1 else f"{most} times"
        raise Conflict(f"This was handed in {times}, and more is not allowed.", hint="What you handed in stays valid.")


def _check_names(asked: NewRelease, manifest: Manifest) -> None:
    problems = check_submission(asked.student.notebooks, asked.required, manifest, asked.limits.upload_mb)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        more = f" (and {len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
        raise InvalidInput(" ".join(problem.text for problem in errors[:_SHOWN]) + more, hint=errors[0].hint)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found in the files: cells of each notebook, objects of each annotation document."""

    cells: dict[str, int]
    objects: dict[str, int]


def _look_into(office: Office, manifest: Manifest, upload_mb: float) -> _Seen:
    """Look into each notebook, whether it is graded or not, and into annotations; what cannot be read is refused."""
    seen = _Seen({}, {})
    for file in manifest.files:
        if file.path.endswith(".ipynb"):
            with office.reading_notebooks:
                data = office.store.read(file.sha256, int(upload_mb * 1e6))
                seen.cells[file.path] = check_notebook(data, file.path).cells
        elif DOCUMENT.fullmatch(file.path):
            with office.reading_notebooks:
                document = check_document(office.store.read(file.sha256, int(upload_mb * 1e6)), file.path)
                seen.objects[file.path] = document.objects
    return seen


def _accept(
    office: Office,
    session: Session,
    row: AssignmentRow,
    seat: Seat,
    ask: NewSubmission,
    seen: _Seen,
    arrived: datetime,
) -> Receipt:
    who, ledger = seat.who, open_ledger(session, row)
    group, people = group_of(session, row, who.name)
    _require_possible(office, ledger, seat, people, arrived)
    uploads.claim(session, who.name, ask.manifest.files, releases.given_to_students(session, row.id), arrived)
    attempt, submission_id = ledger.attempts_used(people) + 1, new_id()
    receipt = Receipt(
        submission=submission_id,
        assignment=row.id,
        assignment_name=row.name,
        course=row.course_id,
        person=who.name,
        group=people if group else (),
        attempt=attempt,
        submitted=arrived,
        sha256=ask.manifest.sha256,
        files=ask.manifest.files,
        cells=seen.cells,
        objects=seen.objects,
        late_s=ledger.deadline(people).late_s(arrived),
    )
    session.add(
        SubmissionRow(
            id=submission_id,
            assignment_id=row.id,
            person=who.name,
            key=ask.key,
            group_name=group,
            members=list(people),
            attempt=attempt,
            release=ask.release,
            submitted=arrived,
            sha256=receipt.sha256,
            size=ask.manifest.size,
            receipt=receipt.model_dump(mode="json"),
        )
    )
    note(
        session,
        who.name,
        "submission.create",
        submission_id,
        course_id=row.course_id,
        assignment=row.id,
        attempt=attempt,
        sha256=receipt.sha256,
        group=group,
    )
    return receipt
