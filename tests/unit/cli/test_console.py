"""What is shown while work goes on, and how an answer is printed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import threading

import pytest

from labkit.cli.console import Answer, TerminalSink, cancel_on_interrupt, print_answer
from labkit.events import CancelToken, Event, Log, Metric, Progress
from labkit.storage import Record


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Numbers(Record):
    name: str
    score: float


def _shown_on_a_terminal(*events: Event) -> str:
    """Return what a sink writes when standard error is a terminal."""
    with contextlib.redirect_stderr(_Terminal()) as terminal:
        sink = TerminalSink()
        for event in events:
            sink(event)
        sink.close()
    return terminal.getvalue()


def test_an_answer_for_people_is_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the data is not shown."""
    print_answer(Answer({"number": 1}, ("one", "two")), as_json=False)
    assert capsys.readouterr().out == "one\ntwo\n"


@pytest.mark.parametrize("data", [{"name": "µ", "score": 0.5}, _Numbers(name="µ", score=0.5)])
def test_an_answer_for_programs_is_one_object(data: dict[str, object] | Record, capsys: pytest.CaptureFixture[str]) -> None:
    """A record and a dictionary are printed alike, on one line."""
    print_answer(Answer(data, ("not shown",)), as_json=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"name": "µ", "score": 0.5}


@pytest.mark.parametrize("data", [{"name": "a", "score": float("nan")}, _Numbers(name="a", score=float("-inf"))])
def test_what_json_cannot_hold_is_null(data: dict[str, object] | Record, capsys: pytest.CaptureFixture[str]) -> None:
    """NaN and infinity are no JSON: strict readers would refuse the whole answer."""
    print_answer(Answer(data), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"name": "a", "score": None}


def test_into_a_file_go_lines_and_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, progress is silent and notes are lines; standard output stays clean."""
    sink = TerminalSink()
    for event in (Progress(1, 2, "tiles", "import"), Log("a note"), Log("mind this", "warning"), Metric(1, 1, "loss", 0.5)):
        sink(event)
    sink.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "a note\nwarning: mind this\n"


def test_quiet_keeps_the_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json into a file only warnings and errors are shown."""
    sink = TerminalSink(quiet=True)
    for event in (Log("a note"), Log("mind this", "warning"), Log("broken", "error")):
        sink(event)
    assert capsys.readouterr().err == "warning: mind this\nerror: broken\n"


def test_on_a_terminal_each_stage_has_a_bar() -> None:
    """A new stage ends the bar before it; the bar reaches what was done."""
    events = (Progress(1, 4, "tiles", "import"), Progress(4, 4, "tiles", "import"), Progress(1, 2, "steps", "training"))
    shown = _shown_on_a_terminal(*events)
    assert "import: 100%" in shown
    assert "4/4" in shown
    assert "training:" in shown


def test_the_bar_of_a_training_shows_the_loss() -> None:
    """Who waits for a training sees whether it learns."""
    assert "loss 0.512" in _shown_on_a_terminal(Metric(1, 1, "loss", 0.51234), Progress(1, 2, "steps", "training"))


def test_a_resumed_stage_starts_where_it_stands() -> None:
    """Progress that begins in the middle is shown as such."""
    assert "30/40" in _shown_on_a_terminal(Progress(30, 40, "tiles", "import"))


def test_closing_without_a_bar_does_nothing() -> None:
    """A command that fails at once has nothing to tidy."""
    sink = TerminalSink()
    sink.close()
    sink.close()


def test_ctrl_c_sets_the_token_once_and_the_second_stops() -> None:
    """The first Ctrl-C asks, the second does not; afterwards Ctrl-C is as before."""
    before = signal.getsignal(signal.SIGINT)
    with cancel_on_interrupt() as cancel:
        os.kill(os.getpid(), signal.SIGINT)
        assert cancel.cancelled
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_beside_the_main_thread_there_is_a_token_too() -> None:
    """Signals belong to the main thread; elsewhere the token can still be set by hand."""
    found: list[CancelToken] = []

    def work() -> None:
        with cancel_on_interrupt() as cancel:
            found.append(cancel)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not found[0].cancelled
