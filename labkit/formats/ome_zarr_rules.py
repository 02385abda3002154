"""What a multiscale group of OME-Zarr 0.5 must be, rule by rule; each fault is one line.

Source: OME-NGFF 0.5, "axes", "multiscales" and "image-label"; the rules on shapes, scales and translations are those of
block averaging, which LabKit's own stores follow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.formats.ome_zarr import VERSION, level_scale, level_translation

__all__ = ["display_faults", "group_faults", "level_faults", "multiscale_of", "transform_faults"]

_ORDER = {"time": 0, "channel": 1, "space": 2}
_CLOSE = 1e-9


def multiscale_of(group: dict[str, Any]) -> dict[str, Any]:
    """Return the first multiscale of a group's ``zarr.json``; an empty one where there is none."""
    ome = (group.get("attributes") or {}).get("ome") or {}
    found = ome.get("multiscales") or [{}]
    return found[0] if isinstance(found, list) and isinstance(found[0], dict) else {}


def group_faults(group: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong in the ``zarr.json`` of a group: version, axes, datasets and their transformations."""
    ome = (group.get("attributes") or {}).get("ome")
    if group.get("zarr_format") != 3 or group.get("node_type") != "group":
        yield "it is no zarr v3 group"
    if not isinstance(ome, dict):
        yield "its attributes have no 'ome'"
        return
    if ome.get("version") != VERSION:
        yield f"its version is {ome.get('version')!r}, not {VERSION!r}"
    multiscale = multiscale_of(group)
    axes, datasets = multiscale.get("axes"), multiscale.get("datasets")
    if not axes or not datasets:
        yield "it has no multiscale with axes and datasets"
        return
    yield from _axis_faults(axes)
    for dataset in datasets:
        yield from _dataset_faults(dataset, len(axes))


def _axis_faults(axes: list[dict[str, Any]]) -> Iterator[str]:
    names = [axis.get("name") for axis in axes]
    kinds = [axis.get("type") for axis in axes]
    if len(set(names)) < len(names) or not all(names):
        yield f"its axes {names} are not all named, and named once"
    if not 2 <= len(axes) <= 5 or kinds.count("space") not in (2, 3):
        yield f"it has {len(axes)} axes, {kinds.count('space')} of them in space"
    order = [_ORDER.get(str(kind), 1) for kind in kinds]
    if order != sorted(order):
        yield f"its axes {names} are not in the order time, channel, space"


def _dataset_faults(dataset: dict[str, Any], ndim: int) -> Iterator[str]:
    where = f"level {dataset.get('path')!r}"
    steps = dataset.get("coordinateTransformations") or []
    kinds = [step.get("type") for step in steps]
    if kinds not in (["scale"], ["scale", "translation"]):
        yield f"{where} has the transformations {kinds}, not one scale and then at most one translation"
        return
    for step in steps:
        values = step.get(step["type"])
        if not isinstance(values, list) or len(values) != ndim or not all(isinstance(v, (int, float)) for v in values):
            yield f"{where} has a {step['type']} that does not have {ndim} numbers"


def transform_faults(datasets: Sequence[dict[str, Any]], axes: Sequence[str]) -> Iterator[str]:
    """Yield where scales are not 2^k of level 0's, or translations not those of the centres of averaged blocks."""
    base_scale, base_shift = _scale_and_shift(datasets[0])
    for k, dataset in enumerate(datasets):
        scale, shift = _scale_and_shift(dataset)
        for i, axis in enumerate(axes):
            steps = k if axis in ("y", "x") else 0
            want_scale = level_scale(steps, base_scale[i])
            want_shift = base_shift[i] + level_translation(steps, base_scale[i])
            if not math.isclose(scale[i], want_scale, rel_tol=_CLOSE):
                yield f"level {dataset['path']!r} has the scale {scale[i]:g} along {axis}, not {want_scale:g}"
            if not math.isclose(shift[i], want_shift, rel_tol=_CLOSE, abs_tol=_CLOSE * abs(base_scale[i])):
                yield f"level {dataset['path']!r} has the translation {shift[i]:g} along {axis}, not {want_shift:g}"


def _scale_and_shift(dataset: dict[str, Any]) -> tuple[list[float], list[float]]:
    steps = dataset["coordinateTransformations"]
    scale = list(steps[0]["scale"])
    return scale, list(steps[1]["translation"]) if len(steps) > 1 else [0.0] * len(scale)


def level_faults(arrays: Sequence[dict[str, Any]], axes: Sequence[str], labels: bool) -> Iterator[str]:
    """Yield what is wrong in the ``zarr.json`` of the levels: shapes, dtypes, names of dimensions.

    Parameters
    ----------
    arrays : sequence of dict
        From full resolution up.
    axes : sequence of str
        Names of the group's axes.
    labels : bool
        Whether the group is a label image, whose dtype is an integer.
    """
    first = arrays[0]
    if labels and not str(first.get("data_type")).startswith(("int", "uint")):
        yield f"labels are of type {first.get('data_type')!r}, which is no integer"
    for k, array in enumerate(arrays):
        if list(array.get("dimension_names") or []) != list(axes):
            yield f"level {k} names its dimensions {array.get('dimension_names')}, not {list(axes)}"
        if array.get("data_type") != first.get("data_type"):
            yield f"level {k} is of type {array.get('data_type')!r}, level 0 of {first.get('data_type')!r}"
        below = arrays[max(k - 1, 0)]["shape"]
        wanted = list(below) if k == 0 else [math.ceil(n / 2) if axis in ("y", "x") else n for n, axis in zip(below, axes, strict=False)]
        if list(array["shape"]) != wanted:
            yield f"level {k} has the shape {array['shape']}, not {wanted} (each side half of the level below, rounded up)"


def display_faults(group: dict[str, Any], axes: Sequence[str], array: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong in ``omero``: as many channels as there are, each with a colour and a whole window."""
    omero = ((group.get("attributes") or {}).get("ome") or {}).get("omero")
    if omero is None:
        return
    channels = omero.get("channels") or []
    count = array["shape"][list(axes).index("c")] if "c" in axes else 1
    if len(channels) != count:
        yield f"its display names {len(channels)} channels, and there are {count}"
    for k, channel in enumerate(channels):
        window = channel.get("window") or {}
        if missing := [name for name in ("min", "max", "start", "end") if not isinstance(window.get(name), (int, float))]:
            yield f"the window of channel {k} lacks {', '.join(missing)}"
        if not re.fullmatch("[0-9A-Fa-f]{6}", str(channel.get("color"))):
            yield f"the colour of channel {k} is no six hex digits"
