"""A user's server as a process of this machine, in a home of its own.

All users share one account of the operating system here: they are not isolated from each other, and the login page says so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SpawnException
from traitlets import Unicode

from labkit.config import PATIENT_THREADS
from labkit.errors import LabKitError, response_for
from labkit_hub.handout import hand_out
from labkit_hub.homes import UserHome
from labkit_hub.instance import MARK, belongs_to
from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import RUN_STOP_S

__all__ = ["LabKitProcessSpawner"]


class LabKitProcessSpawner(PlacedSpawner, LocalProcessSpawner):  # type: ignore[misc]
    """Starts JupyterLab in the user's home, with the course handed out into it; or a run, in the same home."""

    homes_dir = Unicode(config=True, help="The folder of all homes.")
    course_dir = Unicode(config=True, help="The course that each home gets a copy of.")
    cache_dir = Unicode(config=True, help="Fetched sample data, shared by all.")
    instance = Unicode(config=True, help="Marks the processes of this hub.")

    @property
    def home(self) -> UserHome:
        """The home of this server's user."""
        return UserHome.of(Path(self.homes_dir), self.user.name)

    def make_preexec_fn(self, name: str) -> None:
        """Change nothing in the child: there are no operating system accounts to become."""

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Leave certificates where they are: the server runs under the hub's account."""
        return paths

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Add what makes this server live in its home and in LabKit's environment."""
        search = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        return (
            PATIENT_THREADS
            | env
            | {
                **self.home.environment(),
                "USER": self.user.name,
                "LOGNAME": self.user.name,
                "SHELL": shutil.which("bash") or "/bin/sh",
                "PATH": os.pathsep.join(search),
                "JUPYTERHUB_ROOT_DIR": str(self.home.root),
                "LABKIT_CACHE": self.cache_dir,
                MARK: self.instance,
            }
        )

    async def start(self) -> tuple[str, int]:
        """Prepare the home, then start the server in it."""
        try:
            await asyncio.to_thread(self.home.prepare)
        except LabKitError as error:
            status = response_for(error).http_status
            raise SpawnException(f"{error.message} {error.hint}", reason="home", status_code=status) from error
        if not self.is_run:
            await asyncio.to_thread(self._hand_out_course)
        self.popen_kwargs = {"cwd": str(self.home.root)}
        address: tuple[str, int] = await super().start()
        return address

    def _hand_out_course(self) -> None:
        """Bring the course; a full disk must not keep the user from coming in and making room."""
        home = self.home
        try:
            outcome = hand_out(Path(self.course_dir), home.course, home.handed_out)
        except (LabKitError, OSError) as error:
            self.log.warning("The course could not be handed out to %s: %s", self.user.name, error)
        else:
            self.log.info("Course of %s: %s", self.user.name, outcome)

    async def stop(self, now: bool = False) -> None:
        """Stop the server; a run's supervisor gets its grace after SIGTERM, since an interrupt means nothing to it."""
        if not self.is_run or now or await self.poll() is not None:
            await super().stop(now=now)
            return
        await self._signal(signal.SIGTERM)
        await self.wait_for_death(RUN_STOP_S)
        if await self.poll() is None:
            await super().stop(now=True)

    async def poll(self) -> int | None:
        """Say whether the server runs. A process number left by an earlier hub counts only if the process is one of ours."""
        if self.proc is None and self.pid and not belongs_to(self.pid, self.instance):
            self.clear_state()
            return 0
        status: Any = await super().poll()
        return None if status is None else int(status)
