"""COCO instances: pixels and numbers are exact, ids stay, and nothing that COCO cannot hold goes missing without a word."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.formats.coco import is_coco, read_coco, write_coco
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Feature
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, outline_of, rasterise
from labkit.testing.shapes import lake_with_island, square, square_with_hole

PICTURE = Picture("Capture_décran.png", 10, 12)
OWN = "{:08d}-2222-4333-8444-000000000000"


def features(*shapes, class_name="c", **more):
    return tuple(Feature(shape, OWN.format(k), class_name, **more) for k, shape in enumerate(shapes, 1))


def write(items, picture=PICTURE, names=("a", "b", "c"), tell=lambda text: None):
    return json.loads(write_coco(items, picture, names, tell, target="f.json"))


def read(root, picture=PICTURE):
    return read_coco(root, picture, name="f.json")


def file_of(*annotations, **image):
    records = [{"id": k, "image_id": 1, "category_id": 3} | record for k, record in enumerate(annotations, 1)]
    images = [{"id": 1, "file_name": PICTURE.name, "width": 12, "height": 10} | image]
    return {"images": images, "categories": [{"id": 3, "name": "cell"}], "annotations": records}


def inside(shape, picture=PICTURE):
    return rasterise(shape, picture.box)


def test_a_square_has_the_area_and_the_box_that_it_has():
    """(1, 1) to (4, 4) is 9 pixels and the box 1, 1, 3, 3."""
    (record,) = write(features(Region((square(1, 1, 4, 4),))))["annotations"]
    assert (record["area"], record["bbox"], record["iscrowd"]) == (9, [1, 1, 3, 3], 0)
    assert record["segmentation"] == [[1, 1, 4, 1, 4, 4, 1, 4]]


def test_a_box_keeps_its_numbers():
    """X 10, y 20, width 30, height 20 in a picture of 100 x 50."""
    picture = Picture("a.png", 50, 100)
    root = write(features(Rectangle(20, 10, 40, 40)), picture)
    assert root["annotations"][0]["bbox"] == [10, 20, 30, 20]
    assert read(root, picture).features[0].shape == Rectangle(20, 10, 40, 40)


@pytest.mark.parametrize(("shape", "area"), [(square_with_hole(), 48), (lake_with_island(), 96)])
def test_holes_are_kept_as_run_lengths(shape, area):
    """Two polygons of COCO are a union (64 pixels): a hole is only exact as run lengths, and is one instance."""
    picture = Picture("a.png", 12, 12)
    told = []
    root = write(features(shape), picture, tell=told.append)
    (record,) = root["annotations"]
    assert (record["area"], record["segmentation"]["size"], isinstance(record["segmentation"]["counts"], str)) == (area, [12, 12], True)
    assert np.array_equal(inside(read(root, picture).features[0].shape, picture), inside(shape, picture))
    assert len(told) == 1
    assert OWN.format(1) in told[0]


def test_an_object_of_two_parts_is_one_annotation_of_two_polygons():
    """Two squares of 3 x 3, five pixels apart: 18 pixels, and the same object back."""
    parts = Region((square(1, 1, 4, 4), square(1, 9, 4, 12)))
    root = write(features(parts))
    (record,) = root["annotations"]
    assert (record["area"], len(record["segmentation"])) == (18, 2)
    assert read(root).features[0].shape == parts


def test_rings_that_overlap_are_not_made_a_union():
    """What they share is a hole here, and stays one."""
    crossed = Region((square(1, 1, 5, 5), square(3, 3, 7, 7)))
    root = write(features(crossed))
    assert root["annotations"][0]["area"] == 24
    assert np.array_equal(inside(read(root).features[0].shape), inside(crossed))


def test_polygons_of_a_foreign_file_are_a_union():
    """Two squares of 16 pixels that share 4 are 28, not 24; parts that do not share pixels stay polygons."""
    a, b, c = [1, 1, 5, 1, 5, 5, 1, 5], [3, 3, 7, 3, 7, 7, 3, 7], [8.5, 1, 11, 1, 11, 2.5]
    overlapping, apart = read(file_of({"segmentation": [a, b]}, {"segmentation": [a, c]})).features
    assert int(inside(overlapping.shape).sum()) == 28
    assert isinstance(apart.shape, Region)
    assert len(apart.shape.rings) == 2


def test_polygons_that_interlock_without_sharing_a_pixel_stay_polygons():
    """An L around a square: their boxes overlap, they do not."""
    ell, inner = [0, 0, 6, 0, 6, 2, 2, 2, 2, 6, 0, 6], [3, 3, 6, 3, 6, 6, 3, 6]
    (feature,) = read(file_of({"segmentation": [ell, inner]})).features
    assert isinstance(feature.shape, Region)
    assert int(inside(feature.shape).sum()) == 20 + 9


@pytest.mark.parametrize(
    "inner", [Region((square(2, 3, 3, 4),)), Region((square(2, 3, 3, 5),)), Mask.from_array(np.eye(4, dtype=bool), 2, 3)]
)
def test_the_smallest_objects_come_back(inner):
    """One pixel, two pixels, and a diagonal line of single pixels."""
    root = write(features(inner))
    assert root["annotations"][0]["area"] == int(inside(inner).sum())
    assert np.array_equal(inside(read(root).features[0].shape), inside(inner))


def test_an_object_without_a_pixel_is_kept_and_named():
    """A polygon from 2.1 to 2.4 has area 0; it neither disappears nor stops the others."""
    told = []
    tiny = Region((square(2.1, 2.1, 2.4, 2.4),))
    root = write(features(tiny, Rectangle(1, 1, 4, 4)), tell=told.append)
    assert [record["area"] for record in root["annotations"]] == [0, 9]
    assert outline_of(read(root).features[0].shape) == tiny
    assert told == [f"object {OWN.format(1)} covers the centre of no pixel: its area is 0 in f.json"]


def test_an_object_is_clipped_at_the_border_and_none_of_its_vertices_moved():
    """The triangle (-10, 5) (5, -10) (5, 5) has 25 pixels in the picture; moving its vertices to the border gives 12.5."""
    told = []
    triangle = Region((np.array([(5.0, -10.0), (-10.0, 5.0), (5.0, 5.0)]),))
    root = write(features(triangle, Region((square(-9, -9, -2, -2),)), Rectangle(8, 8, 20, 20)), tell=told.append)
    assert [(record["area"], record["bbox"]) for record in root["annotations"]] == [(25, [0, 0, 5, 5]), (8, [8, 8, 4, 2])]
    back = read(root).features[0].shape
    assert np.array_equal(inside(back), inside(triangle))
    assert [OWN.format(k) in text for k, text in zip((1, 2, 3), told, strict=True)] == [True] * 3
    assert "outside the image" in told[1]


def test_categories_are_all_classes_in_their_order():
    """Ids from 1, also of classes that nothing has; they do not change when an object goes."""
    two = write(features(Rectangle(1, 1, 4, 4), Rectangle(5, 5, 7, 7)))
    one = write(features(Rectangle(1, 1, 4, 4)))
    assert [(c["id"], c["name"]) for c in two["categories"]] == [(1, "a"), (2, "b"), (3, "c")]
    assert one["categories"] == two["categories"]
    assert one["annotations"][0] == two["annotations"][0]
    assert one["annotations"][0]["category_id"] == 3


def test_ids_of_annotations_follow_from_the_object_alone():
    """They are whole numbers that JavaScript holds, differ, and stay when other objects go."""
    three = features(*(Rectangle(1, 1, 4, k) for k in (4, 5, 6)))
    ids = [record["id"] for record in write(three)["annotations"]]
    assert len(set(ids)) == 3
    assert all(0 < k < 2**53 for k in ids)
    assert [record["id"] for record in write(three[2:])["annotations"]] == ids[2:]


def test_repeated_files_are_byte_identical_and_in_utf_8():
    """Names as they are, no escapes."""
    items = features(square_with_hole(), class_name='Zellkern-ß 細胞/"\n')
    data = write_coco(items, PICTURE, ["a", 'Zellkern-ß 細胞/"\n'], lambda text: None)
    assert data == write_coco(items, PICTURE, ["a", 'Zellkern-ß 細胞/"\n'], lambda text: None)
    assert "細胞".encode() in data
    assert PICTURE.name.encode() in data
    assert read(json.loads(data)).features[0].class_name == 'Zellkern-ß 細胞/"\n'


def test_what_cannot_be_in_the_file_is_named():
    """What has no class or is no object is left out; plane, attributes and source are lost; an ellipse is a polygon."""
    told = []
    items = (
        *features(Point(1, 1)),
        Feature(Rectangle(0, 0, 3, 3), OWN.format(2), None, labkit={"kind": "area"}),
        Feature(Rectangle(0, 0, 3, 3), OWN.format(3), None),
        Feature(Rectangle(0, 0, 3, 3), OWN.format(4), "c", labkit={"z": 2, "source": "model:m"}, properties={"grade": 1}),
        *(Feature(Ellipse(5, 5, 3, 2), OWN.format(5), "c"),),
    )
    assert len(write(items, tell=told.append)["annotations"]) == 2
    assert told == [
        f"object {OWN.format(1)} is a point: it is not in f.json",
        f"object {OWN.format(2)} is an annotated area: it is not in f.json",
        f"object {OWN.format(3)} has no class: it is not in f.json",
        f"object {OWN.format(4)}: its plane (z = 2), its attributes (grade), its source (model:m) cannot be kept in f.json",
        f"object {OWN.format(5)} is an ellipse: it is a polygon in f.json",
    ]


def test_what_is_not_known_goes_out_again():
    """Keys of other programs are kept beside the object."""
    (feature,) = read(file_of({"bbox": [1, 1, 2, 2], "iscrowd": 1, "score": 0.5})).features
    assert feature.properties == {"coco": {"score": 0.5, "iscrowd": 1}}
    (record,) = write([Feature(feature.shape, OWN.format(1), "c", properties=feature.properties)])["annotations"]
    assert (record["score"], record["bbox"], record["iscrowd"]) == (0.5, [1, 1, 2, 2], 0)


def test_a_box_alone_is_a_box():
    """Without segmentation, or with an empty one, the bbox counts."""
    found = read(file_of({"bbox": [1, 2, 3.5, 4]}, {"bbox": [1, 2, 3.5, 4], "segmentation": []})).features
    assert [feature.shape for feature in found] == [Rectangle(2, 1, 6, 4.5)] * 2


# Images


def many(*names, **size):
    images = [{"id": k, "file_name": name, **size} for k, name in enumerate(names)]
    annotations = [{"id": k, "image_id": k, "category_id": 3, "bbox": [k, 1, 2, 2]} for k in range(len(names))]
    return file_of() | {"images": images, "annotations": annotations}


def test_of_several_images_the_one_of_the_same_name_is_taken():
    """Composed and decomposed letters are the same, folders do not count; without the same ending, the name alone decides."""
    decomposed = "train\\Capture_de\u0301cran.png"
    assert read(many("a.png", decomposed, "b.png")).features[0].shape.x0 == 1
    assert read(many("a.png", "b.png", "x/Capture_décran.jpg")).features[0].shape.x0 == 2


def test_a_file_without_the_image_says_what_it_has():
    """Neither none nor several of the name will do."""
    with pytest.raises(InvalidInput, match=r"2 images, and none called Capture_décran\.png") as caught:
        read(many("a.png", "b.png"))
    assert "a.png, b.png" in caught.value.hint
    with pytest.raises(InvalidInput, match="several"):
        read(many("x/Capture_décran.png", "y/Capture_décran.png"))


def test_an_image_of_another_size_is_refused_with_both_sizes():
    """Its annotations would lie wrong."""
    with pytest.raises(InvalidInput, match=r"11 x 12 .* 10 x 12"):
        read(file_of(height=11))


# Broken files

RUNS = {"size": [10, 12]}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, "neither a segmentation nor a bbox"),
        ({"bbox": [1, 2, 3]}, "bbox of four numbers"),
        ({"bbox": [1, 2, None, 4]}, "a number of its bbox is not a number"),
        ({"bbox": [1, 2, -3, 4]}, "ends before it begins"),
        ({"bbox": [1, 2, 3, 4], "category_id": 9}, "category_id 9 is not among"),
        ({"bbox": [1, 2, 3, 4], "category_id": [3]}, "category_id [3] is not among"),
        ({"bbox": [1, 2, 3, 4], "id": [1]}, "its id"),
        ({"segmentation": [[1, 2, 3]]}, "pairs of numbers"),
        ({"segmentation": [[1, 2, "3", 4, 5, 6]]}, "not a number"),
        ({"segmentation": [1, 2, 3, 4, 5, 6]}, "pairs of numbers"),
        ({"segmentation": "x"}, "neither polygons nor run lengths"),
        ({"segmentation": {"size": [12, 10], "counts": [120]}}, "of a picture of [12, 10]"),
        ({"segmentation": {**RUNS, "counts": [10**30]}}, "do not fill the picture"),
        ({"segmentation": {**RUNS, "counts": [130, -10]}}, "do not fill the picture"),
        ({"segmentation": {**RUNS, "counts": [1.5, 118.5]}}, "do not fill the picture"),
        ({"segmentation": {**RUNS, "counts": None}}, "do not fill the picture"),
        ({"segmentation": {**RUNS, "counts": "oooooooooooooooooooo0"}}, "no run lengths"),
        ({"segmentation": {**RUNS, "counts": "61X13m"}}, "cut short"),
        ({"segmentation": {**RUNS, "counts": "é"}}, "no run lengths"),
    ],
)
def test_a_broken_annotation_is_refused_by_its_id(record, words):
    """The error names the file and the annotation, and is never a traceback."""
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        read(file_of(record))
    assert caught.value.message.startswith("f.json: annotation ")


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (file_of({"bbox": [1, 1, 1, 1], "id": 4}, {"bbox": [1, 1, 1, 1], "id": 4}), "annotation 4 stands twice"),
        (file_of() | {"categories": [{"id": 1, "name": "a"}] * 2}, "category 1 stands twice"),
        (file_of() | {"categories": [{"id": 1}]}, "category 1 has no id or no name"),
        (file_of() | {"categories": 3}, "categories are not a list"),
        (file_of() | {"annotations": [3]}, "annotations are not a list"),
        (file_of() | {"images": []}, "names no image"),
    ],
)
def test_a_broken_file_is_refused_in_words(root, words):
    """Ids must be unique, and lists lists."""
    with pytest.raises(InvalidInput, match=re.escape(words)):
        read(root)


def test_what_encloses_nothing_is_named():
    """A polygon of two vertices and a mask without a pixel."""
    collection = read(file_of({"segmentation": [[1, 2, 3, 4]]}, {"segmentation": {**RUNS, "counts": [120]}}))
    assert collection.left_out == ("annotation 1: it encloses nothing", "annotation 2: it encloses nothing")


def test_a_file_is_told_by_its_lists():
    """Images and annotations."""
    assert is_coco(file_of())
    assert not any(map(is_coco, [[], {"annotations": []}, {"images": {}, "annotations": []}]))
