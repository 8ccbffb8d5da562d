"""The board on a terminal: one table a ranking.

Not here: printing it (harness/screen.py).
"""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from leaderboards.board import Board, Place, Ranking

_TRACK = 24
"""Characters of the drawn interval."""


def tables(board: Board, benchmark: str | None = None) -> Iterator[Table | Text]:
    """Each ranking's table, then what was left out."""
    for ranking in board.rankings:
        if benchmark in (None, ranking.benchmark):
            yield _table(ranking)
    for warning in board.warnings:
        yield Text(warning)


def _table(ranking: Ranking) -> Table:
    ranked = [place for place in ranking.places if place.rank is not None]
    title = f"{ranking.benchmark} · profile {ranking.profile} · {len(ranking.problems)} problems"
    if len(ranked) > 1:
        title += f", {ranking.num_informative} informative"
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for name in ("rank", "checkpoint", "pass@1, 95%", "", "n", "unscored", "tokens", "min", "cost"):
        left = name in ("checkpoint", "")
        table.add_column(name, justify="left" if left else "right", no_wrap=name != "checkpoint")
    table.add_column("date", no_wrap=True)
    scores = [place.score for place in ranking.places if place.score]
    low = min((score.low for score in scores), default=0.0)
    high = max((score.high for score in scores), default=1.0)
    for place in ranking.places:
        table.add_row(*_row(place, low, high), style="" if place.rank is not None else "dim")
    return table


def _row(place: Place, low: float, high: float) -> list[str]:
    tally = place.tally
    notes = [f"not ranked: {place.unranked}"] if place.unranked else []
    notes += ["imported"] if place.published else []
    notes += [f"round {place.row.round}, {place.row.decision}"] if place.row.round else []
    notes += {"checked": ["held apart"], "unchecked": ["not held apart"]}.get(
        place.contamination or "", []
    )
    name = place.row.name + (f"  ({', '.join(notes)})" if notes else "")
    score = place.score
    return [
        str(place.rank) if place.rank is not None else "–",
        escape(name),
        f"{score.value * 100:.1f} ±{score.half_width * 100:.1f}" if score else "nothing scored",
        _track(score.low, score.value, score.high, low, high) if score else "",
        str(score.num_problems if score else 0),
        str(tally.num_unscored),
        "–" if tally.tokens_out is None else f"{tally.tokens_out:.0f}",
        "–" if tally.generation_s is None else f"{tally.generation_s / 60:.1f}",
        "–" if place.cost is None else f"{place.cost:.2f}",
        tally.config.created.strftime("%Y-%m-%d"),
    ]


def _track(left: float, value: float, right: float, low: float, high: float) -> str:
    """An interval with its dot, on the axis from `low` to `high`.

    >>> _track(0.25, 0.5, 0.75, 0.0, 1.0)
    '      ├─────●────┤      '
    """
    span = max(high - low, 1e-9)
    cells = [" "] * _TRACK

    def at(rate: float) -> int:
        return min(_TRACK - 1, max(0, round((rate - low) / span * (_TRACK - 1))))

    for number in range(at(left), at(right) + 1):
        cells[number] = "─"
    cells[at(left)], cells[at(right)], cells[at(value)] = "├", "┤", "●"
    return "".join(cells)
