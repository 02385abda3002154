"""How far two people agree, against numbers counted by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from labkit.annotations import Document, agreement, new_object, overlap, rasterise_classes
from labkit.annotations.agreement import compare_documents, compare_with_gold, count_pairs
from labkit.annotations.records import document_bytes
from labkit.errors import Conflict, InvalidInput, NotFound
from labkit.formats.labels import write_labels
from labkit.geometry import Box, Mask, Point, Rectangle, Region
from labkit.project import Project
from labkit.testing.shapes import disc_labels, square_with_hole, star


@pytest.fixture
def ten(make_image):
    """Record an image of ten by ten pixels."""
    return make_image("ten", 10, 10)


def by(author, *objects, finished=True, image_id="ten"):
    return Document(image_id, author, completed_tasks=("finished",) if finished else (), objects=objects)


def cell(y0, x0, y1, x1, class_id=1, **facts):
    return new_object(Rectangle(y0, x0, y1, x1), class_id=class_id, **facts)


def test_kappa_iou_and_dice_are_those_counted_by_hand(project, ten):
    """50 pixels against 40 of them: agreed 0.9, by chance 0.5, so kappa 0.8; IoU 40/50, Dice 80/90."""
    found = compare_documents(by("Ada", cell(0, 0, 10, 5)), by("Grace", cell(0, 0, 10, 4)), ten, project.classes)
    row = found.classes[0]
    assert (found.first, found.second, found.known_px) == ("Ada", "Grace", 100)
    assert found.kappa == pytest.approx(0.8)
    assert (row.class_id, row.name, row.first_px, row.second_px) == (1, "cell", 50, 40)
    assert (row.iou, row.dice) == (pytest.approx(0.8), pytest.approx(80 / 90))


def test_kappa_of_three_values_is_that_counted_by_hand(project, ten):
    """Background, cell and debris in a table [[60, 5, 5], [5, 10, 0], [5, 0, 10]]."""
    first = by("Ada", cell(0, 0, 3, 5, 1), cell(0, 5, 3, 10, 2))
    second = by("Grace", cell(1, 0, 4, 5, 1), cell(1, 5, 4, 10, 2))
    by_chance = (70 * 70 + 15 * 15 + 15 * 15) / 100**2
    found = compare_documents(first, second, ten, project.classes)
    assert found.kappa == pytest.approx((0.8 - by_chance) / (1 - by_chance))
    assert [row.iou for row in found.classes] == [pytest.approx(10 / 20)] * 2


def test_a_class_that_both_lack_is_undefined(project, ten):
    """It is null, neither 0 nor 1; one that only one of them has is 0."""
    found = compare_documents(by("Ada", cell(0, 0, 5, 5)), by("Grace"), ten, project.classes)
    assert [(row.name, row.iou, row.dice) for row in found.classes] == [("cell", 0.0, 0.0), ("debris", None, None)]


def test_kappa_is_undefined_where_nothing_can_differ(project, ten):
    """Background everywhere in both, or no pixel that both know."""
    assert compare_documents(by("Ada"), by("Grace"), ten, project.classes).kappa is None
    found = compare_documents(by("Ada", finished=False), by("Grace"), ten, project.classes)
    assert (found.known_px, found.kappa) == (0, None)


def test_perfect_agreement_is_one(project, ten):
    """Kappa, IoU and Dice."""
    found = compare_documents(by("Ada", cell(0, 0, 4, 5)), by("Grace", cell(0, 0, 4, 5)), ten, project.classes)
    assert (found.kappa, found.classes[0].iou, found.classes[0].dice, found.objects.mean_iou) == (1, 1, 1, 1)


def test_unknown_pixels_are_left_out(project, ten):
    """Grace knows the left half only: there are 25 pixels of cell in Ada's and 20 in hers; Ada's right half is not looked at."""
    first = by("Ada", cell(0, 0, 5, 10))
    second = by("Grace", new_object(Rectangle(0, 0, 10, 5), kind="area"), cell(0, 0, 4, 5), finished=False)
    found = compare_documents(first, second, ten, project.classes)
    assert (found.known_px, found.classes[0].first_px, found.classes[0].second_px) == (50, 25, 20)
    assert found.classes[0].iou == pytest.approx(20 / 25)


def test_an_object_without_class_is_unknown(project, ten):
    """Its pixels do not count in the classes; as an object it is matched all the same."""
    found = compare_documents(by("Ada", cell(0, 0, 5, 10, None)), by("Grace", cell(0, 0, 5, 10)), ten, project.classes)
    assert (found.known_px, found.classes[0].first_px, found.classes[0].iou) == (50, 0, None)
    assert (found.objects.matched, found.objects.matched_same_class) == (1, 0)


def test_objects_match_one_to_one(project, make_image):
    """IoU 0.5 just matches, 0.49 does not; an object has one partner, the most similar one."""
    image = make_image("wide", 20, 200)
    first = by("Ada", cell(0, 0, 10, 10), cell(0, 20, 10, 30), cell(0, 40, 10, 51), cell(0, 80, 10, 90), image_id="wide")
    second = by(
        "Grace",
        cell(0, 0, 10, 5, 2),  # half of the first
        cell(0, 20, 10, 30),
        cell(0, 20, 10, 29),  # a second one over it
        cell(0, 40, 10, 45),  # 50 of 110 pixels
        image_id="wide",
    )
    objects = compare_documents(first, second, image, project.classes).objects
    assert (objects.matched, objects.matched_same_class, objects.missed, objects.extra) == (2, 1, 2, 2)
    assert objects.mean_iou == pytest.approx(0.75)


def test_an_object_where_the_other_has_not_looked_is_not_missed(project, ten):
    """Of three objects one lies where Grace knows, one half so, and one outside."""
    first = by("Ada", cell(0, 0, 2, 2), cell(4, 4, 6, 6), cell(8, 8, 10, 10))
    second = by("Grace", new_object(Rectangle(0, 0, 10, 5), kind="area"), finished=False)
    objects = compare_documents(first, second, ten, project.classes).objects
    assert (objects.missed, objects.unjudged, objects.mean_iou) == (2, 1, None)


def test_only_accepted_objects_count(project, ten):
    """Proposals and rejected objects are neither pixels nor objects."""
    wrong = [cell(0, 0, 9, 9, status=status) for status in ("proposed", "rejected")]
    found = compare_documents(by("Ada", *wrong, cell(0, 0, 2, 2)), by("Grace", cell(0, 0, 2, 2)), ten, project.classes)
    assert (found.kappa, found.objects.matched, found.objects.missed) == (1, 1, 0)


def test_a_class_that_the_project_lacks_is_named_by_number(project, ten):
    """It is added below the others."""
    found = compare_documents(by("Ada", cell(0, 0, 2, 2, 9)), by("Grace"), ten, project.classes)
    assert [row.name for row in found.classes] == ["cell", "debris", "class 9"]


def test_documents_of_two_images_are_not_compared(project, ten):
    """It is said whose is wrong."""
    with pytest.raises(Conflict, match="Grace"):
        compare_documents(by("Ada"), by("Grace", image_id="other"), ten, project.classes)


@pytest.mark.parametrize("seed", range(4))
def test_blocks_give_what_the_whole_picture_gives(monkeypatch, seed):
    """Whatever the size of blocks: holes, stars, masks, areas, points, unfinished documents."""
    rng = np.random.default_rng(seed)
    picture = Box(0, 0, 60, 90)

    def drawn(author):
        stars = [new_object(star(int(rng.integers(99)), tuple(rng.uniform(0, 80, 2)), (3, 15), 9), class_id=1 + k % 3) for k in range(6)]
        mask = new_object(Mask.from_array(disc_labels(seed, (40, 40), 3) > 0, 10, 30), class_id=2)
        area = new_object(Rectangle(*sorted(rng.uniform(0, 30, 2)), 55, 70), kind="area")
        return by(author, *stars, mask, area, new_object(square_with_hole(), class_id=None), new_object(Point(50, 80), class_id=3))

    for first, second in ((drawn("Ada"), drawn("Grace")), (drawn("Ada"), replace(drawn("Grace"), completed_tasks=()))):
        a, b = rasterise_classes(first, picture), rasterise_classes(second, picture)
        known = (a != 255) & (b != 255)
        expected = np.zeros((255, 255), dtype=np.int64)
        np.add.at(expected, (a[known], b[known]), 1)
        for size in (7, 32, 1024):
            monkeypatch.setattr(agreement, "BLOCK_PX", size)
            assert np.array_equal(count_pairs(first, second, picture), expected)


def test_objects_over_several_blocks_match(monkeypatch, project, ten):
    """The pixels of an object are added up over blocks."""
    for module in (agreement, overlap):
        monkeypatch.setattr(module, "BLOCK_PX", 3)
    objects = compare_documents(by("Ada", cell(0, 0, 10, 8)), by("Grace", cell(0, 0, 10, 10)), ten, project.classes).objects
    assert (objects.matched, objects.mean_iou) == (1, pytest.approx(0.8))


def test_a_large_picture_needs_little_memory(project, make_image):
    """20,000 x 20,000 pixels, most of them background: under 100 MB, not the 400 of one mask."""
    image = make_image("large", 20_000, 20_000)
    first, second = (by(name, cell(5000, 5000 + shift, 8000, 8000), image_id="large") for name, shift in (("Ada", 0), ("Grace", 30)))
    tracemalloc.start()
    found = compare_documents(first, second, image, project.classes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.known_px, found.classes[0].iou, found.objects.matched) == (20_000**2, pytest.approx(0.99), 1)
    assert peak < 100e6


# The reference


def test_a_reference_is_a_document_file(project, ten, tmp_path):
    """Its classes go by name: in the reference's project debris has the number 1."""
    other = Project.create(tmp_path / "other", "gold", classes=["debris", "cell", "vessel"])
    gold = by("Prof", cell(0, 0, 10, 4, 2), cell(0, 6, 1, 10, 3), image_id="elsewhere")
    path = tmp_path / "gold.geojson"
    path.write_bytes(document_bytes(gold, other.classes))
    found = compare_with_gold(by("Ada", cell(0, 0, 10, 5)), path, ten, project.classes)
    assert (found.first, found.second, found.known_px) == ("Ada", "gold", 100)
    assert [(row.name, row.first_px, row.second_px) for row in found.classes] == [("cell", 50, 40), ("debris", 0, 0), ("vessel", 0, 4)]
    assert found.classes[0].iou == pytest.approx(0.8)


