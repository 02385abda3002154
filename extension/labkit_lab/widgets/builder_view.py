"""How the builder of training sets looks in a notebook: fields, a picture with its tiles, what comes of the wish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import ipywidgets as w
from ipycanvas import MultiCanvas

from labkit.datasets import PARTS, SetPlan, SetSpec
from labkit.project import ClassRecord

__all__ = ["BuilderView", "consequences_html"]

_RULES = (
    ("all that are annotated at all", "all"),
    ("annotated at least ...", "annotated"),
    ("accepted in review", "reviewed"),
    ("in which a class occurs", "classes"),
    ("a number of them, drawn", "number"),
    ("chosen by hand", "hand"),
)
_SPLITS = (
    ("automatic", "auto"),
    ("whole images", "images"),
    ("groups of images", "groups"),
    ("blocks of each image", "blocks"),
    ("bands of each image", "bands"),
)
_STYLE = {"description_width": "120px"}
_LAYERS = 3
_MOST_SEED = 2**32 - 1
_MOST_PX = 100_000


class BuilderView:
    """The widgets, and nothing that they mean.

    Parameters
    ----------
    authors : sequence of str
        Who has annotated; "*" is added for the agreed annotations.
    images : sequence of (label, id)
        What can be chosen.
    classes : sequence of ClassRecord
    keys : sequence of str
        By what images are grouped.
    """

    def __init__(
        self, authors: Sequence[str], images: Sequence[tuple[str, str]], classes: Sequence[ClassRecord], keys: Sequence[str]
    ) -> None:
        self.name = w.Text(description="Name", style=_STYLE, continuous_update=False)
        self.author = w.Dropdown(
            description="Annotations of", style=_STYLE, options=[*((name, name) for name in authors), ("the agreed ones", "*")]
        )
        self.images = w.SelectMultiple(description="Images (none: all)", style=_STYLE, options=images, rows=min(max(len(images), 2), 6))
        self.chip_px = _number("Side of a chip (px)", 16, 1024)
        self.tile_px = _number("Side of a tile (px)", 16, 4096)
        self.rule = w.Dropdown(description="Which tiles", style=_STYLE, options=_RULES)
        self.coverage = _number("Annotated at least (%)", 1, 100)
        self.classes = w.SelectMultiple(
            description="With a class", style=_STYLE, options=[item.name for item in classes], rows=min(max(len(classes), 2), 6)
        )
        self.count = _number("How many", 1, 1_000_000)
        self.split = w.Dropdown(description="Split by", style=_STYLE, options=[item for item in _SPLITS if keys or item[1] != "groups"])
        self.group = w.Dropdown(description="Group", style=_STYLE, options=list(keys))
        self.val, self.test = _number("Val (%)", 0, 99), _number("Test (%)", 0, 99)
        self.gap_px, self.seed = _number("Gap (px)", 0, _MOST_PX), _number("Seed", 0, _MOST_SEED)
        self.block_px = _number("Side of a block (px)", 0, _MOST_PX)
        self.shown = w.Dropdown(description="Image", options=())
        self.first_row, self.last_row = _small("Rows from"), _small("to")
        self.first_column, self.last_column = _small("Columns from"), _small("to")
        self.take, self.leave = w.Button(description="Choose these"), w.Button(description="Leave these out")
        self.take_all, self.take_none = w.Button(description="All"), w.Button(description="None")
        # no larger than the picture that is drawn on it, and smaller where there is no room
        self.canvas = MultiCanvas(_LAYERS, width=16, height=16, layout=w.Layout(align_self="flex-start", max_width="100%", height="auto"))
        self.place = w.Label("")
        self.outcome = w.HTML()
        self.progress = w.FloatProgress(min=0, max=1, description="")
        self.cancel = w.Button(description="Cancel")
        self.build = w.Button(description="Build", button_style="primary")
        self.reason = w.Label("")
        self.root = self._laid_out()

    @property
    def fields(self) -> dict[str, w.ValueWidget]:
        """What a person sets, by name."""
        names = (
            *("name", "author", "images", "chip_px", "tile_px", "rule", "coverage", "classes", "count"),
            *("split", "group", "val", "test", "gap_px", "block_px", "seed"),
        )
        return {name: getattr(self, name) for name in names}

    def show_wish(self, spec: SetSpec, author: str) -> None:
        """Show a wish; fields that its kinds do not look at are put away."""
        split, tiles = spec.split, spec.tiles
        values: dict[str, Any] = {
            "name": spec.name,
            "author": spec.author or author,
            "chip_px": spec.chip_px,
            "images": tuple(key for _, key in self.images.options if key in spec.images),
            "tile_px": tiles.tile_px,
            "rule": tiles.kind,
            "coverage": max(1, round(100 * tiles.min_coverage)),
            "classes": tiles.classes,
            "count": tiles.count or 20,
            "split": split.kind,
            "val": round(100 * split.fractions[1]),
            "test": round(100 * split.fractions[2]),
            "gap_px": split.gap_px,
            "block_px": split.block_px or 0,
            "seed": split.seed,
        }
        for name, value in values.items():
            getattr(self, name).value = value
        seen = {"coverage": tiles.kind == "annotated", "classes": tiles.kind == "classes", "count": tiles.kind == "number"}
        seen |= {"group": split.kind == "groups", "block_px": split.kind == "blocks", "gap_px": split.kind not in ("images", "groups")}
        for name, is_seen in seen.items():
            getattr(self, name).layout.display = "" if is_seen else "none"

    def show_progress(self, words: str, done: float, total: float) -> None:
        """Show how far work is; no words put it away."""
        self.progress.description = words
        self.progress.value = done / total if total else 0
        for widget in (self.progress, self.cancel):
            widget.layout.visibility = "visible" if words else "hidden"

    def _laid_out(self) -> w.Widget:
        form = w.VBox(list(self.fields.values()), layout=w.Layout(width="310px", flex="none"))
        tools = w.HBox([self.shown, self.take_all, self.take_none])
        keys = w.HBox([self.first_row, self.last_row, self.first_column, self.last_column, self.take, self.leave])
        keys.layout.flex_flow = "row wrap"
        picture = w.VBox([tools, self.canvas, self.place, keys], layout=w.Layout(flex="1 1 300px", min_width="300px"))
        outcome = w.VBox([self.outcome, w.HBox([self.progress, self.cancel]), self.build, self.reason])
        outcome.layout.padding = "0 0 0 8px"
        outcome.layout.width, outcome.layout.flex = "350px", "none"
        return w.HBox([form, picture, outcome], layout=w.Layout(flex_flow="row wrap"))


def _number(description: str, least: int, most: int) -> w.BoundedIntText:
    return w.BoundedIntText(description=description, min=least, max=most, style=_STYLE, continuous_update=False)


def _small(description: str) -> w.BoundedIntText:
    layout = w.Layout(width="150px" if " " in description else "100px")
    style = {"description_width": "initial"}
    return w.BoundedIntText(value=1, description=description, min=1, max=1, layout=layout, style=style)


def consequences_html(plan: SetPlan) -> str:
    """Return what would come of a wish, as a table and a list of problems."""
    head = "".join(f"<th>{part}</th>" for part in PARTS)
    rows = [("background", 0), *((item.name, item.id) for item in plan.classes)]
    lines = [_row(name, [_pixels(plan, part, number) for part in PARTS]) for name, number in rows]
    lines.append(_row("chips", [str(plan.parts[part].chips) if part in plan.parts else "-" for part in PARTS]))
    chips = sum(summary.chips for summary in plan.parts.values())
    size = f"<p>{chips} chips of {plan.spec.chip_px} px, about {plan.size_bytes / 1e6:.1f} MB on the disk.</p>"
    found = "".join(
        f"<li><b>{problem.level.capitalize()}:</b> {escape(problem.message)} <i>{escape(problem.hint)}</i></li>"
        for problem in plan.problems
    )
    table = f"<table><tr><th>class</th>{head}</tr>{''.join(lines)}</table>"
    return f"{table}{size}<ul>{found or '<li>Nothing stands against it.</li>'}</ul>"


def _row(name: str, cells: Iterable[str]) -> str:
    numbers = "".join(f'<td style="text-align: right; padding-left: 12px; line-height: 1.4">{cell}</td>' for cell in cells)
    return f"<tr><th>{escape(name)}</th>{numbers}</tr>"


def _pixels(plan: SetPlan, part: str, class_id: int) -> str:
    summary = {str(name): found for name, found in plan.parts.items()}.get(part)
    if summary is None:
        return "-"
    total = sum(summary.pixels.values()) + summary.ignored_pixels
    count = summary.pixels.get(class_id, 0)
    return f"{count:,}<br>({100 * count / total:.1f}&nbsp;%)" if total else "0"
