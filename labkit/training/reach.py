"""What can only be measured on a network: how far it sees, and the smallest batch and piece that it takes."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["measured_halo", "smallest_batch", "smallest_piece"]

_STRIP_PX = 2048  # a network that sees half of it is taken for one that sees everything


def measured_halo(module: nn.Module, *, channels: int, stride_px: int, height_px: int) -> int | None:
    """Return how many pixels around a tile a network needs, or None where an answer depends on the whole picture.

    A block of NaN, as wide as the stride, lies in the middle of a strip; whatever it reaches becomes NaN as well. Global
    pooling, and norms that average over the picture at inference (group, instance), show at once: then all is NaN.

    Parameters
    ----------
    module : nn.Module
        Gives logits (n, outputs, y, x); it is put into evaluation mode and float64, so give one that is for nothing else.
    stride_px : int
        Windows begin at multiples of this, and so does the block; the result is one of them.
    height_px : int
        Height of the strip: the smallest that the network takes.
    """
    start = _STRIP_PX // stride_px // 2 * stride_px
    end = start + stride_px
    strip = torch.zeros(1, channels, height_px, _STRIP_PX // stride_px * stride_px, dtype=torch.float64)
    strip[..., start:end] = float("nan")
    # In float64 convolutions are plain sums; fast ones (Winograd) would spread the NaN further than the network does.
    module.double().eval()
    with torch.inference_mode():
        reached = torch.isnan(module(strip)).flatten(0, 2).any(0)
    found = reached.nonzero().ravel()
    first, last = int(found[0]), int(found[-1])
    if first == 0 or last == len(reached) - 1:
        return None
    return -(-max(start - first, last + 1 - end) // stride_px) * stride_px


def smallest_piece(module: nn.Module, *, channels: int, stride_px: int) -> int | None:
    """Return the smallest side, a power of two times the stride, that a network on the meta device takes; None if not up to 512."""
    module.eval()
    side = stride_px
    while side <= max(512, stride_px):
        try:
            module(torch.empty(1, channels, side, side, device="meta"))
        except (RuntimeError, ValueError):
            side *= 2
        else:
            return side
    return None


def smallest_batch(module: nn.Module, *, channels: int, side_px: int) -> int:
    """Return 2 if a network on the meta device cannot learn from a batch of one piece, else 1.

    A norm over the batch that follows a pooling of the whole picture has a single value per channel then, and no spread.
    """
    module.train()
    try:
        module(torch.empty(1, channels, side_px, side_px, device="meta"))
    except ValueError:
        return 2
    return 1
