"""Opening a training set, wherever it lies."""

from __future__ import annotations

from labkit.datasets.cache import cached_training_set
from labkit.datasets.training_set import TrainingSet, list_training_sets
from labkit.errors import NotFound
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.project import Project
from labkit.storage import is_remote

__all__ = ["open_training_set"]


def open_training_set(project: Project, key: str, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> TrainingSet:
    """Open a training set by ``name@hash``, the newest one of a name, or one of an object store by its address.

    Parameters
    ----------
    project : Project
        Where it lies, unless it is remote.
    key : str
        ``name@hash``, ``name``, or ``s3://…/training-sets/name@hash``: that one is read through a copy in the cache, which is checked
        against its hash when it is made.
    on_event, cancel
        Of the copying: told of progress (unit "bytes"); looked at between pieces.

    Raises
    ------
    NotFound
        There is none.
    CorruptStore, StorageFull
        The copy is not what its name says, or there is no room for it.
    """
    if is_remote(key):
        return cached_training_set(key, on_event, cancel or CancelToken())
    found = [s for s in list_training_sets(project) if key in (s.key, s.record.name)]
    if not found:
        names = ", ".join(s.key for s in list_training_sets(project)) or "none"
        raise NotFound(f"The project has no training set {key!r}.", hint=f"Its training sets: {names}.", key=key)
    return found[-1]
