"""Routes of the Projects panel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.config import projects_dir
from labkit.errors import LabKitError, NotFound
from labkit.project import Project, ProjectSummary, list_projects
from labkit.storage import explain_os_errors
from labkit_lab.places import browser_path, find_lesson
from labkit_lab.server.route import Route
from labkit_lab.wire import NewProject, ProjectItem, ProjectList, ThumbnailQuery

__all__ = ["ProjectsRoute", "ThumbnailRoute", "check_image", "project_of_id", "readable_projects"]

_A_YEAR_S = 365 * 24 * 3600


class ProjectsRoute(Route):
    """The projects of this home: list them, add one."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the list."""
        self.reply(await asyncio.to_thread(_project_list, projects_dir(), self.root))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Make a project and answer with its line of the list."""
        asked = self.parsed_body(NewProject)
        item = await asyncio.to_thread(_create_project, projects_dir(), asked, self.root)
        self.reply(item, HTTPStatus.CREATED)

    @property
    def root(self) -> Path:
        """The folder that the file browser shows."""
        return Path(self.settings.get("server_root_dir") or Path.cwd())


class ThumbnailRoute(Route):
    """A small picture of one image of a project."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with a PNG; one that names its image may be kept, because an image never changes."""
        asked = self.parsed_query(ThumbnailQuery)
        png = await asyncio.to_thread(_thumbnail, projects_dir(), project_id, asked)
        self.set_header("Cache-Control", f"private, max-age={_A_YEAR_S}, immutable" if asked.image else "private, no-cache")
        self.finish(png, set_content_type="image/png")


def project_of_id(folder: Path, project_id: str) -> Project:
    """Return the project of this id that lies directly in `folder`.

    The id is only compared, never made into a path.

    Raises
    ------
    NotFound
        No project there has this id.
    """
    for project in readable_projects(folder):
        if project.id == project_id:
            return project
    raise NotFound("This project is not there (any more).", hint="Refresh the list of projects.", project_id=project_id)


def check_image(project: Project, image_id: str) -> None:
    """Refuse an id that is none of an image of the project.

    Raises
    ------
    NotFound
        There is no such image (any more).
    """
    if not project.layout.has_image(image_id):
        raise NotFound("The project has no such image.", hint="Refresh the list of projects.", image_id=image_id)


def readable_projects(folder: Path) -> Iterator[Project]:
    """Yield the projects that lie directly in `folder`; what cannot be read is left out."""
    with explain_os_errors(folder):
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        try:
            yield Project.open(path)
        except LabKitError:  # a folder that is no project, or one that is broken
            continue


def _project_list(folder: Path, root: Path) -> ProjectList:
    with explain_os_errors(folder):
        summaries = list_projects(folder)
    return ProjectList(folder=str(folder), lesson=find_lesson(root), projects=tuple(_item(s, root) for s in summaries))


def _create_project(folder: Path, asked: NewProject, root: Path) -> ProjectItem:
    return _item(Project.create(folder, asked.name, title=asked.title, classes=asked.classes).summary(), root)


def _item(summary: ProjectSummary, root: Path) -> ProjectItem:
    shared = summary.model_dump(include=set(ProjectItem.model_fields))
    return ProjectItem(**shared, browser_path=browser_path(root, Path(summary.path)))


def _thumbnail(folder: Path, project_id: str, asked: ThumbnailQuery) -> bytes:
    project = project_of_id(folder, project_id)
    image_id = asked.image or project.summary().cover_image
    if image_id is None:
        raise NotFound("The project has no image yet.", hint="Import a picture first.", project_id=project_id)
    check_image(project, image_id)
    from labkit.tiling import open_image  # here, because it loads zarr and xarray, which no other route needs

    return open_image(project, image_id).thumbnail_png(asked.max_px)
