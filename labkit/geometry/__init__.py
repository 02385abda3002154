"""Boxes, shapes and exact rasterising; numpy only."""

from labkit.geometry.boxes import Box, iter_blocks
from labkit.geometry.masks import MASK_TILE_PX, Mask
from labkit.geometry.outlines import mask_of, moved, outline_of
from labkit.geometry.rasterise import covering_box, rasterise
from labkit.geometry.rings import polygons_of, ring_area, shape_area
from labkit.geometry.sampling import rasterise_samples, region_samples, samples_within
from labkit.geometry.shapes import Ellipse, Point, Rectangle, Region, Shape, bounds
from labkit.geometry.vectorise import vectorise

__all__ = [
    "MASK_TILE_PX",
    "Box",
    "Ellipse",
    "Mask",
    "Point",
    "Rectangle",
    "Region",
    "Shape",
    "bounds",
    "covering_box",
    "iter_blocks",
    "mask_of",
    "moved",
    "outline_of",
    "polygons_of",
    "rasterise",
    "rasterise_samples",
    "region_samples",
    "ring_area",
    "samples_within",
    "shape_area",
    "vectorise",
]
