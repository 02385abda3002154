"""What the hub and the library say of course work, as the browser gets it."""

from __future__ import annotations

from pathlib import Path

from labkit.client import CourseClient
from labkit.client.course_wire import AssignmentItem, GradeItem, Receipt, Statistics, SubmissionItem
from labkit.client.fetching import Fetched
from labkit.client.handing_in import Collected
from labkit.client.workfolder import WorkFolder, WorkRecord
from labkit.courses.records import CellScore
from labkit.errors import LabKitError
from labkit.runs.answering import at_hub
from labkit_lab.homes import shown_path
from labkit_lab.places import browser_path
from labkit_lab.wire_courses import BesideItem, FetchReport
from labkit_lab.wire_feedback import FeedbackItem, FeedbackPage, FeedbackRow
from labkit_lab.wire_sending import HistoryRow, LeftOutItem, ReceiptFile, ReceiptItem, SendFile, SendPlan, SendProblem

__all__ = ["feedback_item", "fetch_report", "history_row", "receipt_item", "send_plan"]


def fetch_report(fetched: Fetched, root: Path) -> FetchReport:
    """Return what a fetch did; ``open`` is the first notebook, as the file browser calls it."""
    notebooks = fetched.folder.record().manifest.notebooks
    first = browser_path(root, fetched.folder.on_disk(f"{notebooks[0]}.ipynb")) if notebooks else None
    return FetchReport(
        release=fetched.release,
        folder=browser_path(root, fetched.folder.root),
        place=shown_path(fetched.folder.root),
        new=tuple(fetched.new),
        renewed=tuple(fetched.renewed),
        kept=tuple(fetched.kept),
        beside=tuple(BesideItem(path=path, beside=beside) for path, beside in fetched.beside.items()),
        open=first,
    )


def send_plan(collected: Collected, record: WorkRecord, assignment: AssignmentItem) -> SendPlan:
    """Return what would be handed in."""
    return SendPlan(
        sha256=collected.manifest.sha256,
        size=collected.manifest.size,
        files=tuple(
            SendFile(path=file.path, size=file.size, cells=collected.cells.get(file.path), objects=collected.objects.get(file.path))
            for file in collected.manifest.files
        ),
        left_out=tuple(LeftOutItem(path=one.path, why=one.why) for one in collected.left_out),
        problems=tuple(SendProblem(**problem.model_dump()) for problem in collected.problems),
        release=record.release,
        newer_release=assignment.release > record.release,
    )


def receipt_item(receipt: Receipt, time_zone: str, folder: WorkFolder) -> ReceiptItem:
    """Return a receipt."""
    return ReceiptItem(
        submission=receipt.submission,
        course=receipt.course,
        assignment_name=receipt.assignment_name,
        person=receipt.person,
        group=receipt.group,
        attempt=receipt.attempt,
        submitted=receipt.submitted,
        time_zone=time_zone,
        sha256=receipt.sha256,
        cells=sum(receipt.cells.values()),
        pictures=len(receipt.objects),
        objects=sum(receipt.objects.values()),
        files=tuple(
            ReceiptFile(
                path=file.path,
                size=file.size,
                sha256=file.sha256,
                cells=_cells(receipt, file.path),
                objects=receipt.objects.get(file.path),
            )
            for file in receipt.files
        ),
        late_s=receipt.late_s,
        notes=tuple(note.text for note in receipt.notes),
        kept=shown_path(path) if (path := folder.kept_receipt(receipt)) else "",
    )


def _cells(receipt: Receipt, path: str) -> int | None:
    return receipt.cells.get(path, receipt.cells.get(path.removesuffix(".ipynb")))


def history_row(item: SubmissionItem) -> HistoryRow:
    """Return one submission."""
    return HistoryRow(**{name: getattr(item, name) for name in HistoryRow.model_fields})


def feedback_item(client: CourseClient, assignment: AssignmentItem, grade: GradeItem) -> FeedbackItem:
    """Return what a submission earned, with addresses of its executed notebooks and how the class did."""
    statistics = _statistics(client, assignment.id)
    submission = grade.submission
    return FeedbackItem(
        submission=submission.id,
        attempt=submission.attempt,
        submitted=submission.submitted,
        time_zone=assignment.time_zone,
        points=submission.points,
        max_points=submission.max_points if submission.max_points is not None else assignment.max_points,
        penalty=submission.penalty,
        late_s=submission.late_s,
        comment=grade.comments.get("", ""),
        rows=tuple(_row(score, grade) for score in grade.scores),
        pages=tuple(_pages(client, grade)),
        mean=statistics.mean,
        median=statistics.median,
        graded=statistics.graded,
        histogram=statistics.histogram,
    )


def _statistics(client: CourseClient, assignment: str) -> Statistics:
    try:
        return client.statistics(assignment, patience_s=0)
    except LabKitError:
        return Statistics()  # the own feedback is worth showing without the class


def _row(score: CellScore, grade: GradeItem) -> FeedbackRow:
    return FeedbackRow(
        notebook=score.item.notebook,
        title=score.item.title or score.item.id,
        how=score.item.how,
        points=score.points,
        max_points=score.item.max_points,
        note=score.note,
        comment=grade.comments.get(score.item.key, ""),
        pins=tuple(pin.text for pin in grade.pins.get(score.item.key, ())),
    )


def _pages(client: CourseClient, grade: GradeItem) -> list[FeedbackPage]:
    found = []
    for outcome in grade.notebooks:
        if outcome.html is None:
            continue
        try:
            address = client.view(grade.submission.id, outcome.notebook).address
        except LabKitError:
            continue
        found.append(FeedbackPage(notebook=outcome.notebook, url=at_hub(address)))
    return found
