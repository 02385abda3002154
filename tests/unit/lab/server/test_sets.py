"""The routes of training sets: what would come of a wish, a set out of it, and what changed since."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from labkit.annotations import new_object, open_document, save_document
from labkit.datasets import list_training_sets
from labkit.events import Event
from labkit.geometry import Rectangle
from labkit.project import ImageRecord, Project
from labkit.testing.learning import annotated_image
from labkit.testing.runs import wait_until
from labkit_lab.server import sets
from labkit_lab.server.jobs import Job
from labkit_lab.wire_jobs import JobItem
from labkit_lab.wire_sets import ComparisonReport, PlanReport, SetItem, SetList

from .conftest import Ask

SOON_S = 120
SPLIT = {"kind": "bands", "gap_px": 8}


@pytest.fixture(autouse=True)
def me(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells", classes=["nucleus"])


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    """An annotated image of 128 x 160 pixels: 4 x 5 tiles of 32."""
    return annotated_image(project, tmp_path)


def _wish(**fields: Any) -> dict[str, Any]:
    return {"name": "cells", "chip_px": 32, "split": SPLIT, "tiles": {"tile_px": 32}, **fields}


async def _done(ask: Ask, *parts: str, body: dict[str, Any]) -> JobItem:
    """Start a job, and return it when it has ended."""
    response = await ask(*parts, method="POST", body=json.dumps(body))
    assert response.code == 202, response.body
    job = JobItem.model_validate_json(response.body)
    async with asyncio.timeout(SOON_S):
        while job.state == "running":
            await asyncio.sleep(0.02)
            job = JobItem.model_validate_json((await ask("jobs", job.id)).body)
    return job


async def _plan(ask: Ask, project: Project, **fields: Any) -> PlanReport:
    job = await _done(ask, "projects", project.id, "training-sets", "plan", body=_wish(**fields))
    assert job.planned is not None, job.message
    return job.planned


async def _build(ask: Ask, project: Project, **fields: Any) -> SetItem:
    job = await _done(ask, "projects", project.id, "training-sets", "build", body=_wish(**fields))
    assert job.built is not None, job.message
    return job.built


async def test_a_plan_describes_each_tile(ask: Ask, project: Project, image: ImageRecord) -> None:
    """One letter or two for each tile; the boxes of the parts; and nothing was written."""
    plan = await _plan(ask, project)
    (item,) = plan.images
    assert (item.id, item.rows, item.columns, item.chosen) == (image.id, 4, 5, "1" * 20)
    assert item.coverage == f"{100:02x}" * 20
    assert set(item.parts) <= set("tve-")
    assert [len(tiles) for tiles in item.classes.values()] == [20]
    assert {box.part for box in item.boxes} == {"train", "val", "test"}
    assert {part.part: part.chips > 0 for part in plan.parts} == {"train": True, "val": True, "test": True}
    assert plan.size_bytes > 0
    assert list_training_sets(project) == ()


async def test_tiles_chosen_by_hand_are_those_of_the_plan(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Row by row from the top left; a text that does not fit the grid is refused in words, and one of another image has no say."""
    text = "10110" + "0" * 15
    chosen = {image.id: text, "another": "1"}
    plan = await _plan(ask, project, tiles={"tile_px": 32, "kind": "hand", "chosen": chosen})
    assert plan.images[0].chosen == text
    wish = _wish(tiles={"tile_px": 64, "kind": "hand", "chosen": chosen})
    job = await _done(ask, "projects", project.id, "training-sets", "plan", body=wish)
    assert (job.state, job.message) == (
        "failed",
        f"The choice in {image.name!r} names 20 tiles; there are 2 x 3 of 64 px.",
    )


async def test_a_problem_is_named_and_the_same_wish_is_refused(ask: Ask, project: Project, image: ImageRecord) -> None:
    """With no tile chosen a plan has an error with what to do, and building fails with its words."""
    tiles = {"tile_px": 32, "kind": "hand", "chosen": {}}
    plan = await _plan(ask, project, tiles=tiles)
    error = next(problem for problem in plan.problems if problem.level == "error")
    assert error.hint
    job = await _done(ask, "projects", project.id, "training-sets", "build", body=_wish(tiles=tiles))
    assert (job.state, job.message, job.hint) == ("failed", error.message, error.hint)


