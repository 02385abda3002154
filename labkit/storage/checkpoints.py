"""Checkpoints of a training on an object store: files under their hashes, and a manifest that names those of the newest."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from labkit.errors import CorruptStore, InvalidInput, NotFound, StorageUnreachable
from labkit.storage.atomic import write_bytes
from labkit.storage.errors import ObjectMissing
from labkit.storage.layout import CheckpointLayout, RemoteLayout
from labkit.storage.names import check_name
from labkit.storage.objects import Objects, open_objects
from labkit.storage.records import Record, utc_now
from labkit.storage.s3 import is_remote

__all__ = ["CheckpointManifest", "checked_address", "clean_checkpoints", "fetch_checkpoints", "push_checkpoints"]

_OBJECT = re.compile(r"(?:(?P<folder>.*)/)?" + RemoteLayout("").checkpoint_object("(?P<sha256>[0-9a-f]{64})"))
_LOOKS = 5  # how often somebody may replace a checkpoint while it is fetched


class CheckpointFile(Record):
    """A file of a checkpoint, by its content."""

    sha256: str
    size: int


class CheckpointManifest(Record):
    """``checkpoints.json``: the files of the newest checkpoint by their names; all of them were there before it was written."""

    format: Literal[1] = 1
    files: dict[str, CheckpointFile]
    pushed: datetime


def push_checkpoints(folder: CheckpointLayout, url: str) -> str:
    """Send what a training has so far; who reads at any moment finds a checkpoint that is whole, this one or the one before.

    Files go under names of their content, so that what has not changed is not sent again. What no checkpoint needs any more is
    removed at the end.

    Parameters
    ----------
    folder : CheckpointLayout
        Where the files are; nobody may write to them meanwhile.
    url : str
        ``s3://…/checkpoints`` of one training.

    Returns
    -------
    str
        The address.

    Raises
    ------
    NotFound
        There is nothing to send yet.
    StorageUnreachable, NotWritable
        The store does not answer or refuses; the checkpoint that was there before is still whole.
    """
    layout, objects = RemoteLayout(checked_address(url)), open_objects(checked_address(url))
    paths = [path for path in sorted(folder.root.glob("*")) if path.is_file() and not path.name.startswith(".")]
    if not paths:
        raise NotFound(f"{folder.root} holds no checkpoint.", hint="Wait for the first epoch.", path=str(folder.root))
    there = {found.key: found.size for found in objects.facts()}
    files = {}
    for path in paths:
        data = path.read_bytes()
        known = CheckpointFile(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        key = layout.checkpoint_object(known.sha256)
        if there.get(key) != known.size:
            objects.write(key, [data])
        files[path.name] = known
    manifest = CheckpointManifest(files=files, pushed=utc_now())
    objects.write(layout.checkpoints_manifest, [manifest.model_dump_json(indent=2).encode()])
    needed = {layout.checkpoint_object(file.sha256) for file in files.values()}
    for key in there:
        if key not in needed and key != layout.checkpoints_manifest:
            objects.remove_key(key)
    return objects.url


def fetch_checkpoints(url: str, folder: CheckpointLayout) -> CheckpointLayout:
    """Bring the newest checkpoint into a folder; each file is checked against its hash.

    Parameters
    ----------
    url : str
        As `push_checkpoints` took it.
    folder : CheckpointLayout
        Files of other names in it stay; what a training goes on from is written last.

    Raises
    ------
    NotFound
        There is no checkpoint.
    CorruptStore
        What came is not what was sent.
    """
    layout, objects = RemoteLayout(checked_address(url)), open_objects(checked_address(url))
    content = _whole_checkpoint(layout, objects)
    for name in sorted(content, key=lambda name: name == folder.resume_state.name):
        write_bytes(folder.root / name, content[name])
    return folder


def _whole_checkpoint(layout: RemoteLayout, objects: Objects) -> dict[str, bytes]:
    """Return the files by name; if a newer checkpoint takes the place of this one meanwhile, the newer one."""
    for _ in range(_LOOKS):
        manifest = _manifest(layout, objects)
        try:
            return {name: _checked_file(layout, objects, name, file) for name, file in manifest.files.items()}
        except ObjectMissing:
            continue
    raise StorageUnreachable(f"The checkpoint at {layout.url} lacks files.", hint="Try again.", path=layout.url)


def _manifest(layout: RemoteLayout, objects: Objects) -> CheckpointManifest:
    try:
        return CheckpointManifest.model_validate_json(objects.read(layout.checkpoints_manifest))
    except ObjectMissing as error:
        raise NotFound(f"There is no checkpoint at {layout.url}.", hint="Check the address.", path=layout.url) from error
    except ValidationError as error:
        raise CorruptStore(f"The checkpoint at {layout.url} cannot be read.", hint="Start the training anew.", path=layout.url) from error


def _checked_file(layout: RemoteLayout, objects: Objects, name: str, file: CheckpointFile) -> bytes:
    if check_name(name, what="name of a file of the checkpoint") != name:
        raise CorruptStore(f"{name!r} is no file of a checkpoint.", hint="Start the training anew.", name=name)
    data = objects.read(layout.checkpoint_object(file.sha256))
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise CorruptStore(f"{name} of the checkpoint at {layout.url} is damaged.", hint="Fetch it again.", path=layout.url)
    return data


def clean_checkpoints(url: str, *, untouched_h: float = 24.0) -> list[tuple[str, int]]:
    """Remove what pushes of checkpoints that were killed left anywhere below an address: files that no checkpoint names.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``.
    untouched_h : float
        Only what was written longer ago than that, in hours, so that no push under way is disturbed.

    Returns
    -------
    list of (str, int)
        The address of each object that was removed, and how many bytes it had.
    """
    objects = open_objects(checked_address(url))
    before = utc_now() - timedelta(hours=untouched_h)
    facts = {found.key: found for found in objects.facts()}
    needed: dict[str, set[str]] = {}
    removed = []
    for key, found in facts.items():
        match = _OBJECT.fullmatch(key)
        if match is None or found.modified is None or found.modified >= before:
            continue
        folder = match["folder"] or ""
        if folder not in needed:
            needed[folder] = _named_by(RemoteLayout(f"{objects.url}/{folder}".rstrip("/")))
        if match["sha256"] not in needed[folder]:
            objects.remove_key(key)
            removed.append((f"{objects.url}/{key}", found.size))
    return removed


def _named_by(layout: RemoteLayout) -> set[str]:
    try:
        return {file.sha256 for file in _manifest(layout, open_objects(layout.url)).files.values()}
    except NotFound:
        return set()


def checked_address(url: str) -> str:
    """Return an address of an object store, without a slash at its end.

    Raises
    ------
    InvalidInput
        It is none.
    """
    if not is_remote(url):
        raise InvalidInput(f"{url!r} is no address of an object store.", hint="Give one such as s3://bucket/folder.")
    return url.rstrip("/")
