"""The service's database: SQLite beside the hub's by default, PostgreSQL by its address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

__all__ = ["Database"]

_BUSY_MS = 10_000
_READS = "labkit_reads"


class Database:
    """Sessions on one database; threads share it.

    Parameters
    ----------
    url : str
        A SQLAlchemy address.
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, **_options(url))
        self._turn = threading.Lock()
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(self.engine.execution_options(**{_READS: True}), expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; commit at the end, roll back after an error.

        On SQLite a transaction has the whole database to itself; on PostgreSQL rows that others may change are taken by
        ``with_for_update`` where it matters.
        """
        with self._in_turn(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Let the threads of this process write to SQLite one after the other: it has no line of its own, who waits there tries by chance.

        Whoever waits for too long goes on, and SQLite says what is wrong.
        """
        mine = self.engine.dialect.name == "sqlite" and self._turn.acquire(timeout=_BUSY_MS / 1000)
        try:
            yield
        finally:
            if mine:
                self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that only looks: it sees one moment, waits for nobody and keeps nobody waiting."""
        with self._readers.begin() as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _options(url: str) -> dict[str, Any]:
    if url.startswith("postgresql"):
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": 3}, "pool_size": 10, "max_overflow": 20, "pool_timeout": 10}
    return {"pool_size": 20, "max_overflow": 80}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions, see below
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the write lock at once, unless nothing will be written: a transaction that reads first could not be repeated otherwise."""
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READS) else "BEGIN IMMEDIATE")
