"""A trained network with what is needed to use it: pixels in, class probabilities out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from labkit.datasets import Normalisation
from labkit.training.architectures import architecture_named
from labkit.training.config import TrainPlan
from labkit.training.targets import normalise

__all__ = ["Network"]


class Network:
    """A network in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        Gives logits (n, outputs, y, x).
    normalisation : Normalisation
        Of the training set.
    stride_px, halo_px : int
        Grid of window origins, and pixels needed around a window.
    border_index : int or None
        Output that stands for "between objects".
    device : str
        Where to compute.
    min_px : int
        Smallest side that the module takes; smaller pieces are filled up.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        normalisation: Normalisation,
        stride_px: int,
        halo_px: int,
        border_index: int | None,
        device: str,
        min_px: int = 1,
    ) -> None:
        self.module = module.to(device).eval()
        self.normalisation, self.border_index, self.device = normalisation, border_index, device
        self.stride_px, self.halo_px, self.min_px = stride_px, halo_px, min_px

    @classmethod
    def from_plan(cls, plan: TrainPlan, weights: dict[str, torch.Tensor], device: str) -> Network:
        """Build the plan's architecture and give it `weights`."""
        architecture = architecture_named(plan.architecture)
        module = architecture.build(plan.channels, len(plan.outputs))
        module.load_state_dict(weights)
        return cls(
            module,
            normalisation=plan.normalisation,
            stride_px=plan.stride_px,
            halo_px=plan.halo_px,
            border_index=plan.border_index,
            device=device,
            min_px=architecture.min_px,
        )

    @torch.inference_mode()
    def probabilities(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return class probabilities (outputs, y, x) float32 of one piece (c, y, x) of raw pixels, whatever its size.

        The far edges are filled up to the stride grid, and to the smallest side, by repeating the last pixel.
        """
        height, width = pixels.shape[1:]
        below, right = (max(-side % self.stride_px, self.min_px - side) for side in (height, width))
        filled = np.pad(normalise(pixels, self.normalisation), ((0, 0), (0, below), (0, right)), mode="edge")
        logits = self.module(torch.from_numpy(filled)[None].to(self.device))
        result: NDArray[np.float32] = torch.softmax(logits[0].float(), dim=0)[:, :height, :width].cpu().numpy()
        return result

    def split(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the class index per pixel (0 background) and whether the pixel is inside an object, not on its border.

        A border pixel belongs to what is likeliest apart from border: a wall may run through objects or background.
        """
        winner = probabilities.argmax(axis=0)
        if self.border_index is None:
            return winner.astype(np.uint8), winner > 0
        on_border = winner == self.border_index
        likeliest = probabilities[: self.border_index].argmax(axis=0)
        return np.where(on_border, likeliest, winner).astype(np.uint8), (winner > 0) & ~on_border
