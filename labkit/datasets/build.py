"""Build a training set: chips, masks and object ids cut out of annotated images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import zarr

from labkit import __version__
from labkit.annotations import document_sha256
from labkit.compute import THREADS, Compute, ComputeSpec, iter_results, open_compute
from labkit.datasets.cutting import cut_strip, iter_strips
from labkit.datasets.draft import Draft, chip_boxes, draft_set
from labkit.datasets.parts import PARTS, Part, SplitSpec
from labkit.datasets.publishing import publish_set
from labkit.datasets.records import PartSummary, SetImage, SetSpec, TrainingSetRecord, content_of
from labkit.datasets.tiles import TileRule
from labkit.datasets.training_set import TrainingSet
from labkit.datasets.writing import PartWriter, ValueSample
from labkit.errors import InvalidInput
from labkit.events import CancelToken, EventSink, Log, Progress, ignore_events
from labkit.project import Project
from labkit.storage import explain_os_errors, scratch_folder, utc_now
from labkit.storage.layout import TrainingSetLayout

__all__ = ["build_from_spec", "build_training_set", "chip_boxes", "nothing_to_learn"]


def build_training_set(
    project: Project,
    name: str,
    *,
    images: Sequence[str] | None = None,
    author: str | None = None,
    chip_px: int = 128,
    split: SplitSpec | None = None,
    tiles: TileRule | None = None,
    compute: ComputeSpec = THREADS,
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
        Whose annotations; default: the person at the keyboard; "*" takes of each image those that are agreed on.
    chip_px : int
        Side of a chip in pixels.
    split : SplitSpec, optional
        Default: by images if there are three, else blocks with a gap.
    tiles : TileRule, optional
        Which tiles are taken; default: all that is annotated.
    compute : ComputeSpec
        Where masks are made and chips are cut: the set is the same bit for bit.
    on_event, cancel
        Told of progress (unit "chips") and warnings; looked at between tasks.

    Returns
    -------
    TrainingSet
        Chips (n, c, y, x) in the images' dtype; masks (n, y, x) uint8, 0 background, 255 ignore; objects (n, y, x) uint32.

    Raises
    ------
    InvalidInput
        Nothing is annotated, images do not match in channels or dtype, no chip of the train part has a known pixel, or
        the name or the size of the chips cannot be used: what `plan_training_set` calls an error.
    StorageFull, NotWritable
        It could not be written; nothing is left of it.
    Cancelled
        The token was set; nothing is left of it.
    """
    spec = SetSpec(
        name=name,
        images=tuple(images or ()),
        author=author,
        chip_px=chip_px,
        split=split or SplitSpec(),
        tiles=tiles or TileRule(),
    )
    return build_from_spec(project, spec, compute=compute, on_event=on_event, cancel=cancel)


def build_from_spec(
    project: Project,
    spec: SetSpec,
    *,
    compute: ComputeSpec = THREADS,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> TrainingSet:
    """Build the training set that `spec` wishes; see `build_training_set`."""
    cancel = cancel or CancelToken()
    root = project.layout.training_sets
    with open_compute(compute) as workers:
        draft = draft_set(project, spec, workers, on_event, cancel)
        for problem in draft.findings.problems:
            if problem.level == "warning":
                on_event(Log(problem.message, "warning"))
        draft.findings.raise_first()
        with explain_os_errors(root), scratch_folder(root) as scratch:
            record = _fill(TrainingSetLayout(scratch), project, draft, workers, on_event, cancel)
            cancel.raise_if_cancelled()
            return publish_set(project, scratch, record)


def _fill(
    layout: TrainingSetLayout, project: Project, draft: Draft, workers: Compute, on_event: EventSink, cancel: CancelToken
) -> TrainingSetRecord:
    first = draft.sources[0].record
    group = zarr.open_group(layout.store, mode="w", zarr_format=3)
    digest = hashlib.sha256()
    totals = {part: sum(len(row) for _, _, row in draft.chips(part)) for part in PARTS}
    sample = ValueSample(totals["train"], first.channels, draft.spec.chip_px)
    parts: dict[Part, PartSummary] = {}
    done = dropped = 0
    for part in PARTS:
        writer = PartWriter(group.create_group(part), first.channels, np.dtype(first.dtype), draft.spec.chip_px, digest)
        tasks = ((strip,) for strip in iter_strips(project, draft, part))
        for cut in iter_results(workers, cut_strip, tasks, cancel):
            writer.add(cut)
            if part == "train":
                sample.add(cut.pixels)
            done, dropped = done + len(cut.masks) + cut.dropped, dropped + cut.dropped
            on_event(Progress(done, sum(totals.values()), "chips", f"training set {draft.spec.name}"))
        parts[part] = writer.finish()
    if not sample:
        raise nothing_to_learn()
    record = _record(draft, parts, dropped, sample, digest.hexdigest())
    return record.model_copy(update={"hash": content_of(record)})


def nothing_to_learn() -> InvalidInput:
    """Return the error of a set without a known pixel to train on."""
    return InvalidInput(
        "No pixel of the train part has a known class.", hint="Annotate more, mark the image finished, or change the split."
    )


def _record(draft: Draft, parts: dict[Part, PartSummary], dropped: int, sample: ValueSample, data_sha256: str) -> TrainingSetRecord:
    first = draft.sources[0].record
    return TrainingSetRecord(
        name=draft.spec.name,
        hash="",
        spec=draft.spec,
        classes=draft.classes,
        images=tuple(
            SetImage(
                id=source.record.id,
                name=source.record.name,
                sha256=source.record.sha256,
                author=source.document.author,
                revision=source.document.revision,
                annotations=document_sha256(source.document),
                group=source.group,
            )
            for source in draft.sources
        ),
        split=draft.boxes,
        chip_px=draft.spec.chip_px,
        channels=first.channels,
        dtype=first.dtype,
        pixel_size_um=first.pixel_size_um,
        parts=parts,
        dropped_chips=dropped,
        normalisation=sample.normalisation(),
        data_sha256=data_sha256,
        software=f"labkit-studio {__version__}",
        created=utc_now(),
    )
