"""How far one author has come in one image, remembered as long as its files are the same: the panel asks every few seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from labkit.annotations import ProgressRow, author_progress
from labkit.project import ImageRecord, Project

__all__ = ["own_standing"]

_MOST_KEPT = 5000
_Mark = tuple[tuple[int, int] | None, ...]
_KEPT: OrderedDict[Path, tuple[_Mark, ProgressRow]] = OrderedDict()
_LOCK = threading.Lock()


def own_standing(project: Project, image: ImageRecord, author: str) -> ProgressRow:
    """Return what `author_progress` says of a document; of its claim it may be old."""
    layout = project.layout.annotation(image.id, author)
    mark = (*(_mark_of(path) for path in (layout.snapshot, layout.journal, layout.review)), _mark_of(project.layout.record))
    with _LOCK:
        found = _KEPT.get(layout.root)
        if found is not None and found[0] == mark:
            _KEPT.move_to_end(layout.root)
            return found[1]
    row = author_progress(project, image, author)
    with _LOCK:
        _KEPT[layout.root] = mark, row
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return row


def _mark_of(path: Path) -> tuple[int, int] | None:
    """Return what tells one state of a file from another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
