"""A plan says what a build gives and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from labkit.annotations import IGNORE, change_state, new_object, open_document, save_document
from labkit.compute import ComputeSpec
from labkit.datasets import (
    PARTS,
    PartBox,
    SetSpec,
    SplitSpec,
    TileRule,
    build_from_spec,
    plan_training_set,
    resolve_split,
    sample_chips,
)
from labkit.datasets.identical import identical_pictures
from labkit.errors import Cancelled, LabKitError
from labkit.events import CancelToken, Event, Progress
from labkit.geometry import Point, Rectangle
from labkit.project import Project
from labkit.storage import file_sha256
from labkit.testing.commands import files_in
from labkit.testing.learning import annotated_image
from labkit.testing.pictures import noise_picture, write_png, write_tiff
from labkit.tiling import import_image, open_image

from .conftest import Drawer

BANDS = SplitSpec(kind="bands", gap_px=8)


def box(*edges: float, class_id: int | None = 1, status: str = "accepted") -> object:
    return new_object(Rectangle(*edges), class_id=class_id, status=status)  # type: ignore[arg-type]


def codes(project: Project, **wish: object) -> set[str]:
    spec = SetSpec.model_validate({"name": "s", "chip_px": 16, "split": BANDS} | wish)
    return {problem.code for problem in plan_training_set(project, spec).problems}


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("bands", {}),
        ("blocks", {"kind": "number", "count": 5, "tile_px": 32}),
        ("blocks", {"kind": "annotated", "min_coverage": 0.5}),
    ],
)
def test_a_plan_is_what_is_built(project: Project, tmp_path: Path, kind: str, rule: dict[str, object]) -> None:
    """Chips, pixels of each class, objects, dropped chips and boxes are equal; the size is right within a tenth; nothing is written."""
    annotated_image(project, tmp_path)
    annotated_image(project, tmp_path, seed=1, height_px=300, width_px=220)
    spec = SetSpec(name="s", chip_px=32, split=SplitSpec(kind=kind, gap_px=8), tiles=TileRule(**rule))  # type: ignore[arg-type]
    before = files_in(project.path)
    plan = plan_training_set(project, spec)
    assert files_in(project.path) == before
    data = build_from_spec(project, spec)
    assert (plan.parts, plan.boxes, plan.dropped_chips) == (data.record.parts, data.record.split, data.record.dropped_chips)
    size = sum(path.stat().st_size for path in data.layout.root.rglob("*") if path.is_file())
    assert plan.size_bytes == pytest.approx(size, rel=0.1)


def test_a_plan_knows_each_tile(project: Project, drawn: Drawer) -> None:
    """Coverage, classes and part of a tile of a band."""
    drawn("a", box(0, 0, 16, 32), new_object(Rectangle(0, 0, 32, 32), kind="area"))
    [image] = plan_training_set(project, SetSpec(name="s", chip_px=16, split=BANDS, tiles=TileRule(tile_px=32))).images
    assert (image.coverage[:2], image.classes[:2]) == ((100, 0), ((0, 1), ()))
    assert image.part[0] == "train"
    assert image.part[4] == "test"
    assert image.chosen[:2] == (True, False)
    assert (image.author, image.state, image.group) == ("tester", "to-annotate", "")


# Problems by name


def test_a_good_set_has_no_problem(project: Project, drawn: Drawer) -> None:
    """Five reviewed pictures with objects of all classes."""
    for name in "abc":
        record = drawn(name, *(box(y, x, y + 12, x + 12) for y in range(2, 120, 30) for x in range(2, 150, 30)), finished=True)
        for state in ("in-review", "accepted"):
            change_state(project, record.id, "tester", state, by="Ada")
    assert codes(project, split=SplitSpec(kind="images")) == set()


def test_problems_of_annotations(project: Project, drawn: Drawer) -> None:
    """A class nobody drew, an object without class, a proposal, a speck, a point, and nobody reviewed it."""
    project.add_classes(["axon"])
    point = new_object(Point(50.0, 50.0), class_id=1)
    drawn("a", box(0, 0, 20, 20), box(30, 0, 40, 9, class_id=None), box(60, 0, 61, 1), box(70, 0, 80, 9, status="proposed"), point)
    found = codes(project)
    assert {"class-without-objects", "no-class", "proposals", "tiny-objects", "points", "not-reviewed", "one-image"} <= found


def test_a_class_that_a_part_lacks_is_named(project: Project, drawn: Drawer) -> None:
    """What is only at the left cannot be measured at the right."""
    drawn("a", box(0, 0, 20, 20), finished=True)
    [test] = [p for p in plan_training_set(project, SetSpec(name="s", chip_px=16, split=BANDS)).problems if p.code == "class-not-in-test"]
    assert "nucleus" in test.message
    assert "class-not-in-val" in codes(project)


def test_a_part_without_annotations_is_named(project: Project, drawn: Drawer) -> None:
    """Nobody looked at the right of the picture."""
    drawn("a", box(0, 0, 20, 20))
    assert {"empty-val", "empty-test"} <= codes(project)


def test_a_rare_class_is_named(project: Project, drawn: Drawer) -> None:
    """One pixel in more than a hundred."""
    drawn("a", box(0, 0, 6, 6), finished=True)
    assert "imbalance" in codes(project, split=SplitSpec(kind="boxes", boxes=_one_box(project)))


def _one_box(project: Project) -> tuple[PartBox, ...]:
    return (PartBox(image=project.images()[0].id, part="train", box=(0, 0, 128, 160)),)


def test_chips_larger_than_the_image_are_named(project: Project, drawn: Drawer) -> None:
    """They are built, and mostly empty."""
    drawn("a", box(0, 0, 20, 20), size=(64, 200), finished=True)
    assert "chip-larger-than-image" in codes(project, chip_px=128)


def test_pixels_of_different_sizes_are_named(project: Project, drawn: Drawer) -> None:
    """Half a micrometre and a quarter; and one that says nothing."""
    for name, size in (("a", (0.5, 0.5)), ("b", (0.25, 0.25)), ("c", None)):
        drawn(name, finished=True, pixel_size_um=size)
    assert {"pixel-sizes-differ", "pixel-size-unknown"} <= codes(project)


def test_groups_that_leak_are_named(project: Project, drawn: Drawer) -> None:
    """Images of one slide in two parts; a split by slides mends it, and names the images of unknown slides."""
    for name in "abcd":
        drawn(name, finished=True)
    for name in "ab":
        project.set_group(f"{name}.tif", "slide", "7")
    assert any("group-in-several-parts" in codes(project, split=SplitSpec(kind="images", seed=seed)) for seed in range(8))
    by_slide = codes(project, split=SplitSpec(kind="groups", group="slide"))
    assert "group-in-several-parts" not in by_slide
    assert "no-group" in by_slide


def test_parts_that_touch_are_named(project: Project, drawn: Drawer) -> None:
    """Boxes by hand side by side."""
    image = drawn("a", finished=True)
    boxes = (PartBox(image=image.id, part="train", box=(0, 0, 128, 80)), PartBox(image=image.id, part="test", box=(0, 80, 128, 160)))
    assert "parts-touch" in codes(project, split=SplitSpec(kind="boxes", boxes=boxes))


def test_every_problem_says_what_to_do(project: Project, drawn: Drawer) -> None:
    """No hint is empty, whatever is wrong."""
    drawn("a", box(0, 0, 1, 1), new_object(Point(3.0, 3.0), class_id=1))
    plan = plan_training_set(project, SetSpec(name="s", chip_px=1000, split=SplitSpec(kind="bands", gap_px=0)))
    assert len(plan.problems) > 4
    assert all(problem.hint and problem.message for problem in plan.problems)


def test_a_disk_without_room_is_named(project: Project, drawn: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written."""
    drawn("a", finished=True)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=20_000))
    assert "little-room" in codes(project)


