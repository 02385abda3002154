"""How a folder of the disk is called in the file browser."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["browser_path", "find_lesson"]

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


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  # resolve() would follow links
