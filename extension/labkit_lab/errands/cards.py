"""Models and comparisons for browsers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from labkit.annotations import resolve_author
from labkit.datasets import mean_score
from labkit.errors import InvalidInput
from labkit.project import Project
from labkit.training import (
    Model,
    RunComparison,
    compare_models,
    compare_runs,
    list_models,
    open_model,
    promote_model,
    restore_model,
    retire_model,
)
from labkit.training.comparison import ComparedRow
from labkit_lab.errands.cardwords import card_sections
from labkit_lab.wire_models import ModelCardItem, ModelItem, ModelList
from labkit_lab.wire_runs import CompareAsk, ComparedItem, CompareReport, CompareRow, CurveItem

__all__ = ["card_of_model", "compare", "list_of_models", "promote", "restore", "retire"]

_MORE_IS_BETTER = ("dice", "iou")


def list_of_models(project_path: Path) -> ModelList:
    """Return a project's models, by name, the newest version first."""
    project = Project.open(project_path)
    models = sorted(list_models(project), key=lambda model: (model.card.name, -model.card.version))
    return ModelList(title=project.title, me=resolve_author(None), models=tuple(_item(model, models) for model in models))


def card_of_model(project_path: Path, key: str) -> ModelCardItem:
    """Return a model's card for people."""
    project = Project.open(project_path)
    model = open_model(project, key)
    return ModelCardItem(model=_item(model, list_models(project)), sections=card_sections(model.card))


def promote(project_path: Path, key: str) -> ModelItem:
    """Let a model's name open this version."""
    return _changed(project_path, promote_model(Project.open(project_path), key))


def retire(project_path: Path, key: str, reason: str) -> ModelItem:
    """Take a version out of use."""
    return _changed(project_path, retire_model(Project.open(project_path), key, reason))


def restore(project_path: Path, key: str) -> ModelItem:
    """Take a version back into use."""
    return _changed(project_path, restore_model(Project.open(project_path), key))


def compare(project_path: Path, asked: CompareAsk) -> CompareReport:
    """Return runs or models side by side.

    Raises
    ------
    InvalidInput
        Both or neither were named, or what the library refuses.
    """
    if bool(asked.runs) == bool(asked.models):
        raise InvalidInput("Either runs or models are compared.", hint="Choose two or more of one kind.")
    project = Project.open(project_path)
    found = compare_runs(project, asked.runs) if asked.runs else compare_models(project, asked.models)
    rows = [_row(row, "setting") for row in found.settings] + [_row(row, "metric") for row in found.metrics]
    return CompareReport(columns=tuple(_column(found, k) for k in range(len(found.runs))), rows=tuple(rows))


def _changed(project_path: Path, model: Model) -> ModelItem:
    return _item(model, list_models(Project.open(project_path)))


def _item(model: Model, models: Sequence[Model]) -> ModelItem:
    card = model.card
    usable = sorted((m for m in models if m.card.name == card.name and not m.retired), key=lambda m: (m.promoted, m.card.version))
    return ModelItem(
        key=model.key,
        name=card.name,
        version=card.version,
        created=card.created,
        architecture=card.plan.architecture,
        training_set=card.plan.training_set,
        run=card.run,
        val_dice=mean_score(card.scores["val"].dice) if "val" in card.scores else None,
        test_dice=mean_score(card.scores["test"].dice) if "test" in card.scores else None,
        licence=card.licence,
        promoted=model.promoted,
        opened=bool(usable) and usable[-1].key == model.key,
        retired=model.retired or None,
    )


def _column(found: RunComparison, place: int) -> ComparedItem:
    run = found.runs[place]
    curves = []
    for name, columns in found.curves.items():
        points = columns[place]
        if points:
            values = tuple(point.value if math.isfinite(point.value) else None for point in points)
            curves.append(CurveItem(name=name, epochs=tuple(p.epoch for p in points), steps=(), values=values))
    title = run.title if run.model in (None, run.key) else f"{run.title} → {run.model}"
    return ComparedItem(key=run.key, title=title, curves=tuple(curves))


def _row(row: ComparedRow, kind: Literal["setting", "metric"]) -> CompareRow:
    return CompareRow(
        name=row.name.replace("_", " "),
        kind=kind,
        differs=row.differs,
        values=tuple(_text(value) for value in row.values),
        best=_best(row) if kind == "metric" else (),
    )


def _best(row: ComparedRow) -> tuple[int, ...]:
    """Return the columns that are ahead, where there is anything to be ahead of."""
    sign = 1 if any(word in row.name.lower() for word in _MORE_IS_BETTER) else -1 if "loss" in row.name.lower() else 0
    numbers = {k: sign * v for k, v in enumerate(row.values) if isinstance(v, int | float) and math.isfinite(v)}
    if not sign or len(numbers) < 2 or not row.differs:
        return ()
    return tuple(k for k, value in numbers.items() if value == max(numbers.values()))


def _text(value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
