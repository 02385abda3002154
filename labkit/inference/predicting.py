"""Predict a whole picture, however large: window by window into OME-Zarr label images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from labkit import __version__
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, Log, Progress, ignore_events
from labkit.geometry import Box
from labkit.inference.objects import ObjectLabeller, grow_labels
from labkit.inference.prediction import Prediction, PredictionRecord, PredictSettings
from labkit.inference.windows import iter_windows
from labkit.project import Project
from labkit.storage import (
    PredictionLayout,
    content_hash,
    explain_os_errors,
    is_remote,
    load_record,
    publish_folder,
    save_record,
    scratch_folder,
    utc_now,
)
from labkit.tiling import Image, open_flat_image, write_pyramid
from labkit.training import Model, Network, open_model

__all__ = ["predict"]

_TILE_PX = 512


@dataclass(frozen=True, slots=True)
class _Derived:
    """Something that can be read by boxes, as the pyramid writer wants it."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[Box], NDArray[Any]]


def predict(
    project: Project,
    image_key: str,
    model: Model | str,
    *,
    settings: PredictSettings | None = None,
    tile_px: int = _TILE_PX,
    device: str = "cpu",
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Prediction:
    """Let a model segment one image, and keep the answer as label images.

    Parameters
    ----------
    image_key : str
        Id or name of the image.
    model : Model or str
        A model, ``name/version`` or a name.
    settings : PredictSettings, optional
        Smallest object, growth into borders.
    tile_px : int
        Side of a tile; a matter of memory alone, the answer is the same.
    device : str
        ``cpu`` or ``cuda``.

    Returns
    -------
    Prediction
        One with the same weights, picture and settings is not computed again.

    Raises
    ------
    InvalidInput
        The image has other channels than the model was trained on, or there is no GPU to use.
    StorageFull
        Scratch space of 6 bytes a pixel, or the result, does not fit.
    Cancelled
        Nothing is left of it.
    """
    started = time.monotonic()
    model = open_model(project, model) if isinstance(model, str) else model
    settings = settings or PredictSettings()
    record = project.image(image_key)
    plan = model.card.plan
    if record.channels != plan.channels:
        raise InvalidInput(
            f"{record.name!r} has {record.channels} channel(s); {model.key} was trained on {plan.channels}.",
            hint="Use an image of the kind that the model was trained on.",
        )
    hash_ = content_hash(
        {
            "weights": model.card.weights_sha256,
            "image": record.sha256,
            "normalisation": plan.normalisation.model_dump(),
            "settings": settings.model_dump(),
        }
    )
    target = project.layout.prediction(record.id, hash_)
    if target.record.is_file():
        return Prediction(target, load_record(target.record, PredictionRecord))

    for warning in model.card.limits.warnings:
        on_event(Log(warning, "warning"))
    image = open_flat_image(project, record.id)
    network = _network(model, device)
    with explain_os_errors(target.root), scratch_folder(project.layout.predictions / record.id) as folder:
        layout = PredictionLayout(folder)
        work = _Work(image, network, settings, _tile(tile_px, network), folder, on_event, cancel or CancelToken())
        source = image.url if is_remote(image.url) else os.path.relpath(image.path, target.labels)
        objects = work.run(layout, np.array([0, *(c.id for c in plan.classes)], np.uint8), source)
        result = PredictionRecord(
            hash=hash_,
            image=record.id,
            image_name=record.name,
            image_sha256=record.sha256,
            model=model.key,
            weights_sha256=model.card.weights_sha256,
            training_set=plan.training_set,
            settings=settings,
            classes=plan.classes,
            objects=objects,
            pixel_size_um=record.pixel_size_um,
            seconds=round(time.monotonic() - started, 3),
            software=f"labkit-studio {__version__}",
            created=utc_now(),
        )
        save_record(layout.record, result)
        publish_folder(folder, target.root)
    return Prediction(target, result)


def _network(model: Model, device: str) -> Network:
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InvalidInput("There is no GPU here.", hint="Choose the CPU as the device.")
    return model.network(device)


def _tile(tile_px: int, network: Network) -> int:
    return max(network.stride_px, tile_px // network.stride_px * network.stride_px)


class _Work:
    """One prediction under way: maps on disk that windows are written into, and the pyramids made of them."""

    def __init__(
        self,
        image: Image,
        network: Network,
        settings: PredictSettings,
        tile_px: int,
        folder: Path,
        on_event: EventSink,
        cancel: CancelToken,
    ) -> None:
        self.image, self.network, self.settings, self.tile_px = image, network, settings, tile_px
        self.shape: tuple[int, int] = image.levels[0]
        self.on_event, self.cancel = on_event, cancel
        self._scratch = folder / "scratch"
        self.classes = self._map("classes", np.uint8)
        self.probability = self._map("probability", np.uint8)
        self.ids = self._map("ids", np.uint32)

    def _map(self, name: str, dtype: type[np.generic]) -> Any:
        """Return a memory map whose space is taken at once: a full disk is an error here, not a crash at some later write."""
        path = self._scratch / name
        with explain_os_errors(path):
            path.parent.mkdir(exist_ok=True)
            size = self.shape[0] * self.shape[1] * np.dtype(dtype).itemsize
            with open(path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(path, dtype=dtype, mode="r+", shape=self.shape)

    def run(self, layout: PredictionLayout, class_ids: NDArray[np.uint8], source: str) -> int:
        """Fill the maps, write the stores, and return the number of objects."""
        final = self._segment(class_ids)
        levels = len(self.image.levels)
        common: dict[str, Any] = {"pixel_size_um": self.image.pixel_size_um, "levels": levels, "cancel": self.cancel}
        label = {"source": {"image": source}}
        grown = _Derived(self.shape, np.dtype(np.uint32), lambda box: self._grown(box, final))
        classes = _Derived(self.shape, np.dtype(np.uint8), lambda box: np.asarray(self.classes[box.slices]))
        probability = _Derived(self.shape, np.dtype(np.uint8), lambda box: np.asarray(self.probability[box.slices]))
        write_pyramid(grown, layout.labels, role="labels", name="labels", image_label=label, **common)
        write_pyramid(classes, layout.classes, role="labels", name="classes", image_label=label, **common)
        write_pyramid(probability, layout.probability, role="image", name="probability", **common)
        del self.classes, self.probability, self.ids
        for path in sorted(self._scratch.iterdir()):
            path.unlink()
        self._scratch.rmdir()
        return int(final.max(initial=0))

    def _segment(self, class_ids: NDArray[np.uint8]) -> NDArray[np.uint32]:
        labeller = ObjectLabeller(self.ids, self.classes)
        windows = list(iter_windows(*self.shape, self.tile_px, self.network.halo_px, self.network.stride_px))
        for number, window in enumerate(windows, start=1):
            self.cancel.raise_if_cancelled()
            pixels = self.image.read(window.read)
            probabilities = self.network.probabilities(pixels[None] if pixels.ndim == 2 else pixels)
            classes, inside = self.network.split(probabilities)
            keep = window.keep
            self.classes[window.core.slices] = class_ids[classes[keep]]
            self.probability[window.core.slices] = np.rint((1 - probabilities[0][keep]) * 255)
            labeller.add(window.core, inside[keep])
            self.on_event(Progress(number, len(windows), "tiles", "predicting"))
        return labeller.final_ids(self.settings.min_area_px)

    def _grown(self, box: Box, final: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return final ids of a box; the margin makes the answer at a seam that of the whole picture."""
        if self.network.border_index is None:
            return np.asarray(final[self.ids[box.slices]])
        around = box.grow(int(np.ceil(self.settings.grow_px)) + 1).intersect(Box.of_shape(*self.shape))
        ids = grow_labels(final[self.ids[around.slices]], self.classes[around.slices] > 0, self.settings.grow_px)
        return np.ascontiguousarray(ids[box.shift(-around.y0, -around.x0).slices])
