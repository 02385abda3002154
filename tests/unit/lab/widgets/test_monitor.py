"""The monitor of a training: its model by plain calls, its drawing as text, its thread while the test computes."""

from __future__ import annotations

import gc
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.errors import NotFound
from labkit.events import Log, Metric, Progress
from labkit.project import Project
from labkit.runs import EventWriter, LocalRunner, Run, RunQueue
from labkit.storage import hold_lock
from labkit.testing.runs import submit_cells, wait_until
from labkit_lab.widgets import TrainingMonitor
from labkit_lab.widgets.monitor_drawing import Curve, chart_svg, charts_of
from labkit_lab.widgets.monitor_model import MonitorModel, span


@pytest.fixture(autouse=True)
def _busy_device() -> Iterator[None]:
    """Somebody else computes on the device: all runs wait, and only the test writes their events."""
    queue = RunQueue().layout
    queue.root.mkdir(parents=True)
    with hold_lock(queue.device_lock("cpu", 0), what="the CPU"):
        yield


@pytest.fixture
def run(project: Project) -> Run:
    return submit_cells(LocalRunner(project.layout.runs), "1 + 1")


def _learn(run: Run, steps: int) -> None:
    write = EventWriter(run.layout.events)
    write(Progress(steps, 100, "steps", "training", remaining_s=75))
    for step in range(1, steps + 1):
        write(Metric(1, step, "loss", 1 / step))
    write(Log("Few chips.", "warning"))


def test_the_model_tells_how_far_a_run_is(project: Project, run: Run) -> None:
    """Place, step, time to go and warnings; a second model, as after a restart of the kernel, tells the same."""
    model = MonitorModel(project, run.id)
    assert (model.standing, model.can_cancel, model.can_resume) == ("queued, next", True, False)
    assert not model.look()
    _learn(run, 10)
    assert model.look()
    part, words = model.progress
    assert (part, words[0], words[-1]) == (0.1, "step 10 of 100", "1 min 15 s to go")
    assert MonitorModel(project).story == model.story  # the newest run
    model.cancel()
    assert (model.standing, model.can_cancel) == ("cancelled", False)


def test_a_run_that_is_not_there(project: Project) -> None:
    """Neither by an id, nor as the newest of none."""
    for run_id in ("abcdefghijkl", None):
        with pytest.raises(NotFound):
            MonitorModel(project, run_id)


def test_the_notebook_is_found_in_the_server_of_the_kernel(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address is that of JupyterLab's page; without a server, or outside of what it shows, there is none."""
    model = MonitorModel(project, run.id)
    run.layout.notebook.write_text("{}")
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert model.notebook_url() is None
    monkeypatch.setenv("JPY_PARENT_PID", "77")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    server = tmp_path / "jpserver-77.json"
    server.write_text(json.dumps({"base_url": "/user/ada/", "root_dir": str(tmp_path)}))
    assert model.notebook_url() == f"/user/ada/lab/tree/projects/cells/runs/{run.id}/output.ipynb"
    server.write_text(json.dumps({"base_url": "/", "root_dir": str(tmp_path / "elsewhere")}))
    assert model.notebook_url() is None


def test_the_widget_shows_news_while_a_cell_computes(project: Project, run: Run) -> None:
    """Its thread looks while this one waits; cancelled by its button it stops to look by itself."""
    monitor = TrainingMonitor(project, run.id)
    assert "queued, next" in monitor._state.value
    _learn(run, 10)
    wait_until(lambda: "step 10 of 100" in monitor._words.value)
    wait_until(lambda: "Loss" in monitor._curves.value)
    wait_until(lambda: "Few chips." in monitor._reason.value)  # its events were written one after another
    run.layout.checkpoints.root.mkdir(exist_ok=True)
    run.layout.checkpoints.samples.write_bytes(b"png")
    _learn(run, 11)
    wait_until(lambda: b64encode(b"png").decode() in monitor._samples.value)
    monitor._cancel.click()
    assert "cancelled" in monitor._state.value
    wait_until(lambda: not monitor.is_watching)
    monitor._resume.disabled = False
    monitor._resume.click()  # it has no checkpoint: said, not raised
    assert "role='alert'" in monitor._reason.value


def test_a_closed_or_forgotten_monitor_stops_to_look(project: Project, run: Run) -> None:
    """Its thread ends; the run is left alone."""

    def threads() -> int:
        return sum(thread.name == "labkit-monitor" for thread in threading.enumerate())

    wait_until(lambda: threads() == 0)  # that of the test before may be about to end
    monitor = TrainingMonitor(project, run.id)
    assert threads() == 1
    monitor.close()
    wait_until(lambda: threads() == 0)
    del monitor
    gc.collect()
    assert run.state == "queued"


def test_curves_are_drawn_with_their_values() -> None:
    """Each kind of metric has a chart; its name and legend tell the last values; what is no number is left out."""
    curves = {"loss": [(1, 1, 2.0), (1, 2, float("nan")), (1, 3, 0.5)], "val_dice": [(1, 3, 0.75)], "own_metric": [(1, 3, 7.0)]}
    loss, score, own = charts_of(curves)
    assert 'aria-label="Loss: loss 0.5"' in loss
    assert 'aria-label="Score: val dice 0.75"' in score
    assert "own metric" in own
    assert "nan" not in loss


def test_a_logarithmic_axis_has_powers_of_ten() -> None:
    """And leaves out what is not above zero; nothing to draw is no chart."""
    chart = chart_svg("Loss", [Curve("loss", ((1, 0.0), (2, 10.0), (3, 0.001)))], is_log=True)
    assert all(f">{tick}</text>" in chart for tick in ("0.001", "0.01", "0.1", "1", "10"))
    assert chart_svg("Loss", [Curve("loss", ((1, 0.0),))], is_log=True) == ""


def test_names_cannot_become_markup() -> None:
    """A metric's name is text."""
    (chart,) = charts_of({"<script>": [(1, 1, 1.0)]})
    assert "<script>" not in chart


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_spans_of_time(seconds: float, words: str) -> None:
    """Seconds, minutes and hours as people say them."""
    assert span(seconds) == words
