"""A course directory of nbgrader, brought in: assignments become folders, everything else ``course.json`` and folders beside.

``assignments/NAME/`` are folders of assignments, ``submissions/NAME/STUDENT/`` what was handed in, ``autograded/`` and ``feedback/``
likewise. What cannot be taken is said in words, in the records' notes.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from labkit.courses.assignment import HIDDEN
from labkit.courses.exchange.course_config import CONFIG_FILE, read_config, unknown_settings
from labkit.courses.exchange.csv_scores import add_scores_of_csv, read_time
from labkit.courses.exchange.gradebook_reading import read_gradebook
from labkit.courses.exchange.imported_notebooks import reopened, upgraded
from labkit.courses.exchange.records import RECORDS_FILE, AssignmentRecord, CourseRecords, StudentRecord, SubmissionRecord
from labkit.courses.folder import load_assignment
from labkit.courses.names import check_assignment_name
from labkit.courses.notebook import Cell, cells_of, read_notebook, write_notebook
from labkit.courses.records import AssignmentSheet
from labkit.courses.sheet import SHEET_FILE, sheet_text
from labkit.courses.submitted import check_notebook
from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.storage import explain_os_errors, new_folder, save_record

__all__ = ["EXTRAS", "import_course"]

EXTRAS = "labkit"
"""Folder of an exported course with what nbgrader has no place for: ``labkit/NAME/hidden/`` and the sheet."""
_STAGES = {"submitted": "submissions", "autograded": "autograded", "feedback": "feedback"}


def import_course(path: Path, out: Path) -> CourseRecords:
    """Bring in a whole course that was made with nbgrader.

    Parameters
    ----------
    path : Path
        The course's directory, with ``source/`` (or ``release/``), ``submitted/``, ``gradebook.db``, ``nbgrader_config.py``.
    out : Path
        A folder that is not there yet.

    Returns
    -------
    CourseRecords
        As saved in ``out/course.json``.

    Raises
    ------
    NotFound
        There is no such directory, or no assignment in it.
    AlreadyExists
        `out` is there already.
    """
    with explain_os_errors(path):
        if not path.is_dir():
            raise NotFound(f"{path} is no folder.", hint="Name the directory of an nbgrader course.", path=str(path))
        with new_folder(out) as folder:
            records = _Import(path.resolve(), folder).records()
            save_record(folder / RECORDS_FILE, records)
    return records


class _Import:
    """One course on its way in."""

    def __init__(self, root: Path, out: Path) -> None:
        self._root, self._out = root, out
        self._config = read_config(root / CONFIG_FILE)
        self._notes: list[str] = []

    def records(self) -> CourseRecords:
        for setting in unknown_settings(self._config):
            self._notes.append(f"{CONFIG_FILE}: {setting} is not carried over.")
        known = self._gradebook()
        assignments = {record.name: record for record in known.assignments}
        for name, folder in self._folders("source", "release"):
            assignments[name] = self._assignment(folder, assignments.get(name, AssignmentRecord(name=name)))
        if not any(record.folder for record in assignments.values()):
            raise NotFound(f"{self._root} has no assignment in source/ or release/.", hint="Name the directory of an nbgrader course.")
        for record in assignments.values():
            if not record.folder:
                self._notes.append(f"{record.name}: the gradebook knows it, but it has no folder in source/; its scores are kept.")
        submissions = {(one.assignment, one.student): one for one in known.submissions}
        self._notes += add_scores_of_csv(self._root / "grades.csv", submissions, has_gradebook=bool(known.students or known.submissions))
        self._take_files(submissions)
        students = {student.id: student for student in known.students}
        for _, student in submissions:
            students.setdefault(student, StudentRecord(id=student))
        course = self._config.get("CourseDirectory.course_id")
        return known.model_copy(
            update={
                "course": course if isinstance(course, str) and course else known.course,
                "students": tuple(sorted(students.values(), key=lambda student: student.id)),
                "assignments": tuple(assignments.values()),
                "submissions": tuple(submissions[key] for key in sorted(submissions)),
                "notes": tuple(self._notes),
            }
        )

    def _gradebook(self) -> CourseRecords:
        path = self._root / "gradebook.db"
        if not path.is_file():
            self._notes.append("There is no gradebook.db: people and scores are those of a CSV, if there is one.")
            return CourseRecords()
        try:
            return read_gradebook(path)
        except CorruptStore as error:
            self._notes.append(f"{error.message} {error.hint}".replace(f"{self._root}/", ""))
            return CourseRecords()

    def _stage(self, stage: str) -> Path:
        given = self._config.get(f"CourseDirectory.{stage}_directory")
        path = self._root / given if isinstance(given, str) and given else self._root / stage
        if path.resolve().is_relative_to(self._root):
            return path
        note = f"{CONFIG_FILE}: the {stage} directory {given} lies outside of the course, and was not read."
        self._notes += [] if note in self._notes else [note]
        return self._root / stage

    def _folders(self, *stages: str) -> Iterator[tuple[str, Path]]:
        """Yield the assignments of the first of `stages` that has each."""
        seen: set[str] = set()
        for stage in stages:
            for folder in _subfolders(self._stage(stage)):
                if folder.name not in seen and any(folder.rglob("*.ipynb")):
                    seen.add(folder.name)
                    if stage != stages[0]:
                        self._notes.append(f"{folder.name}: it is in {stage}/ only, so it has no solutions and no hidden tests.")
                    yield folder.name, folder

    def _assignment(self, folder: Path, record: AssignmentRecord) -> AssignmentRecord:
        try:
            name = check_assignment_name(folder.name)
        except InvalidInput as error:
            self._notes.append(f"{folder.name}: {error.message} It was left out.")
            return record
        target = self._out / "assignments" / name
        self._copy_tree(folder, target)
        for path in sorted(target.glob("*.ipynb")):
            self._upgrade(path, f"{name}/{path.name}", handed_out=not folder.is_relative_to(self._stage("source")))
        extras = self._root / EXTRAS / folder.name
        if extras.is_dir() and not extras.is_symlink():
            self._copy_tree(extras, target)
        elif not (target / SHEET_FILE).exists():
            (target / SHEET_FILE).write_text(sheet_text(AssignmentSheet(title=folder.name)), encoding="utf-8")
        if (folder / HIDDEN).exists():
            self._notes.append(
                f"{name}: it has a folder {HIDDEN}/, which nbgrader hands out and LabKit does not; rename it if students need it."
            )
        loaded = load_assignment(target)
        self._notes += [f"{name}: {problem.where}: {problem.text}" for problem in loaded.errors]
        points = record.max_points
        cells = sum(item.max_points for item in loaded.items if item.notebook)
        if record.items and not math.isclose(points, cells):
            self._notes.append(f"{name}: its notebooks have {cells:g} points, the gradebook has {points:g}; grades are as they were given.")
        items = record.items or loaded.items
        return record.model_copy(update={"folder": f"assignments/{name}", "items": items})

    def _upgrade(self, path: Path, where: str, *, handed_out: bool) -> None:
        data = path.read_bytes()
        try:
            check_notebook(data, where)
        except InvalidInput as error:
            self._notes.append(f"{error.message} {error.hint}")
            return
        if handed_out:
            path.write_bytes(write_notebook(reopened(read_notebook(data))))
        else:
            path.write_bytes(write_notebook(upgraded(read_notebook(data), self._framing("header"), self._framing("footer"))))

    def _framing(self, what: str) -> list[Cell]:
        given = self._config.get(f"IncludeHeaderFooter.{what}")
        path = self._root / given if isinstance(given, str) and given else None
        if path is None:
            return []
        try:
            if not path.resolve().is_relative_to(self._root):
                raise InvalidInput(f"{CONFIG_FILE}: the {what} {given} lies outside of the course.")
            data = path.read_bytes()
            check_notebook(data, str(given))
            return cells_of(read_notebook(data))
        except (InvalidInput, OSError) as error:
            note = f"The {what} {given} cannot be read: {error}"
            self._notes += [] if note in self._notes else [note]
            return []

    def _take_files(self, submissions: dict[tuple[str, str], SubmissionRecord]) -> None:
        fields = {"submitted": "files", "autograded": "graded", "feedback": "feedback"}
        for stage, below in _STAGES.items():
            for student in _subfolders(self._stage(stage)):
                for folder in _subfolders(student):
                    try:
                        check_assignment_name(folder.name)
                    except InvalidInput:
                        continue  # said of the assignment
                    key = (folder.name, student.name)
                    target = Path(below) / folder.name / student.name
                    self._copy_tree(folder, self._out / target)
                    known = submissions.get(key) or SubmissionRecord(assignment=key[0], student=key[1])
                    submitted = known.submitted or _timestamp(folder / "timestamp.txt")
                    submissions[key] = known.model_copy(update={fields[stage]: target.as_posix(), "submitted": submitted})

    def _copy_tree(self, folder: Path, target: Path) -> None:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if any(part.startswith(".") or part == "__pycache__" for part in parts):
                continue
            if path.is_symlink():
                self._notes.append(f"{path.relative_to(self._root)} is a link, and was left out.")
            elif path.is_file():
                (target / Path(*parts)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target / Path(*parts))


def _subfolders(folder: Path) -> list[Path]:
    return (
        [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")]
        if folder.is_dir()
        else []
    )


def _timestamp(path: Path) -> datetime | None:
    return read_time(path.read_bytes()[:100].decode(errors="replace").strip()) if path.is_file() and not path.is_symlink() else None
