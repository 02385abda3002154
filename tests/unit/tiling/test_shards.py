"""Reading our own stores: equal to zarr, and never zeros for what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from labkit.errors import CorruptStore
from labkit.geometry import Box
from labkit.testing.pictures import noise_picture
from labkit.tiling import open_store, write_pyramid


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of 2100 x 1300 RGB pixels: two shards at full resolution."""
    return write_pyramid(np.moveaxis(noise_picture(2100, 1300, channels=3), -1, 0), tmp_path / "a.ome.zarr", role="image", name="a")


@pytest.mark.parametrize(
    "box", [Box(0, 0, 512, 512), Box(511, 511, 513, 513), Box(1900, 1200, 2100, 1300), Box(0, 0, 2100, 1300), Box(7, 9, 8, 10)]
)
def test_a_box_is_what_zarr_reads(store: Path, box: Box) -> None:
    """On the grid of chunks and off it, across shards and at the far edge."""
    theirs = zarr.open_array(store / "0", mode="r")[(slice(None), *box.slices)]
    np.testing.assert_array_equal(open_store(store).read(box), theirs)


def test_an_empty_box_is_empty(store: Path) -> None:
    """No pixels are no error."""
    assert open_store(store).read(Box(5, 5, 5, 9)).shape == (3, 0, 4)


def test_a_missing_shard_is_named(store: Path) -> None:
    """Reading it is an error; the rest can be read."""
    (store / "0/c/0/1/0").unlink()
    image = open_store(store)
    image.read(Box(0, 0, 2048, 1300))
    with pytest.raises(CorruptStore, match="0/c/0/1/0 is missing"):
        image.read(Box(2047, 0, 2049, 5))


@pytest.mark.parametrize("cut", [3, 5000])
def test_a_shard_cut_short_is_named(store: Path, cut: int) -> None:
    """The index ends a shard: without it nothing in it can be found."""
    shard = store / "0/c/0/0/0"
    shard.write_bytes(shard.read_bytes()[:-cut])
    with pytest.raises(CorruptStore, match="0/c/0/0/0 cannot be decoded"):
        open_store(store).read(Box(0, 0, 5, 5))


def test_a_damaged_chunk_is_named(store: Path) -> None:
    """Bytes that no codec takes are an error, not a picture."""
    shard = store / "0/c/0/0/0"
    data = bytearray(shard.read_bytes())
    data[:64] = bytes(64)
    shard.write_bytes(bytes(data))
    with pytest.raises(CorruptStore, match="0/c/0/0/0"):
        open_store(store).read(Box(0, 0, 5, 5))
