"""Varied chips: classes move and never mix, what lies outside is unknown, and each place is as likely as another."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.datasets import IGNORE, Chips, Normalisation
from labkit.project import classes_from_names
from labkit.testing.learning import chips_of_discs
from labkit.training import AugmentSpec, augment_preview
from labkit.training.augment import cut_sample

PLAIN = Normalisation(low=(0.0,), high=(1.0,))
EXACT = AugmentSpec.none()


def cut(pixels: np.ndarray, targets: np.ndarray, crop_px: int, spec: AugmentSpec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return cut_sample(pixels, targets, crop_px, PLAIN, spec, np.random.default_rng(seed))


def test_nothing_asked_for_nothing_changed() -> None:
    """Without augmentation a sample of the whole chip is the chip."""
    targets = np.random.default_rng(0).integers(0, 3, (16, 16)).astype(np.uint8)
    pixels, moved = cut(targets[None], targets, 16, EXACT)
    assert (pixels[0] == targets).all()
    assert (moved == targets).all()


def test_each_place_of_a_crop_is_equally_likely() -> None:
    """Nine rows and nine columns of corners, 8,100 draws: each of the 81 comes about a hundred times."""
    targets = np.arange(144, dtype=np.uint8).reshape(12, 12)
    corners = np.array([cut(targets[None], targets, 4, EXACT, seed)[1][0, 0] for seed in range(8100)])
    counts = np.bincount(corners, minlength=144).reshape(12, 12)
    assert counts[9:].sum() == counts[:, 9:].sum() == 0
    assert 60 < counts[:9, :9].min() <= counts[:9, :9].max() < 150


@pytest.mark.parametrize("spec", [AugmentSpec(), EXACT.model_copy(update={"rotate_deg": 180.0, "scale": 0.5})])
def test_targets_move_with_their_pixels(spec: AugmentSpec) -> None:
    """After turning by any angle and scaling, a pixel still tells the class that it had."""
    targets = np.kron(np.random.default_rng(1).integers(0, 3, (8, 8)), np.ones((8, 8))).astype(np.uint8)
    for seed in range(20):
        pixels, moved = cut(targets[None].astype(np.float32), targets, 48, spec, seed)
        known = moved != IGNORE
        assert np.corrcoef(pixels[0][known], moved[known])[0, 1] > 0.9


@pytest.mark.parametrize("spec", [{"rotate_deg": 17.0}, {"scale": 1.0}, {"rotate_deg": 180.0, "scale": 0.37, "mirror": True}])
def test_no_class_appears_that_was_not_there(spec: dict[str, float]) -> None:
    """Ids 0, 2 and 7 stay ids 0, 2 and 7; beyond the chip nothing is known, which is not background."""
    targets = np.random.default_rng(0).choice(np.array([0, 2, 7], np.uint8), (40, 40))
    outside = 0
    for seed in range(30):
        moved = cut(targets[None], targets, 40, EXACT.model_copy(update=spec), seed)[1]
        assert set(np.unique(moved)) <= {0, 2, 7, IGNORE}
        outside += int((moved == IGNORE).sum())
    assert outside > 0


def test_a_chip_turned_by_an_angle_has_unknown_corners_and_a_known_middle() -> None:
    """All that is unknown lies outside the circle that fits into the chip."""
    targets = np.full((64, 64), 2, np.uint8)
    y, x = np.ogrid[:64, :64]
    circle = (y - 31.5) ** 2 + (x - 31.5) ** 2 < 31**2
    moved = [cut(targets[None], targets, 64, EXACT.model_copy(update={"rotate_deg": 45.0}), seed)[1] for seed in range(10)]
    assert all((m[circle] == 2).all() for m in moved)
    assert any((m == IGNORE).any() for m in moved)


def test_a_rotation_by_nothing_is_the_chip() -> None:
    """Neither half a pixel of shift, nor any blur."""
    targets = np.random.default_rng(0).integers(0, 3, (16, 16)).astype(np.uint8)
    pixels, moved = cut(targets[None].astype(np.float32), targets, 16, EXACT.model_copy(update={"rotate_deg": 1e-9}))
    assert np.allclose(pixels[0], targets, atol=1e-4)
    assert (moved == targets).all()


def test_shading_changes_no_target_and_stays_within_what_was_asked() -> None:
    """Gain up to a quarter more, brightness up to a tenth."""
    targets = np.zeros((8, 8), np.uint8)
    spec = EXACT.model_copy(update={"gain": 0.25, "brightness": 0.1})
    values = np.array([cut(np.ones((1, 8, 8)), targets, 8, spec, seed)[0].mean() for seed in range(300)])
    assert 0.8 - 0.1 <= values.min() < 0.8
    assert 1.2 < values.max() <= 1.25 + 0.1


def test_a_preview_shows_chips_in_their_own_values() -> None:
    """In their dtype and range, the same for the same seed, and with an untaught class as unknown."""
    chips = chips_of_discs(2, classes=2)
    preview = augment_preview(chips, classes_from_names(["one"]), AugmentSpec(rotate_deg=30), variants=3, seed=5)
    again = augment_preview(chips, classes_from_names(["one"]), AugmentSpec(rotate_deg=30), variants=3, seed=5)
    assert len(preview) == 6
    assert all(p.dtype == np.uint8 and p.shape == (1, 32, 32) and set(np.unique(m)) <= {0, 1, IGNORE} for p, m in preview)
    assert all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(preview, again, strict=True))
    assert abs(float(np.mean([p.mean() for p, _ in preview])) - float(chips.pixels.mean())) < 15


def test_a_preview_of_nothing_is_empty() -> None:
    """A set may have no chips yet."""
    chips = chips_of_discs(1)
    none = Chips(chips.pixels[:0], chips.masks[:0], chips.objects[:0], chips.positions[:0])
    assert augment_preview(none, classes_from_names(["one"]), AugmentSpec(), variants=2, seed=0) == []
