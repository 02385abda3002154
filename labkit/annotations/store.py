"""Where documents are kept: one folder per author, a snapshot that is replaced by rename under a lock."""

from __future__ import annotations

import getpass
import os
from dataclasses import replace

from labkit.annotations.document import Document
from labkit.annotations.records import document_bytes, document_from_bytes
from labkit.errors import Conflict, CorruptStore, InvalidInput, NotFound
from labkit.project import Project
from labkit.storage import INCOMING_PREFIX, explain_os_errors, hold_lock, unescape_name, write_bytes

__all__ = ["authors", "open_document", "resolve_author", "save_document"]


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
    return tuple(sorted(name for name in names if project.layout.annotation(image_id, name).snapshot.is_file()))


def open_document(project: Project, image_id: str, author: str) -> Document:
    """Return the author's document of an image; a new one of revision 0 if there is none.

    Raises
    ------
    NotFound
        The project has no such image.
    CorruptStore
        The snapshot is not as it was written.
    """
    _check_image(project, image_id)
    return _load(project, image_id, author)


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
    _check_image(project, document.image_id)
    layout = project.layout.annotation(document.image_id, document.author)
    with hold_lock(layout.lock, what="these annotations"):
        stored = _load(project, document.image_id, document.author)
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
        classes = Project.open(project.path).classes  # as they are now: the file must name a class that was added meanwhile
        write_bytes(layout.snapshot, document_bytes(saved, classes))
    return saved


def _load(project: Project, image_id: str, author: str) -> Document:
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


def _check_image(project: Project, image_id: str) -> None:
    # ids come from outside too (a route, a file): one with a separator must not lead out of the project
    if "/" in image_id or image_id.startswith(".") or not project.layout.image(image_id).record.is_file():
        raise NotFound(f"The project has no image {image_id!r}.", hint="List its images with 'labkit project show'.", id=image_id)
