"""Build a training set: chips, masks and object ids cut out of annotated images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from labkit import __version__
from labkit.annotations import IGNORE, Document, document_sha256, open_document, rasterise_classes, rasterise_objects, resolve_author
from labkit.datasets.records import Normalisation, PartSummary, SetImage, TrainingSetRecord
from labkit.datasets.split import PARTS, Part, PartBox, SplitSpec, resolve_split
from labkit.datasets.training_set import TrainingSet
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, Log, Progress, ignore_events
from labkit.geometry import Box
from labkit.project import ImageRecord, Project
from labkit.storage import (
    check_name,
    content_hash,
    explain_os_errors,
    load_record,
    publish_folder,
    save_record,
    scratch_folder,
    utc_now,
)
from labkit.storage.layout import TrainingSetLayout
from labkit.tiling import Image, open_flat_image

__all__ = ["build_training_set", "chip_boxes"]

_SHARD_CHIPS = 64
_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.8
_MIN_CHIP_PX, _MAX_CHIP_PX = 16, 1024  # a shard of 64 chips is held in memory


@dataclass(frozen=True, slots=True)
class _Source:
    record: ImageRecord
    image: Image
    document: Document


def chip_boxes(box: Box, chip_px: int, *, overlap: bool) -> Iterator[Box]:
    """Yield square boxes of `chip_px` that cover `box`.

    With `overlap` (for training) they step by half a chip and the last one ends at the box's edge; without (to measure)
    they lie side by side, so that each pixel counts once, and the last one may reach beyond the box.
    """
    step = max(1, chip_px // 2) if overlap else chip_px

    def starts(begin: int, end: int) -> list[int]:
        if not overlap or end - begin <= chip_px:
            return list(range(begin, end, chip_px))
        return sorted({*range(begin, end - chip_px, step), end - chip_px})

    for y in starts(box.y0, box.y1):
        for x in starts(box.x0, box.x1):
            yield Box(y, x, y + chip_px, x + chip_px)


def build_training_set(
    project: Project,
    name: str,
    *,
    images: Sequence[str] | None = None,
    author: str | None = None,
    chip_px: int = 128,
    split: SplitSpec | None = None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> TrainingSet:
    """Cut annotated images into chips and keep them as an immutable training set ``name@hash``.

    Parameters
    ----------
    project : Project
        Where images and annotations are, and where the set goes.
    name : str
        Name of the set. Building the same content again gives the set that is there.
    images : sequence of str, optional
        Ids or names; default: every image that `author` annotated.
    author : str, optional
        Whose annotations; default: the person at the keyboard.
    chip_px : int
        Side of a chip in pixels.
    split : SplitSpec, optional
        Default: by images if there are three, else bands with a gap.

    Returns
    -------
    TrainingSet
        Chips (n, c, y, x) in the images' dtype; masks (n, y, x) uint8, 0 background, 255 ignore; objects (n, y, x) uint32.

    Raises
    ------
    InvalidInput
        Nothing is annotated, images do not match in channels or dtype, no chip of the train part has a known pixel, or
        the name or the size of the chips cannot be used.
    StorageFull, NotWritable
        It could not be written; nothing is left of it.
    """
    check_name(name, what="name of the training set")
    if "@" in name:
        raise InvalidInput("The name of a training set cannot hold '@'.", hint="Use a name like 'nuclei'.")
    if not _MIN_CHIP_PX <= chip_px <= _MAX_CHIP_PX:
        what = "small" if chip_px < _MIN_CHIP_PX else "large"
        raise InvalidInput(f"Chips of {chip_px} px are too {what}.", hint=f"Use {_MIN_CHIP_PX} to {_MAX_CHIP_PX}, 128 as a rule.")
    sources = _sources(project, images, resolve_author(author), on_event)
    boxes = resolve_split([s.record for s in sources], split or SplitSpec())
    root = project.layout.training_sets
    with explain_os_errors(root), scratch_folder(root) as scratch:
        record = _fill(TrainingSetLayout(scratch), name, project, sources, boxes, chip_px, on_event, cancel or CancelToken())
        target = project.layout.training_set(name, record.hash)
        if not target.manifest.is_file():
            save_record(TrainingSetLayout(scratch).manifest, record)
            publish_folder(scratch, target.root)
    return TrainingSet(target, load_record(target.manifest, TrainingSetRecord))


def _sources(project: Project, keys: Sequence[str] | None, author: str, on_event: EventSink) -> list[_Source]:
    records = project.images() if keys is None else tuple(project.image(key) for key in dict.fromkeys(keys))
    sources = []
    for record in records:
        document = open_document(project, record.id, author)
        if document.objects or document.finished:
            sources.append(_Source(record, open_flat_image(project, record.id), document))
        elif keys is not None:
            on_event(Log(f"{record.name}: {author} has annotated nothing there; it is left out.", "warning"))
    if not sources:
        raise InvalidInput(
            f"{author} has annotated none of the project's images.",
            hint="Annotate an image or import annotations first, or name an --author.",
            author=author,
        )
    first = sources[0].record
    for source in sources[1:]:
        if (source.record.channels, source.record.dtype) != (first.channels, first.dtype):
            raise InvalidInput(
                f"{source.record.name!r} has {source.record.channels} channel(s) of {source.record.dtype}, "
                f"{first.name!r} {first.channels} of {first.dtype}.",
                hint="Build a set from images of one kind.",
            )
    return sources


def _fill(
    layout: TrainingSetLayout,
    name: str,
    project: Project,
    sources: Sequence[_Source],
    boxes: Sequence[PartBox],
    chip_px: int,
    on_event: EventSink,
    cancel: CancelToken,
) -> TrainingSetRecord:
    first = sources[0].record
    by_id = {s.record.id: s for s in sources}
    group = zarr.open_group(layout.store, mode="w", zarr_format=3)
    digest = hashlib.sha256()
    plan: dict[Part, list[tuple[_Source, Box, Box]]] = {part: [] for part in PARTS}
    for item in boxes:
        for chip in chip_boxes(item.as_box, chip_px, overlap=item.part == "train"):
            plan[item.part].append((by_id[item.image], item.as_box, chip))
    total = sum(len(chips) for chips in plan.values())
    done = dropped = 0
    parts: dict[Part, PartSummary] = {}
    sample: list[NDArray[Any]] = []
    for part in PARTS:
        writer = _PartWriter(group.create_group(part), first.channels, np.dtype(first.dtype), chip_px, digest)
        for source, box, chip in plan[part]:
            cancel.raise_if_cancelled()
            pixels, mask, objects = _cut(source, box, chip)
            if (mask == IGNORE).all():
                dropped += 1
            else:
                writer.add(pixels, mask, objects, (sources.index(source), chip.y0, chip.x0))
                if part == "train":
                    sample.append(pixels[:, ::2, ::2].reshape(first.channels, -1))
            done += 1
            on_event(Progress(done, total, "chips", f"training set {name}"))
        parts[part] = writer.finish()
    if not sample:
        raise InvalidInput(
            "No pixel of the train part has a known class.",
            hint="Annotate more, mark the image finished, or change the split.",
        )
    images = tuple(
        SetImage(
            id=s.record.id,
            name=s.record.name,
            sha256=s.record.sha256,
            author=s.document.author,
            revision=s.document.revision,
            annotations=document_sha256(s.document),
        )
        for s in sources
    )
    record = TrainingSetRecord(
        name=name,
        hash="",
        classes=project.classes,
        images=images,
        split=tuple(boxes),
        chip_px=chip_px,
        channels=first.channels,
        dtype=first.dtype,
        pixel_size_um=first.pixel_size_um,
        parts=parts,
        dropped_chips=dropped,
        normalisation=_normalisation(sample),
        data_sha256=digest.hexdigest(),
        software=f"labkit-studio {__version__}",
        created=utc_now(),
    )
    # What counts is the content: pixels, masks, classes and where they come from, not when, where or by which id it was built.
    order = {s.record.id: k for k, s in enumerate(sources)}
    content = {
        "data": record.data_sha256,
        "classes": [(c.id, c.name) for c in record.classes],
        "images": [i.sha256 for i in images],
        "split": [(order[b.image], b.part, b.box) for b in boxes],
        "chip_px": chip_px,
    }
    return record.model_copy(update={"hash": content_hash(content)})


def _cut(source: _Source, box: Box, chip: Box) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.uint32]]:
    """Return pixels (c, y, x), mask and objects of a chip; outside `box` the mask is ignored, so that parts share nothing."""
    inside = chip.intersect(box)
    pixels = source.image.read(inside)
    if pixels.ndim == 2:
        pixels = pixels[None]
    pad = ((inside.y0 - chip.y0, chip.y1 - inside.y1), (inside.x0 - chip.x0, chip.x1 - inside.x1))
    return (
        np.pad(pixels, ((0, 0), *pad), mode="edge"),
        np.pad(rasterise_classes(source.document, inside), pad, constant_values=IGNORE),
        np.pad(rasterise_objects(source.document, inside), pad),
    )


def _normalisation(sample: Sequence[NDArray[Any]]) -> Normalisation:
    values = np.concatenate(sample, axis=1).astype(np.float64)
    low, high = np.nanpercentile(values, [_LOW_PERCENT, _HIGH_PERCENT], axis=1)
    high = np.where(high > low, high, low + 1)  # a flat picture: keep the division finite
    return Normalisation(low=tuple(low.tolist()), high=tuple(high.tolist()))


class _PartWriter:
    """Writes the chips of one part, a whole shard at a time, and counts what is in them."""

    def __init__(self, group: zarr.Group, channels: int, dtype: np.dtype[Any], chip_px: int, digest: Any) -> None:
        self._group, self._digest = group, digest
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._shapes = {"chips": ((channels, chip_px, chip_px), dtype), "masks": ((chip_px, chip_px), np.dtype(np.uint8))}
        self._shapes |= {"objects": ((chip_px, chip_px), np.dtype(np.uint32)), "positions": ((3,), np.dtype(np.int64))}
        for key, (shape, kind) in self._shapes.items():
            self._arrays[key] = group.create_array(
                key, shape=(0, *shape), dtype=kind, chunks=(1, *shape), shards=(_SHARD_CHIPS, *shape), config={"write_empty_chunks": True}
            )
        self._buffer: dict[str, list[NDArray[Any]]] = {key: [] for key in self._shapes}
        self._count = self._objects = 0
        self._pixels = np.zeros(256, np.int64)

    def add(self, pixels: NDArray[Any], mask: NDArray[np.uint8], objects: NDArray[np.uint32], position: tuple[int, int, int]) -> None:
        values: tuple[NDArray[Any], ...] = (pixels, mask, objects, np.array(position, np.int64))
        for key, value in zip(("chips", "masks", "objects", "positions"), values, strict=True):
            self._buffer[key].append(value)
            if key != "positions":
                self._digest.update(np.ascontiguousarray(value).tobytes())
        self._pixels += np.bincount(mask.ravel(), minlength=256)
        self._objects += len(np.unique(objects[objects > 0]))
        if len(self._buffer["chips"]) == _SHARD_CHIPS:
            self._flush()

    def _flush(self) -> None:
        number = len(self._buffer["chips"])
        if number:
            for key, rows in self._buffer.items():
                array = self._arrays[key]
                array.resize((self._count + number, *array.shape[1:]))
                array[self._count :] = np.stack(rows)
                rows.clear()
            self._count += number

    def finish(self) -> PartSummary:
        self._flush()
        pixels = {int(k): int(self._pixels[k]) for k in np.flatnonzero(self._pixels) if k != IGNORE}
        return PartSummary(chips=self._count, pixels=pixels, ignored_pixels=int(self._pixels[IGNORE]), objects=self._objects)
