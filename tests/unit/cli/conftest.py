"""A folder to stand in, and commands called within this program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.project import Project
from labkit.testing.commands import Done, call_labkit

LabKit = Callable[..., Done]


@pytest.fixture
def labkit(tmp_path: Path) -> LabKit:
    """Call a command in the folder `here`, by default the test's own."""

    def call(*arguments: str | Path, here: Path = tmp_path) -> Done:
        return call_labkit(*arguments, cwd=here)

    return call


@pytest.fixture
def labkit_in(project: Project) -> LabKit:
    """Call a command in the folder of `project`."""

    def call(*arguments: str | Path) -> Done:
        return call_labkit(*arguments, cwd=project.path)

    return call


@pytest.fixture
def labkit_there(trained: Project) -> LabKit:
    """Call a command in the folder of the project that the module has trained in."""

    def call(*arguments: str | Path) -> Done:
        return call_labkit(*arguments, cwd=trained.path)

    return call
