"""How a folder of the disk is called in the file browser."""

from __future__ import annotations

import os
from pathlib import Path

from labkit.errors import InvalidInput

__all__ = ["browser_path", "find_lesson", "path_in_home"]

_LESSON = Path("course") / "01-first-project.ipynb"


def browser_path(root: Path, path: Path) -> str | None:
    """Return `path` relative to the server's `root`, with ``/``; None when the file browser cannot show it.

    The path as it is written comes first: a link that lies below the root is shown, wherever it points.
    """
    pairs = ((_plain(root), _plain(path)), (root.expanduser().resolve(), path.expanduser().resolve()))
    for base, target in pairs:
        if target.is_relative_to(base):
            relative = target.relative_to(base)
            return None if any(part.startswith(".") for part in relative.parts) else relative.as_posix()
    return None


def find_lesson(root: Path) -> str | None:
    """Return the first lesson as the file browser calls it, looked for in the server's `root` and in the home."""
    for place in (root, Path.home()):
        lesson = place.expanduser() / _LESSON
        if lesson.is_file() and (shown := browser_path(root, lesson)):
            return shown
    return None


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


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  # resolve() would follow links
