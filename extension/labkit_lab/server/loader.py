"""What the server extension puts into a Jupyter Server when it is loaded."""

from __future__ import annotations

import atexit
from collections.abc import Callable

from jupyter_server._tz import utcnow
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from labkit.config import projects_dir
from labkit_lab.server.annotated import DRAWN_SETTING, DrawnShelf
from labkit_lab.server.annotation_imports import AnnotationImportsRoute, LooksRoute
from labkit_lab.server.authoring import (
    AuthorFolderRoute,
    AuthorFoldersRoute,
    CheckRoute,
    NewAssignmentRoute,
    PreviewRoute,
    ReleasePlanRoute,
    ReleaseRoute,
    SolutionRoute,
)
from labkit_lab.server.courses import (
    ActivityRoute,
    AskedAnnotationsRoute,
    CoursesRoute,
    FeedbackRoute,
    FetchRoute,
    HistoryRoute,
    SendPlanRoute,
    SubmitRoute,
    TrialRoute,
)
from labkit_lab.server.exports import ExportsRoute
from labkit_lab.server.images import ImagesRoute, TilesRoute
from labkit_lab.server.imports import ImportQueue
from labkit_lab.server.incoming import INCOMING_SETTING, IncomingPieceRoute, IncomingRoute, IncomingSetRoute, IncomingShelf
from labkit_lab.server.jobs import JOBS_SETTING, JobFileRoute, JobRoute, JobShelf
from labkit_lab.server.masks import MaskRoute
from labkit_lab.server.models import ModelExportRoute, ModelRoute, ModelsRoute, PromoteRoute, RestoreRoute, RetireRoute
from labkit_lab.server.nodelay import use_no_delay
from labkit_lab.server.projects import ProjectsRoute, ThumbnailRoute
from labkit_lab.server.quality import AgreementRoute, ConsensusRoute, GoldRoute, ProgressRoute, ValidationRoute
from labkit_lab.server.reviews import ClaimRoute, CommentsRoute, NextRoute, ResolvedRoute, ReviewRoute, StateRoute
from labkit_lab.server.route import Route
from labkit_lab.server.runs import (
    CancelRoute,
    CompareRunsRoute,
    MoveRoute,
    ResumeRoute,
    RetryRoute,
    RunFormRoute,
    RunPlanRoute,
    RunRoute,
    RunsRoute,
    SamplesRoute,
    StoryRoute,
)
from labkit_lab.server.sets import (
    SetBuildRoute,
    SetChangesRoute,
    SetPlanRoute,
    SetPreviewRoute,
    SetsComparisonRoute,
    SetsRoute,
)
from labkit_lab.server.tales import TALES_SETTING, TaleShelf
from labkit_lab.server.tilestream import TileStreamRoute
from labkit_lab.server.uploads import QUEUE_SETTING, AnswersRoute, UploadRoute, UploadsRoute
from labkit_lab.server.watch import RunWatch
from labkit_lab.server.windows import WindowsRoute
from labkit_lab.server.workroom import WORKROOM_SETTING, Workroom

__all__ = ["ROUTES", "load"]