# What is refused


def no_annotation(project: Project, drawn: Drawer, folder: Path) -> None:
    import_image(project, write_png(folder / "empty.png", noise_picture(60, 60)))


def two_kinds(project: Project, drawn: Drawer, folder: Path) -> None:
    drawn("a", finished=True)
    colour = import_image(project, write_png(folder / "colour.png", noise_picture(60, 60, channels=3)))
    save_document(project, open_document(project, colour.id, "tester").with_task())


def broken_document(project: Project, drawn: Drawer, folder: Path) -> None:
    image = drawn("a", finished=True)
    project.layout.annotation(image.id, "tester").snapshot.write_text("{")


def only_right(project: Project, drawn: Drawer, folder: Path) -> None:
    drawn("a", box(0, 140, 20, 160))


def stack(project: Project, drawn: Drawer, folder: Path) -> None:
    record = import_image(project, write_tiff(folder / "stack.tif", np.zeros((3, 64, 64), np.uint8), tile_px=64), answers={"pages": "z"})
    save_document(project, open_document(project, record.id, "tester").with_task())


def finished(project: Project, drawn: Drawer, folder: Path) -> None:
    drawn("a", finished=True)


@pytest.mark.parametrize(
    ("given", "wish", "code"),
    [
        (no_annotation, {}, "nothing-annotated"),
        (two_kinds, {}, "different-kinds"),
        (broken_document, {}, "unreadable"),
        (only_right, {}, "nothing-to-train-on"),
        (stack, {}, "stack"),
        (finished, {"name": "a@b"}, "name"),
        (finished, {"name": "a/b"}, "name"),
        (finished, {"chip_px": 8}, "chip-size"),
        (finished, {"images": ("nothing",)}, "unknown-image"),
        (finished, {"split": SplitSpec(kind="images")}, "split"),
        (finished, {"split": SplitSpec(kind="groups", group="slide")}, "split"),
        (finished, {"split": SplitSpec(kind="bands", gap_px=1000)}, "split"),
        (finished, {"split": SplitSpec(kind="blocks", gap_px=1000)}, "split"),
        (finished, {"tiles": TileRule(kind="classes", classes=("nothing",))}, "unknown-class"),
        (finished, {"tiles": TileRule(kind="number")}, "tiles"),
    ],
)
def test_what_a_plan_calls_an_error_is_what_a_build_refuses(
    project: Project, drawn: Drawer, tmp_path: Path, given: Callable[..., None], wish: dict[str, object], code: str
) -> None:
    """The same words, and nothing is left."""
    given(project, drawn, tmp_path)
    spec = SetSpec.model_validate({"name": "s", "chip_px": 16, "split": BANDS} | wish)
    errors = plan_training_set(project, spec).errors
    assert errors[0].code == code
    with pytest.raises(LabKitError) as caught:
        build_from_spec(project, spec)
    assert (caught.value.message, caught.value.hint) == (errors[0].message, errors[0].hint)
    assert caught.value.hint
    assert not project.layout.training_sets.is_dir() or list(project.layout.training_sets.iterdir()) == []


