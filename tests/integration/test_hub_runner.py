"""Runs that a hub carries out, against a stand-in for its service that starts real servers of runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.client import HubClient, HubRunner, HubView, ProjectRunner
from labkit.client.wire import NewHubRun
from labkit.errors import HubUnreachable, InvalidInput
from labkit.runs import LocalRunner, Run, RunQueue, RunRecord, run_story
from labkit.storage import RunLayout, hold_lock, save_record
from labkit.testing.hub_service import TOKEN, StandInService, hub_service
from labkit.testing.runner_contract import RunnerContract
from labkit.testing.runs import WRITE_RESULT, cells_spec, programs_of, wait_until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's home, which the servers of runs see too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def service(home: Path) -> Iterator[StandInService]:
    """The stand-in, with a free device."""
    with hub_service(home) as running:
        yield running


@pytest.fixture
def runner(home: Path, service: StandInService) -> HubRunner:
    """A runner of a project in the home."""
    return HubRunner(home / "cells" / "runs", HubView(HubClient(service.address, patience_s=1.0), fresh_s=0.05))


class TestHubRunner(RunnerContract):
    """The hub's runner does what every runner does."""

    @pytest.fixture
    def busy_runner(self, runner: HubRunner, service: StandInService) -> HubRunner:
        """The runner while the device is somebody else's."""
        service.is_taken = True
        return runner


def _submit(runner: HubRunner, *cells: str, **fields: Any) -> Run:
    return runner.submit(cells_spec(runner.folder.parent.parent, *cells, **fields))


