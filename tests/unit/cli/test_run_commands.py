"""`labkit run`: lists, moves, cancels and repeats what waits; nothing here computes, because the CPU is taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.errors import NotWritable
from labkit.project import Project
from labkit.runs import LocalRunner, Run, RunQueue
from labkit.testing.commands import Done
from labkit.testing.runs import cells_spec

LabKit = Callable[..., Done]


@pytest.fixture
def waiting(project: Project, tmp_path: Path) -> Iterator[list[Run]]:
    """Two runs that wait for the CPU until the test is over, and are cancelled then."""
    lease = RunQueue().take_slot("cpu")
    assert lease is not None
    runner = LocalRunner(project.layout.runs)
    runs = [runner.submit(cells_spec(tmp_path, "pass", title=title)) for title in ("one", "two")]
    yield runs
    for run in runner.runs() if project.path.exists() else []:
        run.cancel()
    os.close(lease)


def test_list(labkit_in: LabKit, labkit: LabKit, waiting: list[Run]) -> None:
    """The project's runs stand there with their places; the queue can be seen from everywhere."""
    answer = labkit_in("run", "list", "--json").json
    assert [(row["run"], row["state"], row["place"]) for row in answer["runs"]] == [(run.id, "queued", k) for k, run in enumerate(waiting)]
    assert [row["title"] for row in labkit("run", "list", "--queue", "--json").json["queue"]] == ["one", "two"]
    assert "is next" in labkit_in("run", "list").stdout
    assert labkit("run", "list", "--json").error["type"] == "NotFound"  # no project here


def test_list_of_nothing(labkit_in: LabKit) -> None:
    """A project without runs says so."""
    assert labkit_in("run", "list").stdout == "No runs. Start one with 'labkit train'.\n"
    assert labkit_in("run", "list", "--queue").stdout == "Nothing goes on or waits.\n"


def test_move_and_cancel(labkit: LabKit, waiting: list[Run]) -> None:
    """A run that waits is found by its id from anywhere."""
    assert labkit("run", "move", waiting[1].id, "0", "--json").json["place"] == 0
    assert waiting[0].place() == 1
    assert labkit("run", "cancel", waiting[1].id, "--json").json["state"] == "cancelled"
    assert waiting[0].place() == 0


def test_retry_show_and_log(labkit_in: LabKit, waiting: list[Run]) -> None:
    """What has ended can be repeated; how it stands, and what it printed, can be seen."""
    labkit_in("run", "cancel", waiting[0].id)
    new = labkit_in("run", "retry", waiting[0].id, "--json").json
    assert (new["resumes"], new["state"], new["place"]) == (waiting[0].id, "queued", 1)
    shown = labkit_in("run", "show", waiting[0].id, "--json").json
    assert (shown["state"], shown["can_resume"], shown["folder"]) == ("cancelled", False, str(waiting[0].layout.root))
    assert labkit_in("run", "log", waiting[0].id, "--json").json["lines"] == []
    waiting[0].layout.log.write_text("1\n2\n3\n")
    assert labkit_in("run", "log", waiting[0].id, "--lines", "2").stdout == "2\n3\n"


def test_watch_of_what_has_ended(labkit_in: LabKit, waiting: list[Run]) -> None:
    """The exit code tells how it ended."""
    waiting[0].cancel()
    done = labkit_in("run", "watch", waiting[0].id, "--json")
    assert (done.exit_code, done.json["state"]) == (130, "cancelled")


def test_a_run_whose_project_is_away_can_be_taken_out(labkit: LabKit, project: Project, waiting: list[Run]) -> None:
    """Nobody has to wait until its disk is back."""
    queue = RunQueue()
    ticket = queue.ticket(waiting[0].id)
    assert ticket is not None
    queue.put(ticket.model_copy(update={"volume": ticket.volume + 1}))
    shutil.rmtree(project.path)
    assert labkit("run", "cancel", waiting[0].id, "--json").json["state"] == "unreachable"
    assert queue.ticket(waiting[0].id) is None


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (("run", "show", "abcdefghijkl"), "NotFound"),
        (("run", "watch", "../x"), "NotFound"),
        (("run", "cancel", ""), "NotFound"),
        (("run", "retry", "abcdefghijkl"), "NotFound"),
        (("run", "resume", "abcdefghijkl"), "NotFound"),
        (("run", "move", "abcdefghijkl", "0"), "NotFound"),
        (("run", "move", "abcdefghijkl", "-1"), "UsageError"),
        (("run", "resume", "abcdefghijkl", "--time-limit", "soon"), "UsageError"),
        (("run", "resume", "abcdefghijkl", "--time-limit", "0"), "UsageError"),
        (("run", "log", "abcdefghijkl", "--lines", "0"), "UsageError"),
    ],
)
def test_what_is_refused(labkit_in: LabKit, command: tuple[str, ...], error: str) -> None:
    """One line, a hint, exit code 2."""
    done = labkit_in(*command, "--json")
    assert (done.exit_code, done.error["type"]) == (2, error)
    assert done.error["hint"]


def test_a_queue_that_cannot_go_on_keeps_nobody_from_looking(
    labkit_in: LabKit, waiting: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is shown, and the complaint stands beside it."""

    def refuse() -> bool:
        raise NotWritable("The state folder cannot be written.", hint="Choose another.")

    monkeypatch.setattr("labkit.cli.run_commands.wake", refuse)
    done = labkit_in("run", "list")
    assert done.exit_code == 0
    assert "is next" in done.stdout
    assert "The queue does not go on: The state folder cannot be written." in done.stderr
