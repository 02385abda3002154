"""Training sets: chips and masks cut out of annotated images, split so that nothing leaks."""

from labkit.annotations import IGNORE, Confusion, mean_score
from labkit.datasets.build import build_training_set, chip_boxes
from labkit.datasets.records import Normalisation, PartSummary, SetImage, TrainingSetRecord
from labkit.datasets.split import PARTS, Part, PartBox, SplitSpec, resolve_split, split_bands
from labkit.datasets.training_set import Chips, TrainingSet, list_training_sets, open_training_set

__all__ = [
    "IGNORE",
    "PARTS",
    "Chips",
    "Confusion",
    "Normalisation",
    "Part",
    "PartBox",
    "PartSummary",
    "SetImage",
    "SplitSpec",
    "TrainingSet",
    "TrainingSetRecord",
    "build_training_set",
    "chip_boxes",
    "list_training_sets",
    "mean_score",
    "open_training_set",
    "resolve_split",
    "split_bands",
]
