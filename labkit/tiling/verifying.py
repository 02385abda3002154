"""Verification: what lies on the disk against what was written and what the specification asks for."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import google_crc32c
import numpy as np

from labkit.errors import LabKitError, NotFound
from labkit.formats.ome_zarr import index_size, shard_key
from labkit.formats.ome_zarr_rules import display_faults, group_faults, level_faults, multiscale_of, transform_faults
from labkit.geometry import Box, iter_blocks
from labkit.project import ImageRecord, Project
from labkit.storage import (
    INCOMING_PREFIX,
    ImageLayout,
    ObjectMissing,
    Objects,
    PredictionLayout,
    ProjectLayout,
    is_remote,
    load_record,
    open_objects,
)
from labkit.tiling.ledger import ShardFacts, read_ledger
from labkit.tiling.plan import Node
from labkit.tiling.reading import Image, open_store

__all__ = ["VerifyReport", "verify"]

Kind = Literal["project", "image", "labels"]
_BLOCK_PX = 1024
_METADATA = "zarr.json"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found.

    Attributes
    ----------
    path : str
        What was verified.
    kind : {"project", "image", "labels"}
        What it is.
    checked : int
        Number of files looked at.
    faults : tuple of str
        One line each; empty if all is well.
    """

    path: str
    kind: Kind
    checked: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(path: Path | str) -> VerifyReport:
    """Check a project, an image store or a label store, down to the bytes of every shard.

    Parameters
    ----------
    path : path
        A project's folder, a folder ``images/<id>``, or an OME-Zarr group.

    Returns
    -------
    VerifyReport
        Never raises for what is wrong inside: it is listed in ``faults``.

    Raises
    ------
    NotFound
        There is nothing that can be verified at `path`.
    """
    if is_remote(path):
        objects = open_objects(path)
        try:
            return _report(str(path), "labels" if _is_label_store(objects) else "image", _store_faults(objects, None), objects)
        except ObjectMissing as error:
            raise NotFound(f"{path} is no image or label store.", hint="Name an .ome.zarr folder.", path=str(path)) from error
    path = Path(path).expanduser()
    if ProjectLayout(path).record.is_file():
        return _verify_project(path)
    if ImageLayout(path).record.is_file():
        return _report(path, "image", _image_faults(ImageLayout(path)))
    if path.is_dir() and ((path / "zarr.json").is_file() or path.name.endswith(".zarr")):
        around = ImageLayout(path.parent)
        in_project = around.store == path and (around.record.is_file() or around.ledger.is_file())
        objects = open_objects(path)
        faults = _image_faults(around) if in_project else _store_faults(objects, None)
        return _report(path, "labels" if _is_label_store(objects) else "image", faults)
    raise NotFound(f"{path} is no project, image or label store.", hint="Name a project's folder or an .ome.zarr folder.", path=str(path))


def _report(path: Path | str, kind: Kind, faults: Iterator[str], objects: Objects | None = None) -> VerifyReport:
    found = tuple(faults)
    checked = sum(1 for _ in objects.keys()) if objects else sum(1 for f in Path(path).rglob("*") if f.is_file())  # noqa: SIM118
    return VerifyReport(str(path), kind, checked, found)


def _verify_project(path: Path) -> VerifyReport:
    return _report(path, "project", _project_faults(path))


def _project_faults(path: Path) -> Iterator[str]:
    try:
        layout = Project.open(path).layout
    except LabKitError as error:
        yield str(error)
        return
    for folder in _folders(layout.images):
        for fault in _image_faults(layout.image(folder.name)):
            yield f"images/{folder.name}: {fault}"
    for folder in itertools.chain.from_iterable(_folders(image) for image in _folders(layout.predictions)):
        if not PredictionLayout(folder).record.is_file():
            yield f"{folder.relative_to(path)}: it has no manifest"
        for store in sorted(folder.glob("*.ome.zarr")):
            for fault in _store_faults(open_objects(store), None):
                yield f"{store.relative_to(path)}: {fault}"


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith(INCOMING_PREFIX))


