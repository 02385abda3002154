"""The queue as pages, metrics and ``api/me`` see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, cast

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from labkit.client.wire import HUB_END_STATES, DeviceCount, HubRunItem, RunProfile
from labkit.errors import NotFound, NotWritable
from labkit_hub.service import notices
from labkit_hub.service.audit import note
from labkit_hub.service.context import DeviceState, DeviceView, Identity, LeaseView, PauseView, QueueCounts, QueueStanding
from labkit_hub.service.queue import runs
from labkit_hub.service.queue.allowed import usable
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.items import as_items
from labkit_hub.service.queue.line import ACTIVE_STATES, load_limits, load_spent
from labkit_hub.service.queue.policy import Limits, Spent
from labkit_hub.service.tables import DeviceRow, LeaseRow, RunRow

__all__ = ["Views"]


class Views:
    """Implements `labkit_hub.service.context.QueueViews`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- reading --

    def devices(self) -> Sequence[DeviceView]:
        """Return all devices, in the order of their ids."""
        with self._desk.context.database.reading() as session:
            leases = {lease.device_id: lease for lease in session.scalars(select(LeaseRow))}
            return [_device(row, leases.get(row.id)) for row in session.scalars(select(DeviceRow).order_by(DeviceRow.id))]

    def line(self, *, first: int, owner: str) -> Sequence[HubRunItem]:
        """Return the `first` waiting runs in the order in which they will start, and all of `owner`."""
        ids = list(islice(self._desk.plan().standings, first))
        found = self._items(select(RunRow).where(RunRow.state == "waiting", or_(RunRow.id.in_(ids), RunRow.owner == owner)))
        return sorted(found, key=lambda run: (run.place is None, run.place or 0, run.submitted))

    def active(self) -> Sequence[HubRunItem]:
        """Return the runs that start, compute or are being stopped, the oldest first."""
        return self._items(select(RunRow).where(RunRow.state.in_(ACTIVE_STATES)).order_by(RunRow.submitted))

    def recent(self, *, owner: str | None = None, course: str | None = None, limit: int = 20) -> Sequence[HubRunItem]:
        """Return runs that have ended, the last ended first: of everybody, of one person, of one course."""
        wanted = select(RunRow).where(RunRow.state.in_(sorted(HUB_END_STATES))).order_by(RunRow.ended.desc()).limit(limit)
        if owner is not None:
            wanted = wanted.where(RunRow.owner == owner)
        if course is not None:
            wanted = wanted.where(RunRow.course_id == course)
        return self._items(wanted)

    def run(self, run_id: str, by: Identity) -> HubRunItem:
        """Return one run, if `by` may see it: the owner, staff of its course, an admin; else `NotFound`."""
        with self._desk.context.database.reading() as session:
            row = runs.find(session, by, run_id)
        return runs.item_of(self._desk, row)

    def standing(self, who: Identity) -> QueueStanding:
        """Return what `who` may do."""
        courses = self._desk.context.people.courses_of(who.name)
        with self._desk.context.database.reading() as session:
            limits = load_limits(session, self._desk.settings, self._desk.grading)
            spent = load_spent(session, self._desk.now(), self._desk.book)
            devices = _count(session)
        general = limits.hours_per_person
        return QueueStanding(
            profiles=tuple(
                RunProfile(slug=p.slug, title=p.title, description=p.description, gpus=p.gpus, longest_h=p.longest_h)
                for p in usable(self._desk.context.profiles, "run", courses, who.is_admin)
            ),
            devices=devices,
            hours_left=None if general is None else max(0.0, general - spent.by_person.get(who.name, 0.0)),
            course_hours_left=_course_hours_left(limits, spent, who.name, [course.id for course in courses]),
        )

    def counts(self) -> QueueCounts:
        """Return the numbers for metrics."""
        with self._desk.context.database.reading() as session:
            by_state = {row[0]: row[1] for row in session.execute(select(RunRow.state, func.count()).group_by(RunRow.state))}
            devices = {row[0]: row[1] for row in session.execute(select(DeviceRow.state, func.count()).group_by(DeviceRow.state))}
            leases = session.scalar(select(func.count()).select_from(LeaseRow)) or 0
            oldest = session.scalar(select(RunRow.submitted).where(RunRow.state == "waiting").order_by(RunRow.submitted).limit(1))
        wait_s = max(0.0, (self._desk.now() - oldest).total_seconds()) if oldest else 0.0
        return QueueCounts(runs=by_state, devices=devices, leases=leases, waiting=by_state.get("waiting", 0), oldest_wait_s=wait_s)

    def paused(self) -> PauseView | None:
        """Return why the line stands still; None if it does not."""
        with self._desk.context.database.reading() as session:
            return notices.pause(session)

    # -- acting --

    def start_device(self, device_id: int, by: Identity) -> DeviceView:
        """Let a device be leased (again)."""
        return self._set_device(device_id, "ready", by)

    def drain_device(self, device_id: int, by: Identity) -> DeviceView:
        """Lease a device no more; who holds it keeps it, and then it is stopped."""
        return self._set_device(device_id, "draining", by)

    def stop_device(self, device_id: int, by: Identity) -> DeviceView:
        """Lease a device no more, and stop the server that holds it."""
        view = self._set_device(device_id, "stopped", by)
        if view.lease is not None and view.lease.run_id is not None:
            self.cancel(view.lease.run_id, by)
        elif view.lease is not None:
            self._desk.look(view.lease.username, view.lease.server_name)
        return view

    def pause(self, reason: str, by: Identity) -> PauseView:
        """Start no further run until `resume`; those that compute go on."""
        _require_admin(by)
        with self._desk.transaction() as session:
            pause = notices.set_pause(session, reason, by.name)
        self._desk.changed()
        return pause

    def resume(self, by: Identity) -> None:
        """Let the line go on."""
        _require_admin(by)
        with self._desk.transaction() as session:
            notices.clear_pause(session, by.name)
        self._desk.changed()

    def cancel(self, run_id: str, by: Identity) -> HubRunItem:
        """Take a run out of the line, or stop it."""
        return runs.cancel(self._desk, by, run_id)

    # -- how --

    def _items(self, wanted: Select[Any]) -> list[HubRunItem]:
        standings = self._desk.plan().standings
        with self._desk.context.database.reading() as session:
            return as_items(session, session.scalars(wanted).all(), standings, self._desk.context.base_path)

    def _set_device(self, device_id: int, state: DeviceState, by: Identity) -> DeviceView:
        _require_admin(by)
        with self._desk.transaction() as session:
            row = session.get(DeviceRow, device_id)
            if row is None:
                raise NotFound(f"There is no device {device_id}.", hint="The admin page lists them.")
            lease = session.scalar(select(LeaseRow).where(LeaseRow.device_id == device_id))
            if state == "ready" and row.seen is None:
                raise NotFound(f"{row.title} is not there any more.", hint="It is used again by itself when it comes back.")
            row.state = "stopped" if state == "draining" and lease is None else state
            verb = {"ready": "start", "draining": "drain", "stopped": "stop"}[state]
            note(session, by.name, f"device.{verb}", row.key, title=row.title)
        self._desk.changed()
        return _device(row, lease)


