"""Predictions on whole images: windows with a real halo, objects across seams, label images."""

from labkit.inference.objects import ObjectLabeller, grow_labels
from labkit.inference.predicting import predict
from labkit.inference.prediction import Prediction, PredictionRecord, PredictSettings, list_predictions, open_prediction
from labkit.inference.proposing import proposals
from labkit.inference.windows import Window, iter_windows

__all__ = [
    "ObjectLabeller",
    "PredictSettings",
    "Prediction",
    "PredictionRecord",
    "Window",
    "grow_labels",
    "iter_windows",
    "list_predictions",
    "open_prediction",
    "predict",
    "proposals",
]
