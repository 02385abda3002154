"""Rows of sharded arrays, read many at once: the same bytes as zarr, and no zeros for what is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from labkit.errors import CorruptStore
from labkit.formats.row_shards import ShardedRows

ROWS = np.random.default_rng(0).integers(0, 2**16, (150, 2, 5, 7)).astype(np.uint16)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """150 rows in shards of 64."""
    array = zarr.create_array(tmp_path / "rows", shape=ROWS.shape, dtype=ROWS.dtype, chunks=(1, 2, 5, 7), shards=(64, 2, 5, 7))
    array[...] = ROWS
    return tmp_path / "rows"


@pytest.mark.parametrize(("begin", "end"), [(0, 150), (3, 4), (60, 70), (64, 128), (149, 150), (5, 5)])
def test_rows_are_those_that_were_written(stored: Path, begin: int, end: int) -> None:
    """Within a shard, across two, to the unfinished last one, and none."""
    assert (ShardedRows(stored).read(begin, end) == ROWS[begin:end]).all()


def test_an_array_of_another_make_is_read_too(tmp_path: Path) -> None:
    """Chunks of several rows without shards are left to zarr."""
    zarr.create_array(tmp_path / "rows", shape=ROWS.shape, dtype=ROWS.dtype, chunks=(10, 2, 5, 7))[...] = ROWS
    assert (ShardedRows(tmp_path / "rows").read(7, 33) == ROWS[7:33]).all()


def test_a_lost_shard_is_no_black_picture(stored: Path) -> None:
    """Zarr gives zeros; a training would go on with them."""
    (stored / "c" / "1" / "0" / "0" / "0").unlink()
    assert (ShardedRows(stored).read(0, 64) == ROWS[:64]).all()
    with pytest.raises(CorruptStore, match="missing"):
        ShardedRows(stored).read(60, 70)


@pytest.mark.parametrize("keep", [0, 500, -1])
def test_a_shard_that_is_cut_short_is_named(stored: Path, keep: int) -> None:
    """Wherever it is cut."""
    shard = stored / "c" / "0" / "0" / "0" / "0"
    shard.write_bytes(shard.read_bytes()[:keep])
    with pytest.raises(CorruptStore, match="decoded"):
        ShardedRows(stored).read(0, 10)


def test_what_is_no_array_is_told(tmp_path: Path) -> None:
    """With a hint."""
    with pytest.raises(CorruptStore) as caught:
        ShardedRows(tmp_path / "nothing")
    assert "Build the training set again" in caught.value.hint
