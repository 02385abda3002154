"""Templates, and what all of them know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from labkit_hub.service.context import Identity, ServiceContext
from labkit_hub.service.pages import timewords, words
from labkit_hub.service.policies import page_policy
from labkit_hub.service.sessions import CSRF_FIELD, csrf_token, token_cookie

__all__ = ["STATIC_DIR", "Pages", "back"]

_HERE = Path(__file__).parent
STATIC_DIR = _HERE / "static"

# What a page says after it was left and came back; addresses carry only the word in front.
_SAID = {
    "saved": "Saved.",
    "removed": "Removed from the roster.",
    "imported": "The list was imported.",
    "cancelled": "The run is being cancelled.",
    "paused": "The line is paused.",
    "resumed": "The line goes on.",
    "announced": "The announcement is shown to everybody.",
    "cleared": "The announcement was removed.",
    "created": "The course was created.",
    "drafted": "The draft is made; students do not see it yet.",
    "deleted": "The draft was deleted.",
    "grading": "The grading run is in the line; results come one by one.",
    "given-back": "The feedback is released.",
    "taken-back": "The feedback was taken back.",
    "extended": "The extension holds.",
    "unextended": "The extension was taken back.",
    "grouped": "The group was changed.",
    "linked": "Where the points go was changed.",
    "sent-again": "The points are sent again.",
}


class Pages:
    """Renders templates.

    Parameters
    ----------
    hub_path : str
        Where the hub's own pages are, as people see them.
    """

    def __init__(self, context: ServiceContext, hub_path: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(moment=words.moment, ago=words.ago, duration=words.duration, size=words.size)
        self._environment.filters.update(
            day=timewords.day,
            clock=timewords.clock,
            from_now=timewords.from_now,
            late_by=timewords.late_by,
            points=timewords.points,
        )
        self._environment.globals.update(
            base=context.base_path,
            hub=hub_path,
            csrf_field=CSRF_FIELD,
            grader=context.settings.courses.grader,
            own_names=bool(context.settings.subdomain_host),
        )
        self._framing = {"Content-Security-Policy": page_policy(hub_path, frames=True)}

    def page(
        self, request: Request, name: str, who: Identity | None, *, status: int = 200, frames: bool = False, **values: Any
    ) -> HTMLResponse:
        """Return a page; with `frames` it may show others of this service in sandboxed frames."""
        token = token_cookie(request) or ""
        said = _SAID.get(request.query_params.get("said", ""), "") if request.method == "GET" else ""
        known = {"who": who, "csrf": csrf_token(token) if token else "", "said": said, "path": request.url.path, "error": None}
        text = self._environment.get_template(name).render(known | values)
        return HTMLResponse(text, status, headers=self._framing if frames else None)


def back(path: str, said: str) -> RedirectResponse:
    """Return to a page after a form, so that loading it again sends nothing twice."""
    return RedirectResponse(f"{path}?said={said}", 303)