# Every route of the extension: a pattern below the server's base address, and who answers.
ROUTES: tuple[tuple[str, type[Route]], ...] = (
    (r"/labkit/api/projects", ProjectsRoute),
    (r"/labkit/api/projects/([^/]+)/thumbnail", ThumbnailRoute),
    (r"/labkit/api/projects/([^/]+)/images", ImagesRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/tiles", TilesRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/tiles/stream", TileStreamRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/mask", MaskRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/windows", WindowsRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/review", ReviewRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/review/state", StateRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/review/comments", CommentsRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/review/comments/([^/]+)/resolved", ResolvedRoute),
    (r"/labkit/api/projects/([^/]+)/images/([^/]+)/claim", ClaimRoute),
    (r"/labkit/api/projects/([^/]+)/next", NextRoute),
    (r"/labkit/api/projects/([^/]+)/progress", ProgressRoute),
    (r"/labkit/api/projects/([^/]+)/validation", ValidationRoute),
    (r"/labkit/api/projects/([^/]+)/agreement", AgreementRoute),
    (r"/labkit/api/projects/([^/]+)/gold", GoldRoute),
    (r"/labkit/api/projects/([^/]+)/consensus", ConsensusRoute),
    (r"/labkit/api/projects/([^/]+)/exports", ExportsRoute),
    (r"/labkit/api/projects/([^/]+)/looks", LooksRoute),
    (r"/labkit/api/projects/([^/]+)/annotation-imports", AnnotationImportsRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets", SetsRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets/plan", SetPlanRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets/build", SetBuildRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets/preview", SetPreviewRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets/compare", SetsComparisonRoute),
    (r"/labkit/api/projects/([^/]+)/training-sets/([^/]+)/changes", SetChangesRoute),
    (r"/labkit/api/projects/([^/]+)/runs", RunsRoute),
    (r"/labkit/api/projects/([^/]+)/runs/form", RunFormRoute),
    (r"/labkit/api/projects/([^/]+)/runs/plan", RunPlanRoute),
    (r"/labkit/api/projects/([^/]+)/runs/compare", CompareRunsRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)", RunRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/story", StoryRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/samples", SamplesRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/cancel", CancelRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/retry", RetryRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/resume", ResumeRoute),
    (r"/labkit/api/projects/([^/]+)/runs/([^/]+)/move", MoveRoute),
    (r"/labkit/api/projects/([^/]+)/models", ModelsRoute),
    (r"/labkit/api/projects/([^/]+)/models/([^/]+)/([^/]+)", ModelRoute),
    (r"/labkit/api/projects/([^/]+)/models/([^/]+)/([^/]+)/promote", PromoteRoute),
    (r"/labkit/api/projects/([^/]+)/models/([^/]+)/([^/]+)/retire", RetireRoute),
    (r"/labkit/api/projects/([^/]+)/models/([^/]+)/([^/]+)/restore", RestoreRoute),
    (r"/labkit/api/projects/([^/]+)/models/([^/]+)/([^/]+)/export", ModelExportRoute),
    (r"/labkit/api/courses", CoursesRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/fetch", FetchRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/sending", SendPlanRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/annotations", AskedAnnotationsRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/submit", SubmitRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/trial", TrialRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/submissions", HistoryRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/feedback", FeedbackRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/activity", ActivityRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/folder", AuthorFolderRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/check", CheckRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/preview", PreviewRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/solution", SolutionRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/release-plan", ReleasePlanRoute),
    (r"/labkit/api/courses/assignments/([^/]+)/release", ReleaseRoute),
    (r"/labkit/api/courses/([^/]+)/folders", AuthorFoldersRoute),
    (r"/labkit/api/courses/([^/]+)/assignments", NewAssignmentRoute),
    (r"/labkit/api/incoming", IncomingRoute),
    (r"/labkit/api/incoming/([^/]+)", IncomingSetRoute),
    (r"/labkit/api/incoming/([^/]+)/([^/]+)", IncomingPieceRoute),
    (r"/labkit/api/jobs/([^/]+)", JobRoute),
    (r"/labkit/api/jobs/([^/]+)/file", JobFileRoute),
    (r"/labkit/api/uploads", UploadsRoute),
    (r"/labkit/api/uploads/([^/]+)", UploadRoute),
    (r"/labkit/api/uploads/([^/]+)/answers", AnswersRoute),
)


def load(server_app: ServerApp) -> None:
    """Add the routes to `server_app`, and let its kernel connections send without delay."""
    web_app = server_app.web_app
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", [(url_path_join(base_url, pattern), route) for pattern, route in ROUTES])  # type: ignore[no-untyped-call]
    web_app.settings[QUEUE_SETTING] = _import_queue(server_app)
    web_app.settings[JOBS_SETTING] = _job_shelf(server_app)
    web_app.settings[INCOMING_SETTING] = _incoming_shelf()
    web_app.settings[TALES_SETTING] = TaleShelf()
    web_app.settings[DRAWN_SETTING] = DrawnShelf()
    web_app.settings[WORKROOM_SETTING] = _workroom()
    _watch_runs(server_app)
    quick = use_no_delay(web_app.settings)
    server_app.log.info("LabKit: %d routes; kernel connections %s.", len(ROUTES), "send without delay" if quick else "are left as they are")


def _activity_noter(server_app: ServerApp) -> Callable[[], None]:
    """Return what notes that the server is not idle, even when nobody looks."""
    settings = server_app.web_app.settings

    def note_activity() -> None:
        settings["api_last_activity"] = utcnow()

    return note_activity


def _job_shelf(server_app: ServerApp) -> JobShelf:
    shelf = JobShelf(server_app.log, _activity_noter(server_app))
    atexit.register(shelf.close)
    return shelf


def _incoming_shelf() -> IncomingShelf:
    shelf = IncomingShelf()
    atexit.register(shelf.close)
    return shelf


def _workroom() -> Workroom:
    room = Workroom()
    atexit.register(room.close)
    return room


def _watch_runs(server_app: ServerApp) -> None:
    watch = RunWatch(server_app.log, _activity_noter(server_app))
    watch.start()
    atexit.register(watch.close)


def _import_queue(server_app: ServerApp) -> ImportQueue:
    """Return the queue of this server; imports that an earlier server left go on at once."""
    queue = ImportQueue(projects_dir, server_app.log, _activity_noter(server_app))
    queue.go_on()
    atexit.register(queue.close)
    return queue