@pytest.mark.parametrize("split", [{"train": 0.6, "val": 0.6, "test": 0.2}, {"kind": "nowhere"}, {"gap_px": -1}])
async def test_a_split_that_cannot_be_is_refused_in_words(ask: Ask, project: Project, image: ImageRecord, split: dict[str, Any]) -> None:
    """Shares that add up to something else fail as a job; what is no wish at all is refused at once."""
    response = await ask("projects", project.id, "training-sets", "plan", method="POST", body=json.dumps(_wish(split=split)))
    if response.code == 202:
        job = await _done(ask, "projects", project.id, "training-sets", "plan", body=_wish(split=split))
        assert (job.state, "add up to 1" in job.message) == ("failed", True)
    else:
        assert response.code == 400
        assert json.loads(response.body)["error"]["hint"]


async def test_a_set_is_listed_with_its_wish(ask: Ask, project: Project, image: ImageRecord) -> None:
    """What was built is in the list with what it was wished from, and has what its plan said."""
    project.set_group(image.id, "slide", "7")
    chosen = {image.id: "11111" * 3 + "01111"}
    wish = _wish(tiles={"tile_px": 32, "kind": "hand", "chosen": chosen})
    plan = await _plan(ask, project, tiles=wish["tiles"])
    built = await _build(ask, project, tiles=wish["tiles"])
    listed = SetList.model_validate_json((await ask("projects", project.id, "training-sets")).body)
    assert listed.sets == (built,)
    assert (built.version, built.images, built.author) == (1, (image.name,), "Ada")
    assert sorted(built.parts, key=lambda p: p.part) == sorted(plan.parts, key=lambda p: p.part)
    assert built.wish is not None
    assert built.wish.tiles.chosen == chosen
    assert (listed.me, listed.group_keys) == ("Ada", ("slide",))
    assert [(one.name, one.authors, one.groups) for one in listed.images] == [(image.name, ("Ada",), {"slide": "7"})]


async def test_says_what_changed_since_a_set_was_built(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Nothing at first; after a new annotation which image, and how many pixels; two sets are compared the same way."""
    first = await _build(ask, project)
    same = (await _done(ask, "projects", project.id, "training-sets", first.key, "changes", body={})).compared
    assert same is not None
    assert same.same
    document = open_document(project, image.id, "Ada")
    save_document(project, document.with_object(new_object(Rectangle(0, 0, 128, 40), class_id=1)))
    changed = (await _done(ask, "projects", project.id, "training-sets", first.key, "changes", body={})).compared
    assert changed is not None
    assert [(one.name, one.change) for one in changed.images] == [(image.name, "annotated")]
    assert any(row.class_name == "nucleus" and row.after > row.before for row in changed.pixels)
    second = await _build(ask, project)
    response = await ask("projects", project.id, "training-sets", "compare", params={"one": first.key, "other": second.key})
    compared = ComparisonReport.model_validate_json(response.body)
    assert (compared.one, compared.other, compared.pixels) == (first.key, second.key, changed.pixels)
    assert second.version == 2


async def test_a_plan_can_be_given_up(ask: Ask, project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is ended by its address, while it is worked on, is cancelled and leaves nothing."""
    steps = sets._steps

    def held(job: Job) -> Callable[[Event], None]:
        def take(event: Event) -> None:
            wait_until(lambda: job.cancel.cancelled)
            steps(job)(event)

        return take

    monkeypatch.setattr(sets, "_steps", held)
    begun = await ask("projects", project.id, "training-sets", "build", method="POST", body=json.dumps(_wish()))
    job = JobItem.model_validate_json(begun.body)
    await ask("jobs", job.id, method="DELETE")
    async with asyncio.timeout(SOON_S):
        while (job := JobItem.model_validate_json((await ask("jobs", job.id)).body)).state == "running":
            await asyncio.sleep(0.02)
    assert job.state == "cancelled"
    assert list_training_sets(project) == ()
    assert not [path for path in project.layout.training_sets.glob("*") if not path.name.startswith(".lock")]


async def test_examples_of_augmentation_are_drawn(ask: Ask, project: Project, image: ImageRecord) -> None:
    """A row for each chip, itself and its variants beside each other; the same seed gives the same picture, and another one another."""
    pictures = []
    for seed in (0, 0, 1):
        asked = {"wish": _wish(), "chips": 2, "variants": 3, "seed": seed}
        job = await _done(ask, "projects", project.id, "training-sets", "preview", body=asked)
        assert job.previewed is not None, job.message
        assert [chip.image for chip in job.previewed.chips] == [0, 0]
        with Pillow.open(io.BytesIO(base64.b64decode(job.previewed.png))) as drawn:
            assert drawn.size == (job.previewed.width_px, job.previewed.height_px)
            assert drawn.width > 1.9 * drawn.height
            pictures.append(np.asarray(drawn))
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] != pictures[2]).any()
