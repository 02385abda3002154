"""The queue with real programs: one run per device, whatever is killed at whatever moment.

``LABKIT_REPEAT`` repeats each test, ``LABKIT_SEED`` sets where the first repetition kills.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from labkit.errors import NotWritable, StorageFull
from labkit.runs import END_STATES, LocalRunner, Run, RunQueue, wake
from labkit.testing.commands import small_disk
from labkit.testing.repetitions import repetitions
from labkit.testing.runner_contract import RunnerContract
from labkit.testing.runs import WRITE_RESULT, cells_spec, program_of, programs_of, submit_cells, wait_until

REPETITIONS = range(repetitions(1, full=20))
SEED = int(os.environ.get("LABKIT_SEED", "1"))
READY = "open('ready', 'w').close()\n"
SLEEP = READY + "import time\ntime.sleep(300)"
repeated = pytest.mark.parametrize("repetition", REPETITIONS)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of these runs."""
    return tmp_path / "state"


@pytest.fixture
def runner(tmp_path: Path, state: Path) -> Iterator[LocalRunner]:
    """A runner; what is left of its runs is ended with the test."""
    runner = LocalRunner(tmp_path / "cells" / "runs", grace_s=2.0, heartbeat_s=0.2, state=state)
    runner.folder.parent.mkdir()
    yield runner
    for run in runner.runs():
        run.cancel()
    for run in runner.runs():
        run.wait(timeout_s=60)


@pytest.fixture
def other(tmp_path: Path, state: Path) -> LocalRunner:
    """The runner of another project of the same person."""
    (tmp_path / "nerves").mkdir()
    return LocalRunner(tmp_path / "nerves" / "runs", grace_s=2.0, heartbeat_s=0.2, state=state)


@pytest.fixture
def taken_cpu(state: Path) -> Iterator[None]:
    """As if a run of another project computed on the CPU until the test is over."""
    lease = RunQueue(state).take_slot("cpu")
    assert lease is not None
    yield
    os.close(lease)


def dispatchers(state: Path) -> list[psutil.Process]:
    """Return the living dispatchers of a state folder."""
    found = []
    for program in psutil.process_iter(["cmdline", "status"]):
        command = program.info["cmdline"] or []
        if "labkit.runs.dispatcher" in command and str(state) in command and program.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(program)
    return found


def kill_everything(state: Path, *runs: Run) -> None:
    """Do what a reboot does, as far as programs are concerned: stop them all first, so that none reacts to another's death."""
    programs = [*dispatchers(state), *(program for run in runs for program in programs_of(run))]
    for program in programs:
        program.suspend()
    for program in programs:
        program.kill()
    psutil.wait_procs(programs, timeout=30)


def ready(run: Run) -> Run:
    wait_until((run.layout.root / "ready").exists)
    return run


class TestLocalRunner(RunnerContract):
    """The runner of this machine keeps the contract of runners."""

    @pytest.fixture
    def busy_runner(self, runner: LocalRunner, taken_cpu: None) -> LocalRunner:
        return runner


@repeated
def test_one_at_a_time_over_all_projects(runner: LocalRunner, other: LocalRunner, state: Path, repetition: int) -> None:
    """Runs of two projects are carried out in order, none while another computes; then the dispatcher goes."""
    runs = [submit_cells(each, WRITE_RESULT) for each in (runner, other, runner)]
    other.move(runs[2].id, 0)
    records = [run.wait(timeout_s=120) for run in (runs[0], runs[2], runs[1])]
    assert [record.state for record in records] == ["done"] * 3
    for before, after in pairwise(records):
        assert before.ended is not None
        assert after.started is not None
        assert before.ended <= after.started
    wait_until(lambda: not dispatchers(state))
    assert RunQueue(state).is_empty()


@repeated
def test_devices_do_not_wait_for_one_another(runner: LocalRunner, taken_cpu: None, repetition: int) -> None:
    """While the CPU is taken, a run for a GPU starts, and the one before it waits on."""
    waiting = submit_cells(runner, WRITE_RESULT)
    run = runner.submit(cells_spec(runner.folder.parent, WRITE_RESULT, device="cuda:1"))
    assert run.wait(timeout_s=120).state == "done"
    assert waiting.state == "queued"


