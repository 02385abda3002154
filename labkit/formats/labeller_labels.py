"""The labels of Django Labeller, one by one: checked and in the new form, as shapes, and written from shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.errors import InvalidInput
from labkit.formats.exchange import finite_number, union_of
from labkit.geometry import Box, Ellipse, Point, Rectangle, Region, Shape, outline_of
from labkit.geometry.shapes import FloatArray

__all__ = ["GEOMETRY_KEYS", "Label", "geometry_of", "normal_label", "shape_of_label", "shifted_label"]

GEOMETRY_KEYS = frozenset({"position", "centre", "size", "regions", "vertices", "radius1", "radius2", "orientation_radians", "components"})
_DEEPEST = 50
_HALF_PX = 0.5
Label = dict[str, Any]


def normal_label(record: Any, ids: set[str], depth: int = 0) -> Label:
    """Return a label with its numbers checked, legacy forms made new, and its id as text.

    Parameters
    ----------
    record : dict
        The label as it stands in the file.
    ids : set of str
        The ids of the file so far; those of the label and of its parts join them.
    depth : int
        How many groups it lies in.

    Raises
    ------
    InvalidInput
        It is not what the format says, an id stands twice, or groups are nested too deep.
    """
    if not isinstance(record, dict):
        raise _broken("it is not an object.")
    if depth > _DEEPEST:
        raise _broken(f"its groups are nested more than {_DEEPEST} deep.")
    if "label_class" not in record or not isinstance(record["label_class"], str | None):
        raise _broken("its label_class is neither text nor null.")
    if not isinstance(record.get("source"), str | None) or not isinstance(record.get("anno_data"), dict | None):
        raise _broken("its source is not text, or its anno_data not an object.")
    kind = record.get("label_type")
    read = _GEOMETRIES.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise _broken(f"its label_type {kind!r} is not known.")
    label = {key: value for key, value in record.items() if key not in GEOMETRY_KEYS and key != "component_models"}
    label["object_id"] = _noted_id(record.get("object_id"), ids)
    if kind == "group":
        return label | {
            "component_models": [normal_label(part, ids, depth + 1) for part in _list(record.get("component_models"), "components")]
        }
    return label | read(record)


def _broken(why: str) -> InvalidInput:
    return InvalidInput(why, hint="Correct the file or export it again.")


def _noted_id(value: Any, ids: set[str]) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _broken("its object_id is neither text nor a whole number.")
    text = str(value)
    if text in ids:
        raise _broken(f"its object_id {text} stands twice in the file.")
    ids.add(text)
    return text


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _broken(f"its {what} are not a list.")
    return value


def _pair(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: _xy(record.get(key), f"its {key}")}


def _xy(value: Any, what: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise _broken(f"{what} is not an object with x and y.")
    return {axis: finite_number(value.get(axis), f"{axis} of {what}") for axis in ("x", "y")}


def _polygon(record: Mapping[str, Any]) -> Label:
    regions = [record["vertices"]] if "regions" not in record and "vertices" in record else record.get("regions")
    rings = (_list(region, "vertices") for region in _list(regions, "regions"))
    return {"regions": [[_xy(vertex, "a vertex") for vertex in ring] for ring in rings]}


def _ellipse(record: Mapping[str, Any]) -> Label:
    keys = ("radius1", "radius2", "orientation_radians")
    return _pair(record, "centre") | {key: finite_number(record.get(key), f"its {key}") for key in keys}


def _composite(record: Mapping[str, Any]) -> Label:
    return {"components": [str(part) for part in _list(record.get("components"), "components") if isinstance(part, int | str)]}


_GEOMETRIES: dict[str, Callable[[Mapping[str, Any]], Label]] = {
    "point": lambda record: _pair(record, "position"),
    "box": lambda record: _pair(record, "centre") | _pair(record, "size"),
    "polygon": _polygon,
    "oriented_ellipse": _ellipse,
    "group": lambda _: {},
    "composite": _composite,
}


def shifted_label(label: Label, source: str | None) -> Label:
    """Return a label moved by half a pixel if an automatic tool drew it; the parts of a group by their own source, else by the group's."""
    source = label.get("source") or source
    moved = dict(label)
    if label["label_type"] == "group":
        moved["component_models"] = [shifted_label(part, source) for part in label["component_models"]]
    if source is None or not source.startswith("auto:"):
        return moved
    for key in ("position", "centre"):
        if key in label:
            moved[key] = _half_on(label[key])
    if "regions" in label:
        moved["regions"] = [[_half_on(vertex) for vertex in ring] for ring in label["regions"]]
    return moved | {"source": f"shifted:{source}"}


def _half_on(xy: Mapping[str, float]) -> dict[str, float]:
    return {axis: value + _HALF_PX for axis, value in xy.items()}


def shape_of_label(label: Label, within: Box) -> Shape | None:
    """Return the shape of a label; None if it encloses nothing. A group is the union of its parts."""
    match label["label_type"]:
        case "point":
            return Point(label["position"]["y"], label["position"]["x"])
        case "box":
            (cx, cy), (w, h) = label["centre"].values(), (abs(v) / 2 for v in label["size"].values())
            return Rectangle(cy - h, cx - w, cy + h, cx + w)
        case "polygon":
            rings = [np.array([(v["y"], v["x"]) for v in ring]) for ring in label["regions"] if len(ring) >= 3]
            return Region(tuple(rings)) if rings else None
        case "oriented_ellipse":
            along, across = label["radius1"], label["radius2"]
            centre = label["centre"]
            return Ellipse(centre["y"], centre["x"], along, across, label["orientation_radians"]) if min(along, across) > 0 else None
        case "group":
            parts = [shape_of_label(part, within) for part in label["component_models"]]
            return union_of([part for part in parts if part is not None], within)
        case _:  # a composite renders nothing
            return None


def geometry_of(shape: Shape) -> Label:
    """Return what a label says of a shape; what is painted becomes a polygon along the edges of its pixels."""
    match shape:
        case Point():
            return {"label_type": "point", "position": _written_xy(shape.y, shape.x)}
        case Rectangle():
            centre = _written_xy((shape.y0 + shape.y1) / 2, (shape.x0 + shape.x1) / 2)
            return {"label_type": "box", "centre": centre, "size": _written_xy(shape.y1 - shape.y0, shape.x1 - shape.x0)}
        case Ellipse():
            return {
                "label_type": "oriented_ellipse",
                "centre": _written_xy(shape.y, shape.x),
                "radius1": shape.radius1,
                "radius2": shape.radius2,
                "orientation_radians": shape.angle_rad,
            }
        case _:
            return {"label_type": "polygon", "regions": _written_rings(outline_of(shape).rings)}


def _written_rings(rings: Sequence[FloatArray]) -> list[list[dict[str, float]]]:
    return [[_written_xy(y, x) for y, x in ring.tolist()] for ring in rings]


def _written_xy(y: float, x: float) -> dict[str, float]:
    return {"x": int(x) if x.is_integer() else x, "y": int(y) if y.is_integer() else y}
