"""Splits never let one part see another."""

import itertools
import random
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


def gap(one: PartBox, other: PartBox) -> int:
    return max(one.box[0] - other.box[2], other.box[0] - one.box[2], one.box[1] - other.box[3], other.box[1] - one.box[3])


@pytest.mark.parametrize("number", range(60))
def test_no_pixel_is_within_the_gap_of_another_part(number: int) -> None:
    """Random pictures, gaps, shares, blocks: whatever the split, parts are as far apart as was asked, and each has something."""
    rng = random.Random(number)
    size = rng.randint(40, 900), rng.randint(40, 900)
    first = rng.uniform(0.3, 0.7)
    spec = SplitSpec(
        kind=rng.choice(["auto", "blocks", "bands"]),
        fractions=(first, (1 - first) / 2, (1 - first) / 2),
        gap_px=rng.randint(0, 40),
        seed=number,
        block_px=rng.choice([None, 16, 48, 100]),
    )
    chip_px = rng.choice([16, 48, 128])
    if min(size) < 16 or max(size) < 2 * (spec.gap_px + 16) + 16 or (spec.block_px and spec.kind == "blocks"):
        spec = spec.model_copy(update={"gap_px": 2, "block_px": 16})  # whatever was drawn has to have room
    boxes = resolve_split([image("a", *size)], spec, chip_px=chip_px)
    assert {box.part for box in boxes} == {"train", "val", "test"}
    for one, other in itertools.combinations(boxes, 2):
        assert gap(one, other) >= (spec.gap_px if one.part != other.part else 0)
    assert all(0 <= b.box[0] < b.box[2] <= size[0] and 0 <= b.box[1] < b.box[3] <= size[1] for b in boxes)


def test_blocks_of_a_part_are_all_over_the_picture() -> None:
    """Each part has pixels in each quarter of a picture of 2000 pixels, which bands do not."""
    boxes = resolve_split([image("a", 2000, 2000)], SplitSpec(kind="blocks"))
    for part in ("train", "val", "test"):
        quarters = {(b.box[0] + b.box[2] > 2000, b.box[1] + b.box[3] > 2000) for b in boxes if b.part == part}
        assert len(quarters) == 4, part


def test_blocks_have_the_asked_for_shares() -> None:
    """Of the pixels that have a part, about 60 in 100 are to train on."""
    boxes = resolve_split([image("a", 3000, 2500)], SplitSpec(kind="blocks"))
    area = {part: sum(b.as_box.area_px for b in boxes if b.part == part) for part in ("train", "val", "test")}
    assert area["train"] / sum(area.values()) == pytest.approx(0.6, abs=0.05)
    assert sum(area.values()) / (3000 * 2500) > 0.7


@pytest.mark.parametrize("size", [(1000, 1000), (2000, 1300), (700, 3111)])
def test_blocks_to_measure_on_are_whole_chips(size: tuple[int, int]) -> None:
    """Chips of val and test lie side by side and are known everywhere, whatever the picture's size leaves over."""
    boxes = resolve_split([image("a", *size)], SplitSpec(kind="blocks"), chip_px=64)
    measured = [b.as_box for b in boxes if b.part != "train"]
    assert {(box.height_px % 64, box.width_px % 64) for box in measured} == {(0, 0)}


def test_blocks_follow_from_the_content_and_not_from_the_id() -> None:
    """The same picture in another project has the same blocks; the same picture twice has the same parts at the same places."""
    one, other = (resolve_split([image(name, 900, 900, sha="s")], SplitSpec(kind="blocks")) for name in ("a", "b"))
    assert [(b.part, b.box) for b in one] == [(b.part, b.box) for b in other]


def test_groups_stay_together() -> None:
    """Twelve images of four slides; the images of a slide are in one part."""
    images = [image(f"i{k}") for k in range(12)]
    groups = {f"i{k}": f"slide {k % 4}" for k in range(12)}
    parts = parts_by_image(resolve_split(images, SplitSpec(kind="groups", group="slide"), groups=groups))
    for slide in range(4):
        assert len(set.union(*(parts[f"i{k}"] for k in range(12) if k % 4 == slide))) == 1
    assert set.union(*parts.values()) == {"train", "val", "test"}


def test_a_picture_in_two_groups_joins_them() -> None:
    """What is on slide 1 and, under another name, on slide 2, takes both slides into one part."""
    images = [image("a", sha="same"), image("b", sha="same"), *(image(f"i{k}") for k in range(6))]
    groups = {"a": "1", "i0": "1", "b": "2", "i1": "2"}
    for seed in range(10):
        parts = parts_by_image(resolve_split(images, SplitSpec(kind="groups", group="slide", seed=seed), groups=groups))
        assert parts["a"] == parts["b"] == parts["i0"] == parts["i1"]


@pytest.mark.parametrize(
    "wish", [{"kind": "groups"}, {"kind": "blocks", "group": "slide"}, {"block_px": 3}, {"kind": "bands", "gap_px": -1}]
)
def test_a_split_that_means_nothing_is_refused(wish: dict[str, object]) -> None:
    """A group without its key, or a key without groups."""
    with pytest.raises(ValueError, match=r"group|greater"):
        SplitSpec.model_validate(wish)


def test_a_million_blocks_are_refused() -> None:
    """A block of 16 pixels on a picture of 20,000 would be a manifest of megabytes."""
    with pytest.raises(InvalidInput, match="blocks of 16 px"):
        resolve_split([image("a", 20_000, 20_000)], SplitSpec(kind="blocks", block_px=16, gap_px=0))
