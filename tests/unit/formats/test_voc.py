"""Pascal VOC: boxes counted from 1, with the last pixel in them, and XML that cannot do harm."""

from __future__ import annotations

import re

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture
from labkit.formats.geojson import Feature
from labkit.formats.voc import read_voc, write_voc
from labkit.geometry import Ellipse, Mask, Point, Rectangle
from labkit.testing.shapes import square_with_hole

PICTURE = Picture("Capture_décran.png", 50, 100, 3)
OWN = "{:08d}-2222-4333-8444-000000000000"


def write(*shapes, class_name="cell", tell=lambda text: None, **more):
    features = [Feature(shape, OWN.format(k), class_name, **more) for k, shape in enumerate(shapes, 1)]
    return write_voc(features, PICTURE, tell, target="f.xml")


def read(data):
    return read_voc(data, PICTURE, name="f.xml")


def xml(*objects, head=""):
    return f"<?xml version='1.0'?>{head}<annotation>{''.join(objects)}</annotation>".encode()


def an_object(name="cell", xmin="11", ymin="21", xmax="40", ymax="40", more=""):
    box = f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"
    return f"<object><name>{name}</name>{more}{box}</object>"


def test_pixels_are_counted_from_one_and_the_last_is_inside():
    """X 10, y 20, width 30, height 20 is 11, 21, 40, 40."""
    data = write(Rectangle(20, 10, 40, 40))
    numbers = re.findall(rb"<([xy]m..)>(.*?)</", data)
    assert numbers == [(b"xmin", b"11"), (b"ymin", b"21"), (b"xmax", b"40"), (b"ymax", b"40")]
    assert read(data).features[0].shape == Rectangle(20, 10, 40, 40)


@pytest.mark.parametrize(
    "box", [Rectangle(3, 2, 4, 3), Rectangle(0, 0, 50, 100), Rectangle(1.25, 2.1, 3.7, 99.99), Rectangle(1 / 3, 0, 2, 1)]
)
def test_boxes_come_back(box):
    """One pixel is 3, 4, 3, 4; the whole picture; fractions of pixels."""
    shape = read(write(box)).features[0].shape
    assert np.allclose([shape.y0, shape.x0, shape.y1, shape.x1], [box.y0, box.x0, box.y1, box.x1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["Zellkern-ß 細胞", 'a/b "q" <&>\nline', "x\r\n y", "tab\t", " lead ", "𝒳"])
def test_names_come_back_exactly(name):
    """Whatever they are, in UTF-8."""
    assert read(write(Rectangle(1, 1, 2, 2), class_name=name)).features[0].class_name == name


def test_a_name_that_xml_cannot_hold_is_refused():
    """Control characters and halves of characters."""
    for name in ("bell\x07", "half\ud800"):
        with pytest.raises(InvalidInput, match="XML cannot hold"):
            write(Rectangle(1, 1, 2, 2), class_name=name)


def test_repeated_files_are_byte_identical():
    """The same objects give the same bytes."""
    assert write(Rectangle(1, 1, 2, 2.5), square_with_hole()) == write(Rectangle(1, 1, 2, 2.5), square_with_hole())


def test_of_other_shapes_the_box_is_kept_and_they_are_named():
    """A polygon with a hole, an ellipse, what is painted; a point has no box and is left out."""
    told = []
    mask = Mask.from_array(np.ones((5, 10), dtype=bool), 5, 10)
    found = read(write(square_with_hole(), Ellipse(20, 30, 5, 4), mask, Point(3, 3), tell=told.append)).features
    assert [feature.shape for feature in found] == [Rectangle(1, 1, 9, 9), found[1].shape, Rectangle(5, 10, 10, 20)]
    assert len(told) == 4
    assert all(any(OWN.format(k) in text for text in told) for k in range(1, 5))


def test_an_object_is_clipped_at_the_border_and_says_so():
    """It is marked as truncated; one outside is left out."""
    told = []
    data = write(Rectangle(-5, -5, 10, 10), Rectangle(60, 0, 70, 5), tell=told.append)
    assert b"<truncated>1</truncated>" in data
    assert [feature.shape for feature in read(data).features] == [Rectangle(0, 0, 10, 10)]
    assert ["clipped" in told[0], "outside" in told[1]] == [True, True]


def test_marks_of_other_programs_go_out_again():
    """Pose, difficult and truncated; the usual values are not kept."""
    more = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult><part><name>x</name></part>"
    (feature,) = read(xml(an_object(more=more))).features
    assert feature.properties == {"voc": {"pose": "Left", "truncated": "1"}}
    data = write(feature.shape, properties=feature.properties)
    assert b"<pose>Left</pose>" in data
    assert b"<truncated>1</truncated>" in data
    assert read(data).features[0].properties == feature.properties


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_type_is_refused(head, encoding):
    """Whatever the encoding: it could unfold without end, or reach for other files."""
    data = f'<?xml version="1.0" encoding="{encoding}"?>{head}<annotation>{an_object()}</annotation>'.encode(encoding)
    with pytest.raises(InvalidInput, match="document type"):
        read(data)


def test_a_file_of_another_size_is_refused_with_both_sizes():
    """Sizes of 0, which some programs write, say nothing."""
    size = "<size><width>{}</width><height>{}</height></size>"
    with pytest.raises(InvalidInput, match=r"100 x 50 .* 50 x 100"):
        read(xml(size.format(50, 100), an_object()))
    assert len(read(xml(size.format(0, 0), an_object())).features) == 1


def test_a_file_of_another_image_is_named():
    """The name is a hint, not a reason to refuse."""
    (remark,) = read(xml("<filename>b.jpg</filename>")).labkit["remarks"]
    assert "the image b.jpg" in remark
    assert read(xml("<filename>Capture_de\u0301cran.jpg</filename>")).labkit == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xml("<object><name>a</name></object>"), "object 1: it has no name or no bndbox"),
        (xml(an_object(), an_object(name="")), "object 2: it has no name"),
        (xml(an_object(xmin="nan")), "object 1: its xmin is not a number"),
        (xml(an_object(ymax="")), "object 1: its ymax is not a number"),
        (xml(an_object(xmax="1e400")), "object 1: its xmax is not a number"),
        (xml(an_object(xmax="5")), "object 1: A rectangle ends before it begins"),
        (xml()[:-5], "broken XML"),
        (b"<svg/>", "no annotation of Pascal VOC"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "broken XML"),
        (b"<annotation>&nbsp;</annotation>", "broken XML"),
    ],
)
def test_a_broken_file_is_refused_in_words(data, words):
    """The error names the file and the object, and is never a traceback."""
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        read(data)
    assert caught.value.message.startswith("f.xml")
