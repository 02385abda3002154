"""Checkpoints and models on an object store: what a run that executes elsewhere brings back."""

from __future__ import annotations

from labkit.errors import AlreadyExists, CorruptStore
from labkit.events import CancelToken, ignore_events
from labkit.project import Project
from labkit.storage import (
    ModelLayout,
    RemoteLayout,
    check_name,
    checked_address,
    fetch_checkpoints,
    fetch_object,
    file_sha256,
    load_record,
    new_folder,
    push_checkpoints,
    push_folder,
    save_record,
)
from labkit.training.registry import Model, ModelCard, list_models

__all__ = ["fetch_checkpoints", "fetch_model", "push_checkpoints", "push_model"]

_HASH_LETTERS = 12
_MOST_BYTES = 64 * 2**30


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
    address = RemoteLayout(checked_address(url)).model(model.card.name, model.card.weights_sha256[:_HASH_LETTERS])
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
    hash_ = checked_address(url).rpartition("@")[2]
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
