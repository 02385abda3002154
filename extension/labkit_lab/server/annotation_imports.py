"""Routes by which files of annotations come into documents: what they are, then in with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import import_annotations, resolve_author
from labkit.annotations.sniffing import ForeignFile, sniff_annotations
from labkit.config import projects_dir
from labkit.errors import InvalidInput, LabKitError, NotFound
from labkit.formats.exchange import Picture
from labkit.formats.labels import LabelFile
from labkit.project import ImageRecord, Project
from labkit_lab.server.incoming import INCOMING_SETTING, IncomingShelf
from labkit_lab.server.jobs import Job, QueueingRoute
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.quality import chosen_images
from labkit_lab.wire_exchange import ImportAsk, ImportedFile, ImportReport, LookAsk, LookedFile, LookReport
from labkit_lab.wire_quality import ProblemItem

__all__ = ["AnnotationImportsRoute", "LooksRoute"]

ItemT = TypeVar("ItemT")
_BESIDE = {"classes.txt", "data.yaml"}  # the names of classes, beside files of YOLO
_SHOWN_WARNINGS = 100


class _ImportingRoute(QueueingRoute):
    @property
    def shelf(self) -> IncomingShelf:
        """The server's files on their way in."""
        shelf: IncomingShelf = self.settings[INCOMING_SETTING]
        return shelf


class LooksRoute(_ImportingRoute):
    """What files are."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to look."""
        asked = self.parsed_body(LookAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"looked": _look(project, self.shelf, asked, job)}).item(), HTTPStatus.ACCEPTED)


class AnnotationImportsRoute(_ImportingRoute):
    """Files that come in."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to take them in."""
        asked = self.parsed_body(ImportAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"imported": _import(project, self.shelf, asked, job)}).item(), HTTPStatus.ACCEPTED)


def _look(project: Project, shelf: IncomingShelf, asked: LookAsk, job: Job) -> LookReport:
    images = chosen_images(project, () if asked.image is None else (asked.image,))
    files, problems = _each_file(shelf.files(asked.incoming), images, job, lambda path, image: _looked(project, path, image))
    return LookReport(files=tuple(files), problems=tuple(problems))


def _import(project: Project, shelf: IncomingShelf, asked: ImportAsk, job: Job) -> ImportReport:
    images = chosen_images(project, () if asked.image is None else (asked.image,))
    files, problems = _each_file(shelf.files(asked.incoming), images, job, lambda path, image: _imported(project, path, image, asked))
    return ImportReport(files=tuple(files), problems=tuple(problems))


def _each_file(
    paths: Sequence[Path], images: Sequence[ImageRecord], job: Job, work: Callable[[Path, ImageRecord], ItemT]
) -> tuple[list[ItemT], list[ProblemItem]]:
    """Return what `work` makes of each file and its image, and what was wrong with the others."""
    found: list[ItemT] = []
    problems: list[ProblemItem] = []
    chosen = [path for path in paths if path.name.lower() not in _BESIDE]
    if not chosen:
        raise InvalidInput("There is no file of annotations among these.", hint="Choose a file that an annotation program has written.")
    for number, path in enumerate(chosen):
        job.step(number, len(chosen))
        try:
            found.append(work(path, _image_for(path, images)))
        except LabKitError as error:
            problems.append(ProblemItem(what=path.name, message=_without_folder(f"{error.message} {error.hint}".strip(), path)))
    return found, problems


def _without_folder(text: str, path: Path) -> str:
    """Return words about a file without the folder in which it waits, which says nothing to anybody."""
    return text.replace(f"{path.parent}/", "")


def _image_for(path: Path, images: Sequence[ImageRecord]) -> ImageRecord:
    """Return the image that a file is for: the only one, or the one of its name."""
    if len(images) == 1:
        return images[0]
    stem = path.stem.removesuffix("__labels").casefold()
    same = [image for image in images if Path(image.name).stem.casefold() == stem or stem.endswith(f" {image.id}")]
    if len(same) != 1:
        few = "No image has" if not same else "Several images have"
        raise NotFound(f"{few} this name.", hint="Import it from the image's own row.", path=path.name)
    return same[0]


def _looked(project: Project, path: Path, image: ImageRecord) -> LookedFile:
    picture = Picture(image.name, image.height_px, image.width_px, image.channels)
    source, nameless = _sniffed(path, picture)
    if isinstance(source, ForeignFile):
        features = source.collection.features
        needs_class = nameless or any(one.class_name is None and one.labkit.get("kind") != "area" for one in features)
        shifts = source.format == "labeller"
        return LookedFile(
            name=path.name, image=image.name, format=source.format, objects=len(features), needs_class=needs_class, may_shift=shifts
        )
    kind = source.kind if isinstance(source, LabelFile) else "ome-zarr"
    needs_class = isinstance(source, LabelFile) and len(project.classes) != 1
    return LookedFile(name=path.name, image=image.name, format=kind, objects=None, needs_class=needs_class, may_shift=False)


def _sniffed(path: Path, picture: Picture) -> tuple[Any, bool]:
    """Return what a file is, and whether it needs a class to be read: one of YOLO without names of its classes."""
    try:
        return sniff_annotations(path, picture, has_class=False, shift_auto=False), False
    except InvalidInput:
        return sniff_annotations(path, picture, has_class=True, shift_auto=False), True


def _imported(project: Project, path: Path, image: ImageRecord, asked: ImportAsk) -> ImportedFile:
    report = import_annotations(
        project,
        image,
        path,
        author=resolve_author(asked.author),
        class_name=asked.class_name,
        finished=asked.finished,
        shift_auto=asked.shift_auto,
    )
    facts = report.model_dump(include=set(ImportedFile.model_fields) - {"warnings"})
    warnings = report.warnings[:_SHOWN_WARNINGS]
    return ImportedFile(**facts, name=path.name, image=image.name, warnings=warnings, warnings_total=len(report.warnings))
