"""Planning a training set: what would be built, how large, and what is wrong with it, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import numpy as np
import zarr
from zarr.storage import MemoryStore

from labkit.annotations import document_sha256
from labkit.compute import THREADS, Compute, ComputeSpec, iter_results, open_compute
from labkit.datasets.build import nothing_to_learn
from labkit.datasets.cutting import ChipStrip, count_strip, cut_strip, iter_strips
from labkit.datasets.draft import Draft, draft_set
from labkit.datasets.parts import PARTS, Part
from labkit.datasets.plan_records import PlannedImage, SetPlan
from labkit.datasets.problems import find_problems
from labkit.datasets.records import PartSummary, SetSpec
from labkit.datasets.sources import Source
from labkit.datasets.tiles import TileGrid, part_name, parts_of_tiles
from labkit.datasets.writing import SHARD_CHIPS, PartWriter, summary_of
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.project import Project

__all__ = ["plan_training_set"]

_MEASURED_CHIPS = 16
_ARRAYS = 4  # of a part
_INDEX_BYTES = 16 * SHARD_CHIPS + 4  # of a shard
_MANIFEST_BYTES, _BOX_BYTES, _IMAGE_BYTES = 3_000, 160, 350


def plan_training_set(
    project: Project,
    spec: SetSpec,
    *,
    compute: ComputeSpec = THREADS,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> SetPlan:
    """Say what a wish comes to; nothing is written.

    Parameters
    ----------
    project : Project
        Where images and annotations are.
    spec : SetSpec
        The wish.
    compute : ComputeSpec
        Where masks are made.
    on_event, cancel
        Told of progress; looked at between tasks.

    Returns
    -------
    SetPlan
        With ``parts`` just as `build_from_spec` would make them. What it would refuse stands among the ``problems`` as an error.

    Raises
    ------
    Cancelled
        The token was set.
    """
    cancel = cancel or CancelToken()
    with open_compute(compute) as workers:
        draft = draft_set(project, spec, workers, on_event, cancel, with_grids=True)
        parts: dict[Part, PartSummary] = {}
        dropped = size = 0
        if not draft.findings.refused:
            parts, dropped = _count(project, draft, workers, on_event, cancel)
            if not parts["train"].chips:
                draft.findings.refuse("nothing-to-train-on", nothing_to_learn())
            size = _size_bytes(project, draft, parts)
        find_problems(project, draft, parts)
    return SetPlan(
        spec=draft.spec,
        images=tuple(_planned(draft, source) for source in draft.sources),
        classes=draft.classes,
        parts=parts,
        boxes=draft.boxes,
        dropped_chips=dropped,
        size_bytes=size,
        problems=draft.findings.problems,
    )


def _count(
    project: Project, draft: Draft, workers: Compute, on_event: EventSink, cancel: CancelToken
) -> tuple[dict[Part, PartSummary], int]:
    total = sum(len(row) for part in PARTS for _, _, row in draft.chips(part))
    parts: dict[Part, PartSummary] = {}
    done = dropped = 0
    for part in PARTS:
        pixels, chips, objects = np.zeros(256, np.int64), 0, 0
        tasks = ((strip,) for strip in iter_strips(project, draft, part))
        for found in iter_results(workers, count_strip, tasks, cancel):
            pixels += found.pixels
            chips, objects, dropped = chips + found.chips, objects + found.objects, dropped + found.dropped
            done += found.chips + found.dropped
            on_event(Progress(done, total, "chips", f"plan of {draft.spec.name}"))
        parts[part] = summary_of(chips, pixels, objects)
    return parts, dropped


def _size_bytes(project: Project, draft: Draft, parts: dict[Part, PartSummary]) -> int:
    """Return what the set would take on disk: some chips of each part are written to memory, as they would be to the disk."""
    total = _MANIFEST_BYTES + _BOX_BYTES * len(draft.boxes) + _IMAGE_BYTES * len(draft.sources) + 0.0
    for part, summary in parts.items():
        each, metadata = _chip_bytes(project, draft, part, summary.chips)
        total += summary.chips * each + metadata + -(-summary.chips // SHARD_CHIPS) * _ARRAYS * _INDEX_BYTES
    return round(total)


def _chip_bytes(project: Project, draft: Draft, part: Part, chips: int) -> tuple[float, int]:
    """Return the bytes of a chip with its mask and objects, and of the metadata of a part."""
    first = draft.sources[0].record
    store = MemoryStore()
    group = zarr.open_group(store, mode="w", zarr_format=3)
    writer = PartWriter(group, first.channels, np.dtype(first.dtype), draft.spec.chip_px, hashlib.sha256())
    measured = 0
    for strip in _some_strips(project, draft, part, chips):
        cut = cut_strip(strip)
        writer.add(cut)
        measured += len(cut.masks)
        if measured >= _MEASURED_CHIPS:
            break
    writer.finish()
    held = sum(len(buffer) for key, buffer in store._store_dict.items() if not key.endswith("zarr.json"))
    metadata = sum(len(buffer) for key, buffer in store._store_dict.items() if key.endswith("zarr.json"))
    return (held - _ARRAYS * _INDEX_BYTES) / measured if measured else 0.0, metadata


def _some_strips(project: Project, draft: Draft, part: Part, chips: int) -> Iterable[ChipStrip]:
    """Yield short strips from all over a part."""
    every = max(1, chips // 64 // 8)
    for strip in islice(iter_strips(project, draft, part), 0, None, every):
        step = max(1, len(strip.chips) // _MEASURED_CHIPS)
        yield replace(strip, chips=strip.chips[::step][:_MEASURED_CHIPS])


def _planned(draft: Draft, source: Source) -> PlannedImage:
    record, document = source.record, source.document
    grid = draft.grids[record.id]
    parts = parts_of_tiles(grid.shape, grid.tile_px, [box for box in draft.boxes if box.image == record.id])
    chosen = draft.chosen.get(record.id)
    return PlannedImage(
        id=record.id,
        name=record.name,
        sha256=record.sha256,
        author=document.author,
        revision=document.revision,
        annotations=document_sha256(document),
        state=source.state,
        height_px=record.height_px,
        width_px=record.width_px,
        group=source.group,
        rows=grid.shape[0],
        columns=grid.shape[1],
        coverage=tuple(grid.percent.reshape(-1).tolist()),
        classes=_classes_of(grid),
        part=tuple(part_name(number) for number in parts.reshape(-1).tolist()),
        chosen=tuple(((grid.known_px > 0) if chosen is None else chosen).reshape(-1).tolist()),
    )


def _classes_of(grid: TileGrid) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(grid.area_px.size)]
    tiles, ids = np.nonzero(grid.present.reshape(-1, 256))
    for tile, class_id in zip(tiles.tolist(), ids.tolist(), strict=True):
        found[tile].append(class_id)
    return tuple(map(tuple, found))
