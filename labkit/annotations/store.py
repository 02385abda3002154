"""Where documents are kept: one folder per author, with a snapshot that is replaced by rename, and a journal of the edits since."""

from __future__ import annotations

import getpass
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.annotations.document import Document
from labkit.annotations.edits import apply_edit
from labkit.annotations.journal import JournalContent, read_journal
from labkit.annotations.records import document_bytes, document_from_bytes
from labkit.errors import Conflict, CorruptStore, InvalidInput, NotFound
from labkit.project import ImageRecord, Project
from labkit.storage import INCOMING_PREFIX, AnnotationLayout, explain_os_errors, hold_lock, unescape_name, write_bytes

__all__ = [
    "CONSENSUS",
    "LoadedDocument",
    "authors",
    "change_document",
    "check_image",
    "document_author",
    "load_document",
    "may_draw",
    "open_document",
    "remove_leftovers",
    "resolve_author",
    "save_document",
    "write_snapshot",
]

CONSENSUS = "consensus"  # the author of what most agree on
_MOST_LATELY_READ = 2  # a second tab, or a page that was loaded anew, opens the same document; 10,000 outlines take half a second to read
_LATELY_READ: dict[Path, tuple[tuple[int, int, int], Document]] = {}
_LATELY = threading.Lock()


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


def may_draw(author: str) -> bool:
    """Return whether you draw in the documents of `author`: your own, and the consensus. Others are looked at and commented on."""
    return author in (resolve_author(), CONSENSUS)


def authors(project: Project, image_id: str) -> tuple[str, ...]:
    """Return who has a document of this image, in alphabetical order."""
    folder = project.layout.annotations / image_id
    if not folder.is_dir():
        return ()
    names = {unescape_name(path.name) for path in folder.iterdir() if not path.name.startswith(INCOMING_PREFIX)}
    return tuple(sorted(name for name in names if project.layout.annotation(image_id, name).exists))


def document_author(project: Project, image: ImageRecord, author: str | None = None) -> str:
    """Return whose document of an image is meant: that of `author`, by default yours, or the only one that there is.

    Raises
    ------
    NotFound
        There is no such document.
    """
    known = authors(project, image.id)
    chosen = known[0] if author is None and len(known) == 1 else resolve_author(author)
    if chosen not in known:
        names = ", ".join(known) or "nobody"
        raise NotFound(f"{chosen} has no annotations of {image.name}.", hint=f"Annotated by: {names}.", author=chosen)
    return chosen


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

    def unless_stale(stored: Document) -> Document:
        if stored.revision != document.revision:
            raise Conflict(
                f"These annotations were saved elsewhere meanwhile (revision {stored.revision}, yours is of {document.revision}).",
                hint="Open them again and add your objects; objects merge by id.",
                stored=stored.revision,
                yours=document.revision,
            )
        return replace(document, revision=document.revision + 1)

    return _rewrite(project, document.image_id, document.author, unless_stale)


def change_document(project: Project, image_id: str, author: str, change: Callable[[Document], Document]) -> Document:
    """Save what `change` makes of the document as it is now; nobody else saves in between.

    Parameters
    ----------
    project, image_id, author
        Whose document of what.
    change : callable
        Gets the stored document and returns another one. If it is the same, and there is a document, nothing is written.

    Raises
    ------
    NotFound
        The project has no such image.
    StorageFull, NotWritable, Locked
        It could not be written; the old document is still there.
    """

    def changed(stored: Document) -> Document:
        after = change(stored)
        return stored if after == stored and stored.revision else replace(after, revision=stored.revision + 1)

    return _rewrite(project, image_id, author, changed)


def _rewrite(project: Project, image_id: str, author: str, change: Callable[[Document], Document]) -> Document:
    check_image(project, image_id)
    layout = project.layout.annotation(image_id, author)
    with hold_lock(layout.lock, what="these annotations"):
        stored = load_document(project, image_id, author).document
        after = change(stored)
        if after is not stored:
            remove_leftovers(layout)
            write_snapshot(project, after)
    return after


def remove_leftovers(layout: AnnotationLayout) -> None:
    """Remove what a writer that was killed had not finished; the lock is held by the caller."""
    for leftover in layout.root.glob(f"{INCOMING_PREFIX}*"):
        leftover.unlink(missing_ok=True)


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
            with path.open("rb") as file:
                version = _version(file.fileno())
                known = _LATELY_READ.get(path)
                if known is None or known[0] != version:
                    known = version, _parsed(file.read(), path)
        except FileNotFoundError:
            return Document(image_id=image_id, author=author)
    with _LATELY:
        _LATELY_READ[path] = known
        for oldest in list(_LATELY_READ)[:-_MOST_LATELY_READ]:
            del _LATELY_READ[oldest]
    return replace(known[1], image_id=image_id, author=author)


def _parsed(data: bytes, path: Path) -> Document:
    try:
        return document_from_bytes(data, name=str(path))
    except InvalidInput as error:
        raise CorruptStore(error.message, hint="Restore the file from a backup.", path=str(path)) from error


def _version(descriptor: int) -> tuple[int, int, int]:
    """Return what tells a snapshot from the one that replaced it."""
    found = os.fstat(descriptor)
    return found.st_ino, found.st_mtime_ns, found.st_size


def check_image(project: Project, image_id: str) -> None:
    """Refuse an id that is none of an image of the project.

    Raises
    ------
    NotFound
        There is no such image.
    """
    if not project.layout.has_image(image_id):
        raise NotFound(f"The project has no image {image_id!r}.", hint="List its images with 'labkit project show'.", id=image_id)
