"""The start page with the waiting line, and the page of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from labkit.client.wire import HubRunItem
from labkit_hub.service.context import Identity, QueueViews, ServiceContext
from labkit_hub.service.pages.render import Pages, back
from labkit_hub.service.pages.words import may_see
from labkit_hub.service.people.routes import standing

__all__ = ["Row", "add_line_pages", "rows"]


_SHOWN = 20  # of the line; with two hundred who wait and look, each page would be long and slow, and say nothing more


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a list; of somebody else's a student sees only that it is there."""

    run: HubRunItem
    is_own: bool
    is_known: bool


def rows(runs: Any, who: Identity) -> list[Row]:
    """Return the runs as `who` may see them."""
    return [Row(run, run.owner == who.name, may_see(run, who)) for run in runs]


def add_line_pages(router: APIRouter, context: ServiceContext, views: QueueViews, pages: Pages) -> None:
    """Add the start page and the pages of runs."""
    person = Depends(context.door.person)

    @router.get("/")
    def start(request: Request, who: Identity = person) -> Response:
        """Show the own runs and the line."""
        active, line = views.active(), views.line(first=_SHOWN, owner=who.name)
        return pages.page(
            request,
            "start.html",
            who,
            me=standing(context, views, who),
            mine=[run for run in (*active, *line) if run.owner == who.name],
            recent=views.recent(owner=who.name, limit=10),
            active=rows(active, who),
            line=rows(line, who),
        )

    @router.get("/runs/{run_id}")
    def run(request: Request, run_id: str, who: Identity = person) -> Response:
        """Show one run."""
        return pages.page(request, "run.html", who, run=views.run(run_id, who))

    @router.post("/runs/{run_id}/cancel")
    def cancel(run_id: str, who: Identity = person) -> Response:
        """Take a run out of the line, or stop it."""
        item = views.cancel(run_id, who)
        return back(f"{context.base_path}/runs/{item.id}", "cancelled")
