"""Routes of runs: what there is, how one stands, and what is done with it."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.client import ProjectRunner
from labkit.config import projects_dir
from labkit.errors import NotFound
from labkit.project import Project
from labkit.runs import Run
from labkit.storage import explain_os_errors, utc_now
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.tales import TALES_SETTING, TaleShelf, Told
from labkit_lab.server.workroom import LearningRoute
from labkit_lab.wire_newrun import NewRun
from labkit_lab.wire_runs import CompareAsk, RunList, RunMove, StoryQuery

__all__ = [
    "CancelRoute",
    "CompareRunsRoute",
    "MoveRoute",
    "ResumeRoute",
    "RetryRoute",
    "RunFormRoute",
    "RunPlanRoute",
    "RunRoute",
    "RunsRoute",
    "SamplesRoute",
    "StoryRoute",
]

_LOOK_EVERY_S = 0.25


class _RunsRoute(LearningRoute):
    """What routes of runs share."""

    @property
    def tales(self) -> TaleShelf:
        """What this server knows of runs."""
        shelf: TaleShelf = self.settings[TALES_SETTING]
        return shelf

    @property
    def root(self) -> Path:
        """The folder that the file browser shows."""
        return Path(self.settings.get("server_root_dir") or Path.cwd())

    async def reply_run(self, run: Run, status: int = HTTPStatus.OK) -> None:
        """Answer with a run as it stands now."""
        self.reply(await asyncio.to_thread(self.tales.item, run, self.root), status)


class RunsRoute(_RunsRoute):
    """The runs of a project: list them, start one."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the list, the newest first; who asks for it may soon want to start a run."""
        if self.get_query_argument("no_track_activity", None) is None:
            self.workroom.warm()
        self.reply(await asyncio.to_thread(_run_list, projects_dir(), project_id, self.tales, self.root))

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Start a training; it waits in the queue until its device is free."""
        asked = self.parsed_body(NewRun)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        run_id = await self.workroom.ask("learning.start_run", project.path, asked)
        await self.reply_run(await asyncio.to_thread(_run_of, project, run_id), HTTPStatus.CREATED)


class RunFormRoute(_RunsRoute):
    """What can be chosen for a new run."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the choices and the defaults."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("learning.run_form", project.path))


class RunPlanRoute(_RunsRoute):
    """What a run would do."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Answer with the plan, or with what is in its way."""
        asked = self.parsed_body(NewRun)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("learning.plan_run", project.path, asked))


class CompareRunsRoute(_RunsRoute):
    """Runs or models side by side."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Answer with the table and the curves."""
        asked = self.parsed_body(CompareAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.compare", project.path, asked))


class RunRoute(_RunsRoute):
    """One run."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, run_id: str) -> None:
        """Answer with how it stands."""
        await self.reply_run(await asyncio.to_thread(_found, project_id, run_id))


class StoryRoute(_RunsRoute):
    """What a run tells."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, run_id: str) -> None:
        """Answer as soon as there is something that is not known yet, or when the time is up."""
        asked = self.parsed_query(StoryQuery)
        run = await asyncio.to_thread(_found, project_id, run_id)
        until = time.monotonic() + asked.wait_s
        reply = await self._news(run, asked)
        while not reply.is_news and time.monotonic() < until and not self._is_left:
            await asyncio.sleep(_LOOK_EVERY_S)
            reply = await self._news(run, asked)
        if not self._is_left:
            self.reply(reply.item)

    def on_connection_close(self) -> None:
        """Stop to wait for somebody who has gone."""
        self._is_left = True
        super().on_connection_close()

    async def _news(self, run: Run, asked: StoryQuery) -> Told:
        return await asyncio.to_thread(self.tales.told, run, asked, self.root)

    _is_left = False


class SamplesRoute(_RunsRoute):
    """The picture of sample predictions of a run."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, run_id: str) -> None:
        """Answer with a PNG, which is another one after each epoch."""
        run = await asyncio.to_thread(_found, project_id, run_id)
        png = await asyncio.to_thread(_samples, run)
        self.set_header("Cache-Control", "private, no-cache")
        self.finish(png, set_content_type="image/png")


class CancelRoute(_RunsRoute):
    """The end of a run before its time."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, run_id: str) -> None:
        """Ask the run to stop; what it has learned so far is kept."""
        run = await asyncio.to_thread(_found, project_id, run_id)
        await asyncio.to_thread(run.cancel)
        await self.reply_run(run)


class RetryRoute(_RunsRoute):
    """The same once more."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, run_id: str) -> None:
        """Queue the same again, from the beginning, and answer with the new run."""
        runner = await asyncio.to_thread(_runner, project_id)
        await self.reply_run(await asyncio.to_thread(runner.retry, run_id), HTTPStatus.CREATED)


class ResumeRoute(_RunsRoute):
    """Going on where a run stopped."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, run_id: str) -> None:
        """Queue a run that goes on from the last checkpoint, and answer with it."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        new_id = await self.workroom.ask("learning.resume_run", project.path, run_id)
        await self.reply_run(await asyncio.to_thread(_run_of, project, new_id), HTTPStatus.CREATED)


class MoveRoute(_RunsRoute):
    """The place of a run in the queue."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, run_id: str) -> None:
        """Let a waiting run be earlier or later."""
        asked = self.parsed_body(RunMove)
        runner = await asyncio.to_thread(_runner, project_id)
        await asyncio.to_thread(runner.move, run_id, asked.place)
        await self.reply_run(await asyncio.to_thread(runner.run, run_id))


def _runner(project_id: str) -> ProjectRunner:
    return ProjectRunner(project_of_id(projects_dir(), project_id).layout.runs)


def _found(project_id: str, run_id: str) -> Run:
    return _runner(project_id).run(run_id)


def _run_of(project: Project, run_id: str) -> Run:
    return ProjectRunner(project.layout.runs).run(run_id)


def _run_list(folder: Path, project_id: str, tales: TaleShelf, root: Path) -> RunList:
    project = project_of_id(folder, project_id)
    runner = ProjectRunner(project.layout.runs)
    trouble = runner.sync()
    runs = runner.runs()
    problem = "" if trouble is None else f"{trouble.message} {trouble.hint}".strip()
    return RunList(title=project.title, now=utc_now(), hub_problem=problem, runs=tuple(tales.items(runs[::-1], root)))


def _samples(run: Run) -> bytes:
    path = run.layout.checkpoints.samples
    if not path.is_file():
        raise NotFound("This run has no sample predictions (yet).", hint="They come after its first epoch.", run_id=run.id)
    with explain_os_errors(path):
        return path.read_bytes()
