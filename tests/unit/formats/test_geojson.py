"""GeoJSON in and out: exact, (x, y) in the file, holes and islands in their places, precise errors."""

import json

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.formats.geojson import Collection, Feature, read_geojson, write_geojson
from labkit.geometry import Box, Point, Rectangle, Region, rasterise
from labkit.testing.shapes import lake_with_island, square, square_with_hole, star


def written(*features, **labkit):
    return json.loads(write_geojson(Collection(features, labkit)))


def geometry_of(shape):
    return written(Feature(shape))["features"][0]["geometry"]


def collection_of(geometry, **feature):
    root = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": geometry, "properties": {}, **feature}]}
    return json.dumps(root).encode()


def test_a_hole_is_the_second_ring_of_one_closed_polygon():
    """The square 1..9 with the hole 3..7 is one Polygon with two closed rings, (x, y)."""
    geometry = geometry_of(square_with_hole())
    assert geometry["type"] == "Polygon"
    assert [len(ring) for ring in geometry["coordinates"]] == [5, 5]
    assert all(ring[0] == ring[-1] for ring in geometry["coordinates"])


def test_an_island_in_a_lake_is_a_second_polygon():
    """GeoJSON has no holes in holes: the island stands beside, and 96 pixels come back."""
    geometry = geometry_of(lake_with_island())
    assert geometry["type"] == "MultiPolygon"
    assert [len(polygon) for polygon in geometry["coordinates"]] == [2, 1]
    (feature,) = read_geojson(write_geojson(Collection((Feature(lake_with_island()),)))).features
    assert rasterise(feature.shape, Box(0, 0, 12, 12)).sum() == 96


def test_parts_are_one_feature():
    """Two squares of one object stay one feature of 18 pixels."""
    parts = Region((square(0, 0, 3, 3), square(0, 8, 3, 11)))
    (feature,) = read_geojson(write_geojson(Collection((Feature(parts),)))).features
    assert feature.shape == parts


def test_x_comes_first_in_the_file():
    """(y, x) is swapped here and nowhere else; whole pixels are written as such."""
    assert geometry_of(Point(2, 30.5)) == {"type": "Point", "coordinates": [30.5, 2]}
    assert geometry_of(Rectangle(1, 20, 3, 40))["coordinates"] == [[[20, 1], [40, 1], [40, 3], [20, 3], [20, 1]]]


@pytest.mark.parametrize(
    "shape",
    [
        star(0, (1e5, 3.3), (0.1, 1e4), 500),
        Region((np.array([(0.1, 1 / 3), (5e-324, 1e-7), (123456789.123456789, -0.25)]),)),
        Rectangle(0.1, 0.2, 0.1 + 0.2, 1 / 3),
        Rectangle(0, 0, 0, 0),
        Point(-1e-300, 999999999.9999999),
    ],
)
def test_coordinates_come_back_exactly(shape):
    """Each float is the very same after a round trip, and the bytes do not change when repeated."""
    data = write_geojson(Collection((Feature(shape),)))
    (feature,) = read_geojson(data).features
    assert feature.shape == shape
    assert write_geojson(Collection((feature,))) == data


@pytest.mark.parametrize(
    "name", ["Zellkern-ß 細胞", "a/b", 'quo"te', "new\nline", "Capture_de\u0301cran", "Capture_d\xe9cran", "\U0001f9ec", "\u2028"]
)
def test_names_come_back_exactly(name):
    """Any script, quotes, line ends, and either form of an accent."""
    feature = Feature(Point(1, 2), id=name, class_name=name, class_colour="#0A00FF", labkit={"author": name}, properties={name: name})
    data = write_geojson(Collection((feature,), {"author": name}))
    assert read_geojson(data) == Collection((feature,), {"author": name})
    assert data.count(b"\n") == 3


def test_a_file_of_qupath_is_understood():
    """Classification with its colour, measurements, a derived class, points, a line, and the older forms of fields."""
    square_xy = {"type": "Polygon", "coordinates": [[[1, 1], [4, 1], [4, 4], [1, 4], [1, 1]]]}
    features = [
        {
            "type": "Feature",
            "id": "f2a6c9a8-93f5-4f3e-9e7b-5a6f0c7b8d11",
            "geometry": square_xy,
            "properties": {
                "objectType": "annotation",
                "name": "region 1",
                "classification": {"name": "Tumor", "color": [200, 0, 0]},
                "isLocked": True,
                "measurements": {"Area": 9.0},
            },
        },
        {
            "type": "Feature",
            "id": "PathCellObject",
            "geometry": square_xy,
            "properties": {"classification": {"name": "Stroma", "colorRGB": -6895466}},
        },
        {
            "type": "Feature",
            "geometry": square_xy,
            "properties": {"objectType": "cell", "classification": {"names": ["Tumor", "Positive"]}},
        },
        {"type": "Feature", "id": 7, "geometry": {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4.5]]}, "properties": {}},
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0, 0], [9, 9]]}, "properties": {}},
        {"type": "Feature", "geometry": None, "properties": None},
    ]
    collection = read_geojson(json.dumps(features).encode())
    first, second, third, *points = collection.features
    assert (first.class_name, first.class_colour) == ("Tumor", "#C80000")
    assert first.properties == {"name": "region 1", "isLocked": True, "measurements": {"Area": 9.0}}
    assert first.shape == Region((square(1, 1, 4, 4),))
    assert (second.class_name, second.class_colour) == ("Stroma", "#96C896")
    assert (third.class_name, third.properties) == ("Tumor: Positive", {"objectType": "cell"})
    assert [(point.id, point.shape) for point in points] == [("7", Point(2, 1)), ("7#2", Point(4.5, 3))]
    assert [text.split(":")[0] for text in collection.left_out] == ["feature 5", "feature 6"]


