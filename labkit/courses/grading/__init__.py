"""The grading of submissions: student code is executed apart, and what earns points out of its reach is scored elsewhere."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.courses.grading.batch import Batch, grade_batch
    from labkit.courses.grading.shapes import ContainerShape, ProcessShape, Shape, SlotFolder, SlotVolume

# Loaded when they are asked for: the programs that execute and score start often, and need no more than their own module.
_HOMES = {
    "Batch": "batch",
    "ContainerShape": "shapes",
    "ProcessShape": "shapes",
    "Shape": "shapes",
    "SlotFolder": "shapes",
    "SlotVolume": "shapes",
    "grade_batch": "batch",
}

__all__ = [
    "Batch",
    "ContainerShape",
    "ProcessShape",
    "Shape",
    "SlotFolder",
    "SlotVolume",
    "grade_batch",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
