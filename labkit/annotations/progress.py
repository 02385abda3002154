"""How far the annotation of a project has come, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from labkit.annotations.consensus import CONSENSUS
from labkit.annotations.document import Document
from labkit.annotations.locking import Claim, current_claim
from labkit.annotations.review import REVIEW_STATES, Review, ReviewState, load_review
from labkit.annotations.store import authors, open_document
from labkit.errors import CorruptStore
from labkit.project import ClassRecord, ImageRecord, Project
from labkit.storage import Record, unescape_name

__all__ = ["ProgressRow", "ProgressTotals", "ProjectProgress", "author_progress", "project_progress"]


class ProgressRow(Record):
    """How far one author has come in one image; without anybody at work, an image has one row of no author.

    ``objects`` counts accepted objects with a class, by the class's name, 0 included; ``unclassified`` those without; ``areas`` are
    annotated areas. ``seconds`` is the time of all who worked on the document, ``changed`` when it or its review was written last
    (UTC), ``claimed_until`` set while the author holds the image. ``problem`` says what of it cannot be read.
    """

    image_id: str
    image: str
    author: str | None
    state: ReviewState = "to-annotate"
    completed_tasks: tuple[str, ...] = ()
    finished: bool = False
    objects: dict[str, int] = {}
    unclassified: int = 0
    areas: int = 0
    seconds: float = 0.0
    changed: datetime | None = None
    claimed_until: datetime | None = None
    open_comments: int = 0
    problem: str | None = None


class ProgressTotals(Record):
    """Sums over the rows of people: a consensus repeats what they did, so that it is left out.

    ``images`` counts those of the project, ``annotated_images`` those that somebody has a document or a review of; ``states`` how
    many of these are in which state.
    """

    images: int
    annotated_images: int
    documents: int
    finished: int
    states: dict[str, int]
    objects: dict[str, int]
    unclassified: int
    areas: int
    seconds: float
    claimed: int
    open_comments: int
    problems: int


class ProjectProgress(Record):
    """Rows in the order of the project's images, then of the authors' names."""

    format: Literal[1] = 1
    project_id: str
    title: str
    rows: tuple[ProgressRow, ...]
    totals: ProgressTotals


def project_progress(project: Project) -> ProjectProgress:
    """Return how far each author has come in each image of a project. A document that cannot be read is named, and the rest goes on."""
    images = [image for image in project.images() if image.role == "image"]
    rows = [row for image in images for row in _image_rows(project, image)]
    return ProjectProgress(project_id=project.id, title=project.title, rows=tuple(rows), totals=_totals(rows, project.classes))


def author_progress(project: Project, image: ImageRecord, author: str) -> ProgressRow:
    """Return how far one author has come in one image; what cannot be read is named in ``problem``."""
    claim, problem = _claim_of(project, image)
    row = _row(project, image, author, claim)
    return row.model_copy(update={"problem": row.problem or problem}) if problem else row


def _image_rows(project: Project, image: ImageRecord) -> list[ProgressRow]:
    claim, problem = _claim_of(project, image)
    names = sorted({*authors(project, image.id), *_reviewed(project, image.id), *([claim.author] if claim else [])})
    rows = [_row(project, image, name, claim) for name in names] or [ProgressRow(image_id=image.id, image=image.name, author=None)]
    if problem:
        rows[0] = rows[0].model_copy(update={"problem": rows[0].problem or problem})
    return rows


def _claim_of(project: Project, image: ImageRecord) -> tuple[Claim | None, str | None]:
    try:
        return current_claim(project, image.id), None
    except CorruptStore as error:
        return None, error.message


def _reviewed(project: Project, image_id: str) -> list[str]:
    """Return who has a review of the image, with or without a document."""
    folder = project.layout.annotations / image_id
    names = {unescape_name(path.name) for path in folder.iterdir()} if folder.is_dir() else set()
    return [name for name in names if project.layout.annotation(image_id, name).review.is_file()]


def _row(project: Project, image: ImageRecord, author: str, claim: Claim | None) -> ProgressRow:
    document, review, problem = _read(project, image.id, author)
    own = [item for item in document.objects if item.status == "accepted"]
    plain = [item for item in own if item.kind != "area"]
    return ProgressRow(
        image_id=image.id,
        image=image.name,
        author=author,
        state=review.state,
        completed_tasks=document.completed_tasks,
        finished=document.finished,
        objects=_per_class([item.class_id for item in plain if item.class_id is not None], project.classes),
        unclassified=sum(item.class_id is None for item in plain),
        areas=len(own) - len(plain),
        seconds=review.seconds,
        changed=_changed(project, image.id, author),
        claimed_until=claim.until if claim is not None and claim.author == author else None,
        open_comments=len(review.open_comments),
        problem=problem,
    )


def _read(project: Project, image_id: str, author: str) -> tuple[Document, Review, str | None]:
    """Return document and review; where one cannot be read, an empty one and why."""
    document, review = Document(image_id, author), Review(image_id=image_id, author=author)
    problems = []
    try:
        document = open_document(project, image_id, author)
    except CorruptStore as error:
        problems.append(error.message)
    try:
        review = load_review(project, image_id, author)
    except CorruptStore as error:
        problems.append(error.message)
    return document, review, " ".join(problems) or None


def _per_class(class_ids: Sequence[int], classes: Sequence[ClassRecord]) -> dict[str, int]:
    counts = Counter(class_ids)
    names = {item.id: item.name for item in classes}
    unknown = sorted(counts.keys() - names.keys())
    return {name: counts[number] for number, name in names.items()} | {f"class {number}": counts[number] for number in unknown}


def _changed(project: Project, image_id: str, author: str) -> datetime | None:
    layout = project.layout.annotation(image_id, author)
    times = [path.stat().st_mtime for path in (layout.snapshot, layout.journal, layout.review) if path.is_file()]
    return datetime.fromtimestamp(round(max(times), 3), UTC) if times else None


def _totals(rows: Sequence[ProgressRow], classes: Sequence[ClassRecord]) -> ProgressTotals:
    people = [row for row in rows if row.author is not None and row.author != CONSENSUS]
    worked = [row for row in people if row.changed is not None]  # a claim alone is no document
    states = Counter(row.state for row in worked)
    return ProgressTotals(
        images=len({row.image_id for row in rows}),
        annotated_images=len({row.image_id for row in worked}),
        documents=len(worked),
        finished=sum(row.finished for row in worked),
        states={state: states[state] for state in REVIEW_STATES},
        objects=_sum_objects(worked, [item.name for item in classes]),
        unclassified=sum(row.unclassified for row in worked),
        areas=sum(row.areas for row in worked),
        seconds=round(sum(row.seconds for row in worked), 3),
        claimed=sum(row.claimed_until is not None for row in people),
        open_comments=sum(row.open_comments for row in worked),
        problems=sum(row.problem is not None for row in rows),
    )


def _sum_objects(rows: Iterable[ProgressRow], names: Iterable[str]) -> dict[str, int]:
    total = dict.fromkeys(names, 0)
    for row in rows:
        for name, count in row.objects.items():
            total[name] = total.get(name, 0) + count
    return total
