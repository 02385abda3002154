"""Repeat a training from its card: on a CPU, with the same set, seed and threads, the weights come out the same to the bit."""

from __future__ import annotations

from pathlib import Path

from labkit.datasets import TrainingSet, list_training_sets
from labkit.errors import InvalidInput, NotFound
from labkit.project import Project
from labkit.storage import Record, load_record
from labkit.training.card import ModelCard, software_versions
from labkit.training.config import TrainConfig
from labkit.training.registry import open_model

__all__ = ["Repetition", "card_named", "compare_repetition", "config_to_repeat", "set_of_card"]


class Repetition(Record):
    """A training, done again.

    Attributes
    ----------
    card, again : str
        Keys of the model and of the one that came out now; `run` is the run that made it.
    same : bool
        Whether the weights are equal to the bit, by their SHA-256 `expected` and `found`.
    differences : tuple of str
        What is not as it was: versions, processor, threads; and how far scores moved. Empty where nothing is.
    """

    card: str
    again: str
    run: str | None
    same: bool
    expected: str
    found: str
    differences: tuple[str, ...]


def card_named(project: Project, name: str) -> ModelCard:
    """Return a card by the path of its file, or by ``name/version`` (or name) of a model.

    Raises
    ------
    NotFound, CorruptStore
        There is no such model or file, or it is no card.
    """
    path = Path(name).expanduser()
    if path.suffix == ".json" or path.is_file():
        return load_record(path, ModelCard)
    return open_model(project, name).card


def set_of_card(project: Project, card: ModelCard) -> TrainingSet:
    """Return the set that a model has learned from, by its hash, whatever it is called now.

    Raises
    ------
    NotFound
        It is gone; the hint says from what it was built.
    """
    wanted = card.plan.training_set.rpartition("@")[2]
    for data in list_training_sets(project):
        if data.record.hash == wanted and (card.data is None or card.data.data_sha256 == data.record.data_sha256):
            return data
    images = "" if card.data is None else " It was cut from " + ", ".join(i.name for i in card.data.images) + "."
    raise NotFound(
        f"The training set {card.plan.training_set} of {card.key} is gone.",
        hint=f"Pull it from where it was pushed, or build it again from the same annotations: its hash is then {wanted}.{images}",
        key=card.plan.training_set,
    )


def config_to_repeat(project: Project, card: ModelCard) -> TrainConfig:
    """Return the wish that repeats a training from its beginning, on the set that is here now.

    Raises
    ------
    InvalidInput
        It was trained on a GPU, whose sums come in any order.
    NotFound
        Its set is gone.
    """
    plan = card.plan
    if plan.device != "cpu":
        raise InvalidInput(f"{card.key} was trained on {plan.device}: only a CPU repeats to the bit.", hint="Train it again as usual.")
    changes = {
        "project": str(project.path),
        "training_set": set_of_card(project, card).key,
        "model": f"{card.name}-rerun",
        "device": "cpu",
        "resume_from": None,
        "results_url": None,
        "threads": card.threads or plan.config.threads,
    }
    return plan.config.model_copy(update=changes)


def compare_repetition(card: ModelCard, again: ModelCard) -> Repetition:
    """Say whether the same came out, and if not, what else is not as it was."""
    same = card.weights_sha256 == again.weights_sha256
    return Repetition(
        card=card.key,
        again=again.key,
        run=again.run,
        same=same,
        expected=card.weights_sha256,
        found=again.weights_sha256,
        differences=() if same else (*_surroundings(card, again), *_course(card, again)),
    )


def _surroundings(card: ModelCard, again: ModelCard) -> list[str]:
    lines = []
    now = again.versions or software_versions()
    for name in now.keys() | card.versions.keys():
        before, after = card.versions.get(name, "unknown"), now.get(name, "unknown")
        if before != after:
            lines.append(f"{name}: {before} then, {after} now")
    if card.threads != again.threads:
        lines.append(f"threads: {card.threads or 'unknown'} then, {again.threads} now")
    return sorted(lines)


def _course(card: ModelCard, again: ModelCard) -> list[str]:
    """Return where the two trainings part, and how far they are at the end."""
    for before, after in zip(card.result.history, again.result.history, strict=False):
        if before.train_loss != after.train_loss:
            line = f"loss of epoch {before.epoch}: {before.train_loss:.6g} then, {after.train_loss:.6g} now"
            break
    else:
        line = "every loss is equal; only the file of weights is not"
    return [line, f"best score: {card.result.best_score} then, {again.result.best_score} now"]
