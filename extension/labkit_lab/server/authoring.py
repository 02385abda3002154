"""Routes of the Course panel for who writes assignments."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.client.authoring import assignment_called, author_folder_of, forget_author_folder, is_blank, note_author_folder
from labkit.client.course_wire import AssignmentItem
from labkit.client.releasing import refuse_changed, release_folder
from labkit.client.workfolder import WorkFolder
from labkit.courses.folder import Assignment, load_assignment
from labkit.courses.grading.solution import grade_solution
from labkit.courses.names import check_assignment_name
from labkit.errors import AlreadyExists, InvalidInput, NotFound, WorkerLost
from labkit.events import Event, Log, Progress
from labkit.storage import AuthorLayout, publish_folder, scratch_folder
from labkit_lab.authoring import change_of, checked_report, given_out, release_plan, tested_report, write_preview
from labkit_lab.courselist import author_folders, is_for_authors
from labkit_lab.homes import path_in_home, shown_path
from labkit_lab.places import browser_path
from labkit_lab.savedmarks import check_saved
from labkit_lab.server.courses import CourseRoute, course_client
from labkit_lab.server.jobs import Job, QueueingRoute
from labkit_lab.server.trials import told_error
from labkit_lab.wire_authoring import (
    AuthorAsk,
    AuthorFolderItem,
    AuthorFolderList,
    CheckedReport,
    FolderAsk,
    MadeItem,
    NewAssignmentAsk,
    PreviewItem,
    ReleaseAsk,
    ReleasedReport,
    ReleasePlan,
    TestedReport,
)
from labkit_lab.wire_sending import SavedDocument

__all__ = [
    "AuthorFolderRoute",
    "AuthorFoldersRoute",
    "CheckRoute",
    "NewAssignmentRoute",
    "PreviewRoute",
    "ReleasePlanRoute",
    "ReleaseRoute",
    "SolutionRoute",
]

_SAMPLE_S = 120.0


class AuthorFoldersRoute(CourseRoute):
    """Where assignments can be written."""

    @web.authenticated
    @authorized
    async def get(self, course: str) -> None:
        """Answer with the folders of assignments in this home."""
        self.reply(await asyncio.to_thread(_folders, course, self.root))


class NewAssignmentRoute(CourseRoute):
    """The assignments of a course."""

    @web.authenticated
    @authorized
    async def post(self, course: str) -> None:
        """Make one, as a draft, of a folder that exists or of a sample."""
        asked = self.parsed_body(NewAssignmentAsk)
        self.reply(await asyncio.to_thread(_make, course, asked, self.root), HTTPStatus.CREATED)


class AuthorFolderRoute(CourseRoute):
    """Where one assignment is written."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Let a folder remember that it is this assignment's, and others forget it."""
        asked = self.parsed_body(FolderAsk)
        self.reply(await asyncio.to_thread(_choose, assignment, asked, self.root))


class CheckRoute(CourseRoute):
    """What is wrong with an assignment."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Answer with all problems of its folder."""
        asked = self.parsed_body(AuthorAsk)
        self.reply(await asyncio.to_thread(_check, assignment, asked, self.root))


class PreviewRoute(CourseRoute):
    """What students get."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Write it into a folder beside that of the assignment."""
        asked = self.parsed_body(AuthorAsk)
        self.reply(await asyncio.to_thread(_preview, assignment, asked, self.root))


class SolutionRoute(CourseRoute, QueueingRoute):
    """The own solution of an assignment."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Begin to grade it, in programs beside this server."""
        asked, root = self.parsed_body(AuthorAsk), self.root
        read = await asyncio.to_thread(_read, assignment, asked.documents, "tested", "test")
        self.reply(self.jobs.start(lambda job: {"tested": _test(read, root, job)}).item(), HTTPStatus.ACCEPTED)


class ReleasePlanRoute(CourseRoute):
    """What a release would be."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Answer with what students would get, and what holds for the assignment now."""
        asked = self.parsed_body(AuthorAsk)
        self.reply(await asyncio.to_thread(_plan, assignment, asked, self.root))


class ReleaseRoute(CourseRoute, QueueingRoute):
    """Releases."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Begin to release what was confirmed."""
        asked = self.parsed_body(ReleaseAsk)
        read = await asyncio.to_thread(_read, assignment, asked.documents, "released", "release")
        self.reply(self.jobs.start(lambda job: {"released": _release(assignment, read, asked, job)}).item(), HTTPStatus.ACCEPTED)


def _folders(course: str, root: Path) -> AuthorFolderList:
    with closing(course_client()) as client:
        names = {item.id: item.name for item in client.assignments(course)}
    found = [(one, browser_path(root, one.root)) for one in author_folders()]
    return AuthorFolderList(
        folders=tuple(
            AuthorFolderItem(
                folder=shown, place=shown_path(one.root), name=one.root.name, assignment=names.get(one.assignments.get(course, ""), "")
            )
            for one, shown in found
            if shown is not None
        )
    )


def _make(course: str, asked: NewAssignmentAsk, root: Path) -> MadeItem:
    if asked.sample:
        return _make_sample(course, root / check_assignment_name(asked.folder.strip()), root)
    place = _place(asked.folder, root)
    with closing(course_client()) as client:
        item, made = assignment_called(client, course, place.name)
    return _written_in(place, item, root, made=made)


