"""What a training is asked to do, and what becomes of it with real data in hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from labkit.datasets import Normalisation
from labkit.project import ClassRecord
from labkit.storage import Record
from labkit.training.encoders import Encoder

__all__ = ["FREE_ON_RESUME", "AugmentSpec", "TrainConfig", "TrainPlan"]

FREE_ON_RESUME = frozenset({"project", "model", "device", "resume_from", "workers", "checkpoint_every_s", "licence", "results_url"})
"""Settings that may differ in a training that goes on from another: they change where and how it is computed, not what comes out."""


class AugmentSpec(Record):
    """How training chips are varied. Each number is the most that is drawn; 0 leaves it out.

    Attributes
    ----------
    turns, mirror : bool
        Quarter turns, and reflection.
    rotate_deg : float
        Turn by any angle, up to this many degrees either way.
    scale : float
        Enlarge or shrink, up to this share: 0.25 draws factors of 0.8 to 1.25.
    gain : float
        Multiply grey values, up to this share: 0.25 draws factors of 0.8 to 1.25.
    brightness : float
        Add to grey values that were scaled to 0-1, up to this much either way.
    noise : float
        Standard deviation of noise, in units of grey values scaled to 0-1.
    """

    turns: bool = True
    mirror: bool = True
    rotate_deg: Annotated[float, Field(ge=0, le=180)] = 0.0
    scale: Annotated[float, Field(ge=0, le=1)] = 0.0
    gain: Annotated[float, Field(ge=0, le=1)] = 0.25
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.08
    noise: Annotated[float, Field(ge=0, le=1)] = 0.03

    @classmethod
    def none(cls) -> AugmentSpec:
        """Return the spec that leaves every chip as it is."""
        return cls(turns=False, mirror=False, gain=0.0, brightness=0.0, noise=0.0)


def _named_augment(wish: Any) -> Any:
    """Let two words stand for a spec, as they are written on a command line."""
    words = {"default": AugmentSpec, "none": AugmentSpec.none}
    return words[wish]() if isinstance(wish, str) and wish in words else wish


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
    patience : int, optional
        Stop after so many epochs without a better score; default: never early.
    class_weights : {"equal", "balanced"}
        "balanced": the rarer a class in the training pixels, the more a pixel of it counts.
    loss_dice : float
        How much Dice counts beside cross-entropy.
    precision : {"auto", "float32", "mixed"}
        "auto": mixed on a GPU. The CPU always computes in float32.
    augment : AugmentSpec, "default" or "none"
        How chips are varied.
    workers : int, optional
        Programs that prepare batches; default: none beside a CPU training, up to 4 beside a GPU. The batches are the same for any number.
    checkpoint_every_s : float
        How often the state to go on from is written within an epoch, in seconds (less often where that would cost time); 0: at each step.
    encoder_weights : str, optional
        Pretrained weights of the encoder: a path, an ``s3://`` address, or the name of a file in the admin's cache.
    encoder_sha256, encoder_licence : str
        What the encoder's file must hash to, and under which licence it may be used.
    threads : int, optional
        CPU threads that torch computes with; default: as many as it takes by itself. Sums may round otherwise with another number.
    licence : str
        Under which the model may be used by others; stands in its card.
    results_url : str, optional
        ``s3://`` prefix that checkpoints and the model are copied to.
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
    patience: Annotated[int, Field(ge=1)] | None = None
    class_weights: Literal["equal", "balanced"] = "equal"
    loss_dice: Annotated[float, Field(ge=0, le=100)] = 1.0
    precision: Literal["auto", "float32", "mixed"] = "auto"
    augment: Annotated[AugmentSpec, BeforeValidator(_named_augment)] = AugmentSpec()
    workers: Annotated[int, Field(ge=0, le=64)] | None = None
    checkpoint_every_s: Annotated[float, Field(ge=0)] = 30.0
    encoder_weights: Annotated[str, Field(min_length=1)] | None = None
    encoder_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    encoder_licence: str = ""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    licence: str = ""
    results_url: Annotated[str, Field(pattern=r"^s3://[^/]+(/.*)?$")] | None = None

    @model_validator(mode="after")
    def _encoder_is_named(self) -> Self:
        if self.encoder_weights is None and (self.encoder_sha256 is not None or self.encoder_licence):
            raise ValueError("encoder_sha256 and encoder_licence belong to encoder_weights, which are not given")
        return self


class TrainPlan(Record):
    """The resolved wish: every size and number that the loop uses, and nothing it has to guess.

    `memory_bytes` is what a step is estimated to take on the device, `warnings` are lines for a person. Both, and the settings
    after `device`, have defaults, so that cards of earlier versions open.
    """

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
    tile_invariant: bool = True
    precision: Literal["float32", "mixed"] = "float32"
    workers: int = 0
    memory_bytes: int = 0
    threads: int | None = None
    encoder: Encoder | None = None
    warnings: tuple[str, ...] = ()
