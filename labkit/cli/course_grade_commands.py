"""`labkit course test`: an author's assignment, graded here with its own solution or with somebody's submission."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

import click

from labkit.cli.app import long_command
from labkit.cli.console import Answer
from labkit.courses.folder import load_assignment
from labkit.courses.grading import ContainerShape, ProcessShape, Shape
from labkit.courses.grading.solution import grade_solution, lacking
from labkit.courses.records import GradeResult
from labkit.courses.student import refuse_errors, refuse_inside
from labkit.events import CancelToken, EventSink

__all__ = ["test_command"]

_IMAGE = "labkit/student:local"


@click.command("test")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--submission", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Grade this folder, not the solution.")
@click.option("--shape", type=click.Choice(["process", "docker"]), default="process", help="Where the notebooks are executed.")
@click.option("--image", default=_IMAGE, show_default=True, help="Image of the containers (docker).")
@click.option("--out", type=click.Path(path_type=Path), help="Keep executed notebooks and pages in this folder.")
@long_command
def test_command(
    folder: Path,
    submission: Path | None,
    shape: Literal["process", "docker"],
    image: str,
    out: Path | None,
    *,
    on_event: EventSink,
    cancel: CancelToken,
) -> Answer:
    """Grade the assignment in FOLDER with its own solution: every test must earn all its points."""
    assignment = load_assignment(folder.absolute())
    refuse_errors(assignment)
    if out is not None:
        refuse_inside(assignment, out)
    where: Shape = ProcessShape() if shape == "process" else ContainerShape(image=image)
    with tempfile.TemporaryDirectory(prefix="labkit-test-") as name:
        result, made = grade_solution(assignment, Path(name), submission=submission, shape=where, on_event=on_event, cancel=cancel)
        pages = _keep(result, made, out)
    return _answer(result, pages, must_be_full=submission is None)


def _keep(result: GradeResult, made: Path, out: Path | None) -> tuple[str, ...]:
    """Copy the files of the result under readable names."""
    if out is None:
        return ()
    out.mkdir(parents=True, exist_ok=True)
    kept = []
    for outcome in result.notebooks:
        for sha256, suffix in ((outcome.executed, ".ipynb"), (outcome.html, ".html")):
            if sha256 is not None:
                shutil.copyfile(made / sha256, out / f"{outcome.notebook}{suffix}")
                kept.append(str(out / f"{outcome.notebook}{suffix}"))
    return tuple(kept)


def _answer(result: GradeResult, pages: tuple[str, ...], *, must_be_full: bool) -> Answer:
    less = lacking(result)
    most = sum(score.item.max_points for score in result.scores)
    lines = [f"{'item':30} {'points':>8}  of"]
    for score in result.scores:
        points = "by hand" if score.points is None else f"{score.points:g}"
        lines.append(
            f"{score.item.key:30} {points:>8}  {score.item.max_points:g}  {score.note.splitlines()[0] if score.note else ''}".rstrip()
        )
    lines.append(f"{result.points:g} of {most:g} points, {result.seconds:.1f} s, {result.isolation}.")
    lines += [f"{note.where}: {note.text}".removeprefix(": ") for note in result.notes]
    code = 1 if result.state == "failed" else 3 if must_be_full and less else 0
    complaints = (
        ("The solution does not earn all points: " + ", ".join(score.item.key for score in less) + ".",) if must_be_full and less else ()
    )
    data = {
        **result.model_dump(mode="json"),
        "points": result.points,
        "max_points": most,
        "full": result.state == "graded" and not less,
        "files": list(pages),
    }
    return Answer(data, tuple(lines), complaints, exit_code=code)
