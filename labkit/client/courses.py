"""Asks the hub's service for assignments, submissions and grades."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from labkit.client.asking import ServiceClient
from labkit.client.course_wire import (
    ActivityAsk,
    AssignmentChange,
    AssignmentItem,
    AssignmentList,
    BatchItem,
    BatchList,
    ClassView,
    CourseAudit,
    Extension,
    ExtensionAsk,
    ExtensionList,
    FeedbackAsk,
    FeedbackOutcome,
    FilesAsk,
    FilesMissing,
    GradeAsk,
    GradeItem,
    GradingJob,
    GroupAsk,
    GroupItem,
    GroupList,
    HandScore,
    NewAssignment,
    NewRelease,
    NewSubmission,
    Receipt,
    ReleaseItem,
    Statistics,
    SubmissionItem,
    SubmissionList,
    TaskResult,
    ViewAddress,
    ViewAsk,
)
from labkit.client.wire import Standing
from labkit.courses.records import FileEntry

__all__ = ["CourseClient"]

_FILES_AT_ONCE = 10_000  # names in one question


class CourseClient(ServiceClient):
    """Asks for one person - a student, a professor, or the grader of one run - and sends and fetches files.

    Files are streamed, checked by their SHA-256, and sent or fetched again while the hub is away. What is handed in carries a key, so
    that an answer that got lost makes no second submission.
    """

    def standing(self, *, patience_s: float | None = None) -> Standing:
        """Return who is asking, and their courses."""
        return self._ask(Standing, "GET", "me", patience_s=patience_s)

    # -- assignments --

    def assignments(self, course: str, *, patience_s: float | None = None) -> tuple[AssignmentItem, ...]:
        """Return the assignments of a course, by due time."""
        return self._ask(AssignmentList, "GET", _path("courses", course, "assignments"), patience_s=patience_s).assignments

    def assignment(self, assignment: str, *, patience_s: float | None = None) -> AssignmentItem:
        """Return one assignment as the caller sees it."""
        return self._ask(AssignmentItem, "GET", _path("assignments", assignment), patience_s=patience_s)

    def create_assignment(self, course: str, asked: NewAssignment) -> AssignmentItem:
        """Make an assignment; it is a draft until it is released."""
        return self._ask(AssignmentItem, "POST", _path("courses", course, "assignments"), asked)

    def change_assignment(self, assignment: str, change: AssignmentChange) -> AssignmentItem:
        """Change what holds for an assignment; what is not named stays."""
        return self._ask(AssignmentItem, "PATCH", _path("assignments", assignment), change, sparse=True)

    def delete_assignment(self, assignment: str) -> None:
        """Delete a draft for which nobody has handed in."""
        self._tell("DELETE", _path("assignments", assignment))

    def extend(self, assignment: str, person: str, asked: ExtensionAsk) -> Extension:
        """Give one person another due time, or further attempts."""
        return self._ask(Extension, "PUT", _path("assignments", assignment, "extensions", person), asked)

    def end_extension(self, assignment: str, person: str) -> None:
        """Take an extension away."""
        self._tell("DELETE", _path("assignments", assignment, "extensions", person))

    def extensions(self, assignment: str) -> tuple[Extension, ...]:
        """Return the extensions that were given."""
        return self._ask(ExtensionList, "GET", _path("assignments", assignment, "extensions")).extensions

    def groups(self, assignment: str) -> tuple[GroupItem, ...]:
        """Return the groups, for a student the own one."""
        return self._ask(GroupList, "GET", _path("assignments", assignment, "groups")).groups

    def set_group(self, assignment: str, name: str, asked: GroupAsk) -> GroupItem:
        """Say who hands in together."""
        return self._ask(GroupItem, "PUT", _path("assignments", assignment, "groups", name), asked)

    # -- releases and files --

    def release(self, assignment: str, version: int) -> ReleaseItem:
        """Return one release, as students get it."""
        return self._ask(ReleaseItem, "GET", _path("assignments", assignment, "releases", str(version)))

    def add_release(self, assignment: str, asked: NewRelease) -> ReleaseItem:
        """Release what was sent before."""
        return self._ask(ReleaseItem, "POST", _path("assignments", assignment, "releases"), asked)

    def fetch_release_file(self, assignment: str, version: int, file: FileEntry, target: Path) -> None:
        """Fetch a file of a release to `target`."""
        path = _path("assignments", assignment, "releases", str(version), "files", file.sha256)
        self._fetch(path, target, file.sha256)

    def missing_files(self, sha256: tuple[str, ...]) -> tuple[str, ...]:
        """Return which of these have still to be sent."""
        pieces = [sha256[start : start + _FILES_AT_ONCE] for start in range(0, len(sha256), _FILES_AT_ONCE)]
        return tuple(found for piece in pieces for found in self._ask(FilesMissing, "POST", "files/missing", FilesAsk(sha256=piece)).sha256)

    def put_file(self, sha256: str, source: Path) -> None:
        """Send a file."""
        self._put_file(_path("files", sha256), source)

    # -- submissions --

    def submit(self, assignment: str, asked: NewSubmission) -> Receipt:
        """Hand in what was sent before; the same key is the same submission."""
        return self._ask(Receipt, "POST", _path("assignments", assignment, "submissions"), asked)

    def submissions(self, assignment: str, *, patience_s: float | None = None) -> tuple[SubmissionItem, ...]:
        """Return the caller's own submissions, for staff everybody's; the newest first."""
        return self._ask(SubmissionList, "GET", _path("assignments", assignment, "submissions"), patience_s=patience_s).submissions

    def submission(self, submission: str) -> SubmissionItem:
        """Return one submission."""
        return self._ask(SubmissionItem, "GET", _path("submissions", submission))

    def receipt(self, submission: str) -> Receipt:
        """Return the receipt of a submission."""
        return self._ask(Receipt, "GET", _path("submissions", submission, "receipt"))

    def fetch_submission_file(self, submission: str, file: FileEntry, target: Path) -> None:
        """Fetch what was handed in to `target`."""
        self._fetch(_path("submissions", submission, "files", file.sha256), target, file.sha256)

    def fetch_result_file(self, submission: str, sha256: str, target: Path) -> None:
        """Fetch what the grading made (a page, an executed notebook) to `target`."""
        self._fetch(_path("submissions", submission, "result-files", sha256), target, sha256)

    # -- grades --

    def grade(self, submission: str, *, patience_s: float | None = None) -> GradeItem:
        """Return what a submission earned."""
        return self._ask(GradeItem, "GET", _path("submissions", submission, "grade"), patience_s=patience_s)

    def score(self, submission: str, asked: HandScore) -> GradeItem:
        """Give the points of one item, or a comment."""
        return self._ask(GradeItem, "PUT", _path("submissions", submission, "scores"), asked, sparse=True)

    def view(self, submission: str, notebook: str) -> ViewAddress:
        """Return an address of the page of one executed notebook, good for a short while."""
        return self._ask(ViewAddress, "POST", _path("submissions", submission, "view"), ViewAsk(notebook=notebook))

    def start_grading(self, assignment: str, asked: GradeAsk) -> BatchItem:
        """Ask for a grading batch."""
        return self._ask(BatchItem, "POST", _path("assignments", assignment, "batches"), asked)

    def batches(self, assignment: str, *, patience_s: float | None = None) -> tuple[BatchItem, ...]:
        """Return the grading batches of an assignment, the newest first."""
        return self._ask(BatchList, "GET", _path("assignments", assignment, "batches"), patience_s=patience_s).batches

    def release_feedback(self, assignment: str, asked: FeedbackAsk) -> FeedbackOutcome:
        """Let students read what their submissions earned, or take it back."""
        return self._ask(FeedbackOutcome, "POST", _path("assignments", assignment, "feedback"), asked)

    def statistics(self, assignment: str, *, patience_s: float | None = None) -> Statistics:
        """Return the statistics of the class."""
        return self._ask(Statistics, "GET", _path("assignments", assignment, "statistics"), patience_s=patience_s)

    def gradebook(self, assignment: str, form: str) -> bytes:
        """Return the gradebook as a table (``labkit``, ``canvas`` or ``moodle``)."""
        return self._bytes(_path("assignments", assignment, "gradebook.csv"), query={"format": form})

    # -- seeing the class --

    def note_activity(self, assignment: str, asked: ActivityAsk, *, patience_s: float | None = None) -> None:
        """Say where the caller is; only the last word is kept."""
        self._tell("POST", _path("assignments", assignment, "activity"), asked, patience_s=patience_s)

    def class_view(self, course: str) -> ClassView:
        """Return how far each student of a course is."""
        return self._ask(ClassView, "GET", _path("courses", course, "class"))

    def audit(self, course: str, *, before: int | None = None) -> CourseAudit:
        """Return who did what in a course, the last first."""
        query = {} if before is None else {"before": str(before)}
        return self._ask(CourseAudit, "GET", _path("courses", course, "audit"), query=query)

    def course_gradebook(self, course: str, form: str) -> bytes:
        """Return the gradebook of all assignments of a course."""
        return self._bytes(_path("courses", course, "gradebook.csv"), query={"format": form})

    def source(self, assignment: str, version: int) -> NewRelease:
        """Return the whole of a release, hidden part included; for staff."""
        return self._ask(NewRelease, "GET", _path("assignments", assignment, "releases", str(version), "source"))

    # -- what only a grading run asks --

    def grading_job(self, run: str) -> GradingJob:
        """Return what a grading run has still to do."""
        return self._ask(GradingJob, "GET", _path("grading", run))

    def fetch_grading_file(self, run: str, file: FileEntry, target: Path) -> None:
        """Fetch a file of a source or a submission to `target`."""
        self._fetch(_path("grading", run, "files", file.sha256), target, file.sha256)

    def put_grading_file(self, run: str, sha256: str, source: Path) -> None:
        """Send a file of a result."""
        self._put_file(_path("grading", run, "files", sha256), source)

    def put_result(self, run: str, submission: str, asked: TaskResult) -> None:
        """Send the result of one submission, whose files were sent before."""
        self._tell("PUT", _path("grading", run, "results", submission), asked)


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)
