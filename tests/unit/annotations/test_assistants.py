"""A click or a box becomes an outline, from the picture alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from labkit.annotations.assistants import ASSISTANTS, Prompt, outline_object, register_assistant
from labkit.errors import InvalidInput
from labkit.geometry import Box, Rectangle, Region, bounds, rasterise
from labkit.project import Project
from labkit.samples import Sample, nuclei_like
from labkit.testing.pictures import write_png, write_tiff
from labkit.tiling import Image, import_image, open_image


@pytest.fixture(scope="module")
def sample() -> Sample:
    return nuclei_like(seed=3)


@pytest.fixture(scope="module")
def nuclei(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("nuclei")
    project = Project.create(folder, "cells")
    return open_image(project, import_image(project, write_tiff(folder / "a.tif", sample.image)).id)


def _overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("by", ["click", "box"])
def test_nuclei_are_outlined(nuclei: Image, sample: Sample, by: str) -> None:
    """Of all nuclei of a generated picture: in the mean 0.8 of what they cover together, by a click in the middle or a box around."""
    overlaps = []
    for number in np.unique(sample.labels)[1:]:
        truth = sample.labels == number
        rows, columns = np.nonzero(truth)
        box = Rectangle(rows.min() - 1, columns.min() - 1, rows.max() + 2, columns.max() + 2)
        found = outline_object(nuclei, box if by == "box" else (float(rows.mean()), float(columns.mean())), zoom=4)
        overlaps.append(_overlap(rasterise(found.shape, Box.of_shape(*truth.shape)), truth) if found else 0.0)
    assert np.mean(overlaps) > 0.8


def test_a_real_coin_is_outlined(tmp_path: Path) -> None:
    """On the photograph of coins that scikit-image brings."""
    project = Project.create(tmp_path, "coins")
    image = open_image(project, import_image(project, write_png(tmp_path / "coins.png", skimage.data.coins())).id)
    coin = outline_object(image, Rectangle(10, 15, 75, 80), class_id=1, author="Ada")
    assert coin is not None
    y0, x0, y1, x1 = bounds(coin.shape)
    assert 35 < y1 - y0 < 70
    assert 35 < x1 - x0 < 70
    assert (coin.kind, coin.source, coin.class_id, coin.author) == ("polygon", "assistant:watershed", 1, "Ada")


def test_the_outline_has_few_vertices(nuclei: Image, sample: Sample) -> None:
    """It can be corrected by hand."""
    rows, columns = np.nonzero(sample.labels == 1)
    found = outline_object(nuclei, (float(rows.mean()), float(columns.mean())), zoom=4)
    assert found is not None
    assert isinstance(found.shape, Region)
    assert len(found.shape.rings[0]) < 60


def test_a_huge_box_is_looked_at_coarsely(tmp_path: Path) -> None:
    """A disc of 3,000 pixels in a picture of 4,000, at a level that fits a window."""
    y, x = np.ogrid[:4000, :4000]
    disc = (y - 2000) ** 2 + (x - 2000) ** 2 < 1500**2
    project = Project.create(tmp_path, "disc")
    image = open_image(project, import_image(project, write_png(tmp_path / "a.png", np.where(disc, 200, 30).astype(np.uint8))).id)
    found = outline_object(image, Rectangle(450, 450, 3550, 3550))
    assert found is not None
    small = Box(0, 0, 4000, 4000)
    assert _overlap(rasterise(found.shape, small), disc) > 0.98


@pytest.mark.parametrize("place", [(-5.0, 10.0), (10.0, 1e6), Rectangle(600, 600, 700, 700)])
def test_a_place_outside_is_said_to_be_outside(nuclei: Image, place: tuple[float, float] | Rectangle) -> None:
    """In words."""
    with pytest.raises(InvalidInput, match="outside"):
        outline_object(nuclei, place)


@pytest.mark.parametrize("value", [0, 255])
def test_an_even_picture_breaks_nothing(tmp_path: Path, value: int) -> None:
    """Where there is no edge, something or nothing is found, and no error."""
    project = Project.create(tmp_path, "even")
    image = open_image(project, import_image(project, write_png(tmp_path / "a.png", np.full((90, 80, 3), value, np.uint8))).id)
    for place in ((40.0, 40.0), (0.0, 0.0), (89.9, 79.9), Rectangle(10, 10, 12, 12), Rectangle(-50, -50, 200, 200)):
        found = outline_object(image, place)
        assert found is None or found.kind == "polygon"


def test_another_assistant_joins_by_name(nuclei: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets a window of numbers from 0 to 1 and where the object is; its answer is put into place."""
    monkeypatch.setattr("labkit.annotations.assistants.ASSISTANTS", dict(ASSISTANTS))
    seen: list[Prompt] = []

    def upper_left(pixels: NDArray[np.float32], prompt: Prompt) -> NDArray[np.bool_]:
        seen.append(prompt)
        assert 0 <= pixels.min() <= pixels.max() <= 1
        found = np.zeros(pixels.shape[1:], dtype=bool)
        found[:10, :20] = True
        return found

    register_assistant("upper left", upper_left)
    found = outline_object(nuclei, (200, 300), zoom=4, assistant="upper left")
    assert found is not None
    assert bounds(found.shape) == (168, 268, 178, 288)
    assert found.source == "assistant:upper left"
    assert (seen[0].y, seen[0].x, seen[0].box) == (32, 32, None)
    with pytest.raises(InvalidInput, match="cannot be called"):
        register_assistant("watershed", upper_left)
    with pytest.raises(InvalidInput, match="no assistant"):
        outline_object(nuclei, (200, 300), assistant="magic")


@pytest.mark.parametrize("zoom", [0.25, 1.0, 8.0])
def test_a_disc_of_sixteen_bits_is_outlined_at_any_zoom(tmp_path: Path, zoom: float) -> None:
    """With dim values, as cameras give them; a click means what is seen around it."""
    radius = 20 / zoom
    y, x = np.ogrid[:400, :400]
    disc = (y - 200) ** 2 + (x - 200) ** 2 < radius**2
    picture = np.where(disc, 900, 300).astype(np.uint16)
    project = Project.create(tmp_path, "disc")
    image = open_image(project, import_image(project, write_tiff(tmp_path / "a.tif", picture)).id)
    found = outline_object(image, (200.0, 200.0), zoom=zoom)
    assert found is not None
    assert _overlap(rasterise(found.shape, Box.of_shape(400, 400)), disc) > 0.8
