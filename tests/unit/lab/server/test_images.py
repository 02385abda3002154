"""The routes of a project's images."""

import json
import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from labkit.annotations import Editor, new_object
from labkit.annotations.edits import put
from labkit.geometry import Point
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import noise_picture, write_png
from labkit.tiling import import_image
from labkit_lab.wire import ImageList

from .conftest import Ask

FIRST = {"level": "0", "row": "0", "column": "0", "version": "1"}


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells")


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    """Import a colour picture of 700 x 900 pixels."""
    return import_image(project, write_png(tmp_path / "a.png", np.full((700, 900, 3), (10, 120, 230), np.uint8)))


async def test_images_are_listed(ask: Ask, project: Project, image: ImageRecord) -> None:
    """With their sizes, and whether somebody has drawn in them; a drawing that is only journalled counts."""
    found = ImageList.model_validate_json((await ask("projects", project.id, "images")).body).images
    assert [(i.id, i.name, i.height_px, i.width_px, i.annotated) for i in found] == [(image.id, "a.png", 700, 900, False)]
    Editor(project, image.id, "Ada").apply(put(new_object(Point(1, 1))))
    found = ImageList.model_validate_json((await ask("projects", project.id, "images")).body).images
    assert found[0].annotated


async def test_a_tile_is_a_picture_that_may_be_kept(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Because an image never changes."""
    response = await ask("projects", project.id, "images", image.id, "tiles", params={**FIRST, "row": "1", "column": "1"})
    assert (response.code, response.headers["Content-Type"]) == (200, "image/jpeg")
    assert "immutable" in response.headers["Cache-Control"]
    tile = imagecodecs.jpeg8_decode(response.body)
    assert tile.shape == (188, 388, 3)
    assert np.abs(tile.astype(int) - (10, 120, 230)).max() <= 3


async def test_a_view_chooses_channels(ask: Ask, project: Project, image: ImageRecord) -> None:
    """The third channel alone, in white."""
    response = await ask("projects", project.id, "images", image.id, "tiles", params={**FIRST, "view": "2:0:230:FFFFFF"})
    assert np.abs(imagecodecs.jpeg8_decode(response.body).astype(int) - 255).max() <= 3


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"level": "99"}, 400), ({"row": "7"}, 400), ({"row": "-1"}, 400), ({"view": "nonsense"}, 400), ({"level": "x"}, 400)],
)
async def test_a_wrong_address_is_said_to_be_one(
    ask: Ask, project: Project, image: ImageRecord, changed: dict[str, str], status: int
) -> None:
    """In words, and not kept."""
    response = await ask("projects", project.id, "images", image.id, "tiles", params={**FIRST, **changed})
    assert response.code == status
    assert json.loads(response.body)["error"]["hint"]
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e%2f"])
async def test_an_image_that_is_not_there(ask: Ask, project: Project, image: ImageRecord, name: str) -> None:
    """Ids are compared, never made into paths."""
    assert (await ask("projects", project.id, "images", name, "tiles", params=FIRST)).code in (404, 400)
    assert (await ask("projects", "nothing", "images", image.id, "tiles", params=FIRST)).code == 404


async def test_a_project_that_went_has_no_tiles(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Though its image is still open here; and one that comes in its place is another."""
    assert (await ask("projects", project.id, "images", image.id, "tiles", params=FIRST)).code == 200
    shutil.rmtree(project.path)
    assert (await ask("projects", project.id, "images", image.id, "tiles", params=FIRST)).code == 404
    Project.create(project.path.parent, "cells")
    assert (await ask("projects", project.id, "images", image.id, "tiles", params=FIRST)).code == 404


async def test_many_images_are_looked_at_in_turn(ask: Ask, project: Project, tmp_path: Path) -> None:
    """More than are kept open."""
    ids = [import_image(project, write_png(tmp_path / f"{k}.png", noise_picture(20 + k, 30))).id for k in range(18)]
    for image_id in (*ids, *ids):
        assert (await ask("projects", project.id, "images", image_id, "tiles", params=FIRST)).code == 200
