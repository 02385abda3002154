"""Run lengths of COCO: as documented, and exact."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.formats.run_lengths import decode_mask, encode_mask, pack_runs, unpack_runs
from labkit.geometry import Box, Mask
from labkit.testing.shapes import noise_labels


def test_the_documented_examples_of_run_lengths():
    """Those of the interface of COCO, and one of a mask of 9 x 10 pixels that its users pass around."""
    for row, runs in (([0, 0, 1, 1, 1, 0, 1], [2, 3, 1, 1]), ([1, 1, 1, 1, 1, 1, 0], [0, 6, 1])):
        mask = Mask.from_array(np.array([row], dtype=bool))
        assert unpack_runs(encode_mask(mask, Box(0, 0, 1, 7))["counts"]) == runs
    assert pack_runs([6, 1, 40, 4, 5, 4, 5, 4, 21]) == "61X13mN000`0"
    assert unpack_runs("61X13mN000`0") == [6, 1, 40, 4, 5, 4, 5, 4, 21]


@pytest.mark.parametrize("seed", range(6))
def test_run_lengths_go_down_the_columns(seed):
    """As counted pixel by pixel, and back, compressed or not; runs go on at the top of the next column."""
    pixels = noise_labels(seed, (7, 9 + seed), 1 + seed % 3).astype(bool)
    flat = pixels.T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flat.view(np.int8), [2]))))
    runs = np.diff(np.concatenate(([0], edges))).tolist() if not flat[0] else [0, *np.diff(edges).tolist()]
    mask = Mask.from_array(pixels)
    record = encode_mask(mask, Box(0, 0, *pixels.shape))
    assert unpack_runs(record["counts"]) == runs
    assert decode_mask(record, pixels.shape) == decode_mask(record | {"counts": runs}, pixels.shape) == mask


def test_large_numbers_of_a_large_picture():
    """A pixel in the last corner of 20,000 x 20,000: only its column is unfolded."""
    mask = Mask.from_array(np.ones((1, 1), dtype=bool), 19_999, 19_999)
    assert decode_mask(encode_mask(mask, Box(0, 0, 20_000, 20_000)), (20_000, 20_000)) == mask


def test_what_is_painted_beyond_the_border_is_clipped():
    """Of nine pixels around the first corner, four are in the picture."""
    mask = Mask.from_array(np.ones((3, 3), dtype=bool), -1, -1)
    back = decode_mask(encode_mask(mask, Box(0, 0, 5, 7)), (5, 7))
    assert back == Mask.from_array(np.ones((2, 2), dtype=bool))
