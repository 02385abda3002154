"""Which versions of a model are recommended, and which are not to be used any more; their cards never change."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from labkit.errors import InvalidInput
from labkit.project import Project
from labkit.storage import Record, hold_lock, load_record, save_record, utc_now

__all__ = ["Retirement", "Shelf", "load_shelf", "shelve"]


class Retirement(Record):
    """Why and when a version was taken out of use."""

    reason: str
    time: datetime


class Shelf(Record):
    """``models/<name>/shelf.json``: what stands where, apart from the cards."""

    format: Literal[1] = 1
    promoted: int | None = None
    retired: dict[int, Retirement] = {}

    def promote(self, version: int) -> Shelf:
        """Return the shelf with this version in front, in the place of any other."""
        if version in self.retired:
            reason = self.retired[version].reason
            raise InvalidInput(f"Version {version} is retired: {reason}", hint="Restore it first, or promote another one.")
        return self.model_copy(update={"promoted": version})

    def retire(self, version: int, reason: str) -> Shelf:
        """Return the shelf with this version out of use."""
        if not reason.strip():
            raise InvalidInput("A model is retired for a reason.", hint="Say it: others will want to know.")
        retired = {**self.retired, version: Retirement(reason=reason.strip(), time=utc_now())}
        return self.model_copy(update={"promoted": None if self.promoted == version else self.promoted, "retired": retired})

    def restore(self, version: int) -> Shelf:
        """Return the shelf with this version in use again."""
        if version not in self.retired:
            raise InvalidInput(f"Version {version} is not retired.", hint="There is nothing to restore.")
        return self.model_copy(update={"retired": {v: r for v, r in self.retired.items() if v != version}})


def load_shelf(project: Project, name: str) -> Shelf:
    """Return the shelf of a model; an empty one where nobody has put anything on it."""
    path = project.layout.model_shelf(name)
    return load_record(path, Shelf) if path.is_file() else Shelf()


def shelve(project: Project, name: str, version: int, verb: Literal["promote", "retire", "restore"], reason: str = "") -> Shelf:
    """Change a shelf under its lock, and return it.

    Raises
    ------
    InvalidInput
        The change makes no sense as the shelf stands.
    Locked
        Another program holds it.
    """
    with hold_lock(project.layout.model_shelf_lock(name), what=f"the shelf of {name}"):
        shelf = load_shelf(project, name)
        if verb == "promote":
            shelf = shelf.promote(version)
        elif verb == "retire":
            shelf = shelf.retire(version, reason)
        else:
            shelf = shelf.restore(version)
        save_record(project.layout.model_shelf(name), shelf)
    return shelf