def test_what_we_write_is_what_qupath_reads():
    """A FeatureCollection whose features have an objectType, a uuid and a classification with a colour of three numbers."""
    feature = Feature(square_with_hole(), id="f2a6c9a8-93f5-4f3e-9e7b-5a6f0c7b8d11", class_name="Tumor", class_colour="#C80000")
    root = written(feature)
    assert root["type"] == "FeatureCollection"
    assert root["features"][0]["properties"] == {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}}


def test_a_rectangle_reshaped_elsewhere_is_a_region():
    """The mark of a rectangle holds only as long as its corners do."""
    root = written(Feature(Rectangle(1, 2, 3, 4)))
    assert read_geojson(json.dumps(root).encode()).features[0].shape == Rectangle(1, 2, 3, 4)
    root["features"][0]["geometry"]["coordinates"][0][1] = [4.5, 1]
    assert isinstance(read_geojson(json.dumps(root).encode()).features[0].shape, Region)


def test_a_third_number_and_an_open_ring_are_fine():
    """Heights are dropped; a ring that somebody forgot to close is the same ring."""
    geometry = {"type": "Polygon", "coordinates": [[[1, 1, 0], [4, 1, 0], [4, 4, 0], [1, 4, 0]]]}
    assert read_geojson(collection_of(geometry)).features[0].shape == Region((square(1, 1, 4, 4),))


def test_a_measurement_that_is_no_number_is_none():
    """NaN, which QuPath writes, is no JSON: it becomes null."""
    data = collection_of({"type": "Point", "coordinates": [1, 2]}, properties={"m": 0}).replace(b'"m": 0', b'"m": NaN')
    (feature,) = read_geojson(data).features
    assert feature.properties == {"m": None}
    assert b"null" in write_geojson(Collection((feature,)))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1]]]},
        {"type": "MultiPolygon", "coordinates": [[[[1, 1]]]]},
        {"type": "Point", "coordinates": []},
    ],
)
def test_what_encloses_nothing_is_left_out_and_named(geometry):
    """The rest of the file is read."""
    collection = read_geojson(collection_of(geometry))
    assert collection.features == ()
    assert collection.left_out == ("feature 1: it encloses nothing",)


@pytest.mark.parametrize(
    "geometry",
    [
        "Point",
        {},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "Point"},
        {"type": "Point", "coordinates": ["1", "2"]},
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Point", "coordinates": [1e400, 0]},
        {"type": "Point", "coordinates": [10**400, 0]},
        {"type": "Polygon", "coordinates": [[[1, 1], [2, None], [3, 3]]]},
        {"type": "Polygon", "coordinates": [[1, 1], [2, 2], [3, 3]]},
        {"type": "Polygon", "coordinates": {"a": 1}},
        {"type": "MultiPolygon", "coordinates": [5]},
    ],
)
def test_a_malformed_feature_is_named_by_its_number(geometry):
    """The error is one line with the number of the feature and a hint."""
    good = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}}
    root = {"type": "FeatureCollection", "features": [good, {**good, "geometry": geometry}]}
    with pytest.raises(InvalidInput, match=r"^a\.json: feature 2: .*\.$") as caught:
        read_geojson(json.dumps(root).encode(), name="a.json")
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1]",
        b"5",
        b'{"type":"Topology"}',
        b'{"type":"FeatureCollection"}',
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_geojson_is_refused(data):
    """Nothing, cut short, other JSON, another encoding, nested too deep, a number without end."""
    with pytest.raises(InvalidInput) as caught:
        read_geojson(data)
    assert caught.value.hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, "\ud800"])
def test_what_is_no_json_is_not_written(value):
    """A property that another program could not read is refused when writing."""
    with pytest.raises(InvalidInput):
        write_geojson(Collection((Feature(Point(0, 0), properties={"a": value}),)))


def test_the_order_of_rings_comes_back():
    """A hole that was drawn before its outer ring: GeoJSON wants the outer one first, and our document its own order."""
    region = Region((square(3, 3, 7, 7), square(20, 20, 30, 30), square(1, 1, 9, 9)))
    data = write_geojson(Collection((Feature(region),)))
    assert read_geojson(data).features[0].shape == region
    assert [len(polygon) for polygon in json.loads(data)["features"][0]["geometry"]["coordinates"]] == [1, 2]


def test_a_painted_object_beyond_all_pictures_stays_an_outline():
    """A file that says so of a square of 10^8 pixels a side must not take the memory of the machine."""
    side = 10**8
    feature = Feature(Region((square(0, 0, side, side),)), labkit={"kind": "mask"})
    record = json.loads(write_geojson(Collection((feature,))))
    record["features"][0]["properties"]["labkit"]["shape"] = "mask"
    assert isinstance(read_geojson(json.dumps(record).encode()).features[0].shape, Region)
