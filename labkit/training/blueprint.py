"""What LabKit knows of a network before it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

__all__ = ["Architecture", "Family"]

Family = Literal["unet", "torchvision", "smp"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be asked for by name, and what training and tiling must know of it.

    Attributes
    ----------
    name : str
    about : str
        One line for a person who chooses.
    family : {"unet", "torchvision", "smp"}
        Where it comes from.
    stride_px : int
        Sides and window origins must be multiples of this.
    halo_px : int
        Pixels shown around a tile, a multiple of the stride. Where `tile_invariant`, the network sees no further.
    tile_invariant : bool
        Whether tiles with their halo give the answer of the whole picture. Not so where the network pools the whole
        picture or normalises by it: then tiles differ from their neighbours, and from the whole.
    min_batch : int
        Smallest batch that it can learn from.
    min_px : int
        Smallest side of a piece.
    encoder_prefix : str
        How the names of the tensors of its encoder begin.
    builder : callable
        (channels, outputs) -> module that gives logits (n, outputs, y, x).
    extra : str or None
        Part of LabKit that must be installed for it.
    """

    name: str
    about: str
    family: Family
    stride_px: int
    halo_px: int
    tile_invariant: bool
    min_batch: int
    min_px: int
    encoder_prefix: str
    builder: Callable[[int, int], nn.Module]
    extra: str | None = None

    def build(self, channels: int, outputs: int) -> nn.Module:
        """Return the network with weights drawn from torch's random state."""
        return self.builder(channels, outputs)

    def outline(self, channels: int, outputs: int) -> nn.Module:
        """Return the network without values (on the meta device), to be counted and looked at."""
        with torch.device("meta"):
            return self.builder(channels, outputs)

    def parameters(self, channels: int, outputs: int) -> int:
        """Return the number of weights that are learned."""
        return sum(p.numel() for p in self.outline(channels, outputs).parameters())
