"""`labkit course new|check|preview|import-nbgrader|export-nbgrader`: what an author does, without a hub but for a whole course."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from labkit.cli.app import command, long_command
from labkit.cli.console import Answer
from labkit.courses import Problem
from labkit.courses.assignment import Assignment
from labkit.courses.example import Picture, write_example
from labkit.courses.exchange import CourseRecords, export_course, import_course
from labkit.courses.exchange.importing import EXTRAS
from labkit.courses.exchange.records import RECORDS_FILE
from labkit.courses.folder import load_assignment
from labkit.courses.student import lay_out_student, manifest_of
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink
from labkit.samples import nuclei_like
from labkit.storage import load_record, write_bytes

__all__ = ["check_command", "export_nbgrader_command", "import_nbgrader_command", "new_command", "preview_command"]

_PICTURES = {"alpha": 11, "beta": 12, "gamma": 13}
_SIDE_PX = 192
_folder = click.Path(readable=False, path_type=Path)


@click.command("new")
@click.argument("folder", type=_folder)
@command
def new_command(folder: Path) -> Answer:
    """Make a sample assignment in the new folder FOLDER, to begin from."""
    samples = {name: nuclei_like(seed=seed, height_px=_SIDE_PX, width_px=_SIDE_PX, count=18) for name, seed in _PICTURES.items()}
    pictures = {name: Picture(image=sample.image, labels=sample.labels) for name, sample in samples.items() if sample.labels is not None}
    assignment = load_assignment(write_example(folder.absolute(), pictures))
    lines = (
        f"Made the assignment {assignment.name} in {assignment.root}, with {assignment.max_points:g} points.",
        "Write in its notebook and in assignment.yaml; 'labkit course check' says what is wrong.",
    )
    return Answer(_summary(assignment), lines)


@click.command("check")
@click.argument("folder", type=_folder, default=Path())
@command
def check_command(folder: Path) -> Answer:
    """Say what is wrong with the assignment in FOLDER, by default the one that you are in."""
    assignment = load_assignment(folder.absolute())
    lines = [f"{item.key}: {item.max_points:g} points, {_HOW[item.how]}" for item in assignment.items]
    lines.append(f"{assignment.name}: {assignment.max_points:g} points, {_count(assignment)}.")
    complaints = tuple(line for problem in assignment.problems for line in _told(problem))
    return Answer(_summary(assignment), tuple(lines), complaints, exit_code=3 if assignment.errors else 0)


_HOW = {
    "cell": "by a test cell (not tamper-proof)",
    "hand": "by hand",
    "assertion": "by a check on exports",
    "metric": "by a metric on hidden labels",
}


@click.command("preview")
@click.argument("folder", type=_folder, default=Path())
@click.option("--out", required=True, type=_folder, help="Folder that is made, with what students would fetch.")
@command
def preview_command(folder: Path, out: Path) -> Answer:
    """Write the assignment in FOLDER as students get it: without solutions, hidden tests, mark schemes and hidden files."""
    assignment = load_assignment(folder.absolute())
    lay_out_student(assignment, out.absolute())
    files = manifest_of(out.absolute()).files
    data = {"out": str(out.absolute()), "files": [file.model_dump() for file in files]}
    return Answer(data, (f"Wrote {len(files)} file(s) to {out.absolute()}", *(f"  {file.path}" for file in files)))


@click.command("import-nbgrader")
@click.argument("course", type=_folder)
@click.option("--out", required=True, type=_folder, help="Folder that is made, with assignments, submissions and course.json.")
@command
def import_nbgrader_command(course: Path, out: Path) -> Answer:
    """Bring in the whole directory of a COURSE that was made with nbgrader."""
    records = import_course(course.absolute(), out.absolute())
    lines = [f"{one.name}: {one.max_points:g} points, in {one.folder or 'no folder'}" for one in records.assignments]
    lines.append(f"{len(records.students)} student(s), {len(records.submissions)} submission(s), in {out.absolute()}")
    data = {
        "out": str(out.absolute()),
        "course": records.course,
        "assignments": [{"name": one.name, "folder": one.folder, "max_points": one.max_points} for one in records.assignments],
        "students": len(records.students),
        "submissions": len(records.submissions),
        "notes": list(records.notes),
    }
    return Answer(data, tuple(lines), records.notes)


@click.command("export-nbgrader")
@click.argument("folders", nargs=-1, type=_folder)
@click.option(
    "--records", type=_folder, default=None, help="Folder of an imported course (with course.json): its people and scores go along."
)
@click.option(
    "--course",
    default="",
    help="Its id for nbgrader; default: that of the records, else 'course'. Alone: a course of the hub, for its staff.",
)
@click.option("--out", required=True, type=_folder, help="Folder that is made.")
@long_command
def export_nbgrader_command(
    folders: tuple[Path, ...], records: Path | None, course: str, out: Path, on_event: EventSink, cancel: CancelToken
) -> Answer:
    """Write a course directory that nbgrader opens.

    Of the assignments in FOLDERS; without FOLDERS all of the records, or else a whole course of the hub: the newest release of each
    assignment, what counts, its scores and comments.
    """
    if not folders and records is None and course:
        return _export_from_hub(course, out.absolute(), on_event, cancel)
    known = load_record(records / RECORDS_FILE, CourseRecords) if records is not None else None
    if not folders and known is not None and records is not None:
        folders = tuple(records / one.folder for one in known.assignments if one.folder)
    if not folders:
        raise InvalidInput("No assignment is named.", hint="Name folders of assignments, --records, or the --course of a hub.")
    assignments = [load_assignment(folder.absolute()) for folder in folders]
    complaints = export_course(assignments, out.absolute(), course=course, records=known, files=records)
    return _exported(out.absolute(), assignments, complaints, None)


def _export_from_hub(course: str, out: Path, on_event: EventSink, cancel: CancelToken) -> Answer:
    from labkit.cli.course_people_commands import course_client
    from labkit.client.exporting import gather_course
    from labkit.client.finding import course_id_of

    client = course_client()
    with tempfile.TemporaryDirectory(prefix="labkit-export-") as scratch:
        gathered = gather_course(client, course_id_of(client, course), Path(scratch), on_event=on_event, cancel=cancel)
        if not gathered.assignments:
            raise NotFound(f"Nothing has been released in {course}.", hint="Release an assignment first.")
        complaints = export_course(gathered.assignments, out, records=gathered.records, files=Path(scratch))
    table = out / EXTRAS / "further-scores.csv" if gathered.further else None
    if table is not None:
        table.parent.mkdir(exist_ok=True)
        write_bytes(table, gathered.table.encode("utf-8-sig"))
    return _exported(out, gathered.assignments, gathered.notes + complaints, table)


def _exported(out: Path, assignments: list[Assignment], complaints: list[str], table: Path | None) -> Answer:
    lines = [f"Wrote {len(assignments)} assignment(s) to {out}; 'nbgrader' opens it there."]
    lines += [f"What has no cell there: {table}"] if table else []
    data = {"out": str(out), "assignments": [one.name for one in assignments], "notes": complaints, "table": str(table) if table else None}
    return Answer(data, tuple(lines), tuple(complaints))


def _summary(assignment: Assignment) -> dict[str, object]:
    return {
        "name": assignment.name,
        "folder": str(assignment.root),
        "max_points": assignment.max_points,
        "items": [item.model_dump(mode="json") for item in assignment.items],
        "problems": [problem.model_dump(mode="json") for problem in assignment.problems],
    }


def _count(assignment: Assignment) -> str:
    errors, warnings = len(assignment.errors), len(assignment.problems) - len(assignment.errors)
    return "nothing wrong" if not assignment.problems else f"{errors} error(s), {warnings} warning(s)"


def _told(problem: Problem) -> tuple[str, ...]:
    where = f"{problem.where}: " if problem.where else ""
    return (f"{problem.severity}: {where}{problem.text}", *([f"  {problem.hint}"] if problem.hint else []))
