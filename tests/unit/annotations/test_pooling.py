"""Agreement over several images, against numbers counted by hand."""

from __future__ import annotations

import pytest

from labkit.annotations import Document, compare_documents, new_object, pool_agreements
from labkit.geometry import Rectangle


def by(image_id, author, *shapes):
    objects = tuple(new_object(shape, class_id=1) for shape in shapes)
    return Document(image_id, author, completed_tasks=("finished",), objects=objects)


@pytest.fixture
def found(project, make_image):
    """Ten by ten pixels: 50 against 40 of them. Twenty by ten: 100 against the same 100."""
    small, large = make_image("small", 10, 10), make_image("large", 20, 10)
    half, less, many = Rectangle(0, 0, 10, 5), Rectangle(0, 0, 10, 4), Rectangle(0, 0, 10, 10)
    return (
        compare_documents(by("small", "Ada", half), by("small", "Bo", less), small, project.classes),
        compare_documents(by("large", "Ada", many), by("large", "Bo", many), large, project.classes),
    )


def test_pixels_are_added_up(found):
    """IoU 140/150, Dice 280/290; agreed on 290 of 300, by chance (150 x 140 + 150 x 160) / 300 squared, so kappa 0.933."""
    pooled = pool_agreements(found)
    row = pooled.classes[0]
    assert (pooled.images, pooled.known_px, pooled.agreed_px) == (2, 300, 290)
    assert (row.first_px, row.second_px, row.both_px) == (150, 140, 140)
    assert (row.iou, row.dice) == (pytest.approx(140 / 150), pytest.approx(280 / 290))
    assert pooled.kappa == pytest.approx((290 / 300 - 0.5) / 0.5)
    assert row.kappa == pytest.approx(pooled.kappa)


def test_one_image_pools_to_itself(found):
    """Kappa and scores of a single image are those that it had."""
    pooled = pool_agreements(found[:1])
    assert pooled.kappa == pytest.approx(found[0].kappa)
    assert [row.iou for row in pooled.classes] == [row.iou for row in found[0].classes]


def test_objects_are_added_up(found):
    """Their mean IoU is over all that matched."""
    pooled = pool_agreements(found)
    assert (pooled.matched, pooled.missed, pooled.extra) == (2, 0, 0)
    assert pooled.mean_iou == pytest.approx((0.8 + 1) / 2)


def test_without_images_nothing_is_defined():
    """No number, not 0 and not 1."""
    pooled = pool_agreements(())
    assert (pooled.images, pooled.kappa, pooled.mean_iou, pooled.classes) == (0, None, None, ())
