"""Resolve a wish into a plan: pure, and refusing what cannot work before anything is started."""

from __future__ import annotations

import math
import os
from typing import Literal

import torch

from labkit.datasets import TrainingSet
from labkit.errors import InvalidInput
from labkit.storage import check_name
from labkit.training.architectures import Architecture, architecture_named, check_fits, network_warnings
from labkit.training.class_weights import class_weights, part_warnings
from labkit.training.config import TrainConfig, TrainPlan
from labkit.training.encoders import Encoder, encoder_file, resolve_encoder
from labkit.training.memory import batch_that_fits, step_memory
from labkit.training.order import LANES
from labkit.training.starting import check_encoder

__all__ = ["resolve"]

_MIN_STEPS_PER_EPOCH = 20
_WARMUP_SHARE = 0.05
_NEARLY_FULL = 0.8  # of the device's memory: an estimate is no promise


def resolve(config: TrainConfig, data: TrainingSet, *, cuda_available: bool, device_memory_bytes: int | None = None) -> TrainPlan:
    """Return every number that the loop needs.

    Parameters
    ----------
    config : TrainConfig
        The wish.
    data : TrainingSet
        What is to be learned.
    cuda_available : bool
        Whether there is a GPU.
    device_memory_bytes : int, optional
        Free memory of the device (`device_memory`): a plan that is estimated to need more is refused.

    Raises
    ------
    InvalidInput
        An unknown architecture, a name that no model can have, a device that is not there or is too small, a set without training
        chips or classes, a batch or crop that the architecture cannot take.
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
    encoder = _encoder(config, architecture, record.channels)
    steps = config.steps_per_epoch or max(_MIN_STEPS_PER_EPOCH, math.ceil(chips / config.batch_size))
    outputs = ["background", *(c.name for c in record.classes)]
    border_index = len(outputs) if config.separate_objects else None
    if border_index is not None:
        outputs.append("border")
    device = _device(config.device, cuda_available)
    precision = _precision(config.precision, device)
    with torch.device("meta"):
        module = architecture.build(record.channels, len(outputs))
        batch = torch.empty(config.batch_size, record.channels, crop_px, crop_px)
    weights, weight_warnings = class_weights(config.class_weights, record, border_index)
    plan = TrainPlan(
        config=config,
        training_set=data.key,
        architecture=architecture.name,
        channels=record.channels,
        classes=record.classes,
        outputs=tuple(outputs),
        border_index=border_index,
        class_weights=weights,
        normalisation=record.normalisation,
        stride_px=architecture.stride_px,
        halo_px=architecture.halo_px,
        parameters=sum(p.numel() for p in module.parameters()),
        crop_px=crop_px,
        batch_size=config.batch_size,
        steps_per_epoch=steps,
        total_steps=steps * config.epochs,
        warmup_steps=max(1, round(_WARMUP_SHARE * steps * config.epochs)),
        training_chips=chips,
        validation_chips=record.parts["val"].chips,
        device=device,
        precision=precision,
        workers=_workers(config.workers, device),
        memory_bytes=step_memory(module, batch, outputs=len(outputs), mixed=precision == "mixed"),
        warnings=(*network_warnings(architecture), *part_warnings(record, config), *weight_warnings),
        tile_invariant=architecture.tile_invariant,
        threads=config.threads or torch.get_num_threads(),
        encoder=encoder,
    )
    return _checked_memory(plan, device_memory_bytes)


def _encoder(config: TrainConfig, architecture: Architecture, channels: int) -> Encoder | None:
    """Find the encoder, and refuse one that does not fit before anything is started."""
    encoder = resolve_encoder(config.encoder_weights, sha256=config.encoder_sha256, licence=config.encoder_licence)
    if encoder is not None:
        check_encoder(architecture, channels, encoder_file(encoder))
    return encoder


def _device(wish: str, cuda_available: bool) -> str:
    if wish == "auto":
        return "cuda:0" if cuda_available else "cpu"
    if wish.startswith("cuda") and not cuda_available:
        raise InvalidInput("There is no GPU here.", hint="Choose the CPU as the device, or train on the hub's GPU.")
    return "cuda:0" if wish == "cuda" else wish  # a run is of one device, by its number


def _precision(wish: str, device: str) -> Literal["float32", "mixed"]:
    if device == "cpu":
        if wish == "mixed":
            raise InvalidInput("Mixed precision needs a GPU.", hint="Choose the precision auto or float32.")
        return "float32"
    return "float32" if wish == "float32" else "mixed"


def _workers(wish: int | None, device: str) -> int:
    """Return a number of workers that divides the lanes of the order, so that none reads what another has read."""
    most = wish if wish is not None else 0 if device == "cpu" else min(LANES, len(os.sched_getaffinity(0)))
    return max(n for n in range(LANES + 1) if n <= most and (n == 0 or LANES % n == 0))


def _checked_memory(plan: TrainPlan, device_memory_bytes: int | None) -> TrainPlan:
    """Refuse a plan that does not fit, and warn of one that nearly does not."""
    if device_memory_bytes is None or plan.memory_bytes <= _NEARLY_FULL * device_memory_bytes:
        return plan
    needed, free = (f"{b / 1e9:.1f} GB" for b in (plan.memory_bytes, device_memory_bytes))
    smaller = f"a batch size of {batch_that_fits(plan, device_memory_bytes)}" if plan.batch_size > 1 else "smaller crops"
    if plan.memory_bytes > device_memory_bytes:
        raise InvalidInput(
            f"A step is estimated to need {needed}; {plan.device} has {free} free.",
            hint=f"Use {smaller}, or a smaller architecture.",
            memory_bytes=plan.memory_bytes,
        )
    line = f"A step is estimated to need {needed} of the {free} that are free on {plan.device}. If it fails, use {smaller}."
    return plan.model_copy(update={"warnings": (*plan.warnings, line)})
