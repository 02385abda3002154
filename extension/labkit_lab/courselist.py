"""What a person has to do in all their courses: what the hub says, and what lies in their home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labkit.client import CourseClient, service_address
from labkit.client.authoring import AuthorFolder, author_folder_of, find_author_folders, is_looked_at
from labkit.client.course_wire import AssignmentItem
from labkit.client.settings import ServiceAddress
from labkit.client.wire import CourseItem
from labkit.client.workfolder import WorkFolder, WorkRecord, list_work
from labkit.config import courses_dir, projects_dir
from labkit.courses.annotation_files import TASKS_FILE
from labkit.errors import LabKitError
from labkit.runs.answering import at_hub
from labkit.storage import utc_now
from labkit_lab.homes import shown_path
from labkit_lab.places import browser_path
from labkit_lab.wire_courses import AssignmentEntry, AuthoredEntry, CourseEntry, CourseWork, WorkState

__all__ = ["author_folders", "course_work", "is_for_authors"]

_QUICK_S = 2.0
_Works = Mapping[str, tuple[WorkFolder, WorkRecord]]


@dataclass(frozen=True, slots=True)
class _Home:
    """What lies in a person's home: what they work on, by the id of its assignment, and what they write."""

    root: Path
    works: _Works
    written: tuple[AuthorFolder, ...]


def author_folders() -> tuple[AuthorFolder, ...]:
    """Return the folders in which a person writes assignments; pictures and fetched work are not looked through for them."""
    return tuple(find_author_folders(Path.home(), without=(projects_dir(), courses_dir())))


def is_for_authors(folder: Path) -> bool:
    """Whether a folder would be one of these if an assignment were written in it."""
    return is_looked_at(folder, Path.home(), without=(projects_dir(), courses_dir()))


def course_work(root: Path) -> CourseWork:
    """Return all courses; without a hub, or while it is away, that is said."""
    address = service_address()
    if address is None:
        return _answer(False, None, ())
    client = CourseClient(address)
    try:
        standing = client.standing(patience_s=0)
        works = {record.assignment: (folder, record) for folder, record in list_work()}
        is_author = any(course.role != "student" for course in standing.courses)
        home = _Home(root, works, author_folders() if is_author else ())
        return _answer(True, None, tuple(_course(client, address, course, home) for course in standing.courses))
    except LabKitError as error:
        return _answer(True, error, ())
    finally:
        client.close()


def _answer(hub: bool, error: LabKitError | None, courses: tuple[CourseEntry, ...]) -> CourseWork:
    return CourseWork(
        hub=hub,
        problem="" if error is None else error.message,
        hint="" if error is None else error.hint,
        now=utc_now(),
        folder=shown_path(courses_dir()),
        courses=courses,
    )


def _course(client: CourseClient, address: ServiceAddress, course: CourseItem, home: _Home) -> CourseEntry:
    problem = ""
    items: tuple[AssignmentItem, ...] = ()
    try:
        items = client.assignments(course.id, patience_s=_QUICK_S)
    except LabKitError as error:
        problem = f"{error.message} {error.hint}".strip()
    page = _page(address, course)
    entries = tuple(_entry(item, home, page) for item in items)
    return CourseEntry(id=course.id, title=course.title, role=course.role, page=page, problem=problem, assignments=entries)


def _page(address: ServiceAddress, course: CourseItem) -> str:
    """Return the address of the page of a course, for its staff; students have all here."""
    return "" if course.role == "student" else at_hub(f"{urlsplit(address.url).path}/courses/{course.id}")


def _entry(item: AssignmentItem, home: _Home, page: str) -> AssignmentEntry:
    folder, record = home.works.get(item.id, (None, None))
    shared = {name: getattr(item, name) for name in set(AssignmentEntry.model_fields) - {"state", "fetched"} if hasattr(item, name)}
    written = author_folder_of(item, home.written) if page else None
    shared["page"] = f"{page}/assignments/{item.id}" if page else ""
    return AssignmentEntry(
        **shared,
        state=_state(item, record),
        draft=item.state == "draft",
        closed=item.state == "closed" or (item.closes is not None and item.closes <= utc_now()),
        accepts_late=item.late.accept,
        percent_per_day=item.late.percent_per_day,
        floor_percent=item.late.floor_percent,
        fetched=record.release if record else 0,
        folder=browser_path(home.root, folder.root) if folder else None,
        place=shown_path(folder.root) if folder else "",
        annotates=record is not None and record.manifest.entry(TASKS_FILE) is not None,
        notebooks=tuple(f"{name}.ipynb" for name in record.manifest.notebooks) if record else (),
        authored=AuthoredEntry(folder=browser_path(home.root, written), place=shown_path(written)) if written else None,
    )


def _state(item: AssignmentItem, record: WorkRecord | None) -> WorkState:
    if item.feedback:
        return "feedback"
    if item.submitted is not None:
        return "submitted"
    return "to-fetch" if record is None else "working"
