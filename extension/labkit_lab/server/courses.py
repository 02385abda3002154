"""Routes of the Course panel."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.client import CourseClient, service_address
from labkit.client.annotating import asked_scopes, collect_work
from labkit.client.course_wire import ActivityAsk
from labkit.client.feedback import counting_submission
from labkit.client.fetching import fetch_assignment
from labkit.client.finding import own_submissions, time_zone_of
from labkit.client.handing_in import Collected, hand_in
from labkit.client.workfolder import WorkFolder, find_work
from labkit.config import courses_dir, projects_dir
from labkit.errors import Conflict, LabKitError, NotFound
from labkit_lab.courseitems import feedback_item, fetch_report, history_row, receipt_item, send_plan
from labkit_lab.courselist import course_work
from labkit_lab.savedmarks import check_saved
from labkit_lab.server.annotated import DRAWN_SETTING, DrawnShelf
from labkit_lab.server.jobs import QueueingRoute
from labkit_lab.server.route import Route
from labkit_lab.server.trials import try_work
from labkit_lab.wire_courses import ActivityNote, FetchReport, NotedItem
from labkit_lab.wire_feedback import FeedbackItem, FeedbackQuery
from labkit_lab.wire_sending import AskedAnnotations, HistoryList, ReceiptItem, SendAsk, SendPlan
from labkit_lab.wire_trials import TrialAsk

__all__ = [
    "ActivityRoute",
    "AskedAnnotationsRoute",
    "CourseRoute",
    "CoursesRoute",
    "FeedbackRoute",
    "FetchRoute",
    "HistoryRoute",
    "SendPlanRoute",
    "SubmitRoute",
    "TrialRoute",
    "course_client",
]

_QUICK_S = 3.0  # for who only looks: the page asks again


class CourseRoute(Route):
    """What routes of the panel share."""

    @property
    def root(self) -> Path:
        """The folder that the file browser shows."""
        return Path(self.settings.get("server_root_dir") or Path.cwd())


class CoursesRoute(CourseRoute):
    """What a person has to do."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with all courses and assignments."""
        self.reply(await asyncio.to_thread(course_work, self.root))


class FetchRoute(CourseRoute):
    """The files of a release."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Bring them into the folder of the assignment; what was changed there stays."""
        self.reply(await asyncio.to_thread(_fetch, assignment, self.root))


class SendPlanRoute(CourseRoute):
    """What would be handed in."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Compare what is seen with what is on the disk, and answer with what would be sent."""
        asked = self.parsed_body(SendAsk)
        self.reply(await asyncio.to_thread(_plan, assignment, asked))


class AskedAnnotationsRoute(CourseRoute):
    """What is drawn for an assignment."""

    @web.authenticated
    @authorized
    async def get(self, assignment: str) -> None:
        """Answer with the documents that it may mean."""
        self.reply(await asyncio.to_thread(_asked_annotations, assignment))


class SubmitRoute(CourseRoute):
    """Handing in."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Hand in what was confirmed, and answer with the receipt."""
        asked = self.parsed_body(SendAsk)
        self.reply(await asyncio.to_thread(_submit, assignment, asked), HTTPStatus.CREATED)


class TrialRoute(CourseRoute, QueueingRoute):
    """The tests that a student can see."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Begin to run the notebooks of an assignment, in a program beside this server, and bring its annotations."""
        asked = self.parsed_body(TrialAsk)
        folder, root = await asyncio.to_thread(_folder, assignment), self.root
        self.reply(self.jobs.start(lambda job: {"tried": try_work(folder, root, job, asked.unsaved)}).item(), HTTPStatus.ACCEPTED)


class HistoryRoute(CourseRoute):
    """What has been handed in."""

    @web.authenticated
    @authorized
    async def get(self, assignment: str) -> None:
        """Answer with the list, the newest first."""
        self.reply(await asyncio.to_thread(_history, assignment))


