"""A queue whose hub is in memory; its threads run only where a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from labkit.storage import new_id
from labkit.testing.postgres import RunningPostgres
from labkit.testing.queueworld import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds, with settings of the queue."""
    worlds: list[World] = []

    def make(**queue: Any) -> World:
        worlds.append(World(f"sqlite:///{tmp_path / f'service-{len(worlds)}.sqlite'}", **queue))
        worlds[-1].reconcile()
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A queue with two fake devices and nothing in the line."""
    return make_world()


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """A PostgreSQL server."""
    with RunningPostgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: RunningPostgres) -> str:
    """A database in it with nothing inside."""
    name = f"queue_{new_id()}"
    engine = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres.url.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def postgres_world(postgres_url: str) -> Iterator[World]:
    """Like `world`, on PostgreSQL."""
    world = World(postgres_url)
    world.reconcile()
    yield world
    world.close()
