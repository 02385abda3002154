"""`labkit hub`, and `labkit run` for runs of the hub, beside a stand-in whose device is in use: nothing here computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.project import Project
from labkit.runs import Run
from labkit.testing.commands import Done
from labkit.testing.hub_service import TOKEN, StandInService, hub_service
from labkit.testing.runs import cells_spec
from labkit.work import runner_for

LabKit = Callable[..., Done]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInService]:
    """The hub of the person whose home has the project."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with hub_service(tmp_path) as running:
        running.is_taken = True
        monkeypatch.setenv("LABKIT_SERVICE_URL", running.url)
        monkeypatch.setenv("LABKIT_HUB_TOKEN", TOKEN)
        yield running


@pytest.fixture
def waiting(service: StandInService, project: Project, tmp_path: Path) -> list[Run]:
    """Two runs that wait at the hub."""
    runner = runner_for(project)
    return [runner.submit(cells_spec(tmp_path, "pass", title=title, where="hub")) for title in ("one", "two")]


def test_status(labkit: LabKit, service: StandInService) -> None:
    """Who one is, what is free, what is left and what is announced."""
    service.announcement, service.pause = "Tonight the hub is closed.", "The power is cut."
    answer = labkit("hub", "status", "--json").json
    assert (answer["name"], answer["devices"]["total"], answer["hours_left"]) == ("zoe", 1, 4.5)
    shown = labkit("hub", "status").stdout
    for words in ("0 of 1 device(s) free", "course cells", "Paused: The power is cut.", "Tonight the hub is closed."):
        assert words in shown


def test_runs(labkit: LabKit, waiting: list[Run]) -> None:
    """All of the person's runs, with place and reason."""
    answer = labkit("hub", "runs", "--json").json
    assert [(row["id"], row["place"]) for row in answer["runs"]] == [(waiting[1].id, 1), (waiting[0].id, 0)]
    assert "2nd in the hub's line: Others come first.  two" in labkit("hub", "runs").stdout


def test_where_there_is_no_hub(labkit: LabKit, labkit_in: LabKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how one belongs to a hub."""
    monkeypatch.delenv("LABKIT_SERVICE_URL", raising=False)
    assert "LABKIT_SERVICE_URL" in labkit("hub", "status", "--json").error["hint"]
    assert labkit_in("run", "list").exit_code == 0


def test_list_move_and_cancel(labkit: LabKit, labkit_in: LabKit, waiting: list[Run], service: StandInService) -> None:
    """A run of the hub is listed beside the others, and found by its id from anywhere."""
    answer = labkit_in("run", "list", "--json").json
    assert [(row["run"], row["where"], row["device"], row["place"]) for row in answer["runs"]] == [
        (run.id, "hub", "hub", k) for k, run in enumerate(waiting)
    ]
    assert [row["title"] for row in labkit("run", "list", "--queue", "--json").json["queue"]] == ["one", "two"]
    assert "next in the hub's line" in labkit("run", "show", waiting[0].id).stdout
    assert labkit("run", "move", waiting[1].id, "0", "--json").json["place"] == 0
    assert labkit("run", "cancel", waiting[0].id, "--json").json["state"] == "cancelled"
    assert service.item(waiting[0].id).state == "cancelled"
    again = labkit_in("run", "retry", waiting[0].id, "--json").json
    assert (again["where"], again["state"], again["resumes"]) == ("hub", "queued", waiting[0].id)


def test_a_hub_that_is_away(labkit: LabKit, labkit_in: LabKit, waiting: list[Run], service: StandInService) -> None:
    """Lists are shown as they can be, with one line about it; what needs the hub says that it does not answer."""
    service.is_away = True
    listed = labkit_in("run", "list")
    assert (listed.exit_code, waiting[0].id in listed.stdout) == (0, True)
    assert listed.stderr.count("The hub does not answer") == 1
    assert labkit("hub", "status", "--json").error["type"] == "HubUnreachable"
