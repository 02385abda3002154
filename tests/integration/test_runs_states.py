"""Runs as real programs: each way to end gives the right state, and nothing of the run stays alive.

``LABKIT_REPEAT=20`` repeats each test.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from labkit.errors import RunFailed
from labkit.events import CancelToken, Event, Progress, StateChange
from labkit.runs import END_STATES, LocalRunner, Run
from labkit.testing.repetitions import repetitions
from labkit.testing.runs import WRITE_RESULT, cells_spec, program_of, programs_of, submit_cells, wait_until

pytestmark = pytest.mark.parametrize("repetition", range(repetitions(1, full=20)))

READY = "open('ready', 'w').close()\n"
SLEEP = READY + "import time\ntime.sleep(300)"
DEAF = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP
# Grandchildren in sessions of their own, one of them without a living parent, deaf to everything but SIGKILL.
GRANDCHILDREN = (
    "import subprocess\n"
    "subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM HUP; (setsid sleep 301 &); setsid sleep 302'], start_new_session=True)\n"
    "import psutil\n"
    "while sum(p.info['cmdline'][:1] == ['sleep'] for p in psutil.process_iter(['cmdline']) if p.info['cmdline']) < 2: pass\n"
) + SLEEP


@pytest.fixture
def runner(tmp_path: Path) -> LocalRunner:
    return LocalRunner(tmp_path / "runs", grace_s=2.0, heartbeat_s=0.2)


def patient(runner: LocalRunner) -> LocalRunner:
    """Return a runner with the usual grace, for what ends by itself: on a machine under load that can take some seconds."""
    return LocalRunner(runner.folder, heartbeat_s=0.2)


def ended(run: Run) -> Run:
    """Wait for the run's end; its family is gone by then, its supervisor a moment later."""
    record = run.wait(timeout_s=120)
    assert record.has_ended
    assert record.ended is not None
    assert programs_of(run, supervisor=False) == []
    wait_until(lambda: not programs_of(run))
    return run


def ready(run: Run) -> Run:
    wait_until((run.layout.root / "ready").exists)
    return run


def test_done(runner: LocalRunner, repetition: int) -> None:
    """A notebook that reaches its end and writes its result is done; the folder tells the whole story."""
    run = ended(submit_cells(runner, "print(open(config_path).read())", WRITE_RESULT))
    record = run.record()
    assert (record.state, record.reason, record.exit_code, record.id) == ("done", "", 0, run.id)
    assert run.result() == {"answer": 42}
    assert json.loads(run.layout.config.read_text()) == {"size": 3}
    states = [e.event.state for e in run.events() if isinstance(e.event, StateChange)]
    assert states == ["starting", "running", "done"]
    notebook = nbformat.read(run.layout.notebook, as_version=4)
    assert '"size": 3' in notebook.cells[2].outputs[0].text
    names = {p.name for p in run.layout.root.iterdir()}
    assert names == {
        "spec.json",
        "source.ipynb",
        "config.json",
        "run.json",
        "events.jsonl",
        "log.txt",
        "output.ipynb",
        "result.json",
        ".lock",
    }


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        pytest.param("raise ValueError('bad')", "Cell 3 stopped with ValueError: bad.", id="raises"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "signal 9", id="killed"),
        pytest.param("exit(0)", "SystemExit", id="exit"),
        pytest.param("import sys; sys.exit(0)", "SystemExit", id="sys-exit", marks=pytest.mark.ci),
        pytest.param("import os; os._exit(0)", "ended itself (exit code 0)", id="os-exit"),
        pytest.param("bytearray(10**15)", "The machine ran out of memory (Cell 3 stopped with MemoryError). Use a", id="memory"),
        pytest.param(
            "from labkit.errors import InvalidInput\nraise InvalidInput('The class axon is missing.', hint='Annotate some axons.')",
            "The class axon is missing. Annotate some axons.",
            id="advice",
        ),
        pytest.param("pass", "without its result", id="no-result"),
        pytest.param("import os; os.kill(os.getppid(), 9)", "killed from outside", id="child-killed"),
    ],
)
def test_failed(runner: LocalRunner, cell: str, words: str, repetition: int) -> None:
    """However a notebook fails, the run is failed and the reason says why, in one line."""
    run = ended(submit_cells(runner, cell))
    record = run.record()
    assert record.state == "failed"
    assert words in record.reason
    assert "\n" not in record.reason
    assert nbformat.read(run.layout.notebook, as_version=4).cells
    with pytest.raises(RunFailed, match="^" + "." * 10) as caught:
        run.result()
    assert "log.txt" in caught.value.hint


