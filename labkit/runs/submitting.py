"""What is handed in: the folder of a new run and its ticket, both or neither; first times, repetitions and successors."""

from __future__ import annotations

import hashlib
import json
import shutil
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import InvalidInput, NotFound
from labkit.notebooks.contract import read_checked
from labkit.runs.queue import RunQueue
from labkit.runs.records import RunSpec, load_run_record
from labkit.runs.run import Run
from labkit.storage import RunLayout, load_record, new_folder, new_id, save_record, utc_now, write_bytes, write_text

__all__ = ["MAX_ATTEMPTS", "Submission", "again", "checkpoint_of", "successor"]

MAX_ATTEMPTS = 3  # of a run that is lost again and again: the fault may well be its own
_LETTERS = string.ascii_lowercase
_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Submission:
    """A spec and the notebook's bytes that go with it."""

    spec: RunSpec
    notebook: bytes

    @classmethod
    def checked(cls, spec: RunSpec) -> Submission:
        """Return a spec with its notebook as it is now, or raise what `labkit.notebooks.check_notebook` does."""
        facts, data = read_checked(spec.notebook)
        return cls(spec.model_copy(update={"notebook_sha256": facts.sha256}), data)

    def put_into(self, queue: RunQueue, folder: Path, *, grace_s: float, heartbeat_s: float, rank: float | None = None) -> None:
        """Write the run's folder and its ticket; the caller holds the queue's lock."""
        self.hand_in(
            folder,
            lambda: queue.add(self.spec, folder, grace_s=grace_s, heartbeat_s=heartbeat_s, rank=rank),
            lambda: queue.remove(self.spec.id),
        )

    def hand_in(self, folder: Path, put: Callable[[], object], take_back: Callable[[], object]) -> None:
        """Write the run's folder under a hidden name, `put` the run into its queue, and give the folder its name: all or nothing.

        The queue comes first: an entry without a folder means nothing, but a folder without an entry would wait for ever.
        """
        layout = RunLayout(folder / self.spec.id)
        try:
            with new_folder(layout.root) as incoming:
                self._write(RunLayout(incoming), folder)
                put()
        except BaseException:
            take_back()
            raise

    def _write(self, draft: RunLayout, folder: Path) -> None:
        save_record(draft.spec, self.spec)
        write_text(draft.config, json.dumps(self.spec.config, indent=2, allow_nan=False) + "\n")
        write_bytes(draft.source, self.notebook)
        earlier = _goes_on_from(self.spec)
        if earlier is not None and (history := RunLayout(folder / earlier).checkpoints.history).is_file():
            draft.checkpoints.root.mkdir()
            shutil.copyfile(history, draft.checkpoints.history)


def _goes_on_from(spec: RunSpec) -> str | None:
    value = spec.config.get(spec.resume_field) if spec.resume_field else None
    return value if isinstance(value, str) else None


def again(run: Run) -> Submission:
    """Return the same once more, with the notebook as it was handed in then."""
    spec = run.spec.model_copy(update=_new(new_id(), run))
    if run.layout.source.is_file():
        return Submission(spec, run.layout.source.read_bytes())
    return Submission.checked(spec)  # a run of an older version, which kept no copy


def _new(run_id: str, run: Run) -> dict[str, Any]:
    return {"id": run_id, "resumes": run.id, "created": utc_now(), "attempt": run.spec.attempt + 1}


def checkpoint_of(run: Run) -> str | None:
    """Return the id of the run whose checkpoint a run can be taken up from: its own, or the one that it went on from itself.

    None where there is no checkpoint, or this kind of work cannot go on.
    """
    if run.spec.resume_field is None:
        return None
    seen: set[str] = set()
    layout = run.layout
    while layout.root.name not in seen:
        seen.add(layout.root.name)
        if layout.checkpoints.resume_state.is_file():
            return layout.root.name
        try:
            earlier = _goes_on_from(load_record(layout.spec, RunSpec))
        except NotFound:
            return None
        if earlier is None:
            return None
        layout = RunLayout(layout.root.parent / earlier)
    return None


def successor(run: Run, *, had_begun: bool) -> Submission | None:
    """Return how a lost run is taken up again, None where it is not.

    Its id follows from the lost run's, so that a dispatcher that is killed midway makes no second one.
    """
    if not run.spec.auto_resume or _lost_in_a_row(run) >= MAX_ATTEMPTS or run.layout.cancel_request.exists():
        return None
    checkpoint = checkpoint_of(run)
    if checkpoint is None and had_begun:
        return None
    try:
        repeated = again(run)
    except (InvalidInput, NotFound):
        return None
    changes: dict[str, Any] = {"id": _id_after(run.id)}
    if checkpoint is not None:
        changes["config"] = {**run.spec.config, str(run.spec.resume_field): checkpoint}
    return Submission(repeated.spec.model_copy(update=changes), repeated.notebook)


def _lost_in_a_row(run: Run) -> int:
    """Return how many runs were lost one after another, each the successor of the one before, up to this one."""
    count, layout, spec = 0, run.layout, run.spec
    while count < MAX_ATTEMPTS and load_run_record(layout).state == "lost":
        count += 1
        layout = RunLayout(layout.root.parent / (spec.resumes or "none"))
        if not layout.spec.exists():
            break
        spec = load_record(layout.spec, RunSpec)
    return count


def _id_after(run_id: str) -> str:
    digits = hashlib.sha256(f"after {run_id}".encode()).digest()
    return _LETTERS[digits[0] % 26] + "".join(_ALPHABET[digit % 36] for digit in digits[1:12])
