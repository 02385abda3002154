"""The roster as hub groups ``course-<id>-professors|assistants|students``: the hub follows, never the other way round."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from labkit.errors import LabKitError
from labkit_hub.service.database import Database
from labkit_hub.service.people.roster import ROLES
from labkit_hub.service.tables import CourseRow, MemberRow

__all__ = ["GroupChange", "GroupsApi", "Mirror", "group_name", "plan_groups", "wanted_groups"]

log = logging.getLogger(__name__)
_EVERY_S = 60.0
_JOIN_S = 30.0


class GroupsApi(Protocol):
    """What the mirror asks of the hub."""

    def user_names(self) -> Set[str] | None:
        """Return all people; None without a definite answer."""
        ...

    def groups(self) -> Mapping[str, Set[str]] | None:
        """Return all groups with their members; None without a definite answer."""
        ...

    def create_group(self, group: str) -> None:
        """Make a group."""
        ...

    def add_to_group(self, group: str, names: Set[str]) -> None:
        """Put people into it."""
        ...

    def remove_from_group(self, group: str, names: Set[str]) -> None:
        """Take people out of it."""
        ...


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What is to be done to one group."""

    group: str
    create: bool = False
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


def group_name(course_id: str, role: str) -> str:
    """Return the hub group of a role in a course."""
    return f"course-{course_id}-{role}s"


def wanted_groups(database: Database) -> dict[str, frozenset[str]]:
    """Return what the groups should hold; those of an archived course hold nobody."""
    with database.reading() as session:
        courses = session.execute(select(CourseRow.id, CourseRow.archived)).all()
        members = session.execute(select(MemberRow.course_id, MemberRow.role, MemberRow.username)).all()
    archived = {course_id for course_id, when in courses if when is not None}
    wanted: dict[str, set[str]] = {group_name(course_id, role): set() for course_id, _ in courses for role in ROLES}
    for course_id, role, name in members:
        if course_id not in archived:
            wanted.setdefault(group_name(course_id, role), set()).add(name)
    return {group: frozenset(names) for group, names in wanted.items()}


def plan_groups(wanted: Mapping[str, Set[str]], groups: Mapping[str, Set[str]], known: Set[str]) -> list[GroupChange]:
    """Return what to do so that `groups` hold those `wanted` whom the hub knows; groups of other names are left alone.

    Parameters
    ----------
    wanted, groups : mapping of group to names
    known : set of str
        Everybody who has an account in the hub.
    """
    changes = []
    for group, names in sorted(wanted.items()):
        present = groups.get(group, frozenset())
        change = GroupChange(group, group not in groups, frozenset(names & known - present), frozenset(present - names))
        if change.create or change.add or change.remove:
            changes.append(change)
    return changes


class Mirror:
    """Brings the hub's groups up to date: every minute, and at once after `poke`.

    What the hub does not know yet, and what fails while it is away, is done in a later round.
    """

    def __init__(self, database: Database, hub: GroupsApi, *, every_s: float = _EVERY_S) -> None:
        self._database = database
        self._hub = hub
        self._every_s = every_s
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="roster-mirror", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a round that has begun is finished first."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def poke(self) -> None:
        """Say that the roster has changed."""
        self._wake.set()

    def round(self) -> bool:
        """Do all that can be done now; return whether the hub let us."""
        wanted = wanted_groups(self._database)
        groups = self._hub.groups()
        if groups is None:
            return False
        missing = any(names - groups.get(group, frozenset()) for group, names in wanted.items())
        known = self._hub.user_names() if missing else frozenset()
        if known is None:
            return False
        for change in plan_groups(wanted, groups, known):
            self._carry_out(change)
        return True

    def _carry_out(self, change: GroupChange) -> None:
        if change.create:
            self._hub.create_group(change.group)
        if change.add:
            self._hub.add_to_group(change.group, change.add)
        if change.remove:
            self._hub.remove_from_group(change.group, change.remove)
        log.info("Group %s: %d added, %d removed", change.group, len(change.add), len(change.remove))

    def _work(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                done = self.round()
            except (LabKitError, SQLAlchemyError) as error:
                log.warning("The hub's groups could not be brought up to date: %s", error)
                done = False
            except Exception:
                log.exception("The hub's groups could not be brought up to date")
                done = False
            self._wake.wait(self._every_s if done else min(5.0, self._every_s))
