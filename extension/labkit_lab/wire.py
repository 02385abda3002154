"""Every message between the browser and the server extension.

`labkit_lab.typescript` makes ``src/wire.ts`` from these models: the browser's types are never written by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from labkit.annotations import ReviewState

__all__ = [
    "LARGEST_PIECE_BYTES",
    "MOST_TILES",
    "REPLIES",
    "REQUESTS",
    "ChannelWindow",
    "ChannelWindows",
    "DocumentItem",
    "ErrorBody",
    "ErrorReply",
    "FileOption",
    "FileQuestion",
    "ImageItem",
    "ImageList",
    "MaskQuery",
    "NewProject",
    "NewUpload",
    "PieceQuery",
    "ProjectItem",
    "ProjectList",
    "ThumbnailQuery",
    "TileQuery",
    "TilesQuery",
    "UploadAnswers",
    "UploadItem",
    "UploadList",
    "UploadStage",
    "WindowsQuery",
    "WireModel",
]

LARGEST_PIECE_BYTES = 8 << 20  # of an upload: one piece is in memory at a time
MOST_TILES = 64  # of one answer: what a large screen shows, and no more than is worth beginning
UploadStage = Literal["uploading", "checking", "asks", "waiting", "importing", "cancelling", "done", "failed", "cancelled"]


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


class TileQuery(WireModel):
    """Arguments of a tile's address.

    ``version`` is that of the image, so that a tile may be kept for ever; ``view`` says how channels are shown
    (``channel:start:end:RRGGBB,...``), as the image itself says if it is left out; ``z`` and ``t`` choose a plane of a stack.
    """

    level: Annotated[int, Field(ge=0)]
    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]
    version: str
    view: str | None = None
    z: int | None = None
    t: int | None = None


class MaskQuery(WireModel):
    """Arguments of the address of a tile of classes: whose annotations, and the revision that the browser shows.

    ``revision`` keeps the addresses of two states apart; what is answered is the newest that is stored.
    """

    author: str
    revision: Annotated[int, Field(ge=0)]
    level: Annotated[int, Field(ge=0)]
    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]


class WindowsQuery(WireModel):
    """Arguments of the address of a picture's windows: what is seen, in full-resolution pixels, and the plane of a stack."""

    y0: int
    x0: int
    y1: int
    x1: int
    z: int | None = None
    t: int | None = None


class ChannelWindow(WireModel):
    """The values of a channel that become dark and bright."""

    channel: int
    start: float
    end: float


class ChannelWindows(WireModel):
    """Of each channel: the 1 and 99.8 percentiles of what is seen."""

    windows: tuple[ChannelWindow, ...]


class TilesQuery(WireModel):
    """Arguments of the address of several tiles.

    ``tiles`` names them in the order in which they are to come, as ``level/row/column`` joined by commas, at most 64; ``view``, ``z``
    and ``t`` are those of `TileQuery`, for all of them. ``ahead`` says that nobody looks at them yet, so that others go first.
    """

    tiles: Annotated[str, Field(pattern=r"^\d{1,9}/\d{1,9}/\d{1,9}(,\d{1,9}/\d{1,9}/\d{1,9})*$")]
    view: str | None = None
    z: int | None = None
    t: int | None = None
    ahead: bool = False


class NewUpload(WireModel):
    """A file that the browser wants to send; ``relative_path`` lies in the dropped folder, ``last_modified`` is in ms since 1970.

    The same words find an unfinished upload again.
    """

    project_id: str
    name: str
    relative_path: str = ""
    bytes: Annotated[int, Field(ge=0)]
    last_modified: int
    role: Literal["image", "labels"] = "image"


class PieceQuery(WireModel):
    """Arguments of a piece's address: how many bytes have gone before it."""

    offset: Annotated[int, Field(ge=0)]


class UploadAnswers(WireModel):
    """The answers to the questions of a file, by the key of the question; what is left out takes the default."""

    answers: dict[str, str] = {}


class FileOption(WireModel):
    """One answer to a question, and what it means."""

    value: str
    text: str


class FileQuestion(WireModel):
    """What a file leaves open, in plain words."""

    key: str
    text: str
    options: tuple[FileOption, ...]
    default: str


class UploadItem(WireModel):
    """A file on its way into a project.

    ``state`` is uploading (``received`` bytes are safe), checking, asks (``questions``), waiting for its turn, importing
    (``done`` of ``total`` tiles, seconds to go where they are known), cancelling, done (ids of the ``images``), failed
    (``message`` and ``hint``) or cancelled.
    """

    id: str
    project_id: str
    name: str
    relative_path: str
    bytes: int
    last_modified: int
    received: int
    state: UploadStage
    questions: tuple[FileQuestion, ...]
    done: float
    total: float
    remaining_s: float | None
    images: tuple[str, ...]
    notes: tuple[str, ...]
    message: str
    hint: str


class UploadList(WireModel):
    """All files on their way, the first begun first."""

    uploads: tuple[UploadItem, ...]


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


class DocumentItem(WireModel):
    """Somebody's annotations of an image; ``problem`` says why their review cannot be read."""

    author: str
    state: ReviewState
    open_comments: int
    problem: str | None


class ImageItem(WireModel):
    """One image of a project; ``annotated`` if anybody has marked anything in it.

    ``state``, ``finished``, ``objects`` (accepted ones, annotated areas left out) and ``open_comments`` are of the document of whoever
    asks, ``problem`` says why it cannot be read; ``documents`` are those of all authors, ``claimed_by`` holds it until ``claimed_until``.
    """

    id: str
    name: str
    height_px: int
    width_px: int
    annotated: bool
    role: Literal["image", "labels"]
    state: ReviewState
    finished: bool
    objects: int
    open_comments: int
    documents: tuple[DocumentItem, ...]
    claimed_by: str | None
    claimed_until: datetime | None
    problem: str | None


class ImageList(WireModel):
    """The images of a project, oldest first; ``me`` is who asks."""

    me: str
    images: tuple[ImageItem, ...]


class ErrorBody(WireModel):
    """What went wrong (``message``) and what to do next (``hint``)."""

    type: str
    message: str
    hint: str


class ErrorReply(WireModel):
    """The body of every reply that is not a success."""

    error: ErrorBody


REQUESTS: tuple[type[WireModel], ...] = (
    NewProject,
    ThumbnailQuery,
    TileQuery,
    TilesQuery,
    MaskQuery,
    WindowsQuery,
    NewUpload,
    PieceQuery,
    UploadAnswers,
)
REPLIES: tuple[type[WireModel], ...] = (
    ProjectItem,
    ProjectList,
    DocumentItem,
    ImageItem,
    ImageList,
    ChannelWindow,
    ChannelWindows,
    FileOption,
    FileQuestion,
    UploadItem,
    UploadList,
    ErrorBody,
    ErrorReply,
)