def test_failure_after_the_result_is_a_failure(runner: LocalRunner, repetition: int) -> None:
    """A result that was written before a later cell failed does not make the run done."""
    assert ended(submit_cells(runner, WRITE_RESULT, "1 / 0")).state == "failed"


def by_request(run: Run) -> None:
    run.cancel()


def by_sigterm(run: Run) -> None:
    program_of(run, "labkit.runs.supervisor").send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("cell", "cancel"),
    [
        pytest.param(SLEEP, by_request, id="long-cell"),
        pytest.param(SLEEP, by_sigterm, id="sigterm-to-supervisor"),
        pytest.param(DEAF, by_request, id="deaf-cell"),
        pytest.param(GRANDCHILDREN, by_request, id="grandchildren", marks=pytest.mark.ci),
    ],
)
def test_cancelled(runner: LocalRunner, cell: str, cancel: Callable[[Run], None], repetition: int) -> None:
    """A run is cancelled whatever its cell does against it, and the executed notebook is still there."""
    run = ready(submit_cells(patient(runner), cell, WRITE_RESULT))  # a kernel that was killed leaves the last seconds for saving
    cancel(run)
    record = ended(run).record()
    assert record.state == "cancelled"
    assert ("did not stop by itself" in record.reason) == (cell is DEAF)
    states = [e.event.state for e in run.events() if isinstance(e.event, StateChange)]
    assert states == ["starting", "running", "cancelling", "cancelled"]
    statuses = [c.metadata.get("papermill", {}).get("status") for c in nbformat.read(run.layout.notebook, as_version=4).cells]
    assert "failed" in statuses


GENTLE = (
    "import os, time\nfrom labkit.runs import current_run\nrun = current_run()\nos.makedirs('checkpoints', exist_ok=True)\n"
    "while not run.cancel.cancelled:\n    open('ready', 'w').close(); time.sleep(0.05)\n"
    "open('checkpoints/resume.pt', 'w').close()\nrun.cancel.raise_if_cancelled()"
)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        pytest.param(GENTLE, "Its checkpoint is kept: resume it", id="gently"),
        pytest.param(DEAF, "had a checkpoint", id="force", marks=pytest.mark.ci),
    ],
)
def test_out_of_time(runner: LocalRunner, cell: str, words: str, repetition: int) -> None:
    """A run whose time is up is stopped, keeps what it had, and is failed with what to do."""
    limit_s = 1.5
    while True:
        limit_s *= 2
        spec = cells_spec(runner.folder.parent, cell, WRITE_RESULT, time_limit_s=limit_s)
        run = ended((runner if cell is DEAF else patient(runner)).submit(spec))
        if (run.layout.root / "ready").exists():
            break  # else the machine is so busy that the kernel was not there yet
    record = run.record()
    assert record.state == "failed"
    assert record.reason.startswith(f"Out of time: it was stopped after {limit_s:g} s")
    assert words in record.reason
    states = [e.event.state for e in run.events() if isinstance(e.event, StateChange)]
    assert states == ["starting", "running", "cancelling", "failed"]


def test_cancel_before_the_kernel_is_there(runner: LocalRunner, repetition: int) -> None:
    """A run that is cancelled as soon as it was submitted executes no cell."""
    run = submit_cells(runner, SLEEP)
    run.cancel()
    assert ended(run).state == "cancelled"
    assert not (run.layout.root / "ready").exists()


def test_work_that_looks_at_its_token_ends_in_its_own_way(runner: LocalRunner, repetition: int) -> None:
    """Work that looks at the token is not interrupted: it keeps its checkpoint, and the run is cancelled though it ends well."""
    work = (
        "import time\n"
        "run = current_run()\n"
        "while not run.cancel.cancelled:\n    open('ready', 'w').close(); time.sleep(0.05)\n"
        "time.sleep(0.3)\nopen('checkpoint', 'w').close()"
    )
    run = ready(submit_cells(patient(runner), "from labkit.runs import current_run\nrun = current_run()", work, WRITE_RESULT))
    run.cancel()
    assert ended(run).state == "cancelled"
    assert (run.layout.root / "checkpoint").exists()


def test_wait_forwards_events_and_the_cancel(runner: LocalRunner, repetition: int) -> None:
    """Who waits gets the events of notebook and supervisor in order, and cancels by a token."""
    cell = "from labkit.runs import current_run\nfrom labkit.events import Progress\ncurrent_run().on_event(Progress(1, 9, 'tiles'))\n"
    run = submit_cells(runner, cell + SLEEP)
    token, seen = CancelToken(), []

    def on_event(event: Event) -> None:
        seen.append(event)
        if event == Progress(1, 9, "tiles"):
            token.cancel()

    assert run.wait(on_event, token, timeout_s=120).state == "cancelled"
    assert seen == [e.event for e in run.events()]
    assert [e.seq for e in run.events()] == list(range(1, len(seen) + 1))
    assert seen[-1] == StateChange("cancelled", run.record().reason)