# Whose annotations


def test_of_anybody_the_consensus_or_the_accepted_or_the_only_one_counts(project: Project, drawn: Drawer) -> None:
    """Where it is open who is right, the set is refused."""
    drawn("a", finished=True, author="Ada")
    drawn("b", finished=True, author="Ada")
    drawn("b", finished=True, author="consensus")
    image = drawn("c", finished=True, author="Ada")
    drawn("c", finished=True, author="Bob")
    spec = SetSpec(name="s", chip_px=16, author="*", split=SplitSpec(kind="auto", group="author", fractions=(0.5, 0.0, 0.5)))
    [error] = plan_training_set(project, spec).errors
    assert (error.code, "Ada, Bob" in error.message) == ("several-authors", True)
    for state in ("in-review", "accepted"):
        change_state(project, image.id, "Bob", state, by="Ada")
    plan = plan_training_set(project, spec)
    assert [item.author for item in plan.images] == ["Ada", "consensus", "Bob"]
    assert [item.group for item in plan.images] == ["Ada", "consensus", "Bob"]


# Pixels that are there twice


def test_identical_pixels_under_two_files_are_never_in_two_parts(project: Project, tmp_path: Path) -> None:
    """The same picture as PNG and as TIFF, among others, for many seeds; and the plan says so."""
    picture = noise_picture(96, 96)
    write_png(tmp_path / "first.png", picture)
    write_tiff(tmp_path / "second.tif", picture, tile_px=32)
    others = [write_png(tmp_path / f"other {k}.png", noise_picture(96, 96, seed=k + 1)) for k in range(2)]
    assert file_sha256(tmp_path / "first.png") != file_sha256(tmp_path / "second.tif")
    for path in (tmp_path / "first.png", tmp_path / "second.tif", *others):
        record = import_image(project, path)
        save_document(project, open_document(project, record.id, "tester").with_task())
    records = {record.name: record for record in project.images()}
    same = identical_pictures(project, list(records.values()))
    for seed in range(40):
        boxes = resolve_split(list(records.values()), SplitSpec(kind="images", seed=seed), pictures=same)
        where = {item.image: item.part for item in boxes}
        assert where[records["first.png"].id] == where[records["second.tif"].id]
        assert set(where.values()) == set(PARTS)
    assert "same-picture" in codes(project, split=SplitSpec(kind="images"))


