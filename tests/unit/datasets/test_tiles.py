"""Which tiles there are, what is known in them, and which a rule takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labkit.annotations import IGNORE, Document, change_state, new_object, rasterise_classes
from labkit.compute import ComputeSpec, open_compute
from labkit.datasets import SetSpec, SplitSpec, TileRef, TileRule, build_from_spec, plan_training_set, tiles
from labkit.datasets.tiles import TileGrid, count_tiles
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken
from labkit.geometry import Box, Rectangle
from labkit.project import Project
from labkit.testing.annotations import fresh_objects

from .conftest import Drawer

BANDS = SplitSpec(kind="bands", gap_px=8)


def area(*edges: float) -> object:
    return new_object(Rectangle(*edges), kind="area")


def box(*edges: float, class_id: int | None = 1) -> object:
    return new_object(Rectangle(*edges), class_id=class_id)


def counted(document: Document, size: tuple[int, int], tile_px: int) -> TileGrid:
    with open_compute(ComputeSpec("threads", 2)) as compute:
        return count_tiles(document, size, tile_px, compute, CancelToken())


@pytest.mark.parametrize(("size", "tile_px"), [((100, 130), 32), ((64, 64), 64), ((50, 1000), 16), ((33, 17), 256)])
@pytest.mark.parametrize("tasks", [(), ("finished",)])
def test_counts_are_those_of_the_mask(size: tuple[int, int], tile_px: int, tasks: tuple[str, ...]) -> None:
    """For random objects of all kinds, each tile has the known pixels and classes of the mask of the whole picture."""
    document = Document("image", "tester", completed_tasks=tasks)
    for change in fresh_objects(3, 40, size_px=max(size)):
        document = document.with_object(change(document).changes[0].item)  # type: ignore[arg-type]
    grid, whole = counted(document, size, tile_px), rasterise_classes(document, Box.of_shape(*size))
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            tile = whole[row * tile_px : (row + 1) * tile_px, column * tile_px : (column + 1) * tile_px]
            assert grid.area_px[row, column] == tile.size
            assert grid.known_px[row, column] == (tile != IGNORE).sum()
            assert set(np.flatnonzero(grid.present[row, column])) == set(tile[tile != IGNORE].tolist())


def test_a_huge_picture_with_ten_thousand_objects_is_counted_tile_by_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 x 20,000 pixels would be 400 MB as a mask: never is more of it made than a tile, and where nothing is drawn not even that."""
    made: list[int] = []

    def noted(document: Document, box: Box) -> NDArray[np.uint8]:
        made.append(box.area_px)
        return rasterise_classes(document, box)

    monkeypatch.setattr(tiles, "rasterise_classes", noted)
    rng = np.random.default_rng(0)
    corners = rng.integers(0, (9_980, 19_970), (10_000, 2))  # nothing in the lower half
    objects = tuple(new_object(Rectangle(float(y), float(x), float(y + 20), float(x + 20)), class_id=1) for y, x in corners)
    grid = counted(Document("image", "tester", objects=objects), (20_000, 20_000), 256)
    assert grid.shape == (79, 79)
    assert 3_500_000 < grid.known_px.sum() <= 4_000_000
    assert (max(made), len(made) <= 40 * 79) == (256 * 256, True)


def test_percent_says_nothing_only_where_nothing_is_known() -> None:
    """One pixel of 65,536 is 1 percent, all but one are 99."""
    grid = TileGrid(256, np.full((1, 4), 65_536), np.array([[0, 1, 65_535, 65_536]]), np.zeros((1, 4, 256), np.bool_))
    assert grid.percent.tolist() == [[0, 1, 99, 100]]


@pytest.fixture
def two_corners(project: Project, drawn: Drawer) -> Project:
    """An image of 4 x 5 tiles of 32 px: one tile fully known, one by a quarter, each with an object; another class at the right."""
    project = project.add_classes(["cell"])
    drawn("a", area(0, 0, 32, 32), area(32, 32, 48, 48), box(4, 4, 20, 20), box(36, 36, 40, 40), box(100, 130, 120, 150, class_id=2))
    return project


def taken(project: Project, **rule: object) -> set[tuple[int, int]]:
    plan = plan_training_set(project, SetSpec(name="s", chip_px=16, split=BANDS, tiles=TileRule(tile_px=32, **rule)))  # type: ignore[arg-type]
    [image] = plan.images
    assert (image.rows, image.columns) == (4, 5)
    return {(k // 5, k % 5) for k, chosen in enumerate(image.chosen) if chosen}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "all"}, {(0, 0), (1, 1), (3, 4)}),
        ({"kind": "annotated", "min_coverage": 0.25}, {(0, 0), (1, 1), (3, 4)}),
        ({"kind": "annotated", "min_coverage": 0.9}, {(0, 0)}),
        ({"kind": "classes", "classes": ("cell",)}, {(3, 4)}),
        ({"kind": "classes", "classes": ("cell", "nucleus")}, {(0, 0), (1, 1), (3, 4)}),
    ],
)
def test_a_rule_takes_its_tiles(two_corners: Project, rule: dict[str, object], expected: set[tuple[int, int]]) -> None:
    """By coverage and by class."""
    assert taken(two_corners, **rule) == expected


