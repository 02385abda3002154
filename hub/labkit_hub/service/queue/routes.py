"""The queue's part of the REST API: each route asks who it is, takes a model, calls one function, gives a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from labkit.client.wire import Answer, Ask, HubRunItem, HubRunList, NewHubRun, RunMoveAsk, RunReport
from labkit.runs.records import RUN_ID_PATTERN
from labkit_hub.service.context import DeviceState, DeviceView, Identity, PauseView, QueueViews, ServiceContext
from labkit_hub.service.internal import Admission, Admitted, Stopped
from labkit_hub.service.queue import runs
from labkit_hub.service.queue.admit import admit
from labkit_hub.service.queue.desk import Desk

__all__ = ["DeviceItem", "DeviceList", "LineState", "PauseAsk", "make_router"]

RunIdPath = Annotated[str, Path(pattern=RUN_ID_PATTERN)]


class PauseAsk(Ask):
    """``POST /api/line/pause``: why no run starts; everybody who waits reads it."""

    reason: Annotated[str, Field(max_length=1000)] = ""


class LineState(Answer):
    """Whether the line goes on, and if not, why."""

    paused: bool
    reason: str = ""
    since: datetime | None = None
    by: str = ""


class DeviceItem(Answer):
    """A device as an admin sees it; ``holder`` and ``server`` are those of its lease."""

    id: int
    kind: str
    key: str
    title: str
    state: DeviceState
    node: str = ""
    memory_mb: int | None = None
    seen: datetime | None = None
    holder: str | None = None
    server: str | None = None
    taken: datetime | None = None


class DeviceList(Answer):
    """``GET /api/devices``."""

    devices: tuple[DeviceItem, ...] = ()


def make_router(context: ServiceContext, desk: Desk, views: QueueViews) -> APIRouter:
    """Return the routes; paths are below the service's own."""
    router = APIRouter()
    _add_runs(router, context, desk, views)
    _add_devices(router, context, views)
    _add_line(router, context, views)
    _add_internal(router, context, desk)
    return router


def _add_runs(router: APIRouter, context: ServiceContext, desk: Desk, views: QueueViews) -> None:
    person = Depends(context.door.person)

    @router.get("/api/runs", tags=["runs"])
    def list_runs(
        who: Identity = person, everybody: Annotated[bool, Query(alias="all")] = False, course: Annotated[str | None, Query()] = None
    ) -> HubRunList:
        """Return runs, the newest first: your own, with `course` those of a course to its staff, with `all` all to an admin."""
        return HubRunList(runs=tuple(runs.list_runs(desk, who, everybody=everybody, course=course)))

    @router.put("/api/runs/{run_id}", tags=["runs"], status_code=201, responses={200: {"model": HubRunItem}})
    def submit_run(run_id: RunIdPath, new: NewHubRun, response: Response, who: Identity = person) -> HubRunItem:
        """Put a run into the line; asking again for the same is answered with 200."""
        item, is_new = runs.submit(desk, who, run_id, new)
        response.status_code = 201 if is_new else 200
        return item

    @router.get("/api/runs/{run_id}", tags=["runs"])
    def show_run(run_id: RunIdPath, who: Identity = person) -> HubRunItem:
        """Return one run."""
        return views.run(run_id, who)

    @router.post("/api/runs/{run_id}/cancel", tags=["runs"])
    def cancel_run(run_id: RunIdPath, who: Identity = person) -> HubRunItem:
        """Take a run out of the line, or stop it."""
        return runs.cancel(desk, who, run_id)

    @router.post("/api/runs/{run_id}/move", tags=["runs"])
    def move_run(run_id: RunIdPath, ask: RunMoveAsk, who: Identity = person) -> HubRunItem:
        """Give a waiting run another place among your own."""
        return runs.move(desk, who, run_id, ask.place)

    @router.post("/api/runs/{run_id}/report", tags=["runs"])
    def report_run(run_id: RunIdPath, said: RunReport, who: Identity = person) -> HubRunItem:
        """Take what a run's own server says of it."""
        return runs.report(desk, who, run_id, said)


def _add_devices(router: APIRouter, context: ServiceContext, views: QueueViews) -> None:
    admin = Depends(context.door.admin)

    @router.get("/api/devices", tags=["devices"])
    def list_devices(_who: Identity = admin) -> DeviceList:
        """Return all devices, and who holds them."""
        return DeviceList(devices=tuple(_device_item(view) for view in views.devices()))

    def add(verb: str, act: Callable[[int, Identity], DeviceView], what: str) -> None:
        def change_device(device_id: int, who: Identity = admin) -> DeviceItem:
            return _device_item(act(device_id, who))

        router.post(f"/api/devices/{{device_id}}/{verb}", tags=["devices"], name=f"{verb}_device", description=what)(change_device)

    add("start", views.start_device, "Let a device be leased (again).")
    add("drain", views.drain_device, "Lease a device no more; who holds it keeps it, and then it is stopped.")
    add("stop", views.stop_device, "Lease a device no more, and stop the server that holds it.")


def _add_line(router: APIRouter, context: ServiceContext, views: QueueViews) -> None:
    admin = Depends(context.door.admin)

    @router.post("/api/line/pause", tags=["line"])
    def pause_line(ask: PauseAsk, who: Identity = admin) -> LineState:
        """Start no further run; those that compute go on."""
        return _line_state(views.pause(ask.reason, who))

    @router.post("/api/line/resume", tags=["line"])
    def resume_line(who: Identity = admin) -> LineState:
        """Let the line go on."""
        views.resume(who)
        return _line_state(views.paused())


def _add_internal(router: APIRouter, context: ServiceContext, desk: Desk) -> None:
    hub = [Depends(context.door.hub)]

    @router.post("/internal/admit", dependencies=hub, include_in_schema=False)
    def admit_server(asked: Admission) -> Admitted:
        """Say to the hub whether a server may start, and with what."""
        return admit(desk, asked)

    @router.post("/internal/stopped", dependencies=hub, include_in_schema=False, status_code=204)
    def note_stopped(stopped: Stopped) -> None:
        """Look at a server now, since the hub says that it has stopped."""
        desk.look(stopped.user, stopped.server)


def _device_item(view: DeviceView) -> DeviceItem:
    lease = view.lease
    return DeviceItem(
        id=view.id,
        kind=view.kind,
        key=view.key,
        title=view.title,
        state=view.state,
        node=view.node,
        memory_mb=view.memory_mb,
        seen=view.seen,
        holder=lease.username if lease else None,
        server=lease.server_name if lease else None,
        taken=lease.taken if lease else None,
    )


def _line_state(pause: PauseView | None) -> LineState:
    return LineState(paused=True, reason=pause.reason, since=pause.since, by=pause.by) if pause else LineState(paused=False)
