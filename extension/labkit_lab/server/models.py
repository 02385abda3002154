"""Routes of models: which there are, what their cards say, which one a name opens, and files for other programs."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.config import projects_dir
from labkit.project import Project
from labkit_lab.server.jobs import JOBS_SETTING, Job, JobShelf
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.workroom import LearningRoute, Workroom
from labkit_lab.wire_models import ModelExportAsk, ModelExportReport, RetireAsk

__all__ = ["ModelExportRoute", "ModelRoute", "ModelsRoute", "PromoteRoute", "RestoreRoute", "RetireRoute"]


class ModelsRoute(LearningRoute):
    """The models of a project."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the list."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.list_of_models", project.path))


class ModelRoute(LearningRoute):
    """One version of a model."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, name: str, version: str) -> None:
        """Answer with its card."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.card_of_model", project.path, f"{name}/{version}"))


class PromoteRoute(LearningRoute):
    """The version that a name opens."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, name: str, version: str) -> None:
        """Let the name open this version."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.promote", project.path, f"{name}/{version}"))


class RetireRoute(LearningRoute):
    """A version that is not to be used any more."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, name: str, version: str) -> None:
        """Retire it; the files stay."""
        asked = self.parsed_body(RetireAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.retire", project.path, f"{name}/{version}", asked.reason))


class RestoreRoute(LearningRoute):
    """A version that is used again."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, name: str, version: str) -> None:
        """Take it back."""
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(await self.workroom.ask("cards.restore", project.path, f"{name}/{version}"))


class ModelExportRoute(LearningRoute):
    """A model as a file of another program's format."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, name: str, version: str) -> None:
        """Begin to write it; the file is fetched from the job."""
        asked = self.parsed_body(ModelExportAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        jobs: JobShelf = self.settings[JOBS_SETTING]
        key = f"{name}/{version}"
        started = jobs.start(lambda job: {"model_file": _export(self.workroom, project, key, asked, job)})
        self.reply(started.item(), HTTPStatus.ACCEPTED)


def _export(room: Workroom, project: Project, key: str, asked: ModelExportAsk, job: Job) -> ModelExportReport:
    folder = job.make_folder() / "out"
    folder.mkdir()
    report: ModelExportReport = room.wait_for("modelfiles.export", project.path, key, asked, folder)
    return report
