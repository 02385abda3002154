"""A batch of submissions: results come as they are done, and what breaks costs one submission a second try, never the batch."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from labkit.cli.course_grade_commands import test_command as command
from labkit.courses.grading import Batch, grade_batch
from labkit.courses.records import GradeResult
from labkit.errors import Cancelled, StorageFull
from labkit.events import CancelToken, Event, Progress
from labkit.testing.commands import small_disk
from labkit.testing.grading import (
    Notebook,
    answer,
    assignment,
    code,
    graded_test,
    notebook,
    replace_source,
    submission,
    write_notebook_file,
)

KILLER = """
import os, pathlib
marker = pathlib.Path({marker!r})
if marker.read_text().count("x") < {times}:
    marker.write_text(marker.read_text() + "x")
    os.kill(os.getppid(), 9)
def mean(values):
    return sum(values) / len(values)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assignment without checks: they have tests of their own."""
    return assignment(tmp_path_factory.mktemp("author") / "ps1", checks=False)


PARAMETERS = (
    'import helper\nprint("AT", seed, data, device, time_s > 0, helper.rule(), open("data/my table.csv").read().split())\ntotal = 6'
)
VARIABLES = (
    'import os\nprint("SEEN", [n for n, v in os.environ.items() if v == "s3cret"], os.environ["HOME"].startswith("/tmp/lkg-"))\ntotal = 6'
)


@pytest.fixture(scope="module")
def outputs(source: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What two submissions printed that look around, graded by a program that has tokens."""
    folder = tmp_path_factory.mktemp("looking")
    given = {name: submission(source, folder / name, replace_source("table", text)) for name, text in (("p", PARAMETERS), ("v", VARIABLES))}
    batch = Batch({1: source}, {name: (path, 1) for name, path in given.items()}, folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTERHUB_API_TOKEN", "LABKIT_HUB_TOKEN", "LABKIT_SERVICE_URL"):
            patch.setenv(name, "s3cret")
        results = list(grade_batch(batch))
    executed = [json.loads((batch.out / r.submission / str(r.notebooks[0].executed)).read_text()) for r in results]
    return "".join("".join(output.get("text", "")) for book in executed for cell in book["cells"] for output in cell.get("outputs", []))


def test_parameters_and_files_are_where_the_notebook_expects_them(outputs: str) -> None:
    """Papermill sets seed, data, time and device; data and a helper are found by the paths that work for the student, too."""
    assert "AT 7 data cpu True ours ['1', '2', '3']" in outputs


def test_kernel_has_no_token_and_a_home_of_its_own(outputs: str) -> None:
    """What the hub gives its servers is not among the variables of a student's program."""
    assert "SEEN [] True" in outputs


def test_worker_that_is_killed_gets_a_second_try(source: Path, tmp_path: Path) -> None:
    """After a second end the submission is failed, in words; the ones beside it are graded."""
    given = {"good": (submission(source, tmp_path / "good"), 1)}
    for name, times in (("once", 1), ("twice", 2)):
        (tmp_path / f"{name}.txt").write_text("")
        killer = KILLER.format(marker=str(tmp_path / f"{name}.txt"), times=times)
        given[name] = (submission(source, tmp_path / name, replace_source("mean", killer)), 1)
    results = {result.submission: result for result in grade_batch(Batch({1: source}, given, tmp_path / "out"))}
    points = {name: (result.state, result.points) for name, result in results.items()}
    assert points == {"good": ("graded", 3), "once": ("graded", 3), "twice": ("failed", 0)}
    assert [note.kind for note in results["twice"].notes] == ["worker-lost"]


def _foremen() -> list[psutil.Process]:
    found = []
    for program in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "labkit.courses.grading.foreman" in program.cmdline():
                found.append(program)
    return found


@pytest.fixture
def nothing_left() -> Iterator[Callable[[], bool]]:
    """Returns whether there is no program of ours but those that were there before the test: of a browser, say."""
    before = set(psutil.Process().children(recursive=True))
    return lambda: set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.slow
def test_foreman_that_is_killed_is_started_again(source: Path, tmp_path: Path, nothing_left: Callable[[], bool]) -> None:
    """What was done stands, what was begun is begun again, and nothing of the first foreman is left."""
    batch = Batch({1: source}, {f"s{k}": (submission(source, tmp_path / f"s{k}"), 1) for k in range(3)}, tmp_path / "out")
    results: list[GradeResult] = []
    for result in grade_batch(batch, workers=1):
        results.append(result)
        if len(results) == 1:
            _foremen()[0].send_signal(signal.SIGKILL)
    assert sorted((result.submission, result.state) for result in results) == [("s0", "graded"), ("s1", "graded"), ("s2", "graded")]
    assert nothing_left()


def test_cancel_ends_everything(source: Path, tmp_path: Path, nothing_left: Callable[[], bool]) -> None:
    """A loop that goes on for a minute is ended with its worker; nothing is left."""
    slow = submission(source, tmp_path / "slow", replace_source("mean", "while True: pass"))
    cancel, events = CancelToken(), list[Event]()

    def stop(event: Event) -> None:
        events.append(event)
        if isinstance(event, Progress) and event.done == 1:
            cancel.cancel()

    batch = Batch({1: source}, {"fast": (submission(source, tmp_path / "fast"), 1), "slow": (slow, 1)}, tmp_path / "out")
    with pytest.raises(Cancelled):
        list(grade_batch(batch, on_event=stop, cancel=cancel))
    assert nothing_left()


@pytest.mark.slow
def test_submission_has_a_limit_as_a_whole(tmp_path: Path) -> None:
    """When its time is up, what is left is not executed, and says so."""
    source = assignment(tmp_path / "ps1", limits="limits: {cell_s: 60, submission_s: 8}\n", checks=False)
    given = submission(source, tmp_path / "given", replace_source("threshold", "import time\ntime.sleep(60)"))
    (result,) = grade_batch(Batch({1: source}, {"one": (given, 1)}, tmp_path / "out"))
    points = {score.item.id: score.points for score in result.scores}
    assert (points["mean_test"], points["table_test"], result.notebooks[0].state) == (1, 0, "partial")
    assert "not-run" in {note.kind for note in result.notes}


@pytest.mark.slow
def test_later_notebook_is_graded_when_the_first_is_broken(tmp_path: Path) -> None:
    """Each notebook has a kernel of its own; what one leaves in the folder, the next finds."""
    source = tmp_path / "ps1"
    for name, test in (("a", "assert x == 1"), ("b", "assert open('left.txt').read() == '1'")):
        cells = [code(""), answer(f"{name}-answer", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), graded_test(f"{name}-test", test)]
        write_notebook_file(source / f"{name}.ipynb", notebook(cells))
    given = tmp_path / "given"
    given.mkdir()
    first: Notebook = json.loads((source / "a.ipynb").read_text())
    first["cells"][1]["source"] = "open('left.txt', 'w').write('1')\nimport os\nos._exit(1)"
    write_notebook_file(given / "a.ipynb", first)
    write_notebook_file(given / "b.ipynb", json.loads((source / "b.ipynb").read_text()))
    (result,) = grade_batch(Batch({1: source}, {"one": (given, 1)}, tmp_path / "out"))
    assert [(score.item.id, score.points) for score in result.scores] == [("a-test", 0), ("b-test", 1)]


def test_author_tests_with_the_solution(source: Path, tmp_path: Path) -> None:
    """``labkit course test``: all points, exit code 0; a solution that does not pass its own tests is named."""
    done = CliRunner().invoke(command, [str(source), "--out", str(tmp_path / "pages"), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["full"]) == (0, True)
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {"ps1.ipynb", "ps1.html"}
    wrong = assignment(tmp_path / "wrong" / "ps1", checks=False)
    (wrong / "ps1.ipynb").write_text((wrong / "ps1.ipynb").read_text().replace("level = 3", "level = 4"))
    done = CliRunner().invoke(command, [str(wrong)])
    assert (done.exit_code, "threshold_test" in done.stderr) == (3, True)


def test_what_was_graded_on_a_full_disk_does_not_count(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it a fault of the submission: the batch ends without a result, and says how much is needed."""
    given, place = submission(source, tmp_path / "given"), Path(tempfile.mkdtemp(dir="/tmp"))  # short: sockets lie there
    try:
        with small_disk(place / "d", 64) as disk:
            monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
            disk.fill(leave_bytes=1_000_000)
            with pytest.raises(StorageFull, match=r"Only 1 MB are free .* and 50 MB are needed"):
                list(grade_batch(Batch({1: source}, {"one": (given, 1)}, tmp_path / "out")))
    except PermissionError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(place)
