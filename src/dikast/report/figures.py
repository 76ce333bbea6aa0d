"""Figures as SVG text: points with their intervals, and curves of a run. No script, nothing from outside.

Colours are CSS classes of the page, so that they follow light and dark; series differ in shape too, and
every point carries its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import msgspec

from dikast.report.words import interval, number

_WIDTH, _LABELS, _PLOT, _ROW, _GAP, _TOP, _BOTTOM = 580, 152, 216, 36, 12, 8, 42
_PANEL_WIDTH, _PANEL_HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 260, 150, 34, 10, 10, 24
_BAR_WIDTH, _BAR_HEIGHT, _BAR_MARGIN = 96, 16, 5
_MOST_STEPS = 4
_LEAST_SPAN = 1e-9


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A value with its bounds."""

    value: float
    low: float | None
    high: float | None
    note: str
    series: int = 0
    bound: float | None = None
    """A further bound, drawn as a bar of its own."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Marks that belong to one label."""

    label: str
    marks: tuple[Mark, ...]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """A linear axis."""

    low: float
    high: float
    ticks: tuple[float, ...]
    name: str = ""

    def share(self, value: float) -> float:
        """Where a value lies, 0..1; what is beyond the axis stands at its end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def axis_around(values: Sequence[float], *, name: str = "") -> Axis:
    """An axis that holds all values and zero, with ticks at round numbers."""
    low, high = min(0.0, *values), max(0.0, *values)
    step = _step(high - low)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(at * step for at in range(first, max(last, first + 1) + 1))
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks, name=name)


def _step(span: float) -> float:
    """Gives 1, 2 or 5 times a power of ten: the smallest that parts a span into few enough steps."""
    if span < _LEAST_SPAN:
        return 1.0
    power = math.floor(math.log10(span))
    steps = (head * 10.0**ten for ten in (power - 1, power) for head in (1, 2, 5))
    return next(step for step in steps if span / step <= _MOST_STEPS)


def interval_figure(rows: Sequence[Row], axis: Axis, *, title: str, zero: bool = False) -> str:
    """Draws a row for each label: its marks with their intervals on one axis, the numbers beside them."""
    parts: list[str] = []
    y = float(_TOP)
    for row in rows:
        height = _ROW * len(row.marks)
        parts.append(f'<text class="label" x="{_LABELS - 12}" y="{y + height / 2 + 5:.0f}">{escape(row.label)}</text>')
        for at, mark in enumerate(row.marks):
            parts.append(_mark(mark, axis, y + _ROW * at + _ROW / 2))
        y += height + _GAP
    bottom = y - _GAP / 2
    frame = [_vertical(axis, tick, bottom, strong=zero and abs(tick) < 1e-12) for tick in axis.ticks]
    frame.append(f'<text class="tick" x="{_LABELS + _PLOT / 2:.0f}" y="{bottom + 35:.0f}">{escape(axis.name)}</text>')
    return _svg(_WIDTH, bottom + _BOTTOM, title, [*frame, *parts])


def curve_figure(runs: Sequence[Sequence[tuple[float, float]]], axis: Axis, *, title: str) -> str:
    """Draws one value over the steps: each run as a thin line and their mean as a thick one."""
    steps = sorted({step for run in runs for step, _ in run})
    first, last = steps[0], steps[-1]
    mean = [(step, _mean([value for run in runs for at, value in run if at == step])) for step in steps]
    floor = _PANEL_HEIGHT - _BELOW

    def place(step: float, value: float) -> tuple[float, float]:
        across = (step - first) / (last - first) if last > first else 0.5
        x = _LEFT + across * (_PANEL_WIDTH - _LEFT - _RIGHT)
        return x, floor - axis.share(value) * (floor - _ABOVE)

    parts: list[str] = []
    for tick in axis.ticks:
        _, y = place(first, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_PANEL_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{_LEFT - 6}" y="{y + 4:.1f}">{number(tick, 1)}</text>')
    for step in {first, last}:
        x, _ = place(step, axis.low)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{floor + 18}">{step:g}</text>')
    if len(runs) > 1:
        parts += [_line([place(*point) for point in run], "thin") for run in runs]
    points = [place(*point) for point in mean]
    parts.append(_line(points, "curve"))
    parts += [f'<circle class="s0" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in points]
    return _svg(_PANEL_WIDTH, _PANEL_HEIGHT, title, parts)


def interval_bar(value: float, low: float | None, high: float | None, *, limit: float | None, title: str) -> str:
    """Draws one figure on an axis from 0 to 1, small enough for a cell; a dashed line stands at the limit."""
    axis, middle = Axis(low=0, high=1, ticks=()), _BAR_HEIGHT / 2

    def place(share: float) -> float:
        return _BAR_MARGIN + axis.share(share) * (_BAR_WIDTH - 2 * _BAR_MARGIN)

    parts = [f'<line class="track" x1="{place(0)}" x2="{place(1)}" y1="{middle}" y2="{middle}"/>']
    if limit is not None:
        parts.append(f'<line class="limit" x1="{place(limit):.1f}" x2="{place(limit):.1f}" y1="0" y2="{_BAR_HEIGHT}"/>')
    if low is not None and high is not None:
        parts.append(
            f'<line class="s0 span" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{middle}" y2="{middle}"/>'
        )
    parts.append(f'<circle class="s0" cx="{place(value):.1f}" cy="{middle}" r="3"/>')
    return _svg(_BAR_WIDTH, _BAR_HEIGHT, title, parts)


def _mark(mark: Mark, axis: Axis, y: float) -> str:
    x = _LABELS + axis.share(mark.value) * _PLOT
    name = f"s{mark.series}"
    parts: list[str] = []
    if mark.low is not None and mark.high is not None:
        low, high = (_LABELS + axis.share(bound) * _PLOT for bound in (mark.low, mark.high))
        parts.append(f'<line class="{name} whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.0f}" y2="{y:.0f}"/>')
        parts += [
            f'<line class="{name} cap" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 5:.0f}" y2="{y + 5:.0f}"/>'
            for at in (low, high)
        ]
    if mark.bound is not None:
        at = _LABELS + axis.share(mark.bound) * _PLOT
        parts.append(f'<path class="s1" d="M{at:.1f} {y - 11:.0f}v22h-3v-22z"/>')
    if mark.series:
        parts.append(f'<path class="{name}" d="M{x:.1f} {y - 7:.0f}l7 7l-7 7l-7 -7z"/>')
    else:
        parts.append(f'<circle class="{name}" cx="{x:.1f}" cy="{y:.0f}" r="6"/>')
    side = _LABELS + _PLOT + 22
    parts.append(f'<text class="value" x="{side}" y="{y - 1:.0f}">{interval(mark.value, mark.low, mark.high)}</text>')
    parts.append(f'<text class="note" x="{side}" y="{y + 13:.0f}">{escape(mark.note)}</text>')
    return "".join(parts)


def _vertical(axis: Axis, tick: float, bottom: float, *, strong: bool) -> str:
    x = _LABELS + axis.share(tick) * _PLOT
    name = "zero" if strong else "grid"
    return (
        f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom:.0f}"/>'
        f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.0f}">{number(tick, 0 if tick == int(tick) else 2).rstrip()}</text>'
    )


def _line(points: Sequence[tuple[float, float]], name: str) -> str:
    return f'<polyline class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
