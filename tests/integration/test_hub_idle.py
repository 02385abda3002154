"""Idle servers are stopped and silent runs are not: a real hub, its service and the culler, with hours shortened to seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.testing.light_hub import LightHub

pytestmark = [pytest.mark.slow, pytest.mark.ci]

RUN = "run-abcdefghijkl"


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LightHub]:
    """Run a hub that stops what is idle for seven seconds, and for one where a device is held; it looks every second."""
    idle = {"LABKIT_IDLE__SERVER_S": "7", "LABKIT_IDLE__DEVICE_S": "1", "LABKIT_IDLE__EVERY_S": "1"}
    env = {"LABKIT_DEVICES__FAKE": "2", "LABKIT_DEVICES__NVIDIA": "false", **idle}
    with LightHub(tmp_path_factory.mktemp("idle") / "var", env=env) as hub:
        yield hub


def wait_for(found: Any, timeout_s: float = 120.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError("it did not come about")


def is_ready(hub: LightHub, user: str, name: str = "") -> bool:
    server = hub.server(user, name)
    return bool(server and server["ready"])


def test_idle_servers_are_stopped_and_a_silent_run_is_not(hub: LightHub) -> None:
    """A run says nothing for as long as the servers around it are stopped for being idle, that with a device first."""
    with hub.session("ada") as ada:
        headers = {"Authorization": f"token {_token(ada, 'ada')}"}
        body = {"title": "silent", "kind": "train", "path": "projects/one/runs"}
        answer = ada.http.put(f"/services/labkit/api/runs/{RUN.removeprefix('run-')}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        wait_for(lambda: is_ready(hub, "ada", RUN))
    for name, slug in _OTHERS.items():
        hub.api("POST", f"/users/{name}")
        assert hub.api("POST", f"/users/{name}/server", {"user_options": {"profile": slug}}).status_code in (201, 202)
    gone: list[str] = []

    def both_are_gone() -> bool:
        gone.extend(name for name in _OTHERS if name not in gone and hub.server(name) is None)
        return len(gone) == len(_OTHERS)

    wait_for(both_are_gone)
    assert gone == ["grace", "hedy"]
    assert is_ready(hub, "ada", RUN)


_OTHERS = {"grace": "gpu", "hedy": "cpu"}


def _token(session: Any, name: str) -> str:
    answer = session.http.post(f"/hub/api/users/{name}/tokens", json={}, headers={"X-XSRFToken": session.xsrf})
    return str(answer.json()["token"])
