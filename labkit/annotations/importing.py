"""Annotations from files: label images, GeoJSON, and the formats of other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labkit.annotations.document import FINISHED, Document
from labkit.annotations.editor import Editor
from labkit.annotations.edits import Edit, edit_between
from labkit.annotations.label_images import label_objects, store_objects, with_classes
from labkit.annotations.label_store import LabelStore
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.records import object_from_feature
from labkit.annotations.sniffing import ForeignFile, sniff_annotations
from labkit.annotations.store import change_document, open_document, resolve_author
from labkit.annotations.validation import object_warnings
from labkit.errors import InvalidInput
from labkit.events import EventSink, Log, Progress, ignore_events
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Collection, Feature
from labkit.formats.labeller import is_lasting_id, merge_metadata, with_our_ids
from labkit.formats.labels import LabelFile
from labkit.project import ImageRecord, Project
from labkit.storage import Record, file_sha256

__all__ = ["AnnotationImport", "import_annotations"]


class AnnotationImport(Record):
    """What an import did.

    ``added`` objects are new; ``updated`` ones were there by id and are now as in the file; ``skipped`` ones were there
    already and stay as they are. ``revision`` is that of the saved document, ``warnings`` are for a person.
    """

    image_id: str
    author: str
    format: str
    added: int
    updated: int
    skipped: int
    objects: int
    finished: bool
    revision: int
    warnings: tuple[str, ...] = ()


def import_annotations(
    project: Project,
    image: ImageRecord,
    path: Path | str,
    *,
    author: str | None = None,
    class_name: str | None = None,
    finished: bool | None = None,
    shift_auto: bool = False,
    on_event: EventSink = ignore_events,
) -> AnnotationImport:
    """Add the objects of a file to the author's document of an image.

    What the file is follows from its content, not its name. Objects join what is there; those with a known id merge: the
    file wins if LabKit wrote it (somebody's document comes again), else what is here wins (the same label image comes again).

    Parameters
    ----------
    project, image
        Where to.
    path : path
        A label image (PNG, TIFF, ``.npy``, the folder of an OME-Zarr label image), each id an object; GeoJSON as QuPath and LabKit
        write it; a file of Django Labeller, COCO instances, Pascal VOC or YOLO.
    author : str, optional
        Whose document. By default the one that a LabKit file names, else as in `resolve_author`.
    class_name : str, optional
        Class of the objects that come without one. A label image needs it unless the project has exactly one class.
    finished : bool, optional
        Whether pixels without an object are background. By default True for a label image; files of LabKit and Labeller keep their marks.
    shift_auto : bool
        Move what an automatic tool of Labeller drew by half a pixel to the right and down, where it belongs.
    on_event : function
        Gets the warnings as they come, and progress.

    Returns
    -------
    AnnotationImport
        Classes that the project lacked are made: open the project again to see them.

    Raises
    ------
    InvalidInput, UnreadableImage, UnsupportedFormat, NotFound
        The file cannot be used; nothing is changed.
    """
    path = Path(path)
    picture = Picture(image.name, image.height_px, image.width_px, image.channels)
    source = sniff_annotations(path, picture, has_class=class_name is not None, shift_auto=shift_auto)
    wish = _Wish(project, image, author, class_name, finished)
    what = _from_features(wish, source, file_sha256(path)) if isinstance(source, ForeignFile) else _from_labels(wish, source)
    for text in what.warnings:
        on_event(Log(text, "warning"))
    report = _save(project, what)
    on_event(Progress(len(what.objects), len(what.objects), "objects", "import"))
    return report


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller asked for."""

    project: Project
    image: ImageRecord
    author: str | None
    class_name: str | None
    finished: bool | None


@dataclass(frozen=True, slots=True)
class _Import:
    """All that a file brings, ready to be merged."""

    image_id: str
    author: str
    format: str
    objects: tuple[AnnotationObject, ...]
    completed_tasks: tuple[str, ...]
    replaces: bool  # objects of a known id become as they are in the file
    warnings: tuple[str, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def _named_author(collection: Collection) -> str | None:
    author = collection.labkit.get("author")
    return author if isinstance(author, str) and author.strip() else None


def _tasks(collection: Collection) -> tuple[str, ...]:
    tasks = collection.labkit.get("completed_tasks")
    return tuple(task for task in tasks if isinstance(task, str)) if isinstance(tasks, list) else ()


# Label images


def _from_labels(wish: _Wish, source: LabelFile | LabelStore) -> _Import:
    author = resolve_author(wish.author)
    tasks: tuple[str, ...] = () if wish.finished is False else (FINISHED,)
    if isinstance(source, LabelFile):
        objects, warnings = label_objects(wish.project, wish.image, source, wish.class_name, author)
        return _Import(wish.image.id, author, source.kind, tuple(objects), tasks, False, tuple(warnings))
    if wish.finished is None and source.completed_tasks is not None:
        tasks = source.completed_tasks
    return _Import(
        wish.image.id, author, "ome-zarr", tuple(store_objects(wish.project, wish.image, source, wish.class_name, author)), tasks, False, ()
    )


# Features


def _from_features(wish: _Wish, file: ForeignFile, sha256: str) -> _Import:
    facts = file.collection.labkit
    own = file.format == "geojson" and facts.get("format") == 1
    author = resolve_author(wish.author or _named_author(file.collection))
    objects, warnings = _feature_objects(wish, file, author, sha256)
    found = facts.get("metadata")
    metadata: dict[str, Any] = found if isinstance(found, dict) else {}
    if file.format == "labeller":
        ids = {str(item.attributes["source_id"]): item.id for item in objects if "source_id" in item.attributes}
        metadata = with_our_ids(metadata, ids)
    keeps = own or file.format == "labeller"
    return _Import(
        image_id=wish.image.id,
        author=author,
        format=file.format,
        objects=tuple(objects),
        completed_tasks=_resolved_tasks(_tasks(file.collection) if keeps else (), wish.finished, own),
        replaces=own,
        warnings=tuple(warnings),
        metadata=metadata if keeps else {},
    )


def _resolved_tasks(tasks: tuple[str, ...], finished: bool | None, own: bool) -> tuple[str, ...]:
    """Return the marks of a file as the caller wishes them."""
    if finished is None:
        return tasks
    others = () if own else tuple(task for task in tasks if task != FINISHED)
    return (*others, FINISHED) if finished else others


def _feature_objects(wish: _Wish, file: ForeignFile, author: str, sha256: str) -> tuple[list[AnnotationObject], list[str]]:
    collection, image = file.collection, wish.image
    warnings = [f"{text}; it was left out" for text in collection.left_out]
    drawn_on = collection.labkit.get("image")
    if isinstance(drawn_on, str) and drawn_on != image.id:
        warnings.append(f"the file was made for the image {drawn_on}, not for {image.id}")
    warnings += collection.labkit.get("remarks", ()) if file.format != "geojson" else ()
    areas = {k for k, feature in enumerate(collection.features) if feature.labkit.get("kind") == "area"}
    names = [None if k in areas else feature.class_name or wish.class_name for k, feature in enumerate(collection.features)]
    # Everything that may be refused is made first, so that a broken file adds no class.
    objects = [_object_of(feature, k, file, image, author, sha256) for k, feature in enumerate(collection.features, 1)]
    with _naming(file.name):
        classes = {item.name: item.id for item in with_classes(wish.project, names).classes}
    classified = [item if name is None else replace(item, class_id=classes[name]) for item, name in zip(objects, names, strict=True)]
    return classified, [*warnings, *_class_warnings(classified), *object_warnings(classified, image)]


def _object_of(feature: Feature, number: int, file: ForeignFile, image: ImageRecord, author: str, sha256: str) -> AnnotationObject:
    namespace, source = f"{image.id}/{_space(feature, file.format, sha256)}", f"import:{file.format}"
    with _naming(f"{file.name}: object {number}"):
        return object_from_feature(feature, foreign=True, namespace=namespace, number=number, author=author, source=source)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Put the place in the file before what is wrong with it."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error.message}", hint=error.hint, **error.facts) from error


def _space(feature: Feature, format_: str, sha256: str) -> str:
    """Return below what the id of an object is derived: its file, unless its id is the same in every file."""
    return "labeller" if format_ == "labeller" and is_lasting_id(feature.id) else sha256


def _class_warnings(objects: Sequence[AnnotationObject]) -> list[str]:
    count = sum(item.class_id is None and item.kind != "area" for item in objects)
    numbers = sorted(
        {item.attributes["yolo_class"] for item in objects if item.source == "import:yolo" and "yolo_class" in item.attributes}
    )
    return [
        *([f"{count} objects have no class"] if count else []),
        *([f"the classes {', '.join(map(str, numbers))} of the file all became one"] if len(numbers) > 1 else []),
    ]


# Saving


def _save(project: Project, what: _Import) -> AnnotationImport:
    """Merge into the document as it is now, as one step that can be undone."""
    counts = {"added": 0, "updated": 0}

    def edit_for(document: Document) -> Edit:
        known = {item.id: item for item in document.objects}
        brought = {item.id: item for item in what.objects}
        fresh = [item for item in brought.values() if item.id not in known]
        changed = [item for item in brought.values() if what.replaces and item.id in known and item != known[item.id]]
        counts.update(added=len(fresh), updated=len(changed))
        after = document.with_objects([*changed, *fresh])
        for task in what.completed_tasks:
            after = after.with_task(task)
        return edit_between(document, after)

    _save_metadata(project, what)
    editor = Editor(project, what.image_id, what.author)
    try:
        editor.change(edit_for)
    finally:
        editor.close()
    return _report(what, editor.document, **counts)


def _save_metadata(project: Project, what: _Import) -> None:
    """Keep what a file says of the whole. No edit holds that: it comes before the objects, whose import can be undone for itself."""

    def merged(document: Document) -> Document:
        ours = document.metadata
        return replace(document, metadata={**ours, **what.metadata} if what.replaces else merge_metadata(ours, what.metadata))

    stored = open_document(project, what.image_id, what.author)
    if merged(stored) != stored:
        change_document(project, what.image_id, what.author, merged)


def _report(what: _Import, saved: Document, added: int, updated: int) -> AnnotationImport:
    return AnnotationImport(
        image_id=what.image_id,
        author=what.author,
        format=what.format,
        added=added,
        updated=updated,
        skipped=len(what.objects) - added - updated,
        objects=len(saved.objects),
        finished=saved.finished,
        revision=saved.revision,
        warnings=what.warnings,
    )
