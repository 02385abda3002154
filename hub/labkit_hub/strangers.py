"""Servers that compute unseen: a hub that was killed while it started one has no row that says so."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Collection
from typing import Any

from docker.errors import APIError, NotFound
from jupyterhub import orm
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from labkit.errors import StorageUnreachable
from labkit_hub.dockerproxy.callers import CALLER_LABEL
from labkit_hub.placement import server_object_name

__all__ = ["end_strangers", "hub_lives", "known_servers", "remove_strangers"]

_log = logging.getLogger("labkit.docker")


def end_strangers(remove: Callable[[Collection[str]], list[str]], prefix: str, database_url: str) -> None:
    """Let `remove` remove the servers that a hub which was killed in the middle of a start has left, and has no row of.

    They would compute on a device that is lent to somebody else. A database that does not answer proves nothing, and removes nothing.

    Parameters
    ----------
    remove : callable
        Takes the names of the containers or services that are known, removes all others of this hub, and returns their names.
    prefix : str
        Begins all those names.
    database_url : str
        The hub's database.
    """
    try:
        removed = remove({server_object_name(prefix, user, name) for user, name in known_servers(database_url)})
    except SQLAlchemyError as error:
        _log.warning("The hub's database does not say which servers run: %s", error)
    except StorageUnreachable as error:
        _log.warning("%s", error.message)
    else:
        if removed:
            _log.warning("Removed servers of which the hub has no row: %s", ", ".join(removed))


def hub_lives(port: int) -> bool:
    """Return whether a hub runs here already: this program is a command beside it, and what starts just now is that hub's."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def known_servers(database_url: str) -> set[tuple[str, str]]:
    """Return user and name of the servers that the hub's database says run; a new database knows none."""
    engine = create_engine(database_url)
    try:
        if not inspect(engine).has_table(orm.Spawner.__tablename__):
            return set()
        with engine.connect() as connection:
            wanted = select(orm.User.name, orm.Spawner.name).join(orm.Spawner, orm.Spawner.user_id == orm.User.id)
            return {(str(user), str(name)) for user, name in connection.execute(wanted.where(orm.Spawner.server_id.is_not(None)))}
    finally:
        engine.dispose()


def remove_strangers(client: Any, prefix: str, known: Collection[str]) -> list[str]:
    """Remove this hub's running containers that are not called as one in `known`, and return their names.

    To be called when nothing can be starting: before the hub looks at its servers, and so before any device is lent again.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or refuses.
    """
    removed = []
    try:
        for container in client.containers(filters={"label": [f"{CALLER_LABEL}={prefix}"]}):
            name = str(container["Names"][0]).lstrip("/")
            if name in known:
                continue
            try:
                client.remove_container(container["Id"], v=False, force=True)
            except NotFound:
                continue
            except APIError as error:
                if "already in progress" not in str(error):  # it ends by itself just now
                    raise
            removed.append(name)
    except (APIError, OSError) as error:
        raise StorageUnreachable(f"Docker did not do what was asked: {error}", hint="Look at the logs of the socket proxy.") from error
    return removed
