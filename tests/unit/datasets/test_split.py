"""Splits never let one part see another."""

from datetime import UTC, datetime

import pytest

from labkit.datasets import PartBox, SplitSpec, resolve_split, split_bands
from labkit.errors import InvalidInput
from labkit.project import ImageRecord


def image(name: str, height: int = 400, width: int = 600, sha: str | None = None) -> ImageRecord:
    return ImageRecord(
        id=name, name=name, sha256=sha or name, axes=("y", "x"), shape=(height, width), dtype="uint8", levels=((height, width),),
        software="test", imported=datetime.now(UTC),
    )  # fmt: skip


def parts_by_image(boxes: tuple[PartBox, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for box in boxes:
        found.setdefault(box.image, set()).add(box.part)
    return found


@pytest.mark.parametrize(("height", "width"), [(400, 600), (600, 400), (100, 5000), (64, 200)])
def test_bands_leave_the_gap(height: int, width: int) -> None:
    """Between two bands lie exactly the asked-for pixels, and the last band ends with the picture."""
    one, two, three = (b.box for b in split_bands(image("a", height, width), (0.6, 0.2, 0.2), 32))
    axis = 1 if width >= height else 0
    assert (two[axis] - one[axis + 2], three[axis] - two[axis + 2]) == (32, 32)
    assert three[axis + 2] == max(height, width)


def test_the_same_picture_twice_is_in_one_part() -> None:
    """Equal content counts once, whatever it is called."""
    images = [image("a"), image("b"), image("c"), image("copy of a", sha="a")]
    parts = parts_by_image(resolve_split(images, SplitSpec(kind="images")))
    assert parts["a"] == parts["copy of a"]


def test_every_part_gets_an_image_and_none_is_in_two() -> None:
    """Ten images, 60/20/20."""
    parts = parts_by_image(resolve_split([image(f"i{k}") for k in range(10)], SplitSpec(kind="images")))
    counts = {part: sum(part in p for p in parts.values()) for part in ("train", "val", "test")}
    assert counts == {"train": 6, "val": 2, "test": 2}
    assert all(len(p) == 1 for p in parts.values())


def test_the_seed_decides_and_not_the_order_of_images() -> None:
    """The same seed gives the same split for images in another order."""
    images = [image(f"i{k}") for k in range(8)]
    spec = SplitSpec(kind="images", seed=3)
    assert parts_by_image(resolve_split(images, spec)) == parts_by_image(resolve_split(images[::-1], spec))


def test_overlapping_boxes_of_two_parts_are_refused() -> None:
    """Explicit boxes are checked too."""
    boxes = (PartBox(image="a", part="train", box=(0, 0, 50, 50)), PartBox(image="a", part="test", box=(40, 40, 90, 90)))
    with pytest.raises(InvalidInput, match="share pixels"):
        resolve_split([image("a")], SplitSpec(kind="boxes", boxes=boxes))


def test_too_small_an_image_is_said() -> None:
    """A picture narrower than its gaps cannot be split."""
    with pytest.raises(InvalidInput, match="too small"):
        split_bands(image("a", 10, 20), (0.6, 0.2, 0.2), 32)
