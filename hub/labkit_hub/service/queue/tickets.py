"""One-time tickets: who shows one starts the one server that it was made for, once.

Students can write what they like into a server's options; a ticket is what they cannot make. The secret goes to the hub with the
request for the server and is kept nowhere; the table has its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, select, update
from sqlalchemy.orm import Session

from labkit_hub.service.tables import TicketRow

__all__ = ["has_live", "is_live", "make", "purge", "redeem", "used_since", "void"]

_KEPT = timedelta(days=1)


def make(session: Session, *, username: str, server_name: str, profile: str, run_id: str, now: datetime, valid_s: float) -> str:
    """Make a ticket, and return its secret."""
    secret = secrets.token_urlsafe(32)
    session.add(
        TicketRow(
            sha256=_hash(secret),
            username=username,
            server_name=server_name,
            profile=profile,
            run_id=run_id,
            made=now,
            expires=now + timedelta(seconds=valid_s),
            used=None,
        )
    )
    session.flush()
    return secret


def redeem(session: Session, secret: str, *, username: str, server_name: str, profile: str, now: datetime) -> bool:
    """Use a ticket up; False if it is unknown, used, too old, or for another person, server or profile.

    A single conditional update: of two that come at the same moment, the database lets one through.
    """
    used = session.execute(
        update(TicketRow)
        .where(
            TicketRow.sha256 == _hash(secret),
            TicketRow.username == username,
            TicketRow.server_name == server_name,
            TicketRow.profile == profile,
            TicketRow.used.is_(None),
            TicketRow.expires > now,
        )
        .values(used=now)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", used).rowcount == 1


def void(session: Session, username: str, server_name: str, now: datetime) -> None:
    """Let no unused ticket of a server be used from now on."""
    session.execute(
        update(TicketRow)
        .where(*_of(username, server_name), TicketRow.used.is_(None), TicketRow.expires > now)
        .values(expires=now)
        .execution_options(synchronize_session=False)
    )


def has_live(session: Session, username: str, server_name: str, now: datetime) -> bool:
    """Return whether a ticket of a server could still be used."""
    live = exists().where(*_of(username, server_name), TicketRow.used.is_(None), TicketRow.expires > now)
    return bool(session.scalar(select(live)))


def is_live(session: Session, secret: str, moment: datetime) -> bool:
    """Return whether a ticket can still be used, then."""
    live = exists().where(TicketRow.sha256 == _hash(secret), TicketRow.used.is_(None), TicketRow.expires > moment)
    return bool(session.scalar(select(live)))


def used_since(session: Session, username: str, server_name: str, moment: datetime) -> bool:
    """Return whether a ticket of a server was used at a moment or later."""
    return bool(session.scalar(select(exists().where(*_of(username, server_name), TicketRow.used >= moment))))


def purge(session: Session, now: datetime) -> None:
    """Forget tickets that are long over."""
    session.execute(delete(TicketRow).where(TicketRow.expires < now - _KEPT))


def _of(username: str, server_name: str) -> tuple[Any, ...]:
    return TicketRow.username == username, TicketRow.server_name == server_name


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