def _require_admin(by: Identity) -> None:
    if not by.is_admin:
        raise NotWritable("Only an admin may do this.", hint="Ask an admin.")


def _device(row: DeviceRow, lease: LeaseRow | None) -> DeviceView:
    held = None
    if lease is not None:
        held = LeaseView(
            lease.username, lease.server_name, lease.run_id, lease.course_id, lease.taken, until=lease.until, confirmed=lease.confirmed
        )
    state = cast("DeviceState", row.state)
    return DeviceView(row.id, row.kind, row.key, row.title, state, node=row.node, memory_mb=row.memory_mb, seen=row.seen, lease=held)


def _count(session: Session) -> DeviceCount:
    leased = select(LeaseRow.device_id)
    total = session.scalar(select(func.count()).select_from(DeviceRow).where(DeviceRow.state != "stopped")) or 0
    free = select(func.count()).select_from(DeviceRow).where(DeviceRow.state == "ready", DeviceRow.id.not_in(leased))
    waiting = select(func.count()).select_from(RunRow).where(RunRow.state == "waiting")
    return DeviceCount(total=total, free=session.scalar(free) or 0, waiting=session.scalar(waiting) or 0)


def _course_hours_left(limits: Limits, spent: Spent, person: str, courses: Sequence[str]) -> Mapping[str, float]:
    left: dict[str, float] = {}
    for course in courses:
        own, bounds = limits.of(course), []
        if own.hours_total is not None:
            bounds.append(own.hours_total - spent.by_course.get(course, 0.0))
        if own.hours_per_person is not None:
            bounds.append(own.hours_per_person - spent.by_member.get((course, person), 0.0))
        if bounds:
            left[course] = max(0.0, min(bounds))
    return left
