"""Pascal VOC: the boxes of one image as XML.

Source: the annotation format of the Pascal VOC challenge (development kit 2012): pixels are counted from 1, and the last one is part of the
box, so that the pixels 10..39 are ``xmin`` 11 and ``xmax`` 40. Fractions of pixels, which the challenge's own files have too, are kept.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture, Tell, extent_in, finite_number, iter_classified, leaves, other_image
from labkit.formats.geojson import Collection, Feature
from labkit.geometry import Rectangle

__all__ = ["read_voc", "write_voc"]

_HINT = "Correct the file or export it again."
_MOST_BYTES = 64 * 2**20
_FACTS = ("pose", "truncated", "difficult", "occluded")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}  # a bare carriage return would come back as a new line


# Out


def write_voc(features: Sequence[Feature], picture: Picture, tell: Tell, *, target: str = "the file") -> bytes:
    """Return the boxes of the objects as XML; the same bytes for the same content.

    Parameters
    ----------
    features : sequence of Feature
        The objects, which are clipped at the border; of all but boxes only the extent is kept.
    picture : Picture
        The image.
    tell : function
        Gets a line for each object of which something, or all, cannot be in the file.
    target : str
        Name of the file, for the remarks.

    Raises
    ------
    InvalidInput
        A name has a character that XML cannot hold.
    """
    lines = ["<annotation>", "  <folder></folder>", f"  <filename>{_escaped(picture.name)}</filename>", "  <size>"]
    sizes = {"width": picture.width_px, "height": picture.height_px, "depth": picture.channels}
    lines += [f"    <{key}>{value}</{key}>" for key, value in sizes.items()]
    lines += ["  </size>", "  <segmented>0</segmented>"]
    for feature in iter_classified(features, target, tell, own_key="voc"):
        lines += _object_lines(feature, picture, target, tell)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join([*lines, "</annotation>"]) + "\n").encode()


def _object_lines(feature: Feature, picture: Picture, target: str, tell: Tell) -> list[str]:
    extent = extent_in(feature, picture, target, tell)
    if extent is None:
        return []
    y0, x0, y1, x1 = extent
    known = feature.properties.get("voc")
    facts: dict[str, Any] = {"pose": "Unspecified", "truncated": int(leaves(feature.shape, picture.box)), "difficult": 0}
    facts |= {key: value for key, value in known.items() if key in _FACTS} if isinstance(known, dict) else {}
    corners = {"xmin": x0 + 1, "ymin": y0 + 1, "xmax": x1, "ymax": y1}
    return [
        "  <object>",
        f"    <name>{_escaped(str(feature.class_name))}</name>",
        *(f"    <{key}>{_escaped(str(value))}</{key}>" for key, value in facts.items()),
        "    <bndbox>",
        *(f"      <{key}>{_written(value)}</{key}>" for key, value in corners.items()),
        "    </bndbox>",
        "  </object>",
    ]


def _written(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    if found := _NOT_XML.search(text):
        raise InvalidInput(f"The name {text!r} has a character that XML cannot hold ({found[0]!r}).", hint="Rename the class or image.")
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


# In


def read_voc(data: bytes, picture: Picture, *, name: str = "The file") -> Collection:
    """Read the boxes of a file.

    Parameters
    ----------
    data : bytes
        The whole file. One with a document type, which could define entities without end or from elsewhere, is refused.
    picture : Picture
        The image.
    name : str
        What errors call the file.

    Returns
    -------
    Collection
        What of an object has no place elsewhere (pose, truncated, difficult, occluded) is in its property ``voc``.

    Raises
    ------
    InvalidInput
        It is no XML of Pascal VOC, is of a picture of another size, or an object is malformed; the message names it, counted from 1.
    """
    root = _parse(data, name)
    if root.tag != "annotation":
        raise InvalidInput(f"{name} is XML, but no annotation of Pascal VOC.", hint=_HINT)
    _check_size(root, picture, name)
    features = []
    for number, element in enumerate(root.findall("object"), 1):
        try:
            features.append(_read_object(element))
        except InvalidInput as error:
            raise InvalidInput(f"{name}: object {number}: {error.message.rstrip('.')}.", hint=_HINT, object=number) from error
    return Collection(tuple(features), other_image(picture, root.findtext("filename")))


class _Builder(ET.TreeBuilder):
    """Builds the tree, and refuses a document type before anything in it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        raise InvalidInput("it has a document type, which could define anything")


def _parse(data: bytes, name: str) -> ET.Element:
    if len(data) > _MOST_BYTES:
        raise InvalidInput(f"{name} is larger than {_MOST_BYTES // 2**20} MB.", hint="Give the annotations of one image.")
    parser = ET.XMLParser(target=_Builder())
    try:
        parser.feed(data)
        root: ET.Element = parser.close()
    except InvalidInput as error:
        raise InvalidInput(f"{name} is refused: {error.message}.", hint="Remove the line with <!DOCTYPE.") from error
    except (ET.ParseError, ValueError, LookupError) as error:  # broken, or of an encoding that is not known
        raise InvalidInput(f"{name} is broken XML: {error}.", hint=_HINT) from error
    return root


def _check_size(root: ET.Element, picture: Picture, name: str) -> None:
    size = [root.findtext(f"size/{key}", "").strip() for key in ("height", "width")]
    known = [int(text) for text in size if text.isascii() and text.isdigit() and len(text) < 10 and int(text)]
    if len(known) == 2 and known != [picture.height_px, picture.width_px]:
        raise InvalidInput(
            f"{name} is of a picture of {known[0]} x {known[1]} pixels (height x width), the image has "
            f"{picture.height_px} x {picture.width_px}.",
            hint="Give the file of this very picture.",
        )


def _read_object(element: ET.Element) -> Feature:
    title = element.findtext("name")
    box = element.find("bndbox")
    if not title or box is None:
        raise InvalidInput("it has no name or no bndbox.")
    left, top, right, bottom = (_corner(box, key) for key in ("xmin", "ymin", "xmax", "ymax"))
    facts: Mapping[str, Any] = {key: text for key in _FACTS if (text := element.findtext(key)) not in (None, "", "0", "Unspecified")}
    return Feature(Rectangle(top - 1, left - 1, bottom, right), class_name=title, properties={"voc": facts} if facts else {})


def _corner(box: ET.Element, key: str) -> float:
    try:
        value = float(box.findtext(key, "").strip())
    except ValueError:
        value = float("nan")
    return finite_number(value, f"its {key}")
