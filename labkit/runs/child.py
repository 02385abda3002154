"""The child of a supervisor, which executes the notebook: ``python -m labkit.runs.child RUN_DIR --report FD --scratch DIR``.

Its standard input is a pipe from the supervisor: when that closes, the supervisor is dead, and the child ends its
family and itself.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from labkit.errors import Cancelled, LabKitError, response_for
from labkit.notebooks import execute_notebook
from labkit.notebooks.lineage import adopt_orphans
from labkit.runs.family import end_descendants
from labkit.runs.inside import RUN_DIR_VARIABLE, FileCancelToken
from labkit.runs.records import RunSpec
from labkit.runs.stream import EventWriter
from labkit.storage import RunLayout, load_record

__all__ = ["main"]


def _end_with_supervisor() -> None:
    os.read(0, 1)  # returns when the supervisor's end of the pipe is closed
    end_descendants()
    os.kill(os.getpid(), signal.SIGKILL)


def _execute(layout: RunLayout, scratch: Path) -> None:
    spec = load_record(layout.spec, RunSpec)
    execute_notebook(
        layout.source if layout.source.is_file() else spec.notebook,
        layout.notebook,
        config_path=layout.config,
        on_event=EventWriter(layout.events),
        cancel=FileCancelToken(layout.cancel_request),
        cwd=layout.root,
        env={RUN_DIR_VARIABLE: str(layout.root)},
        scratch=scratch,
    )


def _skip_slow_import() -> None:
    """Let jsonschema, which nbformat imports, believe that its checker of addresses is not installed: it takes a second."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _report(descriptor: int, error: BaseException) -> None:
    """Tell the supervisor what went wrong; a pipe works when the disk is full, too."""
    if isinstance(error, LabKitError):
        record = {**error.as_dict(), **{k: v for k, v in error.facts.items() if isinstance(v, int | str)}}
    else:
        traceback.print_exception(error)
        record = {"message": f"The run's program broke ({type(error).__name__}).", "hint": "Its log.txt says more."}
    os.write(descriptor, json.dumps(record).encode())


def main(arguments: list[str] | None = None) -> int:
    """Execute the run's notebook and return 0, or report what went wrong and return another number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    given = parser.parse_args(arguments)
    os.set_inheritable(given.report, False)
    adopt_orphans()
    _skip_slow_import()
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        _execute(RunLayout(given.run_dir), given.scratch)
    except Cancelled:
        return response_for(Cancelled("")).exit_code
    except Exception as error:
        _report(given.report, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