def test_everything_that_reads_runs_sees_one_of_the_hub(
    runner: HubRunner, service: StandInService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder tells the same story as that of any other run, the hub tells device and progress, and no local queue knows it."""
    monkeypatch.setenv("LABKIT_SERVICE_URL", service.url)
    monkeypatch.setenv("LABKIT_HUB_TOKEN", TOKEN)
    run = _submit(runner, WRITE_RESULT, course="cells", time_limit_s=600.0)
    assert run.wait(timeout_s=120).state == "done"
    wait_until(lambda: service.item(run.id).has_ended)
    item = service.item(run.id)
    assert (item.state, item.course, item.time_limit_s, item.path) == ("done", "cells", 600.0, "cells/runs")
    seen = ProjectRunner(runner.folder).run(run.id)
    assert (seen.shown_device, seen.state, seen.spec.where) == ("fake-0", "done", "hub")
    assert run_story(LocalRunner(runner.folder).run(run.id)).state == "done"
    assert RunQueue().is_empty()
    assert "running" in [report.state for _, report in service.reports]


def test_a_cancel_ends_what_computes(runner: HubRunner, service: StandInService) -> None:
    """The run is ended within the grace, by its own supervisor, nothing of it lives on, and the hub knows."""
    run = _submit(runner, "import time\nwhile True: time.sleep(0.1)")
    wait_until(lambda: service.item(run.id).state == "running" and run.layout.notebook.exists())
    run.cancel()
    record = run.wait(timeout_s=60)
    assert (record.state, programs_of(run)) == ("cancelled", [])
    wait_until(lambda: service.servers[run.id].poll() is not None)
    assert service.servers[run.id].returncode == 0
    assert (service.item(run.id).state, service.item(run.id).reason) == ("cancelled", record.reason)


def test_a_cancel_reaches_a_run_while_the_hub_is_away(runner: HubRunner, service: StandInService) -> None:
    """What computes sees it in its folder; what waits is cancelled here, and taken out of the line when the hub is back."""
    going = _submit(runner, "import time\nwhile True: time.sleep(0.1)")
    waiting = _submit(runner, WRITE_RESULT)
    wait_until(lambda: service.item(going.id).state == "running")
    service.is_away = True
    going.cancel()
    waiting.cancel()
    assert (going.wait(timeout_s=60).state, waiting.state) == ("cancelled", "cancelled")
    service.is_away = False
    wait_until(lambda: (runner.sync(), service.item(waiting.id).state)[1] == "cancelled")
    wait_until(lambda: service.item(going.id).state == "cancelled")


def test_a_time_limit_of_the_hub_is_kept(runner: HubRunner, service: StandInService) -> None:
    """The hub may allow less than was asked for: the run hears of it in the answer to its report."""
    service.time_limit_s = 1.0
    run = _submit(runner, "import time\nwhile True: time.sleep(0.1)", time_limit_s=600.0)
    record = run.wait(timeout_s=60)
    assert record.state == "failed"
    assert "Out of time" in record.reason


def test_killed_between_line_and_folder(runner: HubRunner, service: StandInService, tmp_path: Path) -> None:
    """The client dies after the hub has the run: the run fails in words, or, handed in again, goes on as if nothing had been."""
    service.is_taken = True
    spec = cells_spec(tmp_path, WRITE_RESULT)
    spec_file = tmp_path / "spec.json"
    spec_file.write_text(spec.model_dump_json())
    for _ in range(2):
        code = (
            "import os, signal, sys\nfrom pathlib import Path\nfrom labkit.client import HubClient, HubRunner, ServiceAddress\n"
            "from labkit.client.view import HubView\nfrom labkit.runs import RunSpec\n"
            "submit = HubView.submit\n"
            "HubView.submit = lambda *args: (submit(*args), os.kill(os.getpid(), signal.SIGKILL))\n"
            "runner = HubRunner(Path(sys.argv[1]), HubClient(ServiceAddress(*sys.argv[2:4])))\n"
            "runner.submit(RunSpec.model_validate_json(Path(sys.argv[4]).read_text()))"
        )
        done = subprocess.run([sys.executable, "-c", code, runner.folder, service.url, TOKEN, spec_file], check=False)
        assert done.returncode == -signal.SIGKILL
    assert (service.puts, len(service.items()), runner.runs()) == (2, 1, [])
    first, second = runner.folder.iterdir()  # what it had written, under a hidden name
    for path in (first, *first.iterdir()):
        os.utime(path, (0, 0))
    runner.sync()
    assert list(runner.folder.iterdir()) == [second]  # this one may be somebody's who still lives
    run = runner.submit(spec)
    assert (run.place(), len(service.items())) == (0, 1)
    shutil.move(run.layout.root, tmp_path / "aside")
    service.is_taken = False
    service.dispatch()
    wait_until(lambda: service.item(spec.id).has_ended)
    assert service.item(spec.id).state == "failed"
    assert "is not there" in service.item(spec.id).reason


def test_a_killed_server_is_lost_and_taken_up_again(runner: HubRunner, service: StandInService, tmp_path: Path) -> None:
    """Its programs die with it; the run is lost here and there; with a checkpoint it goes on as a new run, at most twice."""
    cell = "import time\nfrom labkit.runs import current_run\nrun = current_run()\nrun.layout.checkpoints.root.mkdir(exist_ok=True)\n"
    cell += "run.layout.checkpoints.resume_state.touch()\nwhile True: time.sleep(0.1)"
    spec = cells_spec(tmp_path, cell, resume_field="resume_from", auto_resume=True, config={"resume_from": None})
    run, chain = runner.submit(spec), []
    for _ in range(3):
        wait_until(lambda run=run: run.layout.checkpoints.resume_state.exists())
        chain.append(run)
        service.servers[run.id].kill()
        wait_until(lambda run=run: not programs_of(run) and service.item(run.id).has_ended)
        wait_until(lambda run=run: (runner.sync(), run.id in runner.view.in_step)[1])
        run = runner.runs()[-1]
    assert [each.state for each in chain] == ["lost"] * 3
    assert [each.id for each in runner.runs()] == [each.id for each in chain]
    assert [each.spec.config["resume_from"] for each in chain] == [None, chain[0].id, chain[1].id]
    assert [each.spec.attempt for each in chain] == [1, 2, 3]


@pytest.mark.parametrize("state", ["waiting", "lost"])
def test_a_run_that_the_hub_does_not_count_any_more_ends(runner: HubRunner, service: StandInService, state: str) -> None:
    """Its device may be another's: it stops, it is lost and not cancelled, and nothing of it lives on."""
    run = _submit(runner, "import time\nwhile True: time.sleep(0.1)")
    wait_until(lambda: service.item(run.id).state == "running" and run.layout.notebook.exists())
    service.is_taken = True
    service.put_back(run.id) if state == "waiting" else service.end(run.id, "lost", "It stopped before it answered.")
    record = run.wait(timeout_s=60)
    assert (record.state, programs_of(run)) == ("lost", [])
    assert "did not count" in record.reason
    assert not run.layout.cancel_request.exists()
    wait_until(lambda: service.servers[run.id].poll() == 0)


def test_a_server_started_anew_carries_no_run_out_twice(runner: HubRunner, service: StandInService, tmp_path: Path) -> None:
    """Whoever starts the server of a run once more gets the end that it had, and of one that was killed that it is lost."""
    run = _submit(runner, WRITE_RESULT)
    run.wait(timeout_s=120)
    before = run.layout.notebook.read_bytes()
    wait_until(lambda: service.servers[run.id].poll() == 0)
    count = len(service.reports)
    assert service.serve(run.id, "cells/runs").wait(timeout=60) == 0
    assert [report.state for _, report in service.reports[count:]] == ["done"]
    assert run.layout.notebook.read_bytes() == before
    lost = runner.folder / "abcdefghijkl"
    shutil.copytree(run.layout.root, lost)
    spec = run.spec.model_copy(update={"id": "abcdefghijkl"})
    save_record(RunLayout(lost).spec, spec)
    save_record(RunLayout(lost).record, RunRecord.queued(spec).model_copy(update={"state": "running"}))
    service.put("abcdefghijkl", NewHubRun(kind="test", path="cells/runs"))
    wait_until(lambda: service.item("abcdefghijkl").has_ended)
    assert service.item("abcdefghijkl").state == "lost"


def test_the_report_of_the_end_waits_for_the_service(runner: HubRunner, service: StandInService) -> None:
    """A service that is away delays no run; when it is back, it learns how the run ended, from the run's own server."""
    run = _submit(runner, "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)", WRITE_RESULT)
    wait_until(lambda: service.item(run.id).state == "running")
    service.is_away = True
    (run.layout.root / "go").touch()
    assert Run.record(run).has_ended or Run(run.layout).wait(timeout_s=60).state == "done"
    assert service.servers[run.id].poll() is None
    assert service.item(run.id).state == "running"
    service.is_away = False
    wait_until(lambda: service.item(run.id).state == "done")
    wait_until(lambda: service.servers[run.id].poll() == 0)


def test_the_hub_learns_from_the_folder_how_a_run_ended_that_it_calls_lost(runner: HubRunner, service: StandInService) -> None:
    """The service was away for longer than the run's server waits; whoever looks next tells it, once, and nothing is taken up again."""
    run = _submit(runner, WRITE_RESULT)
    run.wait(timeout_s=120)
    wait_until(lambda: service.servers[run.id].poll() == 0)
    service.end(run.id, "lost", "Its server stopped before it could say how the run ended.")
    service.is_away = True
    runner.sync()
    service.is_away, count = False, len(service.reports)
    wait_until(lambda: (runner.sync(), run.id in runner.view.in_step)[1])
    runner.sync()
    assert [(name, report.state) for name, report in service.reports[count:]] == [(run.id, "done")]
    assert (service.item(run.id).state, len(runner.runs())) == ("done", 1)


@pytest.mark.parametrize(("state", "here"), [("failed", "failed"), ("lost", "lost"), ("cancelled", "cancelled")])
def test_what_ends_at_the_hub_alone_is_settled(runner: HubRunner, service: StandInService, state: str, here: str) -> None:
    """A run whose server never came: the folder says what the hub says, once and for all."""
    service.is_taken = True
    run = _submit(runner, WRITE_RESULT)
    service.end(run.id, state, "The container did not start.")
    wait_until(lambda: (runner.sync(), Run(run.layout).state)[1] == here)
    assert Run(run.layout).record().reason == "The container did not start."


def test_a_refused_run_leaves_nothing(runner: HubRunner, service: StandInService) -> None:
    """What the hub has against it is what is raised, as the error that it was there; so it is when the hub is away."""
    with pytest.raises(InvalidInput, match="no course 'nerves'"):
        _submit(runner, WRITE_RESULT, course="nerves")
    service.is_away = True
    with pytest.raises(HubUnreachable, match="does not answer"):
        _submit(runner, WRITE_RESULT)
    assert list(runner.folder.iterdir()) == []


def test_a_project_outside_the_home_is_refused(
    runner: HubRunner, service: StandInService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The hub's servers see the home alone."""
    elsewhere = HubRunner(tmp_path_factory.mktemp("elsewhere") / "runs", runner.view)
    with pytest.raises(InvalidInput, match="outside of your home"):
        elsewhere.submit(cells_spec(runner.folder.parent.parent, WRITE_RESULT))
    assert service.puts == 0


def test_a_folder_that_is_gone_is_said_to_be(runner: HubRunner, service: StandInService) -> None:
    """The server of a run whose folder was removed while it waited reports that in words, and ends."""
    service.is_taken = True
    run = _submit(runner, WRITE_RESULT)
    shutil.rmtree(run.layout.root)
    service.is_taken = False
    service.dispatch()
    wait_until(lambda: service.item(run.id).has_ended)
    assert service.item(run.id).state == "failed"
    assert "is not there" in service.item(run.id).reason


def test_a_run_that_somebody_else_carries_out_is_left_alone(runner: HubRunner, service: StandInService) -> None:
    """Its lock is held: the second server says so, and writes nothing."""
    service.is_taken = True
    run = _submit(runner, WRITE_RESULT)
    with hold_lock(run.layout.lock, what="this run"):
        service.is_taken = False
        service.dispatch()
        wait_until(lambda: service.item(run.id).has_ended)
        assert "another program" in service.item(run.id).reason.lower()
        assert not run.layout.record.exists()
