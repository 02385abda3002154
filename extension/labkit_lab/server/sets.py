"""Routes of training sets: which there are, what would come of a wish, building, comparing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import resolve_author
from labkit.config import projects_dir
from labkit.events import Event, EventSink, Progress
from labkit.project import Project
from labkit_lab.server.jobs import Job, QueueingRoute
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.route import Route
from labkit_lab.server.workroom import WORKROOM_SETTING, Workroom
from labkit_lab.setwords import choices, class_items, comparison_report, plan_report, set_item, spec_of
from labkit_lab.wire_sets import ComparisonReport, PlanReport, PreviewAsk, SetAsk, SetItem, SetList, SetsQuery

__all__ = ["SetBuildRoute", "SetChangesRoute", "SetPlanRoute", "SetPreviewRoute", "SetsComparisonRoute", "SetsRoute"]


class SetsRoute(Route):
    """The training sets of a project."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the list, and what another set can be made of."""
        self.reply(await asyncio.to_thread(_listed, projects_dir(), project_id))


class _SetJobRoute(QueueingRoute):
    async def _begin(self, project_id: str, work: Callable[[Project, Job], dict[str, Any]]) -> None:
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: work(project, job)).item(), HTTPStatus.ACCEPTED)


class SetPlanRoute(_SetJobRoute):
    """What would come of a wish."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to find out; nothing is written."""
        asked = self.parsed_body(SetAsk)
        await self._begin(project_id, lambda project, job: {"planned": _planned(project, asked, job)})


class SetBuildRoute(_SetJobRoute):
    """A set out of a wish."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to build it."""
        asked = self.parsed_body(SetAsk)
        await self._begin(project_id, lambda project, job: {"built": _built(project, asked, job)})


class SetPreviewRoute(_SetJobRoute):
    """Chips of a wish beside what training makes of them."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to draw them."""
        asked = self.parsed_body(PreviewAsk)
        room: Workroom = self.settings[WORKROOM_SETTING]
        await self._begin(project_id, lambda project, job: {"previewed": room.wait_for("setpreview.preview_report", project.path, asked)})


class SetChangesRoute(_SetJobRoute):
    """What a set would be now."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, key: str) -> None:
        """Begin to find out; nothing is written."""
        await self._begin(project_id, lambda project, job: {"compared": _changed(project, key, job)})


class SetsComparisonRoute(Route):
    """How two sets differ."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the differences."""
        asked = self.parsed_query(SetsQuery)
        self.reply(await asyncio.to_thread(_compared, projects_dir(), project_id, asked))


def _listed(folder: Path, project_id: str) -> SetList:
    from labkit.datasets import list_training_sets

    project = project_of_id(folder, project_id)
    images = choices(project)
    return SetList(
        title=project.title,
        me=resolve_author(),
        classes=class_items(project.classes),
        images=images,
        group_keys=tuple(sorted({key for image in images for key in image.groups})),
        sets=tuple(set_item(project, data) for data in reversed(list_training_sets(project))),
    )


def _planned(project: Project, asked: SetAsk, job: Job) -> PlanReport:
    from labkit.datasets import plan_training_set

    spec = spec_of(project, asked)
    return plan_report(plan_training_set(project, spec, on_event=_steps(job), cancel=job.cancel))


def _built(project: Project, asked: SetAsk, job: Job) -> SetItem:
    from labkit.datasets import build_from_spec

    spec = spec_of(project, asked)
    return set_item(project, build_from_spec(project, spec, on_event=_steps(job), cancel=job.cancel))


def _changed(project: Project, key: str, job: Job) -> ComparisonReport:
    from labkit.datasets import changes_since, open_training_set

    return comparison_report(changes_since(project, open_training_set(project, key), on_event=_steps(job), cancel=job.cancel))


def _compared(folder: Path, project_id: str, asked: SetsQuery) -> ComparisonReport:
    from labkit.datasets import compare_sets, open_training_set

    project = project_of_id(folder, project_id)
    return comparison_report(compare_sets(open_training_set(project, asked.one), open_training_set(project, asked.other)))


def _steps(job: Job) -> EventSink:
    """Return what notes in a job how far the library is."""

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            job.step(event.done, event.total)

    return note
