"""How a run ended, from what the system says of it; a pure table."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from labkit.events import RunState

__all__ = ["Ending", "judge"]

_SMALLER = "Use a smaller batch, smaller tiles or a smaller model."


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known when the child has ended.

    ``exit_code`` is minus a signal's number when one ended the child; ``report`` is what the child said of its error
    (message, hint, perhaps kernel_exit); ``was_forced`` tells that the grace after a cancel was over; ``time_limit_s``
    stands there if the run was stopped because its time was up; ``was_disowned`` tells that the hub did not know of it any more.
    """

    exit_code: int
    has_result: bool
    cancel_requested: bool = False
    was_forced: bool = False
    was_disowned: bool = False
    memory_ran_out: bool = False
    time_limit_s: float | None = None
    has_checkpoint: bool = False
    report: dict[str, object] = field(default_factory=dict)


def judge(ending: Ending) -> tuple[RunState, str]:
    """Return the end state and the reason, for a person, with what to do next."""
    if ending.was_disowned and not (ending.exit_code == 0 and ending.has_result):
        return "lost", "The hub did not count this run as going on any more, and it was stopped. Resume it, or try it again."
    if ending.cancel_requested:
        forced = "It did not stop by itself and was ended. " if ending.was_forced else ""
        return "cancelled", f"Cancelled on request. {forced}What was saved until then is kept."
    if ending.exit_code == 0 and ending.has_result:
        return "done", ""
    if ending.time_limit_s is not None:
        return "failed", _out_of_time(ending.time_limit_s, ending.has_checkpoint)
    if ending.exit_code == 0:
        return "failed", "The notebook ended without its result. Its last cell must call write_result()."
    return "failed", _reason(ending)


def _out_of_time(limit_s: float, has_checkpoint: bool) -> str:
    limit = f"{limit_s:g} s" if limit_s < 120 else f"{limit_s / 60:g} min"
    if has_checkpoint:
        return f"Out of time: it was stopped after {limit}. Its checkpoint is kept: resume it, or give it a longer time limit."
    return f"Out of time: it was stopped after {limit}, before it had a checkpoint. Give it a longer time limit."


def _reason(ending: Ending) -> str:
    message, hint = _sentence(ending.report.get("message")), _sentence(ending.report.get("hint"))
    killed = -signal.SIGKILL in (ending.report.get("kernel_exit"), ending.exit_code)
    if killed and ending.memory_ran_out:
        return f"The machine ran out of memory and ended the run. {message} {_SMALLER}".replace("  ", " ")
    if message:
        return f"{message} {hint}".strip()
    if ending.exit_code == -signal.SIGKILL:
        return f"The run was killed from outside, most often because memory ran out. {_SMALLER}"
    if ending.exit_code < 0:
        return f"The run was ended from outside by signal {-ending.exit_code}. Start it again, or look into its log.txt."
    return f"The run's program broke (exit code {ending.exit_code}). Its log.txt says more."


def _sentence(text: object) -> str:
    line = str(text or "").strip()
    return line if not line or line[-1] in ".!?" else line + "."
