"""The admin's page: devices, line, servers, storage, errors, announcement."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Form, Request, Response

from labkit.errors import LabKitError, NotFound, response_for
from labkit_hub.service import notices
from labkit_hub.service.audit import last_errors
from labkit_hub.service.context import Identity, QueueViews, ServiceContext
from labkit_hub.service.pages.line import rows
from labkit_hub.service.pages.networks import NetworkRoom
from labkit_hub.service.pages.render import Pages, back
from labkit_hub.service.pages.storage import Sizes

__all__ = ["add_admin_pages"]

_TEXT = Form(default="", max_length=5000)
_RUNS_SHOWN, _SERVERS_SHOWN, _PEOPLE_SHOWN = 200, 200, 50


def add_admin_pages(
    router: APIRouter, context: ServiceContext, views: QueueViews, sizes: Sizes, networks: NetworkRoom | None, pages: Pages
) -> None:
    """Add the admin's page, and what its buttons do."""
    admin = Depends(context.door.admin)
    here = f"{context.base_path}/admin"
    actions = {"start": views.start_device, "drain": views.drain_device, "stop": views.stop_device}

    def show(request: Request, who: Identity, error: LabKitError | None = None) -> Response:
        servers = context.hub.servers()
        running = None if servers is None else [server for server in servers if server.state in ("running", "pending")]
        with context.database.reading() as session:
            errors = last_errors(session)
            announcement = notices.announcement(session)
        return pages.page(
            request,
            "admin.html",
            who,
            status=response_for(error).http_status if error else 200,
            devices=views.devices(),
            paused=views.paused(),
            active=rows(views.active(), who),
            line=rows(views.line(first=_RUNS_SHOWN, owner=who.name), who),
            waiting=views.counts().waiting,
            servers=None if running is None else running[:_SERVERS_SHOWN],
            servers_count=0 if running is None else len(running),
            storage=sizes.last(),
            has_networks=networks is not None,
            networks=networks.last() if networks is not None else None,
            people_shown=_PEOPLE_SHOWN,
            errors=errors,
            announcement=announcement,
            error=error,
        )

    @router.get("/admin")
    def admin_page(request: Request, who: Identity = admin) -> Response:
        """Show how everything stands."""
        return show(request, who)

    @router.post("/admin/devices/{device_id}/{action}")
    def device(request: Request, device_id: int, action: str, who: Identity = admin) -> Response:
        """Start, drain or stop a device."""
        if action not in actions:
            raise NotFound("A device can be started, drained or stopped.")
        try:
            actions[action](device_id, who)
        except LabKitError as error:
            return show(request, who, error)
        return back(here, "saved")

    @router.post("/admin/line/pause")
    def pause(request: Request, text: str = _TEXT, who: Identity = admin) -> Response:
        """Let no further run start."""
        try:
            views.pause(text, who)
        except LabKitError as error:
            return show(request, who, error)
        return back(here, "paused")

    @router.post("/admin/line/resume")
    def resume(who: Identity = admin) -> Response:
        """Let the line go on."""
        views.resume(who)
        return back(here, "resumed")

    @router.post("/admin/runs/{run_id}/cancel")
    def cancel(request: Request, run_id: str, who: Identity = admin) -> Response:
        """Cancel a run and stay on this page."""
        try:
            views.cancel(run_id, who)
        except LabKitError as error:
            return show(request, who, error)
        return back(here, "cancelled")

    @router.post("/admin/announcement")
    def announce(request: Request, text: str = _TEXT, who: Identity = admin) -> Response:
        """Announce something; an empty text removes what was announced."""
        try:
            with context.database.transaction() as session:
                if text.strip():
                    notices.announce(session, text, who.name)
                else:
                    notices.clear_announcement(session, who.name)
        except LabKitError as error:
            return show(request, who, error)
        return back(here, "announced" if text.strip() else "cleared")
