"""Which annotation documents a release asks for, and how much of them is drawn."""

from __future__ import annotations

from functools import lru_cache

from labkit.courses.annotation_files import TASKS_FILE, read_tasks
from labkit.errors import LabKitError
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.courses.tables import ReleaseRow

__all__ = ["documents_of"]

_MOST_BYTES = 1_000_000
_NONE: frozenset[str] = frozenset()


def documents_of(store: FileStore, release: ReleaseRow | None) -> frozenset[str]:
    """Return the paths of the documents that a release asks for, one for each picture; none where it asks for no annotations.

    A list of tasks that cannot be read asks for none: what is counted here is shown beside other things, which it must not keep back.
    """
    files = release.asked["student"]["files"] if release is not None else ()
    sha256 = next((file["sha256"] for file in files if file["path"] == TASKS_FILE), None)
    if sha256 is None:
        return _NONE
    try:
        return _paths_in(store, sha256)
    except (LabKitError, OSError):
        return _NONE


@lru_cache(maxsize=512)  # the class is looked at every half minute, and what lies under a hash never changes
def _paths_in(store: FileStore, sha256: str) -> frozenset[str]:
    return frozenset(task.path for task in read_tasks(store.read(sha256, _MOST_BYTES)))
