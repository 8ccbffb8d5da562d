"""The board's tables as the templates print them: text, drawings and attributes, line by line.

Not here: what the numbers are (board.py), the script's data (content.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from harness.stats import Estimate
from leaderboards.board import Board, Place, Ranking
from leaderboards.page import figures
from leaderboards.page.content import UNKNOWN
from leaderboards.problems import Typed

MAX_OTHERS = 3
"""Columns of other benchmarks in a ranking's table."""


@dataclass(frozen=True, slots=True)
class Mark:
    text: str
    title: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """The same checkpoint on another benchmark."""

    run: str
    score: Estimate


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a ranking's table."""

    number: int
    place: Place
    run: str
    kind: str
    opens_tier: bool
    attributes: Markup
    sub: str
    marks: tuple[Mark, ...]
    base: Estimate | None
    figure: Markup
    n: str
    tokens: str
    minutes: str
    cost: str
    date: str
    command: str
    others: tuple[Other | None, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the heat map."""

    run: str
    percent: str
    n: int
    hue: str
    alpha: str
    title: str


@dataclass(frozen=True, slots=True)
class HeatLine:
    name: str
    n: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    percent: str
    half: str
    figure: Markup


@dataclass(frozen=True, slots=True)
class Column:
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Heat:
    """The heat map of a ranking, and the first checkpoint's bars beside it."""

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[HeatLine, ...]
    bars: tuple[Bar, ...]
    radar: Markup | None


@dataclass(frozen=True, slots=True)
class Shows:
    """Columns that any row has something to say in."""

    tokens: bool
    minutes: bool
    cost: bool


@dataclass(frozen=True, slots=True)
class RankingLines:
    key: str
    benchmark: str
    profile: str
    ambiguous: bool
    """Whether another ranking has the same benchmark."""
    places: tuple[Place, ...]
    caption: str
    legend: str
    ticks: str
    """The axis in words, where the table has no room for its head."""
    scale: Markup
    grid: Markup
    """The axis' lines behind all rows, as a background."""
    shows: Shows
    others: tuple[Ranking, ...]
    lines: tuple[Line, ...]
    heat: Heat | None


def percent(rate: float) -> str:
    return f"{rate * 100:.1f}"


def ranking_lines(board: Board, typed: Typed) -> RankingLines:
    """One ranking, ready to be printed."""
    ranking = typed.ranking
    others = [other for other in board.rankings if other.benchmark != ranking.benchmark]
    axis = figures.axis_of(_drawn(ranking))
    names = {place.row.name for place in ranking.places}
    shown = tuple(
        other for other in others if any(place.row.name in names for place in other.places)
    )[:MAX_OTHERS]
    found = [
        {place.row.name: Other(place.tally.run.id, place.score)
         for place in reversed(other.places) if place.score}
        for other in shown
    ]  # fmt: skip
    lines: list[Line] = []
    for number, place in enumerate(ranking.places):
        above = ranking.places[number - 1].rank if number else None
        lines.append(
            _line(number, place, above, axis, [by_name.get(place.row.name) for by_name in found])
        )
    shows = Shows(
        tokens=any(line.tokens != UNKNOWN for line in lines),
        minutes=any(line.minutes != UNKNOWN for line in lines),
        cost=any(line.cost != UNKNOWN for line in lines),
    )
    return RankingLines(
        key=ranking.key,
        benchmark=ranking.benchmark,
        profile=ranking.profile,
        ambiguous=sum(other.benchmark == ranking.benchmark for other in board.rankings) > 1,
        places=ranking.places,
        caption=_caption(ranking),
        legend=_legend(ranking, shows),
        ticks=", ".join(f"{tick * 100:.0f}" for tick in axis.ticks),
        scale=figures.scale(axis),
        grid=figures.grid(axis),
        shows=shows,
        others=shown,
        lines=tuple(lines),
        heat=_heat(typed) if typed.types else None,
    )


def _drawn(ranking: Ranking) -> list[Estimate]:
    """What has to have room on the axis: intervals, and the ticks of the base tests."""
    found: list[Estimate] = []
    for place in ranking.places:
        if place.score is not None:
            base = place.rates[place.tally.config.suites[0]].value
            found += [place.score, Estimate(base, base, base, 0)]
    return found


def _caption(ranking: Ranking) -> str:
    ranked = sum(place.rank is not None for place in ranking.places)
    parts = [f"profile {ranking.profile}", f"{len(ranking.problems)} problems"]
    if ranked > 1:
        parts.append(f"{ranking.num_informative} of them tell the ranked checkpoints apart")
    return " · ".join(parts)


def _legend(ranking: Ranking, shows: Shows) -> str:
    suites = {place.tally.config.suites for place in ranking.places}
    parts = ["The line is the 95 % interval"]
    if any(len(names) > 1 for names in suites):
        parts.append("the thin tick the base tests alone")
    if any(place.published for place in ranking.places):
        parts.append("a hollow dot an imported verdict")
    unknown = [name for name in ("tokens", "minutes", "cost") if not getattr(shows, name)]
    text = ", ".join(parts) + ". Rows that share a rank can't be told from the best of them."
    return f"{text} Not known of any row: {', '.join(unknown)}." if unknown else text


def _line(
    number: int,
    place: Place,
    rank_above: int | None,
    axis: figures.Axis,
    others: Sequence[Other | None],
) -> Line:
    tally, config = place.tally, place.tally.config
    kind = "unranked" if place.rank is None else "published" if place.published else "ranked"
    suites = config.suites
    base = place.rates.get(suites[0]) if len(suites) > 1 else None
    per_problem = round(tally.num_samples / tally.num_problems) if tally.num_problems else 0
    n = str(place.score.num_problems if place.score else 0)
    return Line(
        number=number,
        place=place,
        run=tally.run.id,
        kind=kind,
        opens_tier=place.rank != rank_above or number == 0,
        attributes=_attributes(place),
        sub=_sub(place),
        marks=tuple(_marks(place)),
        base=base,
        figure=figures.whisker(axis, place.score, base, kind=kind) if place.score else Markup(""),
        n=f"{n}×{per_problem}" if per_problem > 1 else n,
        tokens=UNKNOWN if tally.tokens_out is None else f"{tally.tokens_out:.0f}",
        minutes=UNKNOWN if tally.generation_s is None else f"{tally.generation_s / 60:.1f}",
        cost=UNKNOWN if place.cost is None else f"{place.cost:.2f}",
        date=config.created.strftime("%Y-%m-%d"),
        command=config.command or "not known",
        others=tuple(others),
    )


def _sub(place: Place) -> str:
    config = place.tally.config
    parts: list[str] = []
    if place.unranked:
        parts.append(f"not ranked: {place.unranked}")
    if place.row.parent:
        parts.append(f"round {place.row.round}, from {place.row.parent}")
    elif config.checkpoint.base:
        parts.append(f"on {config.checkpoint.base}")
    if config.generation is not None:
        parts.append(f"{config.generation.prompt_form}, T {config.generation.temperature:g}")
    elif not place.published:
        parts.append("recorded replies")
    return " · ".join(parts)


def _marks(place: Place) -> list[Mark]:
    marks: list[Mark] = []
    if place.published:
        marks.append(Mark("imported", "verdicts as published: another judge, another machine"))
    if any("version" in note for note in place.notes):
        marks.append(Mark("other version", "of the benchmark: paired by task ID"))
    if place.row.decision:
        title = "what its round decided on the hold-out problems"
        marks.append(Mark(place.row.decision, title))
    if place.contamination == "checked":
        title = "its training data was held against this benchmark; what matched was kept out"
        marks.append(Mark("✓ held apart", title, "good"))
    elif place.contamination == "unchecked":
        title = "its training data was not held against this benchmark"
        marks.append(Mark("✗ not held apart", title, "bad"))
    return marks


def _attributes(place: Place) -> Markup:
    """What the script sorts and filters by."""
    tally = place.tally
    values: Mapping[str, object] = {
        "name": place.row.name,
        "rank": place.rank,
        "score": place.score.value if place.score else None,
        "score-n": None,
        "unscored": tally.num_unscored,
        "tokens": tally.tokens_out,
        "minutes": tally.generation_s,
        "cost": place.cost,
        "date": tally.config.created.isoformat(),
        "size": place.row.size,
        "base": place.row.checkpoint.base,
        "round": place.row.round,
        "decision": place.row.decision,
    }
    text = " ".join(
        f'data-{name}="{escape(value)}"' for name, value in values.items() if value is not None
    )
    return Markup(text)


def _heat(typed: Typed) -> Heat:
    ranking = typed.ranking
    lines: list[HeatLine] = []
    for number, kind in enumerate(typed.types):
        cells = tuple(
            _cell(place, kind, rates[number])
            for place, rates in zip(ranking.places, typed.by_type, strict=True)
        )
        lines.append(HeatLine(kind, len(typed.columns[kind]), cells))
    first = typed.by_type[0]
    axis = figures.Axis(0.0, 1.0, 200)
    bars = tuple(
        Bar(kind, percent(rate.value), percent(rate.half_width), figures.whisker(axis, rate))
        for kind, rate in zip(typed.types, first, strict=True)
        if rate is not None
    )
    known = [(kind, rate) for kind, rate in zip(typed.types, first, strict=True) if rate]
    return Heat(
        caption=f"pass@1 in percent, n problems, {len(typed.types)} types",
        columns=tuple(Column(n, _column_name(place)) for n, place in enumerate(ranking.places)),
        lines=tuple(lines),
        bars=bars,
        radar=figures.radar(known) if len(known) > 2 else None,
    )


def _column_name(place: Place) -> str:
    return f"{place.row.name}, imported" if place.published else place.row.name


def _cell(place: Place, kind: str, rate: Estimate | None) -> Cell | None:
    if rate is None:
        return None
    # How far from one half, either way, is the hue's strength; how sure, its opacity.
    distance = abs(rate.value - 0.5) * 2
    sureness = max(0.15, 1 - rate.half_width / 0.4)
    interval = f"[{percent(rate.low)}, {percent(rate.high)}]"
    return Cell(
        run=place.tally.run.id,
        percent=f"{rate.value * 100:.0f}",
        n=rate.num_problems,
        hue="blue" if rate.value >= 0.5 else "orange",
        alpha=f"{0.06 + 0.6 * distance * sureness:.2f}",
        title=f"{place.row.name}, {kind}: {percent(rate.value)} {interval}, n {rate.num_problems}",
    )
