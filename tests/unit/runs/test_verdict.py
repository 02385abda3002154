"""How a run's end is judged."""

from __future__ import annotations

import pytest

from labkit.runs.verdict import Ending, judge

RAISED = {"message": "Cell 3 stopped with ValueError: bad", "hint": "Open the notebook."}
KILLED = {"message": "The kernel was killed by signal 9 (SIGKILL) in cell 3.", "hint": "Use a smaller batch.", "kernel_exit": -9}


@pytest.mark.parametrize(
    ("ending", "state", "words"),
    [
        (Ending(0, has_result=True), "done", ""),
        (Ending(0, has_result=False), "failed", "without its result"),
        (Ending(1, has_result=False, report=RAISED), "failed", "ValueError: bad. Open the notebook."),
        (Ending(1, has_result=True, report=RAISED), "failed", "ValueError: bad."),
        (Ending(1, has_result=False, report=KILLED), "failed", "killed by signal 9"),
        (Ending(1, has_result=False, report=KILLED, memory_ran_out=True), "failed", "ran out of memory"),
        (Ending(-9, has_result=False), "failed", "killed from outside"),
        (Ending(-15, has_result=False), "failed", "signal 15"),
        (Ending(3, has_result=False), "failed", "exit code 3"),
        (Ending(0, has_result=True, cancel_requested=True), "cancelled", "Cancelled on request"),
        (Ending(1, has_result=False, cancel_requested=True, report=RAISED), "cancelled", "Cancelled on request"),
        (Ending(-9, has_result=False, cancel_requested=True, was_forced=True), "cancelled", "did not stop by itself"),
    ],
)
def test_judge(ending: Ending, state: str, words: str) -> None:
    """The state follows from exit code, result and cancel; the reason says it in words."""
    judged, reason = judge(ending)
    assert judged == state
    assert words in reason
    assert bool(reason) == (state != "done")
