"""Containers of kernels, where Docker does not always answer: the engine here is told what to say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests

from labkit.courses.grading import ContainerShape, SlotVolume, containers, places
from labkit.courses.grading.containers import Container, Engine
from labkit.courses.grading.labels import BATCH_LABEL, RUN_LABEL
from labkit.courses.grading.places import make_slots
from labkit.courses.grading.provisioners import ContainerProvisioner
from labkit.courses.records import Limits
from labkit.errors import WorkerLost


class _Docker:
    """Answers with the next of what it was given for a call; an exception is raised."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **_: Any) -> Any:
            self.calls.append((name, given))
            answers = self.answers[name]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_ASK_EVERY_S", 0.001)
    monkeypatch.setattr(containers, "_REMOVE_S", 0.3)


def _engine(**answers: list[Any]) -> Engine:
    engine = Engine.__new__(Engine)
    engine.shape, engine.batch, engine._errors, engine.not_found = ContainerShape(image="x"), "b", docker.errors, docker.errors.NotFound
    engine.api = _Docker(**answers)
    return engine


def _state(**state: Any) -> dict[str, Any]:
    return {"State": {"Running": False, "OOMKilled": False, "ExitCode": 0} | state}


def _waited(**answers: list[Any]) -> Container:
    container = Container(_engine(**answers), "id", "name")
    container._wait()
    return container


def test_wait_that_is_cut_short_is_not_the_end() -> None:
    """A proxy's patience ends, and the container runs on: it is waited for again."""
    container = _waited(wait=[OSError("cut"), {"StatusCode": 3}], inspect_container=[OSError("away"), _state(Running=True)])
    assert (container.exit_code, container.lost) == (3, False)
    assert [name for name, _ in container.engine.api.calls] == ["wait", "inspect_container", "inspect_container", "wait"]


@pytest.mark.parametrize(
    ("found", "lost"),
    [
        (_state(ExitCode=137), True),
        (_state(ExitCode=137, OOMKilled=True), False),
        (_state(ExitCode=1), False),
        (docker.errors.NotFound("gone"), True),
    ],
)
def test_end_that_came_while_nobody_listened(found: Any, lost: bool) -> None:
    """Killed by an engine that went away is no fault of the submission's; out of memory, or ended by itself, is."""
    container = _waited(wait=[OSError("cut")], inspect_container=[found])
    assert container.exit_code is not None
    assert container.lost is lost


def test_container_that_we_remove_is_not_lost() -> None:
    """Its end is ours."""
    container = Container(_engine(wait=[docker.errors.NotFound("gone")], remove_container=[None]), "id", "name")
    container.remove()
    container._wait()
    assert (container.exit_code, container.lost) == (-1, False)


def test_removal_is_tried_again_and_its_failure_is_said() -> None:
    """An engine that restarts takes longer than a moment."""
    busy = docker.errors.APIError("removal is already in progress")
    assert _engine(remove_container=[*[busy] * 1, docker.errors.NotFound("gone")]).remove("id")
    assert not _engine(remove_container=[busy], inspect_container=[_state(Running=True)]).remove("id", 0.1)
    assert _engine(remove_container=[busy], inspect_container=[_state(Running=False)]).remove("id", 0.1)
    assert not _engine(containers=[OSError("away")]).sweep("task")


def test_containers_of_killed_batches_are_swept(tmp_path: Path) -> None:
    """On a slot of ours, whosever they are; on any other whose batch does not live any more; and those whose time is over."""
    shape = _volumes(tmp_path, 4)
    mine = make_slots(shape.model_copy(update={"slots": shape.slots[:1]}), 1, tmp_path)
    theirs = make_slots(shape.model_copy(update={"slots": shape.slots[1:2]}), 1, tmp_path)
    rows = [
        {"Id": "ours", "Labels": {BATCH_LABEL: "b"}, "Mounts": [{"Name": "slot-0"}]},
        {"Id": "left", "Labels": {BATCH_LABEL: "other"}, "Mounts": [{"Name": "slot-0"}]},
        {"Id": "theirs", "Labels": {BATCH_LABEL: "other"}, "Mounts": [{"Name": "slot-1"}]},
        {"Id": "killed", "Labels": {BATCH_LABEL: "other"}, "Mounts": [{"Name": "slot-2"}]},
        {"Id": "unknown", "Labels": {BATCH_LABEL: "other"}, "Mounts": [{"Name": "slot-9"}]},
        {"Id": "old", "Labels": {BATCH_LABEL: "other", "labkit.grading.until": "7"}, "Mounts": []},
    ]
    engine = _engine(containers=[rows], remove_container=[None])
    engine.shape = shape
    assert engine.sweep_left([slot.source for slot in mine])
    assert {given for name, given in engine.api.calls if name == "remove_container"} == {("left",), ("killed",), ("old",)}
    assert theirs


