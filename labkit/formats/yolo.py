"""YOLO: one line per object, the number of its class and numbers between 0 and 1; the names of the classes lie beside the file.

Source: the label files of Ultralytics YOLO. A box is ``class x y width height`` (centre and size), a segment ``class x y x y ...``, all
divided by the width or the height of the image. A line may end with the confidence of a model.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from labkit.errors import InvalidInput
from labkit.formats.exchange import Picture, Tell, clip_area, extent_in, iter_classified, leaves
from labkit.formats.geojson import Collection, Feature
from labkit.geometry import Ellipse, Mask, Rectangle, Region, Shape

__all__ = ["CLASSES_NAME", "is_yolo", "read_class_names", "read_yaml_names", "read_yolo", "write_class_names", "write_yolo"]

CLASSES_NAME = "classes.txt"
_HINT = "Correct the file or export it again."
_DIGITS = 12  # 2e-8 pixels of a side of 20,000
_PLAIN_NAME = re.compile(r"[^\"\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_HIGHEST_CLASS = 100_000
_BEFORE_COMMENT = re.compile(r"""((?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*'|(?<=\S)\#)*)(?:\#.*)?""")


def is_yolo(text: str) -> bool:
    """Return whether the first line of a text is one of YOLO; a text without a line is a picture without objects."""
    first = next((line.split() for line in text.splitlines() if line.strip()), None)
    return first is None or (len(first) >= 5 and first[0].isascii() and first[0].isdigit() and all(map(_is_number, first[1:])))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


# Out


def write_yolo(
    features: Sequence[Feature],
    picture: Picture,
    class_names: Sequence[str],
    tell: Tell,
    *,
    form: Literal["boxes", "segments"],
    target: str = "the file",
) -> bytes:
    """Return the objects as lines of YOLO; the same bytes for the same content.

    Parameters
    ----------
    features : sequence of Feature
        The objects, which are clipped at the border.
    picture : Picture
        The image.
    class_names : sequence of str
        All classes in the order of the project; their positions, from 0, are the numbers in the file.
    tell : function
        Gets a line for each object of which something, or all, cannot be in the file.
    form : {"boxes", "segments"}
        A segment has one outline: an object with holes or of several parts is left out whole, never cut down to one part.
    target : str
        Name of the file, for the remarks.
    """
    numbers = {name: k for k, name in enumerate(class_names)}
    size = (picture.width_px, picture.height_px)
    lines = []
    for feature in iter_classified(features, target, tell):
        values = _box_values(feature, picture, target, tell) if form == "boxes" else _segment_values(feature, picture, target, tell)
        if values:
            shares = [value / size[k % 2] for k, value in enumerate(values)]
            lines.append(" ".join([str(numbers[str(feature.class_name)]), *map(_written, shares)]))
    return "".join(line + "\n" for line in lines).encode()


def _box_values(feature: Feature, picture: Picture, target: str, tell: Tell) -> list[float]:
    extent = extent_in(feature, picture, target, tell)
    if extent is None:
        return []
    y0, x0, y1, x1 = extent
    return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]


def _segment_values(feature: Feature, picture: Picture, target: str, tell: Tell) -> list[float]:
    rings = clip_area(feature.shape, picture.box)
    if not rings:
        tell(f"object {feature.id} lies outside the image: it is not in {target}")
        return []
    if leaves(feature.shape, picture.box):
        tell(f"object {feature.id} reaches beyond the image: it is clipped in {target}")
    if len(rings) > 1:
        tell(f"object {feature.id} has holes or several parts, which a segment cannot have: it is not in {target}")
        return []
    if isinstance(feature.shape, Ellipse | Mask | Rectangle):
        tell(f"object {feature.id} is {_kind_of(feature.shape)}: it is a polygon in {target}")
    return [float(v) for v in rings[0][:, ::-1].reshape(-1)]


def _kind_of(shape: Shape) -> str:
    return "an ellipse" if isinstance(shape, Ellipse) else "painted" if isinstance(shape, Mask) else "a box"


def _written(share: float) -> str:
    return f"{share:.{_DIGITS}f}".rstrip("0").rstrip(".")


def write_class_names(names: Sequence[str]) -> bytes:
    """Return the file of class names, one a line; a name that a line cannot hold stands as JSON text, in quotes."""
    lines = (name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in names)
    try:
        return "".join(line + "\n" for line in lines).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("The name of a class holds half a character (a lone surrogate).", hint="Rename the class.") from error


# In


def read_class_names(data: bytes, *, name: str = CLASSES_NAME) -> tuple[str, ...]:
    """Return the names of a file of class names, one a line; names as `write_class_names` quotes them come back exactly.

    Raises
    ------
    InvalidInput
        It is not UTF-8.
    """
    lines = _decoded(data, name).replace("\r\n", "\n").removesuffix("\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(_unquoted(line) for line in lines)


def _unquoted(line: str) -> str:
    if line.startswith('"'):
        try:
            value = json.loads(line)
        except ValueError:
            return line
        if isinstance(value, str):
            return value
    return line.strip()


def read_yaml_names(data: bytes, *, name: str = "data.yaml") -> tuple[str, ...]:
    """Return the ``names`` of the data file of a YOLO data set: a list, or numbers with names, in one line or several.

    Only that entry is read; the rest of the file may be anything.

    Raises
    ------
    InvalidInput
        It is not UTF-8, or has no names that can be read.
    """
    lines = _decoded(data, name).splitlines()
    start = next((k for k, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise InvalidInput(f"{name} has no names.", hint=f"Put the names of the classes into {CLASSES_NAME} beside the labels.")
    inline = _without_comment(lines[start].partition(":")[2])
    body = []
    for line in lines[start + 1 :]:
        if line.strip() and not line[0].isspace() and not line.startswith(("-", "]", "}", "#")):
            break
        body.append(_without_comment(line))
    items = _flow_items(inline + " ".join(body)) if inline[:1] in ("[", "{") else [line.removeprefix("- ").strip() for line in body]
    found = [_yaml_name(item, k) for k, item in enumerate(item for item in items if item)]
    numbers = [number for number, _ in found]
    if not found or sorted(numbers) != list(range(len(found))):
        raise InvalidInput(f"The names in {name} cannot be read.", hint=f"Put them into {CLASSES_NAME} beside the labels, one a line.")
    return tuple(title for _, title in sorted(found))


def _without_comment(text: str) -> str:
    found = _BEFORE_COMMENT.fullmatch(text)  # None where quotes do not pair, as in "driver's": then there is no comment either
    return (found[1] if found else text).strip()


def _flow_items(text: str) -> list[str]:
    inner = text.strip().strip("[]{}")
    return [item.strip() for item in re.findall(r"(?:[^,\"']|\"[^\"]*\"|'[^']*')+", inner)]


def _yaml_name(item: str, position: int) -> tuple[int, str]:
    numbered = re.fullmatch(r"(\d{1,6})\s*:\s*(.*)", item)
    number, text = (int(numbered[1]), numbered[2]) if numbered else (position, item)
    if text.startswith('"'):
        return number, _unquoted(text)
    return number, text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text


def read_yolo(data: bytes, picture: Picture, class_names: Sequence[str] | None, *, name: str = "The file") -> Collection:
    """Read a label file.

    Parameters
    ----------
    data : bytes
        The whole file.
    picture : Picture
        The image, by whose size the numbers are multiplied.
    class_names : sequence of str or None
        The names of the classes by number; None leaves all objects without one, and their numbers in the property ``yolo_class``.
    name : str
        What errors call the file.

    Raises
    ------
    InvalidInput
        A line is not one of YOLO, or its class has no name; the message names the line.
    """
    features = []
    for number, line in enumerate(_decoded(data, name).splitlines(), 1):
        if line.strip():
            try:
                features.append(_read_line(line.split(), picture, class_names))
            except InvalidInput as error:
                raise InvalidInput(f"{name}: line {number}: {error.message.rstrip('.')}.", hint=error.hint or _HINT, line=number) from error
    return Collection(tuple(features))


def _read_line(words: Sequence[str], picture: Picture, class_names: Sequence[str] | None) -> Feature:
    if not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > 6 or int(words[0]) > _HIGHEST_CLASS:
        raise InvalidInput(f"its class {words[0][:20]!r} is not the number of a class.")
    number = int(words[0])
    if class_names is not None and number >= len(class_names):
        raise InvalidInput(f"its class {number} has no name.", hint=f"{CLASSES_NAME} has {len(class_names)} names, counted from 0.")
    try:
        values = [float(word) for word in words[1:]]
    except ValueError as error:
        raise InvalidInput("it is not a list of numbers.") from error
    if len(values) < 4 or not all(map(math.isfinite, values)):
        raise InvalidInput("it has neither the four numbers of a box nor the pairs of a segment.")
    confidence = values.pop() if len(values) % 2 else None
    shape = _box(values, picture) if len(values) == 4 else _segment(values, picture)
    facts = ({} if confidence is None else {"confidence": confidence}) | ({"yolo_class": number} if class_names is None else {})
    return Feature(shape, class_name=None if class_names is None else class_names[number], properties=facts)


def _box(values: Sequence[float], picture: Picture) -> Rectangle:
    x, width = (value * picture.width_px for value in values[0::2])
    y, height = (value * picture.height_px for value in values[1::2])
    return Rectangle(y - height / 2, x - width / 2, y + height / 2, x + width / 2)


def _segment(values: Sequence[float], picture: Picture) -> Region:
    pairs = np.array(values).reshape(-1, 2) * (picture.width_px, picture.height_px)
    return Region((pairs[:, ::-1],))


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text.", hint=_HINT) from error
