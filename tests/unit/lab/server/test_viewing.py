"""The routes that show annotations as training sees them, and which values are seen."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from labkit.annotations import Editor, new_object, rasterise_classes
from labkit.annotations.edits import put
from labkit.geometry import Box, Ellipse, Rectangle
from labkit.project import ImageRecord, Project
from labkit.testing.pictures import write_png
from labkit.tiling import import_image
from labkit_lab.wire import ChannelWindows

from .conftest import Ask

CORNER = {"author": "Ada", "revision": "0", "level": "0", "row": "1", "column": "1"}


@pytest.fixture
def project(projects_folder: Path) -> Project:
    return Project.create(projects_folder, "cells", classes=["nucleus", "membrane"])


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    """Import a grey ramp of 700 x 900 pixels."""
    return import_image(project, write_png(tmp_path / "a.png", np.tile((np.arange(900) // 4).astype(np.uint8), (700, 1))))


@pytest.fixture
def editor(project: Project, image: ImageRecord) -> Editor:
    """Draw two objects and an annotated area, across the borders of tiles."""
    editor = Editor(project, image.id, "Ada")
    editor.apply(put(new_object(Rectangle(450.5, 400, 690, 890), kind="area")))
    editor.apply(put(new_object(Ellipse(550, 600.3, 120, 40, 0.4), class_id=1)))
    editor.apply(put(new_object(Rectangle(480, 560, 560, 640), class_id=2)))
    return editor


def _pixels(body: bytes) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(body)))


async def test_a_tile_is_what_training_sees(ask: Ask, project: Project, image: ImageRecord, editor: Editor) -> None:
    """Pixel by pixel what `rasterise_classes` makes; of a coarser level one of each 2 x 2."""
    for level, row, column, box in ((0, 1, 1, Box(512, 512, 700, 900)), (1, 0, 0, Box(0, 0, 350, 450))):
        asked = {**CORNER, "level": str(level), "row": str(row), "column": str(column)}
        response = await ask("projects", project.id, "images", image.id, "mask", params=asked)
        assert (response.code, response.headers["Content-Type"]) == (200, "image/png")
        assert "no-store" in response.headers["Cache-Control"]
        step = 2**level
        whole = rasterise_classes(editor.document, Box(*(edge * step for edge in box.as_tuple())))
        expected = whole[step // 2 :: step, step // 2 :: step]
        assert set(np.unique(expected)) == {0, 1, 2, 255}
        np.testing.assert_array_equal(_pixels(response.body), expected)


async def test_a_tile_follows_the_document(ask: Ask, project: Project, image: ImageRecord, editor: Editor) -> None:
    """What is acknowledged is in the next tile, whose revision is named."""
    await ask("projects", project.id, "images", image.id, "mask", params=CORNER)
    editor.apply(put(new_object(Rectangle(600, 700, 650, 750), class_id=2)))
    response = await ask("projects", project.id, "images", image.id, "mask", params={**CORNER, "revision": "4"})
    assert response.headers["Labkit-Revision"] == "4"
    assert _pixels(response.body)[600 - 512, 700 - 512] == 2


async def test_somebody_who_has_drawn_nothing(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Has looked nowhere."""
    response = await ask("projects", project.id, "images", image.id, "mask", params={**CORNER, "author": "../../Bob"})
    assert (_pixels(response.body) == 255).all()


async def test_a_wrong_address_is_said_to_be_one(ask: Ask, project: Project, image: ImageRecord) -> None:
    """In words."""
    for changed in ({"level": "9"}, {"row": "7"}, {"revision": "-1"}):
        response = await ask("projects", project.id, "images", image.id, "mask", params={**CORNER, **changed})
        assert response.code == 400
        assert json.loads(response.body)["error"]["hint"]


async def test_windows_of_what_is_seen(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Of the left half: its values, not those of the whole."""
    asked = {"y0": "0", "x0": "0", "y1": "700", "x1": "400"}
    response = await ask("projects", project.id, "images", image.id, "windows", params=asked)
    (window,) = ChannelWindows.model_validate_json(response.body).windows
    assert (window.channel, window.start, window.end) == (0, pytest.approx(1, abs=1), pytest.approx(99, abs=1))


async def test_windows_of_nothing(ask: Ask, project: Project, image: ImageRecord) -> None:
    """Are refused in words."""
    for changed in ({"x1": "-1"}, {"y0": "900", "y1": "950"}, {"z": "3"}):
        asked = {"y0": "0", "x0": "0", "y1": "700", "x1": "400", **changed}
        response = await ask("projects", project.id, "images", image.id, "windows", params=asked)
        assert response.code == 400
        assert json.loads(response.body)["error"]["message"]
