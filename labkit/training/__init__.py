"""Training: from a training set to a registered model."""

from labkit.training.architecture_table import ArchitectureFacts, architecture_table
from labkit.training.architectures import ARCHITECTURES, Architecture, architecture_named, architecture_names, check_fits, network_warnings
from labkit.training.augment import augment_preview
from labkit.training.blocks import iter_chips
from labkit.training.card import DataSummary, ModelCard, ModelLimits, PartScores
from labkit.training.comparison import RunComparison, compare_models, compare_runs, curves_figure
from labkit.training.config import FREE_ON_RESUME, AugmentSpec, TrainConfig, TrainPlan
from labkit.training.encoders import CachedEncoder, Encoder, EncoderLabel, list_encoders, resolve_encoder
from labkit.training.history import EpochRecord, TrainResult, history_array
from labkit.training.loop import learning_rate, train
from labkit.training.memory import device_memory
from labkit.training.network import Network
from labkit.training.plan import resolve
from labkit.training.registry import Model, list_models, open_model, promote_model, register_model, restore_model, retire_model
from labkit.training.targets import class_indices
from labkit.training.validation import evaluate

__all__ = [
    "ARCHITECTURES",
    "FREE_ON_RESUME",
    "Architecture",
    "ArchitectureFacts",
    "AugmentSpec",
    "CachedEncoder",
    "DataSummary",
    "Encoder",
    "EncoderLabel",
    "EpochRecord",
    "Model",
    "ModelCard",
    "ModelLimits",
    "Network",
    "PartScores",
    "RunComparison",
    "TrainConfig",
    "TrainPlan",
    "TrainResult",
    "architecture_named",
    "architecture_names",
    "architecture_table",
    "augment_preview",
    "check_fits",
    "class_indices",
    "compare_models",
    "compare_runs",
    "curves_figure",
    "device_memory",
    "evaluate",
    "history_array",
    "iter_chips",
    "learning_rate",
    "list_encoders",
    "list_models",
    "network_warnings",
    "open_model",
    "promote_model",
    "register_model",
    "resolve",
    "resolve_encoder",
    "restore_model",
    "retire_model",
    "train",
]