def test_killed_supervisor_is_lost(runner: LocalRunner, repetition: int) -> None:
    """When the supervisor is killed its family dies too, before anybody looks; then the run is lost, for good."""
    run = ready(submit_cells(runner, GRANDCHILDREN))
    program_of(run, "labkit.runs.supervisor").kill()
    wait_until(lambda: not programs_of(run))
    record = run.wait(timeout_s=60)
    assert record.state == "lost"
    assert "resume" in record.reason
    run.cancel()
    assert run.record() == record


def test_killed_supervisor_and_child_are_lost(runner: LocalRunner, repetition: int) -> None:
    """When supervisor and child are killed at once, whoever looks at the run ends what they left."""
    run = ready(submit_cells(runner, GRANDCHILDREN))
    supervisor, child = program_of(run, "labkit.runs.supervisor"), program_of(run, "labkit.runs.child")
    supervisor.suspend()
    child.kill()
    supervisor.kill()
    wait_until(lambda: not supervisor.is_running())
    assert run.wait(timeout_s=60).state == "lost"
    wait_until(lambda: not programs_of(run))


def test_another_program_sees_the_same(runner: LocalRunner, repetition: int) -> None:
    """A runner in another program sees the state of a run, cancels it, and both read the same end."""
    run = ready(submit_cells(runner, SLEEP))
    code = (
        "import sys\nfrom pathlib import Path\nfrom labkit.runs import LocalRunner\n"
        "[run] = LocalRunner(Path(sys.argv[1])).runs()\nprint(run.state)\nrun.cancel()\nprint(run.wait().model_dump_json())"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(runner.folder)], capture_output=True, text=True, check=True)
    state, record = answer.stdout.splitlines()
    assert state == "running"
    assert record == run.record().model_dump_json()
    assert run.state == "cancelled"


def test_run_outlives_the_program_that_submitted_it(runner: LocalRunner, repetition: int) -> None:
    """The program that submitted a run may end; the run goes on and is done."""
    go_on = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.02)"
    code = (
        "import sys\nfrom pathlib import Path\nfrom labkit.runs import LocalRunner\nfrom labkit.testing.runs import submit_cells\n"
        "submit_cells(LocalRunner(Path(sys.argv[1])), *sys.argv[2:])"
    )
    subprocess.run([sys.executable, "-c", code, str(runner.folder), READY + go_on, WRITE_RESULT], check=True)
    [run] = runner.runs()
    assert ready(run).state == "running"
    (run.layout.root / "go").touch()
    assert ended(run).state == "done"


def test_heartbeat(runner: LocalRunner, repetition: int) -> None:
    """While a cell is silent the heartbeat goes on."""
    run = ready(submit_cells(runner, SLEEP))
    first = run.record().heartbeat
    assert first is not None
    wait_until(lambda: (run.record().heartbeat or first) > first)
    run.cancel()
    ended(run)


def test_second_supervisor_steps_back(runner: LocalRunner, repetition: int) -> None:
    """A run that has ended is not carried out again, and its record does not change."""
    run = ended(submit_cells(runner, WRITE_RESULT))
    before = run.layout.record.read_bytes()
    subprocess.run([sys.executable, "-m", "labkit.runs.supervisor", str(run.layout.root)], check=True)
    assert run.layout.record.read_bytes() == before
    assert run.state in END_STATES


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 3 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this system does not let us mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk(small_disk: Path, repetition: int) -> None:
    """A run that fills the disk is failed and says so, in a record that is still written."""
    fill = "file = open('big', 'wb')\nwhile True:\n    file.write(b'x' * 4096); file.flush()"
    run = ended(submit_cells(LocalRunner(small_disk / "runs"), fill, WRITE_RESULT))
    record = run.record()
    assert record.state == "failed"
    assert "disk is full" in record.reason.lower()


def kill_supervisor(run: Run) -> None:
    program_of(run, "labkit.runs.supervisor").kill()


@pytest.mark.parametrize("end", [by_request, pytest.param(kill_supervisor, marks=pytest.mark.ci)])
def test_nothing_is_left_in_the_temporary_folder(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, end: Callable[[Run], None], repetition: int
) -> None:
    """After a run that was ended by force, or was lost, its scratch folder is gone as well."""
    with tempfile.TemporaryDirectory(prefix="lk-") as folder:  # tmp_path is too long for the sockets that lie in it
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)  # forget the folder that was looked up before
        run = ready(submit_cells(runner, DEAF))
        assert len(list(Path(folder).iterdir())) == 1
        end(run)
        ended(run)
        assert list(Path(folder).iterdir()) == []
