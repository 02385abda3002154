"""Where assignments are written: which folders there are in a home, and of which assignment of which course each of them is."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from labkit.client.course_wire import AssignmentItem, NewAssignment
from labkit.client.courses import CourseClient
from labkit.courses.names import check_assignment_name
from labkit.courses.sheet import SHEET_FILE
from labkit.errors import AlreadyExists, CorruptStore, NotFound, NotWritable, StorageFull
from labkit.storage import AuthorLayout, Record, load_record, save_record

__all__ = [
    "AuthorFolder",
    "AuthorRecord",
    "assignment_called",
    "author_folder_of",
    "find_author_folders",
    "forget_author_folder",
    "is_blank",
    "is_looked_at",
    "note_author_folder",
    "remembered_assignment",
]

_DEEPEST = 4
_MOST_LOOKED_AT = 1500  # folders: a home may hold millions of files, and a panel asks twice a minute
_MOST_IN_ONE = 5000  # names: who has more in one folder keeps data there
_LEFT_OUT = ("__pycache__", "node_modules", "hidden")


class AuthorRecord(Record):
    """``.labkit/authored.json``: as which assignment a folder is released, for each course by its id."""

    format: Literal["labkit-authored/1"] = "labkit-authored/1"
    assignments: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class AuthorFolder:
    """A folder in which an assignment is written, and what it remembers."""

    root: Path
    assignments: Mapping[str, str]


def note_author_folder(folder: Path, item: AssignmentItem) -> None:
    """Let a folder remember of which assignment it is; where that cannot be written the name of the folder has to do."""
    place = AuthorLayout(folder).record
    known = _remembered(folder)
    if known.get(item.course) != item.id:
        with contextlib.suppress(StorageFull, NotWritable):
            save_record(place, AuthorRecord(assignments={**known, item.course: item.id}))


def remembered_assignment(folder: Path, course: str) -> str | None:
    """Return the id of the assignment of a course that a folder remembers to be of, if any."""
    return _remembered(folder).get(course)


def forget_author_folder(folder: Path, item: AssignmentItem) -> None:
    """Let a folder forget an assignment that is written elsewhere now."""
    known = _remembered(folder)
    if known.pop(item.course, None) == item.id:
        save_record(AuthorLayout(folder).record, AuthorRecord(assignments=known))


def find_author_folders(home: Path, *, without: Collection[Path] = ()) -> Iterator[AuthorFolder]:
    """Yield the folders below `home` that hold a sheet or remember an assignment, the nearest first.

    It looks a few levels deep, into no hidden folder, none of `without`, and none that is an assignment itself.
    """
    waiting, looked = deque([(home, 0)]), 0
    apart = {path.absolute() for path in without}
    while waiting and looked < _MOST_LOOKED_AT:
        folder, depth = waiting.popleft()
        looked += 1
        try:
            with os.scandir(folder) as entries:
                found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in islice(entries, _MOST_IN_ONE)}
        except OSError:
            continue  # it has gone, or is not for us
        known = _remembered(folder) if ".labkit" in found else {}
        if depth and (found.get(SHEET_FILE) is False or known):
            yield AuthorFolder(folder, known)
        elif depth < _DEEPEST:
            inner = sorted(name for name, is_folder in found.items() if is_folder and _is_plain(name))
            waiting.extend((folder / name, depth + 1) for name in inner if folder / name not in apart)


def is_looked_at(folder: Path, home: Path, *, without: Collection[Path] = ()) -> bool:
    """Return whether `find_author_folders` would find a folder if it were an assignment's."""
    folder, home = folder.resolve(), home.resolve()
    apart = [inner for path in without if home in (inner := path.resolve()).parents]
    if not folder.is_relative_to(home) or any(folder.is_relative_to(path) for path in apart):
        return False
    parts = folder.relative_to(home).parts
    if not 0 < len(parts) <= _DEEPEST or not all(_is_plain(name) for name in parts):
        return False
    above = (home.joinpath(*parts[:count]) for count in range(1, len(parts)))
    return not any((place / SHEET_FILE).is_file() or _remembered(place) for place in above)


def author_folder_of(item: AssignmentItem, folders: Sequence[AuthorFolder]) -> Path | None:
    """Return the folder in which an assignment is written: one that remembers it, else one of its name that remembers no other.

    Of a folder that was copied with what it remembers the one counts that is called as the assignment.
    """
    remembering = [one for one in folders if one.assignments.get(item.course) == item.id]
    free = [one for one in folders if item.course not in one.assignments]
    called = [one for one in remembering or free if _folded(one.root.name) == _folded(item.name)]
    return next((one.root for one in (*called, *remembering)), None)


def assignment_called(client: CourseClient, course: str, name: str) -> tuple[AssignmentItem, bool]:
    """Return the assignment of this name in a course, and whether it was made now: then it is a draft.

    Where the answer got lost and the hub was asked again, it says that the name is taken: by what was made just then.

    Raises
    ------
    InvalidInput
        No assignment can be called so.
    NotWritable
        It is not there, and the caller is no professor.
    """
    name = check_assignment_name(name)
    if (item := _called(client, course, name)) is not None:
        return item, False
    try:
        return client.create_assignment(course, NewAssignment(name=name)), True
    except AlreadyExists:
        item = _called(client, course, name)
        if item is None or not is_blank(item):
            raise
        return item, True


def is_blank(item: AssignmentItem) -> bool:
    """Return whether an assignment is the caller's own draft, of which nothing was released yet: as if it were made now."""
    return item.own and item.state == "draft" and item.release == 0


def _called(client: CourseClient, course: str, name: str) -> AssignmentItem | None:
    return next((item for item in client.assignments(course) if _folded(item.name) == _folded(name)), None)


def _remembered(folder: Path) -> dict[str, str]:
    try:
        return dict(load_record(AuthorLayout(folder).record, AuthorRecord).assignments)
    except (NotFound, CorruptStore, NotWritable):
        return {}


def _is_plain(name: str) -> bool:
    return name[0] != "." and name not in _LEFT_OUT


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
