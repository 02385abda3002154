"""One transaction of the queue at a time, also among several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from labkit_hub.service.database import Database

__all__ = ["in_turn"]

_LOCK = 0x1ABC17  # any number that nothing else in this database uses


@contextmanager
def in_turn(database: Database) -> Iterator[Session]:
    """Give a session that sees all earlier decisions of the queue and no half of another.

    SQLite gives a transaction the whole database anyway; PostgreSQL is asked for a lock that ends with the transaction. Caps hang
    on this; that no device is leased twice does not: the database's constraint sees to it.
    """
    with database.transaction() as session:
        session.connection()  # begins: whoever asks for the time now gets one that no other decision is later than
        if database.engine.dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield session
