"""A training that was broken off, anywhere and by anything, goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from labkit.datasets import TrainingSet
from labkit.errors import Cancelled, InvalidInput, StorageFull, StorageUnreachable
from labkit.events import CancelToken, Event, Metric, Progress
from labkit.formats.checkpoint import load_resume_state, load_weights
from labkit.storage import CheckpointLayout, atomic
from labkit.testing.learning import chips_of_discs, store_chips, tiny_plan
from labkit.training import EpochRecord, TrainPlan, TrainResult, learning_rate, train

EPOCHS, STEPS = 10, 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    """Forty chips to learn from, four to look at."""
    return store_chips(tmp_path_factory.mktemp("sets") / "discs", {"train": chips_of_discs(40), "val": chips_of_discs(4, seed=1)})


@pytest.fixture(scope="module")
def plan(data: TrainingSet) -> TrainPlan:
    """Ten epochs of four steps; patience is there, and counted; a checkpoint at every step."""
    return tiny_plan(data, epochs=EPOCHS, steps_per_epoch=STEPS, batch_size=2, patience=8, checkpoint_every_s=0.0)


@pytest.fixture(scope="module")
def whole(plan: TrainPlan, data: TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, CheckpointLayout]:
    """The training that nothing interrupted."""
    folder = CheckpointLayout(tmp_path_factory.mktemp("whole"))
    return train(plan, data, folder), folder


def without_time(history: tuple[EpochRecord, ...]) -> list[dict[str, Any]]:
    return [e.model_dump(exclude={"seconds"}) for e in history]


def assert_equal(result: TrainResult, folder: CheckpointLayout, whole: tuple[TrainResult, CheckpointLayout]) -> None:
    """Rates, losses, scores, the best epoch, its weights, and weights and moments after the last step."""
    assert without_time(result.history) == without_time(whole[0].history)
    assert (result.best_epoch, result.best_score, result.stopped) == (whole[0].best_epoch, whole[0].best_score, whole[0].stopped)
    assert folder.best_weights.read_bytes() == whole[1].best_weights.read_bytes()
    ours, theirs = (load_resume_state(one.resume_state) for one in (folder, whole[1]))
    for key in ("module", "optimizer", "random"):
        assert_same(ours[key], theirs[key])


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, torch.Tensor):
        assert bool((one == other).all())
    else:
        assert one == other


_PROGRAM = """
import sys
from pathlib import Path
from labkit.datasets import TrainingSet, TrainingSetRecord
from labkit.storage import CheckpointLayout, TrainingSetLayout, load_record
from labkit.training import TrainPlan, train
plan, data, folder = (Path(p) for p in sys.argv[1:])
layout = TrainingSetLayout(data)
plan = TrainPlan.model_validate_json(plan.read_text())
train(plan, TrainingSet(layout, load_record(layout.manifest, TrainingSetRecord)), CheckpointLayout(folder),
      on_event=lambda event: print(event.type, getattr(event, "epoch", 0), getattr(event, "name", ""), flush=True))
"""


def start_program(plan: TrainPlan, data: TrainingSet, folder: Path) -> subprocess.Popen[str]:
    """Train in a program of its own that can be killed; it says each event."""
    file = folder.parent / "plan.json"
    file.write_text(plan.model_dump_json())
    command = [sys.executable, "-c", _PROGRAM, str(file), str(data.layout.root), str(folder)]
    threads = str(torch.get_num_threads())  # how sums are split decides their last bit
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": threads})


def kill_when(program: subprocess.Popen[str], line: str) -> None:
    assert program.stdout is not None
    for said in program.stdout:
        if said.strip() == line:
            break
    program.kill()
    assert program.wait() == -signal.SIGKILL
    program.stdout.close()


def test_ten_epochs_are_four_a_kill_and_six(
    plan: TrainPlan, data: TrainingSet, whole: tuple[TrainResult, CheckpointLayout], tmp_path: Path
) -> None:
    """SIGKILL in the middle of the fifth epoch; the rest goes on at that step, and all is equal to the bit."""
    killed = CheckpointLayout(tmp_path / "killed")
    kill_when(start_program(plan, data, killed.root), "metric 5 loss")
    kept = load_resume_state(killed.resume_state)
    assert 4 * STEPS <= kept["step"] < 5 * STEPS
    folder = CheckpointLayout(tmp_path / "resumed")
    assert_equal(train(plan, data, folder, resume_from=killed), folder, whole)


def test_no_worker_outlives_a_killed_training(plan: TrainPlan, data: TrainingSet, tmp_path: Path) -> None:
    """Programs that prepare batches end with the one that asked for them."""
    busy = plan.model_copy(update={"workers": 2})
    program = start_program(busy, data, tmp_path / "killed")
    assert program.stdout is not None
    program.stdout.readline()
    workers = psutil.Process(program.pid).children(recursive=True)
    kill_when(program, "metric 1 train_loss")
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=30)[1] == []


def cancel_at(step: int, token: CancelToken) -> Callable[[], None]:
    """Cancel when the step's checkpoint is written."""
    calls = []

    def count() -> None:
        calls.append(None)
        if len(calls) == step:
            token.cancel()

    return count


