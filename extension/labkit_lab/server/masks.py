"""The route that shows annotations as training sees them: the class of each pixel, tile by tile."""

from __future__ import annotations

import asyncio
import io
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from PIL import Image as PillowImage
from tornado import web

from labkit.config import projects_dir
from labkit.project import Project
from labkit_lab.server.images import is_there, opened_image
from labkit_lab.server.projects import check_image, project_of_id
from labkit_lab.server.route import Route
from labkit_lab.wire import MaskQuery

if TYPE_CHECKING:
    from labkit.annotations.reader import DocumentReader

__all__ = ["MaskRoute"]

_MOST_OPEN = 4  # documents: one of 10,000 polygons takes some ten megabytes


class MaskRoute(Route):
    """One author's annotations of an image as class ids."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, image_id: str) -> None:
        """Answer with a grey PNG whose values are class ids: 0 is background, 255 is "nobody has looked"."""
        asked = self.parsed_query(MaskQuery)
        png, revision = await asyncio.to_thread(_mask_tile, projects_dir(), project_id, image_id, asked)
        self.set_header("Cache-Control", "private, no-store")  # the browser's own tiles go by revision
        self.set_header("Labkit-Revision", str(revision))
        self.finish(png, set_content_type="image/png")


def _mask_tile(folder: Path, project_id: str, image_id: str, asked: MaskQuery) -> tuple[bytes, int]:
    """Return the tile, and the revision that it shows: never one before that which was asked for, once that was acknowledged."""
    from labkit.annotations.sampling import sample_classes  # here, because most servers never need it
    from labkit.tiling.rendering import tile_box

    image = opened_image(folder, project_id, image_id)
    document = _READERS.reader(folder, project_id, image_id, asked.author).read()
    classes = sample_classes(document, tile_box(image, asked.level, asked.row, asked.column), 2**asked.level)
    file = io.BytesIO()
    PillowImage.fromarray(classes).save(file, "PNG", compress_level=1)
    return file.getvalue(), document.revision


class _Readers:
    """Documents that were looked at lately: a tile must not wait until one is parsed anew."""

    def __init__(self) -> None:
        self._readers: OrderedDict[tuple[Path, str, str, str], tuple[Project, DocumentReader]] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self, folder: Path, project_id: str, image_id: str, author: str) -> DocumentReader:
        key = folder, project_id, image_id, author
        with self._lock:
            found = self._readers.get(key)
            if found is not None and is_there(found[0], project_id, image_id):
                self._readers.move_to_end(key)
                return found[1]
            self._readers.pop(key, None)
            project = project_of_id(folder, project_id)
            check_image(project, image_id)
            from labkit.annotations.reader import DocumentReader

            reader = DocumentReader(project, image_id, author)
            self._readers[key] = project, reader
            while len(self._readers) > _MOST_OPEN:
                self._readers.popitem(last=False)
        return reader


_READERS = _Readers()
