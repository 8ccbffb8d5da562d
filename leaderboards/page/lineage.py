"""The lineage of a loop: rounds from left to right, checkpoints by their hold-out pass@1.

Each child stands in its round's column, at its measured height, with its interval; a line leads
from its parent. Rejected children are grey and stay. Under each column is the data plan that
caused the step.

Not here: reading rounds (rounds.py), deciding them (harness/loop.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from harness.records import Measured, Round
from harness.stats import Estimate
from leaderboards.page.figures import Axis, axis_of

_LEFT, _COLUMN, _PLOT, _TOP = 44, 168, 260, 14
_LINE = 15
MARKS = {"promoted": "●", "rejected": "✗", "inconclusive": "◇"}


@dataclass(frozen=True, slots=True)
class Loop:
    """The rounds of one loop, drawn."""

    name: str
    rounds: tuple[Round, ...]
    drawing: Markup


@dataclass(frozen=True, slots=True)
class _Node:
    """A checkpoint in the drawing."""

    x: float
    measured: Measured
    name: str
    decision: str
    """Empty for what the loop began with."""


def loops(rounds: Sequence[Round]) -> list[Loop]:
    """A drawing for each loop."""
    by_loop = groupby(sorted(rounds, key=lambda made: made.loop), key=lambda made: made.loop)
    return [_draw(name, tuple(sorted(made, key=lambda r: r.number))) for name, made in by_loop]


def _draw(name: str, rounds: tuple[Round, ...]) -> Loop:
    nodes = _nodes(rounds)
    axis = axis_of([_estimate(node.measured) for node in nodes.values()])
    plans = [_plan(made) for made in rounds]
    columns = _columns(rounds)
    num_lines = max((sum(len(plans[n]) + 1 for n in column) for column in columns), default=0)
    width = _LEFT + _COLUMN * (len(columns) + 1)
    height = _TOP + _PLOT + 44 + _LINE * num_lines
    parts = [_grid(axis, width)]
    for number, column in enumerate(columns, start=1):
        x = _LEFT + _COLUMN * number + _COLUMN / 2
        parts.append(_text(x, _TOP + _PLOT + 22, f"round {rounds[column[0]].number}", "column"))
        y = _TOP + _PLOT + 42
        for n in column:
            for line in plans[n]:
                parts.append(_text(x, y, line, "plan" if line is not plans[n][0] else "method"))
                y += _LINE
            y += _LINE
    parts.append(_text(_LEFT + _COLUMN / 2, _TOP + _PLOT + 22, "start", "column"))
    for made in rounds:
        parent = nodes.get(made.parent.identity)
        child = nodes.get(made.child.identity) if made.child else None
        if parent and child:
            parts.append(_edge(axis, parent, child))
    parts += [_node(axis, node) for node in nodes.values()]
    label = f"Lineage of {name}: {len(rounds)} rounds; the table below says the same"
    drawing = Markup(
        f'<svg class="lineage" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
    return Loop(name, rounds, drawing)


def _columns(rounds: Sequence[Round]) -> list[list[int]]:
    """Numbers of the rounds that share a column: the arms of one round."""
    columns: dict[int, list[int]] = {}
    for number, made in enumerate(rounds):
        columns.setdefault(made.number, []).append(number)
    return [columns[key] for key in sorted(columns)]


def _nodes(rounds: Sequence[Round]) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for position, column in enumerate(_columns(rounds), start=1):
        for arm, number in enumerate(column):
            made = rounds[number]
            if made.parent.identity not in nodes:
                x = _LEFT + _COLUMN * (position - 1) + _COLUMN / 2
                nodes[made.parent.identity] = _Node(x, made.before, made.parent.name, "")
            if made.child is not None and made.after is not None:
                # Arms stand beside one another, so that their intervals don't lie on one line.
                shift = (arm - (len(column) - 1) / 2) * 34
                x = _LEFT + _COLUMN * position + _COLUMN / 2 + shift
                nodes[made.child.identity] = _Node(x, made.after, made.child.name, made.decision)
    return nodes


def _plan(made: Round) -> list[str]:
    """What was trained on, in a few short lines."""
    arm = f" · {made.arm}" if made.arm else ""
    rows = f" · {sum(made.quotas.values())} rows" if made.quotas else ""
    lines = [f"{MARKS[made.decision]} {made.method}{arm}{rows}"]
    ranked = sorted(made.quotas.items(), key=lambda quota: (-quota[1], quota[0]))
    lines += [f"{_cut(kind, 18)} {count}" for kind, count in ranked[:4]]
    if len(ranked) > 4:
        lines.append(f"and {len(ranked) - 4} types more")
    return lines


def _y(axis: Axis, rate: float) -> float:
    share = (rate - axis.low) / (axis.high - axis.low)
    return round(_TOP + _PLOT * (1 - min(1.0, max(0.0, share))), 1)


def _grid(axis: Axis, width: float) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{width}" y1="{_y(axis, tick)}" y2="{_y(axis, tick)}"/>'
        + _text(_LEFT - 8, _y(axis, tick) + 4, f"{tick * 100:.0f}", "tick")
        for tick in axis.ticks
    )


def _node(axis: Axis, node: _Node) -> str:
    x, y = node.x, _y(axis, node.measured.value)
    low, high = _y(axis, node.measured.low), _y(axis, node.measured.high)
    marks = {
        "promoted": f'<circle cx="{x}" cy="{y}" r="5.5"/>',
        "rejected": f'<path d="M{x - 4} {y - 4}L{x + 4} {y + 4}M{x - 4} {y + 4}L{x + 4} {y - 4}"/>',
        "inconclusive": f'<path d="M{x} {y - 6}L{x + 6} {y}L{x} {y + 6}L{x - 6} {y}Z"/>',
    }
    mark = marks.get(node.decision, f'<circle cx="{x}" cy="{y}" r="4"/>')
    label = f"{node.measured.value * 100:.1f}"
    return (
        f'<g class="node {node.decision or "start"}">'
        f"<title>{escape(node.name)}: {label} ({escape(node.decision or 'start')})</title>"
        f'<line class="interval" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>{mark}'
        + _text(x + 10, y - 6, label, "value")
        + _text(x + 10, y + 9, _cut(node.name, 15), "name")
        + "</g>"
    )


def _edge(axis: Axis, parent: _Node, child: _Node) -> str:
    start, end = _y(axis, parent.measured.value), _y(axis, child.measured.value)
    middle = (parent.x + child.x) / 2
    return (
        f'<path class="edge {child.decision}" d="M{parent.x} {start}C{middle} {start} '
        f'{middle} {end} {child.x} {end}"/>'
    )


def _estimate(measured: Measured) -> Estimate:
    return Estimate(measured.value, measured.low, measured.high, measured.num_problems)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