@pytest.mark.ci
@pytest.mark.parametrize("checkpoint", [3, 14])
def test_a_cancelled_training_goes_on_at_the_step_where_it_stopped(
    plan: TrainPlan, data: TrainingSet, whole: tuple[TrainResult, CheckpointLayout], tmp_path: Path, checkpoint: int
) -> None:
    """Within the first epoch, before anything was scored, and later; the first folder stays as it is."""
    token, first = CancelToken(), CheckpointLayout(tmp_path / "first")
    with pytest.raises(Cancelled):
        train(plan, data, first, cancel=token, on_checkpoint=cancel_at(checkpoint, token))
    before = {p.name: p.read_bytes() for p in first.root.iterdir()}
    folder = CheckpointLayout(tmp_path / "second")
    assert_equal(train(plan, data, folder, resume_from=first), folder, whole)
    assert {p.name: p.read_bytes() for p in first.root.iterdir()} == before


@pytest.fixture(scope="module")
def two_epochs(plan: TrainPlan) -> TrainPlan:
    """A plan of two epochs."""
    return plan.model_copy(update={"total_steps": 2 * STEPS})


@pytest.fixture(scope="module")
def undisturbed(two_epochs: TrainPlan, data: TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, CheckpointLayout]:
    """Two epochs that nobody killed."""
    folder = CheckpointLayout(tmp_path_factory.mktemp("undisturbed"))
    return train(two_epochs, data, folder), folder


class _KilledError(BaseException):
    """Stands for the end of the program at a moment that a signal would not hit reliably."""


@pytest.mark.ci
@pytest.mark.parametrize("moment", ["open", "rename", "after"])
@pytest.mark.parametrize("which", range(1, 5))
def test_killed_while_saving_the_state_agrees_with_itself(
    two_epochs: TrainPlan,
    data: TrainingSet,
    undisturbed: tuple[TrainResult, CheckpointLayout],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: int,
    moment: str,
) -> None:
    """At any of the writes after an epoch: the state holds the weights of the epoch that its history calls the best."""
    folder = CheckpointLayout(tmp_path / "one")
    writes, real, rename = [], atomic.tempfile.mkstemp, os.replace

    def counting(*args: Any, **kwargs: Any) -> Any:
        writes.append(None)
        if len(writes) == first + which and moment == "open":
            raise _KilledError
        return real(*args, **kwargs)

    def renaming(source: Any, target: Any) -> None:
        if len(writes) == first + which and moment == "rename":
            raise _KilledError
        rename(source, target)
        if len(writes) == first + which and moment == "after":
            raise _KilledError

    first = 10**6
    monkeypatch.setattr(atomic.tempfile, "mkstemp", counting)
    monkeypatch.setattr(atomic.os, "replace", renaming)

    def from_epoch_one(event: Event) -> None:
        nonlocal first
        if isinstance(event, Metric) and event.name == "train_loss" and event.epoch == 1:
            first = len(writes)  # the next write is the first one of the epoch's end

    with pytest.raises(_KilledError):
        train(two_epochs, data, folder, on_event=from_epoch_one)
    monkeypatch.undo()
    state = load_resume_state(folder.resume_state)
    assert state["step"] in (STEPS - 1, STEPS)
    assert len(state["history"]) == state["step"] // STEPS
    assert bool(state["best_weights"]) == bool(state["history"])
    resumed = CheckpointLayout(tmp_path / "two")
    assert_equal(train(two_epochs, data, resumed, resume_from=folder), resumed, undisturbed)


