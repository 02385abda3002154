"""What a field of the builder means for the wish."""

from __future__ import annotations

from typing import Any

from labkit_lab.widgets.builder_model import SetBuilder
from labkit_lab.widgets.builder_view import BuilderView

__all__ = ["set_wish"]

_MOST_PERCENT = 99  # of val and test together: something must be left to train on


def set_wish(model: SetBuilder, view: BuilderView, name: str, value: Any) -> None:
    """Wish what a person has set in the field `name`.

    Raises
    ------
    InvalidInput
        It cannot be; the wish stays as it was.
    """
    match name:
        case "name" | "author" | "images" | "chip_px":
            model.wish(**{name: value})
        case "tile_px":
            model.wish_tiles(tile_px=value)
        case "rule":
            model.wish_tiles(kind=value, **_details(view, value))
        case "coverage" | "classes" | "count":
            model.wish_tiles(**_details(view, model.spec.tiles.kind))
        case "split" | "group":
            kind = view.split.value
            model.wish_split(kind=kind, group=(view.group.value or "") if kind == "groups" else "", block_px=None)
        case "val" | "test":
            model.wish_split(fractions=_fractions(view, name))
        case "gap_px" | "seed":
            model.wish_split(**{name: value})
        case "block_px":
            model.wish_split(block_px=value or None)
        case _:
            raise ValueError(name)


def _details(view: BuilderView, rule: str) -> dict[str, Any]:
    return {
        "min_coverage": view.coverage.value / 100 if rule == "annotated" else 0.0,
        "classes": (tuple(view.classes.value) or tuple(view.classes.options)) if rule == "classes" else (),
        "count": view.count.value if rule == "number" else None,
    }


def _fractions(view: BuilderView, changed: str) -> tuple[float, float, float]:
    """Return the shares; the one that was just set gives way where nothing would be left to train on."""
    val, test = view.val.value, view.test.value
    if changed == "val":
        val = min(val, _MOST_PERCENT - test)
    else:
        test = min(test, _MOST_PERCENT - val)
    return (100 - val - test) / 100, val / 100, test / 100
