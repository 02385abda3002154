"""Every message between the browser and the server extension.

`labkit_lab.typescript` makes ``src/wire.ts`` from these models: the browser's types are never written by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["REPLIES", "REQUESTS", "ErrorBody", "ErrorReply", "NewProject", "ProjectItem", "ProjectList", "ThumbnailQuery", "WireModel"]


class WireModel(BaseModel):
    """A message: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewProject(WireModel):
    """What is asked for: a new project with this folder name, title and these classes."""

    name: str
    title: str = ""
    classes: tuple[str, ...] = ()


class ThumbnailQuery(WireModel):
    """Arguments of a thumbnail's address: the id of the image (the cover if not said), and its longest side in pixels."""

    image: str | None = None
    max_px: Annotated[int, Field(ge=16, le=1024)] = 256


class ProjectItem(WireModel):
    """One project in the list.

    ``path`` is absolute; ``browser_path`` is the same folder as the file browser names it, null when it lies outside of
    what the file browser shows. ``cover_image`` is the id of the image for the thumbnail, null when there is none.
    """

    id: str
    title: str
    path: str
    browser_path: str | None
    images: int
    annotated_images: int
    training_sets: int
    models: int
    classes: tuple[str, ...]
    cover_image: str | None
    modified: datetime


class ProjectList(WireModel):
    """The projects of this home, the last modified first.

    ``folder`` is where they lie; ``lesson`` is the first lesson as the file browser names it, null when it is not there.
    """

    folder: str
    lesson: str | None
    projects: tuple[ProjectItem, ...]


class ErrorBody(WireModel):
    """What went wrong (``message``) and what to do next (``hint``)."""

    type: str
    message: str
    hint: str


class ErrorReply(WireModel):
    """The body of every reply that is not a success."""

    error: ErrorBody


REQUESTS: tuple[type[WireModel], ...] = (NewProject, ThumbnailQuery)
REPLIES: tuple[type[WireModel], ...] = (ProjectItem, ProjectList, ErrorBody, ErrorReply)