def test_pictures_that_only_look_alike_from_afar_are_two(project: Project, tmp_path: Path) -> None:
    """One pixel less bright: the same size and nearly the same small level, and yet another picture."""
    picture = noise_picture(700, 700)
    other = picture.copy()
    other[3, 3] ^= 1
    records = [import_image(project, write_png(tmp_path / f"{k}.png", pixels)) for k, pixels in enumerate((picture, other))]
    names = identical_pictures(project, records)
    assert len(set(names.values())) == 2


# Leaks: report R18


def test_four_images_are_split_without_a_leak_and_stay_where_they_are(project: Project, drawn: Drawer) -> None:
    """4 images of 25 tiles, 60/20/20: no image in two parts; a new annotation moves nothing; a new image moves at most one a cut."""
    for name in "abcd":
        drawn(name, box(0, 0, 20, 20), size=(160, 160), finished=True)
    spec = SetSpec(name="s", chip_px=32, split=SplitSpec(kind="images", seed=5), tiles=TileRule(tile_px=32))
    before = plan_training_set(project, spec)
    assert [image.rows * image.columns for image in before.images] == [25] * 4
    where = {item.image: item.part for item in before.boxes}
    assert (len(before.boxes), sorted(where.values())) == (4, ["test", "train", "train", "val"])
    drawn("b", box(50, 50, 90, 90))
    assert plan_training_set(project, spec).boxes == before.boxes
    drawn("e", size=(160, 160), finished=True)
    after = {item.image: item.part for item in plan_training_set(project, spec).boxes}
    assert sum(where[image] != after[image] for image in where) <= 2


def test_no_pixel_of_a_single_image_is_near_another_part(project: Project, tmp_path: Path) -> None:
    """Of the chips themselves: known pixels of two parts are further apart than the gap, and every known value is a class."""
    record = annotated_image(project, tmp_path, height_px=260, width_px=330)
    data = build_from_spec(project, SetSpec(name="s", chip_px=32, split=SplitSpec(gap_px=20)))
    owner = np.zeros((260 + 64, 330 + 64), np.uint8)
    for number, part in enumerate(PARTS, 1):
        chips = data.chips(part)
        assert set(np.unique(chips.masks)) <= {0, 1, IGNORE}
        for mask, (_, y, x) in zip(chips.masks, chips.positions, strict=True):
            owner[y : y + 32, x : x + 32][mask != IGNORE] = number
    assert record.id
    near = [owner[:, :-k] * owner[:, k:] for k in range(1, 21)] + [owner[:-k] * owner[k:] for k in range(1, 21)]
    assert {int(value) for product in near for value in np.unique(product)} <= {0, 1, 4, 9}, "products of two different parts"


