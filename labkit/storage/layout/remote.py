"""What lies on an object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit.storage.layout.models import ModelLayout
from labkit.storage.layout.sets import TrainingSetLayout

__all__ = ["RemoteLayout"]


@dataclass(frozen=True, slots=True)
class RemoteLayout:
    """Below an ``s3://`` address: immutable sets and models, and checkpoints that a manifest names by their content."""

    url: str

    @property
    def training_sets(self) -> str:
        """Address below which training sets lie."""
        return f"{self.url.rstrip('/')}/training-sets"

    def training_set(self, key: str) -> str:
        """Return the address of a training set ``name@hash``."""
        return f"{self.training_sets}/{key}"

    @property
    def set_manifest(self) -> str:
        """Key of the manifest of a training set, below its address."""
        return TrainingSetLayout(Path()).manifest.name

    @property
    def model_manifest(self) -> str:
        """Key of the card of a model, below its address."""
        return ModelLayout(Path()).card.name

    @property
    def models(self) -> str:
        """Address below which models lie."""
        return f"{self.url.rstrip('/')}/models"

    def model(self, name: str, hash_: str) -> str:
        """Return the address of a model, by the hash of its weights and its card."""
        return f"{self.models}/{name}@{hash_}"

    @property
    def checkpoints_manifest(self) -> str:
        """Key of what names the objects of the newest checkpoint; written last."""
        return "checkpoints.json"

    def checkpoint_object(self, sha256: str) -> str:
        """Return the key of a file of a checkpoint, by its content."""
        return f"objects/{sha256}"
