"""Reading images back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.geometry import Box
from labkit.testing.pictures import corner_picture, noise_picture, two_disc_labels
from labkit.tiling import Image, open_store, write_pyramid


@pytest.fixture
def colour_picture() -> np.ndarray:
    """Random RGB pixels (c, y, x), larger than one chunk."""
    return noise_picture(600, 1100, channels=3).transpose(2, 0, 1)


@pytest.fixture
def colour_image(tmp_path: Path, colour_picture: np.ndarray) -> Image:
    """The store of `colour_picture`, with a pixel size of 0.5 x 0.25 micrometres."""
    return open_store(write_pyramid(colour_picture, tmp_path / "a.ome.zarr", role="image", name="a", pixel_size_um=(0.5, 0.25)))


def test_a_box_is_read_in_the_order_of_the_axes(colour_image: Image, colour_picture: np.ndarray) -> None:
    """A box across chunks is (c, y, x) and the pixels that were written."""
    assert colour_image.axes == ("c", "y", "x")
    np.testing.assert_array_equal(colour_image.read(Box(500, 7, 600, 1030)), colour_picture[:, 500:600, 7:1030])


def test_the_store_says_what_it_is(colour_image: Image) -> None:
    """Shape, levels, dtype and pixel size come from the metadata."""
    assert colour_image.shape == (3, 600, 1100)
    assert colour_image.levels == ((600, 1100), (300, 550), (150, 275), (75, 138))
    assert colour_image.pixel_size_um == (0.5, 0.25)
    assert (colour_image.dtype, colour_image.record) == (np.uint8, None)


@pytest.mark.parametrize(("box", "level"), [(Box(0, 0, 601, 10), 0), (Box(0, 0, 301, 10), 1), (Box(-1, 0, 5, 5), 0), (None, 9), (None, -1)])
def test_what_is_not_there_is_refused(colour_image: Image, box: Box | None, level: int) -> None:
    """A box that leaves the level, or a level that does not exist, is the caller's error and never zeros."""
    with pytest.raises(InvalidInput):
        colour_image.read(box, level)


def test_a_missing_shard_is_an_error_not_zeros(colour_image: Image) -> None:
    """Deleting the shard that holds the box makes reading fail with its name."""
    (colour_image.path / "0/c/0/0/0").unlink()
    with pytest.raises(CorruptStore, match="0/c/0/0/0"):
        colour_image.read(Box(0, 0, 5, 5))
    assert colour_image.read(level=1).shape == (3, 300, 550)


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-10] + bytes(10), lambda data: b""])
def test_a_damaged_shard_is_an_error_not_zeros(colour_image: Image, damage: object) -> None:
    """A shard that was cut or changed is reported as damage of the store."""
    shard = colour_image.path / "0/c/0/0/0"
    shard.write_bytes(damage(shard.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CorruptStore):
        colour_image.read(Box(0, 0, 600, 1100))


def test_xarray_is_lazy_and_in_micrometres(colour_image: Image, colour_picture: np.ndarray) -> None:
    """Dims are the axes, coordinates are centres of pixels, and computing gives the pixels."""
    array = colour_image.to_xarray()
    assert array.dims == ("c", "y", "x")
    assert array.chunks is not None
    np.testing.assert_allclose([array.y[0], array.x[0], array.x[1]], [0.25, 0.125, 0.375])
    assert array.y.attrs["unit"] == "micrometer"
    np.testing.assert_array_equal(array.isel(y=slice(510, 530), x=slice(3, 9)).to_numpy(), colour_picture[:, 510:530, 3:9])
    np.testing.assert_array_equal(array.sel(x=10.125, method="nearest").to_numpy(), colour_picture[:, :, 40])


def test_centres_of_a_level_are_means_of_those_below(colour_image: Image) -> None:
    """A pixel of level 2 lies in the middle of the 4 x 4 pixels that it covers."""
    full, small = colour_image.to_xarray(), colour_image.to_xarray(2)
    np.testing.assert_allclose(small.x[:275].to_numpy(), full.x.to_numpy().reshape(275, 4).mean(1))
    np.testing.assert_array_equal(small.to_numpy(), colour_image.read(level=2))


def test_xarray_without_a_pixel_size_counts_pixels(tmp_path: Path) -> None:
    """Where the size is not known, coordinates are full-resolution pixels."""
    array = open_store(write_pyramid(noise_picture(300, 300), tmp_path / "a", role="image", name="a")).to_xarray(1)
    assert (float(array.x[0]), array.x.attrs["unit"]) == (1.0, "px")


def test_a_missing_shard_fails_through_xarray_too(colour_image: Image) -> None:
    """Lazy reading does not turn damage into zeros either."""
    array = colour_image.to_xarray()
    (colour_image.path / "0/c/0/0/0").unlink()
    with pytest.raises(CorruptStore):
        array.compute()


def test_thumbnails_show_the_picture(tmp_path: Path) -> None:
    """The thumbnail has the picture's proportions and its corners' colours, and is a PNG of the same pixels."""
    picture = np.kron(corner_picture(), np.ones((10, 10, 1), np.uint8))
    image = open_store(write_pyramid(picture.transpose(2, 0, 1), tmp_path / "a", role="image", name="a"))
    small = image.thumbnail(100)
    assert (small.shape, small.dtype) == ((41, 100, 3), np.uint8)
    assert [small[2, 2].argmax(), small[2, -3].argmax(), small[-3, 2].argmax()] == [0, 1, 2]
    with PillowImage.open(io.BytesIO(image.thumbnail_png(100))) as png:
        np.testing.assert_array_equal(np.asarray(png), small)


def test_deep_thumbnails_are_stretched(tmp_path: Path) -> None:
    """12-bit values in 16 bits fill the range that a screen shows."""
    pixels = np.linspace(100, 4000, 300 * 300).reshape(300, 300).astype(np.uint16)
    small = open_store(write_pyramid(pixels, tmp_path / "a", role="image", name="a")).thumbnail(128)
    assert (small.min(), small.max()) == (0, 255)


def test_labels_get_a_colour_per_id(tmp_path: Path) -> None:
    """Two objects have two colours on black."""
    small = open_store(write_pyramid(two_disc_labels(), tmp_path / "l", role="labels", name="l")).thumbnail(128)
    assert len(np.unique(small.reshape(-1, 3), axis=0)) == 3


def test_a_tiny_picture_has_a_thumbnail(tmp_path: Path) -> None:
    """One pixel is a thumbnail of one pixel."""
    assert open_store(write_pyramid(np.full((1, 1), 9, np.uint8), tmp_path / "a", role="image", name="a")).thumbnail().shape == (1, 1, 3)


def test_other_folders_are_no_stores(tmp_path: Path) -> None:
    """A folder without metadata is not found; one with other metadata is damaged."""
    with pytest.raises(NotFound):
        open_store(tmp_path)
    (tmp_path / "zarr.json").write_text("{}")
    with pytest.raises(CorruptStore):
        open_store(tmp_path)
