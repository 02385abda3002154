"""Training sets hold what was annotated, and nothing leaks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labkit.annotations import Editor, new_object, open_document, save_document
from labkit.annotations.edits import put
from labkit.datasets import IGNORE, PartBox, SplitSpec, TrainingSet, build_training_set, chip_boxes, list_training_sets, open_training_set
from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.geometry import Box, Rectangle
from labkit.project import ImageRecord, Project
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.testing.pictures import write_tiff
from labkit.tiling import import_image, open_image


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    """A finished image of 128 x 160 px."""
    return annotated_image(project, tmp_path)


@pytest.fixture
def data(project: Project, image: ImageRecord) -> TrainingSet:
    """Its training set in bands, with chips of 32 px."""
    return tiny_training_set(project)


def test_chips_are_the_pictures_pixels(project: Project, image: ImageRecord, data: TrainingSet) -> None:
    """Each train chip equals the picture at its position."""
    whole, chips = open_image(project, image.id).read(), data.chips("train")
    for pixels, (_, y, x) in zip(chips.pixels, chips.positions, strict=True):
        assert (pixels[0] == whole[y : y + 32, x : x + 32]).all()


def test_no_known_pixel_is_in_two_parts(data: TrainingSet) -> None:
    """What reaches beyond its part's box is ignored, so the parts' known pixels are apart, with the gap between."""
    known = {}
    for part in ("train", "val", "test"):
        columns = np.zeros(160 + 64, bool)
        chips = data.chips(part)  # type: ignore[arg-type]
        for mask, (_, _, x) in zip(chips.masks, chips.positions, strict=True):
            columns[x : x + 32] |= (mask != IGNORE).any(axis=0)
        known[part] = np.flatnonzero(columns)
    assert known["val"].min() - known["train"].max() == known["test"].min() - known["val"].max() == 8 + 1


def test_every_pixel_of_val_and_test_counts_once(data: TrainingSet) -> None:
    """Known pixels of a measured part are as many as its box has."""
    for part in ("val", "test"):
        (box,) = (b.as_box for b in data.record.split if b.part == part)
        assert int((data.chips(part).masks != IGNORE).sum()) == box.area_px  # type: ignore[arg-type]


def test_building_again_gives_the_same_set(project: Project, data: TrainingSet) -> None:
    """The name is that of the content; nothing is written twice."""
    assert tiny_training_set(project).key == data.key
    assert len(list_training_sets(project)) == 1


def test_the_same_content_in_another_project_has_the_same_hash(data: TrainingSet, tmp_path: Path) -> None:
    """Ids, paths and times are left out."""
    other = Project.create(tmp_path / "elsewhere", "other", classes=["nucleus"])
    annotated_image(other, tmp_path)
    assert tiny_training_set(other).record.hash == data.record.hash


def test_a_new_annotation_gives_a_new_set_with_the_same_split(project: Project, image: ImageRecord, data: TrainingSet) -> None:
    """The old one stays as it is."""
    document = open_document(project, image.id, "tester")
    save_document(project, document.with_object(new_object(Rectangle(2, 2, 9, 9), class_id=1, author="tester")))
    newer = tiny_training_set(project)
    assert newer.record.hash != data.record.hash
    assert newer.record.split == data.record.split
    assert open_training_set(project, "nuclei").key == newer.key


def test_grey_values_are_scaled_by_the_train_part_alone(project: Project, image: ImageRecord, tmp_path: Path) -> None:
    """A bright test band does not change the scale."""
    pixels = open_image(project, image.id).read()
    brighter = pixels.copy()
    brighter[:, 120:] = brighter[:, 120:] // 2 + 100
    scales = []
    for number, picture in enumerate((pixels, brighter)):
        other = Project.create(tmp_path / str(number), "p", classes=["nucleus"])
        record = import_image(other, write_tiff(tmp_path / f"{number}.tif", picture, tile_px=64))
        save_document(other, open_document(other, record.id, "tester").with_task())
        boxes = (PartBox(image=record.id, part="train", box=(0, 0, 128, 96)), PartBox(image=record.id, part="test", box=(0, 120, 128, 160)))
        scales.append(build_training_set(other, "s", chip_px=32, split=SplitSpec(kind="boxes", boxes=boxes)).record.normalisation)
    assert scales[0] == scales[1]


def test_where_nobody_looked_is_ignored(project: Project, tmp_path: Path) -> None:
    """In an unfinished image only the annotated area is known; chips without a known pixel are dropped and counted."""
    record = import_image(project, write_tiff(tmp_path / "a.tif", np.zeros((64, 256), np.uint8), tile_px=64))
    area = new_object(Rectangle(0, 0, 64, 40), kind="area", author="tester")
    save_document(project, open_document(project, record.id, "tester").with_object(area))
    data = build_training_set(project, "s", chip_px=32, split=SplitSpec(kind="bands", gap_px=8))
    assert data.record.parts["train"].pixels == {0: int((data.chips("train").masks == 0).sum())}
    assert (data.record.parts["val"].chips, data.record.dropped_chips > 0) == (0, True)


def test_an_image_that_nobody_annotated_makes_no_set(project: Project, tmp_path: Path) -> None:
    """The error says whose annotations are missing, and nothing is left."""
    import_image(project, write_tiff(tmp_path / "a.tif", np.zeros((64, 64), np.uint8), tile_px=64))
    with pytest.raises(InvalidInput, match="tester"):
        build_training_set(project, "s")
    assert list_training_sets(project) == ()


def test_images_of_two_kinds_make_no_set(project: Project, image: ImageRecord, tmp_path: Path) -> None:
    """A grey and a colour image cannot be learned from together."""
    colour = import_image(project, write_tiff(tmp_path / "c.tif", np.zeros((64, 64, 3), np.uint8), tile_px=64))
    save_document(project, open_document(project, colour.id, "tester").with_task())
    with pytest.raises(InvalidInput, match="channel"):
        build_training_set(project, "s", chip_px=32)
    assert not project.layout.training_sets.exists()


def test_a_lost_store_is_said(data: TrainingSet) -> None:
    """The error names the set and what to do."""
    for path in (data.layout.store / "train" / "chips").rglob("zarr.json"):
        path.unlink()
    with pytest.raises(CorruptStore, match=r"nuclei@"):
        data.chips("train")


def test_an_unknown_set_lists_the_known_ones(project: Project, data: TrainingSet) -> None:
    """The hint helps."""
    with pytest.raises(NotFound) as caught:
        open_training_set(project, "other")
    assert data.key in caught.value.hint


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("shape", [(32, 32), (33, 70), (10, 200), (31, 31)])
def test_chips_cover_their_box(shape: tuple[int, int], overlap: bool) -> None:
    """Every pixel is in a chip; without overlap, in exactly one."""
    count = np.zeros((300, 300), int)
    for chip in chip_boxes(Box.of_shape(*shape), 32, overlap=overlap):
        count[chip.slices] += 1
    inside = count[: shape[0], : shape[1]]
    assert inside.min() >= 1
    assert overlap or inside.max() == 1


def built(project: Project, make: Callable[[], TrainingSet]) -> list[str]:
    make()
    return [p.name for p in project.layout.training_sets.iterdir()]


def test_nothing_but_the_set_is_left(project: Project, image: ImageRecord) -> None:
    """No temporary neighbour stays."""
    assert all("@" in name for name in built(project, lambda: tiny_training_set(project)))


def test_a_drawing_that_is_only_journalled_is_learnt_from(tmp_path: Path) -> None:
    """What the annotator has acknowledged counts, whether or not a snapshot was written; saving again makes no other set."""
    project = Project.create(tmp_path, "cells", classes=["nucleus"])
    image = annotated_image(project, tmp_path, height_px=203, width_px=270)
    before = tiny_training_set(project)
    editor = Editor(project, image.id)
    editor.apply(put(new_object(Rectangle(0, 0, 60, 60), class_id=1)))
    after = tiny_training_set(project)
    editor.close()
    assert after.record.hash != before.record.hash
    assert tiny_training_set(project).record.hash == after.record.hash
