"""Training: from a training set to a registered model."""

from labkit.training.architectures import ARCHITECTURES, Architecture, architecture_named, architecture_names
from labkit.training.batches import class_indices
from labkit.training.config import FREE_ON_RESUME, AugmentSpec, TrainConfig, TrainPlan
from labkit.training.loop import EpochRecord, TrainResult, evaluate, history_array, learning_rate, train
from labkit.training.network import Network
from labkit.training.plan import resolve
from labkit.training.registry import Model, ModelCard, PartScores, list_models, open_model, register_model

__all__ = [
    "ARCHITECTURES",
    "FREE_ON_RESUME",
    "Architecture",
    "AugmentSpec",
    "EpochRecord",
    "Model",
    "ModelCard",
    "Network",
    "PartScores",
    "TrainConfig",
    "TrainPlan",
    "TrainResult",
    "architecture_named",
    "architecture_names",
    "class_indices",
    "evaluate",
    "history_array",
    "learning_rate",
    "list_models",
    "open_model",
    "register_model",
    "resolve",
    "train",
]