@repeated
@pytest.mark.ci
def test_slots(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, repetition: int) -> None:
    """With two slots two runs compute at the same time, the third waits."""
    monkeypatch.setenv("LABKIT_RUNS__CPU_SLOTS", "2")
    runs = [submit_cells(runner, SLEEP) for _ in range(3)]
    for run in runs[:2]:
        ready(run)
    assert [run.place() for run in runs] == [None, None, 0]
    runs[1].cancel()
    ready(runs[2])
    assert runs[0].state == "running"


@repeated
def test_killing_dispatchers_and_supervisors(runner: LocalRunner, state: Path, tmp_path: Path, repetition: int) -> None:
    """Whatever is killed whenever: each run ends, none is begun twice, no two compute at once, and only a killed one is lost."""
    draw = random.Random(SEED + repetition)
    cell = (
        f"import fcntl, os, time\ndevice = open({str(tmp_path / 'device')!r}, 'w')\nfcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        f"open('begun', 'x').close()\ntime.sleep({draw.uniform(0.0, 0.5)})"
    )
    runs = [submit_cells(runner, cell, WRITE_RESULT) for _ in range(4)]
    killed: set[str] = set()
    while not all(run.record().has_ended for run in runs):
        time.sleep(draw.uniform(0.0, 1.5))
        wake(state)
        for program in dispatchers(state) if draw.random() < 0.7 else []:
            program.kill()
        if len(killed) < 2:
            for run in (run for run in runs if run.id not in killed):  # one that dies at each start is given up
                for program in (p for p in programs_of(run) if "labkit.runs.supervisor" in p.cmdline()):
                    program.kill()
                    killed.add(run.id)
    for run in runs:
        record = run.record()
        assert record.state == "done" or (record.state == "lost" and run.id in killed), record
        wait_until(lambda run=run: programs_of(run) == [])
    wait_until(lambda: (wake(state), RunQueue(state).is_empty())[1])


@repeated
@pytest.mark.ci
def test_reboot(runner: LocalRunner, other: LocalRunner, state: Path, repetition: int) -> None:
    """After a reboot the run that was under way is lost, and those that waited are carried out once LabKit is started."""
    running = ready(submit_cells(runner, SLEEP))
    waiting = [submit_cells(each, WRITE_RESULT) for each in (other, runner)]
    kill_everything(state, running)
    assert [run.state for run in waiting] == ["queued"] * 2
    assert wake(state)
    assert [run.wait(timeout_s=120).state for run in (running, *waiting)] == ["lost", "done", "done"]


CHECKPOINT = (
    "import json, os\nfrom pathlib import Path\nconfig = json.loads(Path(config_path).read_text())\n"
    "os.makedirs('checkpoints', exist_ok=True)\nopen('checkpoints/resume.pt', 'w').close()\n"
    "open('checkpoints/history.csv', 'a').write('epoch\\n')\n"
)
GO_ON = CHECKPOINT + "if config['from'] is None:\n    open('ready', 'w').close()\n    import time; time.sleep(300)"


@repeated
def test_a_lost_run_goes_on_from_its_checkpoint(runner: LocalRunner, state: Path, repetition: int) -> None:
    """It stays lost; a new run, which names it and has its history, is done before the one that waits."""
    fields = {"config": {"from": None}, "resume_field": "from", "auto_resume": True}
    lost = ready(runner.submit(cells_spec(runner.folder.parent, GO_ON, WRITE_RESULT, **fields)))
    waiting = submit_cells(runner, WRITE_RESULT)
    kill_everything(state, lost)
    wake(state)
    assert waiting.wait(timeout_s=120).state == "done"
    [following] = [run for run in runner.runs() if run.id not in (lost.id, waiting.id)]
    record = following.record()
    assert (record.state, record.resumes, lost.state) == ("done", lost.id, "lost")
    assert following.spec.config == {"from": lost.id}
    assert following.spec.attempt == 2
    assert (following.layout.root / "checkpoints" / "history.csv").read_text() == "epoch\nepoch\n"
    assert record.ended is not None
    assert record.ended <= (waiting.record().started or record.ended)


