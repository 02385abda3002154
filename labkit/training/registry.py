"""Models of a project: weights with a card that says what they are, in versions that never change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labkit import __version__
from labkit.datasets import TrainingSet, open_training_set
from labkit.errors import AlreadyExists, CorruptStore, InvalidInput, NotFound
from labkit.formats.checkpoint import load_weights
from labkit.project import Project
from labkit.storage import ModelLayout, check_name, file_sha256, load_record, new_folder, save_record, utc_now, write_bytes
from labkit.training.card import ModelCard, ModelLimits, PartScores, software_versions, summary_of
from labkit.training.config import TrainPlan
from labkit.training.history import TrainResult
from labkit.training.network import Network
from labkit.training.shelf import Shelf, load_shelf, shelve

__all__ = [
    "Model",
    "ModelCard",
    "PartScores",
    "list_models",
    "open_model",
    "promote_model",
    "register_model",
    "restore_model",
    "retire_model",
]


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model.

    Attributes
    ----------
    layout : ModelLayout
        Where it lies.
    card : ModelCard
        What it is.
    promoted : bool
        Whether it is the one that the model's name alone stands for.
    retired : str
        Why it is not to be used any more; "" if it is.
    """

    layout: ModelLayout
    card: ModelCard
    promoted: bool = False
    retired: str = ""

    @property
    def key(self) -> str:
        """``name/version``."""
        return self.card.key

    def network(self, device: str = "cpu") -> Network:
        """Load the weights, ready to predict.

        Raises
        ------
        CorruptStore
            The file of weights is not the one that the card names.
        """
        self.check()
        return Network.from_plan(self.card.plan, load_weights(self.layout.weights), device)

    def check(self) -> None:
        """Compare the weights with the card; raises as `network`."""
        path = self.layout.weights
        if not path.is_file() or file_sha256(path) != self.card.weights_sha256:
            raise CorruptStore(
                f"The weights of {self.key} are not those of its card.", hint="Restore them from a backup, or train again.", path=str(path)
            )


def register_model(
    project: Project,
    weights: Path,
    plan: TrainPlan,
    result: TrainResult,
    scores: dict[Literal["val", "test"], PartScores],
    *,
    run: str | None,
    data: TrainingSet | None = None,
) -> Model:
    """Keep weights as the next version of the plan's model: whole, or, if this program dies, not at all.

    Parameters
    ----------
    weights : Path
        A safetensors file; it is copied.
    scores : dict of PartScores
        Of the parts that were measured.
    run : str or None
        The run that made it.
    data : TrainingSet, optional
        What it learned from; default: the plan's set, if the project has it.
    """
    name = check_name(plan.config.model, what="model name")
    content = weights.read_bytes()
    data = data or _set_of(project, plan)
    while True:
        version = 1 + max((m.card.version for m in list_models(project) if m.card.name == name), default=0)
        target = project.layout.model(name, version)
        try:
            with new_folder(target.root) as folder:
                layout = ModelLayout(folder)
                write_bytes(layout.weights, content)
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
                    licence=plan.config.licence,
                    encoder=plan.encoder,
                    data=summary_of(data) if data else None,
                    versions=software_versions(),
                    threads=plan.threads,
                    limits=ModelLimits(tile_invariant=plan.tile_invariant, warnings=plan.warnings),
                )
                save_record(layout.card, card)
        except AlreadyExists:
            continue  # another run took this version meanwhile
        return Model(target, card)


def _set_of(project: Project, plan: TrainPlan) -> TrainingSet | None:
    try:
        return open_training_set(project, plan.training_set)
    except NotFound:
        return None


def list_models(project: Project) -> tuple[Model, ...]:
    """Return the project's models by name and version, retired ones too."""
    root = project.layout.models
    layouts = [ModelLayout(p) for p in root.glob("*/*") if not p.name.startswith(".")] if root.is_dir() else []
    cards = [(lay, load_record(lay.card, ModelCard)) for lay in layouts if lay.card.is_file()]
    shelves = {name: load_shelf(project, name) for name in {card.name for _, card in cards}}
    models = [_on_shelf(lay, card, shelves[card.name]) for lay, card in cards]
    return tuple(sorted(models, key=lambda m: (m.card.name, m.card.version)))


def _on_shelf(layout: ModelLayout, card: ModelCard, shelf: Shelf) -> Model:
    retired = shelf.retired.get(card.version)
    return Model(layout, card, promoted=shelf.promoted == card.version, retired=retired.reason if retired else "")


def open_model(project: Project, key: str) -> Model:
    """Open a model by ``name/version``; or by name: the promoted version, else the newest that is not retired.

    Raises
    ------
    NotFound
        There is none, or all versions of the name are retired.
    InvalidInput
        The version is no number.
    """
    name, _, version = key.partition("/")
    if version and not version.isdigit():
        raise InvalidInput(f"{version!r} is no version of a model.", hint="Write NAME/1, or NAME for the promoted or newest one.")
    every = list_models(project)
    models = [m for m in every if m.card.name == name and (not version or m.card.version == int(version))]
    if not models:
        known = ", ".join(m.key for m in every) or "none"
        raise NotFound(f"The project has no model {key!r}.", hint=f"Its models: {known}.", key=key)
    if version:
        return models[0]
    usable = [m for m in models if not m.retired]
    if not usable:
        last = models[-1]
        raise NotFound(
            f"Every version of {name!r} is retired; the last because: {last.retired}",
            hint=f"Name one to use it all the same ({last.key}), or restore it.",
            key=key,
        )
    return next((m for m in usable if m.promoted), usable[-1])


def promote_model(project: Project, key: str) -> Model:
    """Let a model's name stand for this version; raises as `open_model`, and InvalidInput for a retired one."""
    return _shelved(project, key, "promote")


def retire_model(project: Project, key: str, reason: str) -> Model:
    """Take a version out of use: its name alone does not find it any more. Raises as `open_model`."""
    return _shelved(project, key, "retire", reason)


def restore_model(project: Project, key: str) -> Model:
    """Put a retired version into use again; raises as `open_model`, and InvalidInput for one that is not retired."""
    return _shelved(project, key, "restore")


def _shelved(project: Project, key: str, verb: Literal["promote", "retire", "restore"], reason: str = "") -> Model:
    name, _, version = key.partition("/")
    if not version:
        raise InvalidInput(f"{key!r} names no version.", hint=f"Write {name}/1.")
    model = open_model(project, key)
    return _on_shelf(model.layout, model.card, shelve(project, name, model.card.version, verb, reason))
