"""Runs, what a training keeps of itself, and the line that a person's runs share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CheckpointLayout", "RunLayout", "StateLayout"]


@dataclass(frozen=True, slots=True)
class CheckpointLayout:
    """Where a training keeps what it has so far (``checkpoints/`` of a run)."""

    root: Path

    @property
    def best_weights(self) -> Path:
        """Weights of the best epoch so far, as safetensors."""
        return self.root / "best.safetensors"

    @property
    def resume_state(self) -> Path:
        """What a training goes on from: network, optimiser, random state, history and the best weights, in one file."""
        return self.root / "resume.pt"

    @property
    def samples(self) -> Path:
        """Some validation chips beside their truth and the network's answer, as it was after the last epoch."""
        return self.root / "samples.png"

    @property
    def history(self) -> Path:
        """One line of numbers per epoch, as CSV."""
        return self.root / "history.csv"


@dataclass(frozen=True, slots=True)
class RunLayout:
    """``runs/<run-id>/``: one run, written by its supervisor and its child."""

    root: Path

    @property
    def record(self) -> Path:
        """State of the run, written by the supervisor only."""
        return self.root / "run.json"

    @property
    def spec(self) -> Path:
        """What was asked for; never changes."""
        return self.root / "spec.json"

    @property
    def source(self) -> Path:
        """The notebook as it was handed in: what is executed, however the original changes."""
        return self.root / "source.ipynb"

    @property
    def config(self) -> Path:
        """The validated config that the notebook gets."""
        return self.root / "config.json"

    @property
    def events(self) -> Path:
        """Progress, one JSON object a line."""
        return self.root / "events.jsonl"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.root / "output.ipynb"

    @property
    def checkpoints(self) -> CheckpointLayout:
        """Weights, state to go on from, and history of a training."""
        return CheckpointLayout(self.root / "checkpoints")

    @property
    def result(self) -> Path:
        """What the run made, written last by the child: without it a run is never done."""
        return self.root / "result.json"

    @property
    def log(self) -> Path:
        """What supervisor and child printed."""
        return self.root / "log.txt"

    @property
    def cancel_request(self) -> Path:
        """Somebody asked the run to stop."""
        return self.root / "cancel"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / ".lock"

    @property
    def reserve(self) -> Path:
        """Some room that the supervisor gives back when the disk is full, so that it can still write why the run ended."""
        return self.root / ".reserve"


@dataclass(frozen=True, slots=True)
class StateLayout:
    """``~/.local/state/labkit/``: what a person's runs on this machine share, over all projects."""

    root: Path

    @property
    def queue(self) -> Path:
        """Folder of the tickets: one for each run that waits or goes on."""
        return self.root / "queue"

    def ticket(self, run_id: str) -> Path:
        """Return the ticket of one run."""
        return self.queue / f"{run_id}.json"

    @property
    def queue_lock(self) -> Path:
        """Held while tickets are added, moved or taken up."""
        return self.root / ".queue.lock"

    @property
    def dispatcher_lock(self) -> Path:
        """Held by the dispatcher as long as it lives."""
        return self.root / ".dispatcher.lock"

    @property
    def dispatcher_log(self) -> Path:
        """What the dispatcher printed."""
        return self.root / "dispatcher.log"

    def device_lock(self, device: str, slot: int) -> Path:
        """Return the lock that is held by the run which computes on a device; some devices carry several runs."""
        return self.root / "devices" / f"{device.replace(':', '-')}.{slot}.lock"
