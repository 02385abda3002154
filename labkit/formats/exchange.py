"""What the annotation formats share: the picture that a file is about, JSON, areas that are joined or clipped, and what is left behind."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from labkit.errors import InvalidInput
from labkit.formats.geojson import Feature
from labkit.geometry import Box, Mask, Point, Rectangle, Region, Shape, bounds, covering_box, mask_of, outline_of, rasterise
from labkit.geometry.shapes import FloatArray

__all__ = [
    "Picture",
    "Tell",
    "clip_area",
    "dump_json",
    "extent_in",
    "finite_number",
    "held_back",
    "iter_classified",
    "leaves",
    "lost_facts",
    "other_image",
    "same_name",
    "union_of",
]

Tell = Callable[[str], None]
_BOOKKEEPING = {"source_id"}  # an id of some other file; it says nothing about the object


@dataclass(frozen=True, slots=True)
class Picture:
    """The image that a file is about: its name, and its size as it stands upright."""

    name: str
    height_px: int
    width_px: int
    channels: int = 1

    @property
    def box(self) -> Box:
        """All its pixels."""
        return Box.of_shape(self.height_px, self.width_px)


# Out


def iter_classified(features: Sequence[Feature], target: str, tell: Tell, *, own_key: str = "") -> Iterator[Feature]:
    """Yield the features that a format of classified areas can hold, and tell what it does not hold of them and of the others.

    Parameters
    ----------
    features : sequence of Feature
        The objects.
    target : str
        Name of the file, for the remarks.
    tell : function
        Gets one line per object that loses something; the line names it by its id.
    own_key : str
        The attribute in which the format keeps what is its own; it is not lost.
    """
    for feature in features:
        if reason := held_back(feature):
            tell(f"object {feature.id} {reason}: it is not in {target}")
            continue
        lost = lost_facts(feature, {own_key})
        if lost:
            tell(f"object {feature.id}: its {', its '.join(lost)} cannot be kept in {target}")
        yield feature


def extent_in(feature: Feature, picture: Picture, target: str, tell: Tell) -> tuple[float, float, float, float] | None:
    """Return the extent (y0, x0, y1, x1) of the part of an object that is in the picture, for formats of boxes; None if there is none.

    What is clipped, left out, or no box is told.
    """
    rings = clip_area(feature.shape, picture.box)
    if not rings:
        tell(f"object {feature.id} lies outside the image: it is not in {target}")
        return None
    if not isinstance(feature.shape, Rectangle):
        tell(f"object {feature.id} is no box: only its box is in {target}")
    if leaves(feature.shape, picture.box):
        tell(f"object {feature.id} reaches beyond the image: it is clipped in {target}")
        return bounds(Region(rings))
    return bounds(feature.shape)


def leaves(shape: Shape, within: Box) -> bool:
    """Return whether a part of `shape` lies beyond the border."""
    y0, x0, y1, x1 = bounds(shape)
    return y0 < within.y0 or x0 < within.x0 or y1 > within.y1 or x1 > within.x1


def held_back(feature: Feature) -> str:
    """Say why an object cannot be in a file of classified areas; empty if it can."""
    if feature.labkit.get("kind") == "area":
        return "is an annotated area"
    if isinstance(feature.shape, Point):
        return "is a point"
    return "" if feature.class_name is not None else "has no class"


def lost_facts(feature: Feature, kept: set[str], *, source: bool = True) -> list[str]:
    """Return what a format of shapes and classes alone loses of an object: its plane, its attributes, where it came from."""
    attributes = sorted(feature.properties.keys() - kept - _BOOKKEEPING)
    lost = [] if feature.labkit.get("z") is None else [f"plane (z = {feature.labkit['z']})"]
    lost += [f"attributes ({', '.join(attributes)})"] if attributes else []
    origin = feature.labkit.get("source", "manual")
    return [*lost, f"source ({origin})"] if source and origin != "manual" else lost


def dump_json(root: Mapping[str, Any], key: str, items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return an object as UTF-8 whose last member is the list `items`, one a line; the same bytes for the same content.

    Raises
    ------
    InvalidInput
        Something in it cannot be JSON.
    """
    try:
        lines = ",\n".join(_dumped(item) for item in items)
        head = _dumped(root)[:-1] + ("," if root else "")
        return (head + f"{json.dumps(key)}:[" + (f"\n{lines}\n" if lines else "") + "]}\n").encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("A name or attribute holds half a character (a lone surrogate).", hint="Correct the text.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"An attribute cannot be written as JSON: {error}.", hint="Use text, finite numbers and lists.") from error


def _dumped(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# In


def finite_number(value: Any, what: str) -> float:
    """Return a number of a file as a float.

    Raises
    ------
    InvalidInput
        It is no number, or not finite; the message calls it `what`.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise InvalidInput(f"{what} is not a number.", hint="Correct the file or export it again.")


def same_name(wanted: str, names: Sequence[str]) -> list[int]:
    """Return which of `names` call the picture `wanted`: by the whole name, else without its ending; folders do not count."""
    whole = [_plain(name) for name in names]
    if found := [k for k, name in enumerate(whole) if name == _plain(wanted)]:
        return found
    stem = PurePath(_plain(wanted)).stem
    return [k for k, name in enumerate(whole) if PurePath(name).stem == stem]


def other_image(picture: Picture, named: Any) -> dict[str, tuple[str, ...]]:
    """Return the remark that a file names another image; nothing where it names this one, or none."""
    if not isinstance(named, str) or not named or same_name(picture.name, [named]):
        return {}
    return {"remarks": (f"the file was made for the image {named}, not for {picture.name}",)}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]


# Areas


def union_of(shapes: Sequence[Shape], within: Box) -> Shape | None:
    """Return one shape that covers what any of `shapes` covers; None where there is nothing.

    Parts that share no pixel stay as drawn. Where parts lie over one another the result is a mask, exact in the pixels of `within`:
    rings combine even-odd, so that putting them side by side would cut a hole where they overlap.
    """
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    rings = tuple(ring for shape in shapes if not isinstance(shape, Point) for ring in outline_of(shape).rings)
    exact = all(isinstance(shape, Region | Rectangle) for shape in shapes)
    if exact and (_are_apart(shapes) or _share_nothing(shapes, within)):
        return Region(rings)
    return _painted(shapes, within) or (Region(rings) if rings else None)


def _are_apart(shapes: Sequence[Shape]) -> bool:
    """Return whether no two of the extents overlap; only looked at for a few shapes, since every pair is compared."""
    if len(shapes) > 500:
        return False
    y0, x0, y1, x1 = np.array([bounds(shape) for shape in shapes]).T
    over = (y0[:, None] < y1) & (y0 < y1[:, None]) & (x0[:, None] < x1) & (x0 < x1[:, None])
    return not np.triu(over, 1).any()


def _share_nothing(shapes: Sequence[Shape], within: Box) -> bool:
    """Return whether all lie in the picture and no pixel is in two of them."""
    if any(not within.contains(covering_box(shape)) for shape in shapes):
        return False
    painted = _painted(shapes, within)
    count = sum(int(rasterise(shape, covering_box(shape)).sum()) for shape in shapes)
    return (painted.area_px if painted else 0) == count


def _painted(shapes: Sequence[Shape], within: Box) -> Mask | None:
    whole: Mask | None = None
    for mask in (mask_of(shape, within) for shape in shapes):
        if mask is not None:
            whole = mask if whole is None else whole.union(mask)
    return whole


def clip_area(shape: Shape, within: Box) -> tuple[FloatArray, ...]:
    """Return the rings of the part of `shape` in `within`; rings of what lies inside are as they are, outside there are none.

    The area is cut along the border (Sutherland and Hodgman 1974); no vertex is moved. Even-odd filling of the result is exact.
    """
    rings = (_clipped(ring, within) for ring in outline_of(shape).rings)
    return tuple(ring for ring in rings if len(ring) >= 3)


def _clipped(ring: FloatArray, within: Box) -> FloatArray:
    for axis, limit, side in ((0, within.y0, 1), (0, within.y1, -1), (1, within.x0, 1), (1, within.x1, -1)):
        if len(ring):
            ring = _cut(ring, axis, limit, side)
    return ring


def _cut(ring: FloatArray, axis: int, limit: float, side: int) -> FloatArray:
    """Return the part of a ring on one side of a line; `side` 1 keeps what is at or beyond `limit`, -1 what is at or before it."""
    depth = (ring[:, axis] - limit) * side
    inside = depth >= 0
    if inside.all():
        return ring
    after, next_depth = np.roll(ring, -1, axis=0), np.roll(depth, -1)
    crosses = inside != (next_depth >= 0)
    share = np.divide(depth, depth - next_depth, out=np.zeros_like(depth), where=crosses)
    crossing = ring + (after - ring) * share[:, None]
    crossing[:, axis] = limit
    candidates = np.stack((ring, crossing), axis=1).reshape(-1, 2)
    kept: FloatArray = candidates[np.stack((inside, crosses), axis=1).reshape(-1)]
    return kept[(kept != np.roll(kept, 1, axis=0)).any(axis=1)] if len(kept) else kept
