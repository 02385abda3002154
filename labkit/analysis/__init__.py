"""What a prediction is worth: scores against annotations, measurements of objects, pictures, a report."""

from typing import TYPE_CHECKING

from labkit.lazy import lazy_names

if TYPE_CHECKING:
    from labkit.analysis.analysing import Analysis, AnalysisRecord, ClassScores, analyse
    from labkit.analysis.baseline import otsu_threshold
    from labkit.analysis.matching import MatchScores, ObjectMatcher
    from labkit.analysis.measure import ObjectMeasurer, ObjectRow, objects_csv
    from labkit.analysis.outlining import as_png, outlines, overlay, to_rgb

# Loaded when they are asked for: who matches objects needs no torch.
_HOMES = {
    "Analysis": "analysing",
    "AnalysisRecord": "analysing",
    "ClassScores": "analysing",
    "MatchScores": "matching",
    "ObjectMatcher": "matching",
    "ObjectMeasurer": "measure",
    "ObjectRow": "measure",
    "analyse": "analysing",
    "as_png": "outlining",
    "objects_csv": "measure",
    "otsu_threshold": "baseline",
    "outlines": "outlining",
    "overlay": "outlining",
    "to_rgb": "outlining",
}

__all__ = [
    "Analysis",
    "AnalysisRecord",
    "ClassScores",
    "MatchScores",
    "ObjectMatcher",
    "ObjectMeasurer",
    "ObjectRow",
    "analyse",
    "as_png",
    "objects_csv",
    "otsu_threshold",
    "outlines",
    "overlay",
    "to_rgb",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, __all__)
