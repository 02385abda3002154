"""How folders are called in the file browser."""

from pathlib import Path

import pytest

from labkit_lab.places import browser_path, find_lesson


def test_folder_below_the_root(tmp_path: Path) -> None:
    """A folder below the root is named relative to it, with slashes."""
    assert browser_path(tmp_path, tmp_path / "projects" / "cells") == "projects/cells"


def test_folder_outside_of_the_root(tmp_path: Path) -> None:
    """A folder that the file browser cannot show has no name there."""
    assert browser_path(tmp_path / "home", tmp_path / "projects") is None


def test_hidden_folder(tmp_path: Path) -> None:
    """A folder below a hidden one is not shown by the file browser."""
    assert browser_path(tmp_path, tmp_path / ".hidden" / "cells") is None


def test_link_below_the_root(tmp_path: Path) -> None:
    """A link below the root is shown under its own name, wherever it points."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "projects").symlink_to(tmp_path / "disk")
    assert browser_path(tmp_path / "home", tmp_path / "home" / "projects" / "cells") == "projects/cells"


def test_root_that_is_a_link(tmp_path: Path) -> None:
    """The root may be given by a link and the folder by its real place."""
    (tmp_path / "disk" / "projects").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    assert browser_path(tmp_path / "home", tmp_path / "disk" / "projects") == "projects"


def test_lesson_in_the_home_below_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lesson in the home is found when the root lies above the home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "course").mkdir(parents=True)
    (tmp_path / "home" / "course" / "01-first-project.ipynb").write_text("{}")
    assert find_lesson(tmp_path) == "home/course/01-first-project.ipynb"


def test_lesson_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lesson nothing is offered."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_lesson(tmp_path) is None
