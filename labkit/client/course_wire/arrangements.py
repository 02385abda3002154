"""What holds for one person, and who hands in together."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.client.course_wire.kinds import ShortText
from labkit.client.wire import Answer, Ask

__all__ = ["Extension", "ExtensionAsk", "ExtensionList", "GroupAsk", "GroupItem", "GroupList"]


class ExtensionAsk(Ask):
    """``PUT assignments/{a}/extensions/{person}``: staff; another due time (as in `AssignmentChange`), or so many attempts, for one person.

    What is not named is as for everybody; ``DELETE`` takes the extension away.
    """

    due: str | None = None
    attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    reason: ShortText = ""


class Extension(Answer):
    """An extension that was given."""

    person: str
    due: AwareDatetime | None = None
    attempts: int | None = None
    reason: str = ""
    given_by: str
    given: AwareDatetime


class ExtensionList(Answer):
    """``GET assignments/{a}/extensions``: staff; by person."""

    extensions: tuple[Extension, ...] = ()


class GroupAsk(Ask):
    """``PUT assignments/{a}/groups/{name}``: staff; the people who hand in together. No members: the group is dissolved."""

    members: Annotated[tuple[str, ...], Field(max_length=50)]


class GroupItem(Answer):
    """A group of an assignment."""

    name: str
    members: tuple[str, ...]


class GroupList(Answer):
    """``GET assignments/{a}/groups``: all for staff, for a student the own one."""

    groups: tuple[GroupItem, ...] = ()
