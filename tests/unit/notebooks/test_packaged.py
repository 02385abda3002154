"""Packaged notebooks and their configs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from labkit.errors import InvalidInput, NotFound
from labkit.notebooks import packaged_notebook, read_config


class Config(BaseModel):
    size: int


def test_packaged_notebook_that_is_not_there() -> None:
    """An unknown name lists what the package has."""
    with pytest.raises(NotFound, match="has no notebook 'teleport'") as caught:
        packaged_notebook("labkit.runs", "teleport")
    assert caught.value.hint == "It has: none."


def test_config_is_checked(tmp_path: Path) -> None:
    """A config comes back as its model; a wrong field is named; a missing file too."""
    path = tmp_path / "config.json"
    path.write_text('{"size": 3}')
    assert read_config(str(path), Config) == Config(size=3)
    path.write_text('{"size": "many"}')
    with pytest.raises(InvalidInput, match="size"):
        read_config(path, Config)
    with pytest.raises(NotFound):
        read_config(tmp_path / "other.json", Config)
