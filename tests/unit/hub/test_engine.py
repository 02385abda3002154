"""How spawners ask Docker."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from labkit_hub.dockerspawner import LabKitDockerSpawner
from labkit_hub.swarmspawner import LabKitSwarmSpawner


class SlowEngine:
    """Stands in for Docker: a stop ends only when something else was asked meanwhile."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def stop(self, _name: str) -> bool:
        return self.asked.wait(60)

    def inspect_container(self, name: str) -> dict[str, Any]:
        self.asked.set()
        return {"Id": name}


def test_a_slow_stop_keeps_nobody_waiting() -> None:
    """While Docker stops one container, it answers about another."""

    async def ask_both() -> list[Any]:
        engine = SlowEngine()
        one, other = LabKitDockerSpawner(), LabKitDockerSpawner()
        one.__class__._client = engine
        try:
            return list(await asyncio.gather(one.docker("stop", "a"), other.docker("inspect_container", "b")))
        finally:
            one.__class__._client = None

    assert asyncio.run(ask_both()) == [True, {"Id": "b"}]
    assert LabKitSwarmSpawner._executor is LabKitDockerSpawner._executor
