"""The U-Net that LabKit ships, and how far it sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["UNet", "unet_halo_px"]


class _DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions, each with BatchNorm and ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        layers: list[nn.Module] = []
        for source in (channels_in, channels_out):
            layers += [nn.Conv2d(source, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNet(nn.Module):
    """U-Net after Ronneberger et al. (2015), with BatchNorm, padded convolutions and transposed ones on the way up.

    BatchNorm uses stored statistics at inference, so a pixel's result depends on its receptive field alone: with a halo
    of that size a picture can be predicted tile by tile, exactly as in one piece. (Group and instance norms cannot.)

    Parameters
    ----------
    channels : int
        Channels of the picture.
    outputs : int
        Number of classes, background included.
    widths : tuple of int
        Features at each resolution, from full to coarsest.
    """

    def __init__(self, channels: int, outputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList(_DoubleConv(a, b) for a, b in zip((channels, *widths[:-1]), widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, stride=2) for low, high in pairs)
        self.merge = nn.ModuleList(_DoubleConv(2 * high, high) for _, high in pairs)
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, pixels_NCHW: Tensor) -> Tensor:
        """Return logits (N, outputs, H, W) for float32 pixels whose sides are multiples of the stride."""
        x, skips = pixels_NCHW, []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1], strict=True):
            x = merge(torch.cat([skip, up(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits


def unet_halo_px(levels: int) -> int:
    """Return the radius of a U-Net's receptive field, rounded up to its stride: pixels needed around a tile."""
    coarsest = levels - 1
    # Two 3x3 convolutions reach 2 px of their level, on the way down and up; a pooling reaches one px of the finer level.
    radius = sum((2 << level) * (1 if level == coarsest else 2) for level in range(levels))
    radius += sum(1 << level for level in range(coarsest))
    stride_px = 1 << coarsest
    return math.ceil(radius / stride_px) * stride_px
