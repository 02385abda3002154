"""A test run that was killed leaves its stack on the engine; the next one must not meet its addresses."""

from __future__ import annotations

import secrets

import pytest

from labkit.testing.leftovers import remove_leftovers
from labkit.testing.stack import docker

pytestmark = [pytest.mark.docker, pytest.mark.ci]


def test_what_bears_a_tests_name_is_removed_and_nothing_else(images: str) -> None:
    """Containers, networks and volumes; what is only similar in name is somebody's."""
    ours, theirs = (f"{first}{secrets.token_hex(3)}" for first in ("lktest", "lktesting"))
    try:
        for name in (ours, theirs):
            docker("network", "create", f"{name}_core")
            docker("volume", "create", f"{name}-home")
            docker("create", "--name", f"{name}_hub_1", "--network", f"{name}_core", images, "true")
        assert sorted(remove_leftovers()) == [f"{ours}-home", f"{ours}_core", f"{ours}_hub_1"]
        assert docker("ps", "-aq", "--filter", f"name={theirs}_hub_1").split()
    finally:
        docker("rm", "-f", f"{theirs}_hub_1", check=False)
        docker("network", "rm", f"{theirs}_core", check=False)
        docker("volume", "rm", f"{theirs}-home", check=False)
