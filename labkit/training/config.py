"""What a training is asked to do, and what becomes of it with real data in hand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labkit.datasets import Normalisation
from labkit.project import ClassRecord
from labkit.storage import Record

__all__ = ["TrainConfig", "TrainPlan"]


class TrainConfig(Record):
    """The wish: everything has a default but the training set.

    Attributes
    ----------
    project : str
        Path of the project's folder.
    training_set : str
        ``name@hash`` or a name (then the newest).
    model : str
        Name that the result is registered under.
    architecture : str
        One of `labkit.training.architecture_names`.
    epochs : int
        How often the validation part is looked at.
    steps_per_epoch : int, optional
        Optimiser steps between; default: every training chip once, at least 20.
    batch_size, crop_px : int
        Chips in a step, and the side of the piece taken of each (at most the set's chips).
    learning_rate, weight_decay : float
        Of AdamW, at the top of a warm-up and cosine schedule.
    separate_objects : bool
        Learn a border class between objects, so that touching ones are told apart.
    seed : int
        Of weights, sampling and augmentation.
    device : {"auto", "cpu", "cuda"} or "cuda:N"
        Where to train.
    resume_from : str, optional
        Run whose last checkpoint to go on from.
    """

    project: str
    training_set: str
    model: Annotated[str, Field(min_length=1)] = "unet"
    architecture: str = "unet-s"
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 15
    steps_per_epoch: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 4
    crop_px: Annotated[int, Field(ge=16)] = 96
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    separate_objects: bool = True
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    resume_from: str | None = None


class TrainPlan(Record):
    """The resolved wish: every size and number that the loop uses, and nothing it has to guess."""

    config: TrainConfig
    training_set: str
    architecture: str
    channels: int
    classes: tuple[ClassRecord, ...]
    outputs: tuple[str, ...]
    border_index: int | None
    class_weights: tuple[float, ...]
    normalisation: Normalisation
    stride_px: int
    halo_px: int
    parameters: int
    crop_px: int
    batch_size: int
    steps_per_epoch: int
    total_steps: int
    warmup_steps: int
    training_chips: int
    validation_chips: int
    device: str
    tile_invariant: Literal[True] = True
