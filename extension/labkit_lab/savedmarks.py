"""Compares what somebody sees in the browser with the file on the disk, so that an older file is never handed in unnoticed.

The browser hashes the cells (kind and source, in order) or the text of each open document after saving it. A save that did not reach
the disk - autosave stopped after a reconnect, a full disk, a server that restarted - shows as another hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from labkit.client.workfolder import WorkFolder
from labkit.courses.notebook import cell_text
from labkit.errors import Conflict, InvalidInput
from labkit.storage import explain_os_errors
from labkit_lab.wire_sending import SavedDocument

__all__ = ["check_saved", "notebook_mark", "text_mark"]


def check_saved(folder: WorkFolder, documents: Iterable[SavedDocument], *, undone: str = "submitted", again: str = "submit") -> None:
    """Compare each open document with its file; what was not `undone` therefore, and what to do `again`, is said.

    Raises
    ------
    Conflict
        A file is another (an older) one than what is seen.
    """
    for document in documents:
        found = _mark_on_disk(folder, document)
        if found != document.sha256:
            raise Conflict(
                f"The file {document.path} on the disk is not what you see: it is older, or was changed by something else.",
                hint=f"Nothing was {undone}. Save the document (Ctrl+S), look whether it says that it is saved, then {again} again.",
                path=document.path,
            )


def _mark_on_disk(folder: WorkFolder, document: SavedDocument) -> str:
    parts = document.path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise InvalidInput(f"{document.path!r} is no path in the assignment.", hint="Reload the page and try again.")
    place = folder.on_disk(document.path)
    if not place.is_file():
        return ""
    with explain_os_errors(place):
        data = place.read_bytes()
    return notebook_mark(data) if document.kind == "notebook" else text_mark(data)


def notebook_mark(data: bytes) -> str:
    """Return the hash of the cells of a notebook file: of each its kind and its source. Empty for what is none."""
    try:
        cells = json.loads(data)["cells"]
        parts = [(str(cell["cell_type"]), cell_text(cell)) for cell in cells]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    found = hashlib.sha256()
    for kind, source in parts:
        text = _encoded(source)
        found.update(f"{kind} {len(text)}\n".encode() + text + b"\n")
    return found.hexdigest()


def text_mark(data: bytes) -> str:
    """Return the hash of a text with plain line ends."""
    text = data.decode(errors="replace").removeprefix("\ufeff")
    return hashlib.sha256(text.replace("\r\n", "\n").replace("\r", "\n").encode()).hexdigest()


def _encoded(text: str) -> bytes:
    """Return UTF-8 as browsers write it: half a pair of surrogates becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
