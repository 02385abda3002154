"""GeoJSON (RFC 7946) as QuPath reads and writes it: features of annotated objects.

The only place where (y, x) becomes (x, y) and back, and where rings are closed. A file may be a FeatureCollection, a bare
list of features (QuPath's other form) or a single feature. Beside what QuPath knows, a feature carries our facts in the property ``labkit``
and the collection carries the facts of the document in the foreign member ``labkit``; every other program ignores them.
"""

from __future__ import annotations

import gc
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit.errors import InvalidInput
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, Shape, bounds, mask_of, outline_of, polygons_of
from labkit.geometry.shapes import FloatArray

__all__ = ["RESERVED_PROPERTIES", "Collection", "Feature", "features_from_json", "parse_json", "read_geojson", "write_geojson"]

RESERVED_PROPERTIES = frozenset({"classification", "labkit"})
_MOST_PAINTED_PX = 2**32  # extent of a painted object that is taken for one: more than any picture, and still done in seconds
_NO_GEOMETRY = {"LineString", "MultiLineString", "GeometryCollection"}


@dataclass(frozen=True, slots=True)
class Feature:
    """One object of a file.

    Attributes
    ----------
    shape : Region, Rectangle or Point
        Full-resolution pixels, (y, x).
    id : str or None
        The feature's id as it stands in the file (a number becomes its digits).
    class_name : str or None
        Name of the classification.
    class_colour : str or None
        Colour of the classification, ``#RRGGBB``.
    labkit : mapping
        Our own facts of the object; empty in a foreign file.
    properties : mapping
        All other properties, kept as they are.
    """

    shape: Shape
    id: str | None = None
    class_name: str | None = None
    class_colour: str | None = None
    labkit: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collection:
    """The features of a file, in order; our facts of the whole; and what was left out when reading, in words."""

    features: tuple[Feature, ...]
    labkit: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def write_geojson(collection: Collection) -> bytes:
    """Return a FeatureCollection as UTF-8, one feature a line, the same bytes for the same content.

    Raises
    ------
    InvalidInput
        A property cannot be JSON (not a number, or not text).
    """
    head = {"type": "FeatureCollection"} | ({"labkit": dict(collection.labkit)} if collection.labkit else {})
    lines = ",\n".join(_dump(_feature_record(feature)) for feature in collection.features)
    text = _dump(head)[:-1] + ',"features":[' + (f"\n{lines}\n" if lines else "") + "]}\n"
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("A name or property holds half a character (a lone surrogate).", hint="Correct the text.") from error


def read_geojson(data: bytes, *, name: str = "The file") -> Collection:
    """Read the features of a GeoJSON file.

    Parameters
    ----------
    data : bytes
        The whole file, UTF-8.
    name : str
        What errors call the file.

    Returns
    -------
    Collection
        Points of a MultiPoint become features of their own, their ids numbered from the second on. What covers no area (lines, features
        without geometry) is left out and named in ``left_out``.

    Raises
    ------
    InvalidInput
        The file is no GeoJSON; the message names the feature, counted from 1.
    """
    with _without_collector():
        return features_from_json(parse_json(data, name), name=name)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold Python's collector of cycles back: it would walk all coordinates again and again, half of the time, and JSON has no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def features_from_json(root: Any, *, name: str = "The file") -> Collection:
    """Return the features of GeoJSON that has been parsed already; otherwise as `read_geojson`."""
    features: list[Feature] = []
    left_out: list[str] = []
    for number, record in enumerate(_feature_list(root, name), 1):
        where = f"{name}: feature {number}"
        try:
            found, reason = _read_feature(record)
        except (InvalidInput, _Malformed) as error:
            raise InvalidInput(
                f"{where}: {str(error).rstrip('.')}.", hint="Correct the file or export it again.", feature=number
            ) from error
        features += found
        left_out += [f"feature {number}: {reason}"] if reason else []
    labkit = root.get("labkit") if isinstance(root, dict) else None
    return Collection(tuple(features), labkit if isinstance(labkit, dict) else {}, tuple(left_out))


class _Malformed(ValueError):
    """A part of a feature is not what GeoJSON says it is."""


# Writing


def _dump(record: Mapping[str, Any]) -> str:
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"A property cannot be written as JSON: {error}.", hint="Use text, finite numbers and lists.") from error


def _feature_record(feature: Feature) -> dict[str, Any]:
    properties: dict[str, Any] = {"objectType": "annotation", **feature.properties}
    if feature.class_name is not None:
        properties["classification"] = {"name": feature.class_name}
        if feature.class_colour is not None:
            properties["classification"]["color"] = list(bytes.fromhex(feature.class_colour.removeprefix("#")))
    polygons = () if isinstance(feature.shape, Point) else polygons_of(outline_of(feature.shape).rings)
    if own := dict(feature.labkit) | _shape_facts(feature.shape, polygons):
        properties["labkit"] = own
    identity = {} if feature.id is None else {"id": feature.id}
    return {"type": "Feature", **identity, "geometry": _geometry_record(feature.shape, polygons), "properties": properties}


