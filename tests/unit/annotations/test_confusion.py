"""Scores count known pixels, once each."""

import numpy as np
import pytest

from labkit.datasets import Confusion, mean_score


def test_an_absent_class_has_no_score_and_no_weight() -> None:
    """Three classes, class 2 nowhere, perfect: the mean is 1."""
    confusion = Confusion(3)
    mask = np.array([[0, 1], [1, 0]], np.uint8)
    confusion.add(mask, mask)
    assert confusion.iou() == (1.0, 1.0, None)
    assert mean_score(confusion.iou()) == 1.0


def test_ignored_pixels_count_nowhere() -> None:
    """255 in the truth is left out, whatever is predicted."""
    confusion = Confusion(2)
    confusion.add(np.array([0, 1, 255, 255], np.uint8), np.array([0, 1, 1, 0], np.uint8))
    assert (confusion.pixels, confusion.dice()) == (2, (1.0, 1.0))


def test_tiles_add_up_to_the_whole() -> None:
    """Counting in pieces is counting at once."""
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 3, (2, 60, 60), np.uint8)
    whole, pieces = Confusion(3), Confusion(3)
    whole.add(truth, guess)
    for rows in (slice(0, 17), slice(17, 60)):
        pieces.add(truth[rows], guess[rows])
    assert (whole.counts == pieces.counts).all()
    assert whole.pixels == 3600


def test_dice_of_a_known_overlap() -> None:
    """Two of three true pixels and two of four predicted: 2*2 / 7."""
    confusion = Confusion(2)
    confusion.add(np.array([1, 1, 1, 0, 0], np.uint8), np.array([1, 1, 0, 1, 1], np.uint8))
    assert confusion.dice()[1] == pytest.approx(4 / 7)


def test_foreground_merges_classes() -> None:
    """Two classes confused with one another are still foreground."""
    confusion = Confusion(3)
    confusion.add(np.array([1, 2, 0], np.uint8), np.array([2, 1, 0], np.uint8))
    assert confusion.foreground().dice()[1] == 1.0
