"""What a training has come to: the state that is written within and after epochs, and that another one goes on from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from labkit.errors import CorruptStore, InvalidInput
from labkit.events import Artefact, EventSink
from labkit.formats.checkpoint import load_resume_state, save_resume_state, save_weights
from labkit.storage import CheckpointLayout, write_text
from labkit.training.config import FREE_ON_RESUME, TrainPlan
from labkit.training.history import EpochRecord, best_epoch, history_csv
from labkit.training.precision import gradient_scaler
from labkit.training.starting import new_network

__all__ = ["Keeper", "Training", "resume_training", "start_training"]

_FORMAT = 2
_SAVING_SHARE = 0.05  # of the time, at most, goes into checkpoints within an epoch


@dataclass(slots=True, eq=False)
class Training:
    """A network at work: everything that changes from step to step.

    Attributes
    ----------
    module, optimizer, scaler
        The network and what moves its weights.
    step : int
        Steps done, over all epochs.
    losses : list of float
        Of the steps of the epoch that is going on.
    epoch_s : float
        Seconds that it has taken so far.
    history : list of EpochRecord
        The finished epochs.
    best_weights : dict of Tensor
        Of the best finished epoch, on the CPU.
    """

    module: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    losses: list[float] = field(default_factory=list)
    epoch_s: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def end_epoch(self, record: EpochRecord) -> None:
        """Add a finished epoch; where it is the best so far, its weights are remembered."""
        self.history.append(record)
        self.losses, self.epoch_s = [], 0.0
        if best_epoch(self.history) is record:
            self.best_weights = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}


def start_training(plan: TrainPlan) -> Training:
    """Return a network with weights drawn from the plan's seed, and those of its encoder where it has one."""
    if plan.threads is not None:
        torch.set_num_threads(plan.threads)  # with another number sums round otherwise
    torch.manual_seed(plan.config.seed)
    module = new_network(plan).to(plan.device)
    optimizer = torch.optim.AdamW(module.parameters(), lr=plan.config.learning_rate, weight_decay=plan.config.weight_decay)
    return Training(module, optimizer, gradient_scaler(plan))


def resume_training(plan: TrainPlan, folder: CheckpointLayout) -> Training:
    """Return the training that `folder` holds, at the step where its last checkpoint was written.

    Raises
    ------
    NotFound, CorruptStore
        There is no checkpoint, or one that cannot be read.
    InvalidInput
        It is of a training with other settings.
    """
    state = load_resume_state(folder.resume_state)
    if state.get("format") != _FORMAT:
        raise CorruptStore(f"{folder.resume_state} is of another version of LabKit.", hint="Start the training anew.")
    for name, value in _settings(plan).items():
        if state["settings"].get(name) != value:
            raise InvalidInput(
                f"The training to go on from had {name} {state['settings'].get(name)}, not {value}.",
                hint="Go on with its settings, or start anew.",
            )
    training = start_training(plan)
    training.module.load_state_dict(state["module"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.scaler.load_state_dict(state["scaler"])
    training.step, training.losses, training.epoch_s = state["step"], list(state["losses"]), state["epoch_s"]
    training.history = [EpochRecord.model_validate(e) for e in state["history"]]
    training.best_weights = state["best_weights"]
    torch.set_rng_state(state["random"]["cpu"])
    if plan.device.startswith("cuda") and "cuda" in state["random"]:
        torch.cuda.set_rng_state(state["random"]["cuda"], plan.device)
    return training


class Keeper:
    """Writes checkpoints: after each epoch, and within one so often that little is lost and little time goes into it.

    Parameters
    ----------
    folder : CheckpointLayout
        Where they go.
    plan : TrainPlan
    on_event : callable
        Gets an `Artefact` when there are better weights.
    on_checkpoint : callable
        Called after each checkpoint.
    """

    def __init__(self, folder: CheckpointLayout, plan: TrainPlan, on_event: EventSink, on_checkpoint: Callable[[], None]) -> None:
        self.folder, self.plan, self.on_event, self.on_checkpoint = folder, plan, on_event, on_checkpoint
        self._wait_s = plan.config.checkpoint_every_s
        self._saved = time.monotonic()
        self._best_epoch = 0

    def is_due(self) -> bool:
        """Return whether it is time for a checkpoint within an epoch."""
        return time.monotonic() - self._saved >= self._wait_s

    def keep(self, training: Training) -> None:
        """Write all that a training needs to go on, and then, for people and programs, the best weights and the history.

        The state is one file, best weights included, that is replaced as a whole: it never disagrees with itself, whenever this
        is killed. What comes after it is written anew when the training goes on.

        Raises
        ------
        StorageFull
            The checkpoint before is as it was.
        """
        started = time.monotonic()
        save_resume_state(self.folder.resume_state, _state(training, self.plan))
        if training.history and best_epoch(training.history).epoch != self._best_epoch:
            save_weights(self.folder.best_weights, training.best_weights)
            self._best_epoch = best_epoch(training.history).epoch
            self.on_event(Artefact("best weights", f"{self.folder.root.name}/{self.folder.best_weights.name}"))
        if training.history:
            write_text(self.folder.history, history_csv(training.history, self.plan))
        self.on_checkpoint()
        self._saved = time.monotonic()
        if self._wait_s:
            self._wait_s = max(self.plan.config.checkpoint_every_s, (self._saved - started) / _SAVING_SHARE)


def _state(training: Training, plan: TrainPlan) -> dict[str, Any]:
    random = {"cpu": torch.get_rng_state()}
    if plan.device.startswith("cuda"):
        random["cuda"] = torch.cuda.get_rng_state(plan.device)
    return {
        "format": _FORMAT,
        "settings": _settings(plan),
        "module": training.module.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "random": random,
        "step": training.step,
        "losses": training.losses,
        "epoch_s": training.epoch_s,
        "history": [e.model_dump() for e in training.history],
        "best_weights": training.best_weights,
    }


def _settings(plan: TrainPlan) -> dict[str, Any]:
    """Return what must not change, as plain values."""
    return {**plan.config.model_dump(mode="json", exclude=set(FREE_ON_RESUME)), "training_set": plan.training_set}
