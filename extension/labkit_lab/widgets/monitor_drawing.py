"""Curves of a training as SVG in text: what a notebook can show without a plotting library, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Curve", "chart_svg", "charts_of"]

_WIDTH, _HEIGHT = 420, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 24, 30
_MOST_POINTS = 400
# Okabe and Ito's colours, in shades that stand out from white and from black; each with dashes of its own.
_COLOURS = ("#2b7bb0", "#d55e00", "#009e73", "#c060a0")
_DASHES = ("", "7 3", "2 3", "8 3 2 3")
_GROUPS = (("Loss", ("loss", "train_loss", "val_loss")), ("Score", ("val_dice", "val_iou")), ("Learning rate", ("learning_rate",)))

Points = Sequence[tuple[int, int, float]]  # epoch, step, value


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart: points (step, value), ``faint`` where it is noise beside others."""

    label: str
    points: tuple[tuple[float, float], ...]
    faint: bool = False


def charts_of(curves: Mapping[str, Points], *, is_log: bool = False) -> tuple[str, ...]:
    """Return a chart for each kind of metric that has points.

    Parameters
    ----------
    curves : mapping of str to points
        By the name of the metric: (epoch, step, value).
    is_log : bool
        Draw losses on a logarithmic axis.
    """
    known = {name for _, names in _GROUPS for name in names}
    others = tuple((name.replace("_", " "), (name,)) for name in sorted(curves) if name not in known)
    drawn = []
    for title, names in (*_GROUPS, *others):
        lines = tuple(_curve(name, curves[name]) for name in names if curves.get(name))
        lines = tuple(line for line in lines if line.points)
        if lines:
            drawn.append(chart_svg(title, lines, is_log=is_log and title == "Loss", is_share=title == "Score"))
    return tuple(drawn)


def _curve(name: str, points: Points) -> Curve:
    finite = [(float(step), value) for _, step, value in points if math.isfinite(value)]
    return Curve(name.replace("_", " "), _thinned(finite), faint=name == "loss")


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    size = math.ceil(len(points) / (_MOST_POINTS - 1))
    parts = [points[k : k + size] for k in range(0, len(points), size)]
    means = [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts]
    return (*means[:-1], points[-1])


def chart_svg(title: str, curves: Sequence[Curve], *, is_log: bool = False, is_share: bool = False) -> str:
    """Return a chart with axes and a legend that holds the last values.

    Parameters
    ----------
    is_log : bool
        A logarithmic axis; what is not above zero is left out.
    is_share : bool
        Values are shares of one: the axis goes from 0 to 1.
    """
    if is_log:
        curves = [Curve(c.label, tuple(p for p in c.points if p[1] > 0), c.faint) for c in curves]
    points = [point for curve in curves for point in curve.points]
    if not points:
        return ""
    frame = _Frame.around(points, is_log=is_log, is_share=is_share)
    parts = [*_axes(frame), *(line for k, curve in enumerate(curves) for line in _line(frame, curve, k))]
    words = ", ".join(f"{c.label} {_number(c.points[-1][1])}" for c in curves if c.points)
    label = escape(f"{title}: {words}")
    head = f'<text x="{_LEFT}" y="13" font-weight="600" style="{_INK}">{escape(title)}</text>'
    opened = f'<svg role="img" aria-label="{label}" width="{_WIDTH}" height="{_HEIGHT}" style="{_FONT}">'
    return f'<figure style="{_PLACE}">{opened}{head}{"".join(parts)}</svg>{_legend(curves)}</figure>'


_FONT = "font:11px var(--jp-ui-font-family,sans-serif)"
_PLACE = "margin:0 16px 8px 0;display:inline-block"
_INK = "fill:var(--jp-ui-font-color1,#222)"
_GRID = "stroke:var(--jp-border-color2,#bbb)"


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values lie in the picture."""

    x_high: float
    y_low: float
    y_high: float
    is_log: bool

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]], *, is_log: bool, is_share: bool) -> _Frame:
        low, high = min(y for _, y in points), max(y for _, y in points)
        if is_log:
            low, high = math.log10(low), max(math.log10(high), math.log10(low) + 0.1)
        elif is_share:
            low, high = min(0.0, low), max(1.0, high)
        else:
            low, high = min(0.0, low), high if high > min(0.0, low) else low + 1
        return cls(max(1.0, *(x for x, _ in points)), low, high, is_log)

    def x(self, step: float) -> float:
        return _LEFT + step / self.x_high * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        place = math.log10(value) if self.is_log else value
        return _TOP + (self.y_high - place) / (self.y_high - self.y_low) * (_HEIGHT - _TOP - _BOTTOM)

    def y_ticks(self) -> list[float]:
        if not self.is_log:
            return _ticks(self.y_low, self.y_high, 5)
        factors = (1, 2, 5) if self.y_high - self.y_low < 1.5 else (1,)
        powers = range(math.floor(self.y_low), math.ceil(self.y_high) + 1)
        ticks = [factor * 10.0**power for power in powers for factor in factors]
        return [tick for tick in ticks if self.y_low - 1e-9 <= math.log10(tick) <= self.y_high + 1e-9]


def _ticks(low: float, high: float, wanted: int, *, whole: bool = False) -> list[float]:
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= rough * (1 - 1e-9))
    step = max(1.0, step) if whole else step
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _axes(frame: _Frame) -> list[str]:
    foot, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in frame.y_ticks():
        y = frame.y(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" style="{_GRID}" stroke-width="0.5"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" style="{_INK}">{_number(tick)}</text>')
    for tick in _ticks(0, frame.x_high, 4, whole=True):
        parts.append(f'<text x="{frame.x(tick):.1f}" y="{foot + 14}" text-anchor="middle" style="{_INK}">{_number(tick)}</text>')
    parts.append(f'<path d="M{_LEFT} {_TOP}V{foot}H{right}" fill="none" style="stroke:var(--jp-ui-font-color2,#555)"/>')
    parts.append(f'<text x="{right}" y="{_HEIGHT - 3}" text-anchor="end" style="{_INK}">step</text>')
    return parts


def _line(frame: _Frame, curve: Curve, place: int) -> list[str]:
    if not curve.points:
        return []
    places = [(frame.x(x), frame.y(y)) for x, y in curve.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    faint = ' opacity="0.6"' if curve.faint else ""
    stroke = f'stroke="{_COLOURS[place % 4]}" stroke-dasharray="{_DASHES[place % 4]}" stroke-width="{1 if curve.faint else 2}"'
    parts = [f'<path d="M{path}" fill="none" {stroke}{faint}/>']
    if len(places) <= 30 and not curve.faint:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_COLOURS[place % 4]}"/>' for x, y in places]
    return parts


def _legend(curves: Sequence[Curve]) -> str:
    rows = []
    for k, curve in enumerate(curves):
        if curve.points:
            stroke = f'stroke="{_COLOURS[k % 4]}" stroke-width="2" stroke-dasharray="{_DASHES[k % 4]}"'
            swatch = f'<svg width="26" height="10" aria-hidden="true"><path d="M0 5H26" {stroke}/></svg>'
            rows.append(f"<span>{swatch} {escape(curve.label)} <b>{_number(curve.points[-1][1])}</b></span>")
    style = "display:flex;flex-wrap:wrap;gap:2px 14px;padding-left:8px;font-size:var(--jp-ui-font-size0,11px)"
    return f'<figcaption style="{style}">{"".join(rows)}</figcaption>'


def _number(value: float) -> str:
    return f"{value:.4g}"
