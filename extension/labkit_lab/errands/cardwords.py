"""A model's card in lines for people."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.training import ModelCard
from labkit_lab.wire_models import CardRow, CardSection

__all__ = ["card_sections"]

_SHOWN_IMAGES = 20
_SETTINGS = ("epochs", "batch_size", "learning_rate", "weight_decay", "seed", "separate_objects", "patience", "class_weights", "precision")


def card_sections(card: ModelCard) -> tuple[CardSection, ...]:
    """Return what a card says, the most asked for first; sections without lines are left out."""
    found = (
        ("Scores", _scores(card)),
        ("What it can and cannot", _limits(card)),
        ("What it learned from", _data(card)),
        ("How it was trained", _training(card)),
        ("Where it comes from", _origin(card)),
    )
    sections = ((title, tuple(CardRow(name=name, value=value) for name, value in rows if value)) for title, rows in found)
    return tuple(CardSection(title=title, rows=rows) for title, rows in sections if rows)


def _scores(card: ModelCard) -> Iterable[tuple[str, str]]:
    names = ["background", *(c.name for c in card.plan.classes)]
    for part, scores in sorted(card.scores.items(), reverse=True):  # val, then test
        for name, dice, iou in zip(names, scores.dice, scores.iou, strict=True):
            yield f"{name}, on {part}", f"Dice {_number(dice)}, IoU {_number(iou)}"
        yield f"Pixels scored on {part}", f"{scores.pixels:,}"


def _limits(card: ModelCard) -> Iterable[tuple[str, str]]:
    tiles = "yes" if card.limits.tile_invariant else "no: a large picture in tiles gets another answer than in one piece"
    yield "Same answer in tiles", tiles
    yield "Sees around a pixel", f"{card.plan.halo_px} px"
    yield "Channels", str(card.plan.channels)
    yield "Answers", ", ".join(card.plan.outputs)
    for number, warning in enumerate(card.limits.warnings, start=1):
        yield f"Warning {number}", warning


def _data(card: ModelCard) -> Iterable[tuple[str, str]]:
    yield "Training set", card.plan.training_set
    yield "Tiles learned from", f"{card.plan.training_chips:,}"
    yield "Tiles looked at meanwhile", f"{card.plan.validation_chips:,}"
    if card.data is not None:
        names = [image.name for image in card.data.images]
        more = f" and {len(names) - _SHOWN_IMAGES} more" if len(names) > _SHOWN_IMAGES else ""
        yield "Images", ", ".join(names[:_SHOWN_IMAGES]) + more
        yield "Side of a tile", f"{card.data.chip_px} px"
        size = card.data.pixel_size_um
        yield "Pixel size", "" if size is None else f"{size[0]:g} x {size[1]:g} µm"
        yield "SHA-256 of the data", card.data.data_sha256


def _training(card: ModelCard) -> Iterable[tuple[str, str]]:
    yield "Network", f"{card.plan.architecture}, {card.plan.parameters:,} weights"
    settings = card.plan.config.model_dump()
    for name in _SETTINGS:
        value = settings.get(name)
        yield name.replace("_", " ").capitalize(), "" if value is None else _text(value)
    yield "Steps", f"{card.plan.total_steps:,}"
    yield "Best epoch", f"{card.result.best_epoch} of {len(card.result.history)}"
    yield "Time", f"{card.result.seconds:.0f} s on {card.plan.device}"
    if card.encoder is not None:
        yield "Encoder began with", ", ".join(f"{k} {v}" for k, v in card.encoder.model_dump().items() if v)


def _origin(card: ModelCard) -> Iterable[tuple[str, str]]:
    yield "Made", f"{card.created:%Y-%m-%d %H:%M} UTC"
    yield "Run", card.run or ""
    yield "Licence", card.licence or "not said"
    yield "Software", ", ".join(f"{name} {version}" for name, version in card.versions.items()) or card.software
    yield "SHA-256 of the weights", card.weights_sha256


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
