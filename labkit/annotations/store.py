"""Where documents are kept: one folder per author, with a snapshot that is replaced by rename, and a journal of the edits since."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, replace

from labkit.annotations.document import Document
from labkit.annotations.edits import apply_edit
from labkit.annotations.journal import JournalContent, read_journal
from labkit.annotations.records import document_bytes, document_from_bytes
from labkit.errors import Conflict, CorruptStore, InvalidInput, NotFound
from labkit.project import Project
from labkit.storage import INCOMING_PREFIX, explain_os_errors, hold_lock, unescape_name, write_bytes

__all__ = [
    "LoadedDocument",
    "authors",
    "check_image",
    "load_document",
    "open_document",
    "resolve_author",
    "save_document",
    "write_snapshot",
]


def resolve_author(author: str | None = None) -> str:
    """Return who annotates: `author`, else ``$LABKIT_AUTHOR``, ``$JUPYTERHUB_USER``, the login name, or "me"."""
    chosen = author or os.environ.get("LABKIT_AUTHOR") or os.environ.get("JUPYTERHUB_USER")
    if not chosen:
        try:
            chosen = getpass.getuser()
        except (OSError, KeyError, ImportError):  # a container may run under a number that has no name
            chosen = "me"
    if not chosen.strip():
        raise InvalidInput("The author's name is empty.", hint="Give a name, or set LABKIT_AUTHOR.")
    return chosen.strip()


def authors(project: Project, image_id: str) -> tuple[str, ...]:
    """Return who has a document of this image, in alphabetical order."""
    folder = project.layout.annotations / image_id
    if not folder.is_dir():
        return ()
    names = {unescape_name(path.name) for path in folder.iterdir() if not path.name.startswith(INCOMING_PREFIX)}
    return tuple(sorted(name for name in names if project.layout.annotation(image_id, name).exists))


def open_document(project: Project, image_id: str, author: str) -> Document:
    """Return the author's document of an image; a new one of revision 0 if there is none.

    Raises
    ------
    NotFound
        The project has no such image.
    CorruptStore
        The snapshot is not as it was written.
    """
    check_image(project, image_id)
    return load_document(project, image_id, author).document


def save_document(project: Project, document: Document) -> Document:
    """Save the document if nobody has saved it since it was opened.

    Returns
    -------
    Document
        The same with the next revision: from now on go on with this one.

    Raises
    ------
    Conflict
        The stored revision is not the one that this was made from; open it again and merge by object id (`with_objects`).
    NotFound
        The project has no such image.
    StorageFull, NotWritable, Locked
        It could not be written; the old document is still there.
    """
    check_image(project, document.image_id)
    layout = project.layout.annotation(document.image_id, document.author)
    with hold_lock(layout.lock, what="these annotations"):
        stored = load_document(project, document.image_id, document.author).document
        if stored.revision != document.revision:
            raise Conflict(
                f"These annotations were saved elsewhere meanwhile (revision {stored.revision}, yours is of {document.revision}).",
                hint="Open them again and add your objects; objects merge by id.",
                stored=stored.revision,
                yours=document.revision,
            )
        for leftover in layout.root.glob(f"{INCOMING_PREFIX}*"):  # of a writer that was killed; we hold the lock
            leftover.unlink(missing_ok=True)
        saved = replace(document, revision=document.revision + 1)
        write_snapshot(project, saved)
    return saved


def write_snapshot(project: Project, document: Document) -> None:
    """Write the whole document; the lock is held by the caller."""
    layout = project.layout.annotation(document.image_id, document.author)
    classes = Project.open(project.path).classes  # as they are now: the file must name a class that was added meanwhile
    write_bytes(layout.snapshot, document_bytes(document, classes))


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A document with all edits since its snapshot, the revision of that, and what the journal holds."""

    document: Document
    snapshot_revision: int
    journal: JournalContent


def load_document(project: Project, image_id: str, author: str) -> LoadedDocument:
    """Return what is stored of an author's annotations of an image.

    Raises
    ------
    CorruptStore
        Snapshot or journal are not as they were written, or an edit between them is missing.
    """
    layout = project.layout.annotation(image_id, author)
    journal = read_journal(layout.journal)  # first: whoever shortens it has written the snapshot before
    document = _load_snapshot(project, image_id, author)
    snapshot_revision = document.revision
    later = [entry for entry in journal.entries if entry.revision > document.revision]
    if [entry.revision for entry in later] != list(range(document.revision + 1, document.revision + 1 + len(later))):
        raise CorruptStore(
            f"The journal {layout.journal} lacks edits after revision {document.revision}.",
            hint="Restore the folder from a backup.",
            path=str(layout.journal),
        )
    for entry in later:
        document = replace(apply_edit(document, entry.edit), revision=entry.revision)
    return LoadedDocument(document, snapshot_revision, journal)


def _load_snapshot(project: Project, image_id: str, author: str) -> Document:
    path = project.layout.annotation(image_id, author).snapshot
    with explain_os_errors(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Document(image_id=image_id, author=author)
    try:
        document = document_from_bytes(data, name=str(path))
    except InvalidInput as error:
        raise CorruptStore(error.message, hint="Restore the file from a backup.", path=str(path)) from error
    return replace(document, image_id=image_id, author=author)


def check_image(project: Project, image_id: str) -> None:
    """Refuse an id that is none of an image of the project.

    Raises
    ------
    NotFound
        There is no such image.
    """
    if not project.layout.has_image(image_id):
        raise NotFound(f"The project has no image {image_id!r}.", hint="List its images with 'labkit project show'.", id=image_id)
