"""Routes of a project's images: their list, and their pixels tile by tile."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import Claim, authors, current_claim, load_review, resolve_author
from labkit.config import projects_dir
from labkit.errors import CorruptStore, LabKitError
from labkit.project import ImageRecord, Project
from labkit_lab.server.projects import check_image, project_of_id
from labkit_lab.server.route import Route
from labkit_lab.server.standing import own_standing
from labkit_lab.wire import DocumentItem, ImageItem, ImageList, TileQuery

if TYPE_CHECKING:
    from labkit.tiling import Image

__all__ = ["ImagesRoute", "TilesRoute", "is_there", "opened_image"]

_A_YEAR_S = 365 * 24 * 3600
_MOST_OPEN = 16


class ImagesRoute(Route):
    """The images of one project."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the list."""
        self.reply(await asyncio.to_thread(_image_list, projects_dir(), project_id))


class TilesRoute(Route):
    """The pixels of one image, as people see them."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, image_id: str) -> None:
        """Answer with a JPEG; it may be kept, because an image never changes."""
        asked = self.parsed_query(TileQuery)
        jpeg = await asyncio.to_thread(_tile, projects_dir(), project_id, image_id, asked)
        self.set_header("Cache-Control", f"private, max-age={_A_YEAR_S}, immutable")
        self.finish(jpeg, set_content_type="image/jpeg")


def _image_list(folder: Path, project_id: str) -> ImageList:
    project, me = project_of_id(folder, project_id), resolve_author()
    return ImageList(me=me, images=tuple(_image_item(project, record, me) for record in project.images()))


def _image_item(project: Project, record: ImageRecord, me: str) -> ImageItem:
    own = own_standing(project, record, me)
    held, problem = _claim_of(project, record.id)
    return ImageItem(
        id=record.id,
        name=record.name,
        height_px=record.height_px,
        width_px=record.width_px,
        annotated=project.layout.is_annotated(record.id),
        role=record.role,
        state=own.state,
        finished=own.finished,
        objects=sum(own.objects.values()) + own.unclassified,
        open_comments=own.open_comments,
        documents=tuple(_document_item(project, record.id, name) for name in authors(project, record.id)),
        claimed_by=held.author if held else None,
        claimed_until=held.until if held else None,
        problem=own.problem or problem,
    )


def opened_image(folder: Path, project_id: str, image_id: str) -> Image:
    """Return an image of a project in `folder`; it stays open for the next time.

    Raises
    ------
    NotFound
        There is no such project or image (any more).
    """
    return _SHELF.image(folder, project_id, image_id)


def _document_item(project: Project, image_id: str, author: str) -> DocumentItem:
    try:
        review = load_review(project, image_id, author)
    except CorruptStore as error:
        return DocumentItem(author=author, state="to-annotate", open_comments=0, problem=error.message)
    return DocumentItem(author=author, state=review.state, open_comments=len(review.open_comments), problem=None)


def _claim_of(project: Project, image_id: str) -> tuple[Claim | None, str | None]:
    try:
        return current_claim(project, image_id), None
    except CorruptStore as error:
        return None, error.message


def _tile(folder: Path, project_id: str, image_id: str, asked: TileQuery) -> bytes:
    from labkit.tiling.rendering import parse_view, render_tile  # here, because most servers never need it

    image = opened_image(folder, project_id, image_id)
    view = None if asked.view is None else parse_view(asked.view, image)
    return render_tile(image, asked.level, asked.row, asked.column, view=view, z=asked.z, t=asked.t)


class _Shelf:
    """Images that were looked at lately, open: a tile must not wait for the list of all projects."""

    def __init__(self) -> None:
        self._images: OrderedDict[tuple[Path, str, str], tuple[Project, Image]] = OrderedDict()
        self._lock = threading.Lock()

    def image(self, folder: Path, project_id: str, image_id: str) -> Image:
        """Return the image.

        Raises
        ------
        NotFound
            There is no such project or image (any more).
        """
        key = folder, project_id, image_id
        with self._lock:
            found = self._images.get(key)
            if found is not None and is_there(found[0], project_id, image_id):
                self._images.move_to_end(key)
                return found[1]
            self._images.pop(key, None)
        from labkit.tiling import open_image

        project = project_of_id(folder, project_id)
        check_image(project, image_id)
        image = open_image(project, image_id)
        with self._lock:
            self._images[key] = project, image
            while len(self._images) > _MOST_OPEN:
                self._images.popitem(last=False)
        return image


def is_there(project: Project, project_id: str, image_id: str) -> bool:
    """Return whether the folder still is this project, and holds the image."""
    try:
        same = Project.open(project.path).id == project_id
    except LabKitError:
        return False
    return same and project.layout.image(image_id).record.is_file()


_SHELF = _Shelf()
