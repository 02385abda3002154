"""Messages of annotations that go into files and come out of files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labkit.annotations import ExportFormat
from labkit_lab.wire import WireModel
from labkit_lab.wire_quality import ProblemItem

__all__ = [
    "EXCHANGE_REPLIES",
    "EXCHANGE_REQUESTS",
    "ExportAsk",
    "ExportReport",
    "ImportAsk",
    "ImportReport",
    "ImportedFile",
    "IncomingFile",
    "IncomingItem",
    "LookAsk",
    "LookReport",
    "LookedFile",
    "NewIncoming",
]


class ExportAsk(WireModel):
    """Write an author's annotations of these images (none named means all) to files of a format."""

    format: ExportFormat
    author: str
    images: tuple[str, ...] = ()


class ExportReport(WireModel):
    """A file to fetch; ``losses`` are the first of ``losses_total`` remarks on what the format cannot hold."""

    name: str
    bytes: int
    files: int
    losses: tuple[str, ...]
    losses_total: int
    problems: tuple[ProblemItem, ...]


class IncomingFile(WireModel):
    """A file that the browser wants to send."""

    name: str
    bytes: Annotated[int, Field(ge=0)]


class NewIncoming(WireModel):
    """Files of annotations that belong together."""

    files: Annotated[tuple[IncomingFile, ...], Field(min_length=1, max_length=1000)]


class IncomingItem(WireModel):
    """Files on their way: how many bytes of each are here, in the order in which they were named."""

    id: str
    received: tuple[int, ...]


class LookAsk(WireModel):
    """Find out what files are; ``image`` is for all of them, else each goes to the image of its name."""

    incoming: str
    image: str | None = None


class LookedFile(WireModel):
    """What a file is: how many objects it has where that is known, and what must be said of it before it comes in."""

    name: str
    image: str
    format: str
    objects: int | None
    needs_class: bool
    may_shift: bool


class LookReport(WireModel):
    """What files are."""

    files: tuple[LookedFile, ...]
    problems: tuple[ProblemItem, ...]


class ImportAsk(WireModel):
    """Take files in, into an author's documents; the other fields are as in `labkit.annotations.import_annotations`."""

    incoming: str
    author: str
    image: str | None = None
    class_name: str | None = None
    finished: bool | None = None
    shift_auto: bool = False


class ImportedFile(WireModel):
    """What came in with one file."""

    name: str
    image_id: str
    image: str
    author: str
    format: str
    added: int
    updated: int
    skipped: int
    finished: bool
    warnings: tuple[str, ...]
    warnings_total: int


class ImportReport(WireModel):
    """What came in, and which files did not."""

    files: tuple[ImportedFile, ...]
    problems: tuple[ProblemItem, ...]


EXCHANGE_REQUESTS: tuple[type[WireModel], ...] = (ExportAsk, NewIncoming, LookAsk, ImportAsk)
EXCHANGE_REPLIES: tuple[type[WireModel], ...] = (IncomingItem,)
