"""The scorer as a program: it answers about data, and a check that runs away costs its own points only."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.courses.grading import worker
from labkit.courses.grading.scorer import SCORE_FAULT, SCORE_SOCKET, ask
from labkit.courses.records import AssignmentSheet, Check, CheckResult, Limits
from labkit.errors import WorkerLost

TESTS = """
import os, socket
def fine(x): assert x == 3
def loop(x):
    while True: pass
def eat(x): bytearray(8 * 10**9)
def leave(x): os._exit(7)
"""
SHEET = AssignmentSheet(
    limits=Limits(check_s=1, check_memory_mb=300),
    exports={"x": "ps1:x"},
    checks=tuple(
        Check(id=f"{k}-{name}", kind="assertion", points=1, function=f"tests.py:{name}", exports=("x",))
        for k, name in enumerate(["fine", "loop", "eat", "leave", "fine"])
    ),
)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A scorer that holds one version of an assignment, and the exports of one submission."""
    root = tmp_path_factory.mktemp("s")
    source = root / "source" / "1"
    (source / "hidden").mkdir(parents=True)
    (source / "hidden" / "tests.py").write_text(TESTS)
    (source / "sheet.json").write_text(SHEET.model_dump_json())
    (root / "in" / "one").mkdir(parents=True)
    (root / "in" / "one" / "x.json").write_text("3")
    program = subprocess.Popen([sys.executable, "-P", "-m", "labkit.courses.grading.scorer", str(root)])
    try:
        while not (root / SCORE_SOCKET).exists():
            assert program.poll() is None
            time.sleep(0.02)
        yield root
    finally:
        program.kill()
        program.wait()


def test_scorer_that_cannot_load_says_why(tmp_path: Path) -> None:
    """Where its foreman reads it: nobody else is to learn it from a log."""
    (tmp_path / "source" / "1").mkdir(parents=True)
    (tmp_path / "source" / "1" / "sheet.json").write_text("no sheet")
    done = subprocess.run([sys.executable, "-P", "-m", "labkit.courses.grading.scorer", str(tmp_path)], capture_output=True, check=False)
    assert (done.returncode, (tmp_path / SCORE_FAULT).read_text()[:15]) == (1, "ValidationError")


def test_check_that_runs_away_costs_its_own_points(scorer: Path) -> None:
    """An endless loop, all memory, and the end of the program: the checks before and after count. How many are done is said meanwhile."""
    done = list[int]()
    results = ask(scorer, "one", 1, SHEET, done.append)
    assert ([result.points for result in results], done) == ([1, 0, 0, 0, 1], [1, 2, 3, 4, 5])
    assert "longer than 1 s" in results[1].note
    assert "memory" in results[2].note


@pytest.mark.parametrize(("name", "version"), [("../one", 1), ("one", 2), ("", 1)])
def test_question_about_anything_else_is_not_answered(scorer: Path, name: str, version: int) -> None:
    """Names lead nowhere but into the folder of exports."""
    with pytest.raises(WorkerLost):
        ask(scorer, name, version, SHEET)


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x09not json!"])
def test_noise_does_not_end_it(scorer: Path, data: bytes) -> None:
    """Whatever is sent, the next question is answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(scorer / SCORE_SOCKET))
        line.sendall(data)
    assert ask(scorer, "one", 1, SHEET)[0].points == 1


def test_answer_that_does_not_fit_is_not_believed(scorer: Path) -> None:
    """More points than the sheet gives, or other checks, are no answer."""
    other = SHEET.model_copy(update={"checks": SHEET.checks[:1]})
    with pytest.raises(WorkerLost):
        ask(scorer, "one", 1, other)


def test_scorer_that_loads_for_long_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network's library takes half a minute on a busy machine; who asks early is not to be lost for that."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] > 40:
            (tmp_path / SCORE_SOCKET).touch()

    def answer(*_: object) -> tuple[CheckResult, ...]:
        return (CheckResult(check="a", points=1),)

    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    monkeypatch.setattr(worker, "ask", answer)
    assert worker._ask_scorer(tmp_path, "one", 1, SHEET)[0].points == 1


def test_scorer_that_is_not_there_any_more_was_not_asked(tmp_path: Path) -> None:
    """A socket at which nobody listens is no answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / SCORE_SOCKET))
    with pytest.raises(WorkerLost) as caught:
        ask(tmp_path, "one", 1, SHEET)
    assert caught.value.facts["was_asked"] is False
