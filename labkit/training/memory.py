"""How much memory a training step takes: estimated before it starts, and explained when there was too little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor, nn

from labkit.errors import OutOfMemory
from labkit.training.config import TrainPlan

__all__ = ["batch_that_fits", "device_memory", "explain_out_of_memory", "step_memory"]

_BYTES_PER_WEIGHT = 16  # weight, gradient and two moments of AdamW, in float32
_LOSS_BYTES_PER_LOGIT = 40  # logits, their gradient, log-softmax, softmax, the truth one-hot in int64 and float32, a product
_GRADIENTS_ALIVE = 2  # of the largest activation: what comes from above and what goes below
_MIXED_SHARE = 0.6  # activations in 16 bits, those of BatchNorm and the loss in 32
_USABLE = 0.9  # of a device's memory: the rest goes to fragments and buffers of its libraries


def step_memory(module: nn.Module, pixels_NCHW: Tensor, *, outputs: int, mixed: bool = False) -> int:
    """Estimate the bytes that a training step takes: weights, gradients, moments, activations and the loss.

    Parameters
    ----------
    module : nn.Module
        The network, on torch's "meta" device: nothing is computed.
    pixels_NCHW : Tensor
        A batch on the same device.
    outputs : int
        Classes that it answers.
    mixed : bool
        In mixed precision.

    Notes
    -----
    What autograd keeps for the way back is counted as it is packed, each storage once; to that come the gradients of the largest
    activation, which live at the same time, and the loss. Against peaks measured on a CPU it is 0-20 % low
    (docs/training.md): convolutions take working space of their own.
    """
    weight_bytes = _BYTES_PER_WEIGHT * sum(p.numel() for p in module.parameters())
    kept: dict[int, int] = {}
    own = {p.untyped_storage()._cdata for p in module.parameters()}
    alive: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
            alive.append(tensor)  # an address is not used again while its tensor lives
        return tensor

    module.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = module(pixels_NCHW)
    activations = sum(kept.values()) + _GRADIENTS_ALIVE * max(kept.values(), default=0)
    loss = _LOSS_BYTES_PER_LOGIT * logits.shape[0] * outputs * logits.shape[-2] * logits.shape[-1]
    return int(weight_bytes + activations * (_MIXED_SHARE if mixed else 1.0) + loss)


def device_memory(device: str) -> int | None:
    """Return the bytes that are free on a device of this machine; None where it is not there."""
    if device == "cpu":
        return int(psutil.virtual_memory().available)
    return int(torch.cuda.mem_get_info(device)[0]) if torch.cuda.is_available() else None


def batch_that_fits(plan: TrainPlan, memory_bytes: int) -> int:
    """Estimate the largest batch for a memory, by the plan's estimate of its own; at least 1."""
    fixed = _BYTES_PER_WEIGHT * plan.parameters
    each = max(1.0, (plan.memory_bytes - fixed) / plan.batch_size)
    return max(1, int((_USABLE * memory_bytes - fixed) / each))


@contextmanager
def explain_out_of_memory(plan: TrainPlan) -> Iterator[None]:
    """Turn torch's word that there is no memory into an error that names a smaller batch.

    Raises
    ------
    OutOfMemory
        Instead of torch's or Python's own error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # on a GPU a kind of RuntimeError, on the CPU a plain one
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "DefaultCPUAllocator" not in str(error):
            raise
        raise OutOfMemory(
            f"{'The GPU' if plan.device.startswith('cuda') else 'This machine'} has too little memory for batches of "
            f"{plan.batch_size} x {plan.crop_px} x {plan.crop_px} px.",
            hint=_smaller(plan),
            batch_size=plan.batch_size,
        ) from error


def _smaller(plan: TrainPlan) -> str:
    if plan.batch_size == 1:
        return "Use smaller crops or a smaller architecture."
    free = torch.cuda.get_device_properties(plan.device).total_memory if plan.device.startswith("cuda") else device_memory("cpu")
    fits = min(batch_that_fits(plan, free or 0), plan.batch_size - 1) if plan.memory_bytes else max(1, plan.batch_size // 2)
    return f"Start it again with a batch size of {fits}, or with smaller crops."
