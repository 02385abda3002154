"""A queue whose hub is in memory; its threads run only where a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
