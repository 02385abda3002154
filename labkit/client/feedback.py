"""Fetches what came back for an assignment into its folder; what a person has changed there is never overwritten."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from labkit.client.course_wire import AssignmentItem, GradeItem
from labkit.client.courses import CourseClient
from labkit.client.fetching import sha256_on_disk
from labkit.client.finding import own_submissions
from labkit.client.workfolder import WorkFolder, work_for
from labkit.errors import AlreadyExists, CorruptStore, NotFound
from labkit.storage import load_record, plain_file_name, save_record

__all__ = ["Feedback", "counting_submission", "fetch_feedback"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A grade, and the files that were fetched with it.

    Attributes
    ----------
    files : list of Path
        What came back as it is now; for a kept file of which there is another version, that.
    kept : list of Path
        Files that the person has changed, and that are left alone.
    beside : dict of path to path
        For kept files of which there is another version now: where that lies.
    """

    grade: GradeItem
    files: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    beside: dict[Path, Path] = field(default_factory=dict)


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

    Files as they were fetched are renewed; beside changed ones a newer version is laid as ``name (2).ipynb``.

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
    record = folder / "grade.json"
    before = _files_of(_fetched_before(record), folder)
    report = Feedback(grade, [record])
    for place, sha256 in _files_of(grade, folder).items():
        _place(client, place, sha256, before.get(place), report)
    save_record(record, grade)  # the last: it says what the files beside it were, when they came
    return report


def _fetched_before(record: Path) -> GradeItem | None:
    try:
        return load_record(record, GradeItem)
    except (NotFound, CorruptStore):
        return None  # then every file that is there counts as changed


def _files_of(grade: GradeItem | None, folder: Path) -> dict[Path, str]:
    """Return the hash of each file that came with a grade, by where it lies."""
    return {
        folder / plain_file_name(f"{outcome.notebook}{ending}"): sha256
        for outcome in (grade.notebooks if grade else ())
        for sha256, ending in ((outcome.html, ".html"), (outcome.executed, ".ipynb"))
        if sha256 is not None
    }


def _place(client: CourseClient, place: Path, sha256: str, before: str | None, report: Feedback) -> None:
    """Fetch a file to its place; where the person has changed what lies there, beside it, if it is not what they began from."""
    found = sha256_on_disk(place)
    if found not in (None, sha256, before):
        report.kept.append(place)
        if before == sha256:
            return
        kept, (place, found) = place, _free_beside(place, sha256)
        report.beside[kept] = place
    if found != sha256:
        client.fetch_result_file(report.grade.submission.id, sha256, place)
    report.files.append(place)


def _free_beside(place: Path, sha256: str) -> tuple[Path, str | None]:
    """Return where a newer version of a changed file lies, or may lie, and the hash of what is there."""
    names = (place.with_name(f"{place.stem} ({number}){place.suffix}") for number in itertools.count(2))
    return next((name, found) for name in names if (found := sha256_on_disk(name)) in (None, sha256))
