"""The foreman's slots: who gets one, and when."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labkit.courses.grading import ProcessShape
from labkit.courses.grading import foreman as foreman_module
from labkit.courses.grading.foreman import Foreman, _Child
from labkit.courses.grading.order import Order, OrderTask
from labkit.courses.grading.places import Slot
from labkit.courses.grading.scorer import SCORE_FAULT, SCORE_SOCKET
from labkit.courses.records import Limits
from labkit.errors import WorkerLost


@pytest.fixture
def foreman(tmp_path: Path) -> Foreman:
    """One without work."""
    return Foreman(Order(batch="b", shape=ProcessShape(), sources={}, out=tmp_path, scratch=tmp_path, workers=1))


def _sweeps(*answers: bool) -> Any:
    given = list(answers)
    return SimpleNamespace(sweep=lambda task=None: given.pop(0))


def test_slot_is_not_for_the_next_while_a_container_of_the_last_runs(foreman: Foreman) -> None:
    """It could read the next submission, and write into it; the slot is free, and empty, when it is gone."""
    slot = foreman.slots.pop()
    (slot.root / "left").write_text("theirs")
    foreman.engine = _sweeps(False, False, True)
    foreman._free(_Child(OrderTask(id="one", folder=slot.root, version=1), slot, 0.0))
    foreman._look_after()
    assert (foreman.slots, (slot.root / "left").exists()) == ([], True)
    foreman._look_after()
    assert (foreman.slots, foreman.blocked, list(slot.root.iterdir())) == ([slot], [], [])


def test_container_that_stays_for_good_ends_the_foreman(foreman: Foreman) -> None:
    """Its batch begins anew, with what Docker then has."""
    slot = Slot(foreman.slots[0].root, "")
    foreman.blocked.append(_Child(OrderTask(id="one", folder=slot.root, version=1), slot, time.monotonic() - 1))
    with pytest.raises(WorkerLost, match="cannot be removed"):
        foreman._look_after()


@pytest.mark.parametrize(("free", "words"), [(300_000_000, None), (200_000_000, "Only 200 MB are free .* and 256 MB are needed")])
def test_full_disk_is_the_batchs_matter_where_it_is_full_without_the_submission(
    foreman: Foreman, monkeypatch: pytest.MonkeyPatch, free: int, words: str | None
) -> None:
    """Its worker found no room: what it has written is removed, and only then looked."""
    usage = SimpleNamespace(total=10**12, used=0, free=free)
    monkeypatch.setattr("labkit.courses.grading.room.shutil", SimpleNamespace(disk_usage=lambda _: usage))
    foreman.assignments = {1: SimpleNamespace(sheet=SimpleNamespace(limits=Limits()))}  # type: ignore[dict-item]
    short = foreman._shortage(_Child(OrderTask(id="one", folder=Path("/x"), version=1), foreman.slots[0], 0.0))
    assert (short is None) if words is None else re.match(words, str(short))


@pytest.fixture
def scored(foreman: Foreman, monkeypatch: pytest.MonkeyPatch) -> Foreman:
    """A foreman whose scorer ends as soon as it was started."""
    monkeypatch.setattr(foreman_module, "_SCORER_EVERY_S", -1.0)
    foreman.assignments = {1: SimpleNamespace(sheet=SimpleNamespace(limits=Limits()))}  # type: ignore[dict-item]
    foreman.scorer_slot = foreman.slots[0]
    foreman.scorer_started = time.monotonic()
    monkeypatch.setattr(foreman, "_start_scorer", lambda: None)
    return foreman


def test_checks_that_cannot_be_loaded_end_the_batch_with_words(scored: Foreman) -> None:
    """After three starts, and not after each submission has waited for minutes, twice."""
    assert scored.scorer_slot is not None
    (scored.scorer_slot.root / SCORE_FAULT).write_text("ModuleNotFoundError: No module named 'torch'")
    scored._look_after()
    scored._look_after()
    with pytest.raises(WorkerLost, match="No module named 'torch'") as found:
        scored._look_after()
    assert found.value.facts["told"]


def test_scorer_that_could_be_asked_is_started_again_and_again(scored: Foreman) -> None:
    """What ended it was a submission's, or the machine's."""
    assert scored.scorer_slot is not None
    (scored.scorer_slot.root / SCORE_SOCKET).touch()
    for _ in range(5):
        scored._look_after()
    assert scored.scorer_faults == 1


def test_checks_that_load_for_ever_end_the_batch(scored: Foreman) -> None:
    """A module of the author's that waits for something."""
    scored.scorer_pid, scored.scorer_started = os.getpid(), time.monotonic() - 181
    with pytest.raises(WorkerLost, match="not loaded in 180 s"):
        scored._look_after()


def test_checks_of_one_submission_take_nothing_from_those_of_another(foreman: Foreman, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many are scored at a time as there are workers, each with the memory and the core that its checks may use."""
    held = list[Limits]()
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    shape = SimpleNamespace(image="kernels", scorer_image="")
    foreman.engine = cast("Any", SimpleNamespace(shape=shape, start=lambda _command, _slot, limits, **_: held.append(limits)))
    foreman.order = foreman.order.model_copy(update={"workers": 3})
    foreman.assignments = {1: SimpleNamespace(sheet=SimpleNamespace(limits=Limits(check_memory_mb=1000)))}  # type: ignore[dict-item]
    foreman.scorer_slot = foreman.slots[0]
    foreman._start_scorer()
    assert (held[0].memory_mb, held[0].cpu) == (5100, 2)


def test_tasks_come_in_whatever_pieces_the_pipe_makes(foreman: Foreman) -> None:
    """An empty line follows the last, and nothing that comes after it counts."""
    lines = "".join(OrderTask(id=name, folder=Path("/x"), version=1).model_dump_json() + "\n" for name in ("a", "b")) + "\n"
    for piece in (lines[:10], lines[10:-3], lines[-3:] + '{"id": "c"}\n'):
        assert foreman.hears_more
        foreman.hear(piece.encode())
    assert ([task.id for task in foreman.waiting], foreman.hears_more) == (["a", "b"], False)
