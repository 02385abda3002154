"""The networks that can be asked for by name."""

from __future__ import annotations

from functools import partial

from labkit.errors import InvalidInput
from labkit.training.blueprint import Architecture
from labkit.training.smp_nets import SMP_PREFIX, smp_architecture
from labkit.training.torchvision_nets import TORCHVISION_NETS
from labkit.training.unet import UNet, unet_halo_px

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "UNet",
    "architecture_named",
    "architecture_names",
    "check_fits",
    "network_warnings",
]


def _unet(name: str, widths: tuple[int, ...], about: str) -> Architecture:
    stride_px = 1 << (len(widths) - 1)
    return Architecture(
        name=name,
        about=about,
        family="unet",
        stride_px=stride_px,
        halo_px=unet_halo_px(len(widths)),
        tile_invariant=True,
        min_batch=1,
        min_px=2 * stride_px,
        encoder_prefix="down.",
        builder=partial(_build_unet, widths),
    )


def _build_unet(widths: tuple[int, ...], channels: int, outputs: int) -> UNet:
    return UNet(channels, outputs, widths)


ARCHITECTURES: dict[str, Architecture] = {
    a.name: a
    for a in (
        _unet("unet-xs", (8, 16, 32), "Tiny U-Net: for a first try, for slow machines, for pictures with little in them."),
        _unet("unet-s", (16, 32, 64), "Small U-Net: trains in seconds on a CPU; cells, nuclei, simple textures."),
        _unet("unet-m", (24, 48, 96, 192), "Medium U-Net: sees twice as far; minutes on a CPU, better on a GPU."),
        _unet("unet-l", (32, 64, 128, 256, 512), "Large U-Net: sees far, learns much; for a GPU and many annotations."),
        *TORCHVISION_NETS,
    )
}


def architecture_names() -> tuple[str, ...]:
    """Return the names that can be asked for; those of segmentation-models-pytorch come on top, as ``smp:<decoder>:<encoder>``."""
    return tuple(ARCHITECTURES)


def architecture_named(name: str) -> Architecture:
    """Return an architecture.

    Raises
    ------
    InvalidInput
        There is none of this name; the hint lists those there are.
    MissingDependency
        It needs a part of LabKit that is not installed.
    """
    if name.startswith(SMP_PREFIX):
        return smp_architecture(name)
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise InvalidInput(f"There is no architecture {name!r}.", hint=f"Known: {known}, and smp:<decoder>:<encoder>.", name=name)
    return ARCHITECTURES[name]


def check_fits(architecture: Architecture, *, batch_size: int, crop_px: int) -> None:
    """Refuse a batch or a piece that the network cannot learn from.

    Raises
    ------
    InvalidInput
        It says which number, and from where on it works.
    """
    if batch_size < architecture.min_batch:
        raise InvalidInput(
            f"{architecture.name} cannot learn from {batch_size} piece(s) at a time: it pools each to a single value, "
            "and normalises these over the batch.",
            hint=f"Use a batch size of {architecture.min_batch} or more; where there is but one chip, it is drawn several times.",
        )
    if crop_px < architecture.min_px:
        raise InvalidInput(
            f"Crops of {crop_px} px are too small for {architecture.name}.",
            hint=f"Use chips and crops of at least {architecture.min_px} px.",
        )


def network_warnings(architecture: Architecture) -> tuple[str, ...]:
    """Return what who uses the network must know, one line each; it goes into the plan and the card."""
    if architecture.tile_invariant:
        return ()
    return (
        f"{architecture.name} looks at the whole piece that it is shown (global pooling, or a norm over the picture): large pictures are "
        f"predicted in tiles with {architecture.halo_px} px around, and the answer depends on the tiles. Seams may show.",
    )
