"""A run as a server of the hub: ``python -m labkit.runs.served --run ID --folder FOLDER_OF_RUNS``, the folder relative to the home.

It answers the hub at once, holds the run's lock, carries the run out as its supervisor, tells the hub's service how it
goes, and ends by itself: with 0, for to the hub a run that failed is a server that did what it was for.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.runs.answering import Answerer, at_hub
from labkit.runs.reporting import Reporter

if TYPE_CHECKING:
    from labkit.runs.records import RunSpec
    from labkit.runs.supervisor import Supervisor
    from labkit.storage import RunLayout

__all__ = ["main"]

_LOCK_S = 5.0  # whoever looks at the run may hold its lock for a moment
_AGAIN = "The run was lost: its server ended in the middle of it, and was started anew. Start it again with resume."


def main(arguments: list[str] | None = None, *, prepare: Callable[[], None] | None = None) -> int:
    """Carry the run out, and return 0 however it ended.

    Parameters
    ----------
    prepare : callable, optional
        Called first; where it fails, so does the run, in its words.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--grace-s", type=float, default=None)
    given = parser.parse_args(arguments)
    stop = _Stop()
    service = os.environ.get("LABKIT_SERVICE_URL", "").rstrip("/")
    # First of all: the hub waits for an answer, and loading the rest takes a moment.
    Answerer(os.environ["JUPYTERHUB_SERVICE_URL"], _page(service, given.run)).start()
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    tale = _Tale()
    reporter = Reporter(
        f"{service}/api/runs/{given.run}/report", token, progress=tale.how_far, on_answer=tale.hear, on_disowned=tale.disown
    )
    state, reason = _carry_out(given, stop, tale, reporter, prepare)
    print(f"{given.run}: {state}. {reason}", flush=True)  # noqa: T201 - our output is the run's log
    if not reporter.end(state, reason):
        print("The hub's service did not take the report of the end.", flush=True)  # noqa: T201
    return 0


def _page(service: str, run_id: str) -> str:
    """Return the address of the run's page."""
    return at_hub(f"{urlsplit(service).path}/runs/{run_id}")


class _Stop:
    """SIGTERM before the supervisor listens to it: kept until the run is known, and then a request to cancel it."""

    def __init__(self) -> None:
        self._was_asked = False
        self._request: Path | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def lead_to(self, request: Path) -> None:
        """Let it make this file, also if it has come already."""
        self._request = request
        if self._was_asked:
            self._note()

    def _note(self, *_: object) -> None:
        self._was_asked = True
        if self._request is not None:
            with contextlib.suppress(OSError):
                self._request.touch()


@dataclass(slots=True)
class _Tale:
    """What the reports are made of, and what the hub's answers are told to."""

    layout: RunLayout | None = None
    supervisor: Supervisor | None = None
    look: Callable[[], str] = field(default=lambda: "")

    def how_far(self) -> str:
        return self.look()

    def hear(self, item: dict[str, Any]) -> None:
        """Obey the hub: its time limit, a cancel that has not reached us otherwise, an end that we know nothing of."""
        limit = item.get("time_limit_s")
        if self.supervisor is not None and isinstance(limit, int | float) and limit > 0:
            self.supervisor.limit_to(limit)
        if self.supervisor is None or self.layout is None or self.supervisor.record.has_ended:
            return
        if item.get("state") in ("cancelling", "cancelled"):
            self.layout.cancel_request.touch()
        elif item.get("state") in ("failed", "lost"):
            self.disown()

    def disown(self) -> None:
        """End: the hub takes this run's device for free, and may have lent it to another."""
        if self.supervisor is not None:
            self.supervisor.disown()


