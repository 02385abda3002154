"""What the server extension puts into a Jupyter Server when it is loaded."""

from __future__ import annotations

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from labkit_lab.server.nodelay import use_no_delay
from labkit_lab.server.projects import ProjectsRoute, ThumbnailRoute
from labkit_lab.server.route import Route

__all__ = ["ROUTES", "load"]

# Every route of the extension: a pattern below the server's base address, and who answers.
ROUTES: tuple[tuple[str, type[Route]], ...] = (
    (r"/labkit/api/projects", ProjectsRoute),
    (r"/labkit/api/projects/([^/]+)/thumbnail", ThumbnailRoute),
)


def load(server_app: ServerApp) -> None:
    """Add the routes to `server_app`, and let its kernel connections send without delay."""
    web_app = server_app.web_app
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", [(url_path_join(base_url, pattern), route) for pattern, route in ROUTES])  # type: ignore[no-untyped-call]
    quick = use_no_delay(web_app.settings)
    server_app.log.info("LabKit: %d routes; kernel connections %s.", len(ROUTES), "send without delay" if quick else "are left as they are")
