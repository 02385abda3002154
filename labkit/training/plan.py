"""Resolve a wish into a plan: pure, and refusing what cannot work before anything is started."""

from __future__ import annotations

import math

import torch

from labkit.datasets import TrainingSet
from labkit.errors import InvalidInput
from labkit.storage import check_name
from labkit.training.architectures import architecture_named, check_fits, network_warnings
from labkit.training.config import TrainConfig, TrainPlan
from labkit.training.encoders import encoder_file, resolve_encoder
from labkit.training.starting import check_encoder

__all__ = ["resolve"]

_MIN_STEPS_PER_EPOCH = 20
_WARMUP_SHARE = 0.05
_BORDER_WEIGHT = 2.0  # walls are thin: with 1 they are learned late, with 4 at the cost of the outlines


def resolve(config: TrainConfig, data: TrainingSet, *, cuda_available: bool) -> TrainPlan:
    """Return every number that the loop needs.

    Raises
    ------
    InvalidInput
        An unknown architecture, a name that no model can have, a device that is not there, a set without training chips or classes.
    """
    record = data.record
    check_name(config.model, what="model name")
    architecture = architecture_named(config.architecture)
    chips = record.parts["train"].chips
    if not record.classes:
        raise InvalidInput("The training set has no classes.", hint="Give the project's objects a class, then build the set again.")
    if not chips:
        raise InvalidInput("The training set has no chips to learn from.", hint="Annotate more, or change the split.")
    crop_px = min(config.crop_px, record.chip_px) // architecture.stride_px * architecture.stride_px
    check_fits(architecture, batch_size=config.batch_size, crop_px=crop_px)
    steps = config.steps_per_epoch or max(_MIN_STEPS_PER_EPOCH, math.ceil(chips / config.batch_size))
    outputs = ["background", *(c.name for c in record.classes)]
    border_index = len(outputs) if config.separate_objects else None
    if border_index is not None:
        outputs.append("border")
    encoder = resolve_encoder(config.encoder_weights, sha256=config.encoder_sha256, licence=config.encoder_licence)
    if encoder is not None:
        check_encoder(architecture, record.channels, encoder_file(encoder))
    return TrainPlan(
        config=config,
        training_set=data.key,
        architecture=architecture.name,
        channels=record.channels,
        classes=record.classes,
        outputs=tuple(outputs),
        border_index=border_index,
        class_weights=tuple(_BORDER_WEIGHT if k == border_index else 1.0 for k in range(len(outputs))),
        normalisation=record.normalisation,
        stride_px=architecture.stride_px,
        halo_px=architecture.halo_px,
        parameters=architecture.parameters(record.channels, len(outputs)),
        crop_px=crop_px,
        batch_size=config.batch_size,
        steps_per_epoch=steps,
        total_steps=steps * config.epochs,
        warmup_steps=max(1, round(_WARMUP_SHARE * steps * config.epochs)),
        training_chips=chips,
        validation_chips=record.parts["val"].chips,
        device=_device(config.device, cuda_available),
        tile_invariant=architecture.tile_invariant,
        warnings=network_warnings(architecture),
        threads=config.threads or torch.get_num_threads(),
        encoder=encoder,
    )


def _device(wish: str, cuda_available: bool) -> str:
    if wish == "auto":
        return "cuda:0" if cuda_available else "cpu"
    if wish.startswith("cuda") and not cuda_available:
        raise InvalidInput("There is no GPU here.", hint="Use --device cpu, or train on the hub's GPU.")
    return "cuda:0" if wish == "cuda" else wish  # a run is of one device, by its number