@repeated
@pytest.mark.ci
def test_a_run_that_is_lost_again_and_again_is_given_up(runner: LocalRunner, state: Path, repetition: int) -> None:
    """After three attempts it is left to a person."""
    cell = CHECKPOINT + SLEEP
    fields = {"config": {"from": None}, "resume_field": "from", "auto_resume": True}
    runner.submit(cells_spec(runner.folder.parent, cell, **fields))
    for attempt in range(1, 4):
        wait_until(lambda attempt=attempt: len(runner.runs()) == attempt)
        run = ready(runner.runs()[-1])
        assert run.spec.attempt == attempt
        kill_everything(state, run)
        wake(state)
        assert run.wait(timeout_s=60).state == "lost"
    wait_until(lambda: (wake(state), RunQueue(state).is_empty())[1])
    assert len(runner.runs()) == 3


SUBMIT_MANY = (
    "import sys\nfrom pathlib import Path\nfrom labkit.runs import LocalRunner\nfrom labkit.testing.runs import submit_cells\n"
    "runner = LocalRunner(Path(sys.argv[1]), state=Path(sys.argv[2]))\nprint('ready', flush=True)\n"
    "while True:\n    print(submit_cells(runner, 'pass').id, flush=True)"
)


@repeated
def test_killing_who_submits(runner: LocalRunner, state: Path, taken_cpu: None, repetition: int) -> None:
    """What was acknowledged waits, and no run waits without being in the queue."""
    draw = random.Random(SEED + repetition)
    program = subprocess.Popen([sys.executable, "-c", SUBMIT_MANY, str(runner.folder), str(state)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    time.sleep(draw.uniform(0.0, 0.5))
    program.kill()
    acknowledged = {line.strip() for line in program.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
    program.wait()
    queued = {entry.run_id for entry in runner.queue()}
    assert acknowledged <= queued
    assert {run.id for run in runner.runs()} == queued
    for run in runner.runs():
        run.cancel()


@repeated
def test_projects_that_are_gone_or_closed_block_no_other(
    runner: LocalRunner, other: LocalRunner, state: Path, tmp_path: Path, taken_cpu: None, repetition: int
) -> None:
    """A removed project's run is forgotten, one that cannot be reached is shown and passed over, one with a broken ticket too."""
    gone, broken = submit_cells(other, WRITE_RESULT), submit_cells(runner, WRITE_RESULT)
    away = LocalRunner(tmp_path / "away" / "runs", state=state)
    away.folder.parent.mkdir()
    unreachable = submit_cells(away, WRITE_RESULT)
    run = runner.submit(cells_spec(runner.folder.parent, WRITE_RESULT, device="cuda:0"))
    shutil.rmtree(other.folder.parent)
    queue = RunQueue(state)
    queue.layout.ticket(broken.id).write_text("{")
    shutil.rmtree(away.folder.parent)
    ticket = queue.ticket(unreachable.id)
    assert ticket is not None
    queue.put(ticket.model_copy(update={"volume": ticket.volume + 1}))  # as if its disk were not mounted
    assert run.wait(timeout_s=120).state == "done"
    wait_until(lambda: queue.ticket(gone.id) is None)
    assert [(e.run_id, e.state) for e in runner.queue()] == [(unreachable.id, "unreachable")]
    wait_until(lambda: not dispatchers(state))  # nothing that it could start


@repeated
@pytest.mark.ci
def test_two_state_folders_know_nothing_of_one_another(runner: LocalRunner, tmp_path: Path, taken_cpu: None, repetition: int) -> None:
    """What takes a device in one does not in the other."""
    waiting = submit_cells(runner, WRITE_RESULT)
    elsewhere = LocalRunner(runner.folder, state=tmp_path / "elsewhere")
    assert submit_cells(elsewhere, WRITE_RESULT).wait(timeout_s=120).state == "done"
    assert waiting.state == "queued"
    assert elsewhere.queue() == ()


@repeated
def test_a_supervisor_that_cannot_be_started(runner: LocalRunner, state: Path, taken_cpu: None, repetition: int) -> None:
    """A run whose Python does not work fails after a few tries and says so; the next one is carried out."""
    bad = runner.submit(cells_spec(runner.folder.parent, WRITE_RESULT, device="cuda:0"))
    queue = RunQueue(state)
    with queue.hold():
        wait_until(lambda: bad.state != "queued")
    bad.cancel()
    waiting = submit_cells(runner, WRITE_RESULT)
    ticket = queue.ticket(waiting.id)
    assert ticket is not None
    queue.put(ticket.model_copy(update={"python": shutil.which("false"), "device": "cuda:1"}))
    wake(state)
    record = waiting.wait(timeout_s=60)
    assert record.state == "failed"
    assert "could not be started" in record.reason


@repeated
@pytest.mark.ci
def test_a_run_that_submits_a_run(runner: LocalRunner, state: Path, repetition: int) -> None:
    """The inner run waits for the outer one's end, and is carried out though the dispatcher died with the outer run's programs."""
    inner = cells_spec(runner.folder.parent, WRITE_RESULT)
    (runner.folder.parent / "inner.json").write_text(inner.model_dump_json())
    cell = (
        "from pathlib import Path\nfrom labkit.runs import LocalRunner, RunSpec\n"
        f"spec = RunSpec.model_validate_json(Path({str(runner.folder.parent / 'inner.json')!r}).read_text())\n"
        f"print(LocalRunner(Path({str(runner.folder)!r}), state=Path({str(state)!r})).submit(spec).state)"
    )
    outer = submit_cells(runner, cell, WRITE_RESULT)
    for program in dispatchers(state):
        program.kill()  # the cell starts another, as its own descendant
    assert outer.wait(timeout_s=120).state == "done"
    record = runner.run(inner.id).wait(timeout_s=120)
    assert record.state == "done"
    assert (outer.record().ended or record.created) <= (record.started or record.created)


@repeated
def test_a_frozen_supervisor_is_not_lost(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, repetition: int) -> None:
    """While it is stopped it is said not to answer; a cancel lets it go on, and it ends its run."""
    monkeypatch.setattr("labkit.runs.run._SILENT", timedelta(seconds=1))
    run = ready(submit_cells(runner, SLEEP))
    supervisor = program_of(run, "labkit.runs.supervisor")
    assert not run.is_silent()
    supervisor.send_signal(signal.SIGSTOP)
    wait_until(run.is_silent)
    assert run.state == "running"
    run.cancel()
    assert run.wait(timeout_s=60).state == "cancelled"
    wait_until(lambda: programs_of(run) == [])


@pytest.fixture
def full_state(tmp_path: Path) -> Iterator[LocalRunner]:
    """A runner whose state folder has no room."""
    try:
        with small_disk(tmp_path / "disk", 1) as disk:
            disk.fill(leave_bytes=0)
            yield LocalRunner(tmp_path / "runs", state=disk.folder / "state")
    except PermissionError as error:
        pytest.skip(str(error))


def test_a_full_state_folder_is_an_answer(full_state: LocalRunner) -> None:
    """The error says that the disk is full, and neither a run nor a folder is left."""
    with pytest.raises(StorageFull):
        submit_cells(full_state, WRITE_RESULT)
    assert full_state.runs() == []
    assert [path for path in full_state.folder.parent.iterdir() if path.suffix not in (".ipynb", "")] == []


def test_a_read_only_state_folder_is_an_answer(tmp_path: Path) -> None:
    """The error names the folder, and no run is left."""
    try:
        with small_disk(tmp_path / "disk", 1) as disk:
            disk.forbid_writing()
            runner = LocalRunner(tmp_path / "runs", state=disk.folder / "state")
            with pytest.raises(NotWritable, match="state"):
                submit_cells(runner, WRITE_RESULT)
            assert runner.runs() == []
    except PermissionError as error:
        pytest.skip(str(error))


def test_an_end_state_is_one(runner: LocalRunner) -> None:
    """Waking an empty queue starts nothing and leaves no trace."""
    assert not wake(runner.folder / "nowhere")
    assert not (runner.folder / "nowhere").exists()
    assert "lost" in END_STATES
