"""Previews of the pictures to be annotated that browsers do not show, made when an assignment is released."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from labkit.courses.assignment import Assignment
from labkit.courses.picture_heads import head_of
from labkit.courses.records import AnnotationTask, FileEntry, Manifest, Preview
from labkit.errors import Cancelled, LabKitError
from labkit.events import CancelToken, Event, EventSink, Log, Progress, ignore_events
from labkit.storage import file_sha256
from labkit.tiling.decoder import Decoder, open_decoder
from labkit.tiling.previews import PreviewFacts, write_preview

__all__ = ["PREVIEW_PX", "make_previews"]

PREVIEW_PX = 2048
_Asked = list[tuple[AnnotationTask, FileEntry]]


def make_previews(
    assignment: Assignment,
    student: Manifest,
    given: Path,
    folder: Path,
    *,
    known: Iterable[Preview] = (),
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> tuple[tuple[Preview, ...], dict[str, Path]]:
    """Make a preview of each picture that is asked for and that browsers do not show as it is: of another kind, of 16 bits, or too large.

    Where the author has put a small picture beside it, that is what pages show. What cannot be made is said in a warning, and the rest is
    made all the same.

    Parameters
    ----------
    student, given : Manifest, Path
        What students get, and the folder in which it lies.
    folder : Path
        Where the previews are written; it must be there.
    known : iterable of Preview
        Of an earlier release: what is of the same file is not made again.
    on_event, cancel
        Told of warnings and progress (unit "pictures"); looked at while a picture is read.

    Returns
    -------
    tuple of (tuple of Preview, dict of hash to Path)
        The previews by the order of the tasks, and the files of those that were made now.

    Raises
    ------
    Cancelled
        The token was set, or `on_event` raised it.
    """
    asked = _asked(assignment, student, given)
    made = {preview.of: preview for preview in known}
    fresh = list({entry.sha256: (task, entry) for task, entry in asked if entry.sha256 not in made}.values())
    files: dict[str, Path] = {}
    if fresh:
        with open_decoder() as decoder:
            for number, (task, entry) in enumerate(fresh):
                try:
                    step = _within(on_event, number, len(fresh))
                    preview, file = _make(task, entry, given, folder / str(number), decoder, step, cancel)
                except Cancelled:
                    raise
                except (LabKitError, RuntimeError) as error:  # of something that nobody expected the decoder says what it was
                    on_event(Log(_failed(task, error), "warning"))
                    continue
                files[preview.sha256], made[entry.sha256] = file, preview
    previews = [made[entry.sha256].model_copy(update={"task": task.id}) for task, entry in asked if entry.sha256 in made]
    return tuple(previews), files


def _asked(assignment: Assignment, student: Manifest, given: Path) -> _Asked:
    """Return the tasks that need a preview, with the file of each picture."""
    found = []
    for task in assignment.sheet.annotations:
        entry = student.entry(task.image)
        if entry is None or student.entry(task.thumbnail) is not None:
            continue
        head = head_of(given / entry.path)
        if head is None or head.is_deep:
            found.append((task, entry))
    return found


def _make(
    task: AnnotationTask,
    entry: FileEntry,
    given: Path,
    file: Path,
    decoder: Decoder,
    on_event: EventSink,
    cancel: CancelToken | None,
) -> tuple[Preview, Path]:
    facts = write_preview(given / entry.path, file, decoder, max_px=PREVIEW_PX, on_event=on_event, cancel=cancel)
    if note := _note(facts):
        on_event(Log(f"The annotation task {task.id}: {entry.path} {note}.", "warning"))
    preview = Preview(
        task=task.id,
        of=entry.sha256,
        sha256=file_sha256(file),
        size=file.stat().st_size,
        height_px=facts.height_px,
        width_px=facts.width_px,
    )
    return preview, file


def _note(facts: PreviewFacts) -> str:
    """Return what a preview does not show; empty for nothing."""
    if facts.pictures > 1:
        return f"holds {facts.pictures} pictures; pages show a preview of the first"
    return f"has {facts.planes} planes; pages show a preview of the middle one" if facts.planes > 1 else ""


def _failed(task: AnnotationTask, error: Exception) -> str:
    why = error.message if isinstance(error, LabKitError) else "Something went wrong inside its decoder."
    return (
        f"The annotation task {task.id}: no preview of {task.image} could be made for the pages at the hub. {why} "
        f"Put a small PNG of it into the folder as {task.thumbnail}, and release again."
    )


def _within(on_event: EventSink, number: int, total: int) -> EventSink:
    """Return a sink that tells of one of several pictures as a part of all."""

    def tell(event: Event) -> None:
        if isinstance(event, Progress):
            share = event.done / event.total if event.total else 0.0
            event = replace(event, done=number + share, total=total, unit="pictures", stage="previews")
        on_event(event)

    return tell
