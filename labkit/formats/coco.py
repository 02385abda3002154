"""COCO: the instances of one image.

Source: the data format of the COCO dataset (images, categories, annotations; several polygons of an annotation are a union, bbox is
x, y, width, height).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.errors import InvalidInput
from labkit.formats.exchange import (
    Picture,
    Tell,
    clip_area,
    dump_json,
    finite_number,
    iter_classified,
    leaves,
    other_image,
    same_name,
    union_of,
)
from labkit.formats.geojson import Collection, Feature
from labkit.formats.run_lengths import decode_mask, encode_mask
from labkit.geometry import Box, Ellipse, Mask, Rectangle, Region, Shape, covering_box, mask_of, polygons_of, rasterise
from labkit.geometry.shapes import FloatArray, bounds

__all__ = ["is_coco", "read_coco", "write_coco"]

_HINT = "Correct the file or export it again."
_STANDARD = {"id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd"}
_ID_BITS = 53  # what a number of JavaScript holds exactly


def is_coco(root: Any) -> bool:
    """Return whether JSON is a file of COCO: an object with images and annotations."""
    return isinstance(root, dict) and isinstance(root.get("images"), list) and isinstance(root.get("annotations"), list)


# Out


def write_coco(features: Sequence[Feature], picture: Picture, class_names: Sequence[str], tell: Tell, *, target: str = "the file") -> bytes:
    """Return the objects as a file of COCO instances; the same bytes for the same content.

    Parameters
    ----------
    features : sequence of Feature
        The objects. Areas without holes become polygons, clipped at the border; those with holes and painted ones become run lengths.
    picture : Picture
        The image.
    class_names : sequence of str
        All classes in the order of the project; their positions, from 1, are the ids of the categories.
    tell : function
        Gets a line for each object of which something, or all, cannot be in the file.
    target : str
        Name of the file, for the remarks.
    """
    numbers = {name: k for k, name in enumerate(class_names, 1)}
    image = {"id": 1, "file_name": picture.name, "width": picture.width_px, "height": picture.height_px}
    categories = [{"id": k, "name": name, "supercategory": ""} for name, k in numbers.items()]
    annotations: dict[int, dict[str, Any]] = {}
    for feature in iter_classified(features, target, tell, own_key="coco"):
        identity = _annotation_id(feature.id, annotations)
        if (record := _geometry_record(feature, picture.box, target, tell)) is not None:
            kept = feature.properties.get("coco")
            kept = {key: value for key, value in kept.items() if key not in _STANDARD} if isinstance(kept, dict) else {}
            head = {"id": identity, "image_id": 1, "category_id": numbers[str(feature.class_name)], "iscrowd": 0}
            annotations[identity] = head | record | kept
    root = {"info": {"description": "Written by LabKit"}, "licenses": [], "images": [image], "categories": categories}
    return dump_json(root, "annotations", list(annotations.values()))


def _annotation_id(object_id: str | None, taken: Mapping[int, Any]) -> int:
    """Return a number that follows from the object alone, so that it stays when others go."""
    number = max(uuid.UUID(object_id).int >> (128 - _ID_BITS), 1) if object_id else 1
    while number in taken:
        number += 1
    return number


def _geometry_record(feature: Feature, within: Box, target: str, tell: Tell) -> dict[str, Any] | None:
    shape = feature.shape
    rings = () if isinstance(shape, Mask) else clip_area(shape, within)
    mask = mask_of(shape, within) if isinstance(shape, Mask) or not _is_union(rings, within) else None
    if mask is None and not rings:
        tell(f"object {feature.id} lies outside the image: it is not in {target}")
        return None
    if leaves(shape, within):
        tell(f"object {feature.id} reaches beyond the image: it is clipped in {target}")
    if isinstance(shape, Ellipse):
        tell(f"object {feature.id} is an ellipse: it is a polygon in {target}")
    if mask is not None:
        if not isinstance(shape, Mask):
            tell(f"object {feature.id} has holes, or rings that cross: it is kept as pixels in {target}")
        y, x, end_y, end_x = mask.box.as_tuple()
        return {"segmentation": encode_mask(mask, within), "area": mask.area_px, "bbox": [x, y, end_x - x, end_y - y]}
    area = _count(rings, within)
    if not area:
        tell(f"object {feature.id} covers the centre of no pixel: its area is 0 in {target}")
    return {"segmentation": [_flat(ring) for ring in rings], "area": area, "bbox": _bbox(rings)}


def _is_union(rings: Sequence[FloatArray], within: Box) -> bool:
    """Return whether the rings side by side, as COCO joins them, cover what they cover even-odd."""
    if len(rings) < 2:
        return True
    if any(len(polygon) > 1 for polygon in polygons_of(rings)):
        return False
    return _count(rings, within) == sum(_count((ring,), within) for ring in rings)


def _count(rings: Sequence[FloatArray], within: Box) -> int:
    region = Region(tuple(rings))
    return int(rasterise(region, covering_box(region).intersect(within)).sum())


def _flat(ring: FloatArray) -> list[float]:
    return [float(v) for v in ring[:, ::-1].reshape(-1)]


def _bbox(rings: Sequence[FloatArray]) -> list[float]:
    y0, x0, y1, x1 = bounds(Region(tuple(rings)))
    return [x0, y0, x1 - x0, y1 - y0]


# In


def read_coco(root: Mapping[str, Any], picture: Picture, *, name: str = "The file") -> Collection:
    """Read the annotations of one image out of a file of COCO.

    Parameters
    ----------
    root : dict
        The parsed JSON.
    picture : Picture
        The image; where the file has several, it is the one of the same name, or else of the same name without its ending.
    name : str
        What errors call the file.

    Returns
    -------
    Collection
        What of an annotation has no place elsewhere is in its property ``coco``. ``left_out`` names what covers nothing.

    Raises
    ------
    InvalidInput
        The image is not in the file, or is of another size; an annotation is malformed (the message names it), or an id stands twice.
    """
    image = _image_of(_records(root, "images", name), picture, name)
    image_id = image.get("id")
    names = _category_names(_records(root, "categories", name), name)
    features, left_out, seen = [], [], set()
    for number, record in enumerate(_records(root, "annotations", name), 1):
        if record.get("image_id", image_id) != image_id:
            continue
        identity = record.get("id")
        where = f"annotation {number}" if identity is None else f"annotation {identity}"
        try:
            feature = _read_annotation(record, names, picture)
        except InvalidInput as error:
            raise InvalidInput(f"{name}: {where}: {error.message.rstrip('.')}.", hint=_HINT, annotation=number) from error
        if feature is None:
            left_out.append(f"{where}: it encloses nothing")
            continue
        if feature.id is not None and feature.id in seen:
            raise InvalidInput(f"{name}: the id of {where} stands twice.", hint=_HINT, annotation=number)
        seen.add(feature.id)
        features.append(feature)
    return Collection(tuple(features), other_image(picture, image.get("file_name")), tuple(left_out))


def _records(root: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    records = root.get(key, [])
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InvalidInput(f"{name}: its {key} are not a list of objects.", hint=_HINT)
    return records


def _image_of(images: Sequence[Mapping[str, Any]], picture: Picture, name: str) -> Mapping[str, Any]:
    if not images:
        raise InvalidInput(f"{name} names no image.", hint=_HINT)
    files = [str(image.get("file_name", "")) for image in images]
    found = [0] if len(images) == 1 else same_name(picture.name, files)
    if len(found) != 1:
        shown = ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
        many = "none" if not found else "several"
        raise InvalidInput(f"{name} holds {len(files)} images, and {many} called {picture.name}.", hint=f"It has: {shown}.", images=files)
    image = images[found[0]]
    size = (image.get("height"), image.get("width"))
    if None not in size and size != (picture.height_px, picture.width_px):
        raise InvalidInput(
            f"{name} is of a picture of {size[0]} x {size[1]} pixels (height x width), the image has "
            f"{picture.height_px} x {picture.width_px}.",
            hint="Give the file of this very picture.",
        )
    return image


def _category_names(categories: Sequence[Mapping[str, Any]], name: str) -> dict[Any, str]:
    names: dict[Any, str] = {}
    for number, category in enumerate(categories, 1):
        identity, title = category.get("id"), category.get("name")
        if type(identity) is not int or not isinstance(title, str) or not title:
            raise InvalidInput(f"{name}: category {number} has no id or no name.", hint=_HINT)
        if identity in names:
            raise InvalidInput(f"{name}: the id of category {identity} stands twice.", hint=_HINT)
        names[identity] = title
    return names


def _read_annotation(record: Mapping[str, Any], names: Mapping[Any, str], picture: Picture) -> Feature | None:
    identity, category = record.get("id"), record.get("category_id")
    if isinstance(identity, bool) or not isinstance(identity, int | str | None):
        raise InvalidInput("its id is neither text nor a whole number.")
    if type(category) is not int or category not in names:
        raise InvalidInput(f"its category_id {category!r} is not among the categories.")
    shape = _shape_of(record, picture)
    kept = {key: value for key, value in record.items() if key not in _STANDARD} | ({"iscrowd": 1} if record.get("iscrowd") else {})
    if shape is None:
        return None
    return Feature(shape, None if identity is None else str(identity), names[category], properties={"coco": kept} if kept else {})


def _shape_of(record: Mapping[str, Any], picture: Picture) -> Shape | None:
    segmentation = record.get("segmentation")
    if not segmentation:
        return _rectangle(record.get("bbox"))
    if isinstance(segmentation, dict):
        return decode_mask(segmentation, picture.box.shape)
    if not isinstance(segmentation, list):
        raise InvalidInput("its segmentation is neither polygons nor run lengths.")
    rings = [_ring(flat) for flat in segmentation]
    drawn = [ring for ring in rings if len(ring) >= 3]
    if len(drawn) == 1 and (box := _as_rectangle(drawn[0], record.get("bbox"))):
        return box
    return union_of([Region((ring,)) for ring in drawn], picture.box)


def _ring(flat: Any) -> FloatArray:
    if not isinstance(flat, list) or len(flat) % 2:
        raise InvalidInput("a polygon is not a list of pairs of numbers.")
    return np.array([finite_number(v, "a coordinate of a polygon") for v in flat]).reshape(-1, 2)[:, ::-1]


def _rectangle(value: Any) -> Rectangle:
    if not isinstance(value, list) or len(value) != 4:
        raise InvalidInput("it has neither a segmentation nor a bbox of four numbers.")
    x, y, width, height = (finite_number(v, "a number of its bbox") for v in value)
    return Rectangle(y, x, y + height, x + width)


def _as_rectangle(ring: FloatArray, bbox: Any) -> Rectangle | None:
    """Return the box whose corners a polygon has, as we write boxes."""
    y0, x0, y1, x1 = bounds(Region((ring,)))
    box = Rectangle(y0, x0, y1, x1)
    return box if bbox is not None and len(ring) == 4 and np.array_equal(ring, box.ring) else None
