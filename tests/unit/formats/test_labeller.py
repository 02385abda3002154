"""Label files of Django Labeller: every form that there is comes in, and goes out in the new one."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Collection, Feature, parse_json
from labkit.formats.labeller import is_labeller, is_lasting_id, read_labeller, write_labeller
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, covering_box, rasterise
from labkit.testing.shapes import lake_with_island, square, square_with_hole

PICTURE = Picture("a.png", 40, 60)
SESSION = "5f0d1c9e-7a55-4b7e-9c3b-0e6a3a1f2b3c"
OWN = "11111111-2222-4333-8444-{:012d}"
LAKE = [[{"x": 1, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}, {"x": 1, "y": 9}]]
LAKE += [[{"x": 3, "y": 3}, {"x": 7, "y": 3}, {"x": 7, "y": 7}, {"x": 3, "y": 7}]]
# The example of the format's page.
EXAMPLE = {
    "image_filename": "a.png",
    "completed_tasks": ["outline"],
    "labels": [
        {
            "label_type": "polygon",
            "label_class": "lake",
            "object_id": f"{SESSION}__1",
            "source": "manual",
            "anno_data": {},
            "regions": LAKE,
        }
    ],
}


def label(kind, number=None, *, class_="cell", **more):
    return {"label_type": kind, "label_class": class_, **({} if number is None else {"object_id": number}), **more}


def box(x, y, w, h, number=None, **more):
    return label("box", number, centre={"x": x, "y": y}, size={"x": w, "y": h}, **more)


def read(root, **more):
    return read_labeller(parse_json(json.dumps(root).encode(), "f.json"), PICTURE, name="f.json", **more)


def kept_here(collection):
    """Return the collection as it comes out of a project: each object with an id of its own, the foreign one beside it."""
    features = []
    for number, feature in enumerate(collection.features):
        foreign = {} if feature.id is None else {"source_id": int(feature.id) if feature.id.isdigit() else feature.id}
        own = {"source": "import:labeller", **feature.labkit}
        features.append(replace(feature, id=OWN.format(number), labkit=own, properties={**feature.properties, **foreign}))
    return replace(collection, features=tuple(features))


def write(collection, tell=lambda text: None):
    return write_labeller(collection, PICTURE, tell, target="f.json")


def out_again(root, **more):
    return json.loads(write(kept_here(read(root, **more))))


def pixels(shape):
    return int(rasterise(shape, PICTURE.box).sum())


def test_the_example_of_the_format_goes_out_as_it_came_in():
    """Class, id, source, notes, tasks and the hole (48 pixels) are the same."""
    collection = read(EXAMPLE)
    assert collection.features[0].shape == square_with_hole()
    assert pixels(collection.features[0].shape) == 48
    assert out_again(EXAMPLE) == EXAMPLE


def test_repeated_files_are_byte_identical():
    """The same objects give the same bytes."""
    collection = kept_here(read([box(3, 4, 2, 2), label("group", 4, component_models=[box(1, 1, 2, 2)])]))
    assert write(collection) == write(collection)


@pytest.mark.parametrize(
    ("record", "shape"),
    [
        (label("point", position={"x": 3.5, "y": 7.25}), Point(7.25, 3.5)),
        (box(25, 30, 30, 20), Rectangle(20, 10, 40, 40)),
        (label("polygon", regions=LAKE), square_with_hole()),
        (
            label("oriented_ellipse", centre={"x": 3, "y": 4}, radius1=2.5, radius2=1, orientation_radians=0.5),
            Ellipse(4, 3, 2.5, 1, 0.5),
        ),
    ],
)
def test_each_kind_has_its_shape_and_comes_back(record, shape):
    """Coordinates are x to the right and y down, in pixels from the corner of the first; sizes are full."""
    (feature,) = read([record]).features
    assert feature.shape == shape
    (written,) = out_again([record])["labels"]
    assert {key: written[key] for key in record} == record


def test_an_island_in_a_lake_is_one_polygon_of_three_regions():
    """Regions combine even-odd: 96 pixels, before and after."""
    feature = Feature(lake_with_island(), OWN.format(1), "lake")
    data = write(Collection((feature,)))
    assert len(json.loads(data)["labels"][0]["regions"]) == 3
    (back,) = read(json.loads(data)).features
    assert (back.shape, pixels(back.shape), back.id) == (lake_with_island(), 96, feature.id)


@pytest.mark.parametrize(("complete", "tasks"), [(True, ["finished"]), (False, []), (None, [])])
def test_the_old_mark_of_completion_is_read(complete, tasks):
    """`complete: false` is not finished; tasks are written in the new form."""
    root = {"labels": []} | ({} if complete is None else {"complete": complete})
    assert read(root).labkit["completed_tasks"] == tasks
    written = out_again(root)
    assert (written["completed_tasks"], "complete" in written) == (tasks, False)


def test_legacy_vertices_and_missing_keys_are_read():
    """One ring in `vertices`, no id, no source, no notes: it goes out with regions and an id of the new form."""
    record = {"label_type": "polygon", "label_class": None, "vertices": LAKE[0]}
    (written,) = out_again([record])["labels"]
    assert written["regions"] == LAKE[:1]
    assert ("vertices" in written, "source" in written, written["label_class"]) == (False, False, None)
    assert is_lasting_id(written["object_id"])


def test_old_ids_become_new_ones_and_stay_known():
    """A number, or its digits, is kept beside our own id; what goes out comes back as the same object."""
    collection = kept_here(read([box(3, 3, 2, 2, 7), box(9, 9, 2, 2, "8")]))
    assert [feature.properties["source_id"] for feature in collection.features] == [7, 8]
    written = json.loads(write(collection))
    assert [record["object_id"] for record in written["labels"]] == [f"{OWN.format(k)}__0" for k in range(2)]
    assert [feature.id for feature in read(written).features] == [OWN.format(k) for k in range(2)]


def test_what_is_not_known_survives():
    """Unknown keys of the file and of a label, and notes, go out again."""
    root = EXAMPLE | {"camera": {"gain": 3}, "note": None}
    root["labels"] = [EXAMPLE["labels"][0] | {"anno_data": {"seen": [1]}, "colour": "red", "source": "auto:dextr"}]
    assert out_again(root) == root


def test_a_bare_list_has_no_metadata():
    """The second form of the root."""
    collection = read([box(3, 3, 2, 2)])
    assert collection.labkit == {"completed_tasks": [], "metadata": {}}
    assert out_again([])["image_filename"] == "a.png"


def test_a_group_is_the_union_of_its_parts_and_goes_out_as_a_group():
    """Parts that overlap do not cut holes: two boxes of 16 pixels that share 4 are 28; nested groups count too."""
    inner = label("group", 2, class_=None, component_models=[box(5, 5, 4, 4, 3, class_=None)])
    root = [label("group", 1, component_models=[box(3, 3, 4, 4, 4, class_=None), inner])]
    (feature,) = read(root).features
    assert (pixels(feature.shape), feature.class_name) == (28, "cell")
    (written,) = out_again(root)["labels"]
    first, second = written["component_models"]
    assert (written["label_type"], first["centre"], second["label_type"]) == ("group", {"x": 3, "y": 3}, "group")
    assert is_lasting_id(first["object_id"])
    assert is_lasting_id(second["component_models"][0]["object_id"])
    assert read([written]).features[0].shape == feature.shape


def test_parts_of_a_group_that_lie_apart_stay_as_drawn():
    """Nothing is turned into pixels that need not be."""
    (feature,) = read([label("group", component_models=[box(3, 3, 1.5, 1.5), box(9.25, 9, 2, 2)])]).features
    assert isinstance(feature.shape, Region)
    assert len(feature.shape.rings) == 2


def test_a_group_that_was_changed_here_goes_out_as_it_is_now():
    """The parts that it came from are no longer true."""
    collection = kept_here(read([label("group", 1, component_models=[box(3, 3, 4, 4), box(5, 5, 4, 4)])]))
    moved = replace(collection.features[0], shape=Rectangle(1, 2, 3, 6))
    (written,) = json.loads(write(replace(collection, features=(moved,))))["labels"]
    assert (written["label_type"], written["size"], "component_models" in written) == ("box", {"x": 4, "y": 2}, False)


def test_a_composite_may_name_labels_that_come_later():
    """It renders nothing, and goes out with the ids that its components have then; what is not in the file is named."""
    root = [label("composite", 9, components=[5, 99]), box(3, 3, 2, 2, 5)]
    collection = kept_here(read(root))
    assert len(collection.features) == 1
    assert collection.left_out == ("label 1: components that are not in the file",)
    written = json.loads(write(collection))["labels"]
    assert [record["label_type"] for record in written] == ["box", "composite"]
    assert written[1]["components"] == [written[0]["object_id"]]


def test_a_composite_goes_when_its_components_are_gone():
    """No reference is left hanging."""
    collection = kept_here(read([label("composite", 9, components=[5]), box(3, 3, 2, 2, 5)]))
    assert json.loads(write(replace(collection, features=())))["labels"] == []


def test_automatic_outlines_are_moved_by_half_a_pixel_on_demand_and_once():
    """Only those of an automatic tool, and never again when the file goes round."""
    root = [box(3, 3, 2, 2, 1, source="auto:dextr"), box(9, 9, 2, 2, 2, source="manual")]
    root += [label("group", 3, source="auto:x", component_models=[label("polygon", regions=LAKE[:1])])]
    assert [feature.shape for feature in read(root).features][:2] == [Rectangle(2, 2, 4, 4), Rectangle(8, 8, 10, 10)]
    once = read(root, shift_auto=True)
    assert [feature.shape for feature in once.features][:2] == [Rectangle(2.5, 2.5, 4.5, 4.5), Rectangle(8, 8, 10, 10)]
    assert np.array_equal(once.features[2].shape.rings[0], square(1.5, 1.5, 9.5, 9.5))
    again = read(json.loads(write(kept_here(once))), shift_auto=True)
    assert [feature.shape for feature in again.features] == [feature.shape for feature in once.features]


def test_what_encloses_nothing_is_named():
    """A polygon of two vertices, a flat ellipse and an empty group are left out by their numbers."""
    flat = label("oriented_ellipse", centre={"x": 3, "y": 4}, radius1=2, radius2=0, orientation_radians=0)
    collection = read([label("polygon", regions=[LAKE[0][:2]]), flat, label("group", component_models=[])])
    assert collection.left_out == tuple(f"label {k}: it encloses nothing" for k in (1, 2, 3))


def test_our_own_facts_come_back():
    """The plane, the attributes and that something was painted lie in the notes, where the other program leaves them alone."""
    mask = Mask.from_array(np.array([[True, False], [True, True]]), 3, 4)
    feature = Feature(mask, OWN.format(1), "Zellkern-ß 細胞", labkit={"z": 3, "source": "manual"}, properties={"grade": [1, "ü"]})
    data = write(Collection((feature,)))
    (back,) = read(json.loads(data)).features
    assert (back.shape, back.class_name, back.labkit) == (mask, feature.class_name, {"z": 3})
    assert back.properties == {"grade": [1, "ü"], "labeller": {"source": "manual"}}
    assert "細胞".encode() in data


def test_an_annotated_area_stays_here_and_is_named():
    """The other program would take it for an object."""
    told = []
    area = Feature(Rectangle(0, 0, 4, 4), OWN.format(1), labkit={"kind": "area"})
    assert json.loads(write(Collection((area,)), told.append))["labels"] == []
    assert told == [f"object {area.id} is an annotated area: it is not in f.json"]


def test_two_objects_never_get_the_same_id():
    """Two files may have brought the same foreign id."""
    features = tuple(Feature(Point(1, k), OWN.format(k), "a", properties={"source_id": f"{SESSION}__1"}) for k in range(2))
    ids = [record["object_id"] for record in json.loads(write(Collection(features)))["labels"]]
    assert ids == [f"{SESSION}__1", f"{OWN.format(1)}__0"]


DEEP: dict = box(3, 3, 2, 2)
for _ in range(60):
    DEEP = label("group", component_models=[DEEP])


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (3, "label 1: it is not an object"),
        ({"label_type": "box", "centre": {"x": 1, "y": 1}, "size": {"x": 1, "y": 1}}, "label_class"),
        (label("star"), "label_type 'star' is not known"),
        (label(["box"]), "is not known"),
        (label("box", centre={"x": float("nan"), "y": 1}, size={"x": 1, "y": 1}), "x of its centre is not a number"),
        (label("box", centre={"x": 1, "y": 1}, size=[1, 1]), "its size is not an object"),
        (label("point", position={"x": 10**400, "y": 1}), "x of its position is not a number"),
        (label("point", position={"x": 1e300, "y": 1}), "beyond 1,000,000,000"),
        (label("point", position={"x": True, "y": 1}), "not a number"),
        (label("polygon", regions=[{"x": 1}]), "its vertices are not a list"),
        (label("polygon"), "its regions are not a list"),
        (label("point", 1.5, position={"x": 1, "y": 1}), "object_id"),
        (label("point", position={"x": 1, "y": 1}, anno_data=[1]), "anno_data"),
        (label("group", component_models=[box(3, 3, 1, 1, 4), box(3, 3, 1, 1, "4")]), "4 stands twice"),
        (DEEP, "nested more than 50 deep"),
    ],
)
def test_a_broken_label_is_refused_by_its_number(record, words):
    """The error names the file and the label, and is never a traceback."""
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        read([record])
    assert caught.value.message.startswith("f.json: label 1: ")


def test_broken_tasks_are_refused():
    """A list of names, or the old mark."""
    with pytest.raises(InvalidInput, match="completed tasks"):
        read({"labels": [], "completed_tasks": [1]})


def test_files_of_others_are_not_taken_for_ours():
    """A FeatureCollection and a list of features are GeoJSON."""
    assert is_labeller({"labels": [], "type": "any"})
    assert is_labeller([label("star")])
    assert not any(map(is_labeller, [{"type": "FeatureCollection", "labels": []}, [{"type": "Feature"}], [], {}, 3]))


def test_a_group_beyond_the_image_keeps_its_outline():
    """Outside there are no pixels to join: it stays as drawn, and rasterises to nothing."""
    (feature,) = read([label("group", component_models=[box(-30, -30, 4, 4), box(-29, -29, 4, 4)])]).features
    assert pixels(feature.shape) == 0
    assert covering_box(feature.shape).intersect(Box(-40, -40, 0, 0)).area_px > 0