def test_masks_hold_classes_and_unknown_and_nothing_between(project: Project, drawn: Drawer) -> None:
    """Report R19: with the classes 2 and 7, whatever the chips and tiles, the values are 0, 2, 7 and 255."""
    project.add_classes([f"class {number}" for number in range(2, 8)])
    colours = (box(3, 3, 50, 90, class_id=2), box(40, 60, 90, 140, class_id=7), box(70, 5, 100, 50, class_id=None))
    drawn("a", new_object(Rectangle(0, 0, 110, 150), kind="area"), *colours)
    tiles = TileRule(kind="number", count=14, tile_px=24)
    data = build_from_spec(project, SetSpec(name="s", chip_px=48, split=SplitSpec(kind="blocks", gap_px=3), tiles=tiles))
    values = {int(value) for part in PARTS for value in np.unique(data.chips(part).masks)}
    assert values == {0, 2, 7, IGNORE}


# Where the work is done


@pytest.mark.ci
def test_a_cluster_makes_the_same_set_bit_for_bit(project: Project, tmp_path: Path) -> None:
    """Threads, one or several, and the processes of a Dask cluster: the same files with the same bytes."""
    annotated_image(project, tmp_path, height_px=200, width_px=260)
    spec = SetSpec(name="threads", chip_px=32, split=SplitSpec(gap_px=8), tiles=TileRule(kind="annotated", tile_px=64))
    stores = []
    for name, compute in (("one", ComputeSpec("threads", 1)), ("many", ComputeSpec("threads", 5)), ("dask", ComputeSpec("dask", 2))):
        data = build_from_spec(project, spec.model_copy(update={"name": name}), compute=compute)
        stores.append((data.record.hash, files_in(data.layout.store)))
    assert stores[0] == stores[1] == stores[2]


def test_cancelling_leaves_nothing(project: Project, tmp_path: Path) -> None:
    """Whenever it comes: after the first, or after many chips."""
    annotated_image(project, tmp_path)
    for after in (1, 3):
        cancel, seen = CancelToken(), []

        def stop(event: Event, cancel: CancelToken = cancel, seen: list[Event] = seen, after: int = after) -> None:
            seen.append(event)
            if isinstance(event, Progress) and len(seen) >= after:
                cancel.cancel()

        with pytest.raises(Cancelled):
            build_from_spec(project, SetSpec(name="s", chip_px=16, split=BANDS), on_event=stop, cancel=cancel)
        assert list(project.layout.training_sets.iterdir()) == []


# The preview


def test_sample_chips_are_chips_of_the_train_part(project: Project, tmp_path: Path) -> None:
    """As many as asked, with objects first, the picture's pixels, the same for the same seed; nothing is written."""
    image = annotated_image(project, tmp_path)
    spec, before = SetSpec(name="s", chip_px=32, split=BANDS), files_in(project.path)
    chips = sample_chips(project, spec, count=3, seed=1)
    whole = open_image(project, image.id).read()
    for pixels, objects, (_, y, x) in zip(chips.pixels, chips.objects, chips.positions, strict=True):
        np.testing.assert_array_equal(pixels[0], whole[y : y + 32, x : x + 32])
        assert objects.any()
    assert len(chips) == 3
    np.testing.assert_array_equal(sample_chips(project, spec, count=3, seed=1).positions, chips.positions)
    assert files_in(project.path) == before
