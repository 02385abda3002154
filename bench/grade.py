"""How fast a class is graded: nbgrader's own quickstart example, 60 submissions of two notebooks, ours beside ``nbgrader autograde``.

Ours is measured twice: kernels as programs of this machine, and kernels and scorer in containers with all limits on; two submissions
at a time. nbgrader grades one after another, in its own account. All take turns on the same notebooks, with the same limit for a cell.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from bench.peers import peers_python
from labkit.courses.grading import Batch, ContainerShape, ProcessShape, Shape, grade_batch

__all__ = ["measure"]

_CELL_S = 30
_WORKERS = 2
_LOOK_S = 0.25
_IMAGE = os.environ.get("LABKIT_BENCH_IMAGE", "labkit/student-small:local")
_SHEET = f"""
limits: {{cell_s: {_CELL_S}, submission_s: 300, memory_mb: 1024, check_s: 20}}
exports: {{name: "problem1:__name__", picture: "file:jupyter.png"}}
checks:
  - {{id: name, kind: assertion, points: 1, exports: [name], function: "tests.py:check_name"}}
  - {{id: picture, kind: assertion, points: 1, exports: [picture], function: "tests.py:check_picture"}}
"""
_TESTS = """
def check_name(name): assert name == "__main__"
def check_picture(picture): assert picture.stat().st_size > 1000
"""


def measure(quick: bool) -> dict[str, float | str | None]:
    """Return seconds, notebooks per minute, ratios (nbgrader's time over ours) and memory of the programs that grade."""
    submissions, rounds = (4, 1) if quick else (60, 3)
    python = peers_python("peers_nbgrader")
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as name:
        course = _quickstart(python, Path(name))
        students = _submit(course, submissions)
        source = _our_source(course, Path(name) / "author" / "ps1")
        batch = Batch({1: source}, {student: (course / "submitted" / student / "ps1", 1) for student in students}, Path(name) / "out")
        memory: list[tuple[float, float]] = []
        sides: dict[str, Callable[[], float]] = {
            "nbgrader": lambda: _nbgrader(python, course),
            "process": lambda: _ours(batch, ProcessShape(), memory),
            "docker": lambda: _ours(batch, ContainerShape(image=_IMAGE), memory),
        }
        if not _has_docker():
            del sides["docker"]
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, run in sides.items():
                times[side].append(run())
    return _numbers(times, 2 * submissions, rounds, memory)


def _numbers(
    times: dict[str, list[float]], notebooks: int, rounds: int, memory: list[tuple[float, float]]
) -> dict[str, float | str | None]:
    median = {side: statistics.median(values) for side, values in times.items()}
    found: dict[str, float | str | None] = {"notebooks": notebooks, "rounds": rounds, "workers": _WORKERS, "cell_s": _CELL_S}
    for side in ("nbgrader", "process", "docker"):
        seconds = median.get(side)
        found[f"{side}_s"] = None if seconds is None else round(seconds, 2)
        found[f"notebooks_per_minute_{side}"] = None if seconds is None else round(60 * notebooks / seconds, 1)
    for side in ("process", "docker"):
        found[f"ratio_nbgrader_{side}"] = round(median["nbgrader"] / median[side], 2) if side in median else None
    found["peak_mb"] = round(max(last for pair in memory for last in pair), 1)
    found["growth_mb"] = round(max(last - first for first, last in memory), 1)
    return found


def _quickstart(python: Path, folder: Path) -> Path:
    """Make nbgrader's example course and its students' version."""
    course = folder / "course101"
    _call(python, folder, "quickstart", str(course))
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + f"\nc.ExecutePreprocessor.timeout = {_CELL_S}\nc.Execute.timeout = {_CELL_S}\n")
    _call(python, course, "generate_assignment", "ps1", "--create", "--force")
    shutil.copyfile(course / "gradebook.db", course / "gradebook.fresh")
    return course


def _submit(course: Path, number: int) -> list[str]:
    """Hand in for a class: a third is right, a third wrong, a third as it was handed out."""
    students = [f"student{k:03}" for k in range(number)]
    for k, student in enumerate(students):
        folder = course / "submitted" / student / "ps1"
        shutil.copytree(course / "release" / "ps1", folder)
        for path in sorted(folder.glob("*.ipynb")):
            book, authored = json.loads(path.read_text()), json.loads((course / "source" / "ps1" / path.name).read_text())
            _fill_in(book, authored, k)
            path.write_text(json.dumps(book))
    return students


def _fill_in(book: dict[str, Any], authored: dict[str, Any], k: int) -> None:
    solved = {cell["metadata"]["nbgrader"]["grade_id"]: cell["source"] for cell in authored["cells"] if "nbgrader" in cell["metadata"]}
    for cell in book["cells"]:
        said = cell["metadata"].get("nbgrader", {})
        if said.get("solution") and cell["cell_type"] == "code" and k % 3 != 2:
            text = "".join(solved[said["grade_id"]])
            lines = [line for line in text.splitlines(keepends=True) if "### BEGIN" not in line and "### END" not in line]
            cell["source"] = f"# {k}\n" + "".join(lines)
            if k % 3 == 1:
                cell["source"] = cell["source"].replace("return ", "return None and ")


def _our_source(course: Path, target: Path) -> Path:
    """Make the author's folder of the same notebooks, with checks that are carried out apart."""
    shutil.copytree(course / "source" / "ps1", target)
    (target / "assignment.yaml").write_text(_SHEET)
    (target / "hidden").mkdir()
    (target / "hidden" / "tests.py").write_text(_TESTS)
    return target


def _nbgrader(python: Path, course: Path) -> float:
    shutil.rmtree(course / "autograded", ignore_errors=True)
    shutil.copyfile(course / "gradebook.fresh", course / "gradebook.db")  # with the assignment, without a grade
    began = time.perf_counter()
    _call(python, course, "autograde", "ps1", "--create", "--force")
    seconds = time.perf_counter() - began
    graded = len(list((course / "autograded").glob("*/ps1/*.ipynb")))
    submitted = len(list((course / "submitted").glob("*/ps1/*.ipynb")))
    if graded != submitted:
        raise RuntimeError(f"nbgrader graded {graded} of {submitted} notebooks")
    return seconds


def _call(python: Path, folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}  # it calls alembic by name
    command = [str(python), "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
        raise RuntimeError(f"nbgrader {arguments[0]} failed")


def _ours(batch: Batch, shape: Shape, memory: list[tuple[float, float]]) -> float:
    shutil.rmtree(batch.out, ignore_errors=True)
    began = time.perf_counter()
    with _watched(memory):
        results = list(grade_batch(batch, shape=shape, workers=_WORKERS))
    seconds = time.perf_counter() - began
    if any(result.state != "graded" or any(outcome.state != "done" for outcome in result.notebooks) for result in results):
        raise RuntimeError("not all was graded")
    return seconds


@contextlib.contextmanager
def _watched(memory: list[tuple[float, float]]) -> Iterator[None]:
    """Note the most memory of the programs that grade, student code not counted: in the first third of the time, and in the last."""
    seen: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_S):
            seen.append(_held_mb())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        third = max(1, len(seen) // 3)
        memory.append((max(seen[:third], default=0.0), max(seen[-third:], default=0.0)))


def _held_mb() -> float:
    total = 0
    for program in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "labkit.courses.grading.foreman" in program.cmdline():
                total += program.memory_full_info().pss
    return total / 1e6


def _has_docker() -> bool:
    return shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
