"""Training: from a training set to a registered model."""

from labkit.training.architectures import ARCHITECTURES, Architecture, architecture_named, architecture_names
from labkit.training.augment import augment_preview
from labkit.training.blocks import iter_chips
from labkit.training.config import FREE_ON_RESUME, AugmentSpec, TrainConfig, TrainPlan
from labkit.training.history import EpochRecord, TrainResult, history_array
from labkit.training.loop import learning_rate, train
from labkit.training.memory import device_memory
from labkit.training.network import Network
from labkit.training.plan import resolve
from labkit.training.registry import Model, ModelCard, PartScores, list_models, open_model, register_model
from labkit.training.targets import class_indices
from labkit.training.validation import evaluate

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
    "augment_preview",
    "class_indices",
    "device_memory",
    "evaluate",
    "history_array",
    "iter_chips",
    "learning_rate",
    "list_models",
    "open_model",
    "register_model",
    "resolve",
    "train",
]
