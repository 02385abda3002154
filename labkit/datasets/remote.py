"""Training sets on an object store: sent once by their hash, copied from there into a project, and leftovers removed."""

from __future__ import annotations

import shutil
from datetime import timedelta

from labkit.datasets.cache import cached_training_set, clean_copies
from labkit.datasets.publishing import publish_set
from labkit.datasets.training_set import TrainingSet
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.project import Project
from labkit.storage import (
    Record,
    RemoteLayout,
    explain_os_errors,
    is_remote,
    open_objects,
    push_folder,
    scratch_folder,
    unfinished_folders,
    utc_now,
)

__all__ = ["CleanReport", "clean_leftovers", "pull_training_set", "push_training_set"]

_UNTOUCHED_H = 24.0  # who pushes for longer than that without an object getting through has been killed


class CleanReport(Record):
    """What was removed: names or addresses, and how many bytes they had."""

    removed: tuple[str, ...]
    freed_bytes: int


def push_training_set(data: TrainingSet, url: str, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> str:
    """Send a training set to an object store, once: a set that is there is not sent again, one that is there in part is completed.

    Parameters
    ----------
    data : TrainingSet
        The set.
    url : str
        ``s3://bucket/prefix``.
    on_event, cancel
        Told of progress (unit "bytes"); looked at between objects.

    Returns
    -------
    str
        Its address, ``s3://…/training-sets/name@hash``: what `open_training_set` and a training take.

    Raises
    ------
    InvalidInput
        It is no address of an object store.
    StorageUnreachable, NotWritable
        The store does not answer or refuses; the set is not there yet, and the next push goes on.
    """
    _check_remote(url)
    address = RemoteLayout(url).training_set(data.key)
    push_folder(
        data.layout.root,
        address,
        last=data.layout.manifest.name,
        stage=f"push {data.key}",
        on_event=on_event,
        cancel=cancel or CancelToken(),
    )
    return address


def pull_training_set(
    project: Project, address: str, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None
) -> TrainingSet:
    """Copy a training set of an object store into a project, as the next version of its name; one that is there is not copied again.

    Raises
    ------
    NotFound, CorruptStore, StorageFull
        As `open_training_set` for this address.
    """
    copy = cached_training_set(address, on_event, cancel or CancelToken())
    root = project.layout.training_sets
    with explain_os_errors(root), scratch_folder(root) as scratch:
        if not project.layout.training_set(copy.record.name, copy.record.hash).manifest.is_file():
            shutil.copytree(copy.layout.store, scratch / copy.layout.store.name)
        return publish_set(project, scratch, copy.record)


def clean_leftovers(url: str | None = None, *, everything: bool = False, untouched_h: float = _UNTOUCHED_H) -> CleanReport:
    """Remove what nobody needs: of the cache, or below an address what pushes that were killed left there.

    Parameters
    ----------
    url : str, optional
        ``s3://bucket/prefix``: training sets and models without a manifest are removed. Default: copies in the cache beyond
        ``LABKIT_CACHE_GB``, and leftovers of killed fetches.
    everything : bool
        Of the cache: all copies that no program reads.
    untouched_h : float
        Below an address: only what nobody has written to for so many hours, so that no push under way is disturbed.
    """
    if url is None:
        removed = clean_copies(0 if everything else None)
    else:
        _check_remote(url)
        removed = _clean_remote(RemoteLayout(url), untouched_h)
    return CleanReport(removed=tuple(name for name, _ in removed), freed_bytes=sum(size for _, size in removed))


def _clean_remote(layout: RemoteLayout, untouched_h: float) -> list[tuple[str, int]]:
    before = utc_now() - timedelta(hours=untouched_h)
    removed = []
    for address, last in ((layout.training_sets, layout.set_manifest), (layout.models, layout.model_manifest)):
        for folder, size in unfinished_folders(address, last=last, before=before):
            open_objects(folder).remove()
            removed.append((folder, size))
    return removed


def _check_remote(url: str) -> None:
    if not is_remote(url):
        raise InvalidInput(f"{url!r} is no address of an object store.", hint="Give one such as s3://bucket/folder.")
