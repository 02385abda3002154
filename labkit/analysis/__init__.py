"""What a prediction is worth: scores against annotations, measurements of objects, pictures, a report."""

from labkit.analysis.analysing import Analysis, AnalysisRecord, ClassScores, analyse
from labkit.analysis.baseline import otsu_threshold
from labkit.analysis.matching import MatchScores, ObjectMatcher
from labkit.analysis.measure import ObjectMeasurer, ObjectRow, objects_csv
from labkit.analysis.overlay import as_png, outlines, overlay, to_rgb

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
