"""What a browser needs to draw objects: facts as JSON, outlines as binary rings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.annotations import AnnotationObject, Document
from labkit.geometry import Box, Point, outline_of

__all__ = ["display_list", "patch"]


def display_list(objects: Sequence[AnnotationObject], frame: Box) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Return what a browser needs to draw objects.

    Parameters
    ----------
    objects : sequence of AnnotationObject
        In the order of drawing.
    frame : Box
        The picture; places are sent as float32 relative to its centre, which leaves 1/1024 of a pixel at 16,384.

    Returns
    -------
    facts : dict
        ``origin`` (y, x) and ``objects``, a list of facts for each.
    buffers : three of bytes
        Where each ring starts among the vertices (uint32, one more than rings), the object of each ring (uint32), and the vertices
        (float32 pairs of y, x). Rings combine even-odd; a point is a ring of one vertex.
    """
    origin = np.array((frame.height_px / 2, frame.width_px / 2))
    rings: list[NDArray[np.float64]] = []
    owners: list[int] = []
    facts = []
    for k, item in enumerate(objects):
        own = (np.array([(item.shape.y, item.shape.x)]),) if isinstance(item.shape, Point) else outline_of(item.shape).rings
        rings += own
        owners += [k] * len(own)
        facts.append(
            {
                "id": item.id,
                "kind": item.kind,
                "class_id": item.class_id,
                "status": item.status,
                "source": item.source,
                "author": item.author,
                "z": item.z,
            }
        )
    starts = np.cumsum([0, *(len(ring) for ring in rings)]).astype("<u4")
    vertices = np.concatenate(rings) - origin if rings else np.empty((0, 2))
    buffers = (starts.tobytes(), np.array(owners, dtype="<u4").tobytes(), vertices.astype("<f4").tobytes())
    return {"origin": origin.tolist(), "objects": facts}, buffers


def patch(before: Document, after: Document, frame: Box) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Return what changed from one document to the next: as `display_list`, with the place of each object, and what was removed."""
    old = {item.id: item for item in before.objects}
    kept = {item.id for item in after.objects}
    order_before = [item.id for item in before.objects if item.id in kept]
    order_after = [item.id for item in after.objects if item.id in old]
    places = [k for k, item in enumerate(after.objects) if old.get(item.id) is not item]
    if order_before != order_after:
        places = list(range(len(after.objects)))
    facts, buffers = display_list([after.objects[k] for k in places], frame)
    for fact, place in zip(facts["objects"], places, strict=True):
        fact["place"] = place
    removed = [item.id for item in before.objects if item.id not in kept]
    return {"from_revision": before.revision, "removed": removed, **facts}, buffers
