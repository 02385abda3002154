"""Windows cover once, on the stride grid."""

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.inference import iter_windows


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 300), (127, 128), (128, 129), (600, 601)])
def test_every_pixel_is_kept_exactly_once(height: int, width: int) -> None:
    """Cores tile the picture, also where it is thinner than a tile."""
    count = np.zeros((height, width), int)
    for window in iter_windows(height, width, 128, 24, 4):
        count[window.core.slices] += 1
    assert (count == 1).all()


def test_origins_lie_on_the_stride_grid() -> None:
    """An origin off the grid would move the pooling and change the answer."""
    assert all(w.read.y0 % 4 == 0 and w.read.x0 % 4 == 0 for w in iter_windows(601, 333, 128, 24, 4))


def test_the_halo_is_whole_unless_the_picture_ends() -> None:
    """Every inner side of a window has the full halo."""
    for window in iter_windows(600, 600, 128, 24, 4):
        assert window.read.x0 == max(0, window.core.x0 - 24)
        assert window.read.x1 == min(600, window.core.x1 + 24)


def test_a_tile_off_the_grid_is_refused() -> None:
    """It would be wrong silently."""
    with pytest.raises(InvalidInput):
        list(iter_windows(100, 100, 30, 24, 4))
