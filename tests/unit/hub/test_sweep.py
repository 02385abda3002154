"""What the hub removes after graders, and what of theirs the socket proxy lets it touch; Docker is played."""

from __future__ import annotations

import asyncio
import json
import time
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import web
from docker.errors import APIError

from labkit.testing.ports import free_port
from labkit_hub.dockerproxy import Caller, ProxySettings, make_app
from labkit_hub.sweep import sweep_kernels

OLD = time.time() - 3600


class _Docker:
    """Containers by the prefix of their caller; keeps what was removed."""

    def __init__(self, kernels: list[dict[str, Any]], servers: list[str]) -> None:
        running = [{"Id": name, "Labels": {"labkit.server": name}} for name in servers]
        self.containers_of = {"labkit.caller=labkit-grade": kernels, "labkit.caller=labkit": running}
        self.removed: list[str] = []

    def containers(self, *, filters: dict[str, list[str]], **_: bool) -> list[dict[str, Any]]:
        """List them."""
        return self.containers_of[filters["label"][0]]

    def remove_container(self, name: str, **_: bool) -> None:
        """Remove one, unless it is stuck."""
        if name == "stuck":
            raise APIError("busy", response=SimpleNamespace(status_code=500), explanation="device or resource busy")
        self.removed.append(name)


def _kernel(name: str, created: float = OLD, **labels: str) -> dict[str, Any]:
    return {
        "Id": name,
        "Names": [f"/{name}"],
        "Created": created,
        "Labels": {f"labkit.grading.{key}": value for key, value in labels.items()},
    }


def test_kernels_of_a_dead_grader_are_swept() -> None:
    """Known by their run, whose server is gone; those without a run when their time is over, and what has just been made stays."""
    kernels = [
        _kernel("left", run="dead12345678"),
        _kernel("young", time.time(), run="dead12345678"),
        _kernel("used", run="live12345678"),
        _kernel("over", until="7"),
        _kernel("author's", until=str(int(time.time()) + 60)),
    ]
    docker = _Docker(kernels, ["run-live12345678", ""])
    assert sweep_kernels(docker, "labkit", "labkit-grade-") == docker.removed == ["left", "over"]


def test_container_that_cannot_be_removed_keeps_no_other() -> None:
    """It would be the first again at each sweep."""
    docker = _Docker([_kernel(name, run="dead12345678") for name in ("stuck", "left")], [])
    assert sweep_kernels(docker, "labkit", "labkit-grade-") == ["left"]


def test_container_that_lost_its_name_is_swept() -> None:
    """As one that was half removed when Docker died; an error here would end the thread that keeps hub and proxy on all networks."""
    kernel = _kernel("nameless", run="dead12345678") | {"Names": None}
    assert sweep_kernels(_Docker([kernel], []), "labkit", "labkit-grade-") == ["nameless"]


def test_hub_may_list_and_remove_what_graders_leave_and_no_more(tmp_path: Path) -> None:
    """Not stop it, not look into it; and nobody else's at all."""
    owners = {"kernel": "labkit-grade", "other": "another-hub"}
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.path.split("/")[2]
        if request.method == "DELETE":
            return web.Response(status=204)
        if name == "json":
            asked.append(json.loads(request.query["filters"])["label"][-1])
            return web.json_response([])
        return web.json_response({"Id": name, "Config": {"Labels": {"labkit.caller": owners[name]}}})

    async def run() -> list[int]:
        docker, port = web.Application(), free_port()
        docker.router.add_route("*", "/{anything:.*}", answer)
        caller = Caller(addresses=(IPv4Address("127.0.0.1"),), prefix="labkit-", wards=("labkit-grade-",))
        runners = web.AppRunner(docker), web.AppRunner(make_app(ProxySettings(callers={"hub": caller}, socket=str(tmp_path / "d"))))
        for runner in runners:
            await runner.setup()
        await web.UnixSite(runners[0], str(tmp_path / "d")).start()
        await web.TCPSite(runners[1], "127.0.0.1", port).start()
        calls = [("DELETE", "kernel"), ("POST", "kernel/stop"), ("GET", "kernel/json"), ("DELETE", "other")]
        calls += [("GET", f"json?filters={json.dumps({'label': [label]})}") for label in ("labkit.caller=labkit-grade", "labkit.caller=x")]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            statuses = []
            for method, path in calls:
                async with session.request(method, f"/containers/{path}") as found:
                    statuses.append(found.status)
        for runner in runners:
            await runner.cleanup()
        return statuses

    assert asyncio.run(run()) == [204, 403, 403, 403, 200, 200]
    assert asked == ["labkit.caller=labkit-grade", "labkit.caller=labkit"]