def _shape_facts(shape: Shape, polygons: Sequence[Sequence[FloatArray]]) -> dict[str, Any]:
    """Return what polygons cannot say; it holds as long as nobody has moved a vertex."""
    match shape:
        case Rectangle():
            return {"shape": "rectangle"}
        case Ellipse():
            return {"shape": "ellipse", "ellipse": [shape.x, shape.y, shape.radius1, shape.radius2, shape.angle_rad]}
        case Mask():
            return {"shape": "mask"}
        case Region():
            written = {id(ring): k for k, ring in enumerate(ring for polygon in polygons for ring in polygon)}
            order = [written[id(ring)] for ring in shape.rings]
            return {} if order == sorted(order) else {"rings": order}  # where each ring of ours stands in the file
        case _:
            return {}


def _geometry_record(shape: Shape, polygons: Sequence[Sequence[FloatArray]]) -> dict[str, Any]:
    if isinstance(shape, Point):
        return {"type": "Point", "coordinates": [_number(shape.x), _number(shape.y)]}
    coordinates = [[_closed_xy(ring) for ring in polygon] for polygon in polygons]
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _closed_xy(ring: FloatArray) -> list[list[float]]:
    pairs = [[_number(x), _number(y)] for y, x in ring.tolist()]
    return [*pairs, pairs[0]]


def _number(value: float) -> float:
    # repr of a float comes back exactly; whole pixels are written as such, which halves the files of label images
    return int(value) if value.is_integer() else value


# Reading


def parse_json(data: bytes, name: str) -> Any:
    """Return the object or list that a file of annotations holds as JSON; NaN and infinities become None.

    Raises
    ------
    InvalidInput
        It is not UTF-8, no JSON, cut short, or neither an object nor a list.
    """
    hint = "Export it again, for example as GeoJSON."
    try:
        root = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None)  # NaN of a measurement: no number
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text.", hint=hint) from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name} is not valid JSON: {error.msg} in line {error.lineno}.", hint=hint) from error
    except (RecursionError, ValueError) as error:
        raise InvalidInput(f"{name} is not usable JSON: {str(error) or 'nested too deep'}.", hint=hint) from error
    if not isinstance(root, dict | list):
        raise InvalidInput(f"{name} is JSON, but not GeoJSON.", hint=hint)
    return root


def _feature_list(root: Any, name: str) -> list[Any]:
    if isinstance(root, list):
        return root
    if root.get("type") == "Feature":
        return [root]
    if root.get("type") == "FeatureCollection" and isinstance(root.get("features"), list):
        return list(root["features"])
    raise InvalidInput(
        f"{name} is JSON, but holds no FeatureCollection.",
        hint="Export the annotations as GeoJSON (QuPath does), as COCO instances, or from Labeller.",
    )


def _read_feature(record: Any) -> tuple[list[Feature], str]:
    """Return the objects of a feature, and why there are none."""
    if not isinstance(record, dict) or record.get("type") != "Feature":
        raise _Malformed("it is not a Feature")
    properties = record.get("properties")
    properties = {} if properties is None else properties
    if not isinstance(properties, dict):
        raise _Malformed("its properties are not an object")
    geometry = record.get("geometry")
    if geometry is None:
        return [], "it has no geometry"
    if not isinstance(geometry, dict) or not isinstance(geometry.get("type"), str):
        raise _Malformed("its geometry has no type")
    if geometry["type"] in _NO_GEOMETRY:
        return [], f"a {geometry['type']} covers no area"
    own = properties.get("labkit")
    own = own if isinstance(own, dict) else {}
    shapes = list(_shapes(geometry, own))
    class_name, class_colour = _classification(properties)
    kept = {k: v for k, v in properties.items() if k not in RESERVED_PROPERTIES and not (k == "objectType" and v == "annotation")}
    labkit = {k: v for k, v in own.items() if k not in ("shape", "ellipse", "rings")}
    ids = _ids(record.get("id"), len(shapes))
    found = [Feature(shape, id_, class_name, class_colour, labkit, kept) for shape, id_ in zip(shapes, ids, strict=True)]
    return found, "" if found else "it encloses nothing"


def _ids(value: Any, count: int) -> list[str | None]:
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise _Malformed("its id is neither text nor a whole number")
    if value is None or value == "":
        return [None] * count
    return [str(value) if k == 1 else f"{value}#{k}" for k in range(1, count + 1)]


