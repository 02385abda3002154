"""The route by which annotations go out: a file for each image, zipped where there are several."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import ExportFormat, authors, export_annotations, open_document
from labkit.config import projects_dir
from labkit.errors import LabKitError, NotFound
from labkit.events import Event, Log
from labkit.project import ImageRecord, Project
from labkit.storage import explain_os_errors, plain_file_name
from labkit_lab.server.jobs import Job, QueueingRoute
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.quality import chosen_images
from labkit_lab.wire_exchange import ExportAsk, ExportReport
from labkit_lab.wire_quality import ProblemItem

__all__ = ["ExportsRoute"]

_ENDINGS: Mapping[ExportFormat, str] = {
    "geojson": ".geojson",
    "labels": ".png",
    "mask": ".png",
    "labeller": "__labels.json",
    "coco": ".json",
    "yolo": ".txt",
    "yolo-seg": ".txt",
    "voc": ".xml",
    "ome-zarr": ".zarr",
}
_MOST_NUMBERS_OF_PNG = 65_535
_MOST_PIXELS_OF_PNG = 8192 * 8192  # a PNG is made in memory as a whole, a TIFF tile by tile
_SHOWN_LOSSES = 200
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # in a zip: the same annotations give the same bytes


class ExportsRoute(QueueingRoute):
    """Annotations as files of a format."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to write them; the file is fetched from the job."""
        asked = self.parsed_body(ExportAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"exported": _export(project, asked, job)}).item(), HTTPStatus.ACCEPTED)


def _export(project: Project, asked: ExportAsk, job: Job) -> ExportReport:
    images = [image for image in chosen_images(project, asked.images) if asked.author in authors(project, image.id)]
    if not images:
        raise NotFound(f"{asked.author} has no annotations there.", hint="Choose another author, or annotate first.")
    folder = job.make_folder() / "files"
    folder.mkdir()
    losses: list[str] = []
    problems: list[ProblemItem] = []
    names = _stems(images)
    for number, image in enumerate(images):
        job.step(number, len(images))
        try:
            losses += _export_one(project, image, folder / names[image.id], asked, named=len(images) > 1)
        except LabKitError as error:
            problems.append(ProblemItem(what=image.name, message=f"{error.message} {error.hint}".strip()))
    return _report(job, folder, f"{plain_file_name(project.title)} {asked.format}", losses, problems)


def _export_one(project: Project, image: ImageRecord, stem: Path, asked: ExportAsk, *, named: bool) -> list[str]:
    """Write the file of one image, and return what it cannot hold; with the image's name where there are several."""
    losses: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Log) and event.level != "info":
            losses.append(f"{image.name}: {event.text}" if named else event.text)

    path = stem.with_name(stem.name + _ending(project, image, asked))
    export_annotations(project, image, path, author=asked.author, format=asked.format, on_event=note)
    return losses


def _ending(project: Project, image: ImageRecord, asked: ExportAsk) -> str:
    """Return the ending of a file: a label image that a PNG cannot hold, or that is too large for one, is a TIFF."""
    ending = _ENDINGS[asked.format]
    if ending != ".png":
        return ending
    too_large = image.height_px * image.width_px > _MOST_PIXELS_OF_PNG
    too_many = asked.format == "labels" and len(open_document(project, image.id, asked.author).objects) > _MOST_NUMBERS_OF_PNG
    return ".tif" if too_large or too_many else ending


def _stems(images: Sequence[ImageRecord]) -> dict[str, str]:
    """Return a name without ending for each image; of images with one name, all but the first carry their ids."""
    taken: set[str] = set()
    stems = {}
    for image in images:
        stem = plain_file_name(Path(image.name).stem)
        stem = f"{stem} {image.id}" if stem.casefold() in taken else stem
        taken.add(stem.casefold())
        stems[image.id] = stem
    return stems


def _report(job: Job, folder: Path, title: str, losses: Sequence[str], problems: Sequence[ProblemItem]) -> ExportReport:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise NotFound(problems[0].message if problems else "Nothing was written.", hint="Choose another format, or other images.")
    out = job.make_folder() / "out"
    out.mkdir()
    target = out / (files[0].name if len(files) == 1 else f"{title}.zip")
    with explain_os_errors(target):
        if len(files) == 1:
            files[0].rename(target)
        else:
            _zip(files, folder, target)
    return ExportReport(
        name=target.name,
        bytes=target.stat().st_size,
        files=len(files),
        losses=tuple(losses[:_SHOWN_LOSSES]),
        losses_total=len(losses),
        problems=tuple(problems),
    )


def _zip(files: Sequence[Path], folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _LONG_AGO)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            with path.open("rb") as source, bundle.open(entry, "w", force_zip64=True) as sink:
                while piece := source.read(1 << 20):
                    sink.write(piece)
