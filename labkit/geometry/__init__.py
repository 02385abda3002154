"""Boxes, shapes and exact rasterising; numpy only."""

from labkit.geometry.boxes import Box, iter_blocks
from labkit.geometry.rasterise import covering_box, rasterise
from labkit.geometry.rings import polygons_of, ring_area, shape_area
from labkit.geometry.shapes import Point, Rectangle, Region, Shape, bounds
from labkit.geometry.vectorise import vectorise

__all__ = [
    "Box",
    "Point",
    "Rectangle",
    "Region",
    "Shape",
    "bounds",
    "covering_box",
    "iter_blocks",
    "polygons_of",
    "rasterise",
    "ring_area",
    "shape_area",
    "vectorise",
]
