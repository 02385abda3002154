"""What each network needs, as a table."""

from __future__ import annotations

from functools import lru_cache

import torch

from labkit.storage import Record
from labkit.training.architectures import ARCHITECTURES
from labkit.training.blueprint import Architecture, Family
from labkit.training.memory import step_memory

__all__ = ["ArchitectureFacts", "architecture_facts", "architecture_table"]


class ArchitectureFacts(Record):
    """One row of the table of architectures; memory is that of a training step on one megapixel of RGB, in MB."""

    name: str
    about: str
    family: Family
    parameters: int
    stride_px: int
    halo_px: int
    tile_invariant: bool
    min_batch: int
    min_px: int
    megapixel_mb: int
    extra: str | None


_CHANNELS, _OUTPUTS, _CROP_PX = 3, 3, 256


@lru_cache(maxsize=1)
def architecture_table() -> tuple[ArchitectureFacts, ...]:
    """Return what each shipped network needs, for pictures of 3 channels and 3 outputs."""
    return tuple(architecture_facts(a) for a in ARCHITECTURES.values())


def architecture_facts(architecture: Architecture) -> ArchitectureFacts:
    """Return the row of one network."""
    outline = architecture.outline(_CHANNELS, _OUTPUTS)
    batches = (torch.empty(n, _CHANNELS, _CROP_PX, _CROP_PX, device="meta") for n in (2, 6))
    small, large = (step_memory(outline, pixels, outputs=_OUTPUTS) for pixels in batches)  # the difference is what pixels cost
    return ArchitectureFacts(
        name=architecture.name,
        about=architecture.about,
        family=architecture.family,
        parameters=sum(p.numel() for p in outline.parameters()),
        stride_px=architecture.stride_px,
        halo_px=architecture.halo_px,
        tile_invariant=architecture.tile_invariant,
        min_batch=architecture.min_batch,
        min_px=architecture.min_px,
        megapixel_mb=round((large - small) / (4 * _CROP_PX**2) * 2**20 / 1e6),
        extra=architecture.extra,
    )
