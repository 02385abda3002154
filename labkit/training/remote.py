"""Checkpoints and models on an object store: what a run that executes elsewhere brings back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from labkit.errors import AlreadyExists, CorruptStore, InvalidInput, NotFound, StorageUnreachable
from labkit.events import CancelToken, ignore_events
from labkit.project import Project
from labkit.storage import (
    CheckpointLayout,
    ModelLayout,
    ObjectMissing,
    Objects,
    Record,
    RemoteLayout,
    check_name,
    fetch_object,
    file_sha256,
    is_remote,
    load_record,
    new_folder,
    open_objects,
    push_folder,
    save_record,
    utc_now,
    write_bytes,
)
from labkit.training.registry import Model, ModelCard, list_models

__all__ = ["CheckpointManifest", "fetch_checkpoints", "fetch_model", "push_checkpoints", "push_model"]

_HASH_LETTERS = 12
_LOOKS = 5  # how often somebody may replace a checkpoint while it is fetched
_MOST_BYTES = 64 * 2**30


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
    layout, objects = RemoteLayout(_checked(url)), open_objects(_checked(url))
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
    layout, objects = RemoteLayout(_checked(url)), open_objects(_checked(url))
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


def push_model(model: Model, url: str) -> str:
    """Send a model, once by the hash of its weights, its card last.

    Parameters
    ----------
    model : Model
        The model.
    url : str
        ``s3://bucket/prefix``.

    Returns
    -------
    str
        Its address, ``s3://…/models/name@hash``.
    """
    address = RemoteLayout(_checked(url)).model(model.card.name, model.card.weights_sha256[:_HASH_LETTERS])
    push_folder(
        model.layout.root,
        address,
        last=model.layout.card.name,
        stage=f"push {model.key}",
        on_event=ignore_events,
        cancel=CancelToken(),
    )
    return address


def fetch_model(url: str, project: Project) -> Model:
    """Bring a model into a project, as the next version of its name; one that is there already is not fetched again.

    Parameters
    ----------
    url : str
        The address that `push_model` returned.
    project : Project
        Where it goes.

    Raises
    ------
    NotFound
        There is no such model.
    CorruptStore
        Its weights are not those of its card.
    """
    known = {model.card.weights_sha256[:_HASH_LETTERS]: model for model in list_models(project)}
    hash_ = _checked(url).rstrip("/").rpartition("@")[2]
    if hash_ in known:
        return known[hash_]
    while True:
        try:
            return _fetched(url.rstrip("/"), project)
        except AlreadyExists:
            continue  # somebody took this version meanwhile


def _fetched(address: str, project: Project) -> Model:
    folder_name = check_name(address.rpartition("/")[2].rpartition("@")[0], what="model name")
    version = 1 + max((m.card.version for m in list_models(project) if m.card.name == folder_name), default=0)
    target = project.layout.model(folder_name, version)
    with new_folder(target.root) as folder:
        layout = ModelLayout(folder)
        fetch_object(address, folder, room_bytes=_MOST_BYTES, on_event=ignore_events, cancel=CancelToken(), stores=(layout.card.name,))
        card = load_record(layout.card, ModelCard)
        if not layout.weights.is_file() or file_sha256(layout.weights) != card.weights_sha256 or card.name != folder_name:
            raise CorruptStore(f"{address} is not the model that its card describes.", hint="Push it again.", path=address)
        card = card.model_copy(update={"version": version})
        save_record(layout.card, card)
    return Model(target, card)


def _checked(url: str) -> str:
    if not is_remote(url):
        raise InvalidInput(f"{url!r} is no address of an object store.", hint="Give one such as s3://bucket/folder.")
    return url.rstrip("/")
