"""Paths that people write."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import InvalidInput

__all__ = ["path_in_home", "shown_path"]


def path_in_home(text: str) -> Path:
    """Return a path that somebody has written, relative to the home or not; links count where they lead.

    Raises
    ------
    InvalidInput
        It leads out of the home.
    """
    home = Path.home().resolve()
    try:
        path = (home / Path(text.strip()).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidInput(f"{text!r} is no path.", hint="Write it as the file browser shows it.") from error
    if not path.is_relative_to(home):
        raise InvalidInput("This path leads out of your home.", hint="Copy the file into your home, and name it there.", path=text)
    return path


def shown_path(path: Path) -> str:
    """Return a path as people write it: what lies in the home begins with ``~``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path != home and path.is_relative_to(home) else str(path)
