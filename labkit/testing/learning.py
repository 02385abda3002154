"""Small trained models for tests, made by code from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labkit.annotations import import_annotations
from labkit.datasets import SplitSpec, TrainingSet, build_training_set
from labkit.project import ImageRecord, Project
from labkit.samples import nuclei_like
from labkit.storage import CheckpointLayout
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image
from labkit.training import Model, TrainConfig, register_model, resolve, train

__all__ = ["annotated_image", "tiny_model", "tiny_training_set"]


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
