"""Folder names of users, and what a new home holds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from labkit.errors import InvalidInput, LabKitError
from labkit_hub.homes import UserHome, home_name

HOSTILE = [
    *("a/b", "zoë b", "A.B", "a.b", "..", ".", "...", "/etc/passwd", "../../x", "a\\b", "a\nb", "a\0b", "-rf", "~root", "$HOME", "a_b"),
    *("_2e", "%2e", "a%2fb", "CON", "con", "Zoë", "zoe\u0308", "名前", "x" * 300, "x" * 301, "ü" * 300, "a:b", " a", "a ", "\udcff"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_one_plain_folder(name: str, tmp_path: Path) -> None:
    """The folder lies directly in the homes, is not hidden, and its name is plain ASCII of a length that every disk takes."""
    folder = home_name(name)
    assert folder.isascii()
    assert folder == folder.lower()
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._")
    assert not folder.startswith(".")
    assert len(folder) <= 120
    (tmp_path / folder).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_no_two_names_share_a_folder() -> None:
    """Names that look alike still get folders of their own, also where the disk ignores case."""
    folders = {home_name(name) for name in HOSTILE}
    assert len(folders) == len(HOSTILE)


def test_short_names_collide_never() -> None:
    """All names of up to three of the characters that the escape itself uses are kept apart."""
    names = ["".join(letters) for length in (1, 2, 3) for letters in itertools.product("a.2eA_/h", repeat=length)]
    assert len({home_name(name) for name in names}) == len(names)


def test_plain_names_stay_readable() -> None:
    """Most people find their name on the disk as it is."""
    assert [home_name(name) for name in ("student", "anna.b", "kim-2")] == ["student", "anna.b", "kim-2"]


def test_nobody_has_no_home() -> None:
    """An empty name is refused rather than given the folder of all homes."""
    with pytest.raises(InvalidInput):
        home_name("")


def test_a_new_home_is_private_and_keeps_what_is_there(tmp_path: Path) -> None:
    """The home is made for its owner only, and preparing it again changes no file."""
    home = UserHome.of(tmp_path, "zoë")
    home.prepare()
    settings = next(home.root.rglob("*.jupyterlab-settings"))
    settings.write_text("mine")
    home.prepare()
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert home.projects.is_dir()
    assert settings.read_text() == "mine"


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A file where the folder of homes should be gives an error with a hint."""
    (tmp_path / "homes").write_text("")
    with pytest.raises(LabKitError) as caught:
        UserHome.of(tmp_path / "homes", "student").prepare()
    assert caught.value.hint


def test_the_environment_points_into_the_home(tmp_path: Path) -> None:
    """Every variable names a place in the home."""
    home = UserHome.of(tmp_path, "student")
    assert [name for name, value in home.environment().items() if not Path(value).is_relative_to(home.root)] == []