def test_a_full_disk_is_told_and_the_checkpoint_before_stays(
    plan: TrainPlan, data: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write fails as on a full disk; what was there goes on, and nothing half-made lies about."""
    folder = CheckpointLayout(tmp_path / "one")

    def fill_the_disk() -> None:
        if load_resume_state(folder.resume_state)["step"] == 6:
            monkeypatch.setattr(atomic.os, "fsync", _no_room)

    with pytest.raises(StorageFull):
        train(plan, data, folder, on_checkpoint=fill_the_disk)
    monkeypatch.undo()
    assert load_resume_state(folder.resume_state)["step"] == 6
    assert not [p for p in folder.root.iterdir() if p.name.startswith(".")]


def _no_room(descriptor: int) -> None:
    raise OSError(28, os.strerror(28))


def test_a_full_disk_keeps_nobody_from_stopping(
    plan: TrainPlan, data: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled training ends as cancelled, and a warning says that its last steps are lost."""
    folder, token, said = CheckpointLayout(tmp_path / "one"), CancelToken(), []

    def stop(event: Event) -> None:
        said.append(getattr(event, "text", ""))
        if isinstance(event, Progress) and not token.cancelled:
            token.cancel()
            monkeypatch.setattr(atomic.os, "fsync", _no_room)

    with pytest.raises(Cancelled):
        train(plan, data, folder, cancel=token, on_event=stop)
    assert any("The disk is full" in text and "checkpoint before is kept" in text for text in said)


def test_a_store_that_does_not_answer_ends_no_training(two_epochs: TrainPlan, data: TrainingSet, tmp_path: Path) -> None:
    """What cannot be copied now is copied with the next checkpoint; a person is told."""
    said: list[str] = []

    def fail() -> None:
        raise StorageUnreachable("s3://bucket does not answer.")

    result = train(
        two_epochs, data, CheckpointLayout(tmp_path / "one"), on_checkpoint=fail, on_event=lambda e: said.append(getattr(e, "text", ""))
    )
    assert len(result.history) == 2
    assert any("s3://bucket does not answer" in text for text in said)


def test_patience_goes_on_across_a_break(plan: TrainPlan, data: TrainingSet, tmp_path: Path) -> None:
    """A training that no epoch improves stops after as many epochs whether it was broken off or not, and stays stopped."""
    config = plan.config.model_copy(update={"patience": 2, "learning_rate": 1e-9})  # nothing is learned: the first epoch stays the best
    still = plan.model_copy(update={"config": config})
    one, two, three = (CheckpointLayout(tmp_path / name) for name in ("one", "two", "three"))
    whole = train(still, data, one)
    assert (len(whole.history), whole.stopped) == (whole.best_epoch + 2, "patience")
    token = CancelToken()
    with pytest.raises(Cancelled):
        train(still, data, two, cancel=token, on_checkpoint=cancel_at(9, token))
    assert_equal(train(still, data, three, resume_from=two), three, (whole, one))
    assert without_time(train(still, data, two, resume_from=three).history) == without_time(whole.history)


def test_a_training_with_other_settings_is_not_gone_on_with(
    plan: TrainPlan, data: TrainingSet, whole: tuple[TrainResult, CheckpointLayout], tmp_path: Path
) -> None:
    """The result would be neither's; where it is computed and how often it is kept may differ."""
    free = plan.model_copy(update={"config": plan.config.model_copy(update={"checkpoint_every_s": 9.0, "workers": 1})})
    assert train(free, data, CheckpointLayout(tmp_path / "free"), resume_from=whole[1]).best_epoch == whole[0].best_epoch
    other = plan.model_copy(update={"config": plan.config.model_copy(update={"batch_size": 4})})
    with pytest.raises(InvalidInput, match="batch_size 2, not 4"):
        train(other, data, CheckpointLayout(tmp_path / "other"), resume_from=whole[1])


def test_the_history_is_a_table(whole: tuple[TrainResult, CheckpointLayout]) -> None:
    """One line an epoch, the classes' scores in columns of their own."""
    lines = whole[1].history.read_text().splitlines()
    assert len(lines) == 1 + len(whole[0].history)
    assert {"epoch", "train_loss", "val_loss", "score", "dice:disc", "iou:background"} <= set(lines[0].split(","))


def test_the_best_weights_are_those_of_the_best_epoch(whole: tuple[TrainResult, CheckpointLayout]) -> None:
    """The file for people and the state for programs agree."""
    assert_same(load_weights(whole[1].best_weights), load_resume_state(whole[1].resume_state)["best_weights"])
    assert json.loads(json.dumps(whole[0].best_epoch)) == max(whole[0].history, key=lambda e: (e.score or 0, -e.epoch)).epoch


def test_the_rate_warms_up_and_falls(plan: TrainPlan) -> None:
    """It peaks at the asked-for rate and ends near one hundredth of it."""
    rates = [learning_rate(step, plan) for step in range(plan.total_steps)]
    assert max(rates) == plan.config.learning_rate
    assert rates[-1] < 0.05 * plan.config.learning_rate
    peak = rates.index(max(rates))
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
