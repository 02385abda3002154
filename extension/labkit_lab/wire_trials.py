"""Messages of a trial: the tests that students can run themselves."""

from __future__ import annotations

from typing import Literal

from labkit_lab.wire import WireModel
from labkit_lab.wire_sending import SendProblem

__all__ = ["TRIALS_REPLIES", "TRIALS_REQUESTS", "TrialAsk", "TrialReport", "TriedCell", "TriedNotebook", "TriedPicture"]


class TrialAsk(WireModel):
    """Run the tests that can be seen, and look at the annotations; ``unsaved`` as in `SendAsk`."""

    unsaved: tuple[str, ...] = ()


class TriedCell(WireModel):
    """A test, or a cell that stopped; ``index`` is its place from 0."""

    index: int
    grade_id: str
    points: float | None
    state: Literal["passed", "failed", "stopped", "not-run"]
    message: str
    line: str


class TriedNotebook(WireModel):
    """One notebook; ``path`` is one of the file browser, or None."""

    notebook: str
    path: str | None
    problem: str
    cells: tuple[TriedCell, ...]


class TriedPicture(WireModel):
    """The annotations of a picture as they would be handed in."""

    path: str
    objects: int


class TrialReport(WireModel):
    """What a trial of all notebooks found; and the annotations that would be handed in, with what is to be said of them."""

    passed: bool
    notebooks: tuple[TriedNotebook, ...]
    pictures: tuple[TriedPicture, ...]
    problems: tuple[SendProblem, ...]


TRIALS_REQUESTS: tuple[type[WireModel], ...] = (TrialAsk,)
TRIALS_REPLIES: tuple[type[WireModel], ...] = (TrialReport, TriedNotebook, TriedCell, TriedPicture)
