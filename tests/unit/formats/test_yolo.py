"""YOLO: lines of numbers, and the names of their classes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Feature
from labkit.formats.yolo import is_yolo, read_class_names, read_yaml_names, read_yolo, write_class_names, write_yolo
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region
from labkit.testing.shapes import square, square_with_hole

PICTURE = Picture("a.png", 50, 100)
OWN = "{:08d}-2222-4333-8444-000000000000"
NAMES = ("a", "b", "c")
STRANGE = ("Zellkern-ß 細胞", 'a/b "q"\nline', " lead", '"quoted"', "x\r", "\u2028a", "tab\there", "#1: 'x'", "cell")


def write(*shapes, form="boxes", picture=PICTURE, tell=lambda text: None, **more):
    features = [Feature(shape, OWN.format(k), "c", **more) for k, shape in enumerate(shapes, 1)]
    return write_yolo(features, picture, NAMES, tell, form=form, target="f.txt")


def read(data, picture=PICTURE, names=NAMES):
    return read_yolo(data, picture, names, name="f.txt")


def test_a_box_is_its_centre_and_size_in_shares():
    """X 10, y 20, width 30, height 20 in 100 x 50; classes are counted from 0 in the order of the project."""
    data = write(Rectangle(20, 10, 40, 40))
    assert data == b"2 0.25 0.6 0.3 0.4\n"
    (feature,) = read(data).features
    assert (feature.shape, feature.class_name) == (Rectangle(20, 10, 40, 40), "c")


def test_boxes_of_a_large_picture_come_back_within_a_millionth_of_a_pixel():
    """A thousand boxes anywhere in 20,000 x 19,999 pixels."""
    picture = Picture("a.png", 20_000, 19_999)
    rng = np.random.default_rng(0)
    ends = np.sort(rng.uniform(0, 19_999, (1000, 2, 2)), axis=1)
    boxes = [Rectangle(*corners.reshape(-1)) for corners in ends]
    found = read(write(*boxes, picture=picture), picture).features
    numbers = [np.array([(b.y0, b.x0, b.y1, b.x1) for b in group]) for group in (boxes, [f.shape for f in found])]
    assert np.abs(numbers[0] - numbers[1]).max() < 1e-6


def test_an_outline_comes_back():
    """A segment is the list of its vertices."""
    triangle = Region((np.array([(5.0, 10.0), (20.0, 30.5), (41.25, 3.0)]),))
    (feature,) = read(write(triangle, form="segments")).features
    assert np.allclose(feature.shape.rings[0], triangle.rings[0], atol=1e-9)


@pytest.mark.parametrize("shape", [square_with_hole(), Region((square(1, 1, 4, 4), square(1, 9, 4, 12)))])
def test_what_a_segment_cannot_hold_is_left_out_whole_and_named(shape):
    """Holes and several parts: never only the first part, and the others go out."""
    told = []
    assert write(shape, Rectangle(0, 0, 5, 10), form="segments", tell=told.append).count(b"\n") == 1
    assert told[0] == f"object {OWN.format(1)} has holes or several parts, which a segment cannot have: it is not in f.txt"


def test_other_shapes_become_boxes_by_name():
    """The extent of an ellipse, of a polygon and of what is painted; a point has none."""
    told = []
    mask = Mask.from_array(np.ones((5, 10), dtype=bool), 5, 10)
    data = write(Ellipse(25, 50, 20, 10), Region((square(5, 10, 15, 30),)), mask, Point(3, 3), tell=told.append)
    boxes = [feature.shape for feature in read(data).features]
    assert boxes[1:] == [Rectangle(5, 10, 15, 30), Rectangle(5, 10, 10, 20)]
    assert (round(boxes[0].x0), round(boxes[0].y1)) == (30, 35)
    assert [
        f"object {OWN.format(k)} " in text for k, text in zip((4, 1, 2, 3), sorted(told, key=lambda t: "point" not in t), strict=True)
    ] == [True] * 4


def test_an_object_is_clipped_at_the_border():
    """Shares stay between 0 and 1, and the object is named; one outside is left out."""
    told = []
    data = write(Rectangle(-10, -10, 25, 50), Rectangle(60, 0, 70, 5), tell=told.append)
    assert data == b"2 0.25 0.25 0.5 0.5\n"
    assert ["clipped" in told[0], "outside" in told[1]] == [True, True]


def test_repeated_files_are_byte_identical():
    """The same objects give the same bytes."""
    shapes = (Rectangle(1 / 3, 1, 7, 8), Region((square(5, 10.1, 15, 30),)))
    assert write(*shapes, form="segments") == write(*shapes, form="segments")


def test_what_a_line_cannot_say_is_named():
    """Plane, attributes and source."""
    told = []
    write(Rectangle(1, 1, 4, 4), tell=told.append, labkit={"z": 0, "source": "import:coco"}, properties={"grade": 1, "source_id": 4})
    assert told == [f"object {OWN.format(1)}: its plane (z = 0), its attributes (grade), its source (import:coco) cannot be kept in f.txt"]


def test_the_confidence_of_a_model_is_kept():
    """The number at the end of a line of a box or of a segment."""
    found = read(b"0 .5 .5 .2 .2 .75\n1 .1 .1 .2 .1 .2 .2 .5\n\n").features
    assert [feature.properties for feature in found] == [{"confidence": 0.75}, {"confidence": 0.5}]


def test_a_file_without_lines_has_no_objects():
    """As for a picture in which nothing was found."""
    assert is_yolo("")
    assert read(b"").features == ()


def test_without_names_the_numbers_are_kept():
    """The caller has a class for all of them."""
    (feature,) = read(b"7 .5 .5 .2 .2", names=None).features
    assert (feature.class_name, feature.properties) == (None, {"yolo_class": 7})


@pytest.mark.parametrize("text", ["hello world", "1 2 3", "cell .5 .5 .1 .1", "² .5 .5 .1 .1", "1 a b c d"])
def test_other_texts_are_not_taken_for_labels(text):
    """A line begins with the number of a class, and has four numbers or more."""
    assert not is_yolo(text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"0 .5 .5 .1", "neither the four numbers"),
        (b"0 .5 .5 .1 nan", "neither the four numbers"),
        (b"0 .5 .5 .1 inf", "neither the four numbers"),
        (b"0 .5 .5 .1 -.1", "ends before it begins"),
        (b"0 .5 .5 .1 1e300", "beyond 1,000,000,000"),
        (b"0 .5 .5 .1 x", "not a list of numbers"),
        (b"3 .5 .5 .1 .1", "its class 3 has no name"),
        (b"-1 .5 .5 .1 .1", "is not the number of a class"),
        (b"9999999999999999999999 .5 .5 .1 .1", "is not the number of a class"),
    ],
)
def test_a_broken_line_is_refused_by_its_number(line, words):
    """The error names the file and the line, and is never a traceback."""
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        read(b"0 .5 .5 .1 .1\n" + line)
    assert caught.value.message.startswith("f.txt: line 2: ")


def test_a_file_that_is_no_text_is_refused():
    """Bytes that are not UTF-8."""
    with pytest.raises(InvalidInput, match="UTF-8"):
        read(b"\xff\xfe\x00")


def test_names_of_classes_come_back_exactly():
    """Whatever they are; those that a line holds stand as they are, the others in quotes."""
    data = write_class_names(STRANGE)
    assert read_class_names(data) == STRANGE
    assert data.startswith("Zellkern-ß 細胞\n".encode())
    assert data.endswith(b"cell\n")


def test_names_of_other_programs_are_read():
    """With a byte order mark, Windows line ends and empty lines at the end; a quote alone is a name."""
    assert read_class_names(b'\xef\xbb\xbfcell\r\nbig cell\r\n"odd\r\n\r\n') == ("cell", "big cell", '"odd')


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nc: 2\nnames: ['a', \"b, c\"] # both\ntrain: x\n", ("a", "b, c")),
        ("names:\n  0: cell\n  1: driver's # seat\npath: /a\n", ("cell", "driver's # seat")),
        ("names:\n  1: b\n  0: 'it''s'\n", ("it's", "b")),
        ("# names: [x]\nnames:\n- cell\n- big cell  # comment\nnc: 2", ("cell", "big cell")),
        ("names: {0: a, 1: ß 細胞}", ("a", "ß 細胞")),
        ("names: [a,\n  b]\nnc: 2\n", ("a", "b")),
    ],
)
def test_the_names_of_a_data_file_are_read(text, names):
    """A list or numbers with names, in one line or several."""
    assert read_yaml_names(text.encode()) == names


@pytest.mark.parametrize("text", ["nc: 2\n", "names:\n", "names:\n  3: a\n", "names: []\n", "names:\n  0: a\n  0: b\n"])
def test_names_that_cannot_be_read_are_refused(text):
    """Rather than taken for others."""
    with pytest.raises(InvalidInput, match="names"):
        read_yaml_names(text.encode())
