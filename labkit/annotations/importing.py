"""Annotations from files: label images and GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.annotations.document import FINISHED, Document
from labkit.annotations.objects import AnnotationObject
from labkit.annotations.records import derived_id, object_from_feature
from labkit.annotations.store import open_document, resolve_author, save_document
from labkit.annotations.validation import object_warnings
from labkit.errors import Conflict, InvalidInput, NotFound, UnsupportedFormat
from labkit.events import EventSink, Log, Progress, ignore_events
from labkit.formats.geojson import Collection, read_geojson
from labkit.formats.labels import LabelFile, orient_labels, probe_labels, read_labels
from labkit.geometry import vectorise
from labkit.project import ImageRecord, Project
from labkit.storage import Record, explain_os_errors, file_sha256

__all__ = ["AnnotationImport", "import_annotations"]

_ATTEMPTS = 5


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
        A label image (PNG, TIFF, ``.npy``), each id an object; or GeoJSON as QuPath and LabKit write it.
    author : str, optional
        Whose document. By default the one that a LabKit file names, else as in `resolve_author`.
    class_name : str, optional
        Class of the objects that come without one. A label image needs it unless the project has exactly one class.
    finished : bool, optional
        Whether pixels without an object are background. By default True for a label image; GeoJSON keeps its own marks.
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
    source = _sniff(path)
    if isinstance(source, LabelFile):
        author = resolve_author(author)
        objects, warnings = _label_objects(project, image, source, class_name, author)
        tasks: tuple[str, ...] = () if finished is False else (FINISHED,)
        what = _Import(image.id, author, source.kind, tuple(objects), tasks, False, tuple(warnings))
    else:
        own = source.labkit.get("format") == 1
        author = resolve_author(author or _named_author(source))
        namespace = f"{image.id}/{file_sha256(path)}"
        objects, warnings = _feature_objects(project, image, source, class_name, author, namespace)
        tasks = _tasks(source) if own and finished is None else (FINISHED,) if finished else ()
        what = _Import(image.id, author, "geojson", tuple(objects), tasks, own, tuple(warnings))
    for text in what.warnings:
        on_event(Log(text, "warning"))
    report = _save(project, what)
    on_event(Progress(len(what.objects), len(what.objects), "objects", "import"))
    return report


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


def _sniff(path: Path) -> LabelFile | Collection:
    with explain_os_errors(path):
        if not path.is_file():
            raise NotFound(f"{path} is no file.", hint="Check the path.", path=str(path))
        with open(path, "rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start in (b"{", b"["):
            return read_geojson(path.read_bytes(), name=path.name)
    try:
        return probe_labels(path)
    except UnsupportedFormat as error:
        raise UnsupportedFormat(
            error.message.replace("label image", "label image and no GeoJSON"), hint=error.hint, path=str(path)
        ) from error


def _named_author(collection: Collection) -> str | None:
    author = collection.labkit.get("author")
    return author if isinstance(author, str) and author.strip() else None


def _tasks(collection: Collection) -> tuple[str, ...]:
    tasks = collection.labkit.get("completed_tasks")
    return tuple(task for task in tasks if isinstance(task, str)) if isinstance(tasks, list) else ()


# Label images


def _label_objects(
    project: Project, image: ImageRecord, file: LabelFile, class_name: str | None, author: str
) -> tuple[list[AnnotationObject], list[str]]:
    turned = _needed_turn(image, file)
    labels = read_labels(file)
    warnings = []
    if turned > 1:
        labels = orient_labels(labels, turned)
        warnings.append(f"{file.path.name} lies on its side; it was turned as the image was (orientation {turned}).")
    if labels.size and int(labels.min()) < 0:
        raise InvalidInput(f"{file.path.name} holds negative ids.", hint="Use 0 for background and positive ids.", path=str(file.path))
    class_id = _class_of_labels(project, class_name)
    namespace = f"{image.id}/{file_sha256(file.path)}"
    objects = [
        AnnotationObject(
            id=derived_id(namespace, str(number)),
            kind="polygon",
            shape=region,
            class_id=class_id,
            source=f"import:{file.kind}",
            author=author,
            attributes={"source_id": number},
        )
        for number, region in vectorise(labels).items()
    ]
    return objects, warnings


def _needed_turn(image: ImageRecord, file: LabelFile) -> int:
    """Return the orientation to apply so that the labels lie on the image; 1 is as they are."""
    shape = (image.height_px, image.width_px)
    if file.shape == shape:
        return 1
    facts = f"{file.path.name} is {file.shape[0]} x {file.shape[1]} pixels (height x width), the image {shape[0]} x {shape[1]}"
    if file.shape != shape[::-1]:
        raise InvalidInput(f"{facts}.", hint="Give the label image of this very picture.", labels=file.shape, image=shape)
    turn = image.source.get("orientation")
    if file.orientation == 1 and isinstance(turn, int) and 5 <= turn <= 8:  # labels of the picture as stored, before it was turned
        return turn
    raise InvalidInput(
        f"{facts}: height and width are swapped.", hint="Turn the label image by 90 degrees.", labels=file.shape, image=shape
    )


def _class_of_labels(project: Project, class_name: str | None) -> int:
    classes = Project.open(project.path).classes
    if class_name is None:
        if len(classes) == 1:
            return classes[0].id
        known = ", ".join(item.name for item in classes) or "none yet"
        raise InvalidInput("A label image does not say of what class its objects are.", hint=f"Name one (--class NAME). Known: {known}.")
    return project.add_classes([class_name]).class_named(class_name).id


# GeoJSON


def _feature_objects(
    project: Project, image: ImageRecord, collection: Collection, class_name: str | None, author: str, namespace: str
) -> tuple[list[AnnotationObject], list[str]]:
    warnings = [f"{text}; it was left out" for text in collection.left_out]
    drawn_on = collection.labkit.get("image")
    if isinstance(drawn_on, str) and drawn_on != image.id:
        warnings.append(f"the file was made for the image {drawn_on}, not for {image.id}")
    areas = {k for k, feature in enumerate(collection.features) if feature.labkit.get("kind") == "area"}
    names = [None if k in areas else feature.class_name or class_name for k, feature in enumerate(collection.features)]
    # Everything that may be refused is made first, so that a broken file adds no class.
    objects = [
        object_from_feature(feature, foreign=True, namespace=namespace, number=k, author=author)
        for k, feature in enumerate(collection.features, 1)
    ]
    classes = {item.name: item.id for item in _with_classes(project, names).classes}
    classified = [item if name is None else replace(item, class_id=classes[name]) for item, name in zip(objects, names, strict=True)]
    return classified, [*warnings, *_without_class(classified), *object_warnings(classified, image)]


def _with_classes(project: Project, names: Sequence[str | None]) -> Project:
    wanted = [name for name in dict.fromkeys(names) if name is not None]
    return project.add_classes(wanted) if wanted else project


def _without_class(objects: Sequence[AnnotationObject]) -> list[str]:
    count = sum(item.class_id is None and item.kind != "area" for item in objects)
    return [f"{count} objects have no class"] if count else []


# Saving


def _save(project: Project, what: _Import) -> AnnotationImport:
    """Merge into the document as it is now; when somebody saves in between, merge again."""
    attempt = 1
    while True:
        document = open_document(project, what.image_id, what.author)
        known = {item.id: item for item in document.objects}
        brought = {item.id: item for item in what.objects}
        fresh = [item for item in brought.values() if item.id not in known]
        changed = [item for item in brought.values() if what.replaces and item.id in known and item != known[item.id]]
        merged = document.with_objects([*changed, *fresh])
        for task in what.completed_tasks:
            merged = merged.with_task(task)
        try:
            saved = document if merged == document and document.revision else save_document(project, merged)
        except Conflict:
            if attempt == _ATTEMPTS:
                raise
            attempt += 1
            continue
        return _report(what, saved, len(fresh), len(changed))


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