def _image_faults(layout: ImageLayout) -> Iterator[str]:
    """Check an image of a project: manifest, ledger and store."""
    try:
        record = load_record(layout.record, ImageRecord)
    except LabKitError as error:
        yield str(error)
        return
    if record.id != layout.root.name and not layout.root.name.startswith(INCOMING_PREFIX):
        yield f"its manifest is that of image {record.id}"
    ledger = read_ledger(layout.ledger)
    if not ledger:
        yield "its ledger is missing or empty"
    base = str(layout.root) if record.url is None else record.url
    store = open_objects(f"{base}/{layout.store.name}")
    yield from _store_faults(store, _Listed({node: facts.image for node, facts in ledger.items()}))
    if record.alpha:
        written = {node: facts.alpha for node, facts in ledger.items() if facts.alpha is not None}
        for fault in _store_faults(open_objects(f"{base}/{layout.alpha.name}"), _Listed(written)):
            yield f"alpha: {fault}"
    try:
        image = open_store(store.url)
    except LabKitError:
        return  # said already
    if (image.axes, image.shape, image.dtype.name, image.levels) != (record.axes, record.shape, record.dtype, record.levels):
        yield "the store's axes, shape, dtype or levels are not those of the manifest"


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the ledger of an import says of a store."""

    shards: dict[Node, ShardFacts]


def _is_label_store(objects: Objects) -> bool:
    group = _load_json(objects, _METADATA)
    return bool(group) and "image-label" in ((group.get("attributes") or {}).get("ome") or {})


def _load_json(objects: Objects, key: str) -> dict[str, Any]:
    """Return the object in a JSON file; empty when there is none that can be read."""
    try:
        found = json.loads(objects.read(key))
    except (ObjectMissing, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _store_faults(objects: Objects, listed: _Listed | None) -> Iterator[str]:
    """Check one OME-Zarr group: schema, levels, shards, ids."""
    try:
        yield from _checked_store(objects, listed)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:  # metadata of a shape that no rule foresees
        if isinstance(error, LabKitError):
            raise
        yield f"its metadata is malformed ({type(error).__name__}: {error})"


def _checked_store(objects: Objects, listed: _Listed | None) -> Iterator[str]:
    group = _load_json(objects, _METADATA)
    if not group:
        yield "zarr.json is missing or cannot be read"
        return
    faults = list(group_faults(group))
    yield from faults
    if faults:
        return  # what follows leans on a sound group
    multiscale = multiscale_of(group)
    axes = [axis["name"] for axis in multiscale["axes"]]
    places = [str(dataset["path"]) for dataset in multiscale["datasets"]]
    arrays = [_load_json(objects, f"{place}/{_METADATA}") for place in places]
    broken = [place for place, array in zip(places, arrays, strict=True) if not _is_array(array, len(axes))]
    if broken:
        yield f"the zarr.json of level {', '.join(broken)} is missing or cannot be read"
        return
    labels = _is_label_store(objects)
    metadata_faults = [
        *transform_faults(multiscale["datasets"], axes),
        *level_faults(arrays, axes, labels),
        *display_faults(group, axes, arrays[0]),
    ]
    yield from metadata_faults
    complete = bool((multiscale.get("metadata") or {}).get("every_shard_is_stored"))
    shard_faults = list(_shard_faults(objects, arrays, listed, complete))
    yield from shard_faults
    if labels and not metadata_faults and not shard_faults:
        yield from _label_faults(objects, group)


def _is_array(array: dict[str, Any], ndim: int) -> bool:
    shape = array.get("shape")
    return array.get("node_type") == "array" and isinstance(shape, list) and len(shape) == ndim and "chunk_grid" in array


def _shard_faults(objects: Objects, arrays: list[dict[str, Any]], listed: _Listed | None, complete: bool) -> Iterator[str]:
    present = []
    wanted: set[str] = set()
    for level, array in enumerate(arrays):
        outer = array["chunk_grid"]["configuration"]["chunk_shape"]
        grid = [math.ceil(n / c) for n, c in zip(array["shape"], outer, strict=True)]
        found = 0
        for plane, lead in enumerate(itertools.product(*(range(n) for n in grid[:-2]))):
            for y, x in itertools.product(*(range(n) for n in grid[-2:])):
                key, node = shard_key(level, lead, y, x), Node(level, y, x, plane)
                wanted.add(key)
                data = _read_bytes(objects, key)
                found += data is not None
                if data is None and (complete or (listed and node in listed.shards)):
                    yield f"shard {key} is missing"
                elif data is not None and complete and (why := _damage(data, array, listed, node)):
                    yield f"shard {key} {why}"
        present.append(found)
    for level, count in enumerate(present):
        if present[0] and not count:
            yield f"level {level} is empty while level 0 is not"
    if complete:
        known = wanted | {_METADATA} | {f"{level}/{_METADATA}" for level in range(len(arrays))}
        for key in sorted(set(objects.keys()) - known):
            yield f"{key} does not belong to it"


def _read_bytes(objects: Objects, key: str) -> bytes | None:
    try:
        return objects.read(key)
    except ObjectMissing:
        return None


def _damage(data: bytes, array: dict[str, Any], listed: _Listed | None, node: Node) -> str:
    """Say what is wrong with the bytes of a shard; empty when they are sound."""
    if listed is not None and listed.shards:
        if node not in listed.shards:
            return "is not in the ledger"
        return "" if ShardFacts.of(data) == listed.shards[node] else "is not as it was written (its checksum differs)"
    size = index_size(array["chunk_grid"]["configuration"]["chunk_shape"])
    index, checksum = data[-size:-4], data[-4:]
    if len(data) < size or google_crc32c.value(index).to_bytes(4, "little") != checksum:
        return "is damaged (the checksum of its index differs)"
    spans = np.frombuffer(index, dtype="<u8").reshape(-1, 2)
    used = spans[spans[:, 0] != np.iinfo(np.uint64).max]
    return "" if int(used[:, 1].sum()) == len(data) - size else "is damaged (its length is not that of its chunks)"


def _label_faults(objects: Objects, group: dict[str, Any]) -> Iterator[str]:
    """Check that no level holds an id that the level below lacks, and that the levels are those of the image."""
    try:
        labels = open_store(objects.url)
        for level in range(1, len(labels.levels)):
            if strangers := _strange_ids(labels, level):
                yield f"level {level} holds ids that level {level - 1} lacks in the same place: {sorted(strangers)[:5]}"
    except LabKitError as error:
        yield str(error)
        return
    source = (group["attributes"]["ome"]["image-label"].get("source") or {}).get("image")
    if not source:
        return
    image = open_objects(source if is_remote(source) else f"{objects.url}/{source}")
    datasets = multiscale_of(_load_json(image, _METADATA)).get("datasets", [])
    levels = [_load_json(image, f"{dataset['path']}/{_METADATA}").get("shape", [])[-2:] for dataset in datasets]
    if levels and [list(size) for size in labels.levels] != levels:
        yield f"its {len(labels.levels)} levels are not those of its image, which has {len(levels)} (number and sizes must be equal)"


def _strange_ids(labels: Image, level: int) -> set[int]:
    height, width = labels.levels[level - 1]
    for box in iter_blocks(Box.of_shape(*labels.levels[level]), _BLOCK_PX, _BLOCK_PX):
        below = Box(2 * box.y0, 2 * box.x0, min(2 * box.y1, height), min(2 * box.x1, width))
        strangers = np.setdiff1d(labels.read(box, level), labels.read(below, level - 1))
        if len(strangers):
            return {int(i) for i in strangers}
    return set()
