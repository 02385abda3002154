"""Training sets: chips and masks cut out of annotated images, split so that nothing leaks."""

from labkit.annotations import IGNORE, Confusion, mean_score
from labkit.datasets.build import build_from_spec, build_training_set, chip_boxes
from labkit.datasets.comparing import ClassPixels, ImageChange, SetComparison, SettingChange, changes_since, compare_sets
from labkit.datasets.opening import open_training_set
from labkit.datasets.parts import PARTS, Part, PartBox, SplitSpec
from labkit.datasets.plan_records import PlannedImage, SetPlan, SetProblem
from labkit.datasets.planning import plan_training_set
from labkit.datasets.preview import sample_chips
from labkit.datasets.records import Normalisation, PartSummary, SetImage, SetSpec, TrainingSetRecord
from labkit.datasets.remote import CleanReport, clean_leftovers, pull_training_set, push_training_set
from labkit.datasets.split import resolve_split, split_bands
from labkit.datasets.tiles import TileRef, TileRule
from labkit.datasets.training_set import Chips, TrainingSet, list_training_sets

__all__ = [
    "IGNORE",
    "PARTS",
    "Chips",
    "ClassPixels",
    "CleanReport",
    "Confusion",
    "ImageChange",
    "Normalisation",
    "Part",
    "PartBox",
    "PartSummary",
    "PlannedImage",
    "SetComparison",
    "SetImage",
    "SetPlan",
    "SetProblem",
    "SetSpec",
    "SettingChange",
    "SplitSpec",
    "TileRef",
    "TileRule",
    "TrainingSet",
    "TrainingSetRecord",
    "build_from_spec",
    "build_training_set",
    "changes_since",
    "chip_boxes",
    "clean_leftovers",
    "compare_sets",
    "list_training_sets",
    "mean_score",
    "open_training_set",
    "plan_training_set",
    "pull_training_set",
    "push_training_set",
    "resolve_split",
    "sample_chips",
    "split_bands",
]
