"""Releases of an assignment."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.client.course_wire.kinds import ShortText
from labkit.client.wire import Answer, Ask
from labkit.courses.records import Item, Limits, Manifest, Preview, RubricButton

__all__ = ["NewRelease", "ReleaseItem"]


class ReleaseItem(Answer):
    """``GET assignments/{a}/releases/{n}``: one release, as students get it; it never changes."""

    assignment: str
    version: int
    released: AwareDatetime
    released_by: str
    message: str = ""
    manifest: Manifest
    items: tuple[Item, ...] = ()
    limits: Limits = Limits()


class NewRelease(Ask):
    """``POST assignments/{a}/releases``: professors. ``student`` is what students fetch, ``source`` the whole, hidden part included.

    ``previews`` are pictures that pages show in place of those to be annotated; they are in neither. All files were sent before
    (``PUT files/{sha256}``). ``key`` makes asking twice the same as asking once.
    """

    key: Annotated[str, Field(min_length=8, max_length=64)]
    student: Manifest
    source: Manifest
    items: tuple[Item, ...]
    limits: Limits = Limits()
    rubric: tuple[RubricButton, ...] = ()
    required: tuple[str, ...] = ()
    message: ShortText = ""
    title: ShortText = ""
    previews: Annotated[tuple[Preview, ...], Field(max_length=1000)] = ()
