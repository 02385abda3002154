"""The story of a run: what panels show, from its events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from labkit.events import Artefact, Event, Log, Metric, Progress, StateChange
from labkit.runs import Curve, CurvePoint, EventWriter, Run, RunEvent, RunRecord, RunSpec, run_story
from labkit.runs.stream import read_events
from labkit.storage import RunLayout, save_record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def make_run(folder: Path, state: str = "queued", **fields: object) -> Run:
    spec = RunSpec(**{"kind": "train", "notebook": folder / "a.ipynb", "config": {"epochs": 3}, "resume_field": "resume_from", **fields})
    layout = RunLayout(folder / spec.id)
    layout.root.mkdir()
    save_record(layout.spec, spec)
    if state != "queued":
        save_record(layout.record, RunRecord.queued(spec).model_copy(update={"state": state, "ended": spec.created}))
    return Run(layout)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has ended, with no events yet."""
    return make_run(tmp_path, "cancelled")


def write(run: Run, *events: Event) -> None:
    writer = EventWriter(run.layout.events)
    for event in events:
        writer.append(event)


def epoch(number: int, steps: int = 4) -> list[Event]:
    """Return the events of one epoch of a training."""
    done = number * steps
    losses = [Metric(number, done - steps + k + 1, "loss", 1.0 / (done + k)) for k in range(steps)]
    return [*losses, Metric(number, done, "train_loss", 0.5 / number), Metric(number, done, "val_dice", 0.8)]


def test_what_is_told(run: Run) -> None:
    """Epoch, step, curves, the samples picture, warnings and log lines follow from the events."""
    shown = [
        Progress(8, 12, "steps", "training", 7.5),
        Artefact("samples", "checkpoints/samples.png"),
        Log("careful", "warning"),
        Log("hm"),
    ]
    write(run, StateChange("running"), *epoch(1), *epoch(2), *shown)
    story = run_story(run)
    assert (story.epoch, story.epochs, story.step, story.steps, story.stage) == (2, 3, 8, 12, "training")
    assert [point.value for point in story.curves["train_loss"].points] == [0.5, 0.25]
    assert story.samples == "checkpoints/samples.png"
    assert (story.warnings, story.log_lines) == (("careful",), ("careful", "hm"))
    assert (story.state, story.seq, story.place) == ("cancelled", 17, None)


def test_it_is_told_on(run: Run) -> None:
    """Reading on gives what reading at once gives, and reads only what is new."""
    write(run, *epoch(1))
    first = run_story(run)
    write(run, *epoch(2), Progress(8, 12, "steps", "training"))
    on, whole = run_story(run, first), run_story(run)
    assert on.as_record() == whole.as_record()
    assert first.offset < on.offset == run.layout.events.stat().st_size
    text = run.layout.events.read_bytes()
    run.layout.events.write_bytes(b"#" * len(text))  # what was read before is not looked at again
    write_on = run_story(run, on)
    assert write_on.as_record() == on.as_record()


def test_what_is_there_twice_counts_once(run: Run) -> None:
    """Events that the story has already change nothing."""
    write(run, *epoch(1))
    story = run_story(run)
    events, _ = read_events(run.layout.events)
    assert story.update(events) is story


def test_a_line_that_is_being_written_waits(run: Run) -> None:
    """An unfinished line is read when it is finished."""
    write(run, Log("one"))
    story = run_story(run)
    line = json.dumps({"seq": 2, "time": BEGIN.isoformat(), "type": "log", "text": "two"})
    with open(run.layout.events, "a") as file:
        file.write(line[:20])
        file.flush()
        story = run_story(run, story)
        assert story.log_lines == ("one",)
        file.write(line[20:] + "\n")
        file.flush()
        assert run_story(run, story).log_lines == ("one", "two")


