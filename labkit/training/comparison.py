"""Trainings side by side: what was set otherwise, what came out, and the curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from labkit.datasets import mean_score
from labkit.errors import InvalidInput, NotFound
from labkit.events import Metric
from labkit.project import Project
from labkit.runs import LocalRunner, Run
from labkit.storage import Record
from labkit.training.card import ModelCard
from labkit.training.config import TrainConfig
from labkit.training.registry import list_models, open_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ComparedRow", "ComparedRun", "CurvePoint", "RunComparison", "compare_models", "compare_runs", "curves_figure"]

_NOT_SETTINGS = {"project", "model", "resume_from", "results_url", "checkpoint_every_s"}
_EACH_STEP = "loss"  # too many to compare: the mean of an epoch is "train_loss"
_LEAST, _MOST = 2, 12


class ComparedRun(Record):
    """One training; `state` is that of its run, or "model" where only the card is looked at."""

    key: str
    title: str
    state: str
    model: str | None
    training_set: str
    seconds: float | None


class ComparedRow(Record):
    """One setting or number: a value for each training, null where it has none."""

    name: str
    values: tuple[JsonValue, ...]
    differs: bool


class CurvePoint(Record):
    """A number after an epoch."""

    epoch: int
    value: float


class RunComparison(Record):
    """Trainings side by side; settings that differ stand first."""

    runs: tuple[ComparedRun, ...]
    settings: tuple[ComparedRow, ...]
    metrics: tuple[ComparedRow, ...]
    curves: dict[str, tuple[tuple[CurvePoint, ...], ...]]

    @property
    def lines(self) -> tuple[str, ...]:
        """What differs and what came out, as a table for people."""
        rows = [("", *(run.key for run in self.runs))]
        rows += [(row.name, *map(_shown, row.values)) for row in self.settings if row.differs]
        rows += [(row.name, *map(_shown, row.values)) for row in self.metrics]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        return tuple("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def compare_runs(project: Project, run_ids: Sequence[str]) -> RunComparison:
    """Compare trainings by their runs, finished or not.

    A run that went on from another has that one's curve before its own.

    Raises
    ------
    NotFound
        There is no such run.
    InvalidInput
        There are fewer than two, more than twelve, or one is no training.
    """
    _check_number(run_ids)
    runs = [LocalRunner(project.layout.runs).run(run_id) for run_id in dict.fromkeys(run_ids)]
    cards = {m.card.run: m.card for m in list_models(project) if m.card.run}
    configs = [_config(run) for run in runs]
    return RunComparison(
        runs=tuple(_compared(run, config, cards.get(run.id)) for run, config in zip(runs, configs, strict=True)),
        settings=_rows([_settings(config) for config in configs], differing_first=True),
        metrics=_rows([_metrics(cards[run.id]) if run.id in cards else {} for run in runs]),
        curves=_curves([_points(project, run) for run in runs]),
    )


def compare_models(project: Project, keys: Sequence[str]) -> RunComparison:
    """Compare models by their cards; raises as `compare_runs` and `labkit.training.open_model`."""
    _check_number(keys)
    cards = [open_model(project, key).card for key in dict.fromkeys(keys)]
    return RunComparison(
        runs=tuple(
            ComparedRun(
                key=card.key,
                title=f"{card.name} on {card.plan.training_set.partition('@')[0]}",
                state="model",
                model=card.key,
                training_set=card.plan.training_set,
                seconds=card.result.seconds,
            )
            for card in cards
        ),
        settings=_rows([_settings(card.plan.config) | _origin(card) for card in cards], differing_first=True),
        metrics=_rows([_metrics(card) for card in cards]),
        curves=_curves([_history(card) for card in cards]),
    )


def curves_figure(comparison: RunComparison) -> Figure:
    """Return the curves as a figure, one panel per number, one colour per training; for a notebook or a file."""
    from matplotlib.figure import Figure

    names = list(comparison.curves) or ["no curve yet"]
    figure = Figure(figsize=(4.2 * len(names), 3.2), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for number, (run, points) in enumerate(
            zip(comparison.runs, comparison.curves.get(name, ((),) * len(comparison.runs)), strict=True)
        ):
            x, y = [p.epoch for p in points], [p.value for p in points]
            ax.plot(x, y, "o-", color=_OKABE_ITO[number % len(_OKABE_ITO)], markersize=3, label=run.key)
        ax.set(xlabel="epoch", title=name.replace("_", " "))
        ax.grid(alpha=0.3)
    figure.axes[0].legend(frameon=False)
    return figure


_OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def _check_number(keys: Sequence[str]) -> None:
    number = len(set(keys))
    if not _LEAST <= number <= _MOST:
        raise InvalidInput(f"{number} training(s) cannot be compared.", hint=f"Name {_LEAST} to {_MOST} different ones.")


def _config(run: Run) -> TrainConfig:
    if run.spec.kind != "train":
        raise InvalidInput(f"The run {run.id} is no training but {run.spec.kind!r}.", hint="Compare trainings.")
    return TrainConfig.model_validate(run.spec.config)


def _compared(run: Run, config: TrainConfig, card: ModelCard | None) -> ComparedRun:
    record = run.record()
    seconds = (record.ended - record.started).total_seconds() if record.started and record.ended else None
    return ComparedRun(
        key=run.id,
        title=run.spec.title,
        state=record.state,
        model=card.key if card else None,
        training_set=config.training_set,
        seconds=seconds,
    )


def _settings(config: TrainConfig) -> dict[str, JsonValue]:
    return dict(_flat(config.model_dump(mode="json", exclude=_NOT_SETTINGS)))


def _flat(values: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, JsonValue]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _origin(card: ModelCard) -> dict[str, JsonValue]:
    """Return what else a result depends on; only a card knows it."""
    found: dict[str, JsonValue] = {"device used": card.plan.device, "threads used": card.threads}
    return found | {f"{name} version": value for name, value in card.versions.items()}


def _metrics(card: ModelCard) -> dict[str, JsonValue]:
    names = [c.name for c in card.plan.classes]
    found: dict[str, JsonValue] = {"best epoch": card.result.best_epoch}
    for part, scores in sorted(card.scores.items(), reverse=True):  # val, then test
        found[f"mean Dice on {part}"], found[f"mean IoU on {part}"] = mean_score(scores.dice), mean_score(scores.iou)
        for name, dice, iou in zip(names, scores.dice[1:], scores.iou[1:], strict=True):
            found[f"Dice on {part}: {name}"], found[f"IoU on {part}: {name}"] = dice, iou
    return found


def _rows(columns: Sequence[dict[str, JsonValue]], *, differing_first: bool = False) -> tuple[ComparedRow, ...]:
    names = list(dict.fromkeys(name for column in columns for name in column))
    values = {name: tuple(column.get(name) for column in columns) for name in names}
    rows = [ComparedRow(name=name, values=row, differs=any(v != row[0] for v in row)) for name, row in values.items()]
    return tuple(sorted(rows, key=lambda row: not row.differs)) if differing_first else tuple(rows)


def _points(project: Project, run: Run) -> dict[str, dict[int, float]]:
    """Return the numbers after each epoch, by name and epoch; those of the run that this one went on from come first."""
    found: dict[str, dict[int, float]] = {}
    if run.spec.resumes is not None:
        try:
            found = _points(project, LocalRunner(project.layout.runs).run(run.spec.resumes))
        except NotFound:
            found = {}
    own = [e.event for e in run.events() if isinstance(e.event, Metric) and e.event.name != _EACH_STEP]
    begins = min((m.epoch for m in own), default=None)
    if begins is not None:
        found = {name: {epoch: v for epoch, v in points.items() if epoch < begins} for name, points in found.items()}
    for metric in own:
        found.setdefault(metric.name, {})[metric.epoch] = metric.value
    return found


def _history(card: ModelCard) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for epoch in card.result.history:
        numbers = epoch.model_dump(exclude={"epoch", "step", "seconds"})
        numbers["val_dice"] = numbers.pop("score")  # as the events call it
        for name, value in numbers.items():
            if isinstance(value, int | float):
                found.setdefault(name, {})[epoch.epoch] = float(value)
    return found


def _curves(columns: Sequence[dict[str, dict[int, float]]]) -> dict[str, tuple[tuple[CurvePoint, ...], ...]]:
    names = dict.fromkeys(name for column in columns for name in column)
    return {
        name: tuple(tuple(CurvePoint(epoch=e, value=v) for e, v in sorted(column.get(name, {}).items())) for column in columns)
        for name in names
    }


def _shown(value: JsonValue) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
