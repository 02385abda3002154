"""A model that was handed in: weights as safetensors for a network that LabKit has, never code.

It is a folder, or a zip of one, with ``weights.safetensors`` and ``card.json`` (as LabKit registers models) or ``model.json``
(``architecture``, ``channels``, ``classes``, ``normalisation``, and ``border`` for a net with an output between objects); or one
``.safetensors`` file that says the same, as text, in its metadata under ``labkit``.
"""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from labkit.courses.grading.arrays import Unusable
from labkit.datasets.records import Normalisation
from labkit.inference import ObjectLabeller, grow_labels, iter_windows
from labkit.storage import Record
from labkit.training import ARCHITECTURES, Network

__all__ = ["ModelFacts", "SubmittedModel", "load_model"]

_MOST_HEADER = 1_000_000
_MOST_WEIGHTS = 1_000_000_000
_WEIGHTS = "weights.safetensors"
_TILE_PX = 512
_GROW_PX = 3.0


class ModelFacts(Record):
    """What has to be known of a model beside its weights.

    Attributes
    ----------
    classes : tuple of int
        Ids of the classes, in the order of the outputs after the background.
    border : bool
        Whether the last output stands for the border between objects.
    """

    architecture: str
    channels: Annotated[int, Field(ge=1, le=64)]
    classes: Annotated[tuple[Annotated[int, Field(ge=1, le=255)], ...], Field(min_length=1, max_length=100)] = (1,)
    border: bool = False
    normalisation: Normalisation


@dataclass(frozen=True, slots=True)
class SubmittedModel:
    """A network that is ready to be shown pictures."""

    network: Network
    facts: ModelFacts

    def answer(self, picture: NDArray[Any], *, objects: bool) -> NDArray[np.int64]:
        """Return class ids (y, x) of a picture (y, x), (y, x, c) or (c, y, x); or, if they are asked for, object ids."""
        pixels = _channels_first(picture, self.facts.channels)
        shape = (pixels.shape[1], pixels.shape[2])
        classes, ids = np.zeros(shape, np.uint8), np.zeros(shape, np.uint32)
        labeller = ObjectLabeller(ids, classes)
        table = np.array([0, *self.facts.classes], np.uint8)
        network = self.network
        tile = max(network.stride_px, _TILE_PX // network.stride_px * network.stride_px)
        for window in iter_windows(*shape, tile, network.halo_px, network.stride_px):
            found, inside = network.split(network.probabilities(pixels[(slice(None), *window.read.slices)]))
            classes[window.core.slices] = table[found[window.keep]]
            labeller.add(window.core, inside[window.keep])
        if not objects:
            return classes.astype(np.int64)
        final = labeller.final_ids(1)[ids]
        return (grow_labels(final, classes > 0, _GROW_PX) if self.facts.border else final).astype(np.int64)


def _channels_first(picture: NDArray[Any], channels: int) -> NDArray[Any]:
    if picture.ndim == 2 and channels == 1:
        return picture[None]
    if picture.ndim == 3 and picture.shape[2] == channels:
        return np.ascontiguousarray(np.moveaxis(picture, 2, 0))
    if picture.ndim == 3 and picture.shape[0] == channels:
        return picture
    raise Unusable(f"The model takes pictures of {channels} channel(s); the hidden ones have the shape {picture.shape}.")


def load_model(path: Path) -> SubmittedModel:
    """Build the network that the export names and give it the weights.

    Raises
    ------
    Unusable
        It is no model that can be used; the text says why.
    """
    torch.set_num_threads(1)
    facts, data = _facts_and_weights(path)
    architecture = ARCHITECTURES.get(facts.architecture)
    if architecture is None:
        raise Unusable(f"There is no architecture {facts.architecture[:60]!r}; known: {', '.join(ARCHITECTURES)}.")
    outputs = 1 + len(facts.classes) + facts.border
    if not len(facts.normalisation.low) == len(facts.normalisation.high) == facts.channels:
        raise Unusable("The normalisation needs a low and a high value for each channel.")
    try:
        module = architecture.build(facts.channels, outputs)
        module.load_state_dict(safetensors.torch.load(data))
    except MemoryError:
        raise
    except Exception as error:  # the library raises its own type for each of many faults
        raise Unusable(f"The weights are not those of a {facts.architecture} with these channels and classes.") from error
    network = Network(
        module,
        normalisation=facts.normalisation,
        stride_px=architecture.stride_px,
        halo_px=architecture.halo_px,
        border_index=outputs - 1 if facts.border else None,
        device="cpu",
        min_px=architecture.min_px,
    )
    return SubmittedModel(network, facts)


def _facts_and_weights(path: Path) -> tuple[ModelFacts, bytes]:
    if path.is_dir():
        texts = {name: (path / name).read_bytes() for name in ("model.json", "card.json") if (path / name).is_file()}
        return _facts(texts), (path / _WEIGHTS).read_bytes()
    if path.suffix == ".zip":
        return _unzipped(path)
    data = path.read_bytes()
    return _facts({"model.json": _own_words(data)}), data


def _unzipped(path: Path) -> tuple[ModelFacts, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            files = {}
            for info in archive.infolist()[:200]:
                name = info.filename.rpartition("/")[2]
                if name in (_WEIGHTS, "model.json", "card.json"):
                    if info.file_size > _MOST_WEIGHTS:
                        raise Unusable(f"{name} is too large.")
                    files[name] = archive.read(info)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise Unusable("The zip file cannot be read.") from error
    if _WEIGHTS not in files:
        raise Unusable(f"The zip file has no {_WEIGHTS}.")
    return _facts(files), files[_WEIGHTS]


def _own_words(data: bytes) -> bytes:
    """Return what a safetensors file says under ``labkit`` (the format: 8 bytes of length, then JSON)."""
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length]) if length <= _MOST_HEADER else {}
        return str(header["__metadata__"]["labkit"]).encode()
    except (struct.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unusable("The safetensors file does not say, in its metadata under 'labkit', of which model it holds the weights.") from error


def _facts(texts: dict[str, bytes]) -> ModelFacts:
    try:
        if "model.json" in texts:
            return ModelFacts.model_validate_json(texts["model.json"])
        plan = json.loads(texts["card.json"])["plan"]
        return ModelFacts(
            architecture=plan["architecture"],
            channels=plan["channels"],
            classes=tuple(row["id"] for row in plan["classes"]),
            border=plan["border_index"] is not None,
            normalisation=Normalisation.model_validate(plan["normalisation"]),
        )
    except KeyError as error:
        raise Unusable(f"The model does not say what it is ({error}): model.json or card.json is needed beside the weights.") from error
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        first = str(error).splitlines()[0][:200]
        raise Unusable(f"What the model says of itself cannot be read: {first}.") from error
