"""Models of a project: weights with a card that says what they are, in versions that never change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from labkit import __version__
from labkit.errors import AlreadyExists, InvalidInput, NotFound
from labkit.formats.checkpoint import load_weights
from labkit.project import Project
from labkit.storage import ModelLayout, Record, check_name, file_sha256, load_record, new_folder, save_record, utc_now, write_bytes
from labkit.training.config import TrainPlan
from labkit.training.history import TrainResult
from labkit.training.network import Network

__all__ = ["Model", "ModelCard", "PartScores", "list_models", "open_model", "register_model"]


class PartScores(Record):
    """Scores on one part of the training set, background first; None for a class that is not there."""

    pixels: int
    iou: tuple[float | None, ...]
    dice: tuple[float | None, ...]


class ModelCard(Record):
    """``card.json``: where a model comes from, how it was made and how good it is."""

    format: Literal[1] = 1
    name: str
    version: int
    run: str | None
    plan: TrainPlan
    result: TrainResult
    scores: dict[Literal["val", "test"], PartScores]
    weights_sha256: str
    software: str
    created: datetime

    @property
    def key(self) -> str:
        """``name/version``."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model."""

    layout: ModelLayout
    card: ModelCard

    @property
    def key(self) -> str:
        """``name/version``."""
        return self.card.key

    def network(self, device: str = "cpu") -> Network:
        """Load the weights, ready to predict."""
        return Network.from_plan(self.card.plan, load_weights(self.layout.weights), device)


def register_model(
    project: Project,
    weights: Path,
    plan: TrainPlan,
    result: TrainResult,
    scores: dict[Literal["val", "test"], PartScores],
    *,
    run: str | None,
) -> Model:
    """Keep weights as the next version of the plan's model.

    Parameters
    ----------
    weights : Path
        A safetensors file; it is copied.
    scores : dict of PartScores
        Of the parts that were measured.
    run : str or None
        The run that made it.
    """
    name = check_name(plan.config.model, what="model name")
    data = weights.read_bytes()
    while True:
        version = 1 + max((m.card.version for m in list_models(project) if m.card.name == name), default=0)
        target = project.layout.model(name, version)
        try:
            with new_folder(target.root) as folder:
                layout = ModelLayout(folder)
                write_bytes(layout.weights, data)
                card = ModelCard(
                    name=name,
                    version=version,
                    run=run,
                    plan=plan,
                    result=result,
                    scores=scores,
                    weights_sha256=file_sha256(layout.weights),
                    software=f"labkit-studio {__version__}",
                    created=utc_now(),
                )
                save_record(layout.card, card)
        except AlreadyExists:
            continue  # another run took this version meanwhile
        return Model(target, card)


def list_models(project: Project) -> tuple[Model, ...]:
    """Return the project's models by name and version."""
    root = project.layout.models
    layouts = [ModelLayout(p) for p in root.glob("*/*") if not p.name.startswith(".")] if root.is_dir() else []
    models = [Model(lay, load_record(lay.card, ModelCard)) for lay in layouts if lay.card.is_file()]
    return tuple(sorted(models, key=lambda m: (m.card.name, m.card.version)))


def open_model(project: Project, key: str) -> Model:
    """Open a model by ``name/version``, or the newest version of a name.

    Raises
    ------
    NotFound
        There is none.
    InvalidInput
        The version is no number.
    """
    name, _, version = key.partition("/")
    if version and not version.isdigit():
        raise InvalidInput(f"{version!r} is no version of a model.", hint="Write NAME/1, or NAME for the newest.")
    models = [m for m in list_models(project) if m.card.name == name and (not version or m.card.version == int(version))]
    if not models:
        known = ", ".join(m.key for m in list_models(project)) or "none"
        raise NotFound(f"The project has no model {key!r}.", hint=f"Its models: {known}.", key=key)
    return models[-1]