def test_rate_and_time_left(tmp_path: Path) -> None:
    """The rate is that of the last half minute, and what is left follows from it; another stage begins anew."""
    story = run_story(make_run(tmp_path))

    def progress(seq: int, at_s: float, done: float, stage: str = "training") -> RunEvent:
        return RunEvent(seq, BEGIN + timedelta(seconds=at_s), Progress(done, 1000, "steps", stage))

    slow = [progress(k + 1, k, k) for k in range(100)]
    fast = [progress(101 + k, 100 + k, 100 + 10 * k) for k in range(60)]
    story = story.update(slow).update(fast)
    assert story.rate_per_s == pytest.approx(10)
    assert story.remaining_s == pytest.approx((1000 - 690) / 10)
    story = story.update([progress(161, 161, 1, "testing")])
    assert (story.rate_per_s, story.remaining_s, story.stage) == (None, None, "testing")


def test_a_hundred_thousand_events(run: Run) -> None:
    """The curves stay small, keep first and newest point, and are even; what comes next is read alone."""
    lines = [
        {"seq": k, "time": BEGIN.isoformat(), "type": "metric", "epoch": 1 + k // 1000, "step": k, "name": "loss", "value": 1 / k}
        for k in range(1, 100_001)
    ]
    run.layout.events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    story = run_story(run)
    steps = [point.step for point in story.curves["loss"].points]
    assert (steps[0], steps[-1]) == (1, 100_000)
    assert 400 < len(steps) <= 1001
    assert len({b - a for a, b in pairwise(steps[:-1])}) == 1
    write(run, Metric(101, 100_001, "loss", 0.0))
    assert run_story(run, story).curves["loss"].points[-1] == CurvePoint(101, 100_001, 0.0)


def test_a_curve_that_grows_in_pieces_is_the_same() -> None:
    """How often a curve was looked at does not change it."""
    points = [CurvePoint(1, k, float(k)) for k in range(5000)]
    pieces = Curve()
    for k in range(0, 5000, 7):
        pieces = pieces.extended(points[k : k + 7])
    assert pieces == Curve().extended(points)


def test_a_resumed_run_begins_with_the_curves_before_it(tmp_path: Path) -> None:
    """Its curves are those of the run that it goes on from, up to the step at which it went on, over several runs."""
    first = make_run(tmp_path, "lost")
    write(first, *epoch(1), Metric(2, 5, "loss", 9.0), Metric(2, 6, "loss", 9.0))
    second = make_run(tmp_path, "cancelled", config={"epochs": 3, "resume_from": first.id})
    assert [p.step for p in run_story(second).curves["loss"].points] == [1, 2, 3, 4, 5, 6]
    write(second, *epoch(2))
    third = make_run(tmp_path, "done", config={"epochs": 3, "resume_from": second.id})
    write(third, *epoch(3))
    story = run_story(third)
    assert [p.step for p in story.curves["loss"].points] == list(range(1, 13))
    assert [p.value for p in story.curves["train_loss"].points] == [0.5, 0.25, 0.5 / 3]
    assert 9.0 not in [p.value for p in story.curves["loss"].points]


@pytest.mark.parametrize(
    ("state", "has_checkpoint", "can"), [("cancelled", True, True), ("cancelled", False, False), ("done", True, False)]
)
def test_whether_it_can_go_on(tmp_path: Path, state: str, has_checkpoint: bool, can: bool) -> None:
    """A run that has ended without its result can go on where there is a checkpoint."""
    run = make_run(tmp_path, state)
    if has_checkpoint:
        run.layout.checkpoints.root.mkdir()
        run.layout.checkpoints.resume_state.touch()
    assert run_story(run).can_resume is can


def test_as_json(run: Run) -> None:
    """The story is plain JSON, curves as lists of numbers."""
    write(run, *epoch(1), Artefact("samples", "checkpoints/samples.png"))
    record = json.loads(json.dumps(run_story(run).as_record()))
    assert record["curves"]["val_dice"] == [[1, 4, 0.8]]
    assert record["artefacts"] == {"samples": "checkpoints/samples.png"}
    assert record["created"].endswith("+00:00")
    assert not {"offset", "window", "is_inherited"} & set(record)