class FeedbackRoute(CourseRoute):
    """What came back."""

    @web.authenticated
    @authorized
    async def get(self, assignment: str) -> None:
        """Answer with scores, comments and the class, of one submission."""
        asked = self.parsed_query(FeedbackQuery)
        self.reply(await asyncio.to_thread(_feedback, assignment, asked))


class ActivityRoute(CourseRoute):
    """Where a person is, for the staff of their course."""

    @web.authenticated
    @authorized
    async def post(self, assignment: str) -> None:
        """Tell the hub; while it is away nothing is lost that matters."""
        asked = self.parsed_body(ActivityNote)
        self.reply(await asyncio.to_thread(_note_activity, assignment, asked, self.settings[DRAWN_SETTING]))


def course_client() -> CourseClient:
    """Return a client that asks as the person whose server this is.

    Raises
    ------
    NotFound
        There is no hub.
    """
    address = service_address()
    if address is None:
        raise NotFound("There is no hub here.", hint="Course work is handed out by a hub.")
    return CourseClient(address)


def _folder(assignment: str) -> WorkFolder:
    folder = find_work(assignment)
    if folder is None:
        raise NotFound("This assignment has not been fetched.", hint="Fetch it first.")
    return folder


def _fetch(assignment: str, root: Path) -> FetchReport:
    client = course_client()
    try:
        return fetch_report(fetch_assignment(client, client.assignment(assignment), base=courses_dir()), root)
    finally:
        client.close()


def _plan(assignment: str, asked: SendAsk) -> SendPlan:
    folder, client = _folder(assignment), course_client()
    try:
        return send_plan(_collect(folder, asked), folder.record(), client.assignment(assignment))
    finally:
        client.close()


def _collect(folder: WorkFolder, asked: SendAsk) -> Collected:
    """Bring the annotations, look through the folder, and compare it with what is seen: annotations are seen in the annotator only."""
    collected, exported = collect_work(folder, unsaved=asked.unsaved)
    check_saved(folder, (document for document in asked.documents if document.path not in exported.written))
    return collected


def _asked_annotations(assignment: str) -> AskedAnnotations:
    return AskedAnnotations(documents=asked_scopes(_folder(assignment)))


def _submit(assignment: str, asked: SendAsk) -> ReceiptItem:
    folder, client = _folder(assignment), course_client()
    try:
        collected = _collect(folder, asked)
        if asked.seen and collected.manifest.sha256 != asked.seen:
            raise Conflict(
                "A file has changed since you confirmed what is sent.", hint="Nothing was submitted. Look at it, then submit again."
            )
        receipt = hand_in(client, folder, collected=collected)
        return receipt_item(receipt, time_zone_of(client, assignment), folder)
    finally:
        client.close()


def _history(assignment: str) -> HistoryList:
    client = course_client()
    try:
        own = own_submissions(client, assignment, patience_s=_QUICK_S)
        return HistoryList(submissions=tuple(history_row(item) for item in own))
    finally:
        client.close()


def _feedback(assignment: str, asked: FeedbackQuery) -> FeedbackItem:
    client = course_client()
    try:
        item = client.assignment(assignment)
        submission = asked.submission or counting_submission(client, item)
        return feedback_item(client, item, client.grade(submission))
    finally:
        client.close()


def _note_activity(assignment: str, asked: ActivityNote, drawn: DrawnShelf) -> NotedItem:
    folder = find_work(assignment)
    found = None if folder is None else drawn.count(folder, projects_dir())
    if not asked.ran and not drawn.is_news(assignment, found):
        return NotedItem(told=False)
    ask = ActivityAsk(
        started=asked.ran,
        cell=asked.cell,
        error=asked.error,
        pictures=None if found is None else found.pictures,
        objects=None if found is None else found.objects,
    )
    client = course_client()
    try:
        client.note_activity(assignment, ask, patience_s=0)
    except LabKitError:
        return NotedItem(told=False)
    finally:
        client.close()
    drawn.note_told(assignment, found)
    return NotedItem(told=True)
