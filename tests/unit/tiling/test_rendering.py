"""Tiles are what people see: channels in their windows and colours, whatever the pixels are."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.project import Project
from labkit.testing.pictures import noise_picture, write_png, write_tiff
from labkit.tiling import Image, import_image, open_image
from labkit.tiling.rendering import ChannelView, default_view, parse_view, render, render_tile, tile_box


def _opened(project: Project, path: Path) -> Image:
    return open_image(project, import_image(project, path).id)


def test_a_colour_picture_is_shown_as_it_is(project: Project, tmp_path: Path) -> None:
    """Red, green and blue of 8 bits are put into place, at every level."""
    picture = noise_picture(700, 900, channels=3)
    image = _opened(project, write_png(tmp_path / "a.png", picture))
    np.testing.assert_array_equal(render(image, Box(100, 200, 300, 500)), picture[100:300, 200:500])
    assert render(image, Box(0, 0, 350, 450), 1).shape == (350, 450, 3)


def test_a_tile_is_a_jpeg_of_its_place(project: Project, tmp_path: Path) -> None:
    """Smaller at the far edges."""
    picture = np.zeros((700, 900, 3), np.uint8)
    picture[512:, 512:] = 200
    image = _opened(project, write_png(tmp_path / "a.png", picture))
    tile = imagecodecs.jpeg8_decode(render_tile(image, 0, 1, 1))
    assert tile.shape == (188, 388, 3)
    assert np.abs(tile.astype(int) - 200).max() <= 1
    assert tile_box(image, 0, 0, 1) == Box(0, 512, 512, 900)


@pytest.mark.parametrize("place", [(0, 2, 0), (0, 0, 2), (0, -1, 0), (9, 0, 0), (-1, 0, 0)])
def test_a_tile_that_is_not_there_is_refused(project: Project, tmp_path: Path, place: tuple[int, int, int]) -> None:
    """In words."""
    image = _opened(project, write_png(tmp_path / "a.png", noise_picture(700, 900)))
    with pytest.raises(InvalidInput):
        render_tile(image, *place)


def test_sixteen_bits_are_stretched_by_the_window(project: Project, tmp_path: Path) -> None:
    """The window that is asked for, else that of the store."""
    ramp = np.tile(np.arange(1000, 2000, dtype=np.uint16), (64, 1))
    image = _opened(project, write_tiff(tmp_path / "a.tif", ramp))
    shown = render(image, Box(0, 0, 64, 1000), view=parse_view("0:1250:1750:FFFFFF", image))
    assert shown[0, :251].max() == 0
    assert shown[0, 750:].min() == 255
    assert abs(int(shown[0, 500, 0]) - 128) <= 1
    assert default_view(image)[0].start < 1010


def test_channels_are_added_in_their_colours(project: Project, tmp_path: Path) -> None:
    """Two channels, one green, one magenta: both is white; a channel that is left out is not seen."""
    pixels = np.zeros((2, 64, 64), np.uint8)
    pixels[0, :40], pixels[1, 20:] = 255, 255
    image = _opened(project, write_tiff(tmp_path / "a.ome.tif", pixels, metadata={"axes": "CYX"}))
    both = (ChannelView(0, 0, 255, "00FF00"), ChannelView(1, 0, 255, "FF00FF"))
    shown = render(image, Box(0, 0, 64, 64), view=both)
    assert (shown[0, 0].tolist(), shown[30, 0].tolist(), shown[50, 0].tolist()) == ([0, 255, 0], [255, 255, 255], [255, 0, 255])
    assert render(image, Box(0, 0, 64, 64), view=both[:1])[50, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("text", ["", "0", "0:1:2", "0:1:2:red", "9:0:1:FFFFFF", "0:nan:1:FFFFFF,", "x:0:1:FFFFFF"])
def test_a_view_that_is_none_is_refused(project: Project, tmp_path: Path, text: str) -> None:
    """It comes from an address, so from anybody."""
    image = _opened(project, write_png(tmp_path / "a.png", noise_picture(64, 64)))
    with pytest.raises(InvalidInput):
        parse_view(text, image)


def test_transparent_places_are_white(project: Project, tmp_path: Path) -> None:
    """Whatever colour lies under them."""
    rgba = noise_picture(64, 64, channels=4)
    rgba[:32, :, 3], rgba[32:, :, 3] = 0, 255
    image = _opened(project, write_png(tmp_path / "a.png", rgba))
    shown = render(image, Box(0, 0, 64, 64))
    assert (shown[:32] == 255).all()
    np.testing.assert_array_equal(shown[32:], rgba[32:, :, :3])


def test_the_middle_plane_of_a_stack_is_shown_unless_another_is_asked_for(project: Project, tmp_path: Path) -> None:
    """By its number."""
    stack = np.repeat(np.arange(5, dtype=np.uint8) * 50, 64 * 64).reshape(5, 64, 64)
    image = _opened(project, write_tiff(tmp_path / "a.ome.tif", stack, metadata={"axes": "ZYX"}))
    view = (ChannelView(0, 0, 255),)
    assert render(image, Box(0, 0, 64, 64), view=view).max() == 100
    assert render(image, Box(0, 0, 64, 64), view=view, z=4).max() == 200
