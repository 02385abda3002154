"""Annotation assignments: a student's document out of a project, its comparison with a hidden one, and comments back onto it."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.annotations.document import Document
from labkit.annotations.review import Review, add_comment, change_state, load_review
from labkit.annotations.store import document_author, open_document
from labkit.courses.annotation_documents import export_document, image_of, submitted_document
from labkit.courses.annotation_findings import place_of
from labkit.courses.annotation_scores import score_annotation, score_files
from labkit.courses.records import PinnedComment
from labkit.errors import InvalidInput, NotFound
from labkit.project import ImageRecord, Project

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
