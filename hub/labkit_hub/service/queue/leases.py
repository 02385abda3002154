"""Devices in somebody's hands: taken before a server starts, freed when the hub has said that it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit_hub.service.queue import tickets
from labkit_hub.service.tables import DeviceRow, LeaseRow, UsageRow

__all__ = ["free", "is_proof", "leases_of", "take"]


def take(
    session: Session,
    devices: Sequence[int],
    *,
    username: str,
    server_name: str,
    run_id: str | None,
    course_id: str | None,
    now: datetime,
    until: datetime | None,
) -> bool:
    """Lease devices to a server, all or none; False if one of them is somebody's already.

    Who asked the line before knows that they are free; the database's constraint has the last word, so that not even two services
    on one database lease a device twice.
    """
    rows = [
        LeaseRow(
            device_id=device,
            username=username,
            server_name=server_name,
            run_id=run_id,
            course_id=course_id,
            taken=now,
            until=until,
            confirmed=None,
        )
        for device in devices
    ]
    try:
        with session.begin_nested():
            session.add_all(rows)
            session.flush()
    except IntegrityError:
        return False
    return True


def leases_of(session: Session, username: str, server_name: str) -> Sequence[LeaseRow]:
    """Return the leases of one server, one for each of its devices."""
    wanted = select(LeaseRow).where(LeaseRow.username == username, LeaseRow.server_name == server_name).order_by(LeaseRow.id)
    return session.scalars(wanted).all()


def is_proof(session: Session, username: str, server_name: str, looked: datetime, now: datetime) -> bool:
    """Return whether "there is no such server", which the hub said when it was asked at `looked`, still holds.

    It does not if a start may be under way that the hub had not heard of then: with a ticket that can still be used or was used
    since, or with a device that was leased since.
    """
    if tickets.has_live(session, username, server_name, now) or tickets.used_since(session, username, server_name, looked):
        return False
    return all(lease.taken < looked for lease in leases_of(session, username, server_name))


def free(session: Session, username: str, server_name: str, *, now: datetime, why: str) -> None:
    """End all leases of a server and write down whose time it was; who calls has proof that the server is gone.

    A device that is draining is stopped now.
    """
    for lease in leases_of(session, username, server_name):
        device = session.get_one(DeviceRow, lease.device_id)
        session.add(
            UsageRow(
                device_key=device.key,
                username=username,
                course_id=lease.course_id,
                run_id=lease.run_id,
                server_name=server_name,
                taken=lease.taken,
                freed=now,
                why=why[:300],
            )
        )
        if device.state == "draining":
            device.state = "stopped"
        session.delete(lease)
    session.flush()
