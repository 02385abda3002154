"""The report: one HTML page that stands alone, with pictures and curves inside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from labkit.analysis.measure import ObjectRow
from labkit.geometry import Box
from labkit.inference import PredictionRecord

if TYPE_CHECKING:
    from labkit.analysis.analysing import AnalysisRecord

__all__ = ["render_report"]

_ROWS_SHOWN = 200


def render_report(analysis: AnalysisRecord, prediction: PredictionRecord, rows: Sequence[ObjectRow], overlay_png: bytes, view: Box) -> str:
    """Return the report as HTML; names of files and classes are escaped, nothing is loaded from elsewhere."""
    template = resources.files("labkit.analysis").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["score"] = lambda value: "-" if value is None else f"{value:.3f}"
    areas, unit = _areas(rows)
    return environment.from_string(template).render(
        analysis=analysis,
        prediction=prediction,
        rows=rows[:_ROWS_SHOWN],
        hidden_rows=max(0, len(rows) - _ROWS_SHOWN),
        class_names={c.id: c.name for c in prediction.classes},
        overlay=_data_uri(overlay_png, "image/png"),
        histogram=_data_uri(_histogram_svg(areas, unit), "image/svg+xml") if areas else None,
        area_unit=unit,
        median_area=float(np.median(areas)) if areas else None,
        view=view,
    )


def _areas(rows: Sequence[ObjectRow]) -> tuple[list[float], str]:
    if rows and rows[0].area_um2 is not None:
        return [r.area_um2 for r in rows if r.area_um2 is not None], "µm²"
    return [float(r.area_px) for r in rows], "px"


def _histogram_svg(values: Sequence[float], unit: str) -> bytes:
    from matplotlib.figure import Figure  # heavy, and needed only where a report is written

    figure = Figure(figsize=(6, 2.4), layout="constrained")
    axes: Any = figure.subplots()
    axes.hist(values, bins=min(40, max(5, int(len(values) ** 0.5) * 2)), color="#0072B2")
    axes.set_xlabel(f"area of an object ({unit})")
    axes.set_ylabel("objects")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
