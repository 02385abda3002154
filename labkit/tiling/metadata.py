"""The ``zarr.json`` files of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.formats.ome_zarr import ChannelDisplay, multiscale_attributes, store_metadata
from labkit.tiling.plan import PyramidPlan

__all__ = ["store_objects"]

_GROUP = "zarr.json"


def store_objects(
    plan: PyramidPlan,
    *,
    name: str,
    pixel_size_um: tuple[float, float] | None,
    z_step_um: float | None = None,
    t_step_s: float | None = None,
    channels: Sequence[ChannelDisplay] = (),
    image_label: dict[str, Any] | None = None,
) -> dict[str, bytes]:
    """Return the metadata of a group and of its levels, by key; that of the group, without which nothing is found, last."""
    attributes = multiscale_attributes(
        name=name,
        axes=plan.axes,
        levels=len(plan.sizes),
        pixel_size_um=pixel_size_um,
        role=plan.role,
        image_label=image_label,
        z_step_um=z_step_um,
        t_step_s=t_step_s,
        channels=() if plan.role == "labels" else channels,
        nodata=plan.nodata,
    )
    shapes = [plan.shape(k) for k in range(len(plan.sizes))]
    found = store_metadata(attributes, shapes, plan.dtype, plan.axes, plan.role, channels_together=plan.channels is not None)
    return {key: found[key] for key in sorted(found, key=lambda key: key == _GROUP)}
