"""Fetches what came back for an assignment into its folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.client.course_wire import AssignmentItem, GradeItem
from labkit.client.courses import CourseClient
from labkit.client.finding import own_submissions
from labkit.client.workfolder import WorkFolder, work_for
from labkit.errors import AlreadyExists, CorruptStore, NotFound
from labkit.storage import file_sha256, plain_file_name, save_record

__all__ = ["Feedback", "counting_submission", "fetch_feedback"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A grade, and the files that were fetched with it."""

    grade: GradeItem
    files: tuple[Path, ...]


def counting_submission(client: CourseClient, assignment: AssignmentItem) -> str:
    """Return the id of the caller's submission that counts and whose feedback is released, else of the last one with feedback.

    Raises
    ------
    NotFound
        Nothing was released.
    """
    own = [one for one in own_submissions(client, assignment.id) if one.feedback]
    chosen = next((item for item in own if item.counts), own[0] if own else None)
    if chosen is None:
        raise NotFound(f"There is no feedback for {assignment.name} yet.", hint="It comes when the professor releases it.")
    return chosen.id


def _require_free(work: WorkFolder, folder: Path) -> None:
    """Return if nothing of the person's would be lost: no file is called like the folder, and no release had anything in it."""
    if file := next((place for place in (folder.parent, folder) if place.exists() and not place.is_dir()), None):
        raise AlreadyExists(f"{file} is a file; what came back needs a folder of this name.", hint="Rename the file, then fetch it again.")
    below = folder.relative_to(work.root).as_posix()
    with suppress(NotFound, CorruptStore):
        taken = next((file.path for file in work.record().manifest.files if file.path.startswith(f"{below}/")), None)
        if taken is not None and work.on_disk(taken).is_file():
            raise AlreadyExists(
                f"{taken} was handed out with the assignment, where what came back should lie.", hint="Move it away, then fetch again."
            )


def fetch_feedback(client: CourseClient, assignment: AssignmentItem, *, base: Path | None = None) -> Feedback:
    """Put grade, pages and executed notebooks into ``feedback/attempt <n>/`` of the folder of the assignment.

    Raises
    ------
    NotFound
        Nothing was released.
    AlreadyExists
        Something else has the name of the folder, or of a file in it; nothing is put in place of it.
    """
    grade = client.grade(counting_submission(client, assignment))
    work = work_for(assignment, base)
    folder = work.layout.feedback / f"attempt {grade.submission.attempt}"
    _require_free(work, folder)
    files = [folder / "grade.json"]
    save_record(files[0], grade)
    for outcome in grade.notebooks:
        for sha256, ending in ((outcome.html, ".html"), (outcome.executed, ".ipynb")):
            if sha256 is None:
                continue
            target = folder / plain_file_name(f"{outcome.notebook}{ending}")
            if not (target.is_file() and file_sha256(target) == sha256):
                client.fetch_result_file(grade.submission.id, sha256, target)
            files.append(target)
    return Feedback(grade, tuple(files))
