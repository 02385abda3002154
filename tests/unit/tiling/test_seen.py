"""Windows of what is seen."""

from pathlib import Path

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.project import Project
from labkit.testing.pictures import write_tiff
from labkit.tiling import Image, import_image, open_image
from labkit.tiling.seen import seen_windows


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Two channels of 16 bits: a ramp from left to right, and its tenfold."""
    ramp = np.broadcast_to(np.arange(1000, dtype=np.uint16), (600, 1000))
    project = Project.create(tmp_path, "cells")
    path = write_tiff(tmp_path / "ramp.ome.tif", np.stack([ramp, ramp * 10]), tile_px=None, ome=True, metadata={"axes": "CYX"})
    return open_image(project, import_image(project, path).id)


def test_percentiles_of_what_is_seen(image: Image) -> None:
    """Of each channel, and of the part in sight only."""
    first, second = seen_windows(image, Box(0, 0, 600, 500))
    assert first == pytest.approx((5, 498), abs=2)
    assert second == pytest.approx((50, 4980), abs=20)


def test_what_lies_outside_counts_for_nothing(image: Image) -> None:
    assert seen_windows(image, Box(-5000, -5000, 600, 500)) == seen_windows(image, Box(0, 0, 600, 500))


def test_a_flat_part_still_gets_a_window(image: Image) -> None:
    """Or nothing could be divided by its width."""
    start, end = seen_windows(image, Box(0, 7, 600, 8))[0]
    assert start == 7
    assert end > start


def test_nothing_in_sight_is_an_error(image: Image) -> None:
    with pytest.raises(InvalidInput, match="Nothing"):
        seen_windows(image, Box(0, 2000, 10, 3000))