def _classification(properties: Mapping[str, Any]) -> tuple[str | None, str | None]:
    value = properties.get("classification")
    if value is None:
        return None, None
    if isinstance(value, str):
        return value or None, None
    if not isinstance(value, dict):
        raise _Malformed("its classification is not an object")
    name = value.get("name")
    if name is None and isinstance(value.get("names"), list):  # QuPath's form of a derived class
        name = ": ".join(str(part) for part in value["names"])
    if name is not None and not isinstance(name, str):
        raise _Malformed("the name of its classification is not text")
    return name or None, _colour(value)


def _colour(classification: Mapping[str, Any]) -> str | None:
    colour, packed = classification.get("color"), classification.get("colorRGB")
    if isinstance(colour, list) and len(colour) == 3 and all(type(v) is int and 0 <= v <= 255 for v in colour):
        return "#" + bytes(colour).hex().upper()
    if type(packed) is int:  # 32 bits, alpha first, as older versions wrote
        return f"#{packed & 0xFFFFFF:06X}"
    return None


def _shapes(geometry: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[Shape]:
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    if not isinstance(coordinates, list):
        raise _Malformed(f"its {kind} has no coordinates")
    match kind:
        case "Point":
            yield from map(_point, [coordinates] if coordinates else [])
        case "MultiPoint":
            yield from map(_point, coordinates)
        case "Polygon":
            yield from _areas(_rings(coordinates), own)
        case "MultiPolygon":
            yield from _areas([ring for polygon in coordinates for ring in _rings(polygon)], own)
        case _:
            raise _Malformed(f"its geometry is of an unknown type, {kind!r}")


def _point(pair: Any) -> Point:
    (x, y), *_ = _pairs([pair], "point").tolist()
    return Point(y, x)


def _rings(polygon: Any) -> list[FloatArray]:
    """Return the rings of a polygon, not closed; those of fewer than three vertices enclose nothing and are dropped."""
    if not isinstance(polygon, list):
        raise _Malformed("a polygon is not a list of rings")
    rings = []
    for number, pairs in enumerate(polygon, 1):
        ring = _pairs(pairs, f"ring {number}")[:, ::-1] if pairs != [] else np.empty((0, 2))
        ring = ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring
        if len(ring) >= 3:
            rings.append(ring)
    return rings


def _pairs(value: Any, what: str) -> FloatArray:
    """Return a list of positions as float64 (n, 2) in the file's order; a third number (z) is dropped."""
    # without a loop of Python's own: a document of 10,000 outlines is read while somebody waits for it
    if isinstance(value, list) and value and set(map(type, value)) == {list} and min(map(len, value)) >= 2:
        pairs = value if max(map(len, value)) == 2 else [pair[:2] for pair in value]
        if set(map(type, itertools.chain.from_iterable(pairs))) <= {int, float}:
            try:
                return np.array(pairs, dtype=np.float64)
            except OverflowError:
                pass
    raise _Malformed(f"{what} is not a list of pairs of numbers")


def _areas(rings: Sequence[FloatArray], own: Mapping[str, Any]) -> Iterator[Shape]:
    """Yield the one area that `rings` bound, or none without rings."""
    if not rings:
        return
    region = Region(tuple(rings))
    special = _special(region, own)
    yield region if special is None else special


def _special(region: Region, own: Mapping[str, Any]) -> Shape | None:
    """Return the shape that our facts name if the rings are still those that we wrote for it; else somebody has moved a vertex since."""
    match own.get("shape"):
        case "rectangle":
            rectangle = Rectangle(*bounds(region))
            return rectangle if region == outline_of(rectangle) else None
        case "ellipse":
            try:
                x, y, radius1, radius2, angle_rad = own["ellipse"]
                ellipse = Ellipse(y, x, radius1, radius2, angle_rad)
            except (KeyError, TypeError, ValueError):  # InvalidInput is a ValueError
                return None
            ring = ellipse.ring()
            same = (
                len(region.rings) == 1 and region.rings[0].shape == ring.shape and np.allclose(region.rings[0], ring, rtol=1e-9, atol=1e-6)
            )
            return ellipse if same else None
        case None:
            order = own.get("rings")
            known = isinstance(order, list) and all(type(k) is int for k in order) and sorted(order) == list(range(len(region.rings)))
            return Region(tuple(region.rings[k] for k in order)) if order and known else None
        case "mask":
            on_grid = all((ring == np.rint(ring)).all() for ring in region.rings)
            box = Box(*(int(v) for v in bounds(region)))
            return mask_of(region, box) if on_grid and box.area_px <= _MOST_PAINTED_PX else None
        case _:
            return None
