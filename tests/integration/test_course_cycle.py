"""The whole cycle by command line alone, on a real hub whose servers are processes: written, handed out, handed in, graded, given back.

Three people with a home each: a professor, an assistant, and a student called ``zoë b``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from labkit.testing.assignments import ASSIGNMENT, solve, write_assignment
from labkit.testing.commands import Done, run_labkit
from labkit.testing.light_hub import LightHub

pytestmark = [pytest.mark.slow]

COURSE = "cells"


class Seat:
    """Somebody at their own machine, with the command line and a token of the hub."""

    def __init__(self, hub: LightHub, name: str, folder: Path) -> None:
        hub.api("POST", f"/users/{quote(name)}")
        self.name, self.home = name, folder / name
        self.home.mkdir()
        self.token = hub.api("POST", f"/users/{quote(name)}/tokens", {}).json()["token"]
        self._service = f"{hub.url}/services/labkit"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "LABKIT_SERVICE_URL": self._service, "LABKIT_HUB_TOKEN": self.token}

    def does(self, *words: str | Path, cwd: Path | None = None) -> dict[str, Any]:
        """Run ``labkit course ... --json`` and return what it says."""
        done = self.tries(*words, cwd=cwd)
        assert done.exit_code == 0, done.stdout + done.stderr
        return done.json

    def tries(self, *words: str | Path, cwd: Path | None = None) -> Done:
        """Run it, whatever its end."""
        return run_labkit("course", *words, "--json", cwd=cwd or self.home, env=self.environment)

    def asks(self, method: str, path: str, **more: Any) -> Any:
        """Ask the service directly: for what is done on its pages."""
        import httpx

        headers = {"Authorization": f"token {self.token}"}
        answer = httpx.request(method, f"{self._service}/api/{path}", headers=headers, trust_env=False, timeout=60, **more)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub that starts grading runs as its processes."""
    env = {"LIGHT_HUB_SERVERS": "process", "LABKIT_DEVICES__NVIDIA": "false", "LABKIT_QUEUE__LOOK_S": "1"}
    with LightHub(tmp_path_factory.mktemp("cycle") / "var", env=env) as hub:
        hub.api("POST", "/users/admin", {"admin": True})
        yield hub


@pytest.fixture(scope="module")
def people(hub: LightHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seat]:
    """Sit them down; the course has its roster, and its clocks go as in Berlin."""
    folder = tmp_path_factory.mktemp("people")
    seats = {role: Seat(hub, name, folder) for role, name in (("professor", "paula"), ("assistant", "alan"), ("student", "zoë b"))}
    admin = Seat(hub, "admin", folder)
    admin.asks("POST", "courses", json={"id": COURSE, "title": "Cell biology"})
    admin.asks("PUT", f"courses/{COURSE}", json={"time_zone": "Europe/Berlin"})
    for role, seat in seats.items():
        admin.asks("PUT", f"courses/{COURSE}/members/{quote(seat.name)}", json={"role": role})
    return seats


def test_the_whole_cycle_by_command_line(people: dict[str, Seat], tmp_path: Path) -> None:
    """Odd names everywhere; what the student reads in the end is what run, check and assistant gave."""
    professor, assistant, student = people["professor"], people["assistant"], people["student"]
    source = write_assignment(tmp_path)
    assert professor.does("check", source)["problems"] == []
    professor.does("release", source, "--course", COURSE)
    professor.does("set", ASSIGNMENT, "--due", "2030-10-25T23:59", "--grace-min", "10")

    work = Path(student.does("fetch", ASSIGNMENT)["folder"])
    assert not any("SOLUTION" in path.read_text() or "mean == 5" in path.read_text() for path in work.rglob("*") if path.is_file())
    assert student.tries("validate", cwd=work).exit_code == 3
    solve(work / "ps1.ipynb")
    assert student.does("validate", cwd=work)["passed"]
    receipt = student.does("submit", cwd=work)
    assert (receipt["attempt"], receipt["cells"]) == (1, {"ps1.ipynb": 5})
    assert student.tries("feedback", "fetch", cwd=work).exit_code == 2

    batch = assistant.does("grade", ASSIGNMENT, "--wait")
    assert (batch["state"], batch["total"], batch["graded"]) == ("done", 1, 1)
    assistant.does("score", receipt["submission"], "ps1/why", "--points", "3", "--comment", "Say which way, too.")
    professor.does("feedback", "release", ASSIGNMENT)

    read = student.does("feedback", "fetch", cwd=work)
    points = {f"{score['item']['notebook']}/{score['item']['id']}": score["points"] for score in read["scores"]}
    assert points == {"ps1/test": 2, "ps1/why": 3, "/mean": 3}
    assert read["submission"]["points"] == 8
    assert read["comments"]["ps1/why"] == "Say which way, too."
    assert any(Path(path).read_text().startswith("<!DOCTYPE html>") for path in read["files"] if path.endswith(".html"))
    assert "zoë b" in professor.does("gradebook", ASSIGNMENT)["csv"]
