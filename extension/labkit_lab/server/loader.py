"""What the server extension puts into a Jupyter Server when it is loaded."""

from __future__ import annotations

import atexit

from jupyter_server._tz import utcnow
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from labkit.config import projects_dir
from labkit_lab.server.images import ImagesRoute, TilesRoute
from labkit_lab.server.imports import ImportQueue
from labkit_lab.server.masks import MaskRoute
from labkit_lab.server.nodelay import use_no_delay
from labkit_lab.server.projects import ProjectsRoute, ThumbnailRoute
from labkit_lab.server.route import Route
from labkit_lab.server.tilestream import TileStreamRoute
from labkit_lab.server.uploads import QUEUE_SETTING, AnswersRoute, UploadRoute, UploadsRoute
from labkit_lab.server.windows import WindowsRoute

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
    quick = use_no_delay(web_app.settings)
    server_app.log.info("LabKit: %d routes; kernel connections %s.", len(ROUTES), "send without delay" if quick else "are left as they are")


def _import_queue(server_app: ServerApp) -> ImportQueue:
    """Return the queue of this server; imports that an earlier server left go on at once."""
    settings = server_app.web_app.settings

    def note_activity() -> None:
        settings["api_last_activity"] = utcnow()  # an importing server is not idle, even when nobody looks

    queue = ImportQueue(projects_dir, server_app.log, note_activity)
    queue.go_on()
    atexit.register(queue.close)
    return queue
