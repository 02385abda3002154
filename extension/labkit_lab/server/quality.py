"""Routes of progress, validation, agreement and consensus of a whole project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import (
    CONSENSUS,
    Agreement,
    AnnotationObject,
    Document,
    ProjectProgress,
    authors,
    build_consensus,
    compare_documents,
    compare_with_gold,
    open_document,
    pool_agreements,
    project_progress,
    resolve_author,
    validation_report,
)
from labkit.config import projects_dir
from labkit.errors import InvalidInput, LabKitError, NotFound
from labkit.geometry import bounds
from labkit.project import ImageRecord, Project
from labkit_lab.homes import path_in_home
from labkit_lab.server.jobs import Job, QueueingRoute
from labkit_lab.server.projects import project_of_id
from labkit_lab.server.route import Route
from labkit_lab.wire_quality import (
    AgreementAsk,
    AgreementClass,
    AgreementImage,
    AgreementReport,
    ConsensusAsk,
    ConsensusItem,
    ConsensusReport,
    FaultItem,
    GoldAsk,
    ProblemItem,
    ValidationAsk,
    ValidationReport,
)
from labkit_lab.wire_reviews import ProgressItem, ProgressList, ProgressSums

__all__ = ["AgreementRoute", "ConsensusRoute", "GoldRoute", "ProgressRoute", "ValidationRoute", "chosen_images"]


class ProgressRoute(Route):
    """How far everybody has come."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str) -> None:
        """Answer with the table."""
        self.reply(await asyncio.to_thread(_progress, projects_dir(), project_id))


class ValidationRoute(QueueingRoute):
    """What looks wrong in documents."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to look."""
        asked = self.parsed_body(ValidationAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"validation": _validate(project, asked, job)}).item(), HTTPStatus.ACCEPTED)


class AgreementRoute(QueueingRoute):
    """How far two authors agree."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to compare."""
        asked = self.parsed_body(AgreementAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"agreement": _compare(project, asked, job)}).item(), HTTPStatus.ACCEPTED)


class GoldRoute(QueueingRoute):
    """How far an author agrees with a file."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to compare."""
        asked = self.parsed_body(GoldAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"agreement": _compare_with_gold(project, asked)}).item(), HTTPStatus.ACCEPTED)


class ConsensusRoute(QueueingRoute):
    """What most authors agree on, as documents."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Begin to make them."""
        asked = self.parsed_body(ConsensusAsk)
        project = await asyncio.to_thread(project_of_id, projects_dir(), project_id)
        self.reply(self.jobs.start(lambda job: {"consensus": _build_consensus(project, asked, job)}).item(), HTTPStatus.ACCEPTED)


def chosen_images(project: Project, ids: Sequence[str]) -> list[ImageRecord]:
    """Return the images of these ids, or all of the project; label images are none.

    Raises
    ------
    NotFound
        There is no such image.
    """
    images = [image for image in project.images() if image.role == "image"]
    unknown = set(ids) - {image.id for image in images}
    if unknown:
        raise NotFound("The project has no such image.", hint="Refresh the list of projects.", image_id=min(unknown))
    return [image for image in images if image.id in ids or not ids]


def _progress(folder: Path, project_id: str) -> ProgressList:
    project = project_of_id(folder, project_id)
    found: ProjectProgress = project_progress(project)
    return ProgressList(
        title=found.title,
        me=resolve_author(),
        classes=tuple(item.name for item in project.classes),
        rows=tuple(ProgressItem(**row.model_dump(include=set(ProgressItem.model_fields))) for row in found.rows),
        totals=ProgressSums(**found.totals.model_dump()),
    )


def _validate(project: Project, asked: ValidationAsk, job: Job) -> ValidationReport:
    faults: list[FaultItem] = []
    problems: list[ProblemItem] = []
    pairs = [(image, name) for image in chosen_images(project, asked.images) for name in _authors_of(project, image, asked.authors)]
    for number, (image, name) in enumerate(pairs):
        job.step(number, len(pairs))
        try:
            document = open_document(project, image.id, name)
        except LabKitError as error:
            problems.append(_problem(image, name, error))
            continue
        known = {item.id: item for item in document.objects}
        for fault in validation_report(document, image):
            y, x = _middle(known.get(fault.object_id))
            faults.append(FaultItem(**fault.model_dump(), image_id=image.id, image=image.name, author=name, y=y, x=x))
    return ValidationReport(documents=len(pairs) - len(problems), faults=tuple(faults), problems=tuple(problems))


def _authors_of(project: Project, image: ImageRecord, wanted: Sequence[str]) -> list[str]:
    return [name for name in authors(project, image.id) if name in wanted or not wanted]


