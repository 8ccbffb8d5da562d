"""A comparison as people read it: on a terminal, in a pull request, in a paper.

    screen.show(*terminal(comparison, num_flips=6))
    print(markdown(comparison)); print(latex(comparison))

Not here: how a comparison comes about (compare.py), its words (comparison.py).
"""

import re
from collections.abc import Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from leaderboards.comparison import (
    Comparison,
    Flip,
    Outcome,
    Rate,
    TypeDifference,
    p_text,
    points,
    power_sentence,
)

_MARKS = {"claim": "*", "exploratory": "?", "": ""}
_LEGEND = (
    "* holds among all these types (Holm, p < 0.05)   "
    "? p < 0.05 by itself: exploratory, not a claim"
)


def terminal(comparison: Comparison, *, num_flips: int = 6) -> list[RenderableType]:
    """The sentence, the table by type, and the flips; the first `num_flips` with their programs."""
    shown: list[RenderableType] = [*_opening(comparison)]
    if comparison.by_type:
        shown += ["", _types_table(comparison.by_type)]
        if any(line.mark for line in comparison.by_type):
            shown.append(_LEGEND)
    for title, flips in (("fixed", comparison.fixed), ("broken", comparison.broken)):
        if flips:
            shown += ["", f"{title}: {len(flips)}", *(_flip_line(flip) for flip in flips)]
    chosen = _some_of_each(comparison, num_flips)
    for flip in chosen:
        shown += ["", *_flip_in_full(flip)]
    if len(chosen) < len(comparison.flips):
        shown += [
            "",
            f"{len(chosen)} of {len(comparison.flips)} flips are shown with their programs: "
            f"--flips {len(comparison.flips)}",
        ]
    return shown


def against_baseline(comparison: Comparison) -> list[RenderableType]:
    """What `harness eval --baseline` adds to its result: the sentence and what it rests on."""
    return [
        f"against {comparison.a.run}:",
        comparison.sentence,
        *_notes(comparison),
    ]


