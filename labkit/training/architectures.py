"""The networks that LabKit ships, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from labkit.errors import InvalidInput

__all__ = ["ARCHITECTURES", "Architecture", "UNet", "architecture_named", "architecture_names"]


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


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be asked for by name, and what tiling must know of it.

    Attributes
    ----------
    widths : tuple of int
        Features at each resolution.
    about : str
        One line for a person who chooses.
    """

    name: str
    widths: tuple[int, ...]
    about: str

    @property
    def stride_px(self) -> int:
        """Sides and window origins must be multiples of this."""
        return 1 << (len(self.widths) - 1)

    @property
    def halo_px(self) -> int:
        """Radius of the receptive field, rounded up to the stride: pixels needed around a tile."""
        coarsest = len(self.widths) - 1
        # Two 3x3 convolutions reach 2 px of their level, on the way down and up; a pooling reaches one px of the finer level.
        radius = sum((2 << level) * (1 if level == coarsest else 2) for level in range(coarsest + 1))
        radius += sum(1 << level for level in range(coarsest))
        return math.ceil(radius / self.stride_px) * self.stride_px

    def build(self, channels: int, outputs: int) -> nn.Module:
        """Return the network with weights drawn from torch's random state."""
        return UNet(channels, outputs, self.widths)


ARCHITECTURES: dict[str, Architecture] = {
    a.name: a
    for a in (
        Architecture("unet-s", (16, 32, 64), "Small U-Net: trains in seconds on a CPU; cells, nuclei, simple textures."),
        Architecture("unet-m", (24, 48, 96, 192), "Medium U-Net: sees 92 px around; minutes on a CPU, better on a GPU."),
    )
}


def architecture_names() -> tuple[str, ...]:
    """Return the names that can be asked for."""
    return tuple(ARCHITECTURES)


def architecture_named(name: str) -> Architecture:
    """Return an architecture.

    Raises
    ------
    InvalidInput
        There is none of this name; the hint lists those there are.
    """
    if name not in ARCHITECTURES:
        raise InvalidInput(f"There is no architecture {name!r}.", hint="Known: " + ", ".join(ARCHITECTURES) + ".", name=name)
    return ARCHITECTURES[name]
