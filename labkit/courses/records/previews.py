"""Small pictures that are made at a release, for browsers that do not show those to be annotated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from labkit.courses.records.files import FileEntry
from labkit.courses.records.kinds import Sha256
from labkit.storage import Record

__all__ = ["Preview"]


class Preview(Record):
    """A small picture of what a task asks to annotate, for browsers that do not show it; it is made at the release.

    Attributes
    ----------
    task : str
        The task's id.
    of : str
        The SHA-256 of the picture file.
    sha256, size : str, int
        Of the preview, a PNG or JPEG: a file of the release that is none of the students'.
    height_px, width_px : int
        Of the picture at full resolution, upright: what coordinates of annotations are in.
    """

    task: Annotated[str, Field(min_length=1, max_length=100)]
    of: Sha256
    sha256: Sha256
    size: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1, le=2**31)]
    width_px: Annotated[int, Field(ge=1, le=2**31)]

    @property
    def entry(self) -> FileEntry:
        """The preview as a file."""
        return FileEntry(path=f"preview of {self.task}", sha256=self.sha256, size=self.size)
