"""Mixed precision where a GPU has it: the forward pass in 16 bits, weights and loss in 32."""

from __future__ import annotations

import torch

from labkit.training.config import TrainPlan

__all__ = ["autocast", "gradient_scaler"]


def autocast(plan: TrainPlan) -> torch.autocast:
    """Return the context of a forward pass; it changes nothing where the plan says float32."""
    return torch.autocast(_kind(plan), dtype=_dtype(plan), enabled=plan.precision == "mixed")


def gradient_scaler(plan: TrainPlan) -> torch.amp.GradScaler:
    """Return what keeps small gradients from vanishing in float16; it passes everything through where that is not in use."""
    return torch.amp.GradScaler(_kind(plan), enabled=plan.precision == "mixed" and _dtype(plan) is torch.float16)


def _kind(plan: TrainPlan) -> str:
    return plan.device.partition(":")[0]


def _dtype(plan: TrainPlan) -> torch.dtype:
    """bfloat16 has the range of float32 and needs no scaling; GPUs before 2020 lack it."""
    has_bfloat16 = _kind(plan) == "cpu" or torch.cuda.get_device_capability(plan.device)[0] >= 8
    return torch.bfloat16 if has_bfloat16 else torch.float16