def _carry_out(
    given: argparse.Namespace, stop: _Stop, tale: _Tale, reporter: Reporter, prepare: Callable[[], None] | None = None
) -> tuple[str, str]:
    """Return how the run ended, and why."""
    from labkit.errors import LabKitError, Locked
    from labkit.storage import explain_os_errors, hold_lock

    try:
        with explain_os_errors(given.folder):  # a home that is full is said
            if prepare is not None:
                prepare()
            layout, spec = _found(given.folder, given.run)
            _log_into(layout)
        with hold_lock(layout.lock, timeout_s=_LOCK_S, what="this run"):
            return _supervise(layout, spec, given.grace_s, stop, tale, reporter)
    except Locked:
        return "failed", "Another program carries this run out already."
    except LabKitError as error:
        return "failed", f"{error.message} {error.hint}".strip()
    except Exception as error:
        traceback.print_exception(error)
        return "failed", f"The run's server broke ({type(error).__name__}). Its log.txt says more."


def _supervise(layout: RunLayout, spec: RunSpec, grace_s: float | None, stop: _Stop, tale: _Tale, reporter: Reporter) -> tuple[str, str]:
    """Take the run to its end; the caller holds its lock."""
    from labkit.runs.records import GRACE_S, load_run_record
    from labkit.runs.run import Run
    from labkit.runs.supervisor import Supervisor

    record = load_run_record(layout)
    if not record.has_ended and record.state != "queued":
        record = Run(layout).settle("lost", _AGAIN)
    if not record.has_ended:
        supervisor = Supervisor(layout, grace_s=GRACE_S if grace_s is None else grace_s)
        tale.layout, tale.supervisor, tale.look = layout, supervisor, _teller(layout)
        stop.lead_to(layout.cancel_request)
        reporter.start()
        try:
            supervisor.run()
        except Exception as error:  # written down as the run's end already, if that was possible
            traceback.print_exception(error)
        record = supervisor.record
    return record.state, record.reason


def _teller(layout: RunLayout) -> Callable[[], str]:
    """Return what says how far the run is: each call reads what is new."""
    from labkit.runs.run import Run
    from labkit.runs.story import RunStory, run_story

    run, story = Run(layout), None

    def tell() -> str:
        nonlocal story
        story = run_story(run, story)
        return _words(story)

    def _words(told: RunStory) -> str:
        if told.epochs and told.epoch:
            return f"epoch {told.epoch} of {told.epochs}"
        return f"{told.stage}: {told.done:g} of {told.total:g} {told.unit}" if told.total else ""

    return tell


def _found(folder: str, run_id: str) -> tuple[RunLayout, RunSpec]:
    """Return the run's folder and what was asked for; refuse whatever is not a run of this person that was handed to the hub.

    Raises
    ------
    NotFound
        It is not there.
    InvalidInput
        It lies outside the home, belongs to somebody else, or is another run.
    """
    import re

    from labkit.errors import CorruptStore, InvalidInput, NotFound
    from labkit.runs.records import RUN_ID_PATTERN, RunSpec
    from labkit.storage import RunLayout, load_record

    home = Path.home().resolve()
    if not re.match(RUN_ID_PATTERN, run_id):
        raise InvalidInput("This is no id of a run.", hint="Submit it again with retry.")
    root = (home / folder / run_id).resolve()
    if home not in root.parents:
        raise InvalidInput("The run's folder lies outside the home.", hint="Keep the project in your home, and submit it again.")
    if not root.is_dir():
        raise NotFound(
            f"The run's folder ~/{folder}/{run_id} is not there.",
            hint="It was removed, or the program that submitted it was stopped midway: submit it again.",
        )
    if root.stat().st_uid != os.getuid():
        raise InvalidInput("The run's folder belongs to somebody else.", hint="Submit it from a project of your own.")
    layout = RunLayout(root)
    try:
        spec = load_record(layout.spec, RunSpec)
    except CorruptStore as error:
        raise InvalidInput("The run's folder cannot be read.", hint=error.message) from error
    if spec.id != run_id or spec.where != "hub":
        raise InvalidInput("The folder holds another run than the one that was handed to the hub.", hint="Submit it again with retry.")
    return layout, spec


def _log_into(layout: RunLayout) -> None:
    """Let everything that is printed from now on, by us and by the run's programs, go into the run's log."""
    log = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        sys.stdout.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
    finally:
        os.close(log)


if __name__ == "__main__":
    sys.exit(main())
