"""A document under somebody's hand: edits are journalled, then acknowledged; nothing that was acknowledged is ever lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

from labkit.annotations.document import Document
from labkit.annotations.edits import Edit, apply_edit, inverse_of
from labkit.annotations.history import History
from labkit.annotations.journal import Entry, EntryKind, Journal, write_journal
from labkit.annotations.store import check_image, load_document, remove_leftovers, resolve_author, write_snapshot
from labkit.errors import Conflict, LabKitError, NotWritable, StorageFull
from labkit.project import Project
from labkit.storage import hold_lock

__all__ = ["Acknowledgement", "Editor"]

_SNAPSHOT_EVERY = 200  # edits between snapshots; opening replays at most so many
_LONGEST_JOURNAL_BYTES = 16 * 2**20
_KEPT_ENTRIES = 200  # of a journal that has grown too long: so many steps can still be undone
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What an edit became: it is on the disk.

    Attributes
    ----------
    revision : int
        That of the document afterwards.
    changed : bool
        False where nothing was to be done: it had come before, or there was nothing to undo.
    """

    revision: int
    changed: bool


class Editor:
    """One author's document of one image, open for editing; several may be open in several processes.

    Parameters
    ----------
    project : Project
        Where it lies.
    image_id : str
        The image.
    author : str, optional
        Whose document; see `resolve_author`.
    on_change : callable, optional
        Called with the document after each change, also after one that came from elsewhere; on the thread that noticed it.

    Raises
    ------
    NotFound
        The project has no such image.
    CorruptStore
        Snapshot or journal are not as they were written.
    """

    def __init__(
        self,
        project: Project,
        image_id: str,
        author: str | None = None,
        *,
        on_change: Callable[[Document], None] = lambda document: None,
    ) -> None:
        check_image(project, image_id)
        self.project = project
        self.image_id = image_id
        self.author = resolve_author(author)
        self._layout = project.layout.annotation(image_id, self.author)
        self._on_change = on_change
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._snapshot_mark: tuple[int, int] | None = None
        with self._held():
            pass  # reads what there is

    @property
    def document(self) -> Document:
        """The document as this editor last saw it."""
        return self._document

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._history.undoable is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return self._history.redoable is not None

    def apply(self, edit: Edit, *, client: str = "", number: int = 0) -> Acknowledgement:
        """Carry out an edit and return when it is on the disk.

        Parameters
        ----------
        edit : Edit
            What changes. Objects that others have changed meanwhile stay unless the edit names them.
        client, number : str, int
            Who sends it, and the how-manieth of theirs it is; what comes again under a number that is known changes nothing.

        Raises
        ------
        StorageFull, NotWritable, Locked
            It could not be written; the document is as it was, and the same call may be tried again.
        InvalidInput
            An attribute cannot be written.
        """
        return self._carry_out("edit", lambda document: edit, client, number)

    def apply_to(self, revision: int, edit: Edit, *, client: str = "", number: int = 0) -> Acknowledgement:
        """Carry out an edit of somebody who last saw `revision`.

        Raises
        ------
        Conflict
            An object that the edit names was changed since; nothing is changed. Look at the document again and send what still holds.
        """

        def checked(document: Document) -> Edit:
            names = {change.id for change in edit.changes}
            meanwhile = {change.id for entry in self._entries if entry.revision > revision for change in entry.edit.changes}
            known_since = self._entries[0].revision - 1 if self._entries else document.revision
            if revision > document.revision or revision < known_since or names & meanwhile:
                raise Conflict(
                    f"These annotations changed meanwhile (revision {document.revision}, yours is {revision}).",
                    hint="Look at them again; what you add merges by object id.",
                    stored=document.revision,
                    yours=revision,
                    objects=sorted(names & meanwhile),
                )
            return edit

        return self._carry_out("edit", checked, client, number)

    def knows(self, client: str, number: int) -> bool:
        """Return whether what a client sent under this number, or a later one, is done: the same again would change nothing."""
        return bool(client) and number <= self._clients.get(client, 0)

    def change(self, edit_for: Callable[[Document], Edit], *, client: str = "", number: int = 0) -> Acknowledgement:
        """Carry out what `edit_for` makes of the document as it is now; nobody else writes in between.

        Raises
        ------
        StorageFull, NotWritable, Locked
            It could not be written; the document is as it was, and the same call may be tried again.
        """
        return self._carry_out("edit", edit_for, client, number)

    def undo(self, *, client: str = "", number: int = 0) -> Acknowledgement:
        """Take back the last step that is not taken back yet."""
        return self._carry_out("undo", lambda document: self._step("undo"), client, number)

    def redo(self, *, client: str = "", number: int = 0) -> Acknowledgement:
        """Make the step again that was taken back last."""
        return self._carry_out("redo", lambda document: self._step("redo"), client, number)

    def refresh(self) -> Document:
        """Look whether others have changed the document, and return it as it is now."""
        with self._held():
            return self._document

    def close(self) -> None:
        """Write a snapshot if there is anything new, and give the files back; without room for one the journal holds all."""
        try:
            with suppress(StorageFull, NotWritable), self._held():
                if self._document.revision > self._saved_revision:
                    self._write_snapshot()
        finally:
            with self._lock:
                if self._journal is not None:
                    self._journal.close()
                    self._journal = None

    def _step(self, kind: Literal["undo", "redo"]) -> Edit:
        step = self._history.undoable if kind == "undo" else self._history.redoable
        if step is None:
            return Edit()
        return step.inverse if kind == "undo" else step.edit

    def _carry_out(self, kind: EntryKind, edit_for: Callable[[Document], Edit], client: str, number: int) -> Acknowledgement:
        with self._held() as journal:
            document = self._document
            edit = Edit() if self.knows(client, number) else edit_for(document)
            if not edit:
                return Acknowledgement(document.revision, False)
            after = replace(apply_edit(document, edit), revision=document.revision + 1)  # raises before anything is written
            entry = Entry(after.revision, kind, client, number, edit, inverse_of(document, edit))
            journal.append(entry)
            self._take(entry, after)
            if after.revision - self._saved_revision >= _SNAPSHOT_EVERY:
                with suppress(LabKitError):  # the edit is safe in the journal; the next one tries again
                    self._write_snapshot()
        self._on_change(after)
        return Acknowledgement(after.revision, True)

    def _take(self, entry: Entry, after: Document) -> None:
        self._document = after
        self._entries.append(entry)
        self._history.note(entry)
        self._clients[entry.client] = max(entry.number, self._clients.get(entry.client, 0))

    @contextmanager
    def _held(self) -> Iterator[Journal]:
        """Hold the document: nobody else writes, and what others wrote is known."""
        changed = False
        with self._lock, hold_lock(self._layout.lock, timeout_s=_LOCK_S, what="these annotations"):
            if self._journal is None or not self._journal.is_current or self._snapshot_mark != self._mark():
                changed = self._journal is not None
                self._read()
            if self._journal is None:
                raise RuntimeError("the journal was not opened")
            yield self._journal
        if changed:
            self._on_change(self._document)

    def _read(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        remove_leftovers(self._layout)
        self._snapshot_mark = self._mark()
        loaded = load_document(self.project, self.image_id, self.author)
        self._document, self._saved_revision = loaded.document, loaded.snapshot_revision
        entries = loaded.journal.entries
        if entries and entries[-1].revision < self._document.revision:  # saved from outside since: older steps do not fit it
            entries = ()
        self._entries = list(entries)
        self._clients = dict(loaded.journal.clients)
        self._history = History(entries)
        self._journal = Journal(self._layout.journal, loaded.journal.length)

    def _mark(self) -> tuple[int, int] | None:
        """Return what tells one snapshot from another."""
        try:
            found = self._layout.snapshot.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _write_snapshot(self) -> None:
        """Write the document as a whole, and shorten the journal where it has grown long."""
        write_snapshot(self.project, self._document)
        self._snapshot_mark = self._mark()
        self._saved_revision = self._document.revision
        if self._journal is not None and self._journal.length > _LONGEST_JOURNAL_BYTES:
            kept = self._entries[-_KEPT_ENTRIES:]
            length = write_journal(self._layout.journal, kept, self._clients)
            self._journal.close()
            self._journal = Journal(self._layout.journal, length)
            self._entries = list(kept)