def test_tiles_by_hand(two_corners: Project) -> None:
    """Just those that were named."""
    [image] = two_corners.images()
    assert taken(two_corners, kind="hand", tiles=(TileRef(image=image.id, row=0, column=0),)) == {(0, 0)}


def test_tiles_that_were_accepted_in_review(two_corners: Project) -> None:
    """Nothing before somebody accepted the document, all of it afterwards."""
    [image] = two_corners.images()
    assert taken(two_corners, kind="reviewed") == set()
    for state in ("in-review", "accepted"):
        change_state(two_corners, image.id, "tester", state, by="Ada")
    assert taken(two_corners, kind="reviewed") == {(0, 0), (1, 1), (3, 4)}


def test_a_number_of_tiles_is_spread_over_classes_and_images(project: Project, drawn: Drawer) -> None:
    """The only tile with the rare class is among four, and both images give some."""
    project = project.add_classes(["rare"])
    for name in ("a", "b"):
        drawn(name, *(box(y, 5, y + 3, 155) for y in range(2, 126, 8)), finished=True)
    drawn("b", box(70, 70, 80, 80, class_id=2))
    for seed in range(5):
        rule = TileRule(kind="number", count=4, tile_px=32)
        plan = plan_training_set(project, SetSpec(name="s", chip_px=16, split=SplitSpec(kind="bands", gap_px=8, seed=seed), tiles=rule))
        chosen = [[c for c, yes in zip(image.classes, image.chosen, strict=True) if yes] for image in plan.images]
        assert sum(map(len, chosen)) == 4
        assert all(chosen), "an image gave nothing"
        assert any(2 in classes for image in chosen for classes in image)


def test_the_same_seed_draws_the_same_tiles_after_a_new_annotation(project: Project, drawn: Drawer) -> None:
    """Of 12 drawn tiles, an object more changes few."""
    record = drawn("a", box(0, 0, 128, 160))
    spec = SetSpec(name="s", chip_px=16, split=BANDS, tiles=TileRule(kind="number", count=12, tile_px=32))
    before = plan_training_set(project, spec).images[0].chosen
    drawn("a", box(10, 10, 20, 20))
    after = plan_training_set(project, spec).images[0].chosen
    assert record.id
    assert before == after


def test_what_is_not_taken_is_unknown_in_the_set(two_corners: Project) -> None:
    """Of a document with 1,024 + 256 + 400 known pixels, a hand-chosen tile leaves its own, and no object outside of it."""
    [image] = two_corners.images()
    rule = TileRule(kind="hand", tile_px=32, tiles=(TileRef(image=image.id, row=0, column=0),))
    whole = SplitSpec(kind="boxes", boxes=({"image": image.id, "part": "train", "box": (0, 0, 128, 160)},))  # type: ignore[arg-type]
    data = build_from_spec(two_corners, SetSpec(name="s", chip_px=32, split=whole, tiles=rule))
    chips = data.chips("train")
    known: set[tuple[int, int]] = set()
    for mask, objects, (_, y, x) in zip(chips.masks, chips.objects, chips.positions, strict=True):
        known |= {(y + dy, x + dx) for dy, dx in np.argwhere(mask != IGNORE)}
        assert not objects[mask == IGNORE].any()
    assert known == {(y, x) for y in range(32) for x in range(32)}
    assert data.record.parts["train"].chips == 4, "chips without a known pixel are dropped"


@pytest.mark.parametrize(
    ("rule", "error", "match"),
    [
        ({"kind": "classes", "classes": ("nothing",)}, NotFound, "no class"),
        ({"kind": "reviewed"}, InvalidInput, "accepted"),
        ({"kind": "number"}, InvalidInput, "how many"),
        ({"kind": "hand"}, InvalidInput, "No tile"),
        ({"kind": "hand", "tiles": ({"image": "x", "row": 0, "column": 0},)}, NotFound, "not in the set"),
        ({"kind": "annotated", "min_coverage": 1.0, "tile_px": 64}, InvalidInput, "as far as that"),
    ],
)
def test_a_rule_that_takes_nothing_is_refused(two_corners: Project, rule: dict[str, object], error: type[Exception], match: str) -> None:
    """The error says what to do, the plan says the same, and nothing is written."""
    spec = SetSpec(name="s", chip_px=16, split=BANDS, tiles=TileRule(**({"tile_px": 32} | rule)))  # type: ignore[arg-type]
    with pytest.raises(error, match=match):
        build_from_spec(two_corners, spec)
    assert any(match in problem.message for problem in plan_training_set(two_corners, spec).errors)
    assert not Path(two_corners.layout.training_sets).exists()
