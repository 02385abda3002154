"""Containers that no hub knows of, against a played Docker and a real database."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from labkit.errors import StorageUnreachable
from labkit_hub.networks import Room
from labkit_hub.service.pages.networks import NetworkRoom
from labkit_hub.strangers import hub_lives, known_servers, remove_strangers


class PlayedDocker:
    """Containers by name, and which were removed."""

    def __init__(self, *names: str, fault: str = "") -> None:
        self.names, self.fault, self.removed = names, fault, list[str]()

    def containers(self, **asked: Any) -> list[dict[str, Any]]:
        assert asked == {"filters": {"label": ["labkit.caller=labkit"]}}  # those that run
        return [{"Id": name, "Names": [f"/{name}"]} for name in self.names]

    def remove_container(self, name: str, **_: Any) -> None:
        if self.fault:
            raise APIError(self.fault)
        self.removed.append(name)


def test_only_servers_with_an_address_are_known(tmp_path: Path) -> None:
    """A row without one is a server that has stopped, or that was starting when the hub was killed."""
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    assert known_servers(url) == set()
    engine = create_engine(url)
    orm.Base.metadata.create_all(engine)
    with Session(engine) as session:
        anna = orm.User(name="anna")
        session.add_all([anna, orm.Spawner(name="", user=anna, server=orm.Server()), orm.Spawner(name="run-a", user=anna)])
        session.commit()
    engine.dispose()
    assert known_servers(url) == {("anna", "")}


def test_what_is_not_known_is_removed() -> None:
    """And nothing else."""
    docker = PlayedDocker("labkit-server-anna-x", "labkit-run-anna-y")
    assert remove_strangers(docker, "labkit", {"labkit-server-anna-x"}) == docker.removed == ["labkit-run-anna-y"]


def test_one_that_ends_just_now_is_no_fault() -> None:
    """Docker removes it already; any other refusal is told."""
    assert remove_strangers(PlayedDocker("a", fault="removal of container a is already in progress"), "labkit", ()) == ["a"]
    with pytest.raises(StorageUnreachable):
        remove_strangers(PlayedDocker("a", fault="no"), "labkit", ())


def test_a_hub_that_lives_is_noticed() -> None:
    """Some command of JupyterHub's beside it reads the same configuration."""
    with socket.create_server(("127.0.0.1", 0)) as hub:
        port = hub.getsockname()[1]
        assert hub_lives(port)
    assert not hub_lives(port)


def test_room_is_asked_for_now_and_then() -> None:
    """A page that is loaded again and again asks Docker once; while Docker is away nothing is shown."""
    now, asked = [0.0], []

    def ask() -> Room:
        asked.append(1)
        if len(asked) == 2:
            raise StorageUnreachable("away", hint="")
        return Room(3, 4096)

    room = NetworkRoom(ask, clock=lambda: now[0])
    assert (room.last(), room.last(), len(asked)) == (Room(3, 4096), Room(3, 4096), 1)
    now[0] = 60.0
    assert (room.last(), len(asked)) == (None, 2)