def _make_sample(course: str, place: Path, root: Path) -> MadeItem:
    """Write a sample, let the course have it, and only then put it in its place: what fails leaves neither here nor there.

    A draft of one's own that is written nowhere is taken up: that is what a try leaves of which the hub's answer got lost.
    """
    if _findable(place).exists():
        raise AlreadyExists(f"{shown_path(place)} is there already.", hint="Give the sample another name, or take the folder that exists.")
    with scratch_folder(place.parent) as scratch:
        _write_sample(scratch / place.name)
        with closing(course_client()) as client:
            item, made = assignment_called(client, course, place.name)
        if not made and (not is_blank(item) or author_folder_of(item, author_folders()) is not None):
            raise AlreadyExists(f"The course has an assignment {item.name} already.", hint="Give the sample another name.")
        publish_folder(scratch / place.name, place)
    return _written_in(place, item, root, made=True)


def _choose(assignment: str, asked: FolderAsk, root: Path) -> MadeItem:
    place = _place(asked.folder, root)
    with closing(course_client()) as client:
        item = client.assignment(assignment)
    return _written_in(place, item, root, made=False)


def _place(folder: str, root: Path) -> Path:
    """Return the folder of an assignment that the browser names."""
    place = path_in_home(str(root / folder.strip("/")))
    if place in (root.resolve(), Path.home().resolve()):
        raise InvalidInput("This is your whole home.", hint="Make a folder for the assignment, and take that.")
    if not place.is_dir():
        raise NotFound(f"{shown_path(place)} is no folder.", hint="Choose the folder that holds the notebooks of the assignment.")
    if AuthorLayout(place).preview_mark.is_file():
        raise InvalidInput(f"{shown_path(place)} is a preview: it has no solutions.", hint="Choose the folder that you write in.")
    return _findable(place)


def _findable(place: Path) -> Path:
    """Return a folder that is found again: else it would be taken, and be unknown at once."""
    if not is_for_authors(place):
        raise InvalidInput(
            f"No assignment is looked for in {shown_path(place)}: it is outside of your home or more than four folders deep in it, hidden, "
            "fetched work, a project, or within another assignment.",
            hint="Move it to another place in your home, and take it there.",
        )
    return place


def _write_sample(place: Path) -> None:
    """Write a sample in a program beside the server, which would keep what making pictures needs."""
    command = [sys.executable, "-P", "-m", "labkit", "course", "new", "--json", "--", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SAMPLE_S, stdin=subprocess.DEVNULL, check=False)
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        hint = "The machine may be short of memory: close what you do not need, and try again."
        raise WorkerLost("The program that writes the sample died.", hint=hint) from error
    if done.returncode:
        raise told_error(said["error"])


def _written_in(place: Path, item: AssignmentItem, root: Path, *, made: bool) -> MadeItem:
    for other in author_folders():
        if other.root.resolve() != place.resolve():
            forget_author_folder(other.root, item)
    note_author_folder(place, item)
    first = next(iter(sorted(place.glob("*.ipynb"))), None)
    return MadeItem(
        id=item.id, name=item.name, made=made, place=shown_path(place), open=browser_path(root, first) if first is not None else None
    )


def _folder(assignment: str) -> Path:
    """Return where an assignment is written; where its folder remembers it, the hub need not be there."""
    folders = author_folders()
    if len(remembering := [one for one in folders if assignment in one.assignments.values()]) == 1:
        return remembering[0].root
    with closing(course_client()) as client:
        found = author_folder_of(client.assignment(assignment), folders)
    if found is None:
        raise NotFound("It is not known in which folder this assignment is written.", hint="Choose its folder first.")
    return found


def _read(assignment: str, documents: tuple[SavedDocument, ...], undone: str, again: str) -> Assignment:
    folder = _folder(assignment)
    check_saved(WorkFolder(folder), documents, undone=undone, again=again)
    return load_assignment(folder)


def _check(assignment: str, asked: AuthorAsk, root: Path) -> CheckedReport:
    return checked_report(_read(assignment, asked.documents, "checked", "check"), root)


def _preview(assignment: str, asked: AuthorAsk, root: Path) -> PreviewItem:
    return write_preview(_read(assignment, asked.documents, "written", "preview"), root)


def _test(assignment: Assignment, root: Path, job: Job) -> TestedReport:
    def step(event: Event) -> None:
        if isinstance(event, Progress):
            job.step(event.done, event.total, event.unit)

    with tempfile.TemporaryDirectory(prefix="labkit-test-") as scratch:
        result, _ = grade_solution(assignment, Path(scratch), on_event=step, cancel=job.cancel)
    return tested_report(result, assignment, root)


def _plan(assignment: str, asked: AuthorAsk, root: Path) -> ReleasePlan:
    read = _read(assignment, asked.documents, "released", "release")
    with closing(course_client()) as client:
        return release_plan(read, client.assignment(assignment), root)


def _release(assignment: str, read: Assignment, asked: ReleaseAsk, job: Job) -> ReleasedReport:
    """Release a folder, with what holds from then on; where it cannot be, nothing else is to hold either."""
    notes: list[str] = []

    def step(event: Event) -> None:
        if isinstance(event, Progress):
            job.step(event.done, event.total)
        elif isinstance(event, Log):
            notes.append(event.text)

    refuse_changed(given_out(read), asked.seen)
    with closing(course_client()) as client:
        item = client.assignment(assignment)
        change = change_of(asked, item)

        def settle() -> None:
            job.cancel.raise_if_cancelled()
            if change is not None:
                client.change_assignment(assignment, change)

        more = {"message": asked.message, "seen": asked.seen}
        done = release_folder(client, item, read.root, **more, when_sent=settle, on_event=step, cancel=job.cancel)
    return ReleasedReport(
        release=done.version,
        files=len(done.manifest.files),
        max_points=sum(one.max_points for one in done.items),
        unchanged=done.version == item.release,
        notes=tuple(notes),
    )