def markdown(comparison: Comparison) -> str:
    """For a pull request: the sentence, the sides, the types, the flips folded away."""
    lines = [comparison.sentence, ""]
    lines += _markdown_table(
        ("", "checkpoint", "pass@1", "run"),
        [
            (letter, _cell(side.checkpoint), _rate(side.rate), f"`{side.run}`")
            for letter, side in (("A", comparison.a), ("B", comparison.b))
        ],
    )
    lines += [*(f"\n> {warning}" for warning in comparison.warnings)]
    if (note := power_sentence(comparison)) is not None:
        lines += ["", note]
    if comparison.by_type:
        rows = [tuple(_cell(cell) for cell in _type_cells(line)) for line in comparison.by_type]
        lines += ["", *_markdown_table(_TYPE_COLUMNS, rows), "", _LEGEND]
    for title, flips in (("Fixed", comparison.fixed), ("Broken", comparison.broken)):
        if flips:
            lines += ["", f"<details><summary>{title}: {len(flips)}</summary>", ""]
            lines += [f"- `{flip.task_id}` {_code_span(_why(_loser(flip)))}" for flip in flips]
            lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def latex(comparison: Comparison) -> str:
    """A table by type for a paper, with booktabs; its caption is the sentence."""
    columns = ("type", "$n$", "A", "B", "B $-$ A", "fixed", "broken", "$p$ (Holm)")
    body = [[_tex(cell) for cell in _type_cells(line)] for line in comparison.by_type]
    difference = comparison.difference
    total = [
        "all",
        str(difference.num_problems),
        f"{100 * comparison.a.rate.value:.1f}",
        f"{100 * comparison.b.rate.value:.1f}",
        _tex(points(difference.value)),
        str(difference.num_fixed),
        str(difference.num_broken),
        _tex(_p_cell(difference.p_value)),
    ]
    rows = [" & ".join(row) + r" \\" for row in body]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{A: {_tex(comparison.a.checkpoint)}, B: {_tex(comparison.b.checkpoint)}, "
        rf"{_tex(comparison.a.benchmark)}. {_tex(comparison.sentence)}}}",
        r"\begin{tabular}{lrrrrrrr}",
        r"\toprule",
        " & ".join(columns) + r" \\",
        r"\midrule",
        *rows,
        *([r"\midrule"] if rows else []),
        " & ".join(total) + r" \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


# --- the parts -----------------------------------------------------------------------------


def _opening(comparison: Comparison) -> list[str]:
    lines = [comparison.sentence, ""]
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        left_out = f", {side.num_left_out} problems left out" if side.num_left_out else ""
        unscored = f", {side.num_unscored} samples unscored" if side.num_unscored else ""
        lines.append(
            f"{letter}  {_rate(side.rate):<22} {side.checkpoint} · {side.benchmark} · "
            f"{side.profile}{left_out}{unscored}\n   {side.run}"
        )
    if len(comparison.by_suite) > 1:
        parts = [
            f"{suite} {points(found.value)} ({found.num_fixed} fixed, {found.num_broken} broken, "
            f"{p_text(found.p_value)})"
            for suite, found in comparison.by_suite.items()
        ]
        lines.append("by suite: " + ";  ".join(parts))
    if (spread := comparison.spread) is not None and spread.total > 0:
        lines.append(
            f"of the variance of one sample's difference, {_share(spread.data, spread.total)} is "
            f"between problems and {_share(spread.prediction, spread.total)} between samples"
        )
    return lines + _notes(comparison)


def _notes(comparison: Comparison) -> list[str]:
    note = power_sentence(comparison)
    warnings = [f"warning: {warning}" for warning in comparison.warnings]
    return warnings if note is None else [note, *warnings]


def _share(part: float, total: float) -> str:
    return f"{max(0.0, part / total):.0%}"


def _rate(rate: Rate) -> str:
    return f"{rate.value:.1%} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


_TYPE_COLUMNS = ("type", "n", "A", "B", "B − A", "fixed", "broken", "p (Holm)")


def _type_cells(line: TypeDifference) -> tuple[str, ...]:
    found = line.difference
    return (
        line.type,
        str(found.num_problems),
        f"{100 * line.rate_a:.1f}",
        f"{100 * line.rate_b:.1f}",
        points(found.value),
        str(found.num_fixed),
        str(found.num_broken),
        f"{_p_cell(line.p_holm)}{_MARKS[line.mark]}",
    )


def _p_cell(p_value: float) -> str:
    return p_text(p_value).removeprefix("p = ").removeprefix("p ")


def _types_table(types: Sequence[TypeDifference]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _TYPE_COLUMNS:
        table.add_column(column, justify="left" if column == "type" else "right", no_wrap=True)
    for line in types:
        table.add_row(*(escape(cell) for cell in _type_cells(line)))
    return table


def _some_of_each(comparison: Comparison, num_flips: int) -> list[Flip]:
    """The first of either kind in turn: what breaks must not hide behind what is fixed."""
    fixed, broken = comparison.fixed, comparison.broken
    num_broken = min(len(broken), max(num_flips // 2, num_flips - len(fixed)))
    return [*fixed[: num_flips - num_broken], *broken[:num_broken]]


def _loser(flip: Flip) -> Outcome:
    return flip.a if flip.kind == "fixed" else flip.b


def _flip_line(flip: Flip) -> str:
    side = "A" if flip.kind == "fixed" else "B"
    kind = f" ({flip.type})" if flip.type else ""
    mark = "✓" if flip.kind == "fixed" else "✗"
    return f"  {mark} {flip.task_id}{kind}  {side} {_why(_loser(flip))}"


def _why(outcome: Outcome) -> str:
    """How a side failed, in a line."""
    several = outcome.num_samples > 1
    count = f"{outcome.num_passed} of {outcome.num_samples} passed; " if several else ""
    said = f"{count}{outcome.suite} {outcome.status.value}"
    if outcome.failure is not None:
        said += f": {outcome.failure.input}"
        if outcome.failure.got not in ("", "unknown"):
            said += f" → {outcome.failure.got}"
    return " ".join(said.split())[:200]


def _flip_in_full(flip: Flip) -> list[str]:
    lines = [f"── {flip.task_id} {flip.kind} " + "─" * 40]
    for letter, outcome in (("A", flip.a), ("B", flip.b)):
        counts = f"{outcome.num_passed} of {outcome.num_samples} samples pass"
        lines += ["", f"{letter} #{outcome.index}: {outcome.status.value}, {counts}"]
        lines.append(outcome.code.rstrip() or "(its program is not published)")
        if outcome.failure is not None:
            failure = outcome.failure
            told = (("input", failure.input), ("expected", failure.expected), ("got", failure.got))
            lines += [f"  {label:>9}  {text}" for label, text in told]
        if outcome.stderr.strip():
            lines += [f"  {line}" for line in outcome.stderr.strip().splitlines()[-8:]]
    return lines


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(columns)} |",
        f"|{'|'.join('---' for _ in columns)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _cell(text: str) -> str:
    """Text in a table of Markdown: no bar ends the cell, no star begins an emphasis."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def _code_span(text: str) -> str:
    """Text as code, whatever ticks are in it."""
    longest = max((len(run) for run in _ticks(text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def _ticks(text: str) -> list[str]:
    return re.findall("`+", text)


_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": r"$-$",
    "—": "---",
    "≈": r"$\approx$",
    "<": r"$<$",
    ">": r"$>$",
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in text)
