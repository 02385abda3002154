"""The product's configuration with two things replaced: how people log in, and what a server is. See `labkit.testing.light_hub`.

With ``LIGHT_HUB_SERVERS=process`` servers are the product's processes; with ``LIGHT_HUB_JOURNAL``, a file, those of runs write into it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from jupyterhub import __version__

from labkit_hub.config import apply
from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import Placement
from labkit_hub.settings import load_settings
from labkit_hub.spawner import LabKitProcessSpawner


class LightSpawner(PlacedSpawner):
    """Answers for each server from inside the hub; starting takes as long as the test says."""

    starting = 0
    most_starting = 0
    runner: Any = None

    async def start(self) -> tuple[str, int]:
        LightSpawner.starting += 1
        LightSpawner.most_starting = max(LightSpawner.starting, LightSpawner.most_starting)
        try:
            await asyncio.sleep(float(os.environ.get("LIGHT_HUB_START_S", "0.05")))
            return await self._answer()
        finally:
            LightSpawner.starting -= 1
            print(f"most starts at a time: {LightSpawner.most_starting}", flush=True)

    async def _answer(self) -> tuple[str, int]:
        async def say(_request: web.Request) -> web.Response:
            told = {"version": "light", "environment": dict(self.environment), "cmd": list(self.cmd), "args": list(self.args)}
            told["token"] = self.api_token  # so that a test can ask as this server does
            return web.json_response(told, headers={"X-JupyterHub-Version": __version__})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", say)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return "127.0.0.1", self.runner.addresses[0][1]

    async def stop(self, now: bool = False) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def poll(self) -> int | None:
        return None if self.runner is not None or self._start_pending else 0


class JournalSpawner(LabKitProcessSpawner):
    """The product's own processes; those of runs write down when they began and ended."""

    def apply(self, placement: Placement) -> None:
        super().apply(placement)
        if self.is_run:
            journal = Path(__file__).with_name("run_with_journal.py")
            self.cmd = [sys.executable, str(journal), os.environ["LIGHT_HUB_JOURNAL"], *self.cmd[3:]]


c = get_config()  # noqa: F821  (JupyterHub provides it)
settings = load_settings()
apply(c, settings)
if "LIGHT_HUB_JOURNAL" in os.environ:
    c.JupyterHub.spawner_class = JournalSpawner
elif os.environ.get("LIGHT_HUB_SERVERS") != "process":
    c.JupyterHub.spawner_class = LightSpawner
c.JupyterHub.services.append({"name": "tester", "api_token": os.environ["LIGHT_HUB_TOKEN"]})
scopes = ["admin:users", "admin:servers", "admin:groups", "list:users", "tokens", "read:metrics"]
c.JupyterHub.load_roles.append({"name": "tester", "services": ["tester"], "scopes": scopes})
if settings.accounts.kind == "password":
    c.JupyterHub.authenticator_class = "dummy"
    c.DummyAuthenticator.password = os.environ["LIGHT_HUB_PASSWORD"]
    c.Authenticator.admin_users = {"admin"}
