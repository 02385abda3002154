"""Small trained models for tests, made by code from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import zarr

from labkit.annotations import import_annotations
from labkit.datasets import Chips, Normalisation, Part, PartSummary, SplitSpec, TrainingSet, TrainingSetRecord, build_training_set
from labkit.project import ClassRecord, ImageRecord, Project, classes_from_names
from labkit.samples import nuclei_like
from labkit.storage import CheckpointLayout, TrainingSetLayout, save_record, utc_now
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image
from labkit.training import Model, TrainConfig, TrainPlan, register_model, resolve, train

__all__ = ["annotated_image", "chips_of_discs", "store_chips", "tiny_model", "tiny_plan", "tiny_training_set"]

_SHARD_CHIPS = 64


def annotated_image(project: Project, folder: Path, *, height_px: int = 128, width_px: int = 160, seed: int = 0) -> ImageRecord:
    """Import a generated picture of bright nuclei and its label image, as finished, into `project` (class ``nucleus``)."""
    sample = nuclei_like(seed=seed, height_px=height_px, width_px=width_px, count=height_px * width_px // 1000)
    assert sample.labels is not None
    image = import_image(project, write_tiff(folder / f"nuclei-{seed}.tif", sample.image, tile_px=64))
    import_annotations(project, image, write_tiff(folder / f"nuclei-{seed}-labels.tif", sample.labels, tile_px=64), class_name="nucleus")
    return image


def tiny_training_set(project: Project, name: str = "nuclei", *, chip_px: int = 32) -> TrainingSet:
    """Build a set of small chips from all that is annotated, split by bands."""
    return build_training_set(project, name, chip_px=chip_px, split=SplitSpec(kind="bands", gap_px=8))


def chips_of_discs(count: int, *, chip_px: int = 32, channels: int = 1, classes: int = 1, seed: int = 0) -> Chips:
    """Return chips of 8-bit noise, each with two discs, brighter the higher their class; masks and objects tell where."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, chip_px, chip_px), np.uint8)
    objects = np.zeros(masks.shape, np.uint32)
    y, x = np.ogrid[:chip_px, :chip_px]
    for mask, numbers in zip(masks, objects, strict=True):
        for number in (1, 2):
            (cy, cx), radius = rng.uniform(0, chip_px, 2), rng.uniform(0.1, 0.25) * chip_px
            disc = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
            mask[disc], numbers[disc] = rng.integers(1, classes + 1), number
    light = 40 + masks[:, None] * (180 / classes) + rng.normal(0, 15, (count, channels, chip_px, chip_px))
    return Chips(light.clip(0, 255).astype(np.uint8), masks, objects, np.zeros((count, 3), np.int64))


def store_chips(folder: Path, parts: Mapping[Part, Chips], names: Sequence[str] = ("disc",)) -> TrainingSet:
    """Write chips as a training set, in the layout of those that are built, without pictures or annotations."""
    classes: tuple[ClassRecord, ...] = classes_from_names(names)
    layout = TrainingSetLayout(folder)
    group = zarr.open_group(layout.store, mode="w", zarr_format=3)
    summaries: dict[Part, PartSummary] = {}
    shape = parts["train"].pixels.shape[1:]
    for part in ("train", "val", "test"):
        chips = parts.get(part, _no_chips(parts["train"]))
        below = group.create_group(part)
        for key, values in (("chips", chips.pixels), ("masks", chips.masks), ("objects", chips.objects), ("positions", chips.positions)):
            row = values.shape[1:]
            array = below.create_array(
                key,
                shape=values.shape,
                dtype=values.dtype,
                chunks=(1, *row),
                shards=(_SHARD_CHIPS, *row),
                config={"write_empty_chunks": True},
            )
            array[...] = values
        counts = np.bincount(chips.masks.ravel(), minlength=256)
        pixels = {int(k): int(counts[k]) for k in np.flatnonzero(counts[:255])}
        summaries[part] = PartSummary(chips=len(chips), pixels=pixels, ignored_pixels=int(counts[255]), objects=0)
    record = TrainingSetRecord(
        name="chips",
        hash=folder.name,
        classes=classes,
        images=(),
        split=(),
        chip_px=shape[-1],
        channels=shape[0],
        dtype=str(parts["train"].pixels.dtype),
        pixel_size_um=None,
        parts=summaries,
        dropped_chips=0,
        normalisation=Normalisation(low=(0.0,) * shape[0], high=(255.0,) * shape[0]),
        data_sha256="",
        software="",
        created=utc_now(),
    )
    save_record(layout.manifest, record)
    return TrainingSet(layout, record)


def _no_chips(like: Chips) -> Chips:
    return Chips(like.pixels[:0], like.masks[:0], like.objects[:0], like.positions[:0])


def tiny_plan(data: TrainingSet, **wish: object) -> TrainPlan:
    """Resolve a wish for a training of moments on the CPU: two epochs of five steps of four small crops, unless said otherwise."""
    size = {"epochs": 2, "steps_per_epoch": 5, "crop_px": 32, "device": "cpu"}
    config = TrainConfig.model_validate({"project": "none", "training_set": data.key, **size, **wish})
    return resolve(config, data, cuda_available=config.device != "cpu")


def tiny_model(project: Project, data: TrainingSet, folder: Path, *, seed: int = 0, steps: int = 40) -> Model:
    """Train the small U-Net for a moment, within this program, and register it."""
    config = TrainConfig(
        project=str(project.path), training_set=data.key, epochs=1, steps_per_epoch=steps, crop_px=32, seed=seed, device="cpu", model="tiny"
    )
    plan = resolve(config, data, cuda_available=False)
    files = CheckpointLayout(folder)
    result = train(plan, data, files)
    assert np.isfinite(result.history[-1].train_loss)
    return register_model(project, files.best_weights, plan, result, {}, run=None)
