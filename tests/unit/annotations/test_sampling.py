"""The mask for the eye: single pixels of the mask that training sees."""

import numpy as np
import pytest

from labkit.annotations import FINISHED, AnnotationObject, Document, new_object, rasterise_classes
from labkit.annotations.sampling import sample_classes
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, Shape

SIDE_PX = 1024


def _shape(rng: np.random.Generator, kind: int) -> Shape:
    """Return a shape of any kind; half of them on whole and half pixels, where edges meet centres."""
    y, x = rng.uniform(-20, SIDE_PX, 2)
    size = rng.choice([1.5, 6.0, 40.0, 300.0])
    if rng.integers(2):
        y, x, size = np.round(2 * y) / 2, np.round(2 * x) / 2, np.round(2 * size) / 2
    match kind:
        case 0:
            return Rectangle(y, x, y + size, x + size)
        case 1:
            return Ellipse(y, x, size, size / 2, rng.uniform(0, 3))
        case 2:
            return Point(y, x)
        case 3:
            return Mask.from_array(rng.random((int(size) + 2, int(size) + 3)) < 0.7, int(y), int(x))
        case _:
            ring = rng.uniform(0, size, (int(rng.integers(3, 12)), 2)) + np.array((y, x))  # crosses itself
            hole = rng.uniform(0, size, (3, 2)) + np.array((y, x))
            return Region((np.round(ring) if rng.integers(2) else ring, hole))


def _object(rng: np.random.Generator) -> AnnotationObject:
    shape = _shape(rng, int(rng.integers(8)))
    is_area = not isinstance(shape, Point) and rng.random() < 0.1
    class_id = None if is_area or rng.random() < 0.1 else int(rng.integers(1, 5))
    status = "rejected" if rng.random() < 0.1 else "accepted"
    return new_object(shape, class_id=class_id, kind="area" if is_area else None, status=status)


@pytest.mark.parametrize("step", [1, 2, 8, 64])
@pytest.mark.parametrize("tasks", [(), (FINISHED,)])
def test_samples_are_pixels_of_the_mask(step: int, tasks: tuple[str, ...]) -> None:
    """Of hundreds of objects of all kinds on top of one another, at any step, and away from the corner."""
    rng = np.random.default_rng(step)
    document = Document("i", "Ada", objects=tuple(_object(rng) for _ in range(400)), completed_tasks=tasks)
    whole = rasterise_classes(document, Box.of_shape(SIDE_PX, SIDE_PX))[step // 2 :: step, step // 2 :: step]
    assert set(np.unique(whole)) >= {0, 1, 2, 3, 4}
    side = SIDE_PX // step
    box = Box(side // 4, side // 8, side, side - 1)
    np.testing.assert_array_equal(sample_classes(document, box, step), whole[box.slices])


def test_an_empty_document_is_ignored_everywhere() -> None:
    """As nobody has looked."""
    assert (sample_classes(Document("i", "Ada"), Box(0, 0, 3, 5), 4) == np.full((3, 5), 255)).all()
