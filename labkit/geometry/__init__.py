"""Boxes, shapes and exact rasterising; numpy only."""

from labkit.geometry.boxes import Box, iter_blocks

__all__ = ["Box", "iter_blocks"]
