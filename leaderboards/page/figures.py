"""The page's drawings: inline SVG that takes its colours from the style sheet.

Lengths are in the drawing's own units, one a CSS pixel at its natural size. Text is text, so that
it can be selected and read aloud; a drawing that repeats what its table says is hidden from
screen readers.

Not here: what is drawn where (templates/), and any number that is not handed in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from harness.stats import Estimate

WIDTH, HEIGHT = 240, 26
_PAD = 8
_CELL_PAD = 6
"""Left of a drawing in its cell: `.figure` in board.css."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A common axis of rates, from one tick to another."""

    low: float
    high: float
    width: int = WIDTH

    def x(self, rate: float) -> float:
        share = (rate - self.low) / (self.high - self.low)
        return round(_PAD + min(1.0, max(0.0, share)) * (self.width - 2 * _PAD), 1)

    @property
    def ticks(self) -> list[float]:
        """Every 10 points, or 20 where that would be many."""
        step = 0.1 if self.high - self.low <= 0.6 else 0.2
        first = math.ceil(round(self.low / step, 6))
        return [
            round(number * step, 1)
            for number in range(first, first + 12)
            if number * step <= self.high + 1e-9
        ]


def axis_of(estimates: Sequence[Estimate], width: int = WIDTH) -> Axis:
    """The axis that holds all these intervals, from ten to ten; at least 30 points long.

    >>> axis = axis_of([Estimate(0.53, 0.45, 0.61, 164)])
    >>> axis.low, axis.high, axis.ticks
    (0.4, 0.7, [0.4, 0.5, 0.6, 0.7])
    """
    low = math.floor(round(min((e.low for e in estimates), default=0.0) * 10, 6)) / 10
    high = math.ceil(round(max((e.high for e in estimates), default=1.0) * 10, 6)) / 10
    while high - low < 0.3 - 1e-9:
        low, high = max(0.0, round(low - 0.1, 1)), min(1.0, round(high + 0.1, 1))
    return Axis(low, high, width)


def scale(axis: Axis) -> Markup:
    """The axis in a table's head."""
    labels = "".join(
        f'<text x="{axis.x(tick)}" y="12" text-anchor="middle">{tick * 100:.0f}</text>'
        f'<line x1="{axis.x(tick)}" x2="{axis.x(tick)}" y1="16" y2="20"/>'
        for tick in axis.ticks
    )
    return _svg(axis.width, 20, labels, "scale")


def grid(axis: Axis) -> Markup:
    """The axis' lines as a CSS background, so that they run through all rows of a table."""
    return Markup(
        ", ".join(
            f"linear-gradient(var(--line), var(--line)) {axis.x(tick) + _CELL_PAD}px 0/1px 100% no-repeat"
            for tick in axis.ticks
        )
    )


def whisker(
    axis: Axis,
    score: Estimate,
    base: Estimate | None = None,
    *,
    kind: Literal["ranked", "published", "unranked"] = "ranked",
) -> Markup:
    """A dot on its interval. Hollow: published; dashed: not ranked. The tick is the base tests'."""
    middle = HEIGHT / 2
    grid = "".join(
        f'<line class="grid" x1="{axis.x(tick)}" x2="{axis.x(tick)}" y1="0" y2="{HEIGHT}"/>'
        for tick in axis.ticks
    )
    low, high, dot = axis.x(score.low), axis.x(score.high), axis.x(score.value)
    tick = ""
    if base is not None:
        x = axis.x(base.value)
        tick = f'<line class="base" x1="{x}" x2="{x}" y1="{middle - 5}" y2="{middle + 5}"/>'
    line = (
        f'<line class="interval" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
        f'<line class="end" x1="{low}" x2="{low}" y1="{middle - 3}" y2="{middle + 3}"/>'
        f'<line class="end" x1="{high}" x2="{high}" y1="{middle - 3}" y2="{middle + 3}"/>'
    )
    circle = f'<circle cx="{dot}" cy="{middle}" r="4.5"/>'
    return _svg(axis.width, HEIGHT, grid + tick + line + circle, f"whisker {kind}")


def _svg(width: float, height: float, inner: str, kind: str) -> Markup:
    return Markup(
        f'<svg class="{escape(kind)}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" aria-hidden="true" focusable="false">{inner}</svg>'
    )


def radar(rates: Sequence[tuple[str, Estimate]]) -> Markup:
    """Rates by type around a circle: no interval can be drawn on it."""
    size, center, radius = 300, 150, 100

    def point(number: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * number / len(rates) - math.pi / 2
        x = center + radius * share * math.cos(angle)
        return round(x, 1), round(center + radius * share * math.sin(angle), 1)

    parts = [f'<circle cx="{center}" cy="{center}" r="{radius * share}"/>' for share in (0.5, 1.0)]
    for number, (name, _) in enumerate(rates):
        x, y = point(number, 1.0)
        parts.append(f'<line x1="{center}" y1="{center}" x2="{x}" y2="{y}"/>')
        x, y = point(number, 1.12)
        anchor = "middle" if abs(x - center) < 12 else "start" if x > center else "end"
        short = name if len(name) <= 14 else name[:13] + "…"
        parts.append(f'<text x="{x}" y="{y + 4}" text-anchor="{anchor}">{escape(short)}</text>')
    corners = " ".join("{},{}".format(*point(n, rate.value)) for n, (_, rate) in enumerate(rates))
    parts.append(f'<polygon points="{corners}"/>')
    return _svg(size, size, "".join(parts), "radar-figure")
