"""Whether a training set is what its manifest says, to the bit."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import zarr

from labkit.datasets.parts import PARTS
from labkit.datasets.records import TrainingSetRecord, content_of
from labkit.datasets.training_set import TrainingSet
from labkit.datasets.writing import SHARD_CHIPS
from labkit.errors import CorruptStore
from labkit.events import CancelToken
from labkit.storage import TrainingSetLayout, load_record

__all__ = ["check_training_set"]


def check_training_set(layout: TrainingSetLayout, key: str, cancel: CancelToken) -> TrainingSet:
    """Read all chips of a set, shard by shard, and compare them with its manifest and its name.

    Parameters
    ----------
    layout : TrainingSetLayout
        Where it lies.
    key : str
        ``name@hash``: what it has to be.
    cancel : CancelToken
        Looked at between shards.

    Raises
    ------
    CorruptStore
        Anything is missing or different.
    """
    record = load_record(layout.manifest, TrainingSetRecord)
    digest = hashlib.sha256()
    try:
        for part in PARTS:
            arrays = {name: zarr.open_array(layout.store / part / name, mode="r") for name in ("chips", "masks", "objects", "positions")}
            if any(array.shape[0] != record.parts[part].chips for array in arrays.values()):
                raise _damaged(key, f"the number of its {part} chips")
            _feed(digest, arrays, cancel)
    except (KeyError, OSError, ValueError) as error:
        if isinstance(error, CorruptStore):
            raise
        raise _damaged(key, type(error).__name__) from error
    if digest.hexdigest() != record.data_sha256:
        raise _damaged(key, "its pixels")
    if content_of(record) != record.hash or record.key != key:
        raise _damaged(key, "its manifest")
    return TrainingSet(layout, record)


def _feed(digest: Any, arrays: dict[str, zarr.Array[Any]], cancel: CancelToken) -> None:
    for start in range(0, arrays["chips"].shape[0], SHARD_CHIPS):
        cancel.raise_if_cancelled()
        chips, masks, objects, _ = (np.asarray(array[start : start + SHARD_CHIPS]) for array in arrays.values())
        for values in zip(chips, masks, objects, strict=True):
            for value in values:
                digest.update(np.ascontiguousarray(value).tobytes())


def _damaged(key: str, what: str) -> CorruptStore:
    return CorruptStore(f"The training set {key} is not as it was built: {what}.", hint="Push it again from where it was built.", key=key)