def _middle(item: AnnotationObject | None) -> tuple[float, float] | tuple[None, None]:
    if item is None:
        return None, None
    y0, x0, y1, x1 = bounds(item.shape)
    return (y0 + y1) / 2, (x0 + x1) / 2


def _problem(image: ImageRecord, author: str | None, error: LabKitError) -> ProblemItem:
    return ProblemItem(what=image.name if author is None else f"{image.name}, {author}", message=f"{error.message} {error.hint}".strip())


def _each_image(images: Sequence[ImageRecord], job: Job, work: Callable[[ImageRecord], Any]) -> Iterator[tuple[ImageRecord, Any]]:
    """Yield what `work` makes of each image, or the error that it raises: one image must not hold up the others."""
    for number, image in enumerate(images):
        job.step(number, len(images))
        try:
            yield image, work(image)
        except LabKitError as error:
            yield image, error


def _compare(project: Project, asked: AgreementAsk, job: Job) -> AgreementReport:
    if asked.first == asked.second:
        raise InvalidInput("These are the same author twice.", hint="Choose two different authors.")
    shared = [image for image in chosen_images(project, ()) if {asked.first, asked.second} <= set(authors(project, image.id))]
    if not shared:
        raise NotFound(
            f"{asked.first} and {asked.second} have no image in common.", hint="Choose two authors who annotated the same image."
        )

    def compared(image: ImageRecord) -> Agreement:
        first, second = (_document(project, image, name) for name in (asked.first, asked.second))
        return compare_documents(first, second, image, project.classes)

    found = list(_each_image(shared, job, compared))
    problems = tuple(_problem(image, None, one) for image, one in found if isinstance(one, LabKitError))
    good = [(image, one) for image, one in found if isinstance(one, Agreement)]
    return _agreement_report(asked.first, asked.second, good, problems)


def _document(project: Project, image: ImageRecord, author: str) -> Document:
    return open_document(project, image.id, author)


def _compare_with_gold(project: Project, asked: GoldAsk) -> AgreementReport:
    (image,) = chosen_images(project, (asked.image,))
    if asked.author not in authors(project, image.id):
        raise NotFound(f"{asked.author} has no annotations of {image.name}.", hint="Choose an author who has.")
    path = path_in_home(asked.path)
    document = _document(project, image, asked.author)
    found = compare_with_gold(document, path, image, project.classes, class_name=asked.class_name)
    return _agreement_report(asked.author, path.name, [(image, found)], ())


def _agreement_report(
    first: str, second: str, found: Sequence[tuple[ImageRecord, Agreement]], problems: tuple[ProblemItem, ...]
) -> AgreementReport:
    pooled = pool_agreements([one for _, one in found])
    images = tuple(
        AgreementImage(
            image_id=image.id,
            image=image.name,
            known_px=one.known_px,
            kappa=one.kappa,
            matched=one.objects.matched,
            missed=one.objects.missed,
            extra=one.objects.extra,
        )
        for image, one in found
    )
    classes = tuple(AgreementClass(**row.model_dump(include=set(AgreementClass.model_fields))) for row in pooled.classes)
    facts = pooled.model_dump(include=set(AgreementReport.model_fields) - {"images", "classes"})
    return AgreementReport(first=first, second=second, images=images, classes=classes, problems=problems, **facts)


def _build_consensus(project: Project, asked: ConsensusAsk, job: Job) -> ConsensusReport:
    images = [image for image in chosen_images(project, asked.images) if _has_enough(project, image, asked)]
    if not images:
        raise NotFound("There is no image that two people annotated.", hint="Choose other authors, or annotate an image twice.")

    def built(image: ImageRecord) -> ConsensusItem:
        names = [name for name in authors(project, image.id) if name in asked.authors] or asked.authors  # a name of nobody is refused
        made = build_consensus(project, image, names, share=asked.share)
        facts = made.model_dump(include=set(ConsensusItem.model_fields))
        return ConsensusItem(**facts, image=image.name)

    found = list(_each_image(images, job, built))
    return ConsensusReport(
        author=CONSENSUS,
        images=tuple(one for _, one in found if isinstance(one, ConsensusItem)),
        problems=tuple(_problem(image, None, one) for image, one in found if isinstance(one, LabKitError)),
    )


def _has_enough(project: Project, image: ImageRecord, asked: ConsensusAsk) -> bool:
    """Return whether two of the chosen people annotated an image; one that was named is tried anyway, and refused in words."""
    names = [name for name in _authors_of(project, image, asked.authors) if name != CONSENSUS]
    return len(names) >= 2 or image.id in asked.images
