"""How good a network is on chips: confusion of classes, and loss, over the pixels that somebody annotated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from labkit.datasets import IGNORE, Chips, Confusion, Part, TrainingSet, mean_score
from labkit.training.blocks import iter_chips
from labkit.training.config import TrainPlan
from labkit.training.losses import segmentation_loss
from labkit.training.network import Network
from labkit.training.precision import autocast
from labkit.training.targets import class_indices, make_targets, normalise

__all__ = ["Validation", "chip_logits", "class_answers", "evaluate", "validate"]

_PIXELS_OF_BATCH = 2  # without gradients, twice the pixels of a training step take less memory than it


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What was counted: pixels of true and predicted classes, and the mean loss per known pixel (None without one)."""

    confusion: Confusion
    loss: float | None

    @property
    def score(self) -> float | None:
        """Mean Dice of the classes; None if none of them is there."""
        return mean_score(self.confusion.dice())


def evaluate(network: Network, plan: TrainPlan, chips: Chips | Iterable[Chips]) -> Confusion:
    """Count true and predicted classes over chips; rows and columns are background and the plan's classes."""
    confusion = Confusion(len(plan.classes) + 1)
    for some in [chips] if isinstance(chips, Chips) else chips:
        for pixels, mask in zip(some.pixels, class_indices(plan.classes)[some.masks], strict=True):
            confusion.add(mask, network.split(network.probabilities(pixels))[0])
    return confusion


@torch.inference_mode()
def validate(module: nn.Module, plan: TrainPlan, data: TrainingSet, part: Part = "val") -> Validation:
    """Count true and predicted classes, and the loss, over one part of a set; the network is left in evaluation mode."""
    module.eval()
    confusion, total, known = Confusion(len(plan.classes) + 1), 0.0, 0
    weights = torch.tensor(plan.class_weights, device=plan.device)
    for chips in iter_chips(data, part):
        truth = class_indices(plan.classes)[chips.masks]
        targets = make_targets(chips.masks, chips.objects, plan.classes, plan.border_index)
        for rows in _batches(len(chips), plan, chips.masks.shape[-1]):
            logits = chip_logits(module, plan, chips, rows)
            confusion.add(truth[rows], class_answers(logits, plan))
            count = int((targets[rows] != IGNORE).sum())
            loss = segmentation_loss(logits, torch.from_numpy(targets[rows]).to(plan.device).long(), weights, plan.config.loss_dice)
            total, known = total + float(loss) * count, known + count
    return Validation(confusion, total / known if known else None)


def class_answers(logits_NKHW: Tensor, plan: TrainPlan) -> NDArray[np.uint8]:
    """Return the likeliest class (n, y, x) uint8; where that is border, the likeliest apart from it."""
    answers: NDArray[np.uint8] = logits_NKHW[:, : plan.border_index].argmax(dim=1).to(torch.uint8).cpu().numpy()
    return answers


def _batches(count: int, plan: TrainPlan, chip_px: int) -> Iterator[slice]:
    size = max(1, _PIXELS_OF_BATCH * plan.batch_size * plan.crop_px**2 // chip_px**2)
    for begin in range(0, count, size):
        yield slice(begin, min(begin + size, count))


def chip_logits(module: nn.Module, plan: TrainPlan, chips: Chips, rows: slice) -> Tensor:
    """Return logits of some chips; sides are filled up to the stride grid by repeating the last pixel, and cut back."""
    height, width = chips.masks.shape[1:]
    fill = ((0, 0), (0, 0), (0, -height % plan.stride_px), (0, -width % plan.stride_px))
    pixels = torch.from_numpy(np.pad(normalise(chips.pixels[rows], plan.normalisation), fill, mode="edge")).to(plan.device)
    with autocast(plan):
        logits: Tensor = module(pixels)
    return logits[:, :, :height, :width].float()
