"""Processes of a hub that was killed: what the next one does not know of must end before it lends devices again.

``make start`` ends everything that carries the hub's mark. A hub that is started by ``jupyterhub -f`` finds servers again by what
its database says of them; but one that was killed while a server started has written down nothing, and that server would go on to
compute on a device that the queue takes for free.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import psutil
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from labkit.errors import RunFailed
from labkit_hub.instance import belongs_to, end_processes, instance_mark, members
from labkit_hub.settings import Settings

__all__ = ["end_forgotten", "is_forgotten", "known_pids"]

_PREFIX, _SERVICE = "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_SERVICE_NAME"


def end_forgotten(settings: Settings) -> int:
    """End servers of this hub that its database does not know, and services of a hub before it; return how many processes.

    Nothing is done while a hub of this folder runs: then somebody only reads its configuration.

    Raises
    ------
    RunFailed
        Some could not be ended.
    """
    mark = instance_mark(settings.var)
    if _hub_runs(settings) or not any(is_forgotten(process, ()) for process in members(mark)):
        return 0
    known = {prefix for pid in known_pids(settings.resolved_database_url) if belongs_to(pid, mark) and (prefix := _variable(pid, _PREFIX))}
    # By force: one that is asked to end takes it for somebody's cancel, and a run that was cancelled is not taken up again.
    return end_processes(lambda: [process for process in members(mark) if is_forgotten(process, known)], grace_s=0.0)


def is_forgotten(process: psutil.Process, known: Iterable[str]) -> bool:
    """Say whether a marked process belongs to a server whose address path is not among the `known`, or to a service."""
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False
    if _SERVICE in environment:
        return True
    return _PREFIX in environment and environment[_PREFIX] not in known


def known_pids(database_url: str) -> frozenset[int]:
    """Return the process numbers of the servers that the hub's database holds for running; none if there is no database yet.

    Raises
    ------
    RunFailed
        It cannot be read.
    """
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("spawners"):
                return frozenset()
            states = connection.execute(text("SELECT state FROM spawners WHERE server_id IS NOT NULL")).scalars().all()
    except SQLAlchemyError as error:  # the hub could not start either; nothing is ended on a guess
        message = f"The hub's database cannot be read ({type(error).__name__})."
        raise RunFailed(message, hint="Look whether it runs, then start again.") from error
    finally:
        engine.dispose()
    return frozenset(pid for pid in map(_pid, states) if pid)


def _pid(state: object) -> int:
    try:
        told = json.loads(state) if isinstance(state, str) else state
        return int(told["pid"]) if isinstance(told, dict) else 0
    except (ValueError, TypeError, KeyError):
        return 0


def _variable(pid: int, name: str) -> str:
    try:
        return psutil.Process(pid).environ().get(name, "")
    except (psutil.Error, OSError):
        return ""


def _hub_runs(settings: Settings) -> bool:
    """Say whether the hub that wrote its process number down still runs."""
    try:
        process = psutil.Process(int(settings.layout.hub_pid.read_text()))
        return process.status() != psutil.STATUS_ZOMBIE and any("jupyterhub" in word for word in process.cmdline())
    except (psutil.Error, OSError, ValueError):
        return False
