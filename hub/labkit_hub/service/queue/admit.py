"""Whether a server may start, and with which devices: the hub asks before each start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.wire import CourseItem
from labkit.errors import Conflict, NotWritable
from labkit_hub.profiles import Profile
from labkit_hub.service.grading import is_grading
from labkit_hub.service.internal import Admission, Admitted, LeasedDevice, RunTask
from labkit_hub.service.queue import leases, tickets
from labkit_hub.service.queue.allowed import choose_course, choose_profile
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.line import load_line
from labkit_hub.service.queue.policy import FreeDevice, make_plan, why_not
from labkit_hub.service.queue.transitions import longest_s
from labkit_hub.service.queue.words import many
from labkit_hub.service.tables import DeviceRow, LeaseRow, RunRow

__all__ = ["admit"]

_RUNS_HINT = "Start a run in JupyterLab or with labkit train --on hub; the hub starts its server in turn."
_CPU_HINT = "Start a server without a device, and submit trainings as runs: they get their device in turn."


def admit(desk: Desk, asked: Admission) -> Admitted:
    """Return with what a server may start.

    Raises
    ------
    NotWritable
        It may not: a run's server without a ticket that holds, a profile that is not this person's.
    InvalidInput
        There is no such profile.
    Conflict
        It may, but not now: no device is free, a cap or a budget is reached, the line is paused.
    """
    if asked.server:
        return _admit_run(desk, asked)
    courses = desk.context.people.courses_of(asked.user)
    profile = choose_profile(desk.context.profiles, "server", asked.profile or None, courses, asked.is_admin)
    return _admit_person(desk, asked, profile, courses)


def _admit_run(desk: Desk, asked: Admission) -> Admitted:
    """Admit the server of a run: asked for by this service, with a ticket for exactly this person, server and profile."""
    if not asked.server.startswith("run-"):
        raise NotWritable("Only servers of runs have a name of their own here.", hint=_RUNS_HINT)
    refused = NotWritable("The server of a run is started by the hub's queue only.", hint=_RUNS_HINT)
    if asked.by != "service" or not asked.ticket:
        raise refused
    with desk.transaction() as session:
        now, row = desk.now(), session.get(RunRow, asked.server.removeprefix("run-"))
        redeemed = tickets.redeem(session, asked.ticket, username=asked.user, server_name=asked.server, profile=asked.profile, now=now)
        if not redeemed or row is None or row.owner != asked.user:
            raise refused
        if row.state != "starting":
            raise Conflict("This run is not to be started any more.", hint="Look at its page.")
        profile, held = desk.profiles.get(row.profile), leases.leases_of(session, asked.user, asked.server)
        if profile is None or len(held) != profile.gpus:
            raise Conflict("This run has not the devices that it needs.", hint="The queue starts it again by itself.")
        limit = longest_s(row, profile)
        until = None if limit is None else now + timedelta(seconds=limit + desk.settings.grace_s)
        for lease in held:
            lease.until = until
        grades = is_grading(row, desk.grading.grader)
        task = RunTask(id=row.id, path=row.path, kind=row.kind, grades=grades)
        return Admitted(profile=profile.slug, devices=_devices(session, held), run=task, until=until)


def _admit_person(desk: Desk, asked: Admission, profile: Profile, courses: Sequence[CourseItem]) -> Admitted:
    """Admit a person's own server; with a device if there is one that no waiting run has a claim to."""
    course = choose_course(None, courses)
    with desk.transaction() as session:
        now = desk.now()
        # The hub asks only when this server is not there: what it held before is over, whatever it starts with now.
        before = [lease.device_id for lease in leases.leases_of(session, asked.user, "")]
        leases.free(session, asked.user, "", now=now, why="the server starts again")
        until = now + timedelta(hours=profile.longest_h) if profile.gpus else None
        if profile.gpus:
            course_id = course.id if course else None
            devices = _devices_for(desk, session, asked.user, course_id, profile.gpus, before, now)
            taken = leases.take(
                session, devices, username=asked.user, server_name="", run_id=None, course_id=course_id, now=now, until=until
            )
            if not taken:
                raise Conflict("Somebody else has just got this device.", hint="Try again.")
        admitted = Admitted(profile=profile.slug, devices=_devices(session, leases.leases_of(session, asked.user, "")), until=until)
    desk.changed()
    return admitted


def _devices_for(
    desk: Desk, session: Session, user: str, course: str | None, count: int, before: Sequence[int], now: datetime
) -> Sequence[int]:
    """Return devices for a person's own server: those that it had before if they can be had, else any."""
    line = load_line(session, desk.settings, desk.profiles, now, grading=desk.grading)
    if line.pause:
        raise Conflict(f"The line is paused: {line.pause}", hint=_CPU_HINT)
    if reason := why_not(line, user, course, count):
        raise Conflict(reason, hint=_CPU_HINT)
    left = sorted(make_plan(line).left, key=lambda device: (device.id not in before, device.id))
    had = [device for device in line.free if device.id in before]
    if len(had) == count:  # they were this person's until a moment ago: those who wait have not lost anything
        return [device.id for device in had]
    by_node: dict[str, list[FreeDevice]] = {}
    for device in left:
        by_node.setdefault(device.node, []).append(device)
    for devices in by_node.values():
        if len(devices) >= count:
            return [device.id for device in devices[:count]]
    waiting = len(line.waiting)
    wait = f"; {many(waiting, 'run')} {'waits' if waiting == 1 else 'wait'}" if waiting else ""
    raise Conflict(f"No device is free{wait}.", hint=_CPU_HINT)


def _devices(session: Session, held: Sequence[LeaseRow]) -> tuple[LeasedDevice, ...]:
    if not held:
        return ()
    wanted = select(DeviceRow).where(DeviceRow.id.in_([lease.device_id for lease in held])).order_by(DeviceRow.id)
    return tuple(LeasedDevice(key=row.key, kind="nvidia" if row.kind == "nvidia" else "fake") for row in session.scalars(wanted))
