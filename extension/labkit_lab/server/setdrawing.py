"""Has a program of its own draw the preview of a training set, and waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from labkit.errors import InvalidInput
from labkit.project import Project
from labkit_lab.server.jobs import Job
from labkit_lab.wire_sets import PreviewAsk, PreviewReport

__all__ = ["drawn_elsewhere"]

_COMMAND = (sys.executable, "-m", "labkit_lab.server.setpreview")
_LOOK_S = 0.2  # how often somebody's wish to stop is looked at


def drawn_elsewhere(project: Project, asked: PreviewAsk, job: Job) -> PreviewReport:
    """Return what `labkit_lab.server.setpreview` draws; it ends with the job.

    Raises
    ------
    InvalidInput
        The wish gives no chip, or cannot be.
    Cancelled
        Somebody gave it up.
    """
    with subprocess.Popen(
        [*_COMMAND, str(project.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            said, faults = _talk(child, asked.model_dump_json(), job)
        finally:
            child.kill()  # nothing, if it has ended
    if child.returncode:
        raise RuntimeError(f"the preview ended with {child.returncode}: {faults[-4000:]}")
    return _report(json.loads(said))


def _talk(child: subprocess.Popen[str], text: str, job: Job) -> tuple[str, str]:
    """Send a text, and return what the child says and what it complains of."""
    while True:
        try:
            return child.communicate(text, timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            job.cancel.raise_if_cancelled()


def _report(said: dict[str, Any]) -> PreviewReport:
    if error := said.get("error"):
        raise InvalidInput(error["message"], hint=error["hint"])
    return PreviewReport.model_validate(said)
