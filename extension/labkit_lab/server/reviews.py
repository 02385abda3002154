"""Routes of the review of a document, and of who annotates which image."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.annotations import (
    Claim,
    Review,
    add_comment,
    change_state,
    claim,
    claim_next_image,
    current_claim,
    load_review,
    release,
    resolve_author,
    resolve_comment,
)
from labkit.annotations.review import TRANSITIONS, Comment
from labkit.config import projects_dir
from labkit.errors import Locked
from labkit.project import Project
from labkit_lab.server.projects import check_image, project_of_id
from labkit_lab.server.route import Route
from labkit_lab.wire_reviews import AuthorQuery, ClaimItem, CommentItem, NewComment, NewState, NextImage, ReviewItem, TimeItem

__all__ = ["ClaimRoute", "CommentsRoute", "NextRoute", "ResolvedRoute", "ReviewRoute", "StateRoute", "claim_item"]


class ReviewRoute(Route):
    """The review of one author's document."""

    @web.authenticated
    @authorized
    async def get(self, project_id: str, image_id: str) -> None:
        """Answer with it."""
        asked = self.parsed_query(AuthorQuery)
        self.reply(await asyncio.to_thread(_review, projects_dir(), project_id, image_id, resolve_author(asked.author)))


class StateRoute(Route):
    """The state of a document."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, image_id: str) -> None:
        """Bring it into another state, and answer with the review."""
        asked = self.parsed_body(NewState)
        self.reply(await asyncio.to_thread(_change_state, projects_dir(), project_id, image_id, asked))


class CommentsRoute(Route):
    """Comments on a document."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, image_id: str) -> None:
        """Add one, and answer with the review."""
        asked = self.parsed_body(NewComment)
        self.reply(await asyncio.to_thread(_comment, projects_dir(), project_id, image_id, asked), HTTPStatus.CREATED)


class ResolvedRoute(Route):
    """Whether a comment is done with."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, image_id: str, comment_id: str) -> None:
        """Say that it is, and answer with the review."""
        author = resolve_author(self.parsed_query(AuthorQuery).author)
        self.reply(await asyncio.to_thread(_resolve, projects_dir(), project_id, image_id, author, comment_id))


class ClaimRoute(Route):
    """Who annotates an image."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str, image_id: str) -> None:
        """Claim it for you, or claim it longer, unless somebody else has it; answer with the review of your document."""
        self.reply(await asyncio.to_thread(_claim, projects_dir(), project_id, image_id))

    @web.authenticated
    @authorized
    async def delete(self, project_id: str, image_id: str) -> None:
        """Give your claim back; answer with the review of your document."""
        self.reply(await asyncio.to_thread(_release, projects_dir(), project_id, image_id))


class NextRoute(Route):
    """The next image that nobody is at work on."""

    @web.authenticated
    @authorized
    async def post(self, project_id: str) -> None:
        """Claim it, and answer which it is."""
        self.reply(await asyncio.to_thread(_next_image, projects_dir(), project_id))


def claim_item(held: Claim | None) -> ClaimItem | None:
    """Return a claim as the browser gets it."""
    return None if held is None else ClaimItem(author=held.author, until=held.until)


def _review(folder: Path, project_id: str, image_id: str, author: str) -> ReviewItem:
    project = _project_with(folder, project_id, image_id)
    return _item(project, load_review(project, image_id, author))


def _change_state(folder: Path, project_id: str, image_id: str, asked: NewState) -> ReviewItem:
    project = _project_with(folder, project_id, image_id)
    return _item(project, change_state(project, image_id, asked.author, asked.state, by=resolve_author()))


def _comment(folder: Path, project_id: str, image_id: str, asked: NewComment) -> ReviewItem:
    project = _project_with(folder, project_id, image_id)
    place = None if asked.y is None or asked.x is None else (asked.y, asked.x)
    by = resolve_author()
    return _item(project, add_comment(project, image_id, asked.author, asked.text, by=by, place=place, object_id=asked.object_id))


def _resolve(folder: Path, project_id: str, image_id: str, author: str, comment_id: str) -> ReviewItem:
    project = _project_with(folder, project_id, image_id)
    return _item(project, resolve_comment(project, image_id, author, comment_id, by=resolve_author()))


def _claim(folder: Path, project_id: str, image_id: str) -> ReviewItem:
    project, me = _project_with(folder, project_id, image_id), resolve_author()
    with suppress(Locked):  # the review says who has it: a claim keeps nobody from saving
        claim(project, image_id, me)
    return _item(project, load_review(project, image_id, me))


def _release(folder: Path, project_id: str, image_id: str) -> ReviewItem:
    project, me = _project_with(folder, project_id, image_id), resolve_author()
    release(project, image_id, me)
    return _item(project, load_review(project, image_id, me))


def _next_image(folder: Path, project_id: str) -> NextImage:
    found = claim_next_image(project_of_id(folder, project_id), resolve_author())
    if found is None:
        return NextImage(image_id=None, image=None, claim=None)
    image, held = found
    return NextImage(image_id=image.id, image=image.name, claim=claim_item(held))


def _project_with(folder: Path, project_id: str, image_id: str) -> Project:
    project = project_of_id(folder, project_id)
    check_image(project, image_id)
    return project


def _item(project: Project, review: Review) -> ReviewItem:
    return ReviewItem(
        image_id=review.image_id,
        image=project.image(review.image_id).name,
        author=review.author,
        me=resolve_author(),
        state=review.state,
        next=tuple(TRANSITIONS[review.state]),
        comments=tuple(_comment_item(comment) for comment in review.comments),
        time_spent=tuple(TimeItem(author=item.author, seconds=item.seconds) for item in review.time_spent),
        claim=claim_item(current_claim(project, review.image_id)),
    )


def _comment_item(comment: Comment) -> CommentItem:
    return CommentItem(**comment.model_dump(include=set(CommentItem.model_fields)))