def test_a_reference_is_a_label_image(project, ten, tmp_path):
    """It is finished; its objects are of the class that is named."""
    labels = np.zeros((10, 10), dtype=np.uint8)
    labels[:, :4], labels[0, 9] = 3, 7
    path = tmp_path / "gold.png"
    write_labels(path, labels.shape, np.uint8, lambda box: labels[box.slices])
    found = compare_with_gold(by("Ada", cell(0, 0, 10, 5)), path, ten, project.classes, class_name="cell")
    assert (found.classes[0].iou, found.known_px) == (pytest.approx(40 / 51), 100)
    assert (found.objects.matched, found.objects.extra) == (1, 1)
    with pytest.raises(InvalidInput):
        compare_with_gold(by("Ada"), path, ten, project.classes)
    with pytest.raises(NotFound):
        compare_with_gold(by("Ada"), path, ten, project.classes, class_name="nucleus")


def test_a_reference_of_another_picture_is_refused(project, ten, tmp_path):
    """Sizes must fit; a file that is not there is named."""
    labels = np.ones((4, 4), dtype=np.uint8)
    path = tmp_path / "gold.npy"
    np.save(path, labels)
    with pytest.raises(InvalidInput, match="4 x 4"):
        compare_with_gold(by("Ada"), path, ten, project.classes, class_name="cell")
    with pytest.raises(NotFound):
        compare_with_gold(by("Ada"), tmp_path / "none.geojson", ten, project.classes)


def test_the_reference_is_left_as_it_is(project, ten, tmp_path):
    """Nothing is added to the project."""
    path = tmp_path / "gold.geojson"
    path.write_bytes(document_bytes(by("Prof", new_object(Region((np.array([(0, 0), (0, 4), (4, 4)]),)), class_id=1)), project.classes))
    before = path.read_bytes()
    compare_with_gold(by("Ada"), path, ten, project.classes)
    assert path.read_bytes() == before
    assert not project.layout.annotations.exists()
