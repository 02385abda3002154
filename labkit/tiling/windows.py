"""Which range of values to show: robust percentiles of each channel, from a coarse level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.ome_zarr import SHARD_PX, ChannelDisplay
from labkit.storage import Objects
from labkit.tiling.blocks import read_block
from labkit.tiling.plan import Node, PyramidPlan

__all__ = ["channel_displays", "display_windows", "window_of"]

_PERCENT = (0.1, 99.9)
_MOST_PLANES = 9  # of a stack, spread evenly, that are looked at for each channel
_COLOURS = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000", "0000FF")
_RGB = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))


def display_windows(store: Objects, plan: PyramidPlan) -> list[tuple[float, float]]:
    """Return (start, end) of each channel: the 0.1 and 99.9 percentiles, without what is no measurement.

    Parameters
    ----------
    store : Objects
        The group, all of whose shards are there.
    plan : PyramidPlan
        What it holds.
    """
    if _is_eight_bit_colour(plan):
        return [(0.0, 255.0)] * 3
    level = next((k for k, size in enumerate(plan.sizes) if max(size) <= SHARD_PX), plan.top)
    return [_window(store, plan, level, channel) for channel in range(_channels(plan))]


def _is_eight_bit_colour(plan: PyramidPlan) -> bool:
    return plan.channels == 3 and plan.dtype == "uint8"


def _channels(plan: PyramidPlan) -> int:
    return plan.channels or dict(plan.stack).get("c", 1)


def _window(store: Objects, plan: PyramidPlan, level: int, channel: int) -> tuple[float, float]:
    return _range_of(np.concatenate([_values(store, plan, level, plane, channel) for plane in _planes(plan, channel)]))


def window_of(pixels: NDArray[Any], nodata: float | None = None) -> tuple[float, float]:
    """Return (start, end) of the pixels of one channel, as `display_windows` does of a picture in a store."""
    return _range_of(_measured(pixels, nodata))


def _range_of(values: NDArray[Any]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, _PERCENT))
    return (low, high) if high > low else (low, low + 1.0)


def _planes(plan: PyramidPlan, channel: int) -> list[int]:
    lengths = [length for _, length in plan.stack]
    axes = [axis for axis, _ in plan.stack]
    of_channel = [
        plane for plane in range(plan.planes) if "c" not in axes or int(np.unravel_index(plane, lengths)[axes.index("c")]) == channel
    ]
    step = max(1, -(-len(of_channel) // _MOST_PLANES))
    return of_channel[::step]


def _values(store: Objects, plan: PyramidPlan, level: int, plane: int, channel: int) -> NDArray[Any]:
    block = read_block(store, plan, Node(level, 0, 0, plane))
    return _measured(block[channel] if plan.channels is not None else block, plan.nodata)


def _measured(pixels: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """Return the values that are numbers, and do not stand for "nothing was measured"."""
    valid = np.isfinite(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, dtype=bool)
    if nodata is not None:
        valid &= pixels != np.asarray(nodata).astype(pixels.dtype)
    return np.asarray(pixels[valid])


def channel_displays(
    plan: PyramidPlan,
    windows: list[tuple[float, float]],
    *,
    bits: int,
    names: tuple[str, ...] = (),
    colours: tuple[str, ...] = (),
) -> list[ChannelDisplay]:
    """Return how each channel is shown.

    Parameters
    ----------
    plan : PyramidPlan
        What is shown.
    windows : list of (float, float)
        From `display_windows`.
    bits : int
        Significant bits of integers; the highest value that a pixel can have.
    names, colours : tuple of str
        What the file says, in the order of the channels; empty for the usual ones.
    """
    count = _channels(plan)
    usual = _RGB if plan.channels == 3 else [(f"channel {k + 1}" if count > 1 else "grey", _COLOURS[k % 7]) for k in range(count)]
    if count > 1 and plan.channels is None:
        usual = [(name, _COLOURS[1 + k % 6]) for k, (name, _) in enumerate(usual)]
    kind = np.dtype(plan.dtype).kind
    displays = []
    for k, (start, end) in enumerate(windows):
        name, colour = (names[k] if names and names[k] else usual[k][0]), (colours[k] if colours else usual[k][1])
        lowest = float(np.iinfo(plan.dtype).min) if kind == "i" else min(start, 0.0) if kind == "f" else 0.0
        highest = max(end, 1.0) if kind == "f" else float(np.iinfo(plan.dtype).max) if kind == "i" else float(2**bits - 1)
        displays.append(ChannelDisplay(name, colour, lowest, max(highest, end), start, end))
    return displays
