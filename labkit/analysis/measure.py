"""Objects in numbers: areas, places and shapes, added up tile by tile."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.geometry import Box
from labkit.storage import Record

__all__ = ["ObjectMeasurer", "ObjectRow", "objects_csv"]


class ObjectRow(Record):
    """Measurements of one object.

    Lengths in pixels of the full resolution; in micrometres where the picture's pixel size is known, else None.
    ``major_axis`` and ``minor_axis`` are those of the ellipse with the same second moments, ``eccentricity`` its
    sqrt(1 - (b/a)^2); ``mean_intensity`` is of the first channel.
    """

    id: int
    class_id: int
    area_px: int
    area_um2: float | None
    equivalent_diameter_um: float | None
    centroid_y_px: float
    centroid_x_px: float
    bbox_y0_px: int
    bbox_x0_px: int
    bbox_y1_px: int
    bbox_x1_px: int
    major_axis_px: float
    minor_axis_px: float
    eccentricity: float
    mean_intensity: float


class ObjectMeasurer:
    """Adds up what a table of objects needs; memory grows with the number of objects, not with the picture.

    Parameters
    ----------
    objects : int
        Largest object id.
    """

    _SUMS = ("area", "y", "x", "yy", "xx", "yx", "intensity")

    def __init__(self, objects: int) -> None:
        size = objects + 1
        self._sums = {key: np.zeros(size, np.float64) for key in self._SUMS}
        self._low = np.full((size, 2), np.iinfo(np.int64).max, np.int64)
        self._high = np.full((size, 2), -1, np.int64)
        self._class = np.zeros(size, np.uint8)

    def add(self, box: Box, ids: NDArray[np.uint32], classes: NDArray[np.uint8], intensity: NDArray[Any]) -> None:
        """Count one tile: object ids, class ids and intensities (y, x) of the pixels of `box`."""
        y, x = np.nonzero(ids)
        number = ids[y, x].astype(np.int64)
        size = len(self._class)
        # Centres of pixels lie at half numbers.
        cy, cx = y + box.y0 + 0.5, x + box.x0 + 0.5
        weights = {"y": cy, "x": cx, "yy": cy * cy, "xx": cx * cx, "yx": cy * cx, "intensity": intensity[y, x].astype(np.float64)}
        self._sums["area"] += np.bincount(number, minlength=size)
        for key, values in weights.items():
            self._sums[key] += np.bincount(number, weights=values, minlength=size)
        corner = np.stack([y + box.y0, x + box.x0], axis=1)
        np.minimum.at(self._low, number, corner)
        np.maximum.at(self._high, number, corner + 1)
        self._class[number] = classes[y, x]

    def rows(self, pixel_size_um: tuple[float, float] | None) -> tuple[ObjectRow, ...]:
        """Return a row for each object that has a pixel, by id."""
        present = np.flatnonzero(self._sums["area"][1:]) + 1
        return tuple(self._row(int(k), pixel_size_um) for k in present)

    def _row(self, k: int, pixel_size_um: tuple[float, float] | None) -> ObjectRow:
        area, y, x, yy, xx, yx, intensity = (float(self._sums[key][k]) for key in self._SUMS)
        cy, cx = y / area, x / area
        # A pixel is a square, not a point: its own second moment is 1/12.
        vy, vx, vyx = yy / area - cy * cy + 1 / 12, xx / area - cx * cx + 1 / 12, yx / area - cy * cx
        spread = math.sqrt(max(0.0, ((vy - vx) / 2) ** 2 + vyx * vyx))
        large, small = (vy + vx) / 2 + spread, max(0.0, (vy + vx) / 2 - spread)
        area_um2 = area * pixel_size_um[0] * pixel_size_um[1] if pixel_size_um else None
        return ObjectRow(
            id=k,
            class_id=int(self._class[k]),
            area_px=int(area),
            area_um2=area_um2,
            equivalent_diameter_um=math.sqrt(4 * area_um2 / math.pi) if area_um2 is not None else None,
            centroid_y_px=cy,
            centroid_x_px=cx,
            bbox_y0_px=int(self._low[k, 0]),
            bbox_x0_px=int(self._low[k, 1]),
            bbox_y1_px=int(self._high[k, 0]),
            bbox_x1_px=int(self._high[k, 1]),
            major_axis_px=4 * math.sqrt(large),
            minor_axis_px=4 * math.sqrt(small),
            eccentricity=math.sqrt(max(0.0, 1 - small / large)),
            mean_intensity=intensity / area,
        )


def objects_csv(rows: Sequence[ObjectRow]) -> str:
    """Return the table as CSV with a header; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ObjectRow.model_fields, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: round(v, 4) if isinstance(v, float) else v for k, v in row.model_dump().items()})
    return text.getvalue()
