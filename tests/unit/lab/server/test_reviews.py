"""The routes of reviews, claims and progress."""

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.annotations import Document, add_comment, claim, current_claim, load_review, new_object, save_document
from labkit.geometry import Rectangle
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image
from labkit_lab.wire import ImageItem, ImageList
from labkit_lab.wire_reviews import NextImage, ProgressList, ReviewItem

from .conftest import Ask


@pytest.fixture(autouse=True)
def me(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells", classes=["cell"])


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    return import_image(project, write_png(tmp_path / "a.png", noise_picture(40, 50)))


def _save(project: Project, image: ImageRecord, author: str, *, finished: bool = False) -> None:
    objects = (new_object(Rectangle(2, 2, 9, 9), class_id=1),)
    save_document(project, Document(image.id, author, objects=objects, completed_tasks=("finished",) if finished else ()))


def _authors(item: ImageItem) -> list[str]:
    return [document.author for document in item.documents]


async def _review(ask: Ask, project: Project, image: ImageRecord, author: str) -> ReviewItem:
    response = await ask("projects", project.id, "images", image.id, "review", params={"author": author})
    return ReviewItem.model_validate_json(response.body)


async def _post(ask: Ask, project: Project, image: ImageRecord, *parts: str, **body: Any) -> Any:
    response = await ask("projects", project.id, "images", image.id, *parts, method="POST", body=json.dumps(body))
    return response.code, json.loads(response.body)


async def test_a_document_goes_to_review_and_back(ask: Ask, project: Project, image: ImageRecord) -> None:
    """The review says which states can follow; each step is in the history under who did it."""
    assert (await _review(ask, project, image, "Ada")).next == ("in-review",)
    assert (await _post(ask, project, image, "review", "state", author="Ada", state="in-review"))[0] == 200
    code, body = await _post(ask, project, image, "review", "state", author="Ada", state="accepted")
    assert (code, body["state"], body["me"]) == (200, "accepted", "Ada")
    assert [(step.state, step.by) for step in load_review(project, image.id, "Ada").history] == [("in-review", "Ada"), ("accepted", "Ada")]


async def test_who_may_not_is_told_so(ask: Ask, project: Project, image: ImageRecord) -> None:
    """An author cannot take back what was accepted; the refusal says who can."""
    for state in ("in-review", "accepted"):
        await _post(ask, project, image, "review", "state", author="Ada", state=state)
    code, body = await _post(ask, project, image, "review", "state", author="Ada", state="returned")
    assert (code, body["error"]["hint"]) == (409, "Ask a reviewer to return them.")
    assert (await _post(ask, project, image, "review", "state", author="Ada", state="nonsense"))[0] == 400


async def test_comments_are_pinned_and_resolved(ask: Ask, project: Project, image: ImageRecord) -> None:
    """On a place, on an object, on all; a resolved one says by whom."""
    for where in ({"y": 3.5, "x": 4.0}, {"object_id": "abc"}, {}):
        code, body = await _post(ask, project, image, "review", "comments", author="Bo", text="look", **where)
        assert code == 201
    first = body["comments"][0]
    assert (first["y"], first["x"], first["author"], body["comments"][1]["object_id"]) == (3.5, 4.0, "Ada", "abc")
    address = ("projects", project.id, "images", image.id, "review", "comments", first["id"], "resolved")
    found = ReviewItem.model_validate_json((await ask(*address, method="POST", body="{}", params={"author": "Bo"})).body)
    assert [comment.resolved_by for comment in found.comments] == ["Ada", None, None]
    assert (await ask(*address[:-2], "none", "resolved", method="POST", body="{}", params={"author": "Bo"})).code == 404


async def test_a_broken_review_is_named(ask: Ask, project: Project, image: ImageRecord) -> None:
    """In words; the list of images says it too, and lists the image all the same."""
    _save(project, image, "Ada")
    project.layout.annotation(image.id, "Ada").review.write_text("{")
    response = await ask("projects", project.id, "images", image.id, "review", params={"author": "Ada"})
    assert response.code == 500
    assert json.loads(response.body)["error"]["type"] == "CorruptStore"
    (item,) = ImageList.model_validate_json((await ask("projects", project.id, "images")).body).images
    assert (item.objects, item.problem is None, item.documents[0].problem is None) == (1, False, False)


async def test_claims_are_made_renewed_and_given_back(ask: Ask, project: Project, image: ImageRecord) -> None:
    """That of somebody else stays, and is told."""
    _, body = await _post(ask, project, image, "claim")
    assert body["claim"]["author"] == "Ada"
    await ask("projects", project.id, "images", image.id, "claim", method="DELETE")
    assert current_claim(project, image.id) is None
    claim(project, image.id, "Bo")
    assert (await _post(ask, project, image, "claim"))[1]["claim"]["author"] == "Bo"
    await ask("projects", project.id, "images", image.id, "claim", method="DELETE")
    assert current_claim(project, image.id) is not None


async def test_the_next_free_image_is_claimed(ask: Ask, project: Project, image: ImageRecord, tmp_path: Path) -> None:
    """One that somebody else holds is left out; without any the answer is empty."""
    second = import_image(project, write_png(tmp_path / "b.png", noise_picture(20, 30)))
    claim(project, image.id, "Bo")
    found = NextImage.model_validate_json((await ask("projects", project.id, "next", method="POST", body="{}")).body)
    assert (found.image_id, found.image) == (second.id, "b.png")
    _save(project, second, "Ada", finished=True)
    assert NextImage.model_validate_json((await ask("projects", project.id, "next", method="POST", body="{}")).body).image_id is None


async def test_the_list_of_images_says_how_far_you_are(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Of your document: number of objects, finished, state; who else has one; who holds it. It follows each change."""
    _save(project, image, "Bo")
    (item,) = ImageList.model_validate_json((await ask("projects", project.id, "images")).body).images
    assert (item.objects, item.finished, _authors(item), item.claimed_by) == (0, False, ["Bo"], None)
    _save(project, image, "Ada", finished=True)
    claim(project, image.id, "Bo")
    (item,) = ImageList.model_validate_json((await ask("projects", project.id, "images")).body).images
    assert (item.objects, item.finished, _authors(item), item.claimed_by) == (1, True, ["Ada", "Bo"], "Bo")


async def test_progress_names_what_cannot_be_read(ask: Ask, project: Project, image: ImageRecord) -> None:
    """And tells of the rest."""
    for author in ("Ada", "Bo"):
        _save(project, image, author)
    add_comment(project, image.id, "Ada", "look", by="Bo")
    project.layout.annotation(image.id, "Bo").journal.write_text("nonsense\n")
    found = ProgressList.model_validate_json((await ask("projects", project.id, "progress")).body)
    assert [(row.author, row.objects, row.problem is None) for row in found.rows] == [
        ("Ada", {"cell": 1}, True),
        ("Bo", {"cell": 0}, False),
    ]
    assert (found.me, found.totals.open_comments, found.totals.problems) == ("Ada", 1, 1)
