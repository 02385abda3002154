"""``labkit.runs.served`` between two lines of a journal: ``python run_with_journal.py JOURNAL --run=ID --folder=FOLDER``."""

from __future__ import annotations

import json
import os
import sys
import time


def note(journal: str, run: str, *, began: bool) -> None:
    """Add one line; short appends of several processes do not mix."""
    line = {"run_id": run, "device": os.environ.get("LABKIT_DEVICE", ""), "began": began, "time": time.monotonic()}
    with open(journal, "a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> int:
    """Carry the run out as its server does."""
    journal, arguments = sys.argv[1], sys.argv[2:]
    run = next(word for word in arguments if word.startswith("--run=")).removeprefix("--run=")
    note(journal, run, began=True)
    try:
        from labkit.runs.served import main as serve

        return serve(arguments)
    finally:
        note(journal, run, began=False)


if __name__ == "__main__":
    sys.exit(main())