def test_container_that_was_being_made_when_its_batch_ended_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It appears a moment after all that were there are gone."""
    monkeypatch.setattr(containers, "_BETWEEN_LOOKS_S", 0.0)
    engine = _engine(containers=[[{"Id": "one"}, {"Id": "two"}], [{"Id": "late"}], []], remove_container=[None])
    assert engine.sweep_to_the_end()
    assert {given for name, given in engine.api.calls if name == "remove_container"} == {("one",), ("two",), ("late",)}


def test_folder_of_a_batch_that_lives_is_in_use(tmp_path: Path) -> None:
    """Slots that are folders are known by their locks, too; what is no slot of ours is let alone."""
    scratch = tmp_path / "lkg-one"
    scratch.mkdir()
    (slot,) = make_slots(ContainerShape(image="x"), 1, scratch)
    other = tmp_path / "somebody's"
    other.mkdir()
    for living in (True, False):
        with places.unused(ContainerShape(image="x"), [slot.source, str(other), str(tmp_path / "lkg-one" / "gone")]) as abandoned:
            assert abandoned == (frozenset() if living else {slot.source})
        if living:
            os.close(slot.lock)


def test_engine_that_stops_in_order_is_not_taken_for_the_submission() -> None:
    """It ends containers by the very signals that a program can send itself: only one that goes on afterwards had no part in it."""
    for stays in (False, True):
        engine = _engine(inspect_container=[_state(ExitCode=143)])
        engine.stays = lambda stays=stays: stays  # type: ignore[method-assign]
        container = Container(engine, "id", "name")
        container.exit_code = 143
        assert (container.ran_out_of_memory(), container.lost) == (False, not stays)


def test_engine_is_asked_anew_whether_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a moment: a connection that is open says nothing of an engine that is stopping."""
    monkeypatch.setattr(containers, "_STAYS_S", 0.05)
    monkeypatch.setattr(containers, "_BETWEEN_LOOKS_S", 0.01)
    answers: list[bool] = []
    engine = _engine()
    engine._answers = lambda: answers.pop(0) if len(answers) > 1 else answers[0]  # type: ignore[method-assign]
    answers[:] = [True]
    assert engine.stays()
    answers[:] = [True, True, False]
    assert not engine.stays()


def test_run_at_the_hub_is_written_on_its_containers(tmp_path: Path) -> None:
    """So that the server of the run, and the hub, know them."""
    given: dict[str, Any] = {}
    engine = _engine(create_host_config=[{}], start=[None], wait=[{"StatusCode": 0}])
    engine.shape = ContainerShape(image="x", run="grading12345")
    create = lambda *_, **more: given.update(more) or {"Id": "id"}  # noqa: E731
    engine.api.create_container = create
    engine.start([], places.Slot(tmp_path, "/slot"), Limits(), task="t", image="x", environment={})
    assert given["labels"][RUN_LABEL] == "grading12345"


@pytest.mark.parametrize(("answer", "away"), [(OSError(), True), (docker.errors.APIError("no such image"), False)])
def test_engine_that_is_away_is_told_from_one_that_refuses(answer: Exception, away: bool, tmp_path: Path) -> None:
    """Only the first is worth waiting for."""
    if isinstance(answer, docker.errors.APIError):
        answer.response = requests.Response()
        answer.response.status_code = 404
    engine = _engine(create_host_config=[{}], create_container=[answer], remove_container=[None])
    with pytest.raises(WorkerLost) as caught:
        engine.start([], places.Slot(tmp_path, "/slot"), Limits(), task="t", image="x", environment={})
    assert caught.value.facts["away"] is away


def _volumes(folder: Path, number: int) -> ContainerShape:
    volumes = [SlotVolume(volume=f"slot-{k}", path=folder / str(k)) for k in range(number)]
    for volume in volumes:
        volume.path.mkdir(exist_ok=True)
    return ContainerShape(image="x", slots=tuple(volumes))


def test_slots_are_as_many_as_workers_and_no_other_batch_gets_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two batches share, each would empty for the other, and students of one could read hidden tests of the other."""
    shape = _volumes(tmp_path, 4)
    monkeypatch.setattr(places, "_FREE_S", 0.1)
    first = make_slots(shape, 2, tmp_path, with_scorer=True)
    assert [slot.source for slot in first] == ["slot-0", "slot-1", "slot-2"]
    with pytest.raises(WorkerLost, match="2 free slots are needed, and 1 of 4"):
        make_slots(shape, 2, tmp_path, with_scorer=True)


def test_container_that_nobody_ends_does_not_compute_for_ever(tmp_path: Path) -> None:
    """The system itself ends its programs when they have used what a submission may, and a minute more."""
    limits = Limits(submission_s=100, cpu=2)
    found = containers.hardened(ContainerShape(image="x"), places.Slot(tmp_path, "/slot"), limits)["ulimits"]
    assert {"Name": "cpu", "Soft": 260, "Hard": 260} in found


def test_kernel_whose_container_stays_is_not_thought_ended(tmp_path: Path) -> None:
    """The worker would write into a folder that the kernel can change meanwhile."""
    made = ContainerProvisioner(kernel_id="k", kernel_spec=None, parent=None)
    made.container = Container(_engine(remove_container=[OSError("away")], inspect_container=[OSError("away")]), "id", "name")
    with pytest.raises(WorkerLost, match="cannot be removed"):
        made.end()
    assert made.exit_code is None
