"""Training: from a training set to a registered model."""

from labkit.training.architectures import (
    ARCHITECTURES,
    Architecture,
    ArchitectureFacts,
    architecture_named,
    architecture_names,
    architecture_table,
    check_fits,
    network_warnings,
)
from labkit.training.batches import class_indices
from labkit.training.config import FREE_ON_RESUME, AugmentSpec, TrainConfig, TrainPlan
from labkit.training.encoders import CachedEncoder, Encoder, EncoderLabel, list_encoders, resolve_encoder
from labkit.training.loop import EpochRecord, TrainResult, evaluate, history_array, learning_rate, train
from labkit.training.network import Network
from labkit.training.plan import resolve
from labkit.training.registry import Model, ModelCard, PartScores, list_models, open_model, register_model

__all__ = [
    "ARCHITECTURES",
    "FREE_ON_RESUME",
    "Architecture",
    "ArchitectureFacts",
    "AugmentSpec",
    "CachedEncoder",
    "Encoder",
    "EncoderLabel",
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
    "architecture_table",
    "check_fits",
    "class_indices",
    "evaluate",
    "history_array",
    "learning_rate",
    "list_encoders",
    "list_models",
    "network_warnings",
    "open_model",
    "register_model",
    "resolve",
    "resolve_encoder",
    "train",
]
