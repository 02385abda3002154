"""Following somebody's document without writing: a look at it costs what changed since the last look."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from labkit.annotations.document import Document
from labkit.annotations.edits import apply_edit
from labkit.annotations.journal import read_journal
from labkit.annotations.store import check_image, load_document
from labkit.project import Project

__all__ = ["DocumentReader"]

_Mark = tuple[int, int, int] | None


class DocumentReader:
    """One author's document of one image, read again and again; may be used by several threads.

    Parameters
    ----------
    project : Project
        Where the image is.
    image_id, author : str
        Whose annotations of what; a document that is not there is an empty one of revision 0.

    Raises
    ------
    NotFound
        The project has no such image.
    """

    def __init__(self, project: Project, image_id: str, author: str) -> None:
        check_image(project, image_id)
        self._project, self._image_id, self._author = project, image_id, author
        self._layout = project.layout.annotation(image_id, author)
        self._lock = threading.Lock()
        self._document: Document | None = None
        self._snapshot_mark: _Mark = None
        self._journal_mark: _Mark = None
        self._length = 0  # of the journal, as far as it was read

    def read(self) -> Document:
        """Return the document as it is stored now.

        Raises
        ------
        CorruptStore
            Snapshot or journal are not as they were written, or an edit between them is missing.
        """
        with self._lock:
            journal_mark, snapshot_mark = _mark_of(self._layout.journal), _mark_of(self._layout.snapshot)
            known = self._document
            if known is not None and snapshot_mark == self._snapshot_mark:
                if journal_mark == self._journal_mark:
                    return known
                followed = self._followed(known, journal_mark)
                if followed is not None:
                    self._document, self._journal_mark = followed, journal_mark
                    return followed
            self._load(journal_mark, snapshot_mark)
            if self._document is None:
                raise RuntimeError("the document was not loaded")
            return self._document

    def _load(self, journal_mark: _Mark, snapshot_mark: _Mark) -> None:
        """Read everything. The marks were taken before, so that what is written meanwhile is looked at again the next time."""
        loaded = load_document(self._project, self._image_id, self._author)
        self._document, self._length = loaded.document, loaded.journal.length
        self._journal_mark, self._snapshot_mark = journal_mark, snapshot_mark

    def _followed(self, known: Document, mark: _Mark) -> Document | None:
        """Return `known` with the edits that were appended since; None where the journal is another one or skips a revision."""
        before = self._journal_mark  # None: there was no journal yet, and its first byte is new
        if mark is None or mark[1] < self._length or (before is not None and before[0] != mark[0]):
            return None
        added = read_journal(self._layout.journal, self._length)
        for entry in added.entries:
            if entry.revision != known.revision + 1:
                return None
            known = replace(apply_edit(known, entry.edit), revision=entry.revision)
        self._length = added.length
        return known


def _mark_of(path: Path) -> _Mark:
    """Return what tells one state of a file from another: inode, length, time of change."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
