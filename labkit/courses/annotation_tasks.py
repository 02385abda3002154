"""Annotation assignments: a student's document out of a project, its comparison with a hidden one, and comments back onto it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from labkit.annotations.document import Document
from labkit.annotations.records import document_bytes
from labkit.annotations.review import Review, add_comment, change_state, load_review
from labkit.annotations.store import document_author, open_document
from labkit.courses.annotation_findings import place_of
from labkit.courses.annotation_scores import score_annotation, score_files
from labkit.courses.records import AnnotationTask, PinnedComment
from labkit.errors import InvalidInput, NotFound
from labkit.formats.geojson import Collection, read_geojson, write_geojson
from labkit.project import ImageRecord, Project
from labkit.storage import write_bytes

__all__ = [
    "GRADER",
    "comments_of",
    "export_document",
    "image_of",
    "return_document",
    "score_annotation",
    "score_files",
    "submitted_document",
]

GRADER = "grading"
"""Who says what the comparison with the hidden document found."""


def image_of(project: Project, task: AnnotationTask) -> ImageRecord:
    """Return the image of a project that a task is about: by its name, or by that of its picture file.

    Raises
    ------
    NotFound
        The project has none, or several.
    """
    wanted = {task.image, task.image.rsplit("/", 1)[-1]}
    found = [image for image in project.images() if image.name in wanted or image.id == task.image]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"{len(found)} images of the project are called {task.image}.", hint="Leave one of them.")
    names = ", ".join(image.name for image in project.images()[:5]) or "none"
    raise NotFound(f"The project has no image {task.image}.", hint=f"Import the picture into it; its images: {names}.")


def submitted_document(project: Project, image: ImageRecord, author: str | None = None) -> bytes:
    """Return an author's document as it is handed in: accepted objects, with who drew them, and the review with its comments.

    Raises
    ------
    NotFound
        The author has none.
    """
    name = document_author(project, image, author)
    document = open_document(project, image.id, name)
    accepted = [item for item in document.objects if item.status == "accepted"]
    data = document_bytes(Document(image.id, name, document.revision, document.completed_tasks, tuple(accepted)), project.classes)
    review = load_review(project, image.id, name)
    collection = read_geojson(data)
    return write_geojson(Collection(collection.features, {**collection.labkit, "review": review.model_dump(mode="json")}))


def export_document(project: Project, task: AnnotationTask, folder: Path, author: str | None = None) -> Path:
    """Write the document of a task to where a submission in `folder` holds it, and return the file.

    Raises
    ------
    NotFound
        The project lacks the image, or the author's annotations of it.
    """
    path = folder / task.path
    data = submitted_document(project, image_of(project, task), author)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)
    return path


def return_document(
    project: Project, image: ImageRecord, comments: Iterable[PinnedComment], *, author: str | None = None, by: str = GRADER
) -> Review:
    """Pin comments to a document and give it back to its author: they stand in the annotator's review, each at its place.

    Returning twice pins nothing twice.

    Parameters
    ----------
    project, image
        Of the student, or a copy that staff have.
    comments : iterable of PinnedComment
        What grading found, or what staff say; those that do not say by whom are `by`'s.
    author : str, optional
        Whose document; by default yours, or the only one.

    Returns
    -------
    Review
        With all comments; the state is ``returned``, unless it was accepted already.

    Raises
    ------
    NotFound
        The author has no document of this image.
    """
    name = document_author(project, image, author)
    known = {(comment.text, comment.y, comment.x, comment.author) for comment in load_review(project, image.id, name).comments}
    for comment in comments:
        who = comment.by or by
        text = comment.text.strip()
        place = None if comment.y is None or comment.x is None else (comment.y, comment.x)
        if not text or (text, *(place or (None, None)), who) in known:
            continue
        add_comment(project, image.id, name, text, by=who, place=place)
        known.add((text, *(place or (None, None)), who))
    return _returned(project, image, name, by)


def _returned(project: Project, image: ImageRecord, author: str, by: str) -> Review:
    review = load_review(project, image.id, author)
    if review.state == "to-annotate":
        review = change_state(project, image.id, author, "in-review", by=by)
    return change_state(project, image.id, author, "returned", by=by) if review.state == "in-review" else review


def comments_of(project: Project, image: ImageRecord, author: str, *, by: str | None = None) -> tuple[PinnedComment, ...]:
    """Return the open comments on a document, or those of one person, as they are sent back to its author.

    A comment on an object is pinned to where that object is.

    Raises
    ------
    InvalidInput
        A comment is on an object that has gone.
    """
    document = open_document(project, image.id, author)
    found = []
    for comment in load_review(project, image.id, author).open_comments:
        if by is not None and comment.author != by:
            continue
        y, x = comment.y, comment.x
        if comment.object_id is not None:
            y, x = _place_of(document, comment.object_id)
        found.append(PinnedComment(text=comment.text, y=y, x=x, by=comment.author))
    return tuple(found)


def _place_of(document: Document, object_id: str) -> tuple[float, float]:
    try:
        return place_of(document.object_named(object_id).shape)
    except NotFound as error:
        raise InvalidInput("A comment is on an object that has gone.", hint="Pin it to a place, or resolve it.") from error
